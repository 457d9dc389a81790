"""Events: the steps of visits that end in an order, in an abandoned cart, or without one."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lib.data.synthetic.arrays import (
    DAY,
    money_array,
    rounded,
    stream,
    uuid_array,
    uuids,
    word_array,
)
from lib.data.synthetic.calendar import Clock, instants
from lib.data.synthetic.customers import Customers
from lib.data.synthetic.orders import Orders
from lib.data.synthetic.products import Lines, Products, quarter
from lib.data.synthetic.shop import Counts, Shop
from lib.errors import UsageError

__all__ = ["EVENTS_PER_BROWSE", "EVENT_TYPES", "Visits", "draw_events", "funnel", "interest", "plan_visits"]

EVENT_TYPES = ["session_start", "product_view", "add_to_cart", "checkout", "purchase"]
START, VIEW, CART, CHECKOUT, PURCHASE = range(5)
LONGEST_VISIT = 7_000  # seconds; less than customers.QUIET, so that no visit begins before the sign-up day
SHORTEST_STEP, LONGEST_STEP = 5, 240  # seconds between two events of a visit
BOUNCED = 0.62  # share of the visits without an order that view no product
FURTHER_VIEW = 0.47  # probability of one more view after a view
MOST_VIEWS = 12
CARTED, CHECKED_OUT = 0.13, 0.35  # share of the views added to the cart; share of abandoned carts with a checkout
BEFORE_ORDERS = 0.5  # share of the visits without an order that precede an order; the others are independent
DAYS_BEFORE = 6.0  # mean days of shop time from such a visit to the order
INTEREST_DAYS = 150.0  # mean days of shop time over which independent visits fade after sign-up


def _views() -> tuple[np.ndarray, np.ndarray]:
    """Possible numbers of views of a visit without an order, from one on, and the probability of each."""
    views = np.arange(1, MOST_VIEWS + 1)
    chance = (1 - FURTHER_VIEW) * FURTHER_VIEW ** (views - 1)
    chance[-1] = FURTHER_VIEW ** (MOST_VIEWS - 1)
    return views, (1 - BOUNCED) * chance


def _carted() -> float:
    """Share of the visits without an order that add something to the cart."""
    views, chance = _views()
    return float(chance @ (1 - (1 - CARTED) ** views))


def _mean_events() -> float:
    """Mean number of events of a visit without an order."""
    views, chance = _views()
    return float(1 + chance @ views * (1 + CARTED) + CHECKED_OUT * _carted())


EVENTS_PER_BROWSE = _mean_events()


@dataclass(frozen=True)
class Visits:
    """Expected visits without an order: in total, per order, and per customer and day of full interest."""

    browsing: float
    per_order: float
    per_day: float


def interest(ages: np.ndarray) -> np.ndarray:
    """Equivalent days of full interest by age since sign-up, in days of shop time."""
    return INTEREST_DAYS * -np.expm1(-ages / INTEREST_DAYS)


def funnel(visits: Visits, n_orders: int) -> dict[str, float]:
    """Expected share of all visits that reach each step."""
    browsing = visits.browsing
    shares = np.array([1, 1 - BOUNCED, _carted(), CHECKED_OUT * _carted(), 0])
    reached = (n_orders + browsing * shares) / max(n_orders + browsing, 1e-9)
    return dict(zip(EVENT_TYPES, reached.tolist(), strict=True))


def plan_visits(counts: Counts, shop: Shop, interest_days: float) -> Visits:
    """Solve the visits for the requested events, given the days of full interest of all customers together.

    Raises:
        UsageError: The orders alone need more events.
    """
    steps = 3 + 2 * shop.lines_per_order
    left = counts.events - counts.orders * steps
    if left < 0:
        raise UsageError(
            f"events is {counts.events} with {counts.orders} orders; expected at least "
            f"{np.ceil(counts.orders * steps):.0f}: each order needs a session_start, a product_view and an "
            "add_to_cart per item, a checkout and a purchase"
        )
    browsing = left / EVENTS_PER_BROWSE
    before = BEFORE_ORDERS if counts.orders else 0.0
    alone = (1 - before) * browsing / interest_days if interest_days else 0.0
    return Visits(rounded(browsing), rounded(before * browsing / max(counts.orders, 1)), rounded(alone))


@dataclass(frozen=True)
class _Steps:
    """Steps of visits, visit by visit; product is -1 for steps without one."""

    visit: np.ndarray
    kind: np.ndarray
    product: np.ndarray


def draw_events(
    visits: Visits,
    orders: Orders,
    lines: Lines,
    customers: Customers,
    products: Products,
    clock: Clock,
    shop: Shop,
    block: int,
) -> pa.Table:
    """The table `events` of a block, by time: a visit ending at the instant of each order, and the other visits."""
    rng = stream(shop, "events", block)
    browser, left = _browsing_visits(rng, visits, orders, customers, clock)
    buying = _buying_steps(lines, len(orders))
    browsing = _browsing_steps(rng, quarter(left // DAY), products)
    visitor = np.concatenate([orders.customer, browser])
    ends = np.concatenate([orders.seconds, left])
    visit = np.concatenate([buying.visit, browsing.visit + len(orders)])
    kind = np.concatenate([buying.kind, browsing.kind])
    product = np.concatenate([buying.product, browsing.product])
    seconds = _step_times(rng, visit, ends)
    by_time = np.argsort(seconds, kind="stable")
    visit, kind, product = visit[by_time], kind[by_time], product[by_time]
    order = np.where(kind == PURCHASE, visit, -1)
    sessions = uuids(stream(shop, "sessions.id", block), len(ends))
    return pa.table(
        {
            "event_id": uuid_array(uuids(stream(shop, "events.id", block), len(visit))),
            "user_id": uuid_array(customers.ids, visitor[visit]),
            "session_id": uuid_array(sessions, visit),
            "event_type": word_array(EVENT_TYPES, kind),
            "product_id": uuid_array(products.ids, product),
            "order_id": uuid_array(orders.ids, order),
            "event_timestamp": instants(shop, seconds[by_time]),
            "revenue": money_array(lines.totals(len(orders)), order),
        }
    )


def _browsing_visits(
    rng: np.random.Generator, visits: Visits, orders: Orders, customers: Customers, clock: Clock
) -> tuple[np.ndarray, np.ndarray]:
    """Customer (row) and last second of the visits without an order, first those before orders, then the others."""
    begun, ended = clock.read(customers.country, customers.signed_up), clock.end[customers.country]
    ordered = clock.read(customers.country[orders.customer], orders.seconds)
    order = np.repeat(np.arange(len(orders)), rng.poisson(visits.per_order, len(orders)))
    before, since = orders.customer[order], begun[orders.customer[order]]
    preceding = ordered[order] - DAYS_BEFORE * rng.standard_exponential(len(order))
    preceding = np.where(preceding > since, preceding, since + rng.random(len(order)) * (ordered[order] - since))
    days = interest(ended - begun)
    alone = np.repeat(np.arange(len(customers)), rng.poisson(visits.per_day * customers.visits * days))
    faded = rng.random(len(alone)) * days[alone] / INTEREST_DAYS
    independent = begun[alone] - INTEREST_DAYS * np.log1p(-faded)
    browser = np.concatenate([before, alone])
    return browser, clock.seconds(customers.country[browser], np.concatenate([preceding, independent]))


def _buying_steps(lines: Lines, n_orders: int) -> _Steps:
    """Session start, view and cart of each product of the order, checkout, purchase."""
    everyone = np.ones(n_orders, dtype=bool)
    return _in_order(lines.order, lines.product, np.ones(len(lines), dtype=bool), everyone, everyone)


def _browsing_steps(rng: np.random.Generator, season: np.ndarray, products: Products) -> _Steps:
    """Session start, mostly without anything else; otherwise views, some with a cart, sometimes a checkout."""
    stays = rng.random(len(season)) >= BOUNCED
    views = np.where(stays, np.minimum(rng.geometric(1 - FURTHER_VIEW, len(season)), MOST_VIEWS), 0)
    viewing = np.repeat(np.arange(len(season)), views)
    product = products.draw(rng, season[viewing])
    carted = rng.random(len(viewing)) < CARTED
    has_cart = np.bincount(viewing, carted, len(season)) > 0
    checks_out = has_cart & (rng.random(len(season)) < CHECKED_OUT)
    return _in_order(viewing, product, carted, checks_out, np.zeros(len(season), dtype=bool))


def _in_order(
    viewing: np.ndarray, viewed: np.ndarray, carted: np.ndarray, checks_out: np.ndarray, buys: np.ndarray
) -> _Steps:
    """The steps of each visit in order: start, each view followed by its cart, checkout, purchase.

    viewing, viewed and carted have one entry per view, by visit: the visit, the product, whether it is carted.
    Each step gets a rank that grows within its visit; sorting by (visit, rank) puts all of them in order.
    """
    visits, views = np.arange(len(buys)), np.arange(len(viewing))
    last = 2 * len(viewing)
    kinds = [  # kind, visit, product, rank
        (START, visits, np.full(len(visits), -1), np.full(len(visits), -1)),
        (VIEW, viewing, viewed, 2 * views),
        (CART, viewing[carted], viewed[carted], 2 * views[carted] + 1),
        (CHECKOUT, visits[checks_out], np.full(checks_out.sum(), -1), np.full(checks_out.sum(), last)),
        (PURCHASE, visits[buys], np.full(buys.sum(), -1), np.full(buys.sum(), last + 1)),
    ]
    kind = np.concatenate([np.full(len(visit), kind) for kind, visit, _, _ in kinds])
    visit, product, rank = (np.concatenate([row[column] for row in kinds]) for column in (1, 2, 3))
    ordered = np.argsort(visit * (last + 3) + rank, kind="stable")  # ranks are -1 to last + 1
    return _Steps(visit[ordered], kind[ordered], product[ordered])


def _step_times(rng: np.random.Generator, visit: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Second of each step: the last step of a visit is at its end, earlier ones are at least SHORTEST_STEP apart."""
    length = np.bincount(visit, minlength=len(ends))
    widest = np.minimum(LONGEST_STEP, LONGEST_VISIT // np.maximum(length, 1))[visit]
    passed = np.cumsum(SHORTEST_STEP + (rng.random(len(visit)) ** 2 * (widest - SHORTEST_STEP)).astype(np.int64))
    return ends[visit] - (passed[np.cumsum(length) - 1][visit] - passed)
