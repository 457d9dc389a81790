"""Build the marts from the tables of the current schema, in full or only the rows that an append affects."""

import tempfile

import pandas as pd
import sqlalchemy as sa

from lib.catalog import tables
from lib.db.connection import driver_cursor, run, sql

__all__ = [
    "AFFECTED",
    "MARTS",
    "WORK_MEMORY",
    "build",
    "gather_visits",
    "note_affected",
    "note_affected_after_merge",
    "note_all",
    "selection",
    "stale",
    "write_affected",
]

MARTS = [name for name, table in tables().items() if table.mart]
# Temporary tables with the keys of the affected rows, by mart.
AFFECTED = {"daily_kpis": "affected_days", "customer_lifetime_value": "affected_customers"}
SPOOL_BYTES = 1 << 23  # a mart up to this size is buffered in memory, a larger one in a temporary file
WORK_MEMORY = "64MB"  # with less, sorts and hashes of millions of visits spill to disk


def gather_visits(connection: sa.Connection) -> None:
    """Create the temporary table `visits` unless it exists; dropped on commit. A mart and some checks read it."""
    run(connection, f"SET LOCAL work_mem = '{WORK_MEMORY}'")
    visits = sql("scratch/visits")
    run(connection, f"CREATE TEMPORARY TABLE IF NOT EXISTS visits ON COMMIT DROP AS {visits}; ANALYZE visits")


def build(connection: sa.Connection, mart: str) -> int:
    """Fill a mart that was created or truncated in this transaction; returns the number of rows.

    The rows are frozen: visible to every snapshot, older ones included.
    """
    columns = ", ".join(tables()[mart].column_names)
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as rows, driver_cursor(connection) as cursor:
        cursor.copy_expert(f"COPY ({selection(mart)}) TO STDOUT WITH (FORMAT binary)", rows)
        rows.seek(0)
        cursor.copy_expert(f"COPY {mart} ({columns}) FROM STDIN WITH (FORMAT binary, FREEZE)", rows)
        return int(cursor.rowcount)


def selection(mart: str, *, orders: str = "orders", users: str = "users") -> str:
    """The query for the rows of a mart with the catalog's columns and types, from these sources."""
    columns = ", ".join(f"CAST({column.name} AS {column.data_type.sql})" for column in tables()[mart].columns)
    query = sql(f"marts/{mart}").format(orders=orders, users=users)
    return f"SELECT {columns} FROM ({query}) AS built"  # noqa: S608 - names of the catalog, our file


def note_affected(connection: sa.Connection) -> None:
    """List the days and customers that the rows of the tables added_* affect, before they are merged."""
    run(connection, sql("load/affected"))
    run(connection, sql("load/affected_days"))


def note_affected_after_merge(connection: sa.Connection) -> None:
    """Add the days that the merged rows affect; needs `visits`."""
    run(connection, sql("load/affected_days"))
    run(connection, sql("load/affected_other_days"))
    run(connection, "ANALYZE affected_days")


def note_all(connection: sa.Connection) -> None:
    """List all days and customers."""
    run(connection, "TRUNCATE affected_customers; INSERT INTO affected_customers SELECT user_id FROM public.users")
    run(connection, "INSERT INTO affected_days SELECT date FROM public.daily_kpis ON CONFLICT DO NOTHING")
    note_affected_after_merge(connection)


def stale(results: pd.DataFrame) -> bool:
    """Whether checks of the marts failed: rows were changed by hand since the marts were built."""
    about_marts = results["check"].str.startswith(("daily_kpis_", "lifetime_value_"))
    return bool((about_marts & (results["failed"] > 0)).any())


def write_affected(connection: sa.Connection, mart: str, into: str) -> int:
    """Write the affected rows of the mart into the table `into`; returns their number.

    The query of the mart runs over mart_orders and mart_users, which hold everything that these rows depend on.
    """
    columns, key = ", ".join(tables()[mart].column_names), tables()[mart].key
    run(connection, sql(f"scope/{mart}"))
    query = selection(mart, orders="mart_orders", users="mart_users")
    statement = f"INSERT INTO {into} ({columns}) {query} WHERE {key} IN (SELECT {key} FROM {AFFECTED[mart]})"  # noqa: S608
    rows = connection.exec_driver_sql(statement).rowcount
    run(connection, "DROP TABLE mart_orders, mart_users")
    return rows
