"""The profile of a shop: counts that add up over groups of customers, and the tables of them for the report."""

from collections.abc import Iterable, Sequence
from datetime import date
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
    "report_date",
    "series",
    "total",
    "weekday_orders",
    "weekly_orders",
]

Profile = dict[str, pd.DataFrame]
Counted = dict[str, pa.Table]  # a partial profile: a table for each frame
Truth = dict[str, Any] | None  # content of truth.json; None for an imported shop

GAP_DAYS = 45  # without an order; a report date that lies further from the data reports nothing
MISTYPED_SHARE = 0.001
LEAST_USUAL = 4  # orders of a usual day; fewer cannot show that a day is partial
BATCH = 64  # merge partial profiles in batches of this size to bound memory
# The first column of each frame is its key, the others are counts or amounts.
COLUMNS: dict[str, dict[str, str]] = {
    "days": {"date": "datetime64[us]", "orders": "int64"},
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
    ("Share of orders that are cancelled", "returns", "cancelled"),
    ("Share of orders that are refunded as a whole", "returns", "refunded"),
    ("Share of items returned from other orders of several units", "returns", "items_returned"),
    ("Visits without an order, per order", "visits", "per_order"),
)


def profile(tables: dict[str, pa.Table], time_zone: str = "UTC") -> Counted:
    """Counts over the rows of some customers, each with all of its users, orders, order_items and events.

    days, weekdays and hours are those of the time zone and count orders placed; `amount` sums the items of all orders,
    returned or not.
    """
    users, orders, items, events = (tables[name] for name in ("users", "orders", "order_items", "events"))
    placed = pc.local_timestamp(orders["order_date"].cast(pa.timestamp("us", time_zone)))
    counted = pc.invert(users["is_guest"].cast(pa.bool_())).cast(
        pa.int64()
    )  # guests are not customers, but have orders
    homes = pa.table({"user": _bytes(users["user_id"]), "country": users["country_code"], "counted": counted})
    buyers = _sums(pa.table({"user": _bytes(orders["user_id"]), "orders": _ones(orders)}))
    customers = homes.join(buyers, "user", use_threads=False)
    placed_by_customer = pc.fill_null(customers["orders"], 0)
    baskets = _sums(pa.table({"order": _bytes(items["order_id"]), "lines": _ones(items)}))
    rows = {
        "days": [placed.cast(pa.date32(), safe=False), _ones(orders)],
        "weekdays": [pc.day_of_week(placed), _ones(orders)],
        "hours": [pc.hour(placed), _ones(orders)],
        "products": [_bytes(items["product_id"]), pc.multiply(items["price_at_time"], items["quantity"])],
        "baskets": [baskets["lines"], _ones(baskets)],
        "countries": [customers["country"], customers["counted"], placed_by_customer],
        "customers": [placed_by_customer, customers["counted"]],
        "funnel": _funnel(events),
    }
    return {name: _sums(pa.table(rows[name], names=list(types))) for name, types in COLUMNS.items()}


def _funnel(events: pa.Table) -> list[pa.Array | np.ndarray]:
    """Each step, and the number of sessions in which it occurs."""
    session = _bytes(events["session_id"]).combine_chunks().dictionary_encode()
    step = events["event_type"].combine_chunks().dictionary_encode()
    reached = np.zeros((len(step.dictionary), len(session.dictionary)), dtype=bool)
    reached[step.indices, session.indices] = True  # several times as fast as grouping by both
    return [step.dictionary, reached.sum(axis=1)]


def total(profiles: Iterable[Counted]) -> Profile:
    """The counts of all customers, one frame per entry of COLUMNS, sorted by key; empty frames without rows."""
    summed = added(profiles)
    return {name: summed[name].to_pandas().astype(types) for name, types in COLUMNS.items()}


def added(profiles: Iterable[Counted]) -> Counted:
    """The sum of partial profiles, sorted by key."""
    batch: list[Counted] = []
    for each in profiles:
        batch.append(each)
        if len(batch) > BATCH:
            batch = [_merged(batch)]
    return _merged(batch)


def _merged(profiles: Sequence[Counted]) -> Counted:
    if not profiles:
        return {name: pa.table({column: [] for column in types}) for name, types in COLUMNS.items()}
    return {name: _sums(pa.concat_tables(each[name] for each in profiles)) for name in COLUMNS}


def _sums(rows: pa.Table) -> pa.Table:
    """The sums of the other columns by the first one, sorted by it; exact, since money is decimal."""
    key, *others = rows.column_names
    sums = rows.group_by(key, use_threads=False).aggregate([(name, "sum") for name in others])
    return sums.select([key, *(f"{name}_sum" for name in others)]).rename_columns(rows.column_names).sort_by(key)


def _ones(rows: pa.Table) -> np.ndarray:
    return np.ones(len(rows), dtype=np.int64)


