"""The lines that cannot be used: as faults while a file is read, as rejects with a reason for a person, as a file."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lib.atomic import replacing
from lib.sources.dialect import Dialect
from lib.sources.fields import YEARS
from lib.sources.imported import Imported

__all__ = ["REASONS", "faults_of", "nothing_usable", "rejects_of", "write_rejects"]

REASONS = {
    "wrong_field_count": "the line has another number of fields than the header",
    "missing": "a value is required here",
    "control_character": "the text holds invisible control characters",
    "not_an_integer": "wanted whole units, such as 12",
    "not_a_number": "wanted digits and a decimal point, such as 1234.50, without currency or thousands separator",
    "not_finite": "wanted a number that can be counted with",
    "not_positive": "wanted a price above zero",
    "too_many_decimals": "wanted at most two decimals; rounding would change the value",
    "out_of_range": "the number, or the total of its invoice, is larger than the database holds",
    "not_a_date": "wanted an existing date written as mapping.date_format says: {date_format}",
    "year_out_of_range": f"wanted a year from {YEARS[0]} to {YEARS[1] - 1}",
    "no_such_time": "the clocks of {time_zone} skip this time of day",
    "unknown_country": "no English country name; give its code, or an empty one, under mapping.countries",
}
COLUMNS = {"file": "str", "line": "int64", "column": "str", "rule": "str", "value": "str", "reason": "str"}
EXCERPT = 200  # characters of a refused value that are kept
FORMULA = r"\A([=+\-@\t\r])"


def faults_of(lines: Any, fields: Any, rules: Any, values: Any) -> pd.DataFrame:
    """A frame of field (empty for the whole line), rule and value as text, indexed by line number."""
    return pd.DataFrame({"field": fields, "rule": rules, "value": values}, pd.Index(lines, dtype="int64"), dtype="str")


def rejects_of(faults: pd.DataFrame, path: Path, dialect: Dialect, reasons: Mapping[str, str]) -> pd.DataFrame:
    """The first fault of each line as a person meets it: the file's own column name, and the reason in words."""
    faults = faults[~faults.index.duplicated()].sort_index()
    words = {rule: reason.format_map(vars(dialect)) for rule, reason in reasons.items()}
    found = {
        "file": path.name,
        "line": faults.index,
        "column": faults["field"].map({"": "", **dialect.columns}),
        "rule": faults["rule"],
        "value": faults["value"].str.slice(0, EXCERPT),
        "reason": faults["rule"].map(words),
    }
    return pd.DataFrame(found).reset_index(drop=True).astype(COLUMNS)


def nothing_usable(path: Path, rejects: pd.DataFrame) -> str:
    """Why a file gave no line at all, with an example of each of the most frequent reasons."""
    if rejects.empty:
        return f"{path} holds a header and no line after it; a shop without lines cannot be reported"
    frequent = rejects["rule"].value_counts().index[:3]
    examples = rejects[rejects["rule"].isin(frequent)].drop_duplicates("rule").itertuples()
    told = "; ".join(f"line {row.line}, {row.column or 'the line'}: {row.reason}" for row in examples)
    return f"{path}: none of its {len(rejects)} lines can be used. {told}"


def write_rejects(imported: Imported, folder: Path) -> Path:
    """Write the refused lines to `folder`/<source>.csv, header only when there are none; its path.

    A text cell that a spreadsheet would run as a formula (= + - @ tab, carriage return) gets a leading apostrophe.
    """
    path = folder / f"{imported.source.removesuffix('.gz').removesuffix('.csv')}.csv"
    texts = [name for name, dtype in COLUMNS.items() if dtype == "str"]
    safe = {name: imported.rejects[name].str.replace(FORMULA, r"'\1", regex=True) for name in texts}
    with replacing(path) as temporary:
        imported.rejects.assign(**safe).to_csv(temporary, index=False, quoting=csv.QUOTE_NONNUMERIC)
    return path
