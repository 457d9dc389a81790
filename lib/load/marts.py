"""The marts: computed from the tables, and the predicted columns that 08_customers saves and every load clears."""

import tempfile
from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa

from lib.catalog import tables
from lib.db.connection import driver_cursor, run, sql, transaction
from lib.db.locks import lock

__all__ = ["MARTS", "build", "clear_scores", "create_sessions", "plan_for_whole_tables", "save_scores", "selection"]

MARTS = [name for name, table in tables().items() if table.mart]
PREDICTED = [column.name for column in tables()["customer_lifetime_value"].columns if column.predicted]
SPOOL_BYTES = 1 << 23  # more is buffered in a temporary file instead of in memory
WORK_MEMORY = "64MB"  # with less, sorting and hashing millions of sessions spills to disk


def plan_for_whole_tables(connection: sa.Connection) -> None:
    """Make the planner use hash joins instead of merge joins over an index, until the transaction ends.

    Keys are random, so the order of their index is random in the table: on two million rows, checks that join orders
    and events in that order took four times as long.
    """
    run(connection, f"SET LOCAL work_mem = '{WORK_MEMORY}'; SET LOCAL enable_mergejoin = off")


def create_sessions(connection: sa.Connection) -> None:
    """Create the temporary table `sessions` that daily_kpis and some checks read, unless this transaction has it."""
    plan_for_whole_tables(connection)
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


def save_scores(customers: pd.DataFrame, *, model_version: str | None, as_of: date | str) -> int:
    """Save predictions in customer_lifetime_value; customers without a row get NULL.

    Args:
        customers: One row per customer: user_id, predicted_orders, predicted_value, churn_risk, rfm_segment.
        model_version: Saved with each row.
        as_of: Report date that the predictions start from.

    Returns:
        Number of customers that have scores now.

    Raises:
        DatabaseError: Another run is loading; nothing is changed.
        DataError: A value is out of range; nothing is changed.

    Example:
        >>> buyers = read("customer_history", split="2025-07-01", as_of="2025-07-01").assign(rfm_segment="Promising")
        >>> buyers = buyers.assign(predicted_orders=1.5, predicted_value=60.0, churn_risk=0.4)
        >>> load.save_scores(buyers, model_version="by hand", as_of="2025-07-01") == len(buyers)
        True
    """
    rows = customers.assign(model_version=model_version, predicted_as_of=str(as_of))[["user_id", *PREDICTED]]
    with transaction("loader") as connection:
        lock(connection)
        _update_scores(connection, rows)
        return int(connection.execute(sa.text(sql("load/count_scores"))).scalar_one())


def clear_scores(connection: sa.Connection) -> None:
    """Set the predicted columns of all customers to NULL, because the rows they were computed from have changed."""
    _update_scores(connection)


def _update_scores(connection: sa.Connection, rows: pd.DataFrame | None = None) -> None:
    """Copy the rows into the mart by way of the temporary table `scores`; NULL where a customer has none."""
    run(connection, sql("load/scores"))
    if rows is not None:
        _copy(connection, rows)
        run(connection, "ANALYZE scores")
    statement = sql("load/save_scores").format(
        changes=", ".join(f"{name} = new.{name}" for name in PREDICTED),
        present_columns=", ".join(f"mart.{name}" for name in PREDICTED),
        new_columns=", ".join(f"new.{name}" for name in PREDICTED),
    )
    run(connection, statement)


def _copy(connection: sa.Connection, rows: pd.DataFrame) -> None:
    """Copy the rows as CSV, in which an empty cell without quotes is NULL: NaN and None."""
    table = pa.Table.from_pandas(rows, preserve_index=False)
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as file, driver_cursor(connection) as cursor:
        pyarrow.csv.write_csv(table, file, pyarrow.csv.WriteOptions(include_header=False))
        file.seek(0)
        cursor.copy_expert(f"COPY scores ({', '.join(rows.columns)}) FROM STDIN WITH (FORMAT csv)", file)
