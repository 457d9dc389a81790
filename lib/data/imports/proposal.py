"""Propose a params file for a file of an unknown layout: each of its lines is sure, guessed or missing."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lib.catalog import Column
from lib.data.imports.amounts import Settled, settled
from lib.data.imports.dates import Dates, recognise_dates
from lib.data.imports.formats import load_format
from lib.data.imports.guessing import guesses
from lib.data.imports.numbers import MARKS, Numbers, currency_of, read_number, recognise_numbers
from lib.data.imports.unknown import Unknown, read_unknown
from lib.data.imports.words import countries, states

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
        data: The file, a pattern, folder or archive: of several files those of one export.

    Raises:
        UsageError: There is no file.
        DataError: It is not a table with a header.
    """
    fields = load_format("lines").files["lines"]
    table = read_unknown(data, fields)
    found = guesses(table.header, table.rows, fields)
    cells = {field: table.cells(guess.column) for field, guess in found.items()}
    amounts = sum((cells.get(field, Counter()) for field in AMOUNTS), Counter[str]())
    numbers = recognise_numbers(amounts, cells.get("quantity", Counter()))
    order = found["order"].column if "order" in found else None
    known = settled(found, table.numbers(numbers, order), table.percents)
    lines = list(_lines(fields, table, known, numbers))
    return Proposal("".join(f"{each}\n" for each in lines), sum("# missing" in each for each in lines))


def _lines(fields: Sequence[Column], table: Unknown, known: Settled, numbers: Numbers) -> Iterator[str]:
    found = known.found
    cells = {field: table.cells(guess.column) for field, guess in found.items()}
    dates = recognise_dates(cells.get("order_date", Counter()))
    yield "as_of: auto                 # the day after the last order"
    yield f"currency: {_currency(table, cells.get('currency'))}"
    yield "time_zone: UTC              # guessed: the shop's time zone, such as Europe/Berlin"
    yield "period: last_30_days"
    yield "revenue_target: none"
    yield "on_bad_rows: reject"
    yield ""
    yield "mapping:"
    yield "  format: lines             # one row per order line"
    yield "  columns:"
    for field in fields:
        yield from _column(field.name, known, optional=field.optional)
    yield from _optional(cells)
    for setting, (value, reason) in known.settings.items():
        yield f"  {setting}: {value}  # {reason}"
    yield from states(cells.get("status", Counter()))
    yield from countries(cells.get("country", Counter()))
    yield from _written(dates, numbers)
    yield "  ignore_extra: true"
    unused = [name for name in table.header if name not in {guess.column for guess in found.values()}]
    yield f"# Columns that are not used: {', '.join(unused) or 'none'}"
    yield ""
    yield "# The first rows as they would be read:"
    personal = {field.name for field in fields if field.personal}
    for row in table.rows[:SHOWN_ROWS]:
        shown = {f: _shown(f, row[table.header.index(guess.column)], dates, numbers) for f, guess in found.items()}
        yield "#   " + " | ".join(f"{field} {'…' if field in personal else text}" for field, text in shown.items())


def _currency(table: Unknown, named: Counter[str] | None) -> str:
    """The currency, with the comment on it."""
    if named and len(named) > 1:
        several = ", ".join(f"{name} ({count:,})" for name, count in named.most_common())
        return f"auto              # missing: the file has {several}; write one, rows in another are rejected"
    if named:
        return "auto              # sure: the one currency of the file"
    in_header = re.findall(rf"(?<!\w)(?:{MARKS})(?!\w)", " ".join(table.header))
    for sign in [*filter(None, table.signs), *in_header]:
        sure = "guessed" if sign == "$" or sign not in table.signs else "sure"
        return f"{currency_of(sign)}               # {sure}: amounts have the sign {sign}"
    return "auto              # missing: the file names no currency; write its ISO 4217 code, such as EUR"


def _optional(cells: dict[str, Counter[str]]) -> Iterator[str]:
    """The required fields that the file lacks, or has not in each row."""
    if "quantity" not in cells:
        yield "  optional: [quantity]      # guessed: without a column of quantities, each row is 1 unit"
    elif {"product", "product_name"} <= cells.keys() and cells["product"].total() < cells["product_name"].total():
        yield "  optional: [product]       # guessed: rows without a number of the product have its name"


def _column(field: str, known: Settled, *, optional: bool) -> Iterator[str]:
    found = known.found
    if field in known.refused:
        yield f"    # {field}: {known.refused[field]}"
    if field in found:
        column, is_sure, why = found[field]
        reason = f": {why}" * bool(why)
        yield f"    {field}: {json.dumps(column, ensure_ascii=False)}  # {'sure' if is_sure else 'guessed'}{reason}"
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
        readings = ", ".join(f'{read_number(numbers.example, *style)} by "{style[0]}"' for style in numbers.styles)
        yield f'  if_unclear: {{decimal: ""}}  # missing: {numbers.example} is {readings}; write the right one'
    elif not numbers.telling:
        yield "  decimal: auto             # guessed: no number of a sample has a separator"
    else:
        yield f"  decimal: auto             # sure: {numbers.styles[0][0]!r} reads {numbers.agree:,} numbers"


def _shown(field: str, cell: str, dates: Dates, numbers: Numbers) -> str:
    text = " ".join(cell.split())
    if field == "order_date" and dates.formats:
        text = " or ".join(_read(text, form) for form in dates.formats)
    if field in AMOUNTS and text:
        text = " or ".join(read_number(text, *style) or "not a number" for style in numbers.styles)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _read(cell: str, form: str) -> str:
    found = pd.to_datetime(cell, format=form or "ISO8601", errors="coerce")
    return "not a date" if pd.isna(found) else f"{found:%Y-%m-%d %H:%M}"