def _bytes(keys: pa.ChunkedArray) -> pa.ChunkedArray:
    return keys.cast(pa.binary(16))  # Arrow groups and joins by bytes, not by UUIDs


def report_date(days: pd.DataFrame) -> date | None:
    """First day that is not in the data: the day after the last order, or that last day where it is plainly partial.

    A day is partial if it has fewer than half of the usual orders of its weekday: the median of the four weeks before,
    if that is at least 4. A few orders (at most 0.1 %) after more than GAP_DAYS without one have a mistyped date and do
    not count.

    Args:
        days: date and orders, as in a profile.

    Returns:
        None without any order.
    """
    orders = days.set_index("date")["orders"].sort_index()
    orders = orders[orders > 0]
    gaps = orders.index.to_series().diff().dt.days
    for start in gaps.index[gaps > GAP_DAYS]:
        if orders[start:].sum() <= MISTYPED_SHARE * orders.sum():
            orders = orders[:start].iloc[:-1]
            break
    if orders.empty:
        return None
    last = orders.index[-1]
    usual = orders.reindex([last - pd.Timedelta(weeks=back) for back in (1, 2, 3, 4)], fill_value=0).median()
    partial = usual >= LEAST_USUAL and orders[last] < usual / 2
    return (last if partial else last + pd.Timedelta(days=1)).date()


