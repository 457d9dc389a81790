"""The shop's own files by the name of their lines: one file, or a folder with one for each."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.data.imports.dialect import Dialect, Layout, layout_of, near
from lib.data.imports.formats import Format
from lib.errors import DataError, UsageError

__all__ = ["Header", "find_files", "header_of", "layouts_of"]

ENDINGS = (".csv", ".csv.gz")


def find_files(data: Path, form: Format) -> tuple[dict[str, Path], list[str]]:
    """The file of each name that is there, and the names of CSV files that are for nothing.

    Raises UsageError for a path of the wrong kind, DataError for a file that lacks or is there twice.
    """
    if len(form.columns) == 1:
        return dict.fromkeys(form.columns, data), []
    if not data.is_dir():
        wanted = ", ".join(f"{name}.csv" for name in form.columns)
        raise UsageError(f"{data} is no folder; wanted one with {wanted} ({' and '.join(form.optional)} may lack)")
    there = {path: _stem(path) for path in sorted(data.iterdir()) if path.name.casefold().endswith(ENDINGS)}
    found = {name: [path for path, stem in there.items() if stem == name] for name in form.columns}
    for name, paths in found.items():
        if len(paths) > 1:
            raise DataError(f"{data} has {' and '.join(path.name for path in paths)}; keep one file for {name}")
        if not paths and name not in form.optional:
            raise DataError(
                f"{data} lacks {name}.csv{near(name, there.values())}; `make templates` shows what it holds"
            )
    unused = [path.name for path, stem in there.items() if stem not in form.columns]
    return {name: paths[0] for name, paths in found.items() if paths}, unused


def _stem(path: Path) -> str:
    return path.name.casefold().removesuffix(".gz").removesuffix(".csv")


def layouts_of(form: Format, mapping: Mapping[str, Any]) -> dict[str, Layout]:
    """The columns of each file under the names of the mapping; raises UsageError for names that fit nothing."""
    names = mapping["columns"]
    if len(form.columns) == 1:
        ((source, columns),) = form.columns.items()
        lacking = [column.name for column in columns if column.name not in names and not column.optional]
        if lacking:
            raise UsageError(f"mapping.columns does not say which column of the file holds: {', '.join(lacking)}")
        absent = {column.name: "" for column in columns if column.optional}
        return {source: layout_of(source, columns, absent | names, "mapping.columns")}
    for name, called in names.items():
        if name not in form.columns or not isinstance(called, Mapping):
            known = ", ".join(form.columns)
            raise UsageError(
                f"mapping.columns has {name!r}{near(name, form.columns)}; wanted a table with names below it: {known}"
            )
    return {
        source: layout_of(source, columns, names.get(source, {}), f"mapping.columns.{source}")
        for source, columns in form.columns.items()
    }


DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Header:
    """Number of columns, the place of each field that the file has, and what was done: (column, words) -> cases."""

    width: int
    places: dict[str, int]
    notes: Counter[tuple[str, str]]


def header_of(header: list[str], path: Path, layout: Layout, dialect: Dialect) -> Header:
    """Where the fields of the layout are; case and outer white space do not count, and what is not needed may lack.

    Raises DataError for a name that is twice there or not at all, and for a column that is no field.
    """
    names = [name.strip().casefold() for name in header]
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise DataError(f"{path}: the header names {', '.join(twice)} more than once; rename or remove one")
    wanted = {name: called.strip().casefold() for name, called in layout.names.items() if called}
    lacking = [name for name, called in wanted.items() if called not in names]
    missing = [layout.names[name] for name in lacking if name in layout.needed]
    if missing:
        raise DataError(f"{path} lacks {_advice(missing, header, dialect)}")
    extra = [name for name, folded in zip(header, names, strict=True) if folded not in wanted.values()]
    if extra and not dialect.ignore_extra:
        raise DataError(f"{path} has {_surplus(extra, [layout.names[name] for name in lacking])}")
    places = {name: names.index(called) for name, called in wanted.items() if name not in lacking}
    return Header(len(header), places, _notes(header, layout, places, lacking, extra))


def _advice(missing: list[str], header: list[str], dialect: Dialect) -> str:
    """The columns that are not there, and the setting or the name that was probably meant."""
    columns = ", ".join(missing)
    if "\0" in "".join(header):
        return f"the columns {columns}; it looks like utf-16: set mapping.encoding to utf-16"
    other = max(DELIMITERS, key=header[0].count)
    if len(header) == 1 and other in header[0] and other != dialect.delimiter:
        return f"the columns {columns}; its delimiter looks like {other!r}: set mapping.delimiter to it"
    hints = ", ".join(f"{name}{near(name, header)}" for name in missing)
    return f"the columns {hints}; it has {', '.join(header)}. Say what they are called under mapping.columns"


def _surplus(extra: list[str], lacking: list[str]) -> str:
    hints = ", ".join(f"{name!r}{near(name, lacking)}" for name in extra)
    advice = "remove them, name them under mapping.columns, or set mapping.ignore_extra to true"
    return f"the columns {hints}, which are no fields; {advice}"


def _notes(
    header: list[str], layout: Layout, places: dict[str, int], lacking: list[str], extra: list[str]
) -> Counter[tuple[str, str]]:
    respelt = [name for name, place in places.items() if header[place] != layout.names[name]]
    return Counter(
        {(layout.names[name], "column is not in the file; it stays empty"): 1 for name in lacking}
        | {(layout.names[name], "name of the column written otherwise in the header"): 1 for name in respelt}
        | {(name, "column is not used"): 1 for name in extra}
    )
