"""The interface of a source format, the policy for bad rows, and the outcome of an import."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from lib.catalog import Column
from lib.data.imports.dialect import Dialect
from lib.data.imports.store import Store
from lib.data.profile import Profile

__all__ = ["Format", "Imported", "Policy"]


@dataclass(frozen=True)
class Policy:
    """The shop's currency, and what happens to rows that break a rule.

    on_bad_rows: `fail` at the first one, or `reject` them up to max_reject_share of all rows.
    """

    currency: str = "USD"
    max_reject_share: float = 0.01
    on_bad_rows: str = "fail"


@dataclass(frozen=True)
class Format:
    """A source format; README.md of this folder says how to write one.

    name: the file lib/sql/imports/<name>.sql has a statement per table of `tables`, and `notes`.
    columns: the fields of each file, by the name of the file or of its rows.
    tables: the tables that the format fills.
    compare: excludes rows that other rows, or the shop's currency, rule out, and creates the views that the statements
        read. Arguments: store, dialect, currency.
    optional: files that may be absent.
    """

    name: str
    columns: dict[str, tuple[Column, ...]]
    tables: tuple[str, ...]
    compare: Callable[[Store, Dialect, str], None]
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imported:
    """Outcome of an import.

    written: table, rows, files. lines: file, read, loaded, rejected, duplicates (read is the sum of the others).
    rejects: file, rule, lines, rejected_with_parent, example. examples: file, line, column, value, reason,
    rejected_with_parent. notes: file, column, note, cases, for every conversion, decision and empty column.
    refusal: why no row may be loaded; empty if the import is accepted.
    """

    written: pd.DataFrame
    profile: Profile
    lines: pd.DataFrame
    rejects: pd.DataFrame
    examples: pd.DataFrame
    notes: pd.DataFrame
    refusal: str = ""
