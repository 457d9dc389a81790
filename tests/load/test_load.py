"""Replace is atomic: for concurrent readers, when a rule is broken, and when the process is killed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import tenacity

from lib import catalog, db, load, settings
from lib.data import parquet
from lib.data.origin import Origin, write_origin
from lib.data.synthetic import SAMPLE_COUNTS, SAMPLE_SHOP
from lib.data.synthetic.shards import count_shop
from lib.data.workers import Engine
from lib.db import locks
from lib.errors import DatabaseError, DataError, UsageError
from lib.load import copy
from lib.load.result import record_origin
from tests.conftest import ask, fingerprint
from tests.runner import until

NAMES = [name for name, table in catalog.tables().items() if not table.mart]


@pytest.fixture
def shop(demo_folder: Path) -> dict[str, pd.DataFrame]:
    """The frames of the sample shop, for a test to modify."""
    return {name: parquet.read_table(demo_folder, name) for name in NAMES}


@pytest.fixture
def unchanged(demo_database: sa.URL) -> Iterator[None]:
    """A database that the test must leave unchanged, without a staging schema."""
    before = fingerprint()
    yield
    assert fingerprint() == before
    assert ask("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'workbook_%'") == []


def replace_by(shop: dict[str, pd.DataFrame], folder: Path) -> load.Load:
    """Write the frames and replace all rows by them."""
    parquet.write_tables(shop, folder)
    return load.replace(folder, as_of="2025-07-01")


# Loaded rows.


def test_all_rows_and_values_are_loaded(demo_database: sa.URL, shop: dict[str, pd.DataFrame]) -> None:
    for name, frame in shop.items():
        with db.transaction() as connection:
            statement = f"SELECT {', '.join(frame.columns)} FROM {name} ORDER BY {catalog.tables()[name].key}"
            found = connection.execute(sa.text(statement)).all()
        wanted = parquet.to_arrow(frame.sort_values(frame.columns[0]), name).to_pylist()
        assert [tuple(_plain(value) for value in row) for row in found] == [
            tuple(_plain(value) for value in row.values()) for row in wanted
        ]


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, int | Decimal) else str(value)


def test_the_result_has_rows_timings_and_checks(demo_database: sa.URL, demo_folder: Path) -> None:
    done = load.replace(demo_folder, as_of="2025-07-01")
    rows = {name: pq.read_metadata(parquet.table_path(demo_folder, name)).num_rows for name in NAMES}
    assert done.rows == sum(rows.values())
    assert {one["table"]: one["loaded"] for one in done.facts()["tables"]} == rows
    for name, found in done.tables.set_index("table")["rows"].items():
        assert ask(f"SELECT count(*) FROM {name}") == [(found,)]
    assert set(done.parts) == {"copy", "keys", "marts", "checks", "mart keys", "swap"}
    assert 0 < max(done.parts.values()) < done.seconds
    assert not done.checks.loc[done.checks["severity"] == "error", "failed"].any()


def test_marts_agree_with_the_rows(demo_database: sa.URL, shop: dict[str, pd.DataFrame]) -> None:
    orders, users = shop["orders"], shop["users"]
    revenue = orders["total_amount"].sum() - shop["refunds"]["amount"].sum()
    assert ask("SELECT sum(revenue), sum(orders), sum(signups) FROM daily_kpis") == [(revenue, len(orders), len(users))]
    assert ask("SELECT sum(revenue), count(*) FROM customer_lifetime_value") == [(revenue, len(users))]
    [(days, span)] = ask("SELECT count(*), max(date) - min(date) + 1 FROM daily_kpis")
    assert days == span


def test_an_empty_shop_can_be_loaded(demo_database: sa.URL, shop: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    done = replace_by({name: frame.head(0) for name, frame in shop.items()}, tmp_path)
    assert done.tables["rows"].tolist() == [0] * 9


def test_a_table_of_several_batches_is_loaded(demo_database: sa.URL, demo_folder: Path, monkeypatch) -> None:
    before = fingerprint()
    monkeypatch.setattr(copy, "BATCH_ROWS", 7)
    load.replace(demo_folder, as_of="2025-07-01")
    assert fingerprint() == before


def test_fingerprint_depends_on_rows_only(demo_database: sa.URL, shop: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    before = fingerprint()
    replace_by({name: frame[::-1] for name, frame in shop.items()}, tmp_path)
    assert fingerprint() == before
    ask("UPDATE events SET updated_at = now(), loaded_at = now()")
    assert fingerprint() == before


CHANGES = [
    "UPDATE products SET price = price + 0.01 WHERE product_id = (SELECT min(product_id::text)::uuid FROM products)",
    "UPDATE users SET city = NULL WHERE email = (SELECT min(email) FROM users WHERE city IS NOT NULL)",
    "DELETE FROM events WHERE event_id = (SELECT min(event_id::text)::uuid FROM events)",
    "UPDATE daily_kpis SET units = units + 1 WHERE date = (SELECT min(date) FROM daily_kpis)",
]


def test_fingerprint_changes_with_every_change(demo_database: sa.URL) -> None:
    seen = [fingerprint()]
    for change in CHANGES:
        ask(change)
        seen.append(fingerprint())
    assert len(set(seen)) == len(CHANGES) + 1


# Refused files and rows.


def test_a_missing_file_is_named(unchanged: None, demo_folder: Path, tmp_path: Path) -> None:
    for name in NAMES:
        with pytest.raises(DataError, match=rf"{name}\.parquet; expected the tables of 02_generate"):
            load.replace(tmp_path, as_of="2025-07-01")
        parquet.table_path(tmp_path, name).symlink_to(parquet.table_path(demo_folder, name))


def _without_a_column(path: Path) -> None:
    pq.write_table(pq.read_table(path).drop_columns("status"), path)


def _with_another_type(path: Path) -> None:
    table = pq.read_table(path)
    place = table.schema.get_field_index("status")
    pq.write_table(table.set_column(place, "status", table["order_date"]), path)


def _not_parquet(path: Path) -> None:
    path.write_text("order_id,status\n")


def _truncated(path: Path) -> None:
    os.truncate(path, 1000)


def test_a_malformed_file_is_named(unchanged: None, shop: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    for spoil in (_without_a_column, _with_another_type, _not_parquet, _truncated):
        parquet.write_tables(shop, tmp_path)
        spoil(parquet.table_path(tmp_path, "orders"))
        with pytest.raises(
            DataError, match=r"orders\.parquet (lacks the columns \['status'\]|is not a Parquet file).*Run 02"
        ):
            load.replace(tmp_path, as_of="2025-07-01")


def test_column_order_does_not_matter(unchanged: None, shop: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    parquet.write_tables(shop, tmp_path)
    path = parquet.table_path(tmp_path, "orders")
    table = pq.read_table(path)
    pq.write_table(table.select(table.column_names[::-1]).append_column("note", table["status"]), path)
    load.replace(tmp_path, as_of="2025-07-01")


CENT = Decimal("0.01")
BROKEN = {
    "total off by a cent": ("orders", "total_amount", lambda v: v + CENT, "1 rows fail order_total_differs"),
    "unknown customer": ("orders", "user_id", lambda v: f"f{v[1:]}", r"orders breaks a rule: .*orders_user_id_fkey"),
    "unknown status": ("orders", "status", lambda _: "lost", r"orders breaks a rule: .*orders_status_check"),
    "order before sign-up": (
        "orders",
        "order_date",
        lambda v: v.replace(year=1999),
        "1 rows fail order_before_signup",
    ),
    "NUL in a text": ("orders", "shipping_city", lambda _: "a\0b", "a row breaks a rule: invalid byte sequence"),
}


@pytest.mark.parametrize(("table", "column", "change", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_changes_nothing(unchanged: None, shop, tmp_path: Path, table, column, change, message) -> None:
    values = shop[table][column].tolist()
    changed = pd.Series([change(values[0]), *values[1:]], dtype=shop[table][column].dtype)
    with pytest.raises(DataError, match=message) as refusal:
        replace_by(shop | {table: shop[table].assign(**{column: changed})}, tmp_path)
    assert not re.search(r"[0-9a-f]{8}-", str(refusal.value)), "the message has no values of rows"


def test_a_duplicate_key_changes_nothing(unchanged: None, shop: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    users = shop["users"]
    with pytest.raises(DataError, match="users breaks a rule: could not create unique index"):
        replace_by(shop | {"users": pd.concat([users, users.tail(1)])}, tmp_path)


# Concurrent sessions.


def test_a_second_load_is_refused_and_names_the_first(unchanged: None, demo_folder: Path) -> None:
    with db.transaction() as first:
        locks.lock(first)
        pid = first.execute(sa.text("SELECT pg_backend_pid()")).scalar()
        with pytest.raises(
            DatabaseError, match=rf"another run is loading: workbook pid {os.getpid()} since .*process {pid}\)"
        ):
            load.replace(demo_folder, as_of="2025-07-01")


def test_readers_see_the_old_or_the_new_rows(
    demo_database: sa.URL, shop: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    small = shop | {"events": shop["events"].head(0)}
    seen, done = [], threading.Event()
    reader = threading.Thread(target=_poll, args=(seen, done))
    reader.start()
    try:
        _wait_for_new_polls(seen)
        for frames in (small, shop, small):
            replace_by(frames, tmp_path)
            _wait_for_new_polls(seen)
    finally:
        done.set()
        reader.join()
    whole = len(shop["events"])
    changes = [count for count, before in zip(seen, [None, *seen], strict=False) if count != before]
    assert changes == [whole, 0, whole, 0]


def _wait_for_new_polls(seen: list[int]) -> None:
    """Wait until the reader has polled the current state: the next poll to end may have started before it."""
    polls = len(seen)
    until(lambda: len(seen) >= polls + 2)


def _poll(seen: list[int], done: threading.Event) -> None:
    while not done.is_set():
        with db.transaction(read_only=True) as connection:
            seen.append(connection.execute(sa.text("SELECT count(*) FROM events JOIN users USING (user_id)")).scalar())


ROWS = ", ".join(f"(SELECT count(*) FROM {name})" for name in catalog.tables())


def test_a_reader_of_an_old_snapshot_sees_whole_tables(
    demo_database: sa.URL, shop: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    """Its snapshot precedes the new rows; an empty table would be neither the old shop nor the new one."""
    with db.connect() as connection, db.begin(connection):
        db.run(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class")
        replace_by(shop | {"events": shop["events"].head(0)}, tmp_path)
        seen = connection.execute(sa.text(f"SELECT {ROWS}")).one()
    assert seen == ask(f"SELECT {ROWS}")[0]


DRIFT = {
    "ALTER TABLE users ADD COLUMN note text": "users has the extra column note",
    "ALTER TABLE events ALTER COLUMN event_type TYPE varchar(40)": "events.event_type is character varying",
    "ALTER TABLE orders ALTER COLUMN shipping_city SET NOT NULL": "shipping_city is text not null, expected text",
    "ALTER TABLE products DROP COLUMN price CASCADE": "products lacks the column price",
}


@pytest.mark.parametrize(("change", "difference"), DRIFT.items(), ids=DRIFT.values())
def test_a_table_that_differs_from_the_catalog_is_kept(
    demo_database: sa.URL, demo_folder: Path, change: str, difference: str
) -> None:
    ask(change)
    for load_rows in (load.replace, load.append):
        with pytest.raises(
            DatabaseError, match=f"differ from the catalog: .*{difference}.*Rename or drop these columns"
        ):
            load_rows(demo_folder, as_of="2025-07-01")
    assert ask("SELECT count(*) > 0 FROM orders") == [(True,)]


KILLED = """
import sys, time
from pathlib import Path
import importlib
replacing = importlib.import_module("lib.load.replace")
step = getattr(replacing, sys.argv[1])
def stop(*arguments, **named):
    step(*arguments, **named)
    print("now", flush=True)
    time.sleep(60)
