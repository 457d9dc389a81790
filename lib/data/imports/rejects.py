"""Rejected rows: as a file for the database, as CSV files for people, as examples, and as a reason to stop the run."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lib.data.imports.database import StagingDatabase
from lib.util.files import escape_formula, replacing_folder

__all__ = ["REJECTS", "SCHEMA", "Policy", "Rejects", "refusal", "save_rejects", "write_rejects"]

REJECTS = "rejects.parquet"
SCHEMA = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("column", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("value", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("raw_line", pa.string(), nullable=False),
    ]
)
BATCH_ROWS = 10_000
EXAMPLES = 20
HIDDEN = "…"
CORRECT = "Correct them (output/rejects lists all, with the reasons)"
UNCHANGED = "The previously loaded data is unchanged."


@dataclass(frozen=True)
class Policy:
    """Treatment of bad rows, and the shop's currency.

    Attributes:
        max_reject_share: Share of the rows that may be rejected before the import fails.
        on_bad_rows: `fail` at the first bad row, or `reject` it.
    """

    currency: str = "USD"
    max_reject_share: float = 0.01
    on_bad_rows: str = "fail"


def save_rejects(database: StagingDatabase, sources: Iterable[str], folder: Path) -> None:
    """Write REJECTS: one row per rejected row of all files, in the order of the files and their lines."""
    database.run("rejects")
    for source in sources:
        database.run("collect", source=source)
    with pq.ParquetWriter(folder / REJECTS, SCHEMA, compression="none") as writer:
        for batch in database.batches("all_rejects"):
            writer.write_table(pa.table(batch).cast(SCHEMA))


def write_rejects(data: Path, folder: Path) -> None:
    """Write `folder`/<file>.csv for each file with rejected rows in `data`, replacing the content of `folder`.

    A text cell that a spreadsheet would run as a formula (= + - @ tab, carriage return) gets a leading apostrophe.
    """
    with replacing_folder(folder) as temporary:
        for name, rows in groupby(_rows(data / REJECTS), key=lambda row: str(row[0])):
            path = temporary / f"{name.removesuffix('.gz').removesuffix('.csv')}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
                writer.writerow(SCHEMA.names)
                writer.writerows([escape_formula(cell) for cell in row] for row in rows)


def _rows(rejects: Path) -> Iterator[tuple[object, ...]]:
    with pq.ParquetFile(rejects) as file:
        for batch in file.iter_batches(BATCH_ROWS):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


@dataclass(frozen=True)
class Rejects:
    """The rejected rows of a staging database as they may be shown: values of `personal` (file, column) are hidden."""

    database: StagingDatabase
    personal: set[tuple[str, str]]

    def by_rule(self) -> pd.DataFrame:
        """Per file and rule: file, rule, lines, rejected_with_parent, example (the first of them in words)."""
        rows = [row | {"example": _described(row)} for row in self._shown("rejects_by_rule")]
        return pd.DataFrame(rows, columns=["file", "rule", "lines", "rejected_with_parent", "example"])

    def examples(self) -> list[dict[str, Any]]:
        """A few rejected rows, those rejected with their parent last: file, line, column, value, reason and that."""
        return self._shown("examples", {"most": EXAMPLES})

    def _shown(self, name: str, bound: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        rows = self.database.rows(name, bound)
        return [row | {"value": self._visible(row)} for row in rows]

    def _visible(self, row: Mapping[str, Any]) -> str:
        """The value, with invisible characters and those that change the direction of text as escape sequences."""
        if (row["file"], row["column"]) in self.personal:
            return HIDDEN
        characters = row["value"] or ""
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in characters)


def _described(row: Mapping[str, Any]) -> str:
    """A rejected row in words: `line 17, column total_amount, '9,99': expected …`."""
    column = f", column {row['column']}" if row["column"] else ""
    value = f", '{row['value']}'" if row["value"] else ""
    return f"line {row['line']}{column}{value}: {row['reason']}"


def refusal(lines: pd.DataFrame, rejects: Rejects, policy: Policy) -> str:
    """Why the data must not be loaded, with examples; empty if it may be loaded.

    `lines` has a row per file with the counts read, loaded and rejected.
    """
    read, rejected = int(lines["read"].sum()), int(lines["rejected"].sum())
    if not read:
        return f"the files have no row below the header; expected at least one. {UNCHANGED}"
    if rejected and policy.on_bad_rows == "fail":
        advice = f"{rejected:,} rows are invalid, and on_bad_rows is fail. {CORRECT}, or set on_bad_rows to reject."
        return _with_examples(rejects, 1, rejected, f"{advice} {UNCHANGED}")
    if not lines["loaded"].sum():
        return _with_examples(rejects, EXAMPLES, rejected, f"all {read:,} rows are invalid. {CORRECT}. {UNCHANGED}")
    if rejected > policy.max_reject_share * read:
        share = f"{rejected:,} of {read:,} rows are invalid, but max_reject_share is {policy.max_reject_share:g}"
        return _with_examples(
            rejects, EXAMPLES, rejected, f"{share}. {CORRECT}, or increase max_reject_share. {UNCHANGED}"
        )
    return ""


def _with_examples(rejects: Rejects, most: int, rejected: int, text: str) -> str:
    """The text, and below it rows that break a rule themselves, and how many more there are."""
    examples = [row for row in rejects.examples() if not row["rejected_with_parent"]][:most]
    rules = rejects.by_rule()
    broken = int(rules.loc[~rules["rejected_with_parent"].astype(bool), "lines"].sum())
    lines = [text, *(f"{row['file']}, {_described(row)}" for row in examples)]
    if broken > len(examples):
        more = broken - len(examples)
        lines.append("1 more row breaks a rule" if more == 1 else f"{more:,} more rows break a rule")
    if rejected > broken:
        more = rejected - broken
        lines.append(
            "1 row is rejected with its parent" if more == 1 else f"{more:,} rows are rejected with their parent"
        )
    return "\n".join(lines)
