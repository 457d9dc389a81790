"""Copy record batches into a table in PostgreSQL's binary COPY format, encoding one batch ahead of the server."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pgpq
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from lib.catalog import arrow_schema, tables
from lib.data.parquet import existing_paths
from lib.db.connection import driver_cursor
from lib.errors import DataError

__all__ = ["ahead", "batches_of", "copy_batches", "copy_rows", "encoded", "files_of"]

BATCH_ROWS = 50_000
CHUNK = 1 << 18

Item = TypeVar("Item")


def files_of(folder: Path) -> dict[str, list[Path]]:
    """The Parquet files of the six tables, parents before children.

    Raises:
        DataError: A file is missing, or its columns differ from the catalog: pgpq would copy the bytes of another type
            without converting them.
    """
    known = [name for name, table in tables().items() if not table.mart]
    return {name: [_checked(path, name) for path in existing_paths(folder, name)] for name in known}


def _checked(path: Path, table: str) -> Path:
    expected = arrow_schema(table)
    try:
        found = pq.read_schema(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is not a Parquet file ({error}). Run 02_generate again.") from error
    differ = [f.name for f in expected if f.name not in found.names or found.field(f.name).type != f.type]
    if differ:
        raise DataError(f"{path} lacks the columns {differ} or has other types. Run 02_generate again.")
    return path


def copy_rows(connection: sa.Connection, table: str, paths: list[Path], *, into: str = "", frozen: bool = False) -> int:
    """Copy the files of `table` into it, or into the table `into` with the same columns; returns the rows copied.

    `frozen` needs a table created in this transaction; its rows are visible to every snapshot, older ones included.
    """
    return copy_batches(connection, table, batches_of(paths, arrow_schema(table).names), into=into, frozen=frozen)


def copy_batches(
    connection: sa.Connection, table: str, batches: Iterable[pa.RecordBatch], *, into: str = "", frozen: bool = False
) -> int:
    """Copy batches with the catalog's columns, as `copy_rows` does files; returns the rows copied."""
    columns = ", ".join(tables()[table].column_names)
    options = "FORMAT binary, FREEZE" if frozen else "FORMAT binary"
    statement = f"COPY {into or table} ({columns}) FROM STDIN WITH ({options})"
    with driver_cursor(connection) as cursor:
        cursor.copy_expert(statement, _Stream(ahead(encoded(table, batches))), size=CHUNK)
        return cursor.rowcount


def encoded(table: str, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """The stream that COPY reads: header, batches, trailer."""
    schema = arrow_schema(table)
    plain = pa.schema([pa.field(f.name, pa.binary(16) if f.type == pa.uuid() else f.type) for f in schema])
    encoder = pgpq.ArrowToPostgresBinaryEncoder(plain)
    yield encoder.write_header()
    for batch in batches:
        arrays = [a.storage if isinstance(a, pa.ExtensionArray) else a for a in batch.select(schema.names).columns]
        yield encoder.write_batch(pa.record_batch(arrays, schema=plain))
    yield encoder.finish()


def batches_of(paths: list[Path], columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Record batches of the files with these columns."""
    for path in paths:
        with pq.ParquetFile(path) as rows:
            yield from rows.iter_batches(BATCH_ROWS, columns=columns)


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The items, each computed in a second thread while the previous one is used."""
    with ThreadPoolExecutor(1) as producer:
        following = producer.submit(next, items, None)
        while (item := following.result()) is not None:
            following = producer.submit(next, items, None)
            yield item


class _Stream:
    """A file-like object over chunks for copy_expert, which reads it; holds one chunk at a time."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, memoryview(b"")

    def readline(self, size: int = -1, /) -> bytes:
        """Required of file-like objects; copy_expert only reads."""
        raise NotImplementedError

    def read(self, size: int = CHUNK, /) -> bytes:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = memoryview(chunk)
        part, self._rest = self._rest[:size], self._rest[size:]
        return bytes(part)
