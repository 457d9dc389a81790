"""Rejected rows: as a file for the database, as CSV files for people, as examples, and as a reason to stop the run."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lib.data.imports.database import StagingDatabase
from lib.data.imports.sources import without_ending
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
KINDS = 20  # that an error lists
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


def save_rejects(database: StagingDatabase, amounts: Mapping[str, str], folder: Path) -> None:
    """Write REJECTS: one row per rejected row of all files, in the order of the files and their lines.

    `amounts` has SQL of the amount of a row by file of the format.
    """
    database.run("rejects")
    for source, amount in amounts.items():
        database.run("collect", source=source, amount=amount)
    with pq.ParquetWriter(folder / REJECTS, SCHEMA, compression="none") as writer:
        for batch in database.batches("all_rejects"):
            writer.write_table(pa.table(batch).cast(SCHEMA))


def write_rejects(data: Path, folder: Path) -> None:
    """Write `folder`/<name>.csv for each file <name>.* with rejected rows in `data`, replacing the content of `folder`.

    A text cell that a spreadsheet would run as a formula (= + - @ tab, carriage return) gets a leading apostrophe.
    """
    with replacing_folder(folder) as temporary, pq.ParquetFile(data / REJECTS) as rejects:
        batches = (zip(*batch.to_pydict().values(), strict=True) for batch in rejects.iter_batches(BATCH_ROWS))
        for name, rows in groupby(chain.from_iterable(batches), key=lambda row: str(row[0])):
            path = temporary / f"{without_ending(name)}.csv"
            if path.exists():  # of shop.csv, when this is shop.xlsx
                path = temporary / f"{name} rejected.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
                writer.writerow(SCHEMA.names)
                writer.writerows([escape_formula(cell) for cell in row] for row in rows)


def rejects_by_rule(database: StagingDatabase, personal: set[tuple[str, str]]) -> pd.DataFrame:
    """Per file and rule: file, rule, lines, first_lines, amount, rejected_with_parent, example (the first in words).

    Values of the columns in `personal` (file, column) are hidden.
    """
    rows = [row | {"example": _described(row)} for row in _shown(database.rows("rejects_by_rule"), personal)]
    return pd.DataFrame(
        rows, columns=["file", "rule", "lines", "first_lines", "amount", "rejected_with_parent", "example"]
    )


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


def refusal(lines: pd.DataFrame, rejects: pd.DataFrame, policy: Policy) -> str:
    """Why the data must not be loaded, with the kinds of rejected rows, the most frequent first; empty if it may be.

    `lines` has a row per file with the counts read, loaded and rejected; `rejects` is that of rejects_by_rule.
    """
    read, rejected = int(lines["read"].sum()), int(lines["rejected"].sum())
    rows = f"{rejected:,} row is" if rejected == 1 else f"{rejected:,} rows are"
    if not read:
        return f"the files have no row below the header; expected at least one. {UNCHANGED}"
    if rejected and policy.on_bad_rows == "fail":
        text = f'{rows} invalid, and on_bad_rows is fail. {CORRECT}, or set SET="on_bad_rows=reject".'
    elif not lines["loaded"].sum():
        text = f"all {read:,} rows are invalid. {CORRECT}."
    elif rejected > policy.max_reject_share * read:
        enough = math.ceil(100 * rejected / read) / 100
        share = f"{rejected:,} of {read:,} rows are invalid, but max_reject_share is {policy.max_reject_share:g}"
        text = f'{share}. {CORRECT}, or load the others with SET="max_reject_share={enough:g}".'
    else:
        return ""
    kinds = rejects[~rejects["rejected_with_parent"].astype(bool)].sort_values("lines", ascending=False, kind="stable")
    paragraphs = [f"{text} {UNCHANGED}", *(_kind(row) for row in kinds.head(KINDS).to_dict("records"))]
    if len(kinds) > KINDS:
        paragraphs.append(f"{len(kinds) - KINDS} more kinds of rejected rows are on the run page")
    if with_parent := rejected - int(kinds["lines"].sum()):
        paragraphs.append(f"{with_parent:,} {'row is' if with_parent == 1 else 'rows are'} rejected with the parent")
    return "\n".join(paragraphs)


def _kind(row: Mapping[Any, Any]) -> str:
    """The rows of a file that break a rule, in words: how many, their amount, the first of them."""
    if row["lines"] == 1:
        return f"{row['file']}, {row['example']}"
    amount = f" that sell for {row['amount']:,.2f}" if row["amount"] else ""
    return f"{row['lines']:,} rows{amount} (lines {row['first_lines']}), such as {row['file']}, {row['example']}"
