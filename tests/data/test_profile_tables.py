"""Tests of the profile tables: counts by week, hour, basket and country, with and without a truth."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib.data import profile as shape
from lib.data.profile import Profile, total
from lib.data.synthetic import Counts, Shop, plan_shop
from lib.data.synthetic.truth import truth as plan_truth


def shop(**frames: dict[str, list]) -> Profile:
    """A profile without rows but for those named."""
    return total([]) | {name: pd.DataFrame(columns) for name, columns in frames.items()}


def truth(first: str, days: int) -> dict[str, Any]:
    """A truth that expects half an order on every day."""
    daily = [{"date": str(day.date()), "orders": 0.5, "revenue": 5.0} for day in pd.date_range(first, periods=days)]
    return {
        "daily": daily,
        "calendar": {"hours": [1.0] + [0.0] * 23},
        "countries": {"GB": 0.75, "US": 0.25},
        "visits": {"funnel": {"session_start": 1.0, "product_view": 0.5}},
    }


NO_SHOP = total([])
DAYS = {"date": pd.to_datetime(["2025-01-05", "2025-01-06", "2025-01-12", "2025-01-13"]), "orders": [7, 1, 2, 9]}


def test_an_incomplete_week_is_left_out() -> None:
    weeks = shape.weekly_orders(shop(days=DAYS), None)  # Sunday, then Monday to Sunday, then Monday
    assert weeks.to_dict("list") == {"week": [pd.Timestamp("2025-01-06")], "orders": [3]}


def test_weeks_cover_the_days_of_the_truth() -> None:
    weeks = shape.weekly_orders(shop(days=DAYS), truth("2024-12-30", 22))
    assert weeks["week"].dt.day.tolist() == [30, 6, 13]
    assert weeks["orders"].tolist() == [7, 3, 9]
    assert weeks["expected"].tolist() == [3.5, 3.5, 3.5]


def test_every_weekday_has_a_row_with_expected_orders() -> None:
    profile = shop(weekdays={"weekday": [6], "orders": [4]})
    assert shape.weekday_orders(profile, None)["orders"].tolist() == [0] * 6 + [4]
    expected = shape.weekday_orders(profile, truth("2025-01-06", 8))  # two Mondays
    assert expected[["weekday", "expected"]].iloc[:2].to_numpy().tolist() == [["Mon", 1.0], ["Tue", 0.5]]


def test_every_hour_has_a_row() -> None:
    profile = shop(hours={"hour": [23], "orders": [1]})
    assert shape.hourly_orders(profile, None)["orders"].tolist() == [0] * 23 + [1]
    assert shape.hourly_orders(profile, truth("2025-01-06", 8))["expected"].tolist() == [4.0] + [0.0] * 23


def test_concentration_by_hand() -> None:
    curve = shape.concentration(shop(products={"product_id": list("abcde"), "amount": [1.0, 1, 6, 1, 1]}))
    assert curve["products"].tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert curve["revenue"].iloc[1] == pytest.approx(0.6)
    assert curve.iloc[-1].tolist() == [1, 1]


def test_basket_sizes_are_shares_of_the_orders() -> None:
    assert shape.basket_sizes(shop(baskets={"lines": [1, 3], "orders": [3, 1]}))["share"].tolist() == [0.75, 0.25]


def test_many_orders_are_pooled() -> None:
    found = shape.orders_per_customer(shop(customers={"orders": [0, 8, 30], "customers": [2, 1, 1]}))
    assert found["number_of_orders"].tolist() == [*map(str, range(8)), "8+"]
    assert found["share"].tolist() == [0.5] + [0.0] * 7 + [0.5]


def test_funnel_is_in_the_order_of_a_visit() -> None:
    profile = shop(funnel={"step": ["product_view", "session_start"], "sessions": [1, 4]})
    found = shape.funnel(profile, truth("2025-01-06", 7))
    assert found["share"].tolist() == [1.0, 0.25, 0.0, 0.0, 0.0]
    assert found["expected_share"].tolist()[:2] == [1.0, 0.5]


def test_customers_by_country_have_names_and_expected_customers() -> None:
    countries = {
        "country_code": pd.Series(["GB", "US", None], dtype="str"),
        "customers": [1, 2, 1],
        "orders": [0, 5, 1],
    }
    profile = shop(countries=countries, customers={"orders": [1], "customers": [4]})
    found = shape.customers_by_country(profile, truth("2025-01-06", 7))
    assert found["country"].tolist()[:2] == ["United States", "United Kingdom"]
    assert found["expected"].tolist() == [1.0, 3.0, 0.0]


def test_countries_with_equal_numbers_are_sorted_by_code() -> None:
    codes = [first + second for first in "ABCDEFGHIJ" for second in "ABCDEFGHIJ"]
    countries = {"country_code": pd.Series(codes, dtype="str"), "customers": [1, 2] * 50, "orders": [0] * 100}
    found = shape.customers_by_country(shop(countries=countries), None)["country_code"]
    assert found.tolist() == codes[1::2] + codes[::2]


@pytest.mark.parametrize("known", [None, truth("2025-01-06", 7)], ids=["imported", "made up"])
def test_an_empty_shop_has_frames(known: dict[str, Any] | None) -> None:
    assert len(shape.weekly_orders(NO_SHOP, known)) == (known is not None)
    assert shape.weekday_orders(NO_SHOP, known)["orders"].sum() == 0
    assert shape.hourly_orders(NO_SHOP, known)["orders"].sum() == 0
    assert shape.customers_by_country(NO_SHOP, known).empty
    assert shape.funnel(NO_SHOP, known)["share"].isna().all()
    assert shape.orders_per_customer(NO_SHOP)["share"].isna().all()


def test_only_a_synthetic_shop_has_expected_values() -> None:
    for question in (
        shape.weekly_orders,
        shape.weekday_orders,
        shape.hourly_orders,
        shape.customers_by_country,
    ):
        assert "expected" in question(NO_SHOP, truth("2025-01-06", 7)).columns
        assert "expected" not in question(NO_SHOP, None).columns
    assert "expected_share" not in shape.funnel(NO_SHOP, None).columns
    assert shape.expected_orders(truth("2025-01-06", 8)) == 4
    assert np.isnan(shape.expected_orders(None))


def test_an_imported_shop_has_empty_truth_tables() -> None:
    for facts in (shape.model_parameters, shape.known_campaigns, shape.known_anomalies):
        assert facts(None).empty
        assert len(facts(None).columns) > 1


def test_truth_tables() -> None:
    known = plan_truth(plan_shop(Counts(), Shop()))
    assert shape.model_parameters(known)["value"].notna().all()
    assert shape.known_campaigns(known)["orders_caused"].is_monotonic_decreasing
    assert shape.known_campaigns(known)["countries"].str.fullmatch(r"[A-Z]{2}(, [A-Z]{2})*").all()
    assert len(shape.known_anomalies(known)) == len(known["anomalies"])


def test_series_without_a_column_are_left_out() -> None:
    labels = {"orders": "orders", "expected": "expected"}
    assert shape.series(pd.DataFrame({"week": [], "orders": []}), labels) == {"orders": "orders"}
