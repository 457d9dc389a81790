"""The dictionary of the data as a page: every table and column with its type, its meaning and its rules."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lib.catalog import Column, bookkeeping, tables
from lib.report.pages import assets
from lib.report.pages.page import render, write

__all__ = ["PAGE", "write_dictionary"]

PAGE = "dictionary.html"
TYPES = {
    "uuid": "UUID",
    "text": "text",
    "char2": "text of two letters",
    "money": "amount with two decimals",
    "total": "sum of amounts",
    "ratio": "share",
    "integer": "whole number",
    "boolean": "yes or no",
    "date": "day",
    "timestamptz": "instant",
}


def write_dictionary(page: Path, reports: Sequence[Mapping]) -> None:
    """Writes the page from the catalog, with links to `reports` ({"page": file name}) in its head."""
    values = {
        "resources": assets.frame("The data dictionary", page, reports),
        "tables": list(tables().values()),
        "bookkeeping": bookkeeping(),
        "types": TYPES,
        "rules": _rules,
    }
    write(page, render("dictionary.html.j2", values))


def _rules(column: Column, key: str) -> list[str]:
    """What the database and the reader of own files demand of the values, in words."""
    said = {
        "key": column.name == key,
        "may be empty": column.optional,
        f"one of {column.references}": column.references,
        f"above {column.above}": column.above is not None,
        f"at least {column.least}": column.least is not None,
        f"at most {column.most}": column.most is not None,
        f"at most {column.most_characters} characters": column.most_characters,
        f"one of {', '.join(column.one_of)}": column.one_of,
        f"form of an {column.form}": column.form,
        "different in each row": column.unique,
        f"not before {column.not_before}": column.not_before,
        "personal": column.personal,
    }
    return [words for words, holds in said.items() if holds]
