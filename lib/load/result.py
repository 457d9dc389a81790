"""The outcome of a load: its result for the notebook and the run page, and fingerprint and origin of the database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pandas as pd
import sqlalchemy as sa

from lib.catalog import tables
from lib.data.origin import SYNTHETIC, Origin
from lib.db.connection import sql

__all__ = ["Load", "Stopwatch", "fingerprint", "loaded_origin", "record_origin", "row_counts"]


@dataclass(frozen=True)
class Load:
    """Outcome of a load.

    Attributes:
        tables: One row per table and mart: table, kind, rows and, after an append, inserted, updated, unchanged.
        checks: One row per check: check, severity, meaning, failed, sample.
        history: One row per run, the latest last: run_id, checked_at, broken_errors, broken_warnings, rejected_lines.
        rejected: Rows of your files that were not loaded.
        seconds: Duration of the load.
        parts: Seconds of each part of the work: copy, keys, marts, checks, ...; some run at the same time.
    """

    tables: pd.DataFrame
    checks: pd.DataFrame
    history: pd.DataFrame
    rejected: int
    seconds: float
    parts: dict[str, float]

    @property
    def rows(self) -> int:
        """Number of rows copied, without the marts."""
        return int(self.tables.loc[self.tables["kind"] == "table", "rows"].sum())

    def facts(self) -> dict[str, Any]:
        """Rows per table, checks, history and durations as JSON types, for the run page."""
        loaded = self.tables[self.tables["kind"] == "table"]
        return {
            "rows": self.rows,
            "seconds": self.seconds,
            "parts": self.parts,
            "tables": [{"table": row.table, "read": row.rows, "loaded": row.rows} for row in loaded.itertuples()],
            "checks": self.checks.to_dict("records"),
            "history": self.history.to_dict("records"),
        }


@dataclass
class Stopwatch:
    """Seconds of each part of some work, and in total."""

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


def row_counts(rows: dict[str, int]) -> pd.DataFrame:
    """One row per table, in the order of the catalog: table, kind (table or mart), rows."""
    ordered = [name for name in tables() if name in rows]
    kinds = ["mart" if tables()[name].mart else "table" for name in ordered]
    return pd.DataFrame({"table": ordered, "kind": kinds, "rows": [rows[name] for name in ordered]})


def fingerprint(connection: sa.Connection, *, predictions: bool = False) -> str:
    """Digest of all rows of tables and marts, independent of their order; 16 hexadecimal digits.

    Without the bookkeeping columns and the predictions, so that loading the same shop gives the same fingerprint;
    or of the predictions only.

    Example:
        >>> with db.transaction("loader", read_only=True) as connection:
        ...     len(load.fingerprint(connection))
        16
    """
    total = 0
    for table in tables().values():
        names = table.loaded_names
        if predictions:
            predicted = [column.name for column in table.columns if column.predicted]
            names = [table.key, *predicted] if predicted else []
        if names:
            row = f"ROW('{table.name}', {', '.join(names)})::text"
            digest = f"SELECT coalesce(sum(hashtextextended({row}, 0)::numeric), 0) FROM {table.name}"  # noqa: S608 - names of the catalog
            total += int(connection.execute(sa.text(digest)).scalar_one())
    return format(total % 2**64, "016x")


def loaded_origin(connection: sa.Connection) -> Origin:
    """Where the shop in the database comes from; synthetic, of no known currency, if none is recorded."""
    row = connection.execute(sa.text(sql("load/origin"))).first()
    return Origin(*row) if row else replace(SYNTHETIC, currency="")


def record_origin(connection: sa.Connection, origin: Origin, sales_basis: str, run_id: str) -> None:
    """Record where the shop in the database comes from, and which of its orders are sales."""
    values = asdict(origin) | {"sales_basis": sales_basis, "run_id": run_id}
    connection.execute(sa.text(sql("load/record_origin")), values)
