"""The only module that uses DuckDB: rows of files as views, and the SQL that compares them and builds the tables."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from lib.errors import OutputError

__all__ = ["Store"]

SQL = Path(__file__).parents[2] / "sql" / "imports"
BATCH_ROWS = 50_000
SETTINGS = {
    "memory_limit": "256MB",  # more is spilled to files in temp_directory
    "preserve_insertion_order": False,  # saves memory; every query whose result is written has an ORDER BY
    "threads": 2,  # fixed, so that measurements are comparable between machines
    "autoinstall_known_extensions": False,  # no downloads
    "autoload_known_extensions": False,
    "arrow_lossless_conversion": True,  # keeps UUID columns
    "TimeZone": "UTC",
}


class _Identifiers(Template):
    """@{source} in a statement stands for an identifier."""

    delimiter = "@"


@cache
def _sections(file: str) -> dict[str, str]:
    """The statements of lib/sql/imports/<file>.sql, each below a line `-- name: <section>`."""
    text = (SQL / f"{file}.sql").read_text(encoding="utf-8")
    _, *parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


class Store:
    """An in-memory database that spills into `folder`.

    Statements are named <file>/<section> of lib/sql/imports, or <section> of common.sql.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database = duckdb.connect(config={"temp_directory": str(folder)})
        for name, value in SETTINGS.items():
            self._database.execute(f"SET {name} = $value", {"value": value})

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._database.close()

    def add_file(self, view: str, path: Path) -> None:
        """Add a Parquet file as a view."""
        self._database.read_parquet(str(path)).create_view(view)

    def holds(self, view: str) -> bool:
        """Whether the view has any row."""
        return self._database.table(view).limit(1).to_arrow_table().num_rows > 0

    def add_rows(self, view: str, rows: pa.Table) -> None:
        """Add rows as a view."""
        self._database.register(view, rows)

    def run(self, name: str, bound: dict[str, Any] | None = None, **names: str) -> None:
        """Execute a statement; `bound` are values, `names` identifiers for its @{placeholders}."""
        with self._space():
            self._query(name, bound, names)

    def table(self, name: str, bound: dict[str, Any] | None = None, **names: str) -> pa.Table:
        """Result of a query that fits into memory."""
        with self._space():
            return self._query(name, bound, names).to_arrow_table()

    def rows(self, name: str, bound: dict[str, Any] | None = None, **names: str) -> list[dict[str, Any]]:
        """Result of a query with few rows, as dictionaries."""
        return self.table(name, bound, **names).to_pylist()

    def batches(self, name: str, bound: dict[str, Any] | None = None, **names: str) -> Iterator[pa.RecordBatch]:
        """Result of a query in batches; no other statement may run meanwhile."""
        with self._space():
            yield from self._query(name, bound, names).to_arrow_reader(BATCH_ROWS)

    def _query(self, name: str, bound: dict[str, Any] | None, names: dict[str, str]) -> duckdb.DuckDBPyRelation:
        file, _, section = name.rpartition("/")
        text = _sections(file or "common")[section]
        statement = _Identifiers(text).substitute(names) if names else text
        return self._database.sql(statement, params=bound)

    @contextmanager
    def _space(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            reason = str(error).splitlines()[0]
            raise OutputError(f"cannot compare the rows in {self._folder}: {reason}. Free disk space there.") from error
