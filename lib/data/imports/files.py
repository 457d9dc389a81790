"""Find the files of an import, and the fields in their headers."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lib.data.imports.layout import Format, Layout, did_you_mean
from lib.data.imports.options import ReadOptions
from lib.errors import DataError, UsageError

__all__ = ["Header", "Notes", "find_files", "header_of"]

EXTENSIONS = (".csv", ".csv.gz")
DELIMITERS = (",", ";", "\t", "|")

Notes = Counter[tuple[str, str]]  # (column of the file, what was done) -> cells


def find_files(data: Path, source: Format) -> tuple[dict[str, Path], list[str]]:
    """Path of each file of the format that exists, and names of CSV files that are not used.

    Raises:
        UsageError: `data` is not a folder but the format has several files.
        DataError: A required file is missing, or one exists twice.
    """
    if len(source.files) == 1:
        return dict.fromkeys(source.files, data), []
    if not data.is_dir():
        expected = ", ".join(f"{name}.csv" for name in source.files)
        raise UsageError(
            f"not a folder: {data}; expected one with {expected} ({' and '.join(source.optional)} are optional)"
        )
    names = {path: _stem(path) for path in sorted(data.iterdir()) if path.name.casefold().endswith(EXTENSIONS)}
    found: dict[str, Path] = {}
    for name in source.files:
        paths = [path for path, stem in names.items() if stem == name]
        if len(paths) > 1:
            raise DataError(f"{data} has {' and '.join(path.name for path in paths)}. Keep one file for {name}.")
        if paths:
            found[name] = paths[0]
        elif name not in source.optional:
            raise DataError(
                f"{data} lacks {name}.csv{did_you_mean(name, names.values())}. `make templates` writes an example."
            )
    return found, [path.name for path, stem in names.items() if stem not in source.files]


def _stem(path: Path) -> str:
    return path.name.casefold().removesuffix(".gz").removesuffix(".csv")


@dataclass(frozen=True)
class Header:
    """Number of columns of a file, the position of each field that it has, and notes about its column names."""

    width: int
    positions: dict[str, int]
    notes: Notes


def header_of(header: list[str], path: Path, layout: Layout, options: ReadOptions) -> Header:
    """Find the fields of the layout in a header; case and surrounding white space are ignored.

    Raises:
        DataError: A needed column is missing, one is there twice, or one is not a field of the layout.
    """
    names = [name.strip().casefold() for name in header]
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise DataError(f"{path}: duplicate columns {', '.join(twice)}. Rename or remove one.")
    expected = {field: name.strip().casefold() for field, name in layout.names.items() if name}
    absent = [field for field, name in expected.items() if name not in names]
    missing = [layout.names[field] for field in absent if field in layout.needed]
    if missing:
        raise DataError(f"{path} lacks {_advice(missing, header, options)}")
    extra = [name for name, folded in zip(header, names, strict=True) if folded not in expected.values()]
    if extra and not options.ignore_extra:
        unknown = ", ".join(
            f"{name!r}{did_you_mean(name, [layout.names[field] for field in absent])}" for name in extra
        )
        raise DataError(
            f"{path} has unknown columns: {unknown}. Remove them, map them under mapping.columns, or set "
            "mapping.ignore_extra to true."
        )
    positions = {field: names.index(name) for field, name in expected.items() if field not in absent}
    respelt = [field for field, position in positions.items() if header[position] != layout.names[field]]
    notes: Notes = Counter()
    notes.update((layout.names[field], "column is not in the file; left empty") for field in absent)
    notes.update((layout.names[field], "column name matched ignoring case or white space") for field in respelt)
    notes.update((name, "column is not used") for name in extra)
    return Header(len(header), positions, notes)


def _advice(missing: list[str], header: list[str], options: ReadOptions) -> str:
    """The missing columns, and the setting or column name that was probably meant."""
    columns = ", ".join(missing)
    if "\0" in "".join(header):
        return f"the columns {columns}; the file looks like utf-16. Set mapping.encoding to utf-16."
    other = max(DELIMITERS, key=header[0].count)
    if len(header) == 1 and other in header[0] and other != options.delimiter:
        return f"the columns {columns}; the delimiter looks like {other!r}. Set mapping.delimiter to it."
    hints = ", ".join(f"{name}{did_you_mean(name, header)}" for name in missing)
    return f"the columns {hints}; found {', '.join(header)}. Map the names under mapping.columns."
