"""Copy the rejected rows of an import into the table workbook.rejects."""

import io
from pathlib import Path

import pgpq
import psycopg2.extensions
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from lib.db.connection import driver_cursor, run

__all__ = ["FILE", "count", "keep"]

FILE = "rejects.parquet"
COLUMNS = {"file": "file", "line": "line", "column": "column_name", "rule": "rule"} | {
    name: name for name in ("value", "reason", "raw_line")
}


def count(folder: Path) -> int:
    """Number of rows that the import of the data in `folder` rejected; 0 without an import."""
    path = folder / FILE
    return pq.read_metadata(path).num_rows if path.exists() else 0


def keep(connection: sa.Connection, folder: Path, run_id: str, *, replace: bool) -> None:
    """Copy the rejected rows into workbook.rejects, after deleting earlier ones if `replace`."""
    if replace:
        run(connection, "DELETE FROM workbook.rejects")
    if not (folder / FILE).exists():
        return
    with driver_cursor(connection) as cursor, pq.ParquetFile(folder / FILE) as rows:
        for batch in rows.iter_batches():
            _copy(cursor, batch, run_id)


def _copy(cursor: psycopg2.extensions.cursor, batch: pa.RecordBatch, run_id: str) -> None:
    arrays = [pa.array([run_id] * batch.num_rows), *(batch[name] for name in COLUMNS)]
    named = pa.RecordBatch.from_arrays(arrays, names=["run_id", *COLUMNS.values()])
    encoder = pgpq.ArrowToPostgresBinaryEncoder(named.schema)
    stream = io.BytesIO(encoder.write_header() + encoder.write_batch(named) + encoder.finish())
    columns = ", ".join(named.schema.names)
    cursor.copy_expert(f"COPY workbook.rejects ({columns}) FROM STDIN WITH (FORMAT binary)", stream)
