"""The dictionary of tables agrees with what is created, in both directions."""

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from lib import catalog, db
from lib.db import schema

SQL_TYPES = {
    "uuid": "uuid",
    "text": "text",
    "char2": "character(2)",
    "money": "numeric(12,2)",
    "total": "numeric(38,2)",
    "ratio": "double precision",
    "integer": "integer",
    "boolean": "boolean",
    "date": "date",
    "timestamptz": "timestamp with time zone",
}


FOUND = """
SELECT
    table_name, column_name, format_type(atttypid, atttypmod) AS type, is_nullable = 'YES' AS optional,
    col_description(attrelid, attnum) AS meaning, obj_description(attrelid, 'pg_class') AS table_meaning
FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
JOIN pg_attribute ON attrelid = to_regclass('public.' || table_name) AND attname = column_name
WHERE table_type = 'BASE TABLE' AND table_schema = 'public'
ORDER BY table_name COLLATE "C", ordinal_position
"""


@pytest.fixture
def created(empty_database: sa.URL) -> pd.DataFrame:
    """What `create` makes of a new database: one row per column."""
    with db.transaction() as connection:
        schema.create(connection)
        return db.frame(connection, FOUND)


def test_database_and_catalog_hold_the_same_columns(created: pd.DataFrame) -> None:
    wanted = [
        (table.name, column.name, SQL_TYPES[column.type], column.optional, column.meaning)
        for table in sorted(catalog.tables().values(), key=lambda table: table.name)
        for column in (*table.columns, *catalog.bookkeeping())
    ]
    assert list(created.drop(columns="table_meaning").itertuples(index=False, name=None)) == wanted


def test_tables_are_described(created: pd.DataFrame) -> None:
    found = created.groupby("table_name")["table_meaning"].first()
    assert found.to_dict() == {table.name: table.meaning for table in catalog.tables().values()}


def test_bookkeeping_is_named_once() -> None:
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
    assert [str(field.type) for field in found][2:5] == ["extension<arrow.uuid>", "int32", "decimal128(12, 2)"]
    assert not any(field.nullable for field in found)
    assert catalog.arrow_schema("events").field("revenue").nullable
    assert catalog.arrow_schema("events").field("event_timestamp").type == pa.timestamp("us", "UTC")
