"""What a format of own files is, what is to become of bad lines, and what an import gives."""

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
    """The shop's currency, and what is to become of lines that break a rule."""

    currency: str = "USD"
    max_reject_share: float = 0.01
    on_bad_rows: str = "fail"


@dataclass(frozen=True)
class Format:
    """A layout of files: the columns of each by the name of its lines, and how lines are compared and become tables.

    `compare` strikes lines that other lines, or the shop's currency, rule out. lib/sql/imports/`folder` has a query
    per table of `tables`, and notes.sql. Several files are looked for in a folder, where those in `optional` may lack.
    """

    folder: str
    columns: dict[str, tuple[Column, ...]]
    tables: tuple[str, ...]
    compare: Callable[[Store, Dialect, str], None]
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imported:
    """What was written, and what became of the lines; `refusal` says why nothing may be loaded, if so.

    `written` has table, rows, files; `lines` has file, read, loaded, refused, repeated, where read is the sum of the
    others; `rejects` has file, rule, lines, fallen (with other lines), and an example in words; `examples` has file,
    line, column, value, reason, fallen; `notes` has file, column, note, cases, for all that was set right, derived,
    or stays empty.
    """

    written: pd.DataFrame
    profile: Profile
    lines: pd.DataFrame
    rejects: pd.DataFrame
    examples: pd.DataFrame
    notes: pd.DataFrame
    refusal: str = ""
