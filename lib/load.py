"""Frames into tables: built beside the live ones by binary COPY, keyed, checked, and swapped in one transaction."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pgpq
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from lib.catalog import arrow_schema, tables
from lib.database import SQL_FOLDER, lock, sql, transaction
from lib.errors import DataError
from lib.files import existing_paths
from lib.schema import create_keys, create_tables, describe, run, use
from lib.swap import swap

__all__ = ["Load", "checks", "fingerprint", "replace"]

STAGING = "workbook_next"
BATCH_ROWS = 50_000


@dataclass(frozen=True)
class Load:
    """What a load did: rows per table and mart, the checks and how many rows break each, and how long COPY took."""

    tables: pd.DataFrame  # table, kind, rows
    checks: pd.DataFrame  # check, severity, meaning, failed
    copy_seconds: float
    seconds: float

    @property
    def rows(self) -> int:
        """Rows copied from files, marts not counted."""
        return int(self.tables.loc[self.tables["kind"] == "table", "rows"].sum())

    def facts(self) -> dict[str, Any]:
        """Rows in and there per table, checks and seconds, for the run page."""
        own = self.tables[self.tables["kind"] == "table"]
        rows = [{"table": row.table, "read": row.rows, "loaded": row.rows} for row in own.itertuples()]
        checks_ = self.checks.to_dict("records")
        return {"rows": self.rows, "seconds": self.seconds, "tables": rows, "checks": checks_}


def replace(folder: Path) -> Load:
    """Load the six Parquet files of `folder` in place of all rows; readers see the old rows until all is checked.

    Raises DataError when a file is missing or a rule is broken, DatabaseError when another run is loading.
    """
    started = time.perf_counter()
    known = [name for name, table in tables().items() if not table.mart]
    paths = {name: [_checked(path, name) for path in existing_paths(folder, name)] for name in known}
    with transaction() as connection:
        lock(connection)
        run(connection, f"DROP SCHEMA IF EXISTS {STAGING} CASCADE")
        use(connection, STAGING)
        create_tables(connection)
        rows = {name: _copy(connection, name, files) for name, files in paths.items()}
        copied = time.perf_counter()
        run(connection, f"ANALYZE {', '.join(paths)}")
        rows |= {name: _build(connection, name) for name, table in tables().items() if table.mart}
        create_keys(connection)
        run(connection, f"ANALYZE {', '.join(name for name in rows if name not in paths)}")
        results = _refuse_errors(checks(connection))
        describe(connection)
        swap(connection, STAGING)
        run(connection, f"DROP SCHEMA {STAGING}")
    return Load(_counts(rows), results, copied - started, time.perf_counter() - started)


def _checked(path: Path, table: str) -> Path:
    """The path, when the file's columns are the catalog's: pgpq would take the bytes of another type as they are."""
    wanted = arrow_schema(table)
    try:
        found = pq.read_schema(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is no Parquet file ({error}); run 02_generate again") from error
    differ = [f.name for f in wanted if f.name not in found.names or found.field(f.name).type != f.type]
    if differ:
        raise DataError(f"{path} lacks the columns {differ} or has them of another type; run 02_generate again")
    return path


def _copy(connection: sa.Connection, table: str, paths: list[Path]) -> int:
    """Stream the record batches of the files into a bare table as PostgreSQL's binary format; rows copied."""
    columns = ", ".join(tables()[table].column_names)
    with connection.connection.cursor() as cursor:
        stream = _Stream(_encoded(table, paths))
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN WITH (FORMAT binary)", stream, size=1 << 18)
        return cursor.rowcount


def _encoded(table: str, paths: list[Path]) -> Iterator[bytes]:
    schema = arrow_schema(table)
    plain = pa.schema([pa.field(f.name, pa.binary(16) if f.type == pa.uuid() else f.type) for f in schema])
    encoder = pgpq.ArrowToPostgresBinaryEncoder(plain)
    yield encoder.write_header()
    for batch in _batches(paths, schema.names):
        arrays = [a.storage if isinstance(a, pa.ExtensionArray) else a for a in batch.select(schema.names).columns]
        yield encoder.write_batch(pa.record_batch(arrays, schema=plain))
    yield encoder.finish()


def _batches(paths: list[Path], columns: list[str]) -> Iterator[pa.RecordBatch]:
    for path in paths:
        with pq.ParquetFile(path) as rows:
            yield from rows.iter_batches(BATCH_ROWS, columns=columns)


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


def _build(connection: sa.Connection, mart: str) -> int:
    columns = ", ".join(tables()[mart].column_names)
    statement = f"INSERT INTO {mart} ({columns}) {sql(f'marts/{mart}')}"
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).rowcount


def checks(connection: sa.Connection) -> pd.DataFrame:
    """Every check of lib/sql/checks over the present schema: check, severity, meaning, failed (rows that break it)."""
    names = sorted(path.stem for path in (SQL_FOLDER / "checks").glob("*.sql"))
    return pd.DataFrame([_check(connection, name) for name in names])


def _check(connection: sa.Connection, name: str) -> dict:
    text = sql(f"checks/{name}")
    severity, meaning = re.match(r"-- (error|warning): (.+)", text).groups()
    failed = connection.execute(sa.text(f"SELECT count(*) FROM ({text}) AS broken")).scalar()  # noqa: S608 - our file
    return {"check": name, "severity": severity, "meaning": meaning, "failed": failed}


def _refuse_errors(results: pd.DataFrame) -> pd.DataFrame:
    broken = results[(results["severity"] == "error") & (results["failed"] > 0)]
    if len(broken):
        found = "; ".join(f"{row.failed} rows break {row.check} ({row.meaning})" for row in broken.itertuples())
        raise DataError(
            f"the rows break the workbook's rules: {found} The old data stay; mend the source and run again."
        )
    return results


def _counts(rows: dict[str, int]) -> pd.DataFrame:
    kinds = ["mart" if tables()[name].mart else "table" for name in rows]
    return pd.DataFrame({"table": list(rows), "kind": kinds, "rows": list(rows.values())})


def fingerprint(connection: sa.Connection) -> str:
    """Digest of all rows of the eight tables without the bookkeeping columns; the order of rows does not matter."""
    parts = [
        connection.execute(sa.text(_digest(table.name, table.column_names))).scalar() for table in tables().values()
    ]
    return format(sum(int(part) for part in parts) % 2**64, "016x")


def _digest(table: str, columns: list[str]) -> str:
    row = f"ROW('{table}', {', '.join(columns)})::text"
    return f"SELECT coalesce(sum(hashtextextended({row}, 0)::numeric), 0) FROM {table}"  # noqa: S608 - names of the catalog
