"""The staging database: DuckDB over the checked rows of imported files, with the statements of lib/sql/imports.

Each file there has sections `-- name: <statement>`. Values are bound as `$name`; names of tables and columns replace
`{name}`. All other braces stay as they are.
"""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from lib.errors import OutputError

__all__ = ["StagingDatabase"]

SQL = Path(__file__).parents[2] / "sql" / "imports"
SECTION = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
BATCH_ROWS = 50_000
MEMORY = {100_000_000: "160MB", math.inf: "128MB"}  # by bytes of staged rows: those that do not fit go to files anyway
SETTINGS = {
    "preserve_insertion_order": False,  # it takes memory; every query that reaches a file has an ORDER BY
    "threads": 2,  # the same on every machine, so that measurements compare
    "enable_progress_bar": False,  # DuckDB prints one into notebooks
    "autoinstall_known_extensions": False,  # no downloads
    "autoload_known_extensions": False,
    "arrow_lossless_conversion": True,  # UUID columns stay UUIDs
}


class StagingDatabase:
    """An in-memory database that spills into a folder; closed on exit.

    `name` is the format: its statements, those of common.sql and of the files in `more` can be run. Dates of
    timestamps are those of `time_zone`.
    """

    def __init__(self, folder: Path, name: str, time_zone: str = "UTC", *more: str) -> None:
        self._folder = folder
        self.name = name
        self.time_zone = time_zone
        self._statements = {key: text for each in ("common", name, *more) for key, text in _statements(each).items()}
        pa.default_memory_pool().release_unused()  # what was used to read the files: DuckDB has memory of its own
        self._database = duckdb.connect(config={"temp_directory": str(folder)})
        staged = sum(path.stat().st_size for path in folder.glob("*.parquet"))
        memory = next(limit for size, limit in MEMORY.items() if staged <= size)
        for setting, value in (SETTINGS | {"TimeZone": time_zone, "memory_limit": memory}).items():
            self._database.execute(f"SET {setting} = $value", {"value": value})
        self.run("text_key")
        self.run("decimals")
        self.run("parts_of_files")

    def __enter__(self) -> "StagingDatabase":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._database.close()

    def add_file(self, view: str, path: Path) -> None:
        """Create a view of a Parquet file."""
        self._database.read_parquet(str(path)).create_view(view)

    def add_rows(self, view: str, rows: pa.Table) -> None:
        """Create a view of an Arrow table."""
        self._database.register(view, rows)

    def add_lookup(self, view: str, rows: dict[str, str | None], key: str, value: str) -> None:
        """Create a view of a dictionary, with a text column for the keys and one for the values."""
        texts = {key: pa.array(list(rows), pa.string()), value: pa.array(list(rows.values()), pa.string())}
        self.add_rows(view, pa.table(texts))

    def has_rows(self, view: str) -> bool:
        """Whether a view has any rows."""
        return self._database.execute(f"SELECT 1 FROM {view} LIMIT 1").fetchone() is not None  # noqa: S608 - our names

    def has_statement(self, name: str) -> bool:
        """Whether there is a statement of this name."""
        return name in self._statements

    def run(self, name: str, bound: dict[str, Any] | None = None, **names: str) -> None:
        """Execute a statement without a result."""
        with self._memory_errors():
            self._database.execute(*self._prepared(name, bound, names))

    def table(self, name: str, bound: dict[str, Any] | None = None, **names: str) -> pa.Table:
        """All rows of a query."""
        with self._memory_errors():
            return self._query(name, bound, names).to_arrow_table()

    def rows(self, name: str, bound: dict[str, Any] | None = None, **names: str) -> list[dict[str, Any]]:
        """All rows of a query that returns few."""
        with self._memory_errors():
            result = self._database.execute(*self._prepared(name, bound, names))
            columns = [column[0] for column in result.description]
            return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]

    def batches(self, name: str, bound: dict[str, Any] | None = None, **names: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query in batches; no other statement may run until they are read."""
        with self._memory_errors():
            yield from self._query(name, bound, names).to_arrow_reader(BATCH_ROWS)

    def _query(self, name: str, bound: dict[str, Any] | None, names: dict[str, str]) -> duckdb.DuckDBPyRelation:
        statement, values = self._prepared(name, bound, names)
        return self._database.sql(statement, params=values)

    def _prepared(self, name: str, bound: dict[str, Any] | None, names: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """A statement with its values; DuckDB refuses values that a statement does not use."""
        statement = self.statement(name, **names)
        return statement, {key: value for key, value in (bound or {}).items() if f"${key}" in statement}

    def statement(self, name: str, **names: str) -> str:
        """Text of a statement, with the names put in."""
        return PLACEHOLDER.sub(lambda match: names[match[1]], self._statements[name])

    @contextmanager
    def _memory_errors(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            reason = str(error).splitlines()[0]
            raise OutputError(f"cannot compare the rows in {self._folder}: {reason}. Free disk space there") from error


def _statements(name: str) -> dict[str, str]:
    """The statements of a file by name."""
    _, *parts = SECTION.split((SQL / f"{name}.sql").read_text(encoding="utf-8"))
    return dict(zip(parts[::2], parts[1::2], strict=True))
