"""The rules that rows must keep: how many break each, what is refused for it, and how it went before."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain

import pandas as pd
import sqlalchemy as sa

from lib.db.connection import SQL_FOLDER, frame, run, sql, transaction
from lib.errors import DataError
from lib.load.marts import MARTS, WORK_MEMORY, gather_visits

__all__ = ["checks", "history", "names", "record", "refuse_errors", "run_checks", "sorted_results"]

COLUMNS = ["check", "severity", "meaning", "failed", "sample"]
REJECTED = "rejected_lines"  # the name under which refused lines of own files are kept beside the checks


def checks(connection: sa.Connection, as_of: date | str) -> pd.DataFrame:
    """Every check of lib/sql/checks over the present schema: check, severity, meaning, failed (rows that break it).

    `sample` shows up to three of these rows, without personal data. `as_of` is the first day that no report holds.
    """
    gather_visits(connection)
    return sorted_results([run_checks(connection, as_of, chain(*names()))])


def names() -> tuple[list[str], list[str]]:
    """The checks that ask for visits or marts, and the others."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted((SQL_FOLDER / "checks").glob("*.sql"))}
    derived = re.compile(rf"\b(visits|{'|'.join(MARTS)})\b")
    late = [name for name, text in texts.items() if derived.search(text.partition("\n")[2])]
    return late, [name for name in texts if name not in late]


def run_checks(connection: sa.Connection, as_of: date | str, wanted: Iterable[str]) -> pd.DataFrame:
    """The named checks, as `checks` gives them; those that ask for visits need them gathered."""
    run(connection, f"SET LOCAL work_mem = '{WORK_MEMORY}'")
    return pd.DataFrame([_check(connection, name, as_of) for name in wanted], columns=COLUMNS)


def sorted_results(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The results of all parts, by name."""
    return pd.concat(parts).sort_values("check", ignore_index=True)


def _check(connection: sa.Connection, name: str, as_of: date | str) -> dict:
    text = sql(f"checks/{name}")
    severity, meaning = re.match(r"-- (error|warning): (.+)", text).groups()
    bound = {"as_of": as_of} if ":as_of" in text else {}
    broken = sa.text(f"SELECT count(*) FROM ({text}) AS broken")  # noqa: S608 - our file
    failed = connection.execute(broken, bound).scalar()
    sample = None
    if failed:
        rows = sa.text(f"SELECT broken::text FROM ({text}) AS broken LIMIT 3")  # noqa: S608 - our file
        sample = " ".join(connection.execute(rows, bound).scalars())
    return {"check": name, "severity": severity, "meaning": meaning, "failed": failed, "sample": sample}


def refuse_errors(results: pd.DataFrame) -> None:
    """Raise DataError, naming the checks, when a rule of severity error is broken."""
    broken = results[(results["severity"] == "error") & (results["failed"] > 0)]
    if len(broken):
        found = "; ".join(f"{row.failed} rows break {row.check} ({row.meaning})" for row in broken.itertuples())
        raise DataError(
            f"the rows break the workbook's rules: {found} The old data stay; mend the source and run again."
        )


def record(results: pd.DataFrame, rejected: int, run_id: str) -> pd.DataFrame:
    """Keep the results, and the number of refused lines, whatever becomes of the load; the history with them."""
    rows = [
        {"run_id": run_id, "name": row.check, "severity": row.severity, "failed": row.failed, "sample": row.sample}
        for row in results.itertuples()
    ]
    rows.append({"run_id": run_id, "name": REJECTED, "severity": "warning", "failed": rejected, "sample": None})
    with transaction("loader") as connection:
        connection.execute(sa.text(sql("load/record_quality")), rows)
        return history(connection)


def history(connection: sa.Connection) -> pd.DataFrame:
    """The last runs, the latest last: run_id, checked_at, broken_errors, broken_warnings, rejected_lines."""
    return frame(connection, sql("load/quality_history"))