setattr(replacing, sys.argv[1], stop)
replacing.replace(Path(sys.argv[2]), as_of="2025-07-01")
"""


@pytest.mark.parametrize("step", ["_fill", "copy_rows", "build", "copy_additions", "swap"])
def test_a_killed_load_leaves_the_old_rows(unchanged: None, demo_folder: Path, step: str) -> None:
    before = fingerprint()
    command = [sys.executable, "-c", KILLED, step, str(demo_folder)]
    with subprocess.Popen(command, cwd=settings.PROJECT, stdout=subprocess.PIPE, text=True) as loading:
        assert loading.stdout.readline() == "now\n"
        loading.send_signal(signal.SIGKILL)
    assert fingerprint() == before
    again = tenacity.retry(stop=tenacity.stop_after_delay(5), wait=tenacity.wait_fixed(0.05), reraise=True)(
        load.replace
    )
    assert again(demo_folder, as_of="2025-07-01").rows > 1000


def test_leftover_staging_schema_is_removed(unchanged: None, demo_folder: Path) -> None:
    ask("CREATE SCHEMA workbook_next; CREATE TABLE workbook_next.users (a text); CREATE TABLE workbook_next.other ()")
    load.replace(demo_folder, as_of="2025-07-01")


# Which shop is in the database.


@pytest.fixture
def imported_folder(demo_folder: Path, tmp_path: Path) -> Path:
    """The sample's files, recorded as an import."""
    folder = tmp_path / "imported"
    shutil.copytree(demo_folder, folder)
    write_origin(folder, Origin("imported", "/shop.csv", "shopify"))
    return folder


