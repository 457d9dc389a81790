"""Events: the steps of the visits that end in an order, and of the visits that only browse."""

import numpy as np
import pandas as pd

from lib.errors import UsageError
from lib.generate.baskets import lines_of
from lib.generate.products import popularity
from lib.generate.shop import DEMO_SHOP, Shop, check_count
from lib.generate.streams import draw, stream, uuids
from lib.generate.traffic import visit_times
from lib.generate.values import labels, lookup, to_instants, to_seconds

__all__ = ["generate_events"]

EVENT_TYPES = ["session_start", "product_view", "add_to_cart", "checkout", "purchase"]
START, VIEW, CART, CHECKOUT, PURCHASE = range(5)
LONGEST_VISIT = 7_000  # seconds; less than traffic.QUIET, so that no visit begins before the sign-up day
SHORTEST_STEP, LONGEST_STEP = 5, 240  # seconds between two events of a visit
BROWSED_SHARE = 0.4  # of the events left over once each order has its three: the most that views before an order take


def generate_events(
    n: int, users: pd.DataFrame, products: pd.DataFrame, orders: pd.DataFrame, *, shop: Shop = DEMO_SHOP
) -> pd.DataFrame:
    """n events by time: a visit that ends in a purchase at the instant of each order, and browsing visits besides."""
    check_count(n, "events", users=users, products=products)
    if n < 3 * len(orders):
        raise UsageError(
            f"{n} events asked for with {len(orders)} orders; want at least {3 * len(orders)}: "
            "each order needs a session_start, a checkout and a purchase"
        )
    rng = stream(shop, "events")
    buying = _buying_steps(rng, n, len(orders), lines_of(orders, products, shop))
    browsing = _browsing_steps(rng, n - len(buying), popularity(len(products), shop))
    steps = pd.concat([buying, browsing.assign(visit=browsing["visit"] + len(orders))], ignore_index=True)
    n_visits = int(steps["visit"].max()) + 1 if n else 0
    browser, left = visit_times(rng, n_visits - len(orders), users, shop)
    visitor = np.concatenate([pd.Index(users["user_id"]).get_indexer(orders["user_id"]), browser])
    ends = np.concatenate([to_seconds(orders["order_date"]), left])
    steps = steps.assign(user=visitor[steps["visit"]], second=_step_times(rng, steps["visit"].to_numpy(), ends))
    return _events_frame(steps.sort_values("second", kind="stable"), users, products, orders, shop=shop)


def _buying_steps(rng: np.random.Generator, n: int, n_orders: int, lines: pd.DataFrame) -> pd.DataFrame:
    """Steps of the visits that order; where n leaves little room, only some show the views and carts before it."""
    visit = np.arange(n_orders)
    room = int((n - 3 * n_orders) * BROWSED_SHARE)
    chosen = rng.permutation(n_orders)
    needs = 2 * np.bincount(lines["order"], minlength=n_orders)[chosen]
    shown = np.isin(lines["order"], chosen[np.cumsum(needs) <= room])
    views = lines.loc[shown, ["order", "product"]].rename(columns={"order": "visit"})
    last = int(lines["order"].value_counts().max()) * 2 + 1 if n_orders else 1
    return _in_order(
        [
            _steps(visit, START, 0),
            *_looks(views, np.ones(len(views), dtype=bool)),
            _steps(visit, CHECKOUT, last),
            _steps(visit, PURCHASE, last + 1),
        ]
    )


def _browsing_steps(rng: np.random.Generator, n: int, weights: np.ndarray) -> pd.DataFrame:
    """Exactly n steps of visits without an order: a start, then a few products looked at, some put into the cart."""
    looks = np.minimum(rng.geometric(0.55, n) - 1, 12)
    enough = np.searchsorted(np.cumsum(1 + looks), n) + 1
    visit = np.arange(min(enough, n))
    viewing = np.repeat(visit, looks[: len(visit)])
    views = pd.DataFrame({"visit": viewing, "product": draw(rng, weights, len(viewing))})
    return _in_order([_steps(visit, START, 0), *_looks(views, rng.random(len(views)) < 0.25)]).head(n)


def _looks(views: pd.DataFrame, carted: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The k-th view of a visit as step 2k + 1, and for those carted the same product as step 2k + 2."""
    place = 2 * views.groupby("visit").cumcount() + 1
    looked = views.assign(kind=VIEW, place=place)
    return looked, looked[carted].assign(kind=CART, place=place[carted] + 1)


def _steps(visit: np.ndarray, kind: int, place: int) -> pd.DataFrame:
    return pd.DataFrame({"visit": visit, "product": -1, "kind": kind, "place": place})


def _in_order(parts: list[pd.DataFrame]) -> pd.DataFrame:
    steps = pd.concat(parts, ignore_index=True)
    return steps.take(np.lexsort((steps["place"], steps["visit"]))).reset_index(drop=True)


def _step_times(rng: np.random.Generator, visit: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Second of each step: the last one of a visit falls on its end, those before it come at least 5 s apart."""
    length = np.bincount(visit, minlength=len(ends))
    widest = np.minimum(LONGEST_STEP, LONGEST_VISIT // np.maximum(length, 1))[visit]
    passed = np.cumsum(SHORTEST_STEP + (rng.random(len(visit)) ** 2 * (widest - SHORTEST_STEP)).astype(np.int64))
    return ends[visit] - (passed[np.cumsum(length) - 1][visit] - passed)


def _events_frame(
    steps: pd.DataFrame, users: pd.DataFrame, products: pd.DataFrame, orders: pd.DataFrame, *, shop: Shop
) -> pd.DataFrame:
    visit, kind = steps["visit"].to_numpy(), steps["kind"].to_numpy()
    order = np.where(kind == PURCHASE, visit, -1)
    rng = stream(shop, "events.id")
    sessions = uuids(stream(shop, "sessions.id"), int(visit.max(initial=-1)) + 1)
    return pd.DataFrame(
        {
            "event_id": uuids(rng, len(steps)),
            "user_id": lookup(users, "user_id", steps["user"]),
            "session_id": sessions.take(visit).reset_index(drop=True),
            "event_type": labels(EVENT_TYPES, kind),
            "product_id": lookup(products, "product_id", steps["product"]),
            "order_id": lookup(orders, "order_id", order),
            "event_timestamp": to_instants(steps["second"].to_numpy()),
            "revenue": lookup(orders, "total_amount", order),
        }
    )
