"""Tests of the profile: counts known by head, parts that add up to the whole, and the tables of the report."""

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lib.data import profile as profile_tables
from lib.data.profile import Profile, profile, report_date, total
from lib.data.synthetic import Counts, Shop, block_tables, plan_shop
from lib.data.synthetic.truth import truth as plan_truth

MONEY = pa.decimal128(15, 3)


def keys(*numbers: int) -> pa.Array:
    return pa.array([uuid.UUID(int=n) for n in numbers], pa.uuid())


def money(*amounts: str) -> pa.Array:
    return pa.array([Decimal(amount) for amount in amounts], MONEY)


def instants(*texts: str) -> pa.Array:
    return pa.array([datetime.fromisoformat(text).replace(tzinfo=UTC) for text in texts], pa.timestamp("us", "UTC"))


# Customer 1 in GB orders on a Monday and a Tuesday, customer 2 of no known country once on the Monday, 3 never.
TABLES = {
    "users": pa.table(
        {"user_id": keys(1, 2, 3), "country_code": pa.array(["GB", None, "GB"]), "is_guest": [False, False, False]}
    ),
    "orders": pa.table(
        {
            "user_id": keys(1, 1, 2),
            "order_date": instants("2025-01-06 00:00", "2025-01-07 23:59:59", "2025-01-06 12:00"),
        }
    ),
    "order_items": pa.table(
        {
            "order_id": keys(1, 2, 2, 3),
            "product_id": keys(8, 8, 256, 256),
            "quantity": pa.array([1, 2, 1, 1], pa.int32()),
            "price_at_time": money("0.10", "2.00", "1.00", "0.20"),
        }
    ),
    "events": pa.table(
        {
            "session_id": keys(1, 1, 1, 2),
            "event_type": ["session_start", "product_view", "product_view", "session_start"],
        }
    ),
}


def rows(found: Profile) -> dict[str, list[tuple]]:
    return {name: list(frame.itertuples(index=False, name=None)) for name, frame in found.items()}


def same(one: Profile, other: Profile) -> None:
    for name in other:
        pd.testing.assert_frame_equal(one[name], other[name])


def test_profile_of_a_small_shop_by_hand() -> None:
    found = rows(total([profile(TABLES)]))
    monday, tuesday = pd.Timestamp("2025-01-06"), pd.Timestamp("2025-01-07")
    assert found["days"] == [(monday, 2), (tuesday, 1)]
    assert found["weekdays"] == [(0, 2), (1, 1)]
    assert found["hours"] == [(0, 1), (12, 1), (23, 1)]
    assert found["products"] == [(uuid.UUID(int=8).bytes, 4.1), (uuid.UUID(int=256).bytes, 1.2)]
    assert found["baskets"] == [(1, 2), (2, 1)]
    assert found["customers"] == [(0, 1), (1, 1), (2, 1)]
    assert found["funnel"] == [("product_view", 1), ("session_start", 2)]


def test_guests_have_orders_but_are_not_customers() -> None:
    users = TABLES["users"].set_column(2, "is_guest", pa.array([False, True, False]))
    found = total([profile(TABLES | {"users": users})])
    assert found["countries"][["customers", "orders"]].to_numpy().tolist() == [[2, 2], [0, 1]]
    assert found["customers"]["customers"].tolist() == [1, 0, 1]
    assert found["days"]["orders"].sum() == 3


def test_customers_without_a_country_are_counted() -> None:
    countries = total([profile(TABLES), profile(TABLES)])["countries"]
    assert countries["country_code"].isna().tolist() == [False, True]
    assert countries[["customers", "orders"]].to_numpy().tolist() == [[4, 4], [2, 2]]


def test_blocks_add_up_to_the_whole_shop() -> None:
    plan = plan_shop(Counts(users=1_100, orders=1_500, events=14_000), Shop())
    blocks = [block_tables(plan, block) for block in range(plan.counts.blocks)]
    whole = {name: pa.concat_tables([tables[name] for tables in blocks]) for name in blocks[0]}
    parts = total(map(profile, blocks))
    same(parts, total([profile(whole)]))
    same(parts, total(map(profile, reversed(blocks))))
    assert parts["days"]["orders"].sum() == len(whole["orders"])
    assert parts["customers"]["customers"].sum() == parts["countries"]["customers"].sum() == 1_100