def weekly_orders(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Observed and expected orders per complete week, by its Monday.

    Example:
        >>> days = pd.DataFrame({"date": pd.date_range("2025-06-23", "2025-06-30"), "orders": 2})
        >>> profiles.weekly_orders({"days": days}, None)
                week  orders
        0 2025-06-23      14
    """
    actual = profile["days"].set_index("date")[["orders"]]
    daily = actual if truth is None else _expected_days(truth).join(actual)
    every = daily.asfreq("D").fillna(0)
    weeks = every.resample("W-MON", closed="left", label="left")
    return weeks.sum()[weeks.size() == len(WEEKDAYS)].rename_axis("week").astype({"orders": "int64"}).reset_index()


def weekday_orders(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Observed and expected orders per day of the week, all seven.

    Example:
        >>> profiles.weekday_orders({"weekdays": pd.DataFrame({"weekday": [0], "orders": [3]})}, None).head(2)
          weekday  orders
        0     Mon       3
        1     Tue       0
    """
    orders = _filled(profile["weekdays"], "weekday", range(len(WEEKDAYS)))["orders"]
    found = pd.DataFrame({"weekday": WEEKDAYS, "orders": orders})
    if truth is None:
        return found
    expected = _expected_days(truth)["expected"]
    return found.assign(expected=expected.groupby(pd.DatetimeIndex(expected.index).day_of_week).sum())


def hourly_orders(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Observed and expected orders per hour of the day, all 24 hours.

    Example:
        >>> profiles.hourly_orders({"hours": pd.DataFrame({"hour": [9], "orders": [3]})}, None).iloc[8:10]
           hour  orders
        8     8       0
        9     9       3
    """
    found = _filled(profile["hours"], "hour", range(24))
    if truth is None:
        return found
    return found.assign(expected=np.array(truth["calendar"]["hours"]) * _expected_days(truth)["expected"].sum())


def basket_sizes(profile: Profile) -> pd.DataFrame:
    """Number of items, orders with this number, and their share of the orders with items.

    Example:
        >>> profiles.basket_sizes({"baskets": pd.DataFrame({"lines": [1, 2], "orders": [30, 10]})})
           lines  orders  share
        0      1      30   0.75
        1      2      10   0.25
    """
    return _with_share(profile["baskets"], "orders")


def orders_per_customer(profile: Profile) -> pd.DataFrame:
    """Number of orders (`8+` pools the rest), customers with this number, and their share of all customers.

    Example:
        >>> customers = pd.DataFrame({"orders": [0, 1], "customers": [5, 15]})
        >>> profiles.orders_per_customer({"customers": customers}).head(2)
          number_of_orders  customers  share
        0                0          5   0.25
        1                1         15   0.75
    """
    pooled = profile["customers"].assign(orders=profile["customers"]["orders"].clip(upper=MANY_ORDERS))
    customers = pooled.groupby("orders", as_index=False).sum()
    filled = _filled(customers, "orders", range(MANY_ORDERS + 1))
    names = filled["orders"].astype("str").where(filled["orders"] < MANY_ORDERS, f"{MANY_ORDERS}+")
    shared = _with_share(filled[["customers"]], "customers")
    shared.insert(0, "number_of_orders", names)
    return shared


def customers_by_country(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Customers and their orders by home country, largest first, and the expected customers.

    Example:
        >>> countries = pd.DataFrame({"country_code": ["DE", "US"], "customers": [2, 8], "orders": [3, 15]})
        >>> profiles.customers_by_country({"countries": countries}, None)
          country_code        country  customers  orders
        0           US  United States          8      15
        1           DE        Germany          2       3
    """
    found = profile["countries"].sort_values("customers", ascending=False, ignore_index=True, kind="stable")
    found.insert(1, "country", found["country_code"].map(Locale("en").territories, na_action="ignore"))
    if truth is None:
        return found
    shares = found["country_code"].map(truth["countries"]).astype("float64").fillna(0)
    return found.assign(expected=shares * profile["customers"]["customers"].sum())


def funnel(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Sessions that reach each step, their share of the widest step, and the expected share.

    Example:
        >>> reached = pd.DataFrame({"step": ["session_start", "checkout"], "sessions": [100, 5]})
        >>> profiles.funnel({"funnel": reached}, None)
                    step  sessions  share
        0  session_start       100   1.00
        1   product_view         0   0.00
        2    add_to_cart         0   0.00
        3       checkout         5   0.05
        4       purchase         0   0.00
    """
    found = _filled(profile["funnel"], "step", STEPS)
    widest = found["sessions"].max()
    found = found.assign(share=found["sessions"] / widest if widest else np.nan)
    if truth is None:
        return found
    return found.assign(expected_share=found["step"].map(truth["visits"]["funnel"]))


def concentration(profile: Profile) -> pd.DataFrame:
    """Cumulative share of the amount sold by share of the products sold, largest first, from (0, 0) to (1, 1).

    Example:
        >>> profiles.concentration({"products": pd.DataFrame({"amount": [80.0, 20.0]})})
           products  revenue
        0       0.0      0.0
        1       0.5      0.8
        2       1.0      1.0
    """
    amounts = profile["products"]["amount"].sort_values(ascending=False)
    steps = np.arange(len(amounts) + 1) / max(len(amounts), 1)
    shares = np.concatenate([[0.0], amounts.cumsum() / amounts.sum()])
    return pd.DataFrame({"products": steps, "revenue": shares})


def expected_orders(truth: Truth) -> float:
    """Expected orders in total; NaN without a truth.

    Example:
        >>> truth = {"daily": [{"date": "2025-06-29", "orders": 2.5}, {"date": "2025-06-30", "orders": 3.0}]}
        >>> profiles.expected_orders(truth)
        5.5
    """
    return np.nan if truth is None else float(_expected_days(truth)["expected"].sum())


def model_parameters(truth: Truth) -> pd.DataFrame:
    """The main parameters that the rows were drawn by, including solved ones; no rows without a truth.

    Example:
        >>> profiles.model_parameters(None)  # an imported shop has no known truth
        Empty DataFrame
        Columns: [parameter, value]
        Index: []
    """
    rows = [] if truth is None else [(name, truth[part][key]) for name, part, key in PARAMETERS]
    return pd.DataFrame(rows, columns=["parameter", "value"])


def known_campaigns(truth: Truth) -> pd.DataFrame:
    """Days, countries, uplift and expected orders caused of each campaign, largest first; no rows without a truth.

    Example:
        >>> campaign = {"start_date": "2025-05-07", "countries": ["US", "DE"], "uplift": 0.4, "orders_caused": 1.7}
        >>> profiles.known_campaigns({"campaigns": [campaign]})[["start_date", "countries", "uplift"]]
           start_date countries  uplift
        0  2025-05-07    US, DE     0.4
    """
    columns = ["start_date", "end_date", "countries", "uplift", "orders_caused"]
    found = pd.DataFrame([] if truth is None else truth["campaigns"], columns=columns)
    words = [", ".join(codes) for codes in found["countries"]]
    return found.assign(countries=words).sort_values("orders_caused", ascending=False, ignore_index=True, kind="stable")


def known_anomalies(truth: Truth) -> pd.DataFrame:
    """Each planted anomaly with its days and its factors of orders, visits and prices; no rows without a truth.

    Example:
        >>> sale = {"kind": "flash_sale", "start_date": "2025-06-01", "end_date": "2025-06-01", "orders_factor": 2.5}
        >>> profiles.known_anomalies({"anomalies": [sale]})[["kind", "start_date", "orders_factor"]]
                 kind  start_date  orders_factor
        0  flash_sale  2025-06-01            2.5
    """
    columns = ["kind", "start_date", "end_date", "orders_factor", "visits_factor", "discount_percent"]
    return pd.DataFrame([] if truth is None else truth["anomalies"], columns=columns)


def series(frame: pd.DataFrame, labels: dict[str, str]) -> dict[str, str]:
    """The labels of the columns that the frame has: without a truth there is no expected column.

    Example:
        >>> profiles.series(pd.DataFrame({"orders": [3]}), {"orders": "orders", "expected": "expected"})
        {'orders': 'orders'}
    """
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
