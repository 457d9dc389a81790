"""The profile of a shop: counts that add up over groups of customers, and the tables of them for the report."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from babel import Locale

__all__ = [
    "Counted",
    "Profile",
    "Truth",
    "added",
    "basket_sizes",
    "concentration",
    "customers_by_country",
    "expected_orders",
    "funnel",
    "hourly_orders",
    "known_anomalies",
    "known_campaigns",
    "model_parameters",
    "orders_per_customer",
    "profile",
    "series",
    "total",
    "weekday_orders",
    "weekly_orders",
]

Profile = dict[str, pd.DataFrame]
Counted = dict[str, list[np.ndarray]]  # a partial profile: the columns of each frame, the key first
Truth = dict[str, Any] | None  # content of truth.json; None for an imported shop

DAY, HOUR = 86_400_000_000, 3_600_000_000  # microseconds
CENTS = 2  # digits
BATCH = 64  # merge partial profiles in batches of this size to bound memory
# The first column of each frame is its key, the others are counts or amounts.
COLUMNS: dict[str, dict[str, str]] = {
    "days": {"date": "datetime64[us]", "orders": "int64", "revenue": "float64"},
    "weekdays": {"weekday": "int64", "orders": "int64"},
    "hours": {"hour": "int64", "orders": "int64"},
    "products": {"product_id": "object", "amount": "float64"},
    "baskets": {"lines": "int64", "orders": "int64"},
    "countries": {"country_code": "str", "customers": "int64", "orders": "int64"},
    "customers": {"orders": "int64", "customers": "int64"},
    "funnel": {"step": "str", "sessions": "int64"},
}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
STEPS = ("session_start", "product_view", "add_to_cart", "checkout", "purchase")  # in the order of a visit
MANY_ORDERS = 8
PARAMETERS = (  # label, and section and key in truth.json
    ("BG/NBD r: shape of the customers' purchase rates", "customers", "r"),
    ("BG/NBD alpha: their scale in days, solved for the requested orders", "customers", "alpha"),
    ("BG/NBD a: first shape of the dropout probability after an order", "customers", "a"),
    ("BG/NBD b: second shape of the dropout probability", "customers", "b"),
    ("Mean orders per active customer and day", "customers", "mean_orders_per_day"),
    ("Mean dropout probability after an order", "customers", "mean_dropout"),
    ("Gamma-Gamma p: shape of the value of one customer's orders", "spend", "p"),
    ("Gamma-Gamma q: shape of the mean values of the customers", "spend", "q"),
    ("Mean order value", "spend", "mean"),
    ("Revenue share of the top fifth of products", "products", "revenue_share_of_top_fifth"),
    ("Mean number of further draws per basket", "baskets", "mean_further_draws"),
    ("Share of orders that are cancelled", "statuses", "cancelled"),
    ("Share of orders that are refunded", "statuses", "refunded"),
    ("Visits without an order, per order", "visits", "per_order"),
)


def profile(tables: dict[str, pa.Table]) -> Counted:
    """Counts over the rows of some customers, each with all of its users, orders, order_items and events.

    days, weekdays and hours are in UTC and count orders placed; `revenue` sums completed orders, `amount` all items.
    """
    orders = tables["orders"]
    instants = orders["order_date"].cast(pa.int64()).to_numpy()
    found = {
        "days": _days(orders, instants // DAY),
        "weekdays": _counted((instants // DAY + 3) % 7),  # 1970-01-01 was a Thursday
        "hours": _counted(instants % DAY // HOUR),
        "products": _products(tables["order_items"]),
        "baskets": _baskets(tables["order_items"]),
        **_customers(tables["users"], orders),
        "funnel": _funnel(tables["events"]),
    }
    return {name: [_array(column) for column in columns] for name, columns in found.items()}


def total(profiles: Iterable[Counted]) -> Profile:
    """The counts of all customers, one frame per entry of COLUMNS, sorted by key; empty frames without rows."""
    summed = added(profiles)
    return {
        name: pd.DataFrame(dict(zip(types, summed[name], strict=True))).astype(types) for name, types in COLUMNS.items()
    }


def added(profiles: Iterable[Counted]) -> Counted:
    """The sum of partial profiles, sorted by key."""
    batch: list[Counted] = []
    for each in profiles:
        batch.append(each)
        if len(batch) > BATCH:
            batch = [_sum(batch)]
    return _sum(batch)


def _sum(profiles: Sequence[Counted]) -> Counted:
    """The sum of partial profiles; amounts are rounded to cents, so that the order of summands does not matter."""
    if not profiles:
        return {name: [_array([]) for _ in types] for name, types in COLUMNS.items()}
    summed = {}
    for name in COLUMNS:
        key, *others = (np.concatenate(parts) for parts in zip(*(each[name] for each in profiles), strict=True))
        row, keys = pd.factorize(key, sort=True, use_na_sentinel=False)  # customers without a country count too
        summed[name] = [keys, *(np.round(np.bincount(row, values, len(keys)), CENTS) for values in others)]
    return summed


def _array(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """The values as an array; keys as objects, since numpy's bytes type drops trailing zeros."""
    return values if isinstance(values, np.ndarray) else np.array(values, dtype=object)


