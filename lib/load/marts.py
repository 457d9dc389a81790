"""The marts, made anew from the tables of the present schema."""

import tempfile

import pandas as pd
import sqlalchemy as sa

from lib.catalog import tables
from lib.db.connection import run, sql

__all__ = [
    "LISTS",
    "MARTS",
    "build",
    "gather_visits",
    "note",
    "note_after",
    "note_all",
    "selection",
    "stale",
    "write_rows",
]

MARTS = [name for name, table in tables().items() if table.mart]
HELD_IN_MEMORY = 1 << 23  # bytes of a mart on its way; more goes to a temporary file
WORK_MEMORY = "64MB"  # sorts and hashes of millions of visits spill to the disk with less


def gather_visits(connection: sa.Connection) -> None:
    """Make the temporary table `visits`, where it is not there yet; gone when the transaction ends.

    A mart and some checks ask for it.
    """
    run(connection, f"SET LOCAL work_mem = '{WORK_MEMORY}'")
    run(
        connection,
        f"CREATE TEMPORARY TABLE IF NOT EXISTS visits ON COMMIT DROP AS {sql('scratch/visits')}; ANALYZE visits",
    )


def build(connection: sa.Connection, mart: str) -> int:
    """Fill an empty mart, made or emptied in this transaction, with rows for every snapshot, old ones too; the rows."""
    columns = ", ".join(tables()[mart].column_names)
    with tempfile.SpooledTemporaryFile(HELD_IN_MEMORY) as rows, connection.connection.cursor() as cursor:
        cursor.copy_expert(f"COPY ({selection(mart)}) TO STDOUT WITH (FORMAT binary)", rows)
        rows.seek(0)
        cursor.copy_expert(f"COPY {mart} ({columns}) FROM STDIN WITH (FORMAT binary, FREEZE)", rows)
        return cursor.rowcount


def selection(mart: str) -> str:
    """The query that makes the rows of a mart, in the catalog's columns and types."""
    columns = ", ".join(f"CAST({column.name} AS {column.data_type.sql})" for column in tables()[mart].columns)
    return f"SELECT {columns} FROM ({sql(f'marts/{mart}')}) AS made"  # noqa: S608 - names of the catalog, our file


LISTS = {"daily_kpis": "touched_days", "customer_lifetime_value": "touched_customers"}  # by the key of the mart


def note(connection: sa.Connection) -> None:
    """List what the rows of the tables added_* touch, before they are merged."""
    run(connection, sql("load/touched"))
    run(connection, sql("load/touch_days"))


def note_after(connection: sa.Connection) -> None:
    """List besides what they touch once they are merged; needs the visits gathered."""
    run(connection, sql("load/touch_days"))
    run(connection, sql("load/touch_other_days"))
    run(connection, "ANALYZE touched_days")


def note_all(connection: sa.Connection) -> None:
    """List all days and customers."""
    run(connection, "TRUNCATE touched_customers; INSERT INTO touched_customers SELECT user_id FROM public.users")
    run(connection, "INSERT INTO touched_days SELECT date FROM public.daily_kpis ON CONFLICT DO NOTHING")
    note_after(connection)


def stale(results: pd.DataFrame) -> bool:
    """Whether the marts differ from the tables: somebody changed rows by hand since they were made."""
    about_marts = results["check"].str.startswith(("daily_kpis_", "lifetime_value_"))
    return bool((about_marts & (results["failed"] > 0)).any())


def write_rows(connection: sa.Connection, mart: str, into: str) -> int:
    """Put the touched rows of the mart, as its one definition makes them, into the table `into`; how many.

    The definition asks for tables by their bare names: temporary ones with what these rows need stand in their place.
    """
    columns, key = ", ".join(tables()[mart].column_names), tables()[mart].key
    run(connection, sql(f"scope/{mart}"))
    made = f"{selection(mart)} WHERE {key} IN (SELECT {key} FROM {LISTS[mart]})"  # noqa: S608 - names of the catalog
    rows = connection.exec_driver_sql(f"INSERT INTO {into} ({columns}) {made}").rowcount
    run(connection, "DROP TABLE pg_temp.orders, pg_temp.users")
    return rows
