"""The catalog is consistent, and the database has its columns, meanings and value ranges."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from lib import catalog, db
from lib.catalog import TYPES
from lib.db import schema

FOUND = """
SELECT
    table_name, column_name, is_nullable = 'YES' AS optional,
    col_description(attrelid, attnum) AS meaning, obj_description(attrelid, 'pg_class') AS table_meaning
FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
JOIN pg_attribute ON attrelid = to_regclass('public.' || table_name) AND attname = column_name
WHERE table_type = 'BASE TABLE' AND table_schema = 'public'
ORDER BY table_name COLLATE "C", ordinal_position
"""
EXTREMES = {  # the smallest and the largest value of each Arrow type, within the years that pandas can hold
    "uuid": (UUID(int=0), UUID(int=2**128 - 1)),
    "text": ("", "ä" * 10_000),
    "char2": ("AA", "ZZ"),
    "money": (Decimal("-999999999999.999"), Decimal("999999999999.999")),
    "unit_price": (Decimal("-999999999999.999999"), Decimal("999999999999.999999")),
    "total": (Decimal("-" + "9" * 35 + ".999"), Decimal("9" * 35 + ".999")),
    "ratio": (-1.7976931348623157e308, 1.7976931348623157e308),
    "integer": (-(2**31), 2**31 - 1),
    "boolean": (False, True),
    "date": (date(1, 1, 1), date(9999, 12, 31)),
    "timestamptz": (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC)),
}
TOO_LARGE = {"char2": "'AAA'", "money": "1e12", "unit_price": "1e12", "total": "1e35", "integer": "2147483648"}


@pytest.fixture
def created(empty_database: sa.URL) -> pd.DataFrame:
    """One row per column of a new database."""
    with db.transaction() as connection:
        schema.create(connection)
        return db.frame(connection, FOUND)


def test_database_has_the_columns_of_the_catalog(created: pd.DataFrame) -> None:
    expected = [
        (table.name, column.name, column.optional, column.meaning)
        for table in sorted(catalog.tables().values(), key=lambda table: table.name)
        for column in (*table.columns, *catalog.bookkeeping())
    ]
    assert list(created.drop(columns="table_meaning").itertuples(index=False, name=None)) == expected


def test_database_has_the_meanings_of_the_tables(created: pd.DataFrame) -> None:
    found = created.groupby("table_name")["table_meaning"].first()
    assert found.to_dict() == {table.name: table.meaning for table in catalog.tables().values()}


@pytest.mark.parametrize("kind", TYPES)
def test_database_type_holds_every_value_of_the_arrow_type(empty_database: sa.URL, kind: str) -> None:
    values = pa.array(EXTREMES[kind], TYPES[kind].arrow).to_pylist()
    with db.transaction() as connection:
        db.run(connection, f"CREATE TABLE extremes (number serial, value {TYPES[kind].sql})")
        rows = [{"value": value} for value in values]
        connection.execute(sa.text(f"INSERT INTO extremes (value) VALUES (CAST(:value AS {TYPES[kind].sql}))"), rows)
        found = connection.execute(sa.text("SELECT value FROM extremes ORDER BY number")).scalars().all()
    assert list(found) == values


@pytest.mark.parametrize(("kind", "value"), TOO_LARGE.items())
def test_database_type_refuses_values_beyond_the_arrow_type(empty_database: sa.URL, kind: str, value: str) -> None:
    with db.connect() as connection, connection.begin():
        db.run(connection, f"CREATE TABLE extremes (value {TYPES[kind].sql})")
        with pytest.raises(sa.exc.DataError), connection.begin_nested():
            db.run(connection, f"INSERT INTO extremes VALUES ({value})")


def test_bookkeeping_columns_are_listed() -> None:
    assert tuple(column.name for column in catalog.bookkeeping()) == catalog.BOOKKEEPING


def test_parents_come_first() -> None:
    names = list(catalog.tables())
    for name, table in catalog.tables().items():
        assert all(names.index(column.references) < names.index(name) for column in table.columns if column.references)


def test_keys_are_required_columns() -> None:
    for table in catalog.tables().values():
        assert next(column for column in table.columns if column.name == table.key).optional is False


def test_personal_columns_are_marked() -> None:
    marked = [f"{t.name}.{c.name}" for t in catalog.tables().values() for c in t.columns if c.personal]
    assert marked == ["users.email", "users.name"]


def test_arrow_schema() -> None:
    found = catalog.arrow_schema("order_items")
    assert found.names == ["order_item_id", "order_id", "product_id", "quantity", "price_at_time", "discount"]
    assert [str(field.type) for field in found][2:5] == ["extension<arrow.uuid>", "int32", "decimal128(18, 6)"]
    assert not any(field.nullable for field in found)
    assert catalog.arrow_schema("events").field("revenue").nullable
    assert catalog.arrow_schema("events").field("event_timestamp").type == pa.timestamp("us", "UTC")