def test_many_profiles_are_merged_in_batches() -> None:
    assert total(profile(TABLES) for _ in range(200))["funnel"]["sessions"].tolist() == [200, 400]


def test_an_empty_profile_has_the_same_columns() -> None:
    empty = {name: table.schema.empty_table() for name, table in TABLES.items()}
    full, nothing = total([profile(TABLES)]), total([profile(empty)])
    for name, frame in full.items():
        assert nothing[name].empty
        assert total([])[name].empty
        pd.testing.assert_series_equal(nothing[name].dtypes, frame.dtypes)
        pd.testing.assert_series_equal(total([])[name].dtypes, frame.dtypes)


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
    weeks = profile_tables.weekly_orders(shop(days=DAYS), None)  # Sunday, then Monday to Sunday, then Monday
    assert weeks.to_dict("list") == {"week": [pd.Timestamp("2025-01-06")], "orders": [3]}


def test_weeks_cover_the_days_of_the_truth() -> None:
    weeks = profile_tables.weekly_orders(shop(days=DAYS), truth("2024-12-30", 22))
    assert weeks["week"].dt.day.tolist() == [30, 6, 13]
    assert weeks["orders"].tolist() == [7, 3, 9]
    assert weeks["expected"].tolist() == [3.5, 3.5, 3.5]


def test_every_weekday_has_a_row_with_expected_orders() -> None:
    profile = shop(weekdays={"weekday": [6], "orders": [4]})
    assert profile_tables.weekday_orders(profile, None)["orders"].tolist() == [0] * 6 + [4]
    expected = profile_tables.weekday_orders(profile, truth("2025-01-06", 8))  # two Mondays
    assert expected[["weekday", "expected"]].iloc[:2].to_numpy().tolist() == [["Mon", 1.0], ["Tue", 0.5]]


def test_every_hour_has_a_row() -> None:
    profile = shop(hours={"hour": [23], "orders": [1]})
    assert profile_tables.hourly_orders(profile, None)["orders"].tolist() == [0] * 23 + [1]
    assert profile_tables.hourly_orders(profile, truth("2025-01-06", 8))["expected"].tolist() == [4.0] + [0.0] * 23


def test_concentration_by_hand() -> None:
    curve = profile_tables.concentration(shop(products={"product_id": list("abcde"), "amount": [1.0, 1, 6, 1, 1]}))
    assert curve["products"].tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert curve["revenue"].iloc[1] == pytest.approx(0.6)
    assert curve.iloc[-1].tolist() == [1, 1]


def test_basket_sizes_are_shares_of_the_orders() -> None:
    assert profile_tables.basket_sizes(shop(baskets={"lines": [1, 3], "orders": [3, 1]}))["share"].tolist() == [
        0.75,
        0.25,
    ]


def test_many_orders_are_pooled() -> None:
    found = profile_tables.orders_per_customer(shop(customers={"orders": [0, 8, 30], "customers": [2, 1, 1]}))
    assert found["number_of_orders"].tolist() == [*map(str, range(8)), "8+"]
    assert found["share"].tolist() == [0.5] + [0.0] * 7 + [0.5]


def test_funnel_is_in_the_order_of_a_visit() -> None:
    profile = shop(funnel={"step": ["product_view", "session_start"], "sessions": [1, 4]})
    found = profile_tables.funnel(profile, truth("2025-01-06", 7))
    assert found["share"].tolist() == [1.0, 0.25, 0.0, 0.0, 0.0]
    assert found["expected_share"].tolist()[:2] == [1.0, 0.5]


def test_customers_by_country_have_names_and_expected_customers() -> None:
    countries = {
        "country_code": pd.Series(["GB", "US", None], dtype="str"),
        "customers": [1, 2, 1],
        "orders": [0, 5, 1],
    }
    profile = shop(countries=countries, customers={"orders": [1], "customers": [4]})
    found = profile_tables.customers_by_country(profile, truth("2025-01-06", 7))
    assert found["country"].tolist()[:2] == ["United States", "United Kingdom"]
    assert found["expected"].tolist() == [1.0, 3.0, 0.0]