def _days(orders: pa.Table, days: np.ndarray) -> tuple[np.ndarray, ...]:
    """Each day with an order, its orders and its revenue."""
    found, row = np.unique(days, return_inverse=True)
    completed = pc.equal(orders["status"], "completed").to_numpy()
    revenue = np.bincount(row, _cents(orders["total_amount"]) * completed, len(found))
    return found.astype("datetime64[D]"), np.bincount(row, minlength=len(found)), revenue / 100


def _counted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct small numbers and the count of each."""
    counts = np.bincount(values)
    return counts.nonzero()[0], counts[counts > 0]


def _products(items: pa.Table) -> tuple[list[bytes], np.ndarray]:
    """Each product sold, by the bytes of its key, and the amount of all its items."""
    products, row = _codes(items["product_id"])
    cents = _cents(items["price_at_time"]) * items["quantity"].to_numpy()
    return products, np.bincount(row, cents, len(products)) / 100


def _baskets(items: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of items of an order, and the orders with each."""
    return _counted(np.bincount(_encoded(items["order_id"]).indices))


def _customers(users: pa.Table, orders: pa.Table) -> dict[str, tuple[Any, ...]]:
    """Customers and orders by the home country of the customer; customers by their number of orders."""
    placed = pc.index_in(_whole(orders["user_id"]), _whole(users["user_id"])).to_numpy()
    by_customer = np.bincount(placed, minlength=len(users))
    countries, home = _codes(users["country_code"])
    by_country = np.bincount(home, by_customer, len(countries)).astype(np.int64)
    return {
        "countries": (countries, np.bincount(home, minlength=len(countries)), by_country),
        "customers": _counted(by_customer),
    }


def _funnel(events: pa.Table) -> tuple[list[str], np.ndarray]:
    """Each step, and the sessions in which it occurs."""
    session = _encoded(events["session_id"]).indices.to_numpy()
    steps, step = _codes(events["event_type"])
    reached = np.zeros((len(steps), int(session.max(initial=-1)) + 1), dtype=bool)
    reached[step, session] = True
    return steps, reached.sum(axis=1)


def _codes(column: pa.ChunkedArray) -> tuple[list[Any], np.ndarray]:
    """The distinct values, null included, and for each row the position of its value."""
    encoded = _encoded(column)
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy()


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return _whole(column).dictionary_encode(null_encoding="encode")


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array; UUIDs as bytes."""
    array = column.combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _cents(amounts: pa.ChunkedArray) -> np.ndarray:
    """Money in whole cents, which add up exactly."""
    return np.rint(amounts.cast(pa.float64()).to_numpy() * 100)


def weekly_orders(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Observed and expected orders per complete week, by its Monday."""
    actual = profile["days"].set_index("date")[["orders"]]
    daily = actual if truth is None else _expected_days(truth).join(actual)
    every = daily.asfreq("D").fillna(0)
    weeks = every.resample("W-MON", closed="left", label="left")
    return weeks.sum()[weeks.size() == len(WEEKDAYS)].rename_axis("week").astype({"orders": "int64"}).reset_index()


