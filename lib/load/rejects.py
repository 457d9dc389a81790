"""The rejected rows of an import, saved in workbook.rejects."""

import io
from pathlib import Path

import pgpq
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from lib.db.connection import driver_cursor, run

__all__ = ["FILE", "count", "save"]

FILE = "rejects.parquet"
COLUMNS = {"file": "file", "line": "line", "column": "column_name", "rule": "rule"} | {
    name: name for name in ("value", "reason", "raw_line")
}  # of the file: of the table


def count(folder: Path) -> int:
    """Number of rows that the import into `folder` rejected; 0 if there was no import."""
    path = folder / FILE
    return pq.read_metadata(path).num_rows if path.exists() else 0


def save(connection: sa.Connection, folder: Path, run_id: str, *, replace: bool) -> None:
    """Copy the rejected rows to workbook.rejects; with `replace`, delete the earlier ones."""
    if replace:
        run(connection, "DELETE FROM workbook.rejects")
    if not (folder / FILE).exists():
        return
    with pq.ParquetFile(folder / FILE) as rows:
        for batch in rows.iter_batches():
            _copy(connection, batch, run_id)


def _copy(connection: sa.Connection, batch: pa.RecordBatch, run_id: str) -> None:
    arrays = [pa.array([run_id] * batch.num_rows), *(batch[name] for name in COLUMNS)]
    named = pa.RecordBatch.from_arrays(arrays, names=["run_id", *COLUMNS.values()])
    encoder = pgpq.ArrowToPostgresBinaryEncoder(named.schema)
    stream = io.BytesIO(encoder.write_header() + encoder.write_batch(named) + encoder.finish())
    columns = ", ".join(named.schema.names)
    with driver_cursor(connection) as cursor:
        cursor.copy_expert(f"COPY workbook.rejects ({columns}) FROM STDIN WITH (FORMAT binary)", stream)
