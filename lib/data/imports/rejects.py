"""Rejected rows: as a file for the database, as CSV for people, as examples, and as the refusal of an import."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lib.data.imports.format import Policy
from lib.data.imports.store import Store
from lib.util.files import escape_formula, replacing_folder

__all__ = ["REJECTS", "SCHEMA", "Rejects", "refusal", "save_rejects", "write_rejects"]

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
CORRECT = "Correct them (the folder rejects lists all, with the reasons)"
UNCHANGED = "The previously loaded data is unchanged."
HIDDEN = "…"  # stands for personal values


def save_rejects(store: Store, sources: Iterable[str], folder: Path) -> None:
    """Write REJECTS: one row per rejected row of all files, ordered by file and line."""
    store.run("rejects")
    for source in sources:
        store.run("collect", source=source)
    with pq.ParquetWriter(folder / REJECTS, SCHEMA, compression="none") as writer:
        for batch in store.batches("all_rejects"):
            writer.write_table(pa.table(batch).cast(SCHEMA))


def write_rejects(data: Path, folder: Path) -> None:
    """Write `folder`/<file>.csv for each file with rejected rows in `data`, replacing the content of `folder`.

    A cell that a spreadsheet would run as a formula (= + - @ tab, carriage return) gets a leading apostrophe.
    """
    with replacing_folder(folder) as temporary:
        for name, rows in groupby(_rows(data / REJECTS), key=lambda row: row[0]):
            path = temporary / f"{name.removesuffix('.gz').removesuffix('.csv')}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
                writer.writerow(SCHEMA.names)
                writer.writerows([escape_formula(cell) for cell in row] for row in rows)


def _rows(rejects: Path) -> Iterable[tuple[Any, ...]]:
    with pq.ParquetFile(rejects) as file:
        for batch in file.iter_batches(BATCH_ROWS):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


@dataclass(frozen=True)
class Rejects:
    """The rejected rows of a store, for display: values of `personal` columns, given as (file, column), are hidden."""

    store: Store
    personal: set[tuple[str, str]]

    def by_rule(self) -> pd.DataFrame:
        """One row per file and rule: file, rule, lines, rejected_with_parent, and the first of them as a sentence."""
        rows = [row | {"example": _sentence(row)} for row in self._shown("rejects_by_rule")]
        return pd.DataFrame(rows, columns=["file", "rule", "lines", "rejected_with_parent", "example"])

    def examples(self) -> pd.DataFrame:
        """Some rejected rows: file, line, column, value, reason, rejected_with_parent; the latter come last."""
        rows = self._shown("examples", {"most": EXAMPLES})
        return pd.DataFrame(rows, columns=["file", "line", "column", "value", "reason", "rejected_with_parent"])

    def _shown(self, name: str, bound: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        rows = self.store.rows(name, bound)
        return [row | {"value": self._visible(row)} for row in rows]

    def _visible(self, row: Mapping[str, Any]) -> str:
        """The value with invisible characters and text-direction marks as escape codes."""
        if (row["file"], row["column"]) in self.personal:
            return HIDDEN
        signs = row["value"] or ""
        return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in signs)


def _sentence(row: Mapping[Any, Any]) -> str:
    """A rejected row as a sentence: `line 17, column total_amount, '9,99': expected …`."""
    column = f", column {row['column']}" if row["column"] else ""
    value = f", '{row['value']}'" if row["value"] else ""
    return f"line {row['line']}{column}{value}: {row['reason']}"


def refusal(lines: pd.DataFrame, rejects: Rejects, policy: Policy) -> str:
    """Why the import is refused, with examples; empty if it is accepted."""
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
        return _with_examples(rejects, EXAMPLES, rejected, f"{share}. {CORRECT}, or raise it. {UNCHANGED}")
    return ""


def _with_examples(rejects: Rejects, most: int, rejected: int, text: str) -> str:
    """The text, followed by some rows that break a rule themselves, and the numbers of the others."""
    examples = rejects.examples().query("not rejected_with_parent").head(most).to_dict("records")
    broken = int(rejects.by_rule().query("not rejected_with_parent")["lines"].sum())
    sentences = [text, *(f"{row['file']}, {_sentence(row)}" for row in examples)]
    if broken > len(examples):
        sentences.append(f"{broken - len(examples):,} more rows break a rule")
    if rejected > broken:
        sentences.append(f"{rejected - broken:,} rows are rejected with their parent")
    return "\n".join(sentences)
