"""How the dates of a file are written: each format of a short list is tried on all different cells of a sample."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from lib.data.imports.parsing import SERIAL, TIMESTAMP

__all__ = ["Dates", "recognise_dates", "twin"]

ISO = ""
YEAR_FIRST = ("%Y/%m/%d", "%Y.%m.%d", "%Y%m%d")
NAMED = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%b-%Y", "%d-%b-%y")
DOTTED = ("%d.%m.%Y", "%d.%m.%y")  # with points, the day always comes first
ORDERED = ("%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%Y", "%m-%d-%Y")
CLOCK = re.compile(r"([T ,]{1,2})(\d{1,2}:\d{2})(:\d{2})?([.,]\d{1,6})?( ?[AaPp][Mm])?( ?(?:[+-]\d{2}:?\d{2}|Z))?$")
PLAUSIBLE = re.compile(r"(?=.*\d)[\w .,:/+T-]{6,40}")


class Dates(NamedTuple):
    """The reading of a sample of dates.

    Attributes:
        formats: The formats that read the most cells, one for each different reading; "" for ISO 8601.
        cells: Plausible dates of the sample.
        agree: How many of them these formats read.
        example: The first cell.
        against: Cells that only the other order of day and month reads.
        both_ways: How many cells read as two different days, by one of `formats` and by its twin.
        one_way: How many cells only the first of `formats` reads, and not its twin; 0 without a twin.
        serials: How many cells look like Excel serial numbers.
        offsets: How many cells have an offset from UTC.
        first: The first day; None without any.
    """

    formats: tuple[str, ...]
    cells: int
    agree: int
    example: str
    against: int
    both_ways: int
    one_way: int
    serials: int
    offsets: int
    first: pd.Timestamp | None


def recognise_dates(cells: Counter[str], fixed: str | None = None) -> Dates:
    """How the cells, with their number of rows, are written; `fixed` is the format if the mapping has one."""
    serials = sum(count for cell, count in cells.items() if re.fullmatch(SERIAL, cell))
    plausible = {c: n for c, n in cells.items() if PLAUSIBLE.fullmatch(c) and not re.fullmatch(SERIAL, c)}
    counts = pd.Series(plausible, dtype="int64")
    text = pd.Series(list(plausible), dtype="str")
    offsets = sum(count for cell, count in plausible.items() if (found := CLOCK.search(cell)) and found[6])
    total = int(counts.sum())
    candidates = [fixed] if fixed is not None else list(_candidates(text, counts))
    readings = {form: _read(text, form) for form in candidates}
    fits = {form: int(counts[parsed.notna().to_numpy()].sum()) for form, parsed in readings.items()}
    most = max(fits.values(), default=0)
    best: list[str] = []
    for form in (form for form, count in fits.items() if count == most and most):
        if not any(readings[form].equals(readings[other]) for other in best):
            best.append(form)
    main = best[0] if best else ISO
    own = readings[main] if best else _read(text, main)
    other = _read(text, twin(main)) if twin(main) else own
    both = own.notna() & other.notna() & (own != other)
    against, alone = own.isna() & other.notna(), own.notna() & other.isna()
    first = next(iter(text[both.to_numpy()]), next(iter(text), ""))
    return Dates(
        tuple(best), total, most, first, int(counts[against.to_numpy()].sum()), int(counts[both.to_numpy()].sum()),
        int(counts[alone.to_numpy()].sum()), serials, offsets, own.min() if own.notna().any() else None,
    )  # fmt: skip


def twin(form: str) -> str:
    """The format with day and month in the other order; empty for one that has only one order."""
    if not re.match(r"%[dm][/-]%[dm]", form):
        return ""
    return form[:1] + form[4] + form[2:4] + form[1] + form[5:]


def _candidates(text: pd.Series, counts: pd.Series) -> Iterator[str]:
    """ISO 8601, and each format of a date with the time of day as most cells have it."""
    yield ISO
    clocks: Counter[str] = Counter()
    for cell, count in zip(text, counts, strict=True):
        clocks[_clock(cell)] += int(count)
    clock = clocks.most_common(1)[0][0] if clocks else ""
    few = text.head(50)
    for form in (f"{day}{clock}" for day in (*YEAR_FIRST, *DOTTED, *ORDERED, *NAMED)):
        if _read(few, form).notna().any() or _read(text.tail(50), form).notna().any():
            yield form


def _clock(cell: str) -> str:
    """Directives of the time of day at the end of a cell, with the separator before it; empty without one."""
    found = CLOCK.search(cell)
    if not found:
        return ""
    separator, _, seconds, fraction, half, offset = found.groups()
    hours = "%I" if half else "%H"
    parts = [separator, hours, ":%M", ":%S" if seconds else "", f"{fraction[0]}%f" if fraction else ""]
    parts += [" %p" if half and half.startswith(" ") else "%p" if half else ""]
    return "".join(parts) + ((" " if offset.startswith(" ") else "") + "%z" if offset else "")


def _read(text: pd.Series, form: str) -> pd.Series:
    """The cells as instants by a format, NaT where it does not fit."""
    if form == ISO:
        sound = text.where(text.str.fullmatch(TIMESTAMP))
        return pd.to_datetime(sound, format="ISO8601", errors="coerce", utc=True)
    return pd.to_datetime(text, format=form, errors="coerce", utc=True)
