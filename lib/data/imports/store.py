"""The only door to DuckDB: the lines of files as views, and the SQL files that compare them and make tables of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from lib.errors import OutputError

__all__ = ["Store"]

SQL = Path(__file__).parents[2] / "sql" / "imports"
BATCH_ROWS = 50_000
SETTINGS = {
    "memory_limit": "256MB",  # what needs more goes to files in temp_directory
    "preserve_insertion_order": False,  # takes memory; each query that reaches a file has an order of its own
    "threads": 2,  # whatever the machine has, so that everyone measures the same
    "autoinstall_known_extensions": False,  # nothing is fetched
    "autoload_known_extensions": False,
    "arrow_lossless_conversion": True,  # a UUID stays one
    "TimeZone": "UTC",
}


class Store:
    """A database in memory that spills into `folder` and is gone with it."""

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
        """Make a Parquet file known as a view."""
        self._database.read_parquet(str(path)).create_view(view)

    def holds(self, view: str) -> bool:
        """Whether the view has any row."""
        return self._database.table(view).limit(1).to_arrow_table().num_rows > 0

    def add_rows(self, view: str, rows: pa.Table) -> None:
        """Make rows known as a view."""
        self._database.register(view, rows)

    def run(self, name: str, bound: dict[str, Any] | None = None, **names: str) -> None:
        """Execute a file of lib/sql/imports with the names of ours put in and the values bound."""
        with self._space():
            self._query(name, bound, names)

    def table(self, name: str, bound: dict[str, Any] | None = None, **names: str) -> pa.Table:
        """What a query returns, as it fits into memory."""
        with self._space():
            return self._query(name, bound, names).to_arrow_table()

    def rows(self, name: str, bound: dict[str, Any] | None = None, **names: str) -> list[dict[str, Any]]:
        """What a query of few rows returns."""
        return self.table(name, bound, **names).to_pylist()

    def batches(self, name: str, bound: dict[str, Any] | None = None, **names: str) -> Iterator[pa.RecordBatch]:
        """What a query of any number of rows returns, a batch at a time; nothing else may run meanwhile."""
        with self._space():
            yield from self._query(name, bound, names).to_arrow_reader(BATCH_ROWS)

    def _query(self, name: str, bound: dict[str, Any] | None, names: dict[str, str]) -> duckdb.DuckDBPyRelation | None:
        text = (SQL / f"{name}.sql").read_text(encoding="utf-8")
        return self._database.sql(text.format(**names), params=bound)

    @contextmanager
    def _space(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            reason = str(error).splitlines()[0]
            raise OutputError(f"cannot compare the lines in {self._folder}: {reason}; free some space there") from error