def weekday_orders(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Observed and expected orders per day of the week, all seven."""
    orders = _filled(profile["weekdays"], "weekday", range(len(WEEKDAYS)))["orders"]
    found = pd.DataFrame({"weekday": WEEKDAYS, "orders": orders})
    if truth is None:
        return found
    expected = _expected_days(truth)["expected"]
    return found.assign(expected=expected.groupby(pd.DatetimeIndex(expected.index).day_of_week).sum())


def hourly_orders(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Observed and expected orders per hour of the day (UTC), all 24 hours."""
    found = _filled(profile["hours"], "hour", range(24))
    if truth is None:
        return found
    return found.assign(expected=np.array(truth["calendar"]["hours"]) * _expected_days(truth)["expected"].sum())


def basket_sizes(profile: Profile) -> pd.DataFrame:
    """Number of items, orders with this number, and their share of the orders with items."""
    return _with_share(profile["baskets"], "orders")


def orders_per_customer(profile: Profile) -> pd.DataFrame:
    """Number of orders (`8+` pools the rest), customers with this number, and their share of all customers."""
    pooled = profile["customers"].assign(orders=profile["customers"]["orders"].clip(upper=MANY_ORDERS))
    customers = pooled.groupby("orders", as_index=False).sum()
    filled = _filled(customers, "orders", range(MANY_ORDERS + 1))
    names = filled["orders"].astype("str").where(filled["orders"] < MANY_ORDERS, f"{MANY_ORDERS}+")
    shared = _with_share(filled[["customers"]], "customers")
    shared.insert(0, "number_of_orders", names)
    return shared


def customers_by_country(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Customers and their orders by home country, largest first, and the expected customers."""
    found = profile["countries"].sort_values("customers", ascending=False, ignore_index=True, kind="stable")
    found.insert(1, "country", found["country_code"].map(Locale("en").territories, na_action="ignore"))
    if truth is None:
        return found
    shares = found["country_code"].map(truth["countries"]).astype("float64").fillna(0)
    return found.assign(expected=shares * profile["customers"]["customers"].sum())


def funnel(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Sessions that reach each step, their share of the widest step, and the expected share."""
    found = _filled(profile["funnel"], "step", STEPS)
    widest = found["sessions"].max()
    found = found.assign(share=found["sessions"] / widest if widest else np.nan)
    if truth is None:
        return found
    return found.assign(expected_share=found["step"].map(truth["visits"]["funnel"]))


def concentration(profile: Profile) -> pd.DataFrame:
    """Cumulative share of the amount sold by share of the products sold, largest first, from (0, 0) to (1, 1)."""
    amounts = profile["products"]["amount"].sort_values(ascending=False)
    steps = np.arange(len(amounts) + 1) / max(len(amounts), 1)
    shares = np.concatenate([[0.0], amounts.cumsum() / amounts.sum()])
    return pd.DataFrame({"products": steps, "revenue": shares})


def expected_orders(truth: Truth) -> float:
    """Expected orders in total; NaN without a truth."""
    return np.nan if truth is None else float(_expected_days(truth)["expected"].sum())


def model_parameters(truth: Truth) -> pd.DataFrame:
    """The main parameters that the rows were drawn by, including solved ones; no rows without a truth."""
    rows = [] if truth is None else [(name, truth[part][key]) for name, part, key in PARAMETERS]
    return pd.DataFrame(rows, columns=["parameter", "value"])


def known_campaigns(truth: Truth) -> pd.DataFrame:
    """Days, countries, uplift and expected orders caused of each campaign, largest first; no rows without a truth."""
    columns = ["start_date", "end_date", "countries", "uplift", "orders_caused"]
    found = pd.DataFrame([] if truth is None else truth["campaigns"], columns=columns)
    words = [", ".join(codes) for codes in found["countries"]]
    return found.assign(countries=words).sort_values("orders_caused", ascending=False, ignore_index=True, kind="stable")


def known_anomalies(truth: Truth) -> pd.DataFrame:
    """Each planted anomaly with its days and its factors of orders, visits and prices; no rows without a truth."""
    columns = ["kind", "start_date", "end_date", "orders_factor", "visits_factor", "discount_percent"]
    return pd.DataFrame([] if truth is None else truth["anomalies"], columns=columns)


def series(frame: pd.DataFrame, labels: dict[str, str]) -> dict[str, str]:
    """The labels of the columns that the frame has: without a truth there is no expected column."""
    return {column: label for column, label in labels.items() if column in frame.columns}


def _expected_days(truth: dict[str, Any]) -> pd.DataFrame:
    """Expected orders by day (index)."""
    daily = pd.DataFrame(truth["daily"], columns=["date", "orders"]).astype({"date": "datetime64[us]"})
    return daily.set_index("date").rename(columns={"orders": "expected"})


def _filled(frame: pd.DataFrame, key: str, every: Sequence[Any]) -> pd.DataFrame:
    """One row for each key of `every`, in order; zero for keys that the frame lacks."""
    return frame.set_index(key).reindex(pd.Index(every, name=key), fill_value=0).reset_index()


def _with_share(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame.assign(share=frame[column] / frame[column].sum())
