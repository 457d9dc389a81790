"""Data-quality checks: one .sql file per rule, run over the current schema, recorded, and refused if errors fail."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from lib.db.connection import SQL_FOLDER, frame, sql, transaction
from lib.errors import DataError
from lib.load.marts import MARTS, create_sessions, plan_for_whole_tables

__all__ = [
    "Check", "all_checks", "by_source", "history", "read_check", "record", "refuse_errors", "run_all", "run_checks",
    "sorted_results",
]  # fmt: skip

COLUMNS = ["check", "severity", "meaning", "failed", "sample"]
REJECTED = "rejected_lines"  # name under which the number of rejected rows is recorded with the checks
DERIVED = ("sessions", *MARTS)
HEADER = re.compile(r"-- (error|warning): (.+)\n(?:-- needs: (.+)\n)?")


@dataclass(frozen=True)
class Check:
    """One rule: its query returns the rows that break it. needs: temporary table and marts that the query reads."""

    name: str
    severity: str
    meaning: str
    needs: tuple[str, ...]
    query: str


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check of lib/sql/checks, by name."""
    return tuple(read_check(path) for path in sorted((SQL_FOLDER / "checks").glob("*.sql")))


def read_check(path: Path) -> Check:
    """The check of a file: first line `-- error: Meaning.` or `-- warning: Meaning.`, then `-- needs: a, b` or nothing.

    Raises:
        ValueError: The header is malformed, or needs anything else than `sessions` and the marts.
    """
    text = path.read_text(encoding="utf-8")
    header = HEADER.match(text)
    needs = tuple(name.strip() for name in (header[3] or "").split(",") if name.strip()) if header else ()
    if not header or not set(needs) <= set(DERIVED):
        raise ValueError(
            f"{path}: malformed header; expected `-- error: Meaning.` or `-- warning: Meaning.`, then at most one line "
            f"`-- needs: ` with names of {', '.join(DERIVED)}"
        )
    return Check(path.stem, header[1], header[2], needs, text)


def by_source() -> tuple[list[Check], list[Check]]:
    """The checks that read only tables, and those that need `sessions` or marts."""
    of_tables = [check for check in all_checks() if not check.needs]
    return of_tables, [check for check in all_checks() if check.needs]


def run_all(connection: sa.Connection, as_of: date | str) -> pd.DataFrame:
    """Run every check over the current schema.

    Args:
        connection: A connection in a transaction.
        as_of: First day that is not in the reports.

    Returns:
        One row per check: check, severity, meaning, failed (number of rows that break the rule), sample (up to three of
        these rows, without personal data).
    """
    create_sessions(connection)
    return sorted_results([run_checks(connection, as_of, all_checks())])


def run_checks(connection: sa.Connection, as_of: date | str, due: Iterable[Check]) -> pd.DataFrame:
    """Run some checks; columns as in `run_all`. Checks that need `sessions` need it gathered."""
    plan_for_whole_tables(connection)
    return pd.DataFrame([_result(connection, check, as_of) for check in due], columns=COLUMNS)


def sorted_results(results: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Several results together, sorted by check."""
    return pd.concat(results).sort_values("check", ignore_index=True)


def _result(connection: sa.Connection, check: Check, as_of: date | str) -> dict[str, object]:
    bound = {"as_of": as_of} if ":as_of" in check.query else {}
    count = sa.text(f"SELECT count(*) FROM ({check.query}) AS broken")  # noqa: S608 - our file
    failed = connection.execute(count, bound).scalar()
    sample = None
    if failed:
        rows = sa.text(f"SELECT broken::text FROM ({check.query}) AS broken LIMIT 3")  # noqa: S608 - our file
        sample = " ".join(connection.execute(rows, bound).scalars())
    return dict(zip(COLUMNS, [check.name, check.severity, check.meaning, failed, sample], strict=True))


def refuse_errors(results: pd.DataFrame) -> None:
    """Raise DataError, naming the checks, if a check of severity error failed."""
    broken = results[(results["severity"] == "error") & (results["failed"] > 0)]
    if len(broken):
        failures = zip(broken["failed"], broken["check"], broken["meaning"].str.rstrip("."), strict=True)
        found = "; ".join(f"{failed} rows fail {check} ({meaning})" for failed, check, meaning in failures)
        raise DataError(
            f"data checks failed: {found}. The previously loaded data is unchanged. Correct the source and run again."
        )


def record(results: pd.DataFrame, rejected: int, run_id: str) -> pd.DataFrame:
    """Record the results and the number of rejected rows in a separate transaction; returns the history."""
    rows = [
        {"run_id": run_id, "name": row.check, "severity": row.severity, "failed": row.failed, "sample": row.sample}
        for row in results.itertuples()
    ]
    rows.append({"run_id": run_id, "name": REJECTED, "severity": "warning", "failed": rejected, "sample": None})
    with transaction("loader") as connection:
        connection.execute(sa.text(sql("load/record_quality")), rows)
        return history(connection)


def history(connection: sa.Connection) -> pd.DataFrame:
    """The last runs, latest last: run_id, checked_at, broken_errors, broken_warnings, rejected_lines."""
    return frame(connection, sql("load/quality_history"))
