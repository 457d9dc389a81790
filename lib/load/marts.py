"""The marts: daily_kpis and customer_lifetime_value, computed from the tables of the current schema."""

import tempfile

import sqlalchemy as sa

from lib.catalog import tables
from lib.db.connection import driver_cursor, run, sql

__all__ = ["MARTS", "WORK_MEMORY", "build", "create_sessions", "selection"]

MARTS = [name for name, table in tables().items() if table.mart]
SPOOL_BYTES = 1 << 23  # a larger mart is buffered in a temporary file instead of in memory
WORK_MEMORY = "64MB"  # with less, sorting and hashing millions of sessions spills to disk


def create_sessions(connection: sa.Connection) -> None:
    """Create the temporary table `sessions` that daily_kpis and some checks read, unless this transaction has it."""
    run(connection, f"SET LOCAL work_mem = '{WORK_MEMORY}'")
    query = sql("load/sessions")
    run(connection, f"CREATE TEMPORARY TABLE IF NOT EXISTS sessions ON COMMIT DROP AS {query}; ANALYZE sessions")


def build(connection: sa.Connection, mart: str) -> int:
    """Fill a mart that was created or truncated in this transaction; needs `create_sessions`.

    COPY ... FREEZE makes the rows visible to every snapshot, including those taken before the load.

    Returns:
        Number of rows.
    """
    columns = ", ".join(tables()[mart].column_names)
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as rows, driver_cursor(connection) as cursor:
        cursor.copy_expert(f"COPY ({selection(mart)}) TO STDOUT WITH (FORMAT binary)", rows)
        rows.seek(0)
        cursor.copy_expert(f"COPY {mart} ({columns}) FROM STDIN WITH (FORMAT binary, FREEZE)", rows)
        return cursor.rowcount


def selection(mart: str) -> str:
    """Query of the rows of a mart, in the columns and types of the catalog."""
    columns = ", ".join(f"CAST({column.name} AS {column.data_type.sql})" for column in tables()[mart].columns)
    return f"SELECT {columns} FROM ({sql(f'marts/{mart}')}) AS mart"  # noqa: S608 - names of the catalog, our file
