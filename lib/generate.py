"""The synthetic shop: each function returns one table as a frame, the same for the same arguments on every machine."""

import binascii
import unicodedata
import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lib.errors import UsageError

__all__ = [
    "DEMO_COUNTS",
    "DEMO_SHOP",
    "Counts",
    "Shop",
    "generate_events",
    "generate_marketing_campaigns",
    "generate_order_items",
    "generate_orders",
    "generate_products",
    "generate_shop",
    "generate_users",
]

DAY = 86_400  # seconds
LONGEST_VISIT = 7_000  # seconds; nobody orders in the first two hours of the sign-up day, so no visit begins before it
SHORTEST_STEP, LONGEST_STEP = 5, 240  # seconds between two events of a visit
BROWSED_SHARE = 0.4  # of the events left over once each order has its three: the most that views before an order take
MAX_LINES_PER_ORDER = 100
POOL = {"first_name": 60, "last_name": 80, "city": 40}  # draws of Faker per country

# Not Italy: in Faker 40 the order of it_IT's cities hangs on PYTHONHASHSEED.
COUNTRIES = [  # code, name, Faker locale, share of the customers
    ("US", "United States", "en_US", 0.34),
    ("GB", "United Kingdom", "en_GB", 0.16),
    ("DE", "Germany", "de_DE", 0.13),
    ("FR", "France", "fr_FR", 0.09),
    ("CA", "Canada", "en_CA", 0.07),
    ("NL", "Netherlands", "nl_NL", 0.05),
    ("ES", "Spain", "es_ES", 0.05),
    ("PL", "Poland", "pl_PL", 0.04),
    ("AU", "Australia", "en_AU", 0.04),
    ("SE", "Sweden", "sv_SE", 0.03),
]
SHELVES = [  # category, subcategory, noun of the name, median price
    ("Electronics", "Audio", "Headphones", 89),
    ("Electronics", "Computing", "Keyboard", 65),
    ("Electronics", "Wearables", "Smartwatch", 179),
    ("Clothing", "Outerwear", "Jacket", 95),
    ("Clothing", "Tops", "T-shirt", 24),
    ("Clothing", "Footwear", "Trainers", 79),
    ("Home", "Kitchen", "Saucepan", 42),
    ("Home", "Bedroom", "Duvet", 69),
    ("Home", "Lighting", "Lamp", 38),
    ("Sports", "Fitness", "Yoga Mat", 29),
    ("Sports", "Outdoor", "Tent", 149),
    ("Sports", "Cycling", "Helmet", 59),
    ("Beauty", "Skin Care", "Face Cream", 21),
    ("Beauty", "Fragrance", "Perfume", 54),
    ("Toys", "Games", "Board Game", 32),
    ("Toys", "Building", "Building Set", 45),
    ("Books", "Cookery", "Cookbook", 26),
    ("Books", "Travel", "Travel Guide", 18),
]
STYLES = ["Classic", "Compact", "Deluxe", "Everyday", "Nordic", "Premium", "Studio", "Urban", "Vintage", "Essential"]
CHANNELS = [  # channel, cost of 1,000 impressions, clicks per impression
    ("email", 2.0, 0.030),
    ("paid_search", 18.0, 0.035),
    ("social", 8.0, 0.012),
    ("display", 4.0, 0.004),
    ("affiliate", 12.0, 0.020),
]
UNPAID_CHANNELS = [("organic", 0.45), ("direct", 0.33), ("referral", 0.22)]
THEMES = ["New Arrivals", "Clearance", "Free Shipping", "Bundle Week", "Members First", "Gift Guide", "Season Sale"]
EVENT_TYPES = ["session_start", "product_view", "add_to_cart", "checkout", "purchase"]
START, VIEW, CART, CHECKOUT, PURCHASE = range(5)
STATUSES = ["pending", "shipped", "completed", "cancelled", "refunded"]
STATUS_BY_AGE = [  # days since the order below which the row holds, shares in the order of STATUSES
    (1, (0.35, 0.20, 0.41, 0.040, 0.000)),
    (2, (0.08, 0.22, 0.66, 0.040, 0.000)),
    (4, (0.00, 0.10, 0.86, 0.035, 0.005)),
    (np.inf, (0.00, 0.00, 0.89, 0.035, 0.075)),
]
WEEKDAYS = [1.04, 0.98, 0.96, 1.00, 1.06, 0.90, 1.06]  # Monday first
HOURS = [2, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8, 8, 9, 10, 11, 11, 9, 6, 4]  # UTC
QUANTITIES = [0.80, 0.14, 0.04, 0.02]  # share of 1, 2, 3, 4 units in a line
DISCOUNTS = {0: 0.80, 5: 0.06, 10: 0.07, 15: 0.03, 20: 0.03, 30: 0.01}  # percent off the list price: share of the lines


