"""Recognise how a file is written, before it is read: its header line and the settings that are `auto`."""

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from lib.data.imports import AUTO
from lib.data.imports.dates import Dates, recognise_dates, twin
from lib.data.imports.findings import findings
from lib.data.imports.headers import DELIMITERS, HEADER_RECORDS, field_positions, named_by
from lib.data.imports.mapping import Layout, Notes, ReadOptions
from lib.data.imports.numbers import Numbers, read_number, recognise_numbers
from lib.data.imports.sampling import Sample, sample_of
from lib.errors import DataError

__all__ = ["Recognised", "header_in", "recognise"]

DATES, AMOUNTS, INTEGERS = ("date", "timestamptz"), ("money", "unit_price"), ("integer",)
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


@dataclass(frozen=True)
class Recognised:
    """How a file is written.

    Attributes:
        layout: The layout with the names of its columns in the file.
        options: The options without `auto`.
        rows: setting, value, from_what, agree: what was recognised, for people.
        notes: Notes on the lines above the header and on dates that read both ways.
    """

    layout: Layout
    options: ReadOptions
    rows: list[dict[str, str]]
    notes: Notes


def recognise(path: Path, layout: Layout, options: ReadOptions, kind: str = "") -> Recognised:
    """The options of a file, with a value for each that is `auto`.

    Args:
        kind: For a file that is a copy of a workbook or Parquet file, which has numbers and dates of its own: what
            it is. Settings for texts then count only where cells read both ways.

    Raises:
        UsageError: The file cannot be opened.
        DataError: Its dates or numbers read in several ways, and `options.if_unclear` does not decide it.
    """
    if kind:
        options = _of_copy(options)
    sample = sample_of(path, options.encoding)
    delimiter, line, header, notes = header_in(sample, layout, options.delimiter)
    layout = named_by(header, layout)
    positions = field_positions(header, layout)
    cells = _cells_by_type(sample.rows(delimiter, line), header, positions, layout, options)
    numbers = recognise_numbers(cells["amounts"], cells["integers"], "" if options.decimal == AUTO else options.decimal)
    dates = recognise_dates(cells["dates"], None if options.date_format == AUTO else options.date_format)
    decimal, thousands = _style(path, numbers, options)
    date_format = _date_format(path, dates, options)
    found = replace(
        options, encoding=sample.encoding, delimiter=delimiter, decimal=decimal, date_format=date_format,
        thousands=thousands if options.decimal == AUTO else "", header_line=line,
    )  # fmt: skip
    if dates.both_ways == dates.cells > 0:
        notes[_columns(layout, positions, DATES), f"dates read both ways, and are read as {date_format}"] += dates.cells
    matched = f"{len(positions)} of {sum(map(bool, layout.names.values()))} columns"
    rows = findings(options, found, sample.evidence, numbers, dates, matched)
    if kind:
        rows = [row for row in rows if row["setting"] not in ("delimiter", "encoding")]
        rows[0]["from_what"] = f"the names of the columns in {kind}"
    return Recognised(layout, found, rows, notes)


def _of_copy(options: ReadOptions) -> ReadOptions:
    """The options for a CSV file that this package has written."""
    unclear = dict(options.if_unclear)
    if options.decimal != AUTO:
        unclear["decimal"] = options.decimal
    if options.date_format != AUTO and _order(options.date_format):
        unclear["dates"] = _order(options.date_format)
    return replace(options, delimiter=",", encoding="utf-8", decimal=AUTO, date_format=AUTO, if_unclear=unclear)


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


def _cells_by_type(
    rows: Iterable[list[str]], header: list[str], positions: dict[str, int], layout: Layout, options: ReadOptions
) -> dict[str, Counter[str]]:
    """The cells of amounts, integers and dates, with their number of rows."""
    kinds = {"amounts": AMOUNTS, "integers": INTEGERS, "dates": DATES}
    types = {column.name: column.type for column in layout.columns}
    columns = {kind: [p for f, p in positions.items() if types[f] in names] for kind, names in kinds.items()}
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    for row in rows:
        if len(row) == len(header):
            for kind, places in columns.items():
                found[kind] += [row[place] for place in places]
    empty = {"", *options.null_words}
    cells: dict[str, Counter[str]] = {kind: Counter(listed) for kind, listed in found.items()}
    for kind, counted in cells.items():
        tidy: Counter[str] = Counter()
        for cell, count in counted.items():
            tidy[re.sub(r"^'(?=[-+0-9.])", "", cell.strip())] += count
        cells[kind] = Counter({cell: count for cell, count in tidy.items() if cell not in empty})
    return cells


def _style(path: Path, numbers: Numbers, options: ReadOptions) -> tuple[str, str]:
    """The separators of decimals and thousands."""
    usual = options.if_unclear.get("decimal", "")
    styles = [style for style in numbers.styles if len(numbers.styles) == 1 or usual in ("", style[0])]
    if len(styles) == 1:
        return styles[0]
    readings = " or ".join(
        f"{n!r} (decimal {d!r})" for d, n in ((style[0], read_number(numbers.example, *style)) for style in styles)
    )
    raise DataError(
        f"{path}: the number {numbers.example!r} reads as {readings}, and no number of the file decides it. "
        f'Set the decimal separator: SET="decimal={styles[0][0]}", or the other one.'
    )


def _date_format(path: Path, dates: Dates, options: ReadOptions) -> str:
    """The format of the dates: of several, that with day and month in the usual order."""
    if options.date_format != AUTO:
        return options.date_format
    usual = options.if_unclear.get("dates", "")
    formats = [form for form in dates.formats if len(dates.formats) == 1 or not usual or _order(form) in (usual, "")]
    if dates.against:
        raise DataError(
            f"{path}: {dates.agree:,} dates read as {formats[0]}, and {dates.against:,} others only as "
            f"{twin(formats[0])}; expected one order of day and month. A spreadsheet may have changed some of them: "
            "export the file again, or set mapping.date_format to reject the others."
        )
    if len(formats) <= 1:
        return formats[0] if formats else ""
    readings = " or ".join(f"{_day(dates.example, form)} ({form})" for form in formats)
    raise DataError(
        f"{path}: {dates.both_ways:,} of {dates.cells:,} dates read both ways, and none decides the order of day and "
        f"month: {dates.example} is {readings}. Set the order: "
        'SET="mapping.if_unclear.dates=day_first", or month_first.'
    )


def _order(form: str) -> str:
    """The order of day and month in a format that has two possible ones."""
    return ("day_first" if form.startswith("%d") else "month_first") if twin(form) else ""


def _day(cell: str, form: str) -> str:
    return f"{pd.to_datetime(cell, format=form or 'ISO8601'):%Y-%m-%d}"


def _columns(layout: Layout, positions: dict[str, int], types: tuple[str, ...]) -> str:
    return ", ".join(layout.names[c.name] for c in layout.columns if c.type in types and c.name in positions)
