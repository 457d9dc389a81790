"""Orders: purchases by the BG/NBD model in shop time, and the tables of orders, their items and refunds."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy

from lib.data.synthetic.arrays import (
    DAY,
    money_array,
    root,
    rounded,
    stream,
    uuid_array,
    uuids,
    word_array,
)
from lib.data.synthetic.calendar import instants
from lib.data.synthetic.campaigns import Campaigns
from lib.data.synthetic.customers import BG_NBD, Customers, Pools
from lib.data.synthetic.fulfilment import STATUSES, Fulfilment
from lib.data.synthetic.products import Lines, Products
from lib.data.synthetic.shop import COUNTRY_CODES, Shop, days_since_1970
from lib.errors import UsageError

__all__ = [
    "Orders",
    "draw_purchases",
    "expected_orders",
    "items_table",
    "orders_table",
    "refunds_table",
    "shipping_customers",
    "solve_alpha",
]

GIFT_SHARE = 0.015  # share of the orders shipped to the address of another customer
DISCOUNT_CODES = [f"SAVE{percent}" for percent in range(101)]
FIRST_DELAY = 0.5  # mean time from sign-up to the first order, in alpha days of shop time
LONGEST = 1e4  # alpha days of shop time up to which expectations are tabulated
NODES = np.polynomial.legendre.leggauss(48)


@dataclass(frozen=True)
class Orders:
    """One entry per order of a block, by time: customer (row of the block), seconds from 1970-01-01, campaign or -1."""

    ids: np.ndarray
    customer: np.ndarray
    seconds: np.ndarray
    campaign: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def shipping_customers(rng: np.random.Generator, orders: Orders, n_customers: int) -> np.ndarray:
    """The customer (row) to whose address each order is shipped: the buyer, except for gifts."""
    gift, other = rng.random((2, len(orders)))
    return np.where(gift < GIFT_SHARE, (other * n_customers).astype(np.int64), orders.customer)


def orders_table(
    orders: Orders,
    address: np.ndarray,
    fulfilment: Fulfilment,
    lines: Lines,
    customers: Customers,
    pools: Pools,
    campaigns: Campaigns,
    shop: Shop,
) -> pa.Table:
    """The table `orders` at as_of; total_amount is the sum of the order's items."""
    end = days_since_1970(shop.as_of) * DAY
    cancelled = fulfilment.cancelled < end
    cancelled_at = instants(shop, np.where(cancelled, fulfilment.cancelled, orders.seconds))
    return pa.table(
        {
            "order_id": uuid_array(orders.ids),
            "user_id": uuid_array(customers.ids, orders.customer),
            "order_date": instants(shop, orders.seconds),
            "status": word_array(STATUSES, fulfilment.status(end)),
            "total_amount": money_array(lines.totals(len(orders))),
            "shipping_country_code": word_array(COUNTRY_CODES.tolist(), customers.country[address]),
            "shipping_city": word_array(pools.cities, customers.city[address]),
            "campaign_id": uuid_array(campaigns.ids, orders.campaign),
            "cancelled_at": pc.if_else(pa.array(cancelled), cancelled_at, pa.scalar(None, cancelled_at.type)),
            "discount_code": word_array(DISCOUNT_CODES, _discount_percents(lines, len(orders))),
        }
    )


