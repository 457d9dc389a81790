"""A source format: its files, their columns, and the names that a shop's files have for them."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lib.catalog import Column
from lib.data.imports.database import StagingDatabase
from lib.data.imports.options import ReadOptions
from lib.errors import UsageError

__all__ = ["Format", "Layout", "did_you_mean", "layouts_of"]


@dataclass(frozen=True)
class Format:
    """A source format; README.md in this folder says how to write one.

    Attributes:
        files: Columns of each file by the file's name. The name of a single file is free, those of several are the
            names of the CSV files in a folder.
        compare: Called with the staging database, the read options and the shop's currency; rejects rows by
            comparing them with others, and makes the views that the format's table queries need.
        optional: Files that may be missing.
    """

    files: dict[str, tuple[Column, ...]]
    compare: Callable[[StagingDatabase, ReadOptions, str], None]
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """The columns of one file.

    Attributes:
        name: Name of the file in its format.
        names: Field -> name of its column in the file; "" for an optional column that the file does not have.
        needed: Fields whose column must be in the file.
    """

    name: str
    columns: tuple[Column, ...]
    names: dict[str, str]
    needed: frozenset[str]


def layouts_of(source: Format, mapping: Mapping[str, Any]) -> dict[str, Layout]:
    """The layout of each file, with the column names of the mapping.

    Raises:
        UsageError: The mapping names an unknown file or field, or lacks a required one.
    """
    names = mapping["columns"]
    if len(source.files) == 1:
        ((file, columns),) = source.files.items()
        missing = [column.name for column in columns if column.name not in names and not column.optional]
        if missing:
            raise UsageError(f"mapping.columns lacks {', '.join(missing)}. Add the names of these columns in the file.")
        absent = {column.name: "" for column in columns if column.optional}
        return {file: _layout(file, columns, absent | names, "mapping.columns")}
    for name, renamed in names.items():
        if name not in source.files or not isinstance(renamed, Mapping):
            raise UsageError(
                f"mapping.columns has {name!r}{did_you_mean(name, source.files)}; expected tables with column names: "
                f"{', '.join(source.files)}"
            )
    return {
        file: _layout(file, columns, names.get(file, {}), f"mapping.columns.{file}")
        for file, columns in source.files.items()
    }


def _layout(file: str, columns: tuple[Column, ...], names: Mapping[str, object], place: str) -> Layout:
    """The columns under the names that the mapping gives at `place`, else under their own."""
    known = [column.name for column in columns]
    required = {column.name for column in columns if not column.optional}
    renamed: dict[str, str] = {}
    for field, name in names.items():
        if field not in known:
            raise UsageError(
                f"{place}: unknown field {field!r}{did_you_mean(field, known)}; expected one of {', '.join(known)}"
            )
        if not isinstance(name, str) or (not name and field in required):
            raise UsageError(f"{place}.{field} is {name!r}; expected the name of one column of the file")
        renamed[field] = name
    needed = required | {field for field, name in renamed.items() if name}
    return Layout(file, columns, {field: field for field in known} | renamed, frozenset(needed))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The closest known name as a question in parentheses; empty if none is close."""
    folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), folded, 1)
    return f" (did you mean {folded[found[0]]}?)" if found else ""
