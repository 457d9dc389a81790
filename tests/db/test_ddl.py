"""The statements generated from the catalog."""

import pytest

from lib.catalog import TYPES, Column, Table, tables
from lib.db import ddl

GIFTS = Table(
    "gifts",
    "One row per gift.",
    "gift_id",
    (
        Column("gift_id", "uuid", "Key.", default="gen_random_uuid()"),
        Column("label", "text", "Label.", not_blank=True),
        Column("wrapping", "text", "Wrapping.", optional=True, one_of=("paper", "box")),
        Column("from_day", "date", "First day."),
        Column("until_day", "date", "Last day.", optional=True, not_before="from_day"),
    ),
    mart=False,
)
CREATE_GIFTS = """\
CREATE TABLE IF NOT EXISTS gifts (
    gift_id uuid NOT NULL DEFAULT gen_random_uuid(),
    label text NOT NULL CONSTRAINT gifts_label_check CHECK (btrim(label) <> ''),
    wrapping text CONSTRAINT gifts_wrapping_check CHECK (wrapping IN ('paper', 'box')),
    from_day date NOT NULL CONSTRAINT gifts_from_day_check CHECK (isfinite(from_day)),
    until_day date CONSTRAINT gifts_until_day_check CHECK (isfinite(until_day)) \
CONSTRAINT gifts_dates_check CHECK (from_day <= until_day),
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    loaded_at timestamp with time zone NOT NULL DEFAULT now()
)"""


def test_create_table_writes_defaults_and_checks() -> None:
    assert ddl.create_table(GIFTS) == CREATE_GIFTS


@pytest.mark.parametrize(
    ("column", "check"),
    [
        (Column("n", "integer", "", above=0), "n > 0"),
        (Column("n", "integer", "", least=1, most=5), "n >= 1 AND n <= 5"),
        (Column("n", "money", "", above=0), "n > 0 AND n < 'NaN'"),
        (Column("n", "total", "", least=0), "n >= 0 AND n < 'NaN'"),
        (Column("n", "ratio", "", least=0), "n >= 0 AND n < 'Infinity'"),
        (Column("n", "ratio", "", least=0, most=1), "n >= 0 AND n <= 1"),
        (Column("n", "char2", ""), "n ~ '^[A-Z]{2}$'"),
        (Column("n", "text", "", form="email"), "n = btrim(n) AND n LIKE '%_@_%'"),
    ],
)
def test_add_column_carries_the_check_of_the_rule(column: Column, check: str) -> None:
    statement = ddl.add_column(GIFTS, column)
    assert statement.startswith("ALTER TABLE gifts ADD COLUMN n ")
    assert statement.endswith(f" NOT NULL CONSTRAINT gifts_n_check CHECK ({check})")


@pytest.mark.parametrize("kind", ["uuid", "text", "money", "total", "ratio", "integer", "boolean"])
def test_column_without_a_rule_has_no_check(kind: str) -> None:
    assert ddl.add_column(GIFTS, Column("n", kind, "", optional=True)).endswith(f" n {TYPES[kind].sql}")


def test_dates_of_a_mart_have_no_check() -> None:
    assert "CHECK" not in ddl.create_table(tables()["daily_kpis"])


def test_foreign_keys_come_last() -> None:
    foreign = [bool(key.references) for key in ddl.all_keys()]
    assert foreign == sorted(foreign)


def test_index_on_an_optional_column_leaves_out_null() -> None:
    statements = {index.name: index.statement for index in ddl.all_indexes()}
    assert statements["events_order_id_idx"].endswith(" ON events (order_id) WHERE order_id IS NOT NULL")
    assert statements["orders_user_id_idx"].endswith(" ON orders (user_id)")
