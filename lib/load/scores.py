"""Copy the models' predictions into the mart customer_lifetime_value, in one transaction."""

import tempfile
from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa

from lib.catalog import tables
from lib.db.connection import driver_cursor, run, sql, transaction
from lib.db.locks import lock

__all__ = ["empty_scores", "save_scores"]

MART = "customer_lifetime_value"
SPOOL_BYTES = 1 << 24  # scores up to this size are buffered in memory, more in a temporary file


def save_scores(customers: pd.DataFrame, *, model_version: str | None, as_of: date | str) -> int:
    """Fill the predicted columns of the mart for these customers and empty those of all others.

    Args:
        customers: One row per customer: user_id, predicted_orders, predicted_value, churn_risk, rfm_segment.
        model_version: Version of the models; None if no model was fitted.
        as_of: Day from which the predictions look ahead.

    Returns:
        Number of customers that have scores now.

    Raises:
        DatabaseError: Another run is loading; no row is changed.
    """
    rows = customers.assign(model_version=model_version, predicted_as_of=str(as_of))[["user_id", *_predicted()]]
    with transaction("loader") as connection:
        lock(connection)
        run(connection, sql("load/scored"))
        _copy(connection, rows)
        run(connection, "ANALYZE scored")
        _update_mart(connection)
        return int(connection.execute(sa.text(sql("load/count_scores"))).scalar_one())


def empty_scores(connection: sa.Connection) -> None:
    """Empty the predicted columns of all customers: the rows they were predicted from have changed."""
    run(connection, sql("load/scored"))
    _update_mart(connection)


def _predicted() -> list[str]:
    return [column.name for column in tables()[MART].columns if column.predicted]


def _update_mart(connection: sa.Connection) -> None:
    """Copy predictions from the table `scored` into the mart; NULL where a customer has none."""
    columns = _predicted()
    statement = sql("load/save_scores").format(
        changes=", ".join(f"{name} = new.{name}" for name in columns),
        present_columns=", ".join(f"mart.{name}" for name in columns),
        new_columns=", ".join(f"new.{name}" for name in columns),
    )
    run(connection, statement)


def _copy(connection: sa.Connection, rows: pd.DataFrame) -> None:
    """Copy rows into `scored`; NaN and None become NULL."""
    table = pa.Table.from_pandas(rows, preserve_index=False)
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as file, driver_cursor(connection) as cursor:
        pyarrow.csv.write_csv(table, file, pyarrow.csv.WriteOptions(include_header=False))
        file.seek(0)
        cursor.copy_expert(f"COPY scored ({', '.join(rows.columns)}) FROM STDIN WITH (FORMAT csv)", file)
