"""Propose a params file for a file of an unknown layout: each of its lines is sure, guessed or missing."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd

from lib.catalog import Column
from lib.data.imports.ad_spend import report_of
from lib.data.imports.conversion import as_csv
from lib.data.imports.dates import Dates, recognise_dates
from lib.data.imports.formats import load_format
from lib.data.imports.guessing import Guess, guesses, synonyms
from lib.data.imports.mapping import Layout
from lib.data.imports.matching import samples_of
from lib.data.imports.numbers import Numbers, read_number, recognise_numbers
from lib.data.imports.recognition import header_in
from lib.data.imports.sampling import Sample, sample_of
from lib.data.imports.sources import named_files, unpacked
from lib.data.imports.words import countries, states
from lib.errors import DataError

__all__ = ["Proposal", "propose"]

EITHER = {"product": "product_name", "product_name": "product", "unit_price": "line_total", "line_total": "unit_price"}
EARLIEST = "2000-01-01"
AMOUNTS = ("unit_price", "line_total", "discount", "shipping", "tax")
SHOWN_ROWS = 3
SHOWN_CHARACTERS = 40


@dataclass(frozen=True)
class Proposal:
    """The text of a params file below its first lines, and how many of its lines need an answer."""

    text: str
    missing: int


def propose(data: Path) -> Proposal:
    """A params file for the file, with its first rows as they would be read.

    Args:
        data: The file, a pattern, folder or archive: of several files the first that is not an advertising report.

    Raises:
        DataError: It is not a table with a header, or there are several files.
    """
    with TemporaryDirectory() as folder:
        files = unpacked(named_files(data), Path(folder))
        fields = load_format("lines").files["lines"]
        usual = Layout("lines", fields, {name: name for name in synonyms()}, frozenset())
        file = next((path for path in files if not report_of(samples_of(path, Path(folder)))), files[0])
        sample = sample_of(as_csv(file, Path(folder), usual)[0])
    delimiter, line, header, _ = header_in(sample, usual)
    if len(header) < 2:
        delimiter, line, header = _sniffed(data, sample)
    rows = [row for row in sample.rows(delimiter, line) if len(row) == len(header)]
    found = guesses(header, rows, fields)
    lines = list(_lines(fields, header, rows, found))
    return Proposal("".join(f"{each}\n" for each in lines), sum("# missing" in each for each in lines))


def _sniffed(data: Path, sample: Sample) -> tuple[str, int, list[str]]:
    """Delimiter, line and cells of a header without a usual name, as DuckDB recognises them."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sample.csv"
        path.write_text(sample.head, encoding="utf-8")
        try:
            query = "SELECT Delimiter, SkipRows FROM sniff_csv($path)"
            ((delimiter, skipped),) = duckdb.execute(query, {"path": str(path)}).fetchall()
        except duckdb.Error:
            delimiter, skipped = "", 0
    header = "".join(sample.lines(skipped + 1)[-1:]).rstrip("\r\n").split(delimiter) if delimiter else []
    if len(header) < 2:
        raise DataError(f"{data} is not a table; expected a line with the names of columns and rows below it.")
    return delimiter, skipped + 1, [name.strip('"') for name in header]


def _lines(
    fields: Sequence[Column], header: list[str], rows: list[list[str]], found: dict[str, Guess]
) -> Iterator[str]:
    cells = {field: Counter(row[header.index(guess.column)].strip() for row in rows) for field, guess in found.items()}
    for counted in cells.values():
        del counted[""]
    dates = recognise_dates(cells.get("order_date", Counter()))
    amounts = sum((cells.get(field, Counter()) for field in AMOUNTS), Counter[str]())
    numbers = recognise_numbers(amounts, cells.get("quantity", Counter()))
    yield "as_of: auto                 # the day after the last order"
    yield f"currency: auto              # {_currency(found)}"
    yield "time_zone: UTC              # guessed: the shop's time zone, such as Europe/Berlin"
    yield "period: last_30_days"
    yield "revenue_target: none"
    yield "on_bad_rows: reject"
    yield ""
    yield "mapping:"
    yield "  format: lines             # one row per order line"
    yield "  columns:"
    for field in fields:
        yield from _column(field.name, found, optional=field.optional)
    if "quantity" not in found:
        yield "  optional: [quantity]      # guessed: without a column of quantities, each row is 1 unit"
    yield from states(cells.get("status", Counter()))
    yield from countries(cells.get("country", Counter()))
    yield from _written(dates, numbers)
    yield "  ignore_extra: true"
    unused = [name for name in header if name not in {guess.column for guess in found.values()}]
    yield f"# Columns that are not used: {', '.join(unused) or 'none'}"
    yield ""
    yield "# The first rows as they would be read:"
    personal = {field.name for field in fields if field.personal}
    for row in rows[:SHOWN_ROWS]:
        shown = {f: _shown(f, row[header.index(guess.column)], dates, numbers) for f, guess in found.items()}
        yield "#   " + " | ".join(f"{field} {'…' if field in personal else text}" for field, text in shown.items())


def _currency(found: dict[str, Guess]) -> str:
    if "currency" in found:
        return "sure: the one currency of the file"
    return "missing: the file names no currency; write its ISO 4217 code, such as EUR"


def _column(field: str, found: dict[str, Guess], *, optional: bool) -> Iterator[str]:
    if field in found:
        column, is_sure = found[field]
        yield f"    {field}: {json.dumps(column, ensure_ascii=False)}  # {'sure' if is_sure else 'guessed'}"
    elif not optional and field != "quantity" and EITHER.get(field) not in found:
        yield f"    # {field}:  # missing: name the column with this field, and remove the first #"
    elif field == "unit_price" and "line_total" not in found:
        yield "    # unit_price:  # missing: name the column of prices (or of amounts: line_total), remove the first #"


def _written(dates: Dates, numbers: Numbers) -> Iterator[str]:
    """The settings for dates and numbers."""
    if len(dates.formats) > 1:
        readings = ", ".join(f'{_read(dates.example, form)} by "{form}"' for form in dates.formats)
        yield f"  date_format: auto         # missing: {dates.example} is {readings}; write the right one"
    else:
        form = (dates.formats or ("",))[0] or "ISO 8601"
        yield f"  date_format: auto         # sure: {form} reads {dates.agree:,} of {dates.cells:,} dates"
    if dates.first and dates.first < pd.Timestamp(EARLIEST, tz="UTC"):
        yield f"  earliest_date: {dates.first:%Y-%m-%d}  # guessed: it is the first date of a sample"
    if dates.serials:
        yield f"  excel_dates: true         # guessed: {dates.serials:,} dates are Excel serial numbers"
    if len(numbers.styles) > 1:
        yield f'  decimal: auto             # missing: is the decimal separator of {numbers.example} "." or ","?'
    else:
        yield f"  decimal: auto             # sure: {numbers.styles[0][0]!r} reads {numbers.agree:,} numbers"


def _shown(field: str, cell: str, dates: Dates, numbers: Numbers) -> str:
    text = " ".join(cell.split())
    if field == "order_date" and dates.formats:
        text = " or ".join(_read(text, form) for form in dates.formats)
    if field in AMOUNTS:
        text = " or ".join(read_number(text, *style) or "not a number" for style in numbers.styles)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _read(cell: str, form: str) -> str:
    found = pd.to_datetime(cell, format=form or "ISO8601", errors="coerce")
    return "not a date" if pd.isna(found) else f"{found:%Y-%m-%d %H:%M}"
