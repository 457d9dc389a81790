"""The shape of a shop as its profile counts it, for a made-up shop beside what its truth expects."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from babel import Locale

from lib.profile import Profile

__all__ = [
    "Truth",
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
    "series",
    "top_fifth_share",
    "weekday_orders",
    "weekly_orders",
]

Truth = dict[str, Any] | None  # what generation wrote about a made-up shop; an imported one has none

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
STEPS = ("session_start", "product_view", "add_to_cart", "checkout", "purchase")  # in the order of a visit
MANY_ORDERS = 8
PARAMETERS = (  # what it is called, and where the truth has it
    ("BG/NBD r: shape of the customers' purchase rates", "customers", "r"),
    ("BG/NBD alpha: their scale in days, solved for the orders asked for", "customers", "alpha"),
    ("BG/NBD a: first shape of the chance to leave after an order", "customers", "a"),
    ("BG/NBD b: second shape of that chance", "customers", "b"),
    ("Mean orders per customer and day while active", "customers", "mean_orders_per_day"),
    ("Mean chance to leave after an order", "customers", "mean_dropout"),
    ("Gamma-Gamma p: shape of the value of one customer's orders", "spend", "p"),
    ("Gamma-Gamma q: shape of the mean values of the customers", "spend", "q"),
    ("Mean order value", "spend", "mean"),
    ("Revenue share of the best fifth of all products", "products", "revenue_share_of_top_fifth"),
    ("Mean number of further draws per basket", "baskets", "mean_further_draws"),
    ("Share of orders that are cancelled", "statuses", "cancelled"),
    ("Share of orders that are refunded", "statuses", "refunded"),
    ("Visits without an order, per order", "visits", "per_order"),
)


def weekly_orders(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Orders placed per week, by the Monday it starts on, and those expected; weeks that are not whole are left out."""
    actual = profile["days"].set_index("date")[["orders"]]
    daily = actual if truth is None else _expected_days(truth).join(actual)
    every = daily.asfreq("D").fillna(0)
    weeks = every.resample("W-MON", closed="left", label="left")
    return weeks.sum()[weeks.size() == len(WEEKDAYS)].rename_axis("week").astype({"orders": "int64"}).reset_index()


def weekday_orders(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Orders placed per day of the week, all seven, and those expected of as many such days as there were."""
    orders = _filled(profile["weekdays"], "weekday", range(len(WEEKDAYS)))["orders"]
    found = pd.DataFrame({"weekday": WEEKDAYS, "orders": orders})
    if truth is None:
        return found
    expected = _expected_days(truth)["expected"]
    return found.assign(expected=expected.groupby(expected.index.day_of_week).sum())


def hourly_orders(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Orders placed per hour of the day (UTC), all 24 hours, and those expected."""
    found = _filled(profile["hours"], "hour", range(24))
    if truth is None:
        return found
    return found.assign(expected=np.array(truth["calendar"]["hours"]) * _expected_days(truth)["expected"].sum())


def basket_sizes(profile: Profile) -> pd.DataFrame:
    """Number of lines, orders that have so many, and their share of the orders with lines."""
    return _with_share(profile["baskets"], "orders")


def orders_per_customer(profile: Profile) -> pd.DataFrame:
    """Number of orders (`8+` pools the many), customers who placed so many, and their share of all, buyers or not."""
    pooled = profile["customers"].assign(orders=profile["customers"]["orders"].clip(upper=MANY_ORDERS))
    customers = pooled.groupby("orders", as_index=False).sum()
    filled = _filled(customers, "orders", range(MANY_ORDERS + 1))
    names = filled["orders"].astype("str").where(filled["orders"] < MANY_ORDERS, f"{MANY_ORDERS}+")
    shared = _with_share(filled[["customers"]], "customers")
    shared.insert(0, "number_of_orders", names)
    return shared


def customers_by_country(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Customers by home country, most first, and the orders that they placed; the customers expected there."""
    found = profile["countries"].sort_values("customers", ascending=False, ignore_index=True, kind="stable")
    found.insert(1, "country", found["country_code"].map(Locale("en").territories, na_action="ignore"))
    if truth is None:
        return found
    shares = found["country_code"].map(truth["countries"]).astype("float64").fillna(0)
    return found.assign(expected=shares * profile["customers"]["customers"].sum())


def funnel(profile: Profile, truth: Truth) -> pd.DataFrame:
    """Sessions that took each step, their share of the sessions of the widest step, and the share expected."""
    found = _filled(profile["funnel"], "step", STEPS)
    widest = found["sessions"].max()
    found = found.assign(share=found["sessions"] / widest if widest else np.nan)
    if truth is None:
        return found
    return found.assign(expected_share=found["step"].map(truth["visits"]["funnel"]))


def concentration(profile: Profile) -> pd.DataFrame:
    """Cumulative share of the amount sold by share of the products sold, best first, from (0, 0) to (1, 1)."""
    amounts = profile["products"]["amount"].sort_values(ascending=False)
    steps = np.arange(len(amounts) + 1) / max(len(amounts), 1)
    shares = np.concatenate([[0.0], amounts.cumsum() / amounts.sum()])
    return pd.DataFrame({"products": steps, "revenue": shares})


def top_fifth_share(curve: pd.DataFrame) -> float:
    """Share of revenue of the best fifth of the products, read off the concentration curve."""
    return float(np.interp(0.2, curve["products"], curve["revenue"]))


def expected_orders(truth: Truth) -> float:
    """Orders that the truth expects in all; NaN where the truth is not known."""
    return np.nan if truth is None else float(_expected_days(truth)["expected"].sum())


def model_parameters(truth: Truth) -> pd.DataFrame:
    """The main parameters that the rows were drawn by, solved ones among them; no rows without a truth."""
    rows = [] if truth is None else [(name, truth[part][key]) for name, part, key in PARAMETERS]
    return pd.DataFrame(rows, columns=["parameter", "value"])


def known_campaigns(truth: Truth) -> pd.DataFrame:
    """Days, countries, uplift and orders caused on average by each campaign, most first; no rows without a truth."""
    columns = ["start_date", "end_date", "countries", "uplift", "orders_caused"]
    found = pd.DataFrame([] if truth is None else truth["campaigns"], columns=columns)
    words = [", ".join(codes) for codes in found["countries"]]
    return found.assign(countries=words).sort_values("orders_caused", ascending=False, ignore_index=True, kind="stable")


def known_anomalies(truth: Truth) -> pd.DataFrame:
    """Every planted anomaly with its days and what it does to orders, visits, prices; no rows without a truth."""
    columns = ["kind", "start_date", "end_date", "orders_factor", "visits_factor", "discount_percent"]
    return pd.DataFrame([] if truth is None else truth["anomalies"], columns=columns)


def series(frame: pd.DataFrame, labels: dict[str, str]) -> dict[str, str]:
    """The labels of those columns that the frame has: without a truth nothing is expected."""
    return {column: label for column, label in labels.items() if column in frame.columns}


def _expected_days(truth: dict[str, Any]) -> pd.DataFrame:
    """Every day of the truth as the index, and the orders `expected` on it."""
    daily = pd.DataFrame(truth["daily"], columns=["date", "orders"]).astype({"date": "datetime64[us]"})
    return daily.set_index("date").rename(columns={"orders": "expected"})


def _filled(frame: pd.DataFrame, key: str, every: Sequence) -> pd.DataFrame:
    """One row for each of `every`, in order; zero where the frame has none."""
    return frame.set_index(key).reindex(pd.Index(every, name=key), fill_value=0).reset_index()


def _with_share(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame.assign(share=frame[column] / frame[column].sum())
