"""The predicted columns of customer_lifetime_value: saved by 08_customers, cleared by every load."""

import tempfile
from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa

from lib.catalog import tables
from lib.db.connection import driver_cursor, run, sql, transaction
from lib.db.locks import lock

__all__ = ["clear_scores", "save_scores"]

MART = "customer_lifetime_value"
SPOOL_BYTES = 1 << 24  # more is buffered in a temporary file instead of in memory


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
    """
    rows = customers.assign(model_version=model_version, predicted_as_of=str(as_of))[["user_id", *_predicted()]]
    with transaction("loader") as connection:
        lock(connection)
        run(connection, sql("load/scores"))
        _copy(connection, rows)
        run(connection, "ANALYZE scores")
        _update_mart(connection)
        return int(connection.execute(sa.text(sql("load/count_scores"))).scalar_one())


def clear_scores(connection: sa.Connection) -> None:
    """Set the predicted columns of all customers to NULL, because the rows they were computed from have changed."""
    run(connection, sql("load/scores"))
    _update_mart(connection)


def _predicted() -> list[str]:
    return [column.name for column in tables()[MART].columns if column.predicted]


def _update_mart(connection: sa.Connection) -> None:
    """Copy the temporary table `scores` into the mart; NULL where a customer has no row in it."""
    names = _predicted()
    statement = sql("load/save_scores").format(
        changes=", ".join(f"{name} = new.{name}" for name in names),
        present_columns=", ".join(f"mart.{name}" for name in names),
        new_columns=", ".join(f"new.{name}" for name in names),
    )
    run(connection, statement)


def _copy(connection: sa.Connection, rows: pd.DataFrame) -> None:
    """Copy the rows as CSV, in which an empty cell without quotes is NULL: NaN and None."""
    table = pa.Table.from_pandas(rows, preserve_index=False)
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as file, driver_cursor(connection) as cursor:
        pyarrow.csv.write_csv(table, file, pyarrow.csv.WriteOptions(include_header=False))
        file.seek(0)
        cursor.copy_expert(f"COPY scores ({', '.join(rows.columns)}) FROM STDIN WITH (FORMAT csv)", file)
