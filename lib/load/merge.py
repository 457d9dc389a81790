"""Merge added rows into a live table by key, so that rows keep their newer values in any order of appends."""

import sqlalchemy as sa

from lib.catalog import tables
from lib.db.connection import run, sql

__all__ = ["create_added", "delete_missing", "files_newer", "merge", "merge_newer"]

# States of an order; one that is cancelled after a refund stays cancelled in every later export.
STAGE = "array_position(ARRAY['pending', 'shipped', 'completed', 'refunded', 'cancelled'], status)"
DATED = ("users", "products", "orders")  # tables with a query lib/sql/load/dated_<table>.sql
UNDATED = "SELECT NULL::uuid AS key, NULL::boolean AS newer"
PLACEHOLDERS = {  # of lib/sql/imports, where a source has no address or name
    "email": "LIKE '%.invalid'",
    "name": "~ '^(Guest of (order|invoice) |Customer [0-9]|Customer [^ ]+@)'",
}
# A city belongs to its country: it is not kept for a customer who has moved to another one.
SAME_COUNTRY = "coalesce(newer.country_code = older.country_code, newer.country = older.country, true)"
# Values that do not simply follow from `coalesce(newer, older)`.
USERS = {
    "signup_date": "least(newer.signup_date, older.signup_date)",
    "is_guest": "newer.is_guest AND older.is_guest",
    **{
        name: f"CASE WHEN newer.{name} {form} THEN older.{name} ELSE newer.{name} END"
        for name, form in PLACEHOLDERS.items()
    },
    **{
        name: f"coalesce(newer.{name}, CASE WHEN {SAME_COUNTRY} THEN older.{name} END)"
        for name in ("country_code", "country", "city")
    },
}


def create_added(connection: sa.Connection, table: str) -> str:
    """Create a temporary table for the new rows of a table; its name."""
    added = f"added_{table}"
    run(connection, f"CREATE TEMPORARY TABLE {added} (LIKE public.{table} INCLUDING DEFAULTS) ON COMMIT DROP")
    return added


def files_newer(connection: sa.Connection, *, latest_wins: bool) -> bool | None:
    """Whether the added rows are from newer files than the present ones, by the last orders; None if from as new ones.

    Args:
        connection: In the transaction of the append, with the added orders.
        latest_wins: Whether files as new as the present ones count as newer, as do those without an order.
    """
    added, present = connection.execute(sa.text(sql("load/last_orders"))).one()
    if added is None or present is None:
        return True
    return (latest_wins or None) if added == present else bool(added > present)


def merge_newer(connection: sa.Connection, table: str, newer: bool | None) -> dict[str, int]:
    """Insert the added rows of new keys, and update the others where they are newer or fill a gap; how many of each.

    Needs the added rows of all tables. The tables must be merged parents first: a customer's and a product's values are
    as new as their orders, of which the added and the present ones are compared before they are merged.

    Args:
        connection: In the transaction of the append.
        table: Name in the catalog.
        newer: Result of `files_newer`.
    """
    if table == "order_items":
        run(connection, sql("load/replace_items"))
    if table == "refunds":
        run(connection, sql("load/refunded_orders"))
    run(connection, _statement("delete_unchanged", table))
    run(connection, _statement("decide", table, own=_own(table), newer="NULL" if newer is None else str(newer)))
    run(connection, _statement("keep_newer", table))
    if table == "refunds":
        run(connection, sql("load/added_refunds"))
    return merge(connection, table)


def merge(connection: sa.Connection, table: str) -> dict[str, int]:
    """Insert the added rows of new keys and update those that differ; how many of each.

    Rows that equal the present ones are deleted first, because ON CONFLICT would lock, and so write, each of them.
    """
    run(connection, _statement("delete_unchanged", table))
    run(connection, f"ANALYZE added_{table}")
    return dict(connection.execute(sa.text(_statement("merge", table))).mappings().one())


def delete_missing(connection: sa.Connection, table: str) -> None:
    """Delete the rows of a table that its added rows do not have."""
    run(connection, _statement("delete_missing", table))


def _own(table: str) -> str:
    """Query of the keys whose added rows are newer or older by themselves: key, newer."""
    if table not in DATED:
        return "SELECT key, newer FROM decided_orders" if "order_id" in tables()[table].column_names else UNDATED
    dated, names = sql(f"load/dated_{table}"), ("orders", "order_items")
    added = dated.format(stage=STAGE, **{name: f"added_{name}" for name in names})
    present = dated.format(stage=STAGE, **{name: f"public.{name}" for name in names})
    return _statement("newer", table, added_dated=added, present_dated=present)


def _statement(name: str, table: str, **more: str) -> str:
    """lib/sql/load/<name>.sql with the names of a table and of its added rows."""
    names, key = tables()[table].column_names, tables()[table].key
    rules = USERS if table == "users" else {}
    values = {name: rules.get(name, f"coalesce(newer.{name}, older.{name})") for name in names if name != key}
    return sql(f"load/{name}").format(
        table=table,
        added=f"added_{table}",
        key=key,
        own_key="order_id" if table not in DATED and "order_id" in names else key,
        columns=", ".join(names),
        changes=", ".join(f"{name} = excluded.{name}" for name in names if name != key),
        present_columns=", ".join(f"present.{name}" for name in names),
        new_columns=", ".join(f"excluded.{name}" for name in names),
        added_columns=", ".join(f"added.{name}" for name in names),
        added_filled=_filled(table, "added", "present"),
        present_filled=_filled(table, "present", "added"),
        values=", ".join(f"{name} = {value}" for name, value in values.items()),
        **more,
    )


def _filled(table: str, side: str, other: str) -> str:
    """The values of one side, those of the other where it has none; texts in an order that no locale changes."""
    order = {"text": ' COLLATE "C"', "char2": ' COLLATE "C"'}
    values = [(column.name, order.get(column.type, "")) for column in tables()[table].columns]
    return ", ".join(f"coalesce({side}.{name}, {other}.{name}){collation}" for name, collation in values)