@dataclass(frozen=True)
class Shop:
    """What all tables share. Everything is dated in [as_of - history_days, as_of), UTC; lines_per_order is a mean."""

    seed: int = 42
    as_of: date = date(2025, 7, 1)
    history_days: int = 540
    lines_per_order: float = 1.45

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}; want 0 or more")
        if self.history_days < 1:
            raise UsageError(f"history_days is {self.history_days}; want at least 1")
        if not 1 <= self.lines_per_order <= MAX_LINES_PER_ORDER:
            raise UsageError(f"lines_per_order is {self.lines_per_order}; want 1 to {MAX_LINES_PER_ORDER}")

    @property
    def days(self) -> np.ndarray:
        """Days of the window, counted from 1970-01-01."""
        end = self.as_of.toordinal() - date(1970, 1, 1).toordinal()
        return np.arange(end - self.history_days, end)


@dataclass(frozen=True)
class Counts:
    """Rows to make; the number of order items follows from orders and Shop.lines_per_order."""

    marketing_campaigns: int = 10
    users: int = 100
    products: int = 50
    orders: int = 200
    events: int = 645


DEMO_SHOP = Shop()
DEMO_COUNTS = Counts()


def generate_shop(counts: Counts = DEMO_COUNTS, shop: Shop = DEMO_SHOP) -> dict[str, pd.DataFrame]:
    """The six tables by name, parents before children."""
    campaigns = generate_marketing_campaigns(counts.marketing_campaigns, shop=shop)
    users = generate_users(counts.users, campaigns, shop=shop)
    products = generate_products(counts.products, shop=shop)
    orders = generate_orders(counts.orders, users, products, campaigns, shop=shop)
    return {
        "marketing_campaigns": campaigns,
        "users": users,
        "products": products,
        "orders": orders,
        "order_items": generate_order_items(orders, products, shop=shop),
        "events": generate_events(counts.events, users, products, orders, shop=shop),
    }