def _discount_percents(lines: Lines, n_orders: int) -> np.ndarray:
    """Largest discount of the items of each order in percent, -1 without a discount."""
    # The discount was rounded down to cents, of a price above 100 cents.
    percent = -(-100 * lines.discount // (lines.paid + lines.discount))
    largest = np.maximum.reduceat(percent, np.searchsorted(lines.order, np.arange(n_orders)))
    return np.where(largest > 0, largest, -1)


def items_table(ids: np.ndarray, lines: Lines, orders: Orders, products: Products) -> pa.Table:
    """The table `order_items`, in the order of the orders; price_at_time + discount is the product's price."""
    return pa.table(
        {
            "order_item_id": uuid_array(ids),
            "order_id": uuid_array(orders.ids, lines.order),
            "product_id": uuid_array(products.ids, lines.product),
            "quantity": pa.array(lines.quantity, pa.int32()),
            "price_at_time": money_array(lines.paid, kind="unit_price"),
            "discount": money_array(lines.discount, kind="unit_price"),
        }
    )


def refunds_table(
    fulfilment: Fulfilment, orders: Orders, item_ids: np.ndarray, customers: Customers, shop: Shop, block: int
) -> pa.Table:
    """The table `refunds` at as_of, in the order of the orders; each order has at most one row."""
    rows, seconds = fulfilment.returns(days_since_1970(shop.as_of) * DAY)
    cancelled = np.isfinite(fulfilment.cancelled[rows]).astype(np.int64)
    return pa.table(
        {
            # Drawn for all orders: the key of a refund does not depend on as_of.
            "refund_id": uuid_array(uuids(stream(shop, "refunds.id", block), len(orders)), rows),
            "user_id": uuid_array(customers.ids, orders.customer[rows]),
            "order_id": uuid_array(orders.ids, rows),
            "order_item_id": uuid_array(item_ids, fulfilment.item[rows]),
            "refund_date": instants(shop, seconds),
            "kind": word_array(["refund", "cancellation"], cancelled),
            "quantity": pa.array(fulfilment.quantity[rows], pa.int32()),
            "amount": money_array(fulfilment.amount, rows),
        }
    )


def _repeats(age: np.ndarray) -> np.ndarray:
    """Expected repeat orders within `age` of the first order, for alpha = 1 (Fader, Hardie, Lee 2005, equation 9)."""
    r, a, b = BG_NBD.r, BG_NBD.a, BG_NBD.b
    shrunk = (1 + age) ** -r * scipy.special.hyp2f1(r, b, a + b - 1, age / (1 + age))
    return (a + b - 1) / (a - 1) * (1 - shrunk)


@cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    """Ages since sign-up, and the expected orders of a buyer at each: the mean over first delays, by quadrature."""
    age = np.expm1(np.linspace(0, np.log1p(LONGEST), 600))
    delay = FIRST_DELAY
    placed = -np.expm1(-age / delay)
    nodes, weights = (NODES[0] + 1) / 2, NODES[1] / 2
    delays = -delay * np.log1p(-np.outer(placed, nodes))
    orders = placed * ((1 + _repeats(np.maximum(age[:, None] - delays, 0))) @ weights)
    return age, orders


def expected_orders(age: np.ndarray, alpha: float) -> np.ndarray:
    """Expected orders of a buyer within `age` days of shop time after sign-up."""
    return np.interp(age / alpha, *_table())


def solve_alpha(n: float, customers: Customers, begun: np.ndarray, end: np.ndarray) -> float:
    """The alpha, in days of shop time, for which these customers are expected to place n orders; NaN for n = 0.

    Raises:
        UsageError: n exceeds the expected orders for any alpha.
    """
    if not n:
        return np.nan
    rate, further, age = (column[customers.buys] for column in (customers.rate, customers.further, end - begun))
    delay = FIRST_DELAY * customers.delay[customers.buys]

    def surplus(log_alpha: float) -> float:
        left = age / np.exp(log_alpha) - delay
        mean = rate * np.maximum(left, 0)
        # Expected minimum of a Poisson number and `further`.
        repeats = mean * scipy.special.pdtr(further - 2, mean) + further * scipy.special.pdtrc(further - 1, mean)
        return float(((1 + np.where(further > 1, repeats, -np.expm1(-mean))) * (left > 0)).sum()) - n

    lowest, highest = np.log(age.max(initial=1) / LONGEST), np.log(age.max(initial=1) * LONGEST)
    if surplus(lowest) < 0:
        raise UsageError(
            f"{n:.0f} orders are too many for {len(customers)} customers, of whom {len(rate)} ever buy; "
            f"expected at most about {n + surplus(lowest):.0f}. Lower orders or raise users."
        )
    return rounded(np.exp(root(surplus, lowest, highest)))


def draw_purchases(
    rng: np.random.Generator, customers: Customers, begun: np.ndarray, end: np.ndarray, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """Customer (row) and shop time of every order; `begun` and `end` are the shop time of sign-up and of as_of."""
    row = np.flatnonzero(customers.buys)
    now = begun[row] + FIRST_DELAY * alpha * customers.delay[row]
    rows, times = [], []
    while len(row := row[inside := now < end[row]]):
        rows.append(row)
        times.append(now[inside])
        stays = customers.further[row] >= len(rows)  # dropout is only possible after a repeat order
        row, now = row[stays], times[-1][stays]
        now = now + alpha * rng.standard_exponential(len(row)) / customers.rate[row]
    return np.concatenate([np.zeros(0, int), *rows]), np.concatenate([np.zeros(0), *times])
