"""The validated `mapping` of a params file: how files write columns, numbers, dates and texts."""

import codecs
import csv
import difflib
from calendar import isleap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from lib.catalog import Column
from lib.errors import UsageError
from lib.util.countries import alpha3

__all__ = ["Dialect", "Layout", "dialect_of", "layout_of", "near"]

# Each setting with a call that fails for invalid values, and what was expected.
TRIALS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "delimiter": (
        lambda sign: csv.reader([], delimiter=sign),
        'expected one character, such as "," or ";" or "\\t"',
    ),
    "encoding": (
        "".encode,
        "expected an encoding such as utf-8 or cp1252",
    ),
    "date_format": (
        lambda words: pd.to_datetime(pd.Series(["1"]), format=words or None, errors="coerce"),
        'expected a format of Python\'s strptime, such as %d.%m.%Y %H:%M, or "" for ISO 8601',
    ),
    "time_zone": (
        ZoneInfo,
        "expected an IANA name such as UTC or Europe/London",
    ),
}


@dataclass(frozen=True)
class Dialect:
    """How cells are written. countries: case-folded name -> code, empty for none. latest: last valid day."""

    delimiter: str
    encoding: str
    decimal: str
    date_format: str
    time_zone: str
    null_words: tuple[str, ...]
    ignore_extra: bool
    countries: dict[str, str]
    keys: str
    latest: date


@dataclass(frozen=True)
class Layout:
    """Columns of a file as in the catalog, their names in the file, and those that must be in the file.

    An optional column without a name is not in the file.
    """

    name: str
    columns: tuple[Column, ...]
    names: dict[str, str]
    needed: frozenset[str]


def dialect_of(mapping: Mapping[str, Any], as_of: date) -> Dialect:
    """The settings of the mapping; raises UsageError for an invalid one."""
    for name, (attempt, example) in TRIALS.items():
        try:
            attempt(mapping[name])
        except (LookupError, ValueError, TypeError, OSError) as error:
            raise UsageError(f"mapping.{name} is {mapping[name]!r} ({error}); {example}") from error
    encoding = codecs.lookup(mapping["encoding"]).name
    return Dialect(
        delimiter=mapping["delimiter"],
        encoding="utf-8-sig" if encoding == "utf-8" else encoding,
        decimal=mapping["decimal"],
        date_format=mapping["date_format"],
        time_zone=mapping["time_zone"],
        null_words=tuple(mapping["null_words"]),
        ignore_extra=mapping["ignore_extra"],
        countries=_countries(mapping["countries"]),
        keys=mapping["keys"],
        latest=_a_year_after(as_of),
    )


def _countries(codes: Mapping[str, str]) -> dict[str, str]:
    for name, code in codes.items():
        if code != "" and alpha3(code) is None:
            hint = "expected a quoted ISO 3166-1 code such as 'NO' (YAML reads a bare NO as false), or '' for none"
            raise UsageError(f"mapping.countries: code of {name!r} is {code!r}; {hint}")
    return {name.casefold(): code for name, code in codes.items()}


def _a_year_after(day: date) -> date:
    leap_day = (day.month, day.day) == (2, 29) and not isleap(day.year + 1)
    return day.replace(year=day.year + 1, day=28 if leap_day else day.day)


def layout_of(name: str, columns: tuple[Column, ...], names: Mapping[str, str], place: str) -> Layout:
    """The layout of a file: columns with the names of the mapping, which must be in the file, or their own names.

    Raises:
        UsageError: The mapping at `place` has an unknown field or an invalid column name.
    """
    known = [column.name for column in columns]
    required = {column.name for column in columns if not column.optional}
    for field, called in names.items():
        if field not in known:
            raise UsageError(
                f"{place}: unknown field {field!r}{near(field, known)}; expected one of {', '.join(known)}"
            )
        if not isinstance(called, str) or (not called and field in required):
            raise UsageError(f"{place}.{field} is {called!r}; expected the name of one column of the file")
    needed = required | {field for field, called in names.items() if called}
    return Layout(name, columns, {field: field for field in known} | dict(names), frozenset(needed))


def near(word: str, known: Iterable[str]) -> str:
    """A suggestion of the closest known name; empty without one."""
    found = difflib.get_close_matches(word.casefold(), {name.casefold(): name for name in known}, 1)
    return f" (did you mean {next(name for name in known if name.casefold() == found[0])}?)" if found else ""
