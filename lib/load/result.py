"""The outcome of a load, and the fingerprint of a database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import sqlalchemy as sa

from lib.catalog import tables

__all__ = ["Load", "Stopwatch", "counts", "fingerprint"]


@dataclass(frozen=True)
class Load:
    """Outcome of a load.

    tables: table, kind, rows and, after an append, inserted, updated and unchanged. checks: check, severity, meaning,
    failed, sample. history: run_id, checked_at, broken_errors, broken_warnings, rejected_lines of the last runs.
    rejected: rows of imported files that were not loaded. seconds, parts: duration of all and of each part.
    """

    tables: pd.DataFrame
    checks: pd.DataFrame
    history: pd.DataFrame
    rejected: int
    seconds: float
    parts: dict[str, float]

    @property
    def rows(self) -> int:
        """Rows copied into the tables, without the marts."""
        return int(self.tables.loc[self.tables["kind"] == "table", "rows"].sum())

    def facts(self) -> dict[str, Any]:
        """Rows by table, checks, history and durations, for the run page."""
        own = self.tables[self.tables["kind"] == "table"]
        return {
            "rows": self.rows,
            "seconds": self.seconds,
            "parts": self.parts,
            "tables": [{"table": row.table, "read": row.rows, "loaded": row.rows} for row in own.itertuples()],
            "checks": self.checks.to_dict("records"),
            "history": self.history.to_dict("records"),
        }


@dataclass
class Stopwatch:
    """Measures the seconds of named parts of a task, and of the whole task so far."""

    parts: dict[str, float] = field(default_factory=dict)
    _started: float = field(default_factory=time.perf_counter)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the seconds of the block to the part `name`."""
        started = time.perf_counter()
        yield
        self.parts[name] = self.parts.get(name, 0) + time.perf_counter() - started

    @property
    def seconds(self) -> float:
        """Seconds since the stopwatch was created."""
        return time.perf_counter() - self._started


def counts(rows: dict[str, int]) -> pd.DataFrame:
    """table, kind (table or mart) and rows, in the order of the catalog."""
    ordered = [name for name in tables() if name in rows]
    kinds = ["mart" if tables()[name].mart else "table" for name in ordered]
    return pd.DataFrame({"table": ordered, "kind": kinds, "rows": [rows[name] for name in ordered]})


def fingerprint(connection: sa.Connection) -> str:
    """Digest of all rows without bookkeeping and prediction columns: equal rows in any order have equal digests."""
    digests = [connection.execute(sa.text(_digest(table.name, table.loaded_names))) for table in tables().values()]
    return format(sum(int(digest.scalar_one()) for digest in digests) % 2**64, "016x")


def _digest(table: str, columns: list[str]) -> str:
    row = f"ROW('{table}', {', '.join(columns)})::text"
    return f"SELECT coalesce(sum(hashtextextended({row}, 0)::numeric), 0) FROM {table}"  # noqa: S608 - names of the catalog
