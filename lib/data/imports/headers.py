"""The header of a file: its line, the position of each field, and what is missing or not used."""

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lib.data.imports import AUTO
from lib.data.imports.mapping import Layout, Notes, ReadOptions
from lib.data.imports.sampling import Sample
from lib.errors import DataError
from lib.util.similar import did_you_mean, folded

__all__ = ["DELIMITERS", "HEADER_RECORDS", "Header", "field_positions", "header_in", "header_of", "named_by"]

DELIMITERS = (",", ";", "\t", "|")
EITHER = " | "  # between the names that a column has in different versions of an export
HEADER_RECORDS = 50  # a header is looked for among the first ones
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """Number of columns of a file, position (from 0) of each field that it has, and notes about its column names."""

    width: int
    positions: dict[str, int]
    notes: Notes


def header_of(header: list[str], path: Path, layout: Layout, options: ReadOptions) -> Header:
    """Find the fields of the layout in a header; case and surrounding white space are ignored.

    Raises:
        DataError: A needed column is missing, a column name is duplicate, or a column is not a field of the layout and
            the options do not ignore those.
    """
    same = [name.strip().casefold() for name in header]
    twice = [name for name, count in Counter(same).items() if count > 1 and name]
    if twice:
        raise DataError(f"{path}: duplicate columns {', '.join(twice)}. Rename or remove one.")
    positions = field_positions(header, layout)
    absent = [field for field, name in layout.names.items() if name and field not in positions]
    missing = [field for field in absent if field in layout.needed]
    if missing:
        advice = _advice([layout.names[field] for field in missing], header, options)
        raise DataError(f"{path} lacks {advice}{_optional(missing, layout, options)}")
    extra = [name for position, name in enumerate(header) if position not in positions.values()]
    if extra and not options.ignore_extra:
        candidates = [layout.names[field] for field in absent]
        unknown = ", ".join(f"{name!r}{did_you_mean(name, candidates)}" for name in extra)
        raise DataError(
            f"{path} has unknown columns: {unknown}. Remove them, map them under mapping.columns, or set "
            "mapping.ignore_extra to true."
        )
    respelt = [field for field, position in positions.items() if header[position] != layout.names[field]]
    notes: Notes = Counter()
    defaults = {column.name: column.default for column in layout.columns}
    filled = {field: f"set to {defaults[field]}" if defaults[field] else "left empty" for field in absent}
    notes.update((layout.names[field], f"column is not in the file; {done}") for field, done in filled.items())
    notes.update((layout.names[field], "column name matched ignoring case, spaces or accents") for field in respelt)
    notes.update((name, "column is not used") for name in extra)
    return Header(len(header), positions, notes)


def header_in(sample: Sample, layout: Layout, delimiter: str = AUTO) -> tuple[str, int, list[str], Notes]:
    """The delimiter, the line of the header, its cells, and notes: the row with the most columns of the layout."""
    lines = sample.lines(HEADER_RECORDS)
    notes: Notes = Counter()
    separated = SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    first = 2 if separated else 1
    delimiters = (delimiter,) if delimiter != AUTO else (separated[1],) if separated else DELIMITERS
    most, best = 0, (max(delimiters, key=lambda each: "".join(lines[first - 1 : first]).count(each)), first, [""])
    for each in delimiters:
        for line, cells in _records(lines, first, each):
            known = len(field_positions(cells, layout))
            if known > most:
                most, best = known, (each, line, cells)
    if separated:
        notes["", "sep= line skipped"] = 1
    if above := [text for text in lines[first - 1 : best[1] - 1] if text.strip()]:
        notes["", "lines above the header skipped"] = len(above)
    return *best, notes


def _records(lines: list[str], first: int, delimiter: str) -> Iterable[tuple[int, list[str]]]:
    """The records from line `first` on, with the line on which each starts."""
    reader = csv.reader(lines[first - 1 :], delimiter=delimiter)
    line = first
    try:
        for cells in reader:
            yield line, cells
            line = first + reader.line_num
    except csv.Error:
        return


def field_positions(header: list[str], layout: Layout) -> dict[str, int]:
    """Position (from 0) of each field that the header has; case, spaces and accents are ignored where they must be."""
    exact = {name.strip().casefold(): position for position, name in reversed(list(enumerate(header)))}
    loose = {folded(name): position for position, name in reversed(list(enumerate(header)))}
    named = {field: name for field, name in named_by(header, layout).names.items() if name}
    found = {field: exact.get(name.strip().casefold(), loose.get(folded(name))) for field, name in named.items()}
    return {field: position for field, position in found.items() if position is not None}


def named_by(header: list[str], layout: Layout) -> Layout:
    """The layout with one name for each field: of `City | Town` the first that the header has, else the first."""
    known = {folded(name) for name in header}
    either = {field: names.split(EITHER) for field, names in layout.names.items()}
    names = {field: next((n for n in names if folded(n) in known), names[0]) for field, names in either.items()}
    return replace(layout, names=names)


def _optional(missing: list[str], layout: Layout, options: ReadOptions) -> str:
    """The missing fields that a shop can do without, and the setting to type; empty for files that need one of them."""
    optional = {column.name for column in layout.columns if column.optional}
    if not optional.issuperset(missing):
        return ""
    fields = ",".join([*options.optional, *missing])
    return f' Optional: if your file has no such column, set SET="mapping.optional=[{fields}]".'


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
