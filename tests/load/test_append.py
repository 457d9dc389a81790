"""Append: new rows are inserted, changed ones updated, all others unchanged, in one transaction."""

import importlib
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from lib import catalog, db, load
from lib.data import parquet
from lib.db import locks, schema
from lib.errors import DatabaseError, DataError
from tests.conftest import ask, fingerprint

NAMES = [name for name, table in catalog.tables().items() if not table.mart]
VERSIONS = " UNION ALL ".join(
    f"SELECT '{name}', count(*), sum(hashtext(ROW(xmin, ctid, t.*)::text)::bigint) FROM {name} AS t"
    for name in catalog.tables()
)


@pytest.fixture
def shop(demo_folder: Path) -> dict[str, pd.DataFrame]:
    """The frames of the sample shop, for a test to modify."""
    return {name: parquet.read_table(demo_folder, name) for name in NAMES}


def append(shop: dict[str, pd.DataFrame], folder: Path) -> load.Load:
    """Write the frames and append them."""
    parquet.write_tables(shop, folder)
    return load.append(folder, as_of="2025-07-01")


def change_counts(done: load.Load, table: str) -> list[int]:
    """Numbers of rows, inserted, updated and unchanged of a table."""
    return done.tables.set_index("table").loc[table, ["rows", "inserted", "updated", "unchanged"]].tolist()


def test_appending_the_same_rows_changes_nothing(demo_database: sa.URL, demo_folder: Path) -> None:
    versions = ask(VERSIONS)
    done = load.append(demo_folder, as_of="2025-07-01")
    assert ask(VERSIONS) == versions
    assert (done.tables["unchanged"] == done.tables["rows"]).all()


def test_append_to_an_empty_database_equals_replace(
    demo_database: sa.URL, demo_folder: Path, shop: dict[str, pd.DataFrame]
) -> None:
    replaced = fingerprint()
    ask("TRUNCATE users, products, marketing_campaigns, daily_kpis CASCADE")
    done = load.append(demo_folder, as_of="2025-07-01")
    assert fingerprint() == replaced
    assert (done.tables["inserted"] == done.tables["rows"]).all()
    assert done.rows == sum(map(len, shop.values()))


def test_new_rows_are_inserted_and_changed_rows_updated(
    demo_database: sa.URL, shop: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    users, products = shop["users"], shop["products"]
    newcomer = users.tail(1).assign(user_id="00000000-0000-4000-8000-000000000001", email="new@example.com")
    moved = users["city"].where(users.index != 3, "Atlantis")
    dearer = products["price"].where(products.index != 0, products["price"] + Decimal("0.01"))
    done = append(
        {
            "users": pd.concat([users.assign(city=moved), newcomer], ignore_index=True),
            "products": products.assign(price=dearer).head(2),
            **{name: shop[name].head(0) for name in NAMES if name not in ("users", "products")},
        },
        tmp_path,
    )
    assert change_counts(done, "users") == [101, 1, 1, 99]
    assert change_counts(done, "products") == [2, 0, 1, 1]
    assert change_counts(done, "customer_lifetime_value") == [101, 1, 0, 100]
    assert ask("SELECT city, updated_at > created_at FROM users WHERE updated_at > created_at") == [("Atlantis", True)]
    assert ask("SELECT count(*) FROM users WHERE loaded_at > created_at OR email = 'new@example.com'") == [(2,)]
    assert ask("SELECT sum(signups) FROM daily_kpis") == [(101,)]
    assert ask("SELECT count(*) FROM orders") == [(len(shop["orders"]),)], "rows that are not in the files stay"


def test_obsolete_rows_of_a_mart_are_deleted(demo_database: sa.URL, demo_folder: Path) -> None:
    ask("DELETE FROM events WHERE event_timestamp < '2024-07-01'; DELETE FROM users WHERE false")
    ask("INSERT INTO daily_kpis SELECT '1999-01-01', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0")
    load.append(demo_folder, as_of="2025-07-01")
    assert ask("SELECT count(*) FROM daily_kpis WHERE date = '1999-01-01'") == [(0,)]


OTHER = "00000000-0000-4000-8000-00000000000f"
REFUSED = {
    "an e-mail twice": ("users", {"email": "a@example.com", "user_id": None}, "users breaks a rule: .*email_key"),
    "a key twice in the files": ("products", {"name": "Mug"}, "added_products breaks a rule: could not create unique"),
    "an unknown customer": ("orders", {"user_id": OTHER, "order_id": None}, "orders breaks a rule: .*user_id_fkey"),
    "a total off by a cent": ("orders", {"total_amount": Decimal("0.01")}, "fail order_total_differs"),
}


@pytest.mark.parametrize(("table", "changes", "message"), REFUSED.values(), ids=REFUSED)
def test_a_broken_rule_changes_nothing(
    demo_database: sa.URL, shop: dict[str, pd.DataFrame], tmp_path: Path, table: str, changes: dict, message: str
) -> None:
    versions, rows = ask(VERSIONS), shop[table]
    fresh = {name: "00000000-0000-4000-8000-00000000000e" for name, value in changes.items() if value is None}
    latest = rows.loc[[rows["order_date"].idxmax()]] if table == "orders" else rows.head(1)  # an older one would lose
    added = latest.assign(**changes | fresh)
    if "email" in changes:
        added = pd.concat([added, added.assign(user_id="00000000-0000-4000-8000-00000000000d")])
    elif table == "products":
        added = pd.concat([rows.head(1), added])
    with pytest.raises(DataError, match=message):
        append({name: shop[name].head(0) for name in NAMES} | {table: added}, tmp_path)
    assert ask(VERSIONS) == versions


def test_readers_see_the_old_rows_until_commit(
    demo_database: sa.URL, shop: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    module = importlib.import_module("lib.load.append")  # the package exports a function of the same name
    rebuild = module._rebuild

    def looking(connection: sa.Connection, mart: str) -> dict[str, int]:
        seen.extend(ask("SELECT count(*) FROM products WHERE name = 'Seen'"))
        return rebuild(connection, mart)

    monkeypatch.setattr(module, "_rebuild", looking)
    append(shop | {"products": shop["products"].assign(name="Seen")}, tmp_path)
    assert seen == [(0,), (0,)]
    assert ask("SELECT count(*) FROM products WHERE name = 'Seen'") == [(50,)]


def test_tables_that_are_missing_are_named(empty_database: sa.URL, demo_folder: Path) -> None:
    with pytest.raises(DatabaseError, match=r"tables are missing .*: .*orders.*\. Run 01_schema first"):
        load.append(demo_folder, as_of="2025-07-01")
    with db.transaction() as connection:
        schema.create(connection)
    assert load.append(demo_folder, as_of="2025-07-01").rows > 1000


def test_concurrent_load_is_refused(demo_database: sa.URL, demo_folder: Path) -> None:
    with db.transaction() as first:
        locks.lock(first)
        with pytest.raises(DatabaseError, match="another run is loading"):
            load.append(demo_folder, as_of="2025-07-01")
