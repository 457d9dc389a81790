"""Find the files of an import, and match the header of each with the fields of its layout."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.data.imports.dialect import Dialect, Layout, layout_of, near
from lib.data.imports.format import Format
from lib.errors import DataError, UsageError

__all__ = ["Header", "find_files", "header_of", "layouts_of"]

ENDINGS = (".csv", ".csv.gz")
DELIMITERS = (",", ";", "\t", "|")


def find_files(data: Path, form: Format) -> tuple[dict[str, Path], list[str]]:
    """The file of each source, and the names of unused CSV files.

    Raises:
        UsageError: The path is a file instead of a folder.
        DataError: A required file is missing, or a source has two files.
    """
    if len(form.columns) == 1:
        return dict.fromkeys(form.columns, data), []
    if not data.is_dir():
        expected = ", ".join(f"{name}.csv" for name in form.columns)
        raise UsageError(
            f"{data} is not a folder; expected one with {expected} ({' and '.join(form.optional)} optional)"
        )
    present = {path: _stem(path) for path in sorted(data.iterdir()) if path.name.casefold().endswith(ENDINGS)}
    found = {name: [path for path, stem in present.items() if stem == name] for name in form.columns}
    for name, paths in found.items():
        if len(paths) > 1:
            raise DataError(f"{data} has {' and '.join(path.name for path in paths)}. Keep one file for {name}.")
        if not paths and name not in form.optional:
            raise DataError(
                f"{data} lacks {name}.csv{near(name, present.values())}. `make templates` writes an example"
            )
    unused = [path.name for path, stem in present.items() if stem not in form.columns]
    return {name: paths[0] for name, paths in found.items() if paths}, unused


def _stem(path: Path) -> str:
    return path.name.casefold().removesuffix(".gz").removesuffix(".csv")


def layouts_of(form: Format, mapping: Mapping[str, Any]) -> dict[str, Layout]:
    """The layout of each file with the column names of the mapping; raises UsageError for unknown or missing names."""
    names = mapping["columns"]
    if len(form.columns) == 1:
        ((source, columns),) = form.columns.items()
        lacking = [column.name for column in columns if column.name not in names and not column.optional]
        if lacking:
            raise UsageError(f"mapping.columns lacks {', '.join(lacking)}. Add the names of these columns in the file.")
        absent = {column.name: "" for column in columns if column.optional}
        return {source: layout_of(source, columns, absent | names, "mapping.columns")}
    for name, called in names.items():
        if name not in form.columns or not isinstance(called, Mapping):
            known = ", ".join(form.columns)
            raise UsageError(
                f"mapping.columns has {name!r}{near(name, form.columns)}; expected tables with column names: {known}"
            )
    return {
        source: layout_of(source, columns, names.get(source, {}), f"mapping.columns.{source}")
        for source, columns in form.columns.items()
    }


@dataclass(frozen=True)
class Header:
    """Number of columns, position of each field in the file, and notes: (column, words) -> cases."""

    width: int
    places: dict[str, int]
    notes: Counter[tuple[str, str]]


def header_of(header: list[str], path: Path, layout: Layout, dialect: Dialect) -> Header:
    """Match the header with the fields of the layout, ignoring case and outer white space.

    Raises:
        DataError: A column is duplicate, missing or unknown.
    """
    names = [name.strip().casefold() for name in header]
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise DataError(f"{path}: duplicate columns {', '.join(twice)}. Rename or remove one.")
    expected = {name: called.strip().casefold() for name, called in layout.names.items() if called}
    lacking = [name for name, called in expected.items() if called not in names]
    missing = [layout.names[name] for name in lacking if name in layout.needed]
    if missing:
        raise DataError(f"{path} lacks {_advice(missing, header, dialect)}")
    extra = [name for name, folded in zip(header, names, strict=True) if folded not in expected.values()]
    if extra and not dialect.ignore_extra:
        raise DataError(f"{path} has {_surplus(extra, [layout.names[name] for name in lacking])}")
    places = {name: names.index(called) for name, called in expected.items() if name not in lacking}
    return Header(len(header), places, _notes(header, layout, places, lacking, extra))


def _advice(missing: list[str], header: list[str], dialect: Dialect) -> str:
    """The missing columns, with the setting or name that would help."""
    columns = ", ".join(missing)
    if "\0" in "".join(header):
        return f"the columns {columns}; the file looks like utf-16. Set mapping.encoding to utf-16."
    other = max(DELIMITERS, key=header[0].count)
    if len(header) == 1 and other in header[0] and other != dialect.delimiter:
        return f"the columns {columns}; the delimiter looks like {other!r}. Set mapping.delimiter to it."
    hints = ", ".join(f"{name}{near(name, header)}" for name in missing)
    return f"the columns {hints}; found {', '.join(header)}. Map the names under mapping.columns."


def _surplus(extra: list[str], lacking: list[str]) -> str:
    hints = ", ".join(f"{name!r}{near(name, lacking)}" for name in extra)
    return f"unknown columns {hints}. Remove them, map them under mapping.columns, or set mapping.ignore_extra to true."


def _notes(
    header: list[str], layout: Layout, places: dict[str, int], lacking: list[str], extra: list[str]
) -> Counter[tuple[str, str]]:
    respelled = [name for name, place in places.items() if header[place] != layout.names[name]]
    return Counter(
        {(layout.names[name], "column is not in the file; left empty"): 1 for name in lacking}
        | {(layout.names[name], "column name matched ignoring case or white space"): 1 for name in respelled}
        | {(name, "column is not used"): 1 for name in extra}
    )
