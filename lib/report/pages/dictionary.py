"""Data dictionary page: every table and column with its type, meaning and rules."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lib.catalog import Column, bookkeeping, tables
from lib.report.pages.page import render, resources, write

__all__ = ["DICTIONARY", "write_dictionary"]

DICTIONARY = "dictionary.html"
TYPES = {
    "uuid": "UUID",
    "text": "text",
    "char2": "text of two letters",
    "money": "amount",
    "unit_price": "amount per unit",
    "total": "sum of amounts",
    "ratio": "share",
    "integer": "whole number",
    "boolean": "yes or no",
    "date": "day",
    "timestamptz": "timestamp (UTC)",
}


def write_dictionary(page: Path, reports: Sequence[Mapping[str, Any]]) -> None:
    """Write the data dictionary from the catalog, with `reports` ({"page": file name}) linked in its menu."""
    values = {
        "resources": resources("Data dictionary", page, reports),
        "tables": list(tables().values()),
        "bookkeeping": bookkeeping(),
        "types": TYPES,
        "rules": _rules,
    }
    write(page, render("dictionary.html.j2", values))


def _rules(column: Column, key: str) -> list[str]:
    """Rules for the values that the database and the import of your files enforce."""
    rules = {
        "primary key": column.name == key,
        "optional": column.optional,
        f"refers to {column.references}": column.references,
        f"greater than {column.above}": column.above is not None,
        f"at least {column.least}": column.least is not None,
        f"at most {column.most}": column.most is not None,
        f"at most {column.most_characters} characters": column.most_characters,
        f"one of {', '.join(column.one_of)}": column.one_of,
        f"valid {column.form} address": column.form,
        "not blank": column.not_blank,
        "unique": column.unique,
        f"not before {column.not_before}": column.not_before,
        "personal": column.personal,
    }
    return [rule for rule, applies in rules.items() if applies]
