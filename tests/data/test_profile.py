"""Tests of the profile: counts known by head, and parts that add up to the whole."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import pyarrow as pa

from lib.data.profile import Profile, profile, total
from lib.data.synthetic import Counts, Shop, block_tables, plan_shop

MONEY = pa.decimal128(12, 2)


def keys(*numbers: int) -> pa.Array:
    return pa.array([uuid.UUID(int=n) for n in numbers], pa.uuid())


def money(*amounts: str) -> pa.Array:
    return pa.array([Decimal(amount) for amount in amounts], MONEY)


def instants(*texts: str) -> pa.Array:
    return pa.array([datetime.fromisoformat(text).replace(tzinfo=UTC) for text in texts], pa.timestamp("us", "UTC"))


# Customer 1 in GB orders on a Monday and a Tuesday, customer 2 of no known country once on the Monday, 3 never.
TABLES = {
    "users": pa.table({"user_id": keys(1, 2, 3), "country_code": pa.array(["GB", None, "GB"])}),
    "orders": pa.table(
        {
            "user_id": keys(1, 1, 2),
            "order_date": instants("2025-01-06 00:00", "2025-01-07 23:59:59", "2025-01-06 12:00"),
            "status": pa.array(["completed", "refunded", "completed"]),
            "total_amount": money("0.10", "5.00", "0.20"),
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
    assert found["days"] == [(monday, 2, 0.3), (tuesday, 1, 0.0)]
    assert found["weekdays"] == [(0, 2), (1, 1)]
    assert found["hours"] == [(0, 1), (12, 1), (23, 1)]
    assert found["products"] == [(uuid.UUID(int=8).bytes, 4.1), (uuid.UUID(int=256).bytes, 1.2)]
    assert found["baskets"] == [(1, 2), (2, 1)]
    assert found["customers"] == [(0, 1), (1, 1), (2, 1)]
    assert found["funnel"] == [("product_view", 1), ("session_start", 2)]


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
