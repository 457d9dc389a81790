"""Fulfilment: statuses follow from the times of the steps, and rates and delays are those that are published."""

import numpy as np
import pytest

from lib.data.synthetic import fulfilment
from lib.data.synthetic.fulfilment import STATUSES, Fulfilment, draw_fulfilment
from lib.data.synthetic.products import Lines

DAY = 86_400
NEVER = np.inf
N = 100_000


def lines_of(items: list[list[tuple[int, int]]]) -> Lines:
    """The lines of orders, each given as its items of (quantity, cents per unit)."""
    order = np.repeat(np.arange(len(items)), [len(each) for each in items])
    quantity, paid = np.array([item for each in items for item in each], dtype=np.int64).reshape(-1, 2).T
    return Lines(order, np.zeros_like(order), quantity, paid, np.zeros_like(order))


def drawn(items: list[tuple[int, int]], seed: int = 1) -> Fulfilment:
    """Many orders of the same items, placed at second 1000."""
    return draw_fulfilment(np.random.default_rng(seed), np.full(N, 1000), lines_of([items] * N))


def within(share: float, expected: float) -> bool:
    return abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / N)


# Orders: kept, refunded as a whole, cancelled, and with one item of two refunded.
BY_HAND = Fulfilment(
    shipped=np.array([10, 10, NEVER, 10]),
    completed=np.array([20, 20, NEVER, 20]),
    cancelled=np.array([NEVER, NEVER, 30, NEVER]),
    refunded=np.array([NEVER, 40, NEVER, 40]),
    item=np.array([-1, -1, -1, 3]),
    quantity=np.array([1, 1, 1, 1]),
    amount=np.array([500, 600, 700, 80]),
)


@pytest.mark.parametrize(
    ("end", "statuses"),
    [
        (10, ["pending", "pending", "pending", "pending"]),
        (11, ["shipped", "shipped", "pending", "shipped"]),
        (30, ["completed", "completed", "pending", "completed"]),
        (31, ["completed", "completed", "cancelled", "completed"]),
        (41, ["completed", "refunded", "cancelled", "completed"]),
    ],
)
def test_the_status_counts_what_happens_before_the_end(end: float, statuses: list[str]) -> None:
    assert [STATUSES[row] for row in BY_HAND.status(end)] == statuses


def test_returns_before_the_end() -> None:
    assert [each.tolist() for each in BY_HAND.returns(40)] == [[2], [30]]
    assert [each.tolist() for each in BY_HAND.returns(41)] == [[1, 2, 3], [40, 30, 40]]


def test_an_order_that_costs_nothing_has_no_return_but_a_status() -> None:
    free = drawn([(1, 0)])
    assert free.returns(1e9)[0].size == 0
    assert within((free.status(1e9) == STATUSES.index("cancelled")).mean(), 0.035)


def test_no_orders_have_no_returns() -> None:
    nothing = draw_fulfilment(np.random.default_rng(1), np.zeros(0), lines_of([]))
    assert nothing.status(1e9).size == nothing.returns(1e9)[0].size == 0


def test_an_order_has_consistent_statuses_and_returns_on_two_days() -> None:
    rng = np.random.default_rng(2)
    placed = np.sort(rng.integers(0, 100 * DAY, N))
    orders = draw_fulfilment(rng, placed, lines_of([[(1, 500), (2, 300)]] * N))
    early, late = 100 * DAY, 160 * DAY
    changes = {(STATUSES[a], STATUSES[b]) for a, b in zip(orders.status(early), orders.status(late), strict=True)}
    pending = {("pending", later) for later in ("completed", "cancelled", "refunded")}
    shipped = {("shipped", later) for later in ("completed", "refunded")}
    completed = {("completed", "completed"), ("completed", "refunded")}
    assert changes == pending | shipped | completed | {(final, final) for final in ("cancelled", "refunded")}
    (rows, seconds), (rows_later, seconds_later) = orders.returns(early), orders.returns(late)
    known = seconds_later < early
    assert np.array_equal(rows, rows_later[known])
    assert np.array_equal(seconds, seconds_later[known])
    assert len(rows_later) > len(rows)
    assert (seconds_later >= placed[rows_later]).all()


def test_shares_and_mean_delays_are_the_known_ones() -> None:
    orders = drawn([(1, 500), (1, 300)])
    cancelled = np.isfinite(orders.cancelled)
    whole, part = np.isfinite(orders.refunded) & (orders.item < 0), orders.item >= 0
    assert within(cancelled.mean(), fulfilment.CANCELLED_SHARE)
    assert within(whole.mean(), fulfilment.REFUNDED_SHARE)
    assert within(part.mean(), (1 - 0.035 - 0.075) * 2 * fulfilment.RETURNED_SHARE)
    for rows, seconds, least, more in [
        (cancelled, orders.cancelled, 0, fulfilment.CANCELLED_AFTER),
        (whole, orders.refunded, fulfilment.REFUND_AFTER, fulfilment.REFUND_MORE),
        (part, orders.refunded, fulfilment.REFUND_AFTER, fulfilment.REFUND_MORE),
    ]:
        days = (seconds[rows] - 1000) / DAY
        assert days.min() == pytest.approx(least, abs=0.01)
        assert days.mean() == pytest.approx(least + more, abs=4 * more / np.sqrt(len(days)))
    assert not np.isfinite(orders.shipped[cancelled]).any()
    assert set(orders.amount[cancelled | whole]) == {800}


@pytest.mark.parametrize("days", [0.5, 3, 6, 30])
def test_the_completed_share_of_an_age_is_observed(days: float) -> None:
    orders = drawn([(1, 500), (1, 300)])
    completed = orders.status(1000 + days * DAY) == STATUSES.index("completed")
    assert within(completed.mean(), float(fulfilment.completed_share(np.array(days))))


def test_one_item_comes_back_with_all_its_units_and_each_as_often() -> None:
    orders = drawn([(1, 500), (3, 200), (1, 100)])
    back = orders.item[orders.item >= 0]
    nth = np.bincount(back % 3)
    assert np.ptp(nth) < 5 * np.sqrt(len(back) / 3)
    second = orders.item % 3 == 1
    assert set(zip(orders.quantity[second], orders.amount[second], strict=True)) >= {(3, 600)}
    assert set(orders.amount[orders.item >= 0]) == {500, 600, 100}


def test_of_the_only_item_one_unit_comes_back() -> None:
    orders = drawn([(3, 200)])
    assert set(zip(orders.quantity[orders.item >= 0], orders.amount[orders.item >= 0], strict=True)) == {(1, 200)}


def test_a_single_unit_does_not_come_back_alone() -> None:
    assert (drawn([(1, 200)]).item == -1).all()


def test_an_order_of_many_items_returns_one_at_most() -> None:
    n = 1_000
    orders = draw_fulfilment(np.random.default_rng(1), np.zeros(n), lines_of([[(1, 100)] * 60] * n))
    kept = ~np.isfinite(orders.cancelled) & np.isfinite(orders.refunded) & (orders.item >= 0)
    assert kept.mean() == pytest.approx(1 - 0.035 - 0.075, abs=0.04)
    assert np.bincount(orders.item[kept] % 60, minlength=60).min() > 0
    assert (orders.item[kept] // 60 == np.flatnonzero(kept)).all()