def test_an_imported_shop_is_replaced_only_when_that_is_allowed(
    demo_database: sa.URL, imported_folder: Path, demo_folder: Path
) -> None:
    load.replace(imported_folder, as_of="2025-07-01")
    load.replace(imported_folder, as_of="2025-07-01")
    before = ask("SELECT max(loaded_at) FROM orders")
    for way in (load.replace, load.append):
        with pytest.raises(UsageError, match=r"the database holds the shop imported from /shop.csv \(shopify\)"):
            way(demo_folder, as_of="2025-07-01")
    assert ask("SELECT max(loaded_at) FROM orders") == before
    load.replace(demo_folder, as_of="2025-07-01", replace_shop=True)
    assert ask("SELECT kind FROM workbook.shop") == [("synthetic",)]


def test_a_shop_is_refused_before_its_rows_are_generated(demo_database: sa.URL, tmp_path: Path) -> None:
    with db.transaction() as connection:
        record_origin(connection, Origin("imported", "/shop.csv", "shopify"), "placed", "by hand")
    count_shop(SAMPLE_COUNTS, SAMPLE_SHOP, tmp_path / "plan", Engine(workers=1))
    with pytest.raises(UsageError, match="the database holds the shop imported"):
        load.append(tmp_path / "plan", as_of="2025-07-01", run_id="refused")
    assert ask("SELECT run_id FROM workbook.load_plans") == []


def test_an_imported_shop_may_be_appended_to(demo_database: sa.URL, imported_folder: Path) -> None:
    load.append(imported_folder, as_of="2025-07-01")
    assert ask("SELECT kind, source FROM workbook.shop") == [("imported", "/shop.csv")]
    write_origin(imported_folder, Origin("imported", "/later.csv", "shopify"))
    load.append(imported_folder, as_of="2025-07-01")
    assert ask("SELECT source FROM workbook.shop") == [("/shop.csv",)]
