"""What the models say of customers, put into the mart beside what they have done, all at once."""

import tempfile
from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa

from lib.catalog import tables
from lib.db.connection import run, sql, transaction
from lib.db.locks import lock

__all__ = ["empty_scores", "save_scores"]

MART = "customer_lifetime_value"
HELD_IN_MEMORY = 1 << 24  # bytes of scores on their way; more goes to a temporary file


def save_scores(customers: pd.DataFrame, *, model_version: str | None, as_of: date | str) -> int:
    """Fill the predicted columns of customer_lifetime_value and empty those of all others; rows that have them now.

    `customers` has user_id, predicted_orders, predicted_value, churn_risk and rfm_segment. Raises DatabaseError, and
    changes nothing, while another run is loading.
    """
    rows = customers.assign(model_version=model_version, predicted_as_of=str(as_of))[["user_id", *_predicted()]]
    with transaction("loader") as connection:
        lock(connection)
        run(connection, sql("load/scored"))
        _copy(connection, rows)
        run(connection, "ANALYZE scored")
        _give(connection)
        return connection.execute(sa.text(sql("load/count_scores"))).scalar()


def empty_scores(connection: sa.Connection) -> None:
    """Empty the predicted columns of all customers: what they were made from has changed."""
    run(connection, sql("load/scored"))
    _give(connection)


def _predicted() -> list[str]:
    return [column.name for column in tables()[MART].columns if column.predicted]


def _give(connection: sa.Connection) -> None:
    """Give every customer of the mart the scores that lie in the table scored, or none."""
    kinds = {"changes": "{0} = wanted.{0}", "present_columns": "mart.{0}", "wanted_columns": "wanted.{0}"}
    pairs = {name: ", ".join(words.format(column) for column in _predicted()) for name, words in kinds.items()}
    run(connection, sql("load/save_scores").format(**pairs))


def _copy(connection: sa.Connection, rows: pd.DataFrame) -> None:
    """NaN and None become NULL: an empty cell without quotes."""
    table = pa.Table.from_pandas(rows, preserve_index=False)
    with tempfile.SpooledTemporaryFile(HELD_IN_MEMORY) as file, connection.connection.cursor() as cursor:
        pyarrow.csv.write_csv(table, file, pyarrow.csv.WriteOptions(include_header=False))
        file.seek(0)
        cursor.copy_expert(f"COPY scored ({', '.join(rows.columns)}) FROM STDIN WITH (FORMAT csv)", file)
