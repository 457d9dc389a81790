"""The registry of source formats: every module of this folder is one, named like its module, with a `FORMAT`.

Listing the names imports no format, since every command that checks a params file does it. README.md in the folder
above says how to write a format.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lib.catalog import Column
from lib.errors import UsageError

if TYPE_CHECKING:
    from lib.data.imports.database import StagingDatabase
    from lib.data.imports.mapping import ReadOptions

__all__ = ["NAMES", "Format", "RowKey", "load_format"]

NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


class RowKey(NamedTuple):
    """SQL of the order, the item and the time of a row, by which the files of one export are compared."""

    order: str
    item: str
    time: str


@dataclass(frozen=True)
class Format:
    """A source format.

    Attributes:
        files: Columns of each file by the file's name. The name of a single file is free, those of several are the
            names of the CSV files in a folder.
        compare: Called with the staging database, the read options and the shop's currency; rejects rows by
            comparing them with others, and makes the views that the format's table queries need.
        optional: Files that may be missing.
        companions: Columns of optional files next to the only one, which are recognised by their columns, not by name.
        newer: Fields that earlier exports do not have: their columns may be missing even if the mapping names them.
        either: Groups of fields of which the mapping names at least one; `compare` checks that each row has one.
        measured: A field of whole units that `mapping.units: decimal` lets have decimals.
        row_key: Which rows of several files are the same, if an export may be split into files, by months or parts.
        amounts: By the file's name, SQL of the amount for which a row of the file sells.
    """

    files: dict[str, tuple[Column, ...]]
    compare: Callable[["StagingDatabase", "ReadOptions", str], None]
    optional: tuple[str, ...] = ()
    companions: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)
    newer: tuple[str, ...] = ()
    either: tuple[tuple[str, ...], ...] = ()
    measured: str = ""
    row_key: RowKey | None = None
    amounts: Mapping[str, str] = field(default_factory=dict)


def load_format(name: str) -> Format:
    """The format of this name.

    Raises:
        UsageError: There is none.
    """
    if name not in NAMES:
        raise UsageError(f"mapping.format is {name!r}; expected one of {', '.join(NAMES)}")
    source: Format = importlib.import_module(f"{__name__}.{name}").FORMAT
    return source