def generate_marketing_campaigns(n: int, *, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """n campaigns in order of their start, each inside the window; spend stays near or below budget."""
    _refuse_negative("marketing_campaigns", n)
    rng = _stream(shop, "campaigns")
    first = np.sort(rng.choice(shop.days, n))
    last = np.minimum(first + rng.integers(6, 42, n), shop.days[-1])
    channel = rng.integers(0, len(CHANNELS), n)
    budget = (1 + rng.gamma(2.0, 30.0, n).astype(np.int64)) * 5_000  # cents: steps of 50.00
    spend = (budget * rng.uniform(0.70, 1.02, n)).astype(np.int64)
    impressions = 1 + (spend * 10 / _column(CHANNELS, 1)[channel] * rng.uniform(0.7, 1.3, n)).astype(np.int64)
    clicks = (impressions * _column(CHANNELS, 2)[channel] * rng.uniform(0.6, 1.4, n)).astype(np.int64)
    theme = _labels(THEMES, rng.integers(0, len(THEMES), n))
    return pd.DataFrame(
        {
            "campaign_id": _uuids(_stream(shop, "campaigns.id"), n),
            "name": _numbered(pd.Series(_dates(first)).dt.strftime("%Y-%m").astype("str") + " " + theme),
            "channel": _labels(_column(CHANNELS, 0), channel),
            "budget": _money(budget),
            "spend": _money(spend),
            "impressions": impressions,
            "clicks": clicks,
            "start_date": _dates(first),
            "end_date": _dates(last),
        }
    )


def generate_users(n: int, campaigns: pd.DataFrame | None = None, *, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """n customers in order of sign-up, with names and cities of their country; about a third came by a campaign."""
    _refuse_negative("users", n)
    rng = _stream(shop, "users")
    signup = np.sort(shop.days[_draw(rng, _signup_intensity(shop), n)])
    country = _draw(rng, _column(COUNTRIES, 3), n)
    first, last, city = (country * size + (size * rng.random(n) ** 1.5).astype(np.int64) for size in POOL.values())
    pools = _pools(shop)
    arrival = _stream(shop, "users.arrival")
    campaign = _running_campaign(arrival, signup, campaigns, share=0.35)
    unpaid = _labels(_column(UNPAID_CHANNELS, 0), _draw(arrival, _column(UNPAID_CHANNELS, 1), n))
    return pd.DataFrame(
        {
            "user_id": _uuids(_stream(shop, "users.id"), n),
            "email": _emails(pools["first_name"], pools["last_name"], first, last),
            "name": _labels(pools["first_name"], first) + " " + _labels(pools["last_name"], last),
            "country_code": _labels(_column(COUNTRIES, 0), country),
            "country": _labels(_column(COUNTRIES, 1), country),
            "city": _labels(pools["city"], city),
            "acquisition_channel": _parent(campaigns, "channel", campaign).fillna(unpaid),
            "campaign_id": _parent(campaigns, "campaign_id", campaign),
            "signup_date": _dates(signup),
        }
    )


def _signup_intensity(shop: Shop) -> np.ndarray:
    """Relative sign-ups per day: a launch that fades, then steady growth, both times the calendar."""
    age = np.arange(shop.history_days)
    return (1 + 4 * np.exp(-age / 20) + 0.6 * age / shop.history_days) * _calendar(shop)


def _calendar(shop: Shop) -> np.ndarray:
    """Relative busyness of each day of the window: weekday times a mild year that peaks in early December."""
    weekday = np.array(WEEKDAYS)[(shop.days + 3) % 7]  # 1970-01-01 was a Thursday
    return weekday * (1 + 0.15 * np.cos(2 * np.pi * (shop.days - 340) / 365.25))


def _pools(shop: Shop) -> dict[str, list[str]]:
    """First names, last names and cities; the entries of country k stand together, as the k-th block of POOL[what]."""
    from faker import Faker  # half a second, and only customers need it

    pools: dict[str, list[str]] = {what: [] for what in POOL}
    for code, _, locale, _ in COUNTRIES:
        fake = Faker(locale, providers=["faker.providers.person", "faker.providers.address"], use_weighting=False)
        fake.seed_instance(int(_stream(shop, f"pool.{code}").integers(2**32)))
        for what, size in POOL.items():
            pools[what] += [getattr(fake, what)() for _ in range(size)]
    return pools


def _emails(first_names: list[str], last_names: list[str], first: np.ndarray, last: np.ndarray) -> pd.Series:
    """Addresses first.last<row number>@example.*: unique, since letters alone come before the number."""
    number = pd.Series(np.arange(1, len(first) + 1)).astype("str")
    domain = _labels(["@example.com", "@example.org", "@example.net"], np.arange(len(first)) % 3)
    first_parts, last_parts = ([_ascii_letters(name) for name in names] for names in (first_names, last_names))
    return _labels(first_parts, first) + "." + _labels(last_parts, last) + number + domain


def _ascii_letters(name: str) -> str:
    """'Lemaître' -> 'lemaitre'; letters without an ASCII base are left out."""
    return "".join(c for c in unicodedata.normalize("NFKD", name).lower() if "a" <= c <= "z")


def generate_products(n: int, *, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """n products with lognormal prices around their shelf's median; cost is 40 to 70 % of the price."""
    _refuse_negative("products", n)
    rng = _stream(shop, "products")
    shelf = rng.integers(0, len(SHELVES), n)
    price = 100 * np.maximum(2, np.rint(_column(SHELVES, 3)[shelf] * rng.lognormal(0, 0.45, n)).astype(np.int64)) - 1
    cost = (price * rng.uniform(0.40, 0.70, n)).astype(np.int64)
    style = _labels(STYLES, rng.integers(0, len(STYLES), n))
    return pd.DataFrame(
        {
            "product_id": _uuids(_stream(shop, "products.id"), n),
            "name": _numbered(style + " " + _labels(_column(SHELVES, 2), shelf)),
            "category": _labels(_column(SHELVES, 0), shelf),
            "subcategory": _labels(_column(SHELVES, 1), shelf),
            "price": _money(price),
            "cost": _money(cost),
            "stock_quantity": pd.array(rng.negative_binomial(2, 0.02, n), dtype="Int64"),
        }
    )


def generate_orders(
    n: int,
    users: pd.DataFrame,
    products: pd.DataFrame,
    campaigns: pd.DataFrame | None = None,
    *,
    shop: Shop = DEMO_SHOP,
) -> pd.DataFrame:
    """n orders by time, none before its customer's sign-up; total_amount is the sum of their generate_order_items."""
    _refuse_negative("orders", n)
    _refuse_childless(n, "orders", users=users, products=products)
    rng = _stream(shop, "orders")
    buyer, seconds = _visit_times(rng, n, users, shop)
    by_time = np.argsort(seconds, kind="stable")
    buyer, seconds = buyer[by_time], seconds[by_time]
    # Every hundredth parcel goes to the address of somebody else.
    address = np.where(rng.random(n) < 0.99, buyer, rng.integers(0, max(len(users), 1), n))
    campaign = _running_campaign(_stream(shop, "orders.campaign"), seconds // DAY, campaigns, share=0.15)
    return pd.DataFrame(
        {
            "order_id": _uuids(_stream(shop, "orders.id"), n),
            "user_id": _parent(users, "user_id", buyer),
            "order_date": _instants(seconds),
            "status": _labels(STATUSES, _status(rng, shop.days[-1] + 1 - seconds / DAY)),
            "total_amount": _money(_totals(_lines(n, products, shop), n)),
            "shipping_country_code": _parent(users, "country_code", address),
            "shipping_city": _parent(users, "city", address),
            "campaign_id": _parent(campaigns, "campaign_id", campaign),
        }
    )


def _visit_times(rng: np.random.Generator, n: int, users: pd.DataFrame, shop: Shop) -> tuple[np.ndarray, np.ndarray]:
    """Customer (row of users) and last second of n visits, by the customers' habits, their life and the calendar."""
    busy = np.concatenate([[0.0], np.cumsum(_calendar(shop) * np.linspace(1, 1.2, shop.history_days))])
    signup = _days(users["signup_date"]) - shop.days[0]
    habits = _stream(shop, "users.habits")
    weight = habits.gamma(1.0, 1.0, len(users))  # unequal customers: some never buy, a few buy all the time
    leaves = np.minimum(signup + 1 + habits.exponential(250, len(users)).astype(np.int64), shop.history_days)
    user = _draw(rng, weight * (busy[leaves] - busy[signup]), n)
    mark = busy[signup[user]] + rng.random(n) * (busy[leaves] - busy[signup])[user]
    day = np.clip(np.searchsorted(busy, mark, side="right") - 1, signup[user], leaves[user] - 1)
    second = _draw(rng, np.array(HOURS), n) * 3600 + rng.integers(0, 3600, n)
    second = np.where(day == signup[user], 7_200 + second * 11 // 12, second)
    return user, (shop.days[0] + day) * DAY + second


def _status(rng: np.random.Generator, age: np.ndarray) -> np.ndarray:
    """Position in STATUSES by age in days."""
    band = np.searchsorted([limit for limit, _ in STATUS_BY_AGE], age, side="right")
    shares = np.cumsum([row for _, row in STATUS_BY_AGE], axis=1)
    return np.minimum((rng.random(len(age))[:, None] >= shares[band]).sum(axis=1), len(STATUSES) - 1)


def _lines(n_orders: int, products: pd.DataFrame, shop: Shop) -> pd.DataFrame:
    """The lines of n_orders: order and product (row numbers), quantity, paid and discount (cents per unit)."""
    rng = _stream(shop, "lines")
    sizes = 1 + rng.negative_binomial(2, 2 / (1 + shop.lines_per_order), n_orders)
    order = np.repeat(np.arange(n_orders), sizes)
    product = _distinct_products(rng, order, products, shop)
    price = _cents(products["price"])[product]
    percent = np.array(list(DISCOUNTS))[_draw(rng, np.array(list(DISCOUNTS.values())), len(order))]
    discount = price * percent // 100
    quantity = 1 + _draw(rng, np.array(QUANTITIES), len(order))
    lines = pd.DataFrame(
        {"order": order, "product": product, "quantity": quantity, "paid": price - discount, "discount": discount}
    )
    return lines.drop_duplicates(["order", "product"], ignore_index=True)


def _distinct_products(rng: np.random.Generator, order: np.ndarray, products: pd.DataFrame, shop: Shop) -> np.ndarray:
    """A product per line by popularity; a repeat within an order is drawn again, up to eight times."""
    weights = _popularity(len(products), shop)
    product = _draw(rng, weights, len(order))
    for _ in range(8):
        repeated = pd.Series(order * len(products) + product).duplicated().to_numpy()
        product[repeated] = _draw(rng, weights, int(repeated.sum()))
    return product


def _popularity(n_products: int, shop: Shop) -> np.ndarray:
    """Relative demand: Zipf-Mandelbrot over the ranks, dealt to the products at random."""
    rank = _stream(shop, "products.popularity").permutation(n_products)
    return 1 / (rank + 2.0)


def _totals(lines: pd.DataFrame, n_orders: int) -> np.ndarray:
    """Cents per order; whole cents stay exact in a float up to 2**53."""
    return np.bincount(lines["order"], lines["quantity"] * lines["paid"], n_orders).astype(np.int64)


def generate_order_items(orders: pd.DataFrame, products: pd.DataFrame, *, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """The lines of the orders, in their order; price_at_time + discount is the product's price."""
    lines = _lines_of(orders, products, shop)
    return pd.DataFrame(
        {
            "order_item_id": _uuids(_stream(shop, "lines.id"), len(lines)),
            "order_id": _parent(orders, "order_id", lines["order"]),
            "product_id": _parent(products, "product_id", lines["product"]),
            "quantity": lines["quantity"],
            "price_at_time": _money(lines["paid"].to_numpy()),
            "discount": _money(lines["discount"].to_numpy()),
        }
    )


def _lines_of(orders: pd.DataFrame, products: pd.DataFrame, shop: Shop) -> pd.DataFrame:
    """The lines that generate_orders priced these orders by; UsageError when they are of another shop."""
    _refuse_childless(len(orders), "order items", products=products)
    lines = _lines(len(orders), products, shop)
    other = int((_totals(lines, len(orders)) != _cents(orders["total_amount"])).sum())
    if other:
        raise UsageError(
            f"{other} of {len(orders)} orders have another total than their items; want the orders that "
            "generate_orders made from these products and this shop: pass the same ones to both"
        )
    return lines


def generate_events(
    n: int, users: pd.DataFrame, products: pd.DataFrame, orders: pd.DataFrame, *, shop: Shop = DEMO_SHOP
) -> pd.DataFrame:
    """n events by time: a visit that ends in a purchase at the instant of each order, and browsing visits besides."""
    _refuse_negative("events", n)
    _refuse_childless(n, "events", users=users, products=products)
    if n < 3 * len(orders):
        raise UsageError(
            f"{n} events asked for with {len(orders)} orders; want at least {3 * len(orders)}: "
            "each order needs a session_start, a checkout and a purchase"
        )
    rng = _stream(shop, "events")
    buying = _buying_steps(rng, n, len(orders), _lines_of(orders, products, shop))
    browsing = _browsing_steps(rng, n - len(buying), _popularity(len(products), shop))
    steps = pd.concat([buying, browsing.assign(visit=browsing["visit"] + len(orders))], ignore_index=True)
    n_visits = int(steps["visit"].max()) + 1 if n else 0
    browser, left = _visit_times(rng, n_visits - len(orders), users, shop)
    visitor = np.concatenate([pd.Index(users["user_id"]).get_indexer(orders["user_id"]), browser])
    ends = np.concatenate([_seconds(orders["order_date"]), left])
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
    return _visits(
        [
            _steps(visit, START, 0),
            *_looks(views, np.ones(len(views), dtype=bool)),
            _steps(visit, CHECKOUT, last),
            _steps(visit, PURCHASE, last + 1),
        ]
    )


def _browsing_steps(rng: np.random.Generator, n: int, popularity: np.ndarray) -> pd.DataFrame:
    """Exactly n steps of visits without an order: a start, then a few products looked at, some put into the cart."""
    looks = np.minimum(rng.geometric(0.55, n) - 1, 12)
    enough = np.searchsorted(np.cumsum(1 + looks), n) + 1
    visit = np.arange(min(enough, n))
    viewing = np.repeat(visit, looks[: len(visit)])
    views = pd.DataFrame({"visit": viewing, "product": _draw(rng, popularity, len(viewing))})
    return _visits([_steps(visit, START, 0), *_looks(views, rng.random(len(views)) < 0.25)]).head(n)


def _looks(views: pd.DataFrame, carted: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The k-th view of a visit as step 2k + 1, and for those carted the same product as step 2k + 2."""
    place = 2 * views.groupby("visit").cumcount() + 1
    looked = views.assign(kind=VIEW, place=place)
    return looked, looked[carted].assign(kind=CART, place=place[carted] + 1)


def _steps(visit: np.ndarray, kind: int, place: int) -> pd.DataFrame:
    return pd.DataFrame({"visit": visit, "product": -1, "kind": kind, "place": place})


def _visits(parts: list[pd.DataFrame]) -> pd.DataFrame:
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
    rng = _stream(shop, "events.id")
    sessions = _uuids(_stream(shop, "sessions.id"), int(visit.max(initial=-1)) + 1)
    return pd.DataFrame(
        {
            "event_id": _uuids(rng, len(steps)),
            "user_id": _parent(users, "user_id", steps["user"]),
            "session_id": sessions.take(visit).reset_index(drop=True),
            "event_type": _labels(EVENT_TYPES, kind),
            "product_id": _parent(products, "product_id", steps["product"]),
            "order_id": _parent(orders, "order_id", order),
            "event_timestamp": _instants(steps["second"].to_numpy()),
            "revenue": _parent(orders, "total_amount", order),
        }
    )


def _running_campaign(
    rng: np.random.Generator, days: np.ndarray, campaigns: pd.DataFrame | None, *, share: float
) -> np.ndarray:
    """For a share of the days the row of a campaign that runs on it, picked evenly; -1 for the others."""
    chance, pick = rng.random((2, len(days)))
    if campaigns is None or campaigns.empty:
        return np.full(len(days), -1)
    first, last = _days(campaigns["start_date"]), _days(campaigns["end_date"])
    span = np.arange(first.min() - 1, last.max() + 2)  # a quiet day at either end for the days outside
    running = (first <= span[:, None]) & (span[:, None] <= last)
    count = running.sum(axis=1)
    row = np.clip(days - span[0], 0, len(span) - 1)
    place = (np.cumsum(count) - count)[row] + (pick * count[row]).astype(np.int64)
    rows = np.append(np.nonzero(running)[1], -1)  # the last one is read only where nothing runs
    return np.where((chance < share) & (count[row] > 0), rows[place], -1)


def _refuse_negative(table: str, n: int) -> None:
    if n < 0:
        raise UsageError(f"{n} {table} asked for; want 0 or more")


def _refuse_childless(n: int, table: str, **parents: pd.DataFrame) -> None:
    missing = [name for name, frame in parents.items() if frame.empty]
    if n and missing:
        raise UsageError(f"{n} {table} asked for, but there are 0 {' and 0 '.join(missing)}; want at least 1")


def _stream(shop: Shop, name: str) -> np.random.Generator:
    """The random numbers of one purpose: they change with the seed, and with nothing that is drawn elsewhere."""
    return np.random.Generator(
        np.random.PCG64DXSM(np.random.SeedSequence(shop.seed, spawn_key=(zlib.crc32(name.encode()),)))
    )


def _draw(rng: np.random.Generator, weights: np.ndarray, n: int) -> np.ndarray:
    """n positions in weights, each as likely as its weight."""
    edges = np.cumsum(weights)
    marks = rng.random(n) * edges[-1:]
    return np.minimum(np.searchsorted(edges, marks, side="right"), len(edges) - 1)


def _uuids(rng: np.random.Generator, n: int) -> pd.Series:
    """n random UUIDs of version 4 as text, 30 times as fast as one by one."""
    raw = np.frombuffer(rng.bytes(16 * n), dtype=np.uint8).reshape(n, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    digits = np.frombuffer(binascii.hexlify(raw.tobytes()), dtype=np.uint8).reshape(n, 32)
    text = np.full((n, 36), ord("-"), dtype=np.uint8)
    for source, target in ((0, 0), (8, 9), (12, 14), (16, 19), (20, 24)):
        width = {0: 8, 20: 12}.get(source, 4)
        text[:, target : target + width] = digits[:, source : source + width]
    offsets = np.arange(0, 36 * (n + 1), 36, dtype=np.int64)
    return pd.Series(pa.LargeStringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(text)), dtype="str")


def _column(table: list[tuple], position: int) -> np.ndarray:
    return np.array([row[position] for row in table])


def _labels(words: list[str] | np.ndarray, positions: np.ndarray) -> pd.Series:
    return pd.Series(pd.array(list(words), dtype="str").take(positions))


def _numbered(names: pd.Series) -> pd.Series:
    """Names made unique: the second 'Urban Lamp' becomes 'Urban Lamp 2'."""
    nth = names.groupby(names).cumcount() + 1
    return names.where(nth == 1, names + " " + nth.astype("str"))


def _parent(parents: pd.DataFrame | None, column: str, rows: np.ndarray | pd.Series) -> pd.Series:
    """Values of a parent's column by row number; row -1, and a parent that is not there, give missing ones."""
    values = pd.array([], dtype="str") if parents is None else parents[column].array
    return pd.Series(values.take(np.asarray(rows), allow_fill=True))


def _money(cents: np.ndarray) -> pd.Series:
    """Integer cents as decimal(12, 2): the 128-bit numbers are laid out directly, low half first."""
    halves = np.stack([cents, cents >> 63], axis=1).astype("<i8")
    kind = pa.decimal128(12, 2)
    return pd.Series(
        pd.arrays.ArrowExtensionArray(pa.Array.from_buffers(kind, len(cents), [None, pa.py_buffer(halves)]))
    )


def _cents(money: pd.Series) -> np.ndarray:
    return pc.cast(pc.multiply(pa.array(money.array), pa.scalar(100)), pa.int64()).to_numpy()


def _dates(days: np.ndarray) -> np.ndarray:
    return days.astype("datetime64[D]").astype("datetime64[us]")


def _days(dates: pd.Series) -> np.ndarray:
    return dates.to_numpy().astype("datetime64[D]").astype(np.int64)


def _instants(seconds: np.ndarray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(seconds.astype("datetime64[s]").astype("datetime64[us]")).tz_localize("UTC")


def _seconds(instants: pd.Series) -> np.ndarray:
    return instants.dt.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
