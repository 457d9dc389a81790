"""The shop's day: the SQL functions on days of 23 to 25 hours, another time zone by replace, none by append."""

import dataclasses
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from lib import db, load
from lib.data.origin import SYNTHETIC, write_origin
from lib.data.parquet import read_table, write_tables
from lib.db import schema
from lib.errors import DatabaseError, UsageError
from tests.conftest import ZONES, ask, fingerprint

pytestmark = pytest.mark.slow

TABLES = ("users", "products", "marketing_campaigns", "orders", "order_items", "refunds", "events")
# Clocks that change at midnight: it is skipped, or shown twice, or the hour before it is.
MIDNIGHTS = ("Asia/Beirut", "Atlantic/Azores", "America/Havana")


def use_zone(time_zone: str) -> None:
    with db.transaction() as connection:
        schema.create_functions(connection, time_zone, "USD", "placed")


@pytest.mark.parametrize("time_zone", [*ZONES, *MIDNIGHTS])
def test_a_day_has_the_instants_whose_date_it_is(demo_database: sa.URL, time_zone: str) -> None:
    """Every quarter of an hour of two years, by PostgreSQL and by pandas."""
    use_zone(time_zone)
    statement = """
        SELECT instant, shop_day(instant), shop_time(instant),
            day_start(shop_day(instant)) <= instant AND instant < day_start(shop_day(instant) + 1) AS within
        FROM generate_series(timestamptz '2024-01-01Z', '2025-12-31Z', '15 min') AS instant
    """
    found = db.query(statement)
    local = found["instant"].dt.tz_convert(time_zone).dt.tz_localize(None)
    assert found["shop_time"].astype("datetime64[us]").equals(local.astype("datetime64[us]").rename("shop_time"))
    assert found["shop_day"].equals(local.dt.normalize().astype("datetime64[us]").rename("shop_day"))
    assert found["within"].all()


LENGTHS = {  # day: hours
    "Europe/London": {"2025-03-30": 23, "2025-10-26": 25, "2025-06-01": 24},
    "Pacific/Auckland": {"2025-09-28": 23, "2025-04-06": 25},
    "America/St_Johns": {"2025-03-09": 23, "2025-11-02": 25},
    "Australia/Lord_Howe": {"2025-10-05": 23.5, "2025-04-06": 24.5},
    "America/Havana": {"2025-03-09": 23, "2025-11-02": 25},
}


@pytest.mark.parametrize("time_zone", LENGTHS)
def test_days_have_the_hours_that_the_clocks_give_them(demo_database: sa.URL, time_zone: str) -> None:
    use_zone(time_zone)
    length = "SELECT extract(epoch FROM day_start(:day + 1) - day_start(:day)) / 3600"
    found = {day: ask(length, day=date.fromisoformat(day))[0][0] for day in LENGTHS[time_zone]}
    assert found == LENGTHS[time_zone]


def test_a_range_of_days_is_a_condition_of_the_index(demo_database: sa.URL) -> None:
    use_zone("Europe/London")
    statement = "EXPLAIN SELECT count(*) FROM orders WHERE order_date >= day_start('2025-06-01')"
    with db.transaction() as connection:
        connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(connection.execute(sa.text(statement)).scalars())
    assert "Index Cond: (order_date >= '2025-05-31 23:00:00+00'::timestamp with time zone)" in plan


@pytest.fixture
def shop(demo_folder: Path) -> dict[str, pd.DataFrame]:
    """The demo shop, whose customers signed up a day earlier, so that no order precedes it in any time zone."""
    tables = {name: read_table(demo_folder, name) for name in TABLES}
    users = tables["users"]
    return tables | {"users": users.assign(signup_date=users["signup_date"] - pd.Timedelta(days=1))}


def write(shop: dict[str, pd.DataFrame], folder: Path, time_zone: str) -> Path:
    write_tables(shop, folder)
    write_origin(folder, dataclasses.replace(SYNTHETIC, time_zone=time_zone))
    return folder


