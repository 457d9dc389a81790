"""Copy Parquet files into tables in PostgreSQL's binary COPY format, encoding one batch ahead of the server."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pgpq
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from lib.catalog import arrow_schema, tables
from lib.data.parquet import REJECTS, existing_paths
from lib.db.connection import driver_cursor, run
from lib.errors import DataError
from lib.util.ahead import ahead

__all__ = [
    "copy_batches", "copy_rejects", "copy_rows", "count_rejects", "encode", "parquet_files", "read_batches",
]  # fmt: skip

BATCH_ROWS = 50_000
CHUNK_BYTES = 1 << 18


def parquet_files(folder: Path) -> dict[str, list[Path]]:
    """The Parquet files of each table, parents before children.

    Raises:
        DataError: A file is missing, or a column is missing or of another type than in the catalog. pgpq does not
            convert types, so the server would misread the bytes.
    """
    names = [name for name, table in tables().items() if not table.mart]
    return {name: [_checked(path, name) for path in existing_paths(folder, name)] for name in names}


def _checked(path: Path, table: str) -> Path:
    expected = arrow_schema(table)
    try:
        found = pq.read_schema(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is not a Parquet file: {error}. Run 02_generate again.") from error
    differ = [f.name for f in expected if f.name not in found.names or found.field(f.name).type != f.type]
    if differ:
        raise DataError(f"{path} lacks the columns {differ} or has them with another type. Run 02_generate again.")
    return path


def copy_rows(connection: sa.Connection, table: str, paths: list[Path], *, into: str = "", frozen: bool = False) -> int:
    """Stream the files of `table` into it, or into the table `into` of the same columns.

    Args:
        connection: In a transaction.
        table: Name in the catalog.
        paths: Parquet files.
        into: Another table that receives the rows.
        frozen: Make the rows visible to every snapshot, including older ones; needs a table that was created or
            truncated in this transaction.

    Returns:
        Number of rows copied.
    """
    return copy_batches(connection, table, read_batches(paths, arrow_schema(table).names), into=into, frozen=frozen)


def copy_batches(
    connection: sa.Connection, table: str, batches: Iterable[pa.RecordBatch], *, into: str = "", frozen: bool = False
) -> int:
    """Like `copy_rows`, for record batches with the columns of the catalog."""
    options = "FORMAT binary, FREEZE" if frozen else "FORMAT binary"
    return _copy(connection, into or table, arrow_schema(table), batches, options)


def count_rejects(folder: Path) -> int:
    """Number of rows that the import into `folder` rejected; 0 if there was no import."""
    path = folder / REJECTS
    return pq.read_metadata(path).num_rows if path.exists() else 0


def copy_rejects(connection: sa.Connection, folder: Path, run_id: str, *, replace: bool) -> None:
    """Copy the rejected rows of an import to workbook.rejects; with `replace`, delete the earlier ones."""
    if replace:
        run(connection, "DELETE FROM workbook.rejects")
    if not (folder / REJECTS).exists():
        return
    with pq.ParquetFile(folder / REJECTS) as rows:
        fields = {"column_name" if f.name == "column" else f.name: f.type for f in rows.schema_arrow}
        schema = pa.schema({"run_id": pa.string(), **fields})
        batches = (
            pa.record_batch([pa.repeat(run_id, batch.num_rows), *batch.columns], schema=schema)
            for batch in rows.iter_batches()
        )
        _copy(connection, "workbook.rejects", schema, batches, "FORMAT binary")


def _copy(
    connection: sa.Connection, target: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch], options: str
) -> int:
    statement = f"COPY {target} ({', '.join(schema.names)}) FROM STDIN WITH ({options})"
    with driver_cursor(connection) as cursor:
        cursor.copy_expert(statement, _Stream(ahead(encode(schema, batches))), size=CHUNK_BYTES)
        return cursor.rowcount


def encode(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """The binary COPY format: a header, one chunk per batch, a trailer."""
    plain = pa.schema([pa.field(f.name, pa.binary(16) if f.type == pa.uuid() else f.type) for f in schema])
    encoder = pgpq.ArrowToPostgresBinaryEncoder(plain)
    yield encoder.write_header()
    for batch in batches:
        arrays = [a.storage if isinstance(a, pa.ExtensionArray) else a for a in batch.select(schema.names).columns]
        yield encoder.write_batch(pa.record_batch(arrays, schema=plain))
    yield encoder.finish()


def read_batches(paths: list[Path], columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The rows of Parquet files in batches of BATCH_ROWS."""
    for path in paths:
        with pq.ParquetFile(path) as rows:
            yield from rows.iter_batches(BATCH_ROWS, columns=columns)


class _Stream:
    """A readable file over chunks of bytes, for copy_expert; holds one chunk at a time."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, memoryview(b"")

    def readline(self, size: int = -1, /) -> bytes:
        """Part of the interface of a file that copy_expert does not use."""
        raise NotImplementedError

    def read(self, size: int = CHUNK_BYTES, /) -> bytes:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = memoryview(chunk)
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)
