"""Propose a params file for a file of an unknown layout: each of its lines is sure, guessed or missing."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd

from lib.catalog import Column
from lib.data.imports.ad_spend import report_of
from lib.data.imports.amounts import Settled, settled
from lib.data.imports.conversion import as_csv
from lib.data.imports.dates import Dates, recognise_dates
from lib.data.imports.formats import load_format
from lib.data.imports.guessing import Guess, guesses, synonyms
from lib.data.imports.mapping import Layout
from lib.data.imports.matching import samples_of
from lib.data.imports.numbers import MARKS, SIGNS, Numbers, read_number, recognise_numbers, sign_of, unmarked
from lib.data.imports.recognition import header_in
from lib.data.imports.sampling import Sample, sample_of
from lib.data.imports.sources import named_files, unpacked
from lib.data.imports.words import countries, states
from lib.errors import DataError

__all__ = ["Proposal", "propose"]

EITHER = {"product": "product_name", "product_name": "product", "unit_price": "line_total", "line_total": "unit_price"}
EARLIEST = "2000-01-01"
AMOUNTS = ("unit_price", "line_total", "discount", "shipping", "tax")
PERCENT = re.compile(r"\s*%$")
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
        shops = [path for path in files if not report_of(samples_of(path, Path(folder)))] or files[:1]
        tables = [_table(data, as_csv(path, Path(folder), usual)[0], usual) for path in shops]
    header = tables[0][0]
    rows = [row for names, each in tables if names == header for row in each]
    signs = [sign_of(Counter(row[place].strip() for row in rows)) for place in range(len(header))]
    rows = [[unmarked(c, re.escape(sign)) if sign else c for c, sign in zip(row, signs, strict=True)] for row in rows]
    found = guesses(header, rows, fields)
    numbers = _numbers(found, header, rows)
    percents = [name for place, name in enumerate(header) if any(row[place].rstrip().endswith("%") for row in rows)]
    known = settled(found, _as_numbers(found, header, rows, numbers), percents)
    lines = list(_lines(fields, header, rows, known, numbers, _currency(known.found, header, rows, signs)))
    return Proposal("".join(f"{each}\n" for each in lines), sum("# missing" in each for each in lines))


def _table(data: Path, path: Path, usual: Layout) -> tuple[list[str], list[list[str]]]:
    """The header and a sample of the rows of a text file."""
    sample = sample_of(path)
    delimiter, line, header, _ = header_in(sample, usual)
    if len(header) < 2:
        delimiter, line, header = _sniffed(data, sample)
    return header, [row for row in sample.rows(delimiter, line) if len(row) == len(header)]


def _numbers(found: dict[str, Guess], header: list[str], rows: list[list[str]]) -> Numbers:
    """How the amounts are written."""
    cells = {
        field: Counter(PERCENT.sub("", row[header.index(guess.column)].strip()) for row in rows)
        for field, guess in found.items()
    }
    amounts = sum((cells.get(field, Counter()) for field in AMOUNTS), Counter[str]())
    return recognise_numbers(amounts, cells.get("quantity", Counter()))


def _as_numbers(found: dict[str, Guess], header: list[str], rows: list[list[str]], numbers: Numbers) -> pd.DataFrame:
    """The columns of numbers, by order."""
    text = pd.DataFrame(rows, columns=range(len(header)), dtype="str")
    index = text[header.index(found["order"].column)] if "order" in found else text.index
    read = {
        name: text[place]
        .map(
            {
                cell: float(read_number(PERCENT.sub("", cell.strip()), *numbers.styles[0]) or "nan")
                for cell in text[place].unique()
            }
        )
        .to_numpy()
        for place, name in enumerate(header)
    }
    frame = pd.DataFrame(read, index=index, dtype="float64")
    return frame.loc[:, frame.notna().any()]


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
    fields: Sequence[Column], header: list[str], rows: list[list[str]], known: Settled, numbers: Numbers, currency: str
) -> Iterator[str]:
    found = known.found
    cells = {field: Counter(row[header.index(guess.column)].strip() for row in rows) for field, guess in found.items()}
    for counted in cells.values():
        del counted[""]
    dates = recognise_dates(cells.get("order_date", Counter()))
    yield "as_of: auto                 # the day after the last order"
    yield f"currency: {currency}"
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
    unused = [name for name in header if name not in {guess.column for guess in found.values()}]
    yield f"# Columns that are not used: {', '.join(unused) or 'none'}"
    yield ""
    yield "# The first rows as they would be read:"
    personal = {field.name for field in fields if field.personal}
    for row in rows[:SHOWN_ROWS]:
        shown = {f: _shown(f, row[header.index(guess.column)], dates, numbers) for f, guess in found.items()}
        yield "#   " + " | ".join(f"{field} {'…' if field in personal else text}" for field, text in shown.items())


def _currency(found: dict[str, Guess], header: list[str], rows: list[list[str]], signs: list[str]) -> str:
    """The currency, with the comment on it."""
    if "currency" in found:
        named = Counter(row[header.index(found["currency"].column)].strip() for row in rows)
        several = ", ".join(f"{name} ({count:,})" for name, count in named.most_common() if name)
        if len(named.keys() - {""}) > 1:
            return f"auto              # missing: the file has {several}; write one, rows in another are rejected"
        return "auto              # sure: the one currency of the file"
    names = " ".join(header)
    for sign in sorted({*signs} - {""}) + re.findall(rf"(?<!\w)(?:{MARKS})(?!\w)", names):
        sure = "guessed" if sign == "$" or sign not in signs else "sure"
        return f"{SIGNS.get(sign, sign)}               # {sure}: amounts have the sign {sign}"
    return "auto              # missing: the file names no currency; write its ISO 4217 code, such as EUR"


def _optional(cells: dict[str, Counter[str]]) -> Iterator[str]:
    """The required fields that the file lacks, or has not in each row."""
    if "quantity" not in cells:
        yield "  optional: [quantity]      # guessed: without a column of quantities, each row is 1 unit"
    elif (
        "product_name" in cells
        and cells.get("product", Counter()).total() < cells["product_name"].total() > 0
        and "product" in cells
    ):
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
        text = PERCENT.sub("", text)
        text = " or ".join(read_number(text, *style) or "not a number" for style in numbers.styles)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _read(cell: str, form: str) -> str:
    found = pd.to_datetime(cell, format=form or "ISO8601", errors="coerce")
    return "not a date" if pd.isna(found) else f"{found:%Y-%m-%d %H:%M}"
