"""Rejected rows: as a file for the database, as CSV files for people, as examples, and as a reason to stop the run."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lib.data.imports.staging import StagingDatabase
from lib.data.parquet import REJECTS
from lib.util.files import escape_formula, replacing_folder

__all__ = ["Policy", "refusal", "rejected_examples", "rejects_by_rule", "save_rejects", "write_rejects"]

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
        currency: ISO 4217 code, or `auto` for the one currency of the files.
        max_reject_share: Share of the rows that may be rejected before the import fails.
        on_bad_rows: `fail` at the first bad row, or `reject` it.

    Example:
        >>> acquire.Policy("GBP", max_reject_share=0.05, on_bad_rows="reject")
        Policy(currency='GBP', max_reject_share=0.05, on_bad_rows='reject')
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
    with replacing_folder(folder) as temporary, pq.ParquetFile(data / REJECTS) as rejects:
        batches = (zip(*batch.to_pydict().values(), strict=True) for batch in rejects.iter_batches(BATCH_ROWS))
        for name, rows in groupby(chain.from_iterable(batches), key=lambda row: str(row[0])):
            path = temporary / f"{name.removesuffix('.gz').removesuffix('.csv')}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
                writer.writerow(SCHEMA.names)
                writer.writerows([escape_formula(cell) for cell in row] for row in rows)


def rejects_by_rule(database: StagingDatabase, personal: set[tuple[str, str]]) -> pd.DataFrame:
    """Per file and rule: file, rule, lines, rejected_with_parent, example (the first of them in words).

    Values of the columns in `personal` (file, column) are hidden.
    """
    rows = [row | {"example": _described(row)} for row in _shown(database.rows("rejects_by_rule"), personal)]
    return pd.DataFrame(rows, columns=["file", "rule", "lines", "rejected_with_parent", "example"])


def rejected_examples(database: StagingDatabase, personal: set[tuple[str, str]]) -> pd.DataFrame:
    """A few rejected rows, those rejected with their parent last: file, line, column, value, reason and that."""
    rows = _shown(database.rows("examples", {"most": EXAMPLES}), personal)
    return pd.DataFrame(rows, columns=["file", "line", "column", "value", "reason", "rejected_with_parent"])


def _shown(rows: list[dict[str, Any]], personal: set[tuple[str, str]]) -> list[dict[str, Any]]:
    """The rows with personal values hidden, and invisible characters or those that change direction escaped."""
    for row in rows:
        characters = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in row["value"] or "")
        row["value"] = HIDDEN if (row["file"], row["column"]) in personal else "".join(characters)
    return rows


def _described(row: Mapping[Any, Any]) -> str:
    """A rejected row in words: `line 17, column total_amount, '9,99': expected …`."""
    column = f", column {row['column']}" if row["column"] else ""
    value = f", '{row['value']}'" if row["value"] else ""
    return f"line {row['line']}{column}{value}: {row['reason']}"


def refusal(lines: pd.DataFrame, rejects: pd.DataFrame, examples: pd.DataFrame, policy: Policy) -> str:
    """Why the data must not be loaded, with examples; empty if it may be loaded.

    `lines` has a row per file with the counts read, loaded and rejected; the others are those of the functions above.
    """
    read, rejected = int(lines["read"].sum()), int(lines["rejected"].sum())
    most = EXAMPLES
    if not read:
        return f"the files have no row below the header; expected at least one. {UNCHANGED}"
    if rejected and policy.on_bad_rows == "fail":
        most = 1
        text = f"{rejected:,} rows are invalid, and on_bad_rows is fail. {CORRECT}, or set on_bad_rows to reject."
    elif not lines["loaded"].sum():
        text = f"all {read:,} rows are invalid. {CORRECT}."
    elif rejected > policy.max_reject_share * read:
        share = f"{rejected:,} of {read:,} rows are invalid, but max_reject_share is {policy.max_reject_share:g}"
        text = f"{share}. {CORRECT}, or increase max_reject_share."
    else:
        return ""
    shown = examples[~examples["rejected_with_parent"].astype(bool)].head(most).to_dict("records")
    broken = int(rejects.loc[~rejects["rejected_with_parent"].astype(bool), "lines"].sum())
    more, with_parent = broken - len(shown), rejected - broken
    paragraphs = [f"{text} {UNCHANGED}", *(f"{row['file']}, {_described(row)}" for row in shown)]
    if more:
        paragraphs.append("1 more row breaks a rule" if more == 1 else f"{more:,} more rows break a rule")
    if with_parent == 1:
        paragraphs.append("1 row is rejected with its parent")
    elif with_parent:
        paragraphs.append(f"{with_parent:,} rows are rejected with their parent")
    return "\n".join(paragraphs)
