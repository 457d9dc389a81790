"""Recognise how a file is written, before it is read: its header line and the settings that are `auto`."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from lib.data.imports import AUTO
from lib.data.imports.dates import Dates, recognise_dates, twin
from lib.data.imports.findings import findings
from lib.data.imports.headers import field_positions, header_in, named_by
from lib.data.imports.mapping import Layout, Notes, ReadOptions
from lib.data.imports.numbers import Numbers, read_number, recognise_numbers, sign_of, unmarked
from lib.data.imports.sampling import sample_of
from lib.errors import DataError

__all__ = ["Recognised", "recognise"]

DATES, AMOUNTS, INTEGERS = ("date", "timestamptz"), ("money", "unit_price"), ("integer",)


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


class _Seen(NamedTuple):
    """Evidence in a sample of a file; the options `found` have no formats of dates and numbers yet."""

    path: Path
    kind: str
    layout: Layout
    given: ReadOptions
    found: ReadOptions
    evidence: str
    positions: dict[str, int]
    numbers: Numbers
    dates: Dates
    notes: Notes


def recognise(files: Mapping[Path, str], layout: Layout, options: ReadOptions) -> list[Recognised]:
    """The options of each file of an export, with a value for each that is `auto`.

    A file whose dates or numbers read both ways is read like the others, if these agree.

    Args:
        files: The paths, each with what it is a copy of, such as a workbook, or an empty text. A workbook or Parquet
            file has numbers and dates of its own: settings for texts then count only where cells read both ways.

    Raises:
        UsageError: A file cannot be opened.
        DataError: Its dates or numbers read in several ways, and neither another file nor `options.if_unclear` decides.
    """
    seen = [_see(path, layout, _of_copy(options) if kind else options, kind) for path, kind in files.items()]
    dates = {_order(each.dates.formats[0]) for each in seen if each.dates.one_way and len(each.dates.formats) == 1}
    decimals = {each.numbers.styles[0][0] for each in seen if each.numbers.telling and len(each.numbers.styles) == 1}
    shared = {name: words.pop() for name, words in (("dates", dates), ("decimal", decimals)) if len(words) == 1}
    return [_decide(each, shared) for each in seen]


def _see(path: Path, layout: Layout, options: ReadOptions, kind: str) -> _Seen:
    sample = sample_of(path, options.encoding)
    delimiter, line, header, notes = header_in(sample, layout, options.delimiter)
    layout = named_by(header, layout)
    positions = field_positions(header, layout)
    cells, sign = _cells_by_type(sample.rows(delimiter, line), header, positions, layout, options)
    numbers = recognise_numbers(cells["amounts"], cells["integers"], "" if options.decimal == AUTO else options.decimal)
    dates = recognise_dates(cells["dates"], None if options.date_format == AUTO else options.date_format)
    found = replace(options, encoding=sample.encoding, delimiter=delimiter, header_line=line, sign=sign)
    return _Seen(path, kind, layout, options, found, sample.evidence, positions, numbers, dates, notes)


def _decide(seen: _Seen, shared: dict[str, str]) -> Recognised:
    """The options of a file; `shared` has what other files of the export decide, by name in `if_unclear`."""
    layout, given, numbers, dates = seen.layout, seen.given, seen.numbers, seen.dates
    usual = given.if_unclear | shared
    decimal, thousands = _style(seen.path, numbers, usual.get("decimal", ""))
    date_format = (
        given.date_format if given.date_format != AUTO else _date_format(seen.path, dates, usual.get("dates", ""))
    )
    found = replace(
        seen.found, decimal=decimal, date_format=date_format, thousands=thousands if given.decimal == AUTO else None
    )
    if dates.both_ways == dates.cells > 0:
        place = _columns(layout, seen.positions, DATES), f"dates read both ways, and are read as {date_format}"
        seen.notes[place] += dates.cells
    matched = f"{len(seen.positions)} of {sum(map(bool, layout.names.values()))} columns"
    rows = findings(given, found, seen.evidence, numbers, dates, matched, shared)
    if seen.kind:
        rows = [row for row in rows if row["setting"] not in ("delimiter", "encoding")]
        rows[0]["from_what"] = f"the names of the columns in {seen.kind}"
    return Recognised(layout, found, rows, seen.notes)


def _of_copy(options: ReadOptions) -> ReadOptions:
    """The options for a CSV file that this package has written."""
    unclear = dict(options.if_unclear)
    if options.decimal != AUTO:
        unclear["decimal"] = options.decimal
    if options.date_format != AUTO and _order(options.date_format):
        unclear["dates"] = _order(options.date_format)
    return replace(options, delimiter=",", encoding="utf-8", decimal=AUTO, date_format=AUTO, if_unclear=unclear)


def _cells_by_type(
    rows: Iterable[list[str]], header: list[str], positions: dict[str, int], layout: Layout, options: ReadOptions
) -> tuple[dict[str, Counter[str]], str]:
    """The cells of amounts, integers and dates, with their number of rows; and the currency sign of the amounts."""
    kinds = dict.fromkeys(AMOUNTS, "amounts") | dict.fromkeys(INTEGERS, "integers") | dict.fromkeys(DATES, "dates")
    types = {column.name: column.type for column in layout.columns}
    found: dict[str, list[str]] = {field: [] for field in positions if types[field] in kinds}
    for row in rows:
        if len(row) == len(header):
            for field, listed in found.items():
                listed.append(row[positions[field]])
    empty = {"", *options.null_words}
    columns: dict[str, Counter[str]] = {field: Counter() for field in found}
    for field, listed in found.items():
        for cell, count in Counter(listed).items():
            if (tidy := re.sub(r"^'(?=[-+0-9.])|\s*%$", "", cell.strip())) not in empty:
                columns[field][tidy] += count
    signs = {sign_of(counted) for field, counted in columns.items() if kinds[types[field]] == "amounts"} - {""}
    sign = signs.pop() if len(signs) == 1 and options.decimal == AUTO else ""
    cells: dict[str, Counter[str]] = {kind: Counter() for kind in kinds.values()}
    for field, counted in columns.items():
        for cell, count in counted.items():
            kind = kinds[types[field]]
            cells[kind][unmarked(cell, re.escape(sign)) if sign and kind != "dates" else cell] += count
    return cells, sign


def _style(path: Path, numbers: Numbers, usual: str) -> tuple[str, str]:
    """The separators of decimals and thousands: of several, those with the usual decimal separator."""
    styles = [style for style in numbers.styles if usual in ("", style[0])] or list(numbers.styles)
    if len(numbers.styles) == 1 or len({decimal for decimal, _ in styles}) == 1:
        return styles[0]
    readings = " or ".join(
        f"{n!r} (decimal {d!r})" for d, n in ((style[0], read_number(numbers.example, *style)) for style in styles)
    )
    raise DataError(
        f"{path}: the number {numbers.example!r} reads as {readings}, and no number of the file decides it. "
        f'Set the decimal separator: SET="mapping.if_unclear.decimal={styles[0][0]}", or the other one.'
    )


def _date_format(path: Path, dates: Dates, usual: str) -> str:
    """The format of the dates: of several, that with day and month in the usual order."""
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
