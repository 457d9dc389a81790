"""The lines that cannot be used: as a file for the database, as CSV for people, as examples, as the end of a run."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lib.data.imports.formats import Policy
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
MEND = "mend them (the folder rejects lists all, with the reasons)"
STAY = "The data of before stay."
HIDDEN = "…"


def save_rejects(store: Store, sources: Iterable[str], folder: Path) -> None:
    """Write REJECTS: one row per refused line of all files, in the order of the files and their lines."""
    store.run("rejects")
    for source in sources:
        store.run("collect", source=source)
    with pq.ParquetWriter(folder / REJECTS, SCHEMA, compression="none") as writer:
        for batch in store.batches("all_rejects"):
            writer.write_table(pa.table(batch).cast(SCHEMA))


def write_rejects(data: Path, folder: Path) -> None:
    """Write `folder`/<file>.csv for each source file that has refused lines in `data`, in place of all that is there.

    A text cell that a spreadsheet would run as a formula (= + - @ tab, carriage return) gets a leading apostrophe.
    """
    with replacing_folder(folder) as temporary:
        for name, rows in groupby(_rows(data / REJECTS), key=lambda row: row[0]):
            path = temporary / f"{name.removesuffix('.gz').removesuffix('.csv')}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
                writer.writerow(SCHEMA.names)
                writer.writerows([escape_formula(cell) for cell in row] for row in rows)


def _rows(rejects: Path) -> Iterable[tuple]:
    with pq.ParquetFile(rejects) as file:
        for batch in file.iter_batches(BATCH_ROWS):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


@dataclass(frozen=True)
class Rejects:
    """The refused lines of a store, as they may be shown: values of `personal` (file, column) are only in the files."""

    store: Store
    personal: set[tuple[str, str]]

    def by_rule(self) -> pd.DataFrame:
        """File, rule, lines, whether these fell with other lines, and the first of them in words."""
        rows = [row | {"example": _told(row)} for row in self._shown("rejects_by_rule")]
        return pd.DataFrame(rows, columns=["file", "rule", "lines", "fallen", "example"])

    def examples(self) -> pd.DataFrame:
        """File, line, column, value, reason of a few, and whether they fell with other lines, which come last."""
        rows = self._shown("examples", {"most": EXAMPLES})
        return pd.DataFrame(rows, columns=["file", "line", "column", "value", "reason", "fallen"])

    def _shown(self, name: str, bound: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        rows = self.store.rows(name, bound)
        return [row | {"value": self._visible(row)} for row in rows]

    def _visible(self, row: Mapping[str, Any]) -> str:
        """The value with what cannot be seen, or turns the text around, written as its code."""
        if (row["file"], row["column"]) in self.personal:
            return HIDDEN
        signs = row["value"] or ""
        return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in signs)


def _told(row: Mapping[str, Any]) -> str:
    """A refused line in words: `line 17, column total_amount, '9,99': wanted …`."""
    column = f", column {row['column']}" if row["column"] else ""
    value = f", '{row['value']}'" if row["value"] else ""
    return f"line {row['line']}{column}{value}: {row['reason']}"


def refusal(lines: pd.DataFrame, rejects: Rejects, policy: Policy) -> str:
    """Why nothing may be loaded, with examples; empty when the lines may be."""
    read, refused = int(lines["read"].sum()), int(lines["refused"].sum())
    if not read:
        return f"the files hold no line after the header; a shop without lines cannot be reported. {STAY}"
    if refused and policy.on_bad_rows == "fail":
        advice = f"on_bad_rows is fail: {MEND}, or set it to reject to do without them. {STAY}"
        return _with_examples(rejects, 1, refused, advice)
    if not lines["loaded"].sum():
        return _with_examples(rejects, EXAMPLES, refused, f"none of the {read:,} lines can be used: {MEND}. {STAY}")
    if refused > policy.max_reject_share * read:
        share = f"{refused:,} of {read:,} lines cannot be used, and max_reject_share is {policy.max_reject_share:g}"
        return _with_examples(rejects, EXAMPLES, refused, f"{share}: {MEND}, or raise it to do without them. {STAY}")
    return ""


def _with_examples(rejects: Rejects, most: int, refused: int, text: str) -> str:
    """The text, and below it lines that fell for themselves, and how many more there are."""
    examples = rejects.examples().query("not fallen").head(most).to_dict("records")
    broken = int(rejects.by_rule().query("not fallen")["lines"].sum())
    more = [f"{broken - len(examples):,} more lines break a rule"] if broken > len(examples) else []
    fallen = [f"{refused - broken:,} lines fall with them"] if refused > broken else []
    return "\n".join([text, *(f"{row['file']}, {_told(row)}" for row in examples), *more, *fallen])
