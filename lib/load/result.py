"""What a load did, for the notebook and the run page."""

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
    """Rows per table and mart, the checks and how many rows break each, the seconds of each part of the work.

    `tables` has table, kind, rows and, after an append, inserted, updated and unchanged. `rejected` counts the lines of
    own files that were not loaded. `history` has run_id, checked_at, broken_rules and rejected of the last runs.
    """

    tables: pd.DataFrame
    checks: pd.DataFrame
    history: pd.DataFrame
    rejected: int
    seconds: float
    parts: dict[str, float]

    @property
    def rows(self) -> int:
        """Rows copied from files, marts not counted."""
        return int(self.tables.loc[self.tables["kind"] == "table", "rows"].sum())

    def facts(self) -> dict[str, Any]:
        """Rows in and there per table, checks, history and seconds, for the run page."""
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
    """Seconds of the parts of some work, and of all of it so far."""

    parts: dict[str, float] = field(default_factory=dict)
    _started: float = field(default_factory=time.perf_counter)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """The seconds of the block count for the part `name`."""
        started = time.perf_counter()
        yield
        self.parts[name] = self.parts.get(name, 0) + time.perf_counter() - started

    @property
    def seconds(self) -> float:
        """Seconds since the stopwatch was made."""
        return time.perf_counter() - self._started


def counts(rows: dict[str, int]) -> pd.DataFrame:
    """table, kind, rows, in the order of the catalog."""
    ordered = [name for name in tables() if name in rows]
    kinds = ["mart" if tables()[name].mart else "table" for name in ordered]
    return pd.DataFrame({"table": ordered, "kind": kinds, "rows": [rows[name] for name in ordered]})


def fingerprint(connection: sa.Connection) -> str:
    """Digest of all rows of the eight tables without bookkeeping and predictions; the order of rows does not matter."""
    parts = [
        connection.execute(sa.text(_digest(table.name, table.loaded_names))).scalar() for table in tables().values()
    ]
    return format(sum(int(part) for part in parts) % 2**64, "016x")


def _digest(table: str, columns: list[str]) -> str:
    row = f"ROW('{table}', {', '.join(columns)})::text"
    return f"SELECT coalesce(sum(hashtextextended({row}, 0)::numeric), 0) FROM {table}"  # noqa: S608 - names of the catalog
