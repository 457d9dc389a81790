"""The marts, made anew from the tables of the present schema."""

import tempfile

import sqlalchemy as sa

from lib.catalog import tables
from lib.database import run, sql
from lib.schema import TYPES

__all__ = ["MARTS", "build", "gather_visits", "selection"]

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
    columns = ", ".join(f"CAST({column.name} AS {TYPES[column.type]})" for column in tables()[mart].columns)
    return f"SELECT {columns} FROM ({sql(f'marts/{mart}')}) AS made"  # noqa: S608 - names of the catalog, our file
