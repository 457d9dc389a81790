"""Record batches into a table: encoded as PostgreSQL's binary COPY format, one ahead of the server."""

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
from lib.errors import DataError

__all__ = ["ahead", "batches_of", "copy_batches", "copy_rows", "encoded", "files_of"]

BATCH_ROWS = 50_000
CHUNK = 1 << 18

Thing = TypeVar("Thing")


def files_of(folder: Path) -> dict[str, list[Path]]:
    """The Parquet files of the six tables, parents before children.

    Raises DataError when one is missing or its columns are not the catalog's: pgpq would take the bytes of another
    type as they are.
    """
    known = [name for name, table in tables().items() if not table.mart]
    return {name: [_checked(path, name) for path in existing_paths(folder, name)] for name in known}


def _checked(path: Path, table: str) -> Path:
    wanted = arrow_schema(table)
    try:
        found = pq.read_schema(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is no Parquet file ({error}); run 02_generate again") from error
    differ = [f.name for f in wanted if f.name not in found.names or found.field(f.name).type != f.type]
    if differ:
        raise DataError(f"{path} lacks the columns {differ} or has them of another type; run 02_generate again")
    return path


def copy_rows(connection: sa.Connection, table: str, paths: list[Path], *, into: str = "", frozen: bool = False) -> int:
    """Stream the files of `table` into it, or into the table `into` of the same columns; rows copied.

    `frozen` needs a table made in this transaction: its rows are there for every snapshot, old ones too.
    """
    return copy_batches(connection, table, batches_of(paths, arrow_schema(table).names), into=into, frozen=frozen)


def copy_batches(
    connection: sa.Connection, table: str, batches: Iterable[pa.RecordBatch], *, into: str = "", frozen: bool = False
) -> int:
    """Stream batches of the catalog's columns as `copy_rows` does files; rows copied."""
    columns = ", ".join(tables()[table].column_names)
    options = "FORMAT binary, FREEZE" if frozen else "FORMAT binary"
    statement = f"COPY {into or table} ({columns}) FROM STDIN WITH ({options})"
    with connection.connection.cursor() as cursor:
        cursor.copy_expert(statement, _Stream(ahead(encoded(table, batches))), size=CHUNK)
        return cursor.rowcount


def encoded(table: str, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """What COPY reads: a header, the batches, an end."""
    schema = arrow_schema(table)
    plain = pa.schema([pa.field(f.name, pa.binary(16) if f.type == pa.uuid() else f.type) for f in schema])
    encoder = pgpq.ArrowToPostgresBinaryEncoder(plain)
    yield encoder.write_header()
    for batch in batches:
        arrays = [a.storage if isinstance(a, pa.ExtensionArray) else a for a in batch.select(schema.names).columns]
        yield encoder.write_batch(pa.record_batch(arrays, schema=plain))
    yield encoder.finish()


def batches_of(paths: list[Path], columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The columns of the files' rows, some at a time."""
    for path in paths:
        with pq.ParquetFile(path) as rows:
            yield from rows.iter_batches(BATCH_ROWS, columns=columns)


def ahead(things: Iterator[Thing]) -> Iterator[Thing]:
    """The things, each made while the one before it is in use."""
    with ThreadPoolExecutor(1) as maker:
        following = maker.submit(next, things, None)
        while (thing := following.result()) is not None:
            following = maker.submit(next, things, None)
            yield thing


class _Stream:
    """Chunks as the file that copy_expert reads from; holds one chunk at a time."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, memoryview(b"")

    def read(self, size: int) -> bytes:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = memoryview(chunk)
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)
