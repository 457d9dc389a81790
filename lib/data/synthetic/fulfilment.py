"""Fulfilment: when orders are shipped, completed, cancelled and refunded, and which of their items come back."""

from dataclasses import dataclass

import numpy as np

from lib.data.synthetic.arrays import DAY
from lib.data.synthetic.products import Lines

__all__ = [
    "CANCELLED_AFTER",
    "CANCELLED_SHARE",
    "REFUNDED_SHARE",
    "REFUND_AFTER",
    "REFUND_MORE",
    "RETURNED_SHARE",
    "STATUSES",
    "Fulfilment",
    "cancelled_by",
    "completed_share",
    "draw_fulfilment",
    "refunded_by",
]

STATUSES = ["pending", "shipped", "completed", "cancelled", "refunded"]
PENDING, SHIPPED, COMPLETED, CANCELLED, REFUNDED = range(5)
CANCELLED_SHARE, REFUNDED_SHARE = 0.035, 0.075  # of the orders; refunded: as a whole
RETURNED_SHARE = 0.04  # of the items of the other orders of several units; at most one item per order
TO_SHIP, TO_DELIVER = 0.8, 1.4  # mean days until an order is shipped, and from then until it is completed
CANCELLED_AFTER = 0.5  # mean days from the order to a cancellation
REFUND_AFTER, REFUND_MORE = 4.0, 10.0  # days from the order to a refund: minimum, and mean of the additional days


@dataclass(frozen=True)
class Fulfilment:
    """One entry per order: the times of its steps, in seconds from 1970-01-01, infinity for those that never happen.

    They do not depend on as_of, so the same order has consistent statuses on any two days.

    Attributes:
        refunded: Time of the refund of the whole order, or of one item.
        item: Row of the item that is refunded; -1 for orders refunded as a whole or not at all.
        quantity: Units that come back with the cancellation or refund.
        amount: Cents paid for these units.
    """

    shipped: np.ndarray
    completed: np.ndarray
    cancelled: np.ndarray
    refunded: np.ndarray
    item: np.ndarray
    quantity: np.ndarray
    amount: np.ndarray

    def status(self, end: float) -> np.ndarray:
        """Row of STATUSES that each order has at `end`, from the steps before it."""
        whole = (self.refunded < end) & (self.item < 0)
        happened = [self.cancelled < end, whole, self.completed < end, self.shipped < end]
        return np.select(happened, [CANCELLED, REFUNDED, COMPLETED, SHIPPED], PENDING)

    def returns(self, end: float) -> tuple[np.ndarray, np.ndarray]:
        """The orders (rows) with a cancellation or refund before `end`, and its time; not those that cost nothing."""
        returned = np.minimum(self.cancelled, self.refunded)
        rows = np.flatnonzero((returned < end) & (self.amount > 0))
        return rows, returned[rows]


def draw_fulfilment(rng: np.random.Generator, seconds: np.ndarray, lines: Lines) -> Fulfilment:
    """Draw the steps of orders placed at these seconds.

    An order is cancelled before it is shipped, refunded as a whole, returned in part, or none of these.
    """
    n = len(seconds)
    fate = rng.random(n)
    to_ship, to_deliver, lag = rng.standard_exponential((3, n))
    cancelled = fate < CANCELLED_SHARE
    kept = fate >= CANCELLED_SHARE + REFUNDED_SHARE
    item, units = _returned_item(rng.random(n), lines)
    shipped = seconds + DAY * TO_SHIP * to_ship
    item = np.where(kept, item, -1)
    alone = item >= 0
    return Fulfilment(
        shipped=_times(shipped, ~cancelled),
        completed=_times(shipped + DAY * TO_DELIVER * to_deliver, ~cancelled),
        cancelled=_times(seconds + np.floor(DAY * CANCELLED_AFTER * lag), cancelled),
        refunded=_times(seconds + np.floor(DAY * (REFUND_AFTER + REFUND_MORE * lag)), ~(cancelled | kept) | alone),
        item=item,
        quantity=np.where(alone, units, np.bincount(lines.order, lines.quantity, n).astype(np.int64)),
        amount=np.where(alone, units * lines.paid[item], lines.totals(n)),
    )


def _times(seconds: np.ndarray, happens: np.ndarray) -> np.ndarray:
    return np.where(happens, seconds, np.inf)


def _returned_item(uniforms: np.ndarray, lines: Lines) -> tuple[np.ndarray, np.ndarray]:
    """For each order the item (row) that would be returned, or -1, and its units: all, or one of the only item.

    Never all units of an order: that is a refund of the whole. Each item has the chance RETURNED_SHARE, up to a total
    of 1 per order.
    """
    items = np.bincount(lines.order, minlength=len(uniforms))
    first = np.cumsum(items) - items
    several = (items > 1) | (lines.quantity[first] > 1)
    chance = np.minimum(RETURNED_SHARE * items, 1)
    nth = np.minimum(uniforms / chance * items, items - 1).astype(np.int64)
    item = np.where(several & (uniforms < chance), first + nth, -1)
    return item, np.where(items > 1, lines.quantity[item], 1)


def cancelled_by(age: np.ndarray) -> np.ndarray:
    """Share of the orders to be cancelled that are cancelled at an age in days."""
    return -np.expm1(-np.maximum(age, 0) / CANCELLED_AFTER)


def refunded_by(age: np.ndarray) -> np.ndarray:
    """Share of the orders and items to be refunded that are refunded at an age in days."""
    return -np.expm1(-np.maximum(age - REFUND_AFTER, 0) / REFUND_MORE)


def completed_share(age: np.ndarray) -> np.ndarray:
    """Expected share of completed orders by age in days: delivered, neither cancelled nor refunded as a whole."""
    age = np.maximum(age, 0)
    delivered = 1 - (TO_DELIVER * np.exp(-age / TO_DELIVER) - TO_SHIP * np.exp(-age / TO_SHIP)) / (TO_DELIVER - TO_SHIP)
    return delivered * (1 - CANCELLED_SHARE - REFUNDED_SHARE * refunded_by(age))