def days(shop: dict[str, pd.DataFrame], time_zone: str) -> dict[date, float]:
    """Gross sales less discounts by day, from the raw rows."""
    orders = shop["orders"]
    local = orders["order_date"].dt.tz_convert(time_zone).dt.date
    return orders["total_amount"].astype(float).groupby(local).sum().round(2).to_dict()


def test_a_load_with_another_time_zone_moves_days_and_keeps_sums(
    demo_database: sa.URL, shop: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    sums = "SELECT sum(revenue), sum(orders), sum(sessions), sum(signups), sum(refunded_amount) FROM daily_kpis"
    before = ask(sums)
    for time_zone in ("America/Los_Angeles", "Pacific/Auckland", "UTC"):
        load.replace(write(shop, tmp_path / time_zone.replace("/", "_"), time_zone), as_of="2025-07-02")
        found = db.query("SELECT date, gross_sales - discounts AS sales FROM daily_kpis WHERE gross_sales > 0")
        assert dict(zip(found["date"].dt.date, found["sales"], strict=True)) == days(shop, time_zone)
        assert ask(sums) == before
        assert db.time_zone() == ask("SELECT time_zone FROM workbook.shop")[0][0] == time_zone
    assert days(shop, "America/Los_Angeles") != days(shop, "UTC")


def test_a_load_that_fails_at_the_end_keeps_the_time_zone(
    demo_database: sa.URL, shop: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = schema.create_functions

    def fail(connection: sa.Connection, time_zone: str, currency: str, sales_basis: str) -> None:
        create(connection, time_zone, currency, sales_basis)
        if connection.execute(sa.text("SELECT current_schema()")).scalar() == "public":
            raise DatabaseError("the disk is full")

    monkeypatch.setattr(schema, "create_functions", fail)
    with pytest.raises(DatabaseError, match="the disk is full"):
        load.replace(write(shop, tmp_path / "files", "Pacific/Auckland"), as_of="2025-07-02")
    assert db.time_zone() == "UTC"
    assert ask("SELECT shop_time('2025-06-01 12:00Z')::text") == [("2025-06-01 12:00:00",)]


def test_an_append_with_another_time_zone_is_refused(
    demo_database: sa.URL, shop: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    before = fingerprint()
    folder = write(shop, tmp_path / "files", "Asia/Kolkata")
    with pytest.raises(UsageError, match=r"is UTC, .* Asia/Kolkata.*load_mode=replace time_zone=Asia/Kolkata"):
        load.append(folder, as_of="2025-07-02")
    assert fingerprint() == before
    load.replace(folder, as_of="2025-07-02")
    unchanged = load.append(folder, as_of="2025-07-02").tables
    assert (unchanged["unchanged"] == unchanged["rows"]).all()


def test_a_database_of_the_version_before_gets_the_functions(demo_database: sa.URL, demo_folder: Path) -> None:
    ask("DROP FUNCTION shop_zone, shop_day, shop_time, day_start, shop_amount, sold_items CASCADE")
    ask("ALTER TABLE workbook.shop DROP COLUMN time_zone")
    with pytest.raises(DatabaseError, match=r"functions of the shop's sales are missing .* Run 01_schema first"):
        load.append(demo_folder, as_of="2025-07-01")
    with db.transaction() as connection:
        schema.create(connection)
    assert db.time_zone() == "UTC"
    assert (load.append(demo_folder, as_of="2025-07-01").tables["inserted"] == 0).all()


def test_creating_the_schema_again_keeps_the_time_zone(
    demo_database: sa.URL, shop: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    load.replace(write(shop, tmp_path / "files", "Asia/Kolkata"), as_of="2025-07-02")
    with db.transaction() as connection:
        schema.create(connection)
    noon = pd.Timestamp("2025-06-01 12:00", tz="UTC")
    assert ask("SELECT shop_time(:noon)", noon=noon) == [(noon.tz_localize(None) + timedelta(hours=5, minutes=30),)]
