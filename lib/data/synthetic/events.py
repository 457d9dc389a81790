"""Events: the steps of the visits that end in an order, of those that end with a cart left behind, and of the rest."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lib.data.synthetic.arrays import (
    DAY,
    in_order,
    instant_array,
    money_array,
    rounded,
    stream,
    uuid_array,
    uuids,
    word_array,
)
from lib.data.synthetic.baskets import Lines
from lib.data.synthetic.calendar import Clock
from lib.data.synthetic.customers import Customers
from lib.data.synthetic.orders import Orders
from lib.data.synthetic.products import Products, quarter
from lib.data.synthetic.shop import Counts, Shop
from lib.errors import UsageError

__all__ = ["EVENTS_PER_BROWSE", "EVENT_TYPES", "Visits", "draw_events", "funnel", "interest", "plan_visits"]

EVENT_TYPES = ["session_start", "product_view", "add_to_cart", "checkout", "purchase"]
START, VIEW, CART, CHECKOUT, PURCHASE = range(5)
LONGEST_VISIT = 7_000  # seconds; less than customers.QUIET, so that no visit begins before the sign-up day
SHORTEST_STEP, LONGEST_STEP = 5, 240  # seconds between two events of a visit
BOUNCED = 0.62  # of the visits without an order look at nothing
FURTHER_VIEW = 0.47  # chance of one more product after a view
MOST_VIEWS = 12
CARTED, CHECKED_OUT = 0.13, 0.35  # of the views lead to the cart, of the carts left behind had begun to check out
BEFORE_ORDERS = 0.5  # of the visits without an order come before one, the rest come by themselves
DAYS_BEFORE = 6.0  # mean days of shop time by which they come before it
INTEREST_DAYS = 150.0  # mean days of shop time in which the visits that come by themselves fade


def _views() -> tuple[np.ndarray, np.ndarray]:
    """Numbers of products that a visit without an order may look at, from one on, and the chance of each."""
    views = np.arange(1, MOST_VIEWS + 1)
    chance = (1 - FURTHER_VIEW) * FURTHER_VIEW ** (views - 1)
    chance[-1] = FURTHER_VIEW ** (MOST_VIEWS - 1)
    return views, (1 - BOUNCED) * chance


def _carted() -> float:
    """Share of the visits without an order that put something into the cart."""
    views, chance = _views()
    return float(chance @ (1 - (1 - CARTED) ** views))


def _mean_events() -> float:
    """Mean number of events of a visit without an order."""
    views, chance = _views()
    return float(1 + chance @ views * (1 + CARTED) + CHECKED_OUT * _carted())


EVENTS_PER_BROWSE = _mean_events()


@dataclass(frozen=True)
class Visits:
    """How many visits without an order there are: in all, per order, and per customer and day that interest lasts."""

    browsing: float
    per_order: float
    per_day: float


def interest(ages: np.ndarray) -> np.ndarray:
    """Days of full interest that a customer has had so many days of shop time after sign-up."""
    return INTEREST_DAYS * -np.expm1(-ages / INTEREST_DAYS)


def funnel(visits: Visits, n_orders: int) -> dict[str, float]:
    """Expected share of the visits that reach each step."""
    browsing = visits.browsing
    shares = np.array([1, 1 - BOUNCED, _carted(), CHECKED_OUT * _carted(), 0])
    reached = (n_orders + browsing * shares) / max(n_orders + browsing, 1e-9)
    return dict(zip(EVENT_TYPES, reached.tolist(), strict=True))


def plan_visits(counts: Counts, shop: Shop, interest_days: float) -> Visits:
    """The visits that make the events asked for, where all customers together have interest for so many days.

    Raises UsageError when the orders alone need more events.
    """
    steps = 3 + 2 * shop.lines_per_order
    left = counts.events - counts.orders * steps
    if left < 0:
        raise UsageError(
            f"{counts.events} events asked for with {counts.orders} orders; want at least "
            f"{np.ceil(counts.orders * steps):.0f}: each order needs a session_start, a product_view and an "
            "add_to_cart per line, a checkout and a purchase"
        )
    browsing = left / EVENTS_PER_BROWSE
    before = BEFORE_ORDERS if counts.orders else 0.0
    alone = (1 - before) * browsing / interest_days if interest_days else 0.0
    return Visits(rounded(browsing), rounded(before * browsing / max(counts.orders, 1)), rounded(alone))


@dataclass(frozen=True)
class _Steps:
    """Steps of visits, visit by visit: product is -1 where the step names none."""

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
    """The events of a block by time: a visit that ends in a purchase at the instant of each order, and the others."""
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
    by_time = in_order(seconds)
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
            "event_timestamp": instant_array(seconds[by_time]),
            "revenue": money_array(lines.totals(len(orders)), order),
        }
    )


def _browsing_visits(
    rng: np.random.Generator, visits: Visits, orders: Orders, customers: Customers, clock: Clock
) -> tuple[np.ndarray, np.ndarray]:
    """Customer (row) and last second of the visits without an order, before orders and by themselves."""
    begun, ended = clock.read(customers.country, customers.signed_up), clock.end[customers.country]
    ordered = clock.read(customers.country[orders.customer], orders.seconds)
    which = np.repeat(np.arange(len(orders)), rng.poisson(visits.per_order, len(orders)))
    before, since = orders.customer[which], begun[orders.customer[which]]
    came = ordered[which] - DAYS_BEFORE * rng.standard_exponential(len(which))
    came = np.where(came > since, came, since + rng.random(len(which)) * (ordered[which] - since))
    days = interest(ended - begun)
    alone = np.repeat(np.arange(len(customers)), rng.poisson(visits.per_day * customers.visits * days))
    faded = rng.random(len(alone)) * days[alone] / INTEREST_DAYS
    later = begun[alone] - INTEREST_DAYS * np.log1p(-faded)
    browser = np.concatenate([before, alone])
    return browser, clock.seconds(customers.country[browser], np.concatenate([came, later]))


def _buying_steps(lines: Lines, n_orders: int) -> _Steps:
    """A start, each product of the order looked at and put into the cart, a checkout, a purchase."""
    everyone = np.ones(n_orders, dtype=bool)
    return _in_order(lines.order, lines.product, np.ones(len(lines), dtype=bool), everyone, everyone)


def _browsing_steps(rng: np.random.Generator, season: np.ndarray, products: Products) -> _Steps:
    """A start, mostly nothing else; else products looked at, some put into the cart, then at times a checkout."""
    looked = rng.random(len(season)) >= BOUNCED
    views = np.where(looked, np.minimum(rng.geometric(1 - FURTHER_VIEW, len(season)), MOST_VIEWS), 0)
    viewing = np.repeat(np.arange(len(season)), views)
    product = products.draw(rng, season[viewing])
    carted = rng.random(len(viewing)) < CARTED
    has_cart = np.bincount(viewing, carted, len(season)) > 0
    checks_out = has_cart & (rng.random(len(season)) < CHECKED_OUT)
    return _in_order(viewing, product, carted, checks_out, np.zeros(len(season), dtype=bool))


def _in_order(
    viewing: np.ndarray, viewed: np.ndarray, carted: np.ndarray, checks_out: np.ndarray, buys: np.ndarray
) -> _Steps:
    """The steps of each visit: the start, its views, each with its cart, the checkout, the purchase.

    viewing, viewed and carted have an entry per view, by visit: the visit, the product, whether the cart follows.
    """
    before = np.arange(len(viewing)) + np.cumsum(carted) - carted  # views and carts of all visits before each view
    length = 1 + np.bincount(viewing, 1 + carted, len(buys)).astype(np.int64) + checks_out + buys
    ends = np.cumsum(length)
    others = np.cumsum(1 + checks_out + buys) - checks_out - buys  # other steps of all visits up to each one's start
    view = before + others[viewing]
    kind = np.full(length.sum(), VIEW)
    kind[ends - length] = START
    kind[view[carted] + 1] = CART
    kind[(ends - 1 - buys)[checks_out]] = CHECKOUT
    kind[(ends - 1)[buys]] = PURCHASE
    product = np.full(len(kind), -1)
    product[view] = viewed
    product[view[carted] + 1] = viewed[carted]
    return _Steps(np.repeat(np.arange(len(buys)), length), kind, product)


def _step_times(rng: np.random.Generator, visit: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Second of each step: the last one of a visit falls on its end, those before it come at least 5 s apart."""
    length = np.bincount(visit, minlength=len(ends))
    widest = np.minimum(LONGEST_STEP, LONGEST_VISIT // np.maximum(length, 1))[visit]
    passed = np.cumsum(SHORTEST_STEP + (rng.random(len(visit)) ** 2 * (widest - SHORTEST_STEP)).astype(np.int64))
    return ends[visit] - (passed[np.cumsum(length) - 1][visit] - passed)