def test_countries_with_equal_numbers_are_sorted_by_code() -> None:
    codes = [first + second for first in "ABCDEFGHIJ" for second in "ABCDEFGHIJ"]
    countries = {"country_code": pd.Series(codes, dtype="str"), "customers": [1, 2] * 50, "orders": [0] * 100}
    found = profile_tables.customers_by_country(shop(countries=countries), None)["country_code"]
    assert found.tolist() == codes[1::2] + codes[::2]


@pytest.mark.parametrize("known", [None, truth("2025-01-06", 7)], ids=["imported", "made up"])
def test_an_empty_shop_has_frames(known: dict[str, Any] | None) -> None:
    assert len(profile_tables.weekly_orders(NO_SHOP, known)) == (known is not None)
    assert profile_tables.weekday_orders(NO_SHOP, known)["orders"].sum() == 0
    assert profile_tables.hourly_orders(NO_SHOP, known)["orders"].sum() == 0
    assert profile_tables.customers_by_country(NO_SHOP, known).empty
    assert profile_tables.funnel(NO_SHOP, known)["share"].isna().all()
    assert profile_tables.orders_per_customer(NO_SHOP)["share"].isna().all()


def test_only_a_synthetic_shop_has_expected_values() -> None:
    for question in (
        profile_tables.weekly_orders,
        profile_tables.weekday_orders,
        profile_tables.hourly_orders,
        profile_tables.customers_by_country,
    ):
        assert "expected" in question(NO_SHOP, truth("2025-01-06", 7)).columns
        assert "expected" not in question(NO_SHOP, None).columns
    assert "expected_share" not in profile_tables.funnel(NO_SHOP, None).columns
    assert profile_tables.expected_orders(truth("2025-01-06", 8)) == 4
    assert np.isnan(profile_tables.expected_orders(None))


def test_an_imported_shop_has_empty_truth_tables() -> None:
    for facts in (profile_tables.model_parameters, profile_tables.known_campaigns, profile_tables.known_anomalies):
        assert facts(None).empty
        assert len(facts(None).columns) > 1


def test_truth_tables() -> None:
    known = plan_truth(plan_shop(Counts(), Shop()))
    assert profile_tables.model_parameters(known)["value"].notna().all()
    assert profile_tables.known_campaigns(known)["orders_caused"].is_monotonic_decreasing
    assert profile_tables.known_campaigns(known)["countries"].str.fullmatch(r"[A-Z]{2}(, [A-Z]{2})*").all()
    assert len(profile_tables.known_anomalies(known)) == len(known["anomalies"])


def test_series_without_a_column_are_left_out() -> None:
    labels = {"orders": "orders", "expected": "expected"}
    assert profile_tables.series(pd.DataFrame({"week": [], "orders": []}), labels) == {"orders": "orders"}


def orders_of_january(count: int, **changes: int) -> pd.DataFrame:
    """Days of January 2025 with this number of orders each, but for the changed ones: d31=2."""
    orders = [changes.get(f"d{day.day}", count) for day in pd.date_range("2025-01-01", "2025-01-31")]
    return pd.DataFrame({"date": pd.date_range("2025-01-01", "2025-01-31"), "orders": orders})


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (orders_of_january(10), date(2025, 2, 1)),
        (orders_of_january(10, d31=4), date(2025, 1, 31)),  # fewer than half of the other Fridays
        (orders_of_january(10, d31=5), date(2025, 2, 1)),
        (orders_of_january(3, d31=1), date(2025, 2, 1)),  # too few orders to tell
        (orders_of_january(10, d31=0), date(2025, 1, 31)),
        (orders_of_january(0), None),
    ],
)
def test_the_report_date_follows_the_last_whole_day(days: pd.DataFrame, expected: date | None) -> None:
    assert report_date(days) == expected


def test_a_mistyped_date_does_not_move_the_report_date() -> None:
    later = pd.DataFrame({"date": [pd.Timestamp("2029-01-01")], "orders": [1]})
    assert report_date(pd.concat([orders_of_january(50), later])) == date(2025, 2, 1)
    assert report_date(pd.concat([orders_of_january(1), later])) == date(2029, 1, 2)  # 1 of 32 orders is not rare
