"""The `mapping` section of a params file, checked: how imported files write numbers, dates and texts."""

import codecs
import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from lib.errors import UsageError
from lib.util.countries import alpha3

__all__ = ["ReadOptions", "read_options"]

# Setting -> a call that fails on an unusable value, and what is expected.
TRIALS: dict[str, tuple[Callable[[Any], object], str]] = {
    "delimiter": (
        lambda character: csv.reader([], delimiter=character),
        'one character, such as "," or ";" or "\\t"',
    ),
    "encoding": (
        "".encode,
        "an encoding such as utf-8 or cp1252",
    ),
    "date_format": (
        lambda text: pd.to_datetime(pd.Series(["1"]), format=text or None, errors="coerce"),
        'directives of Python\'s strptime, such as %d.%m.%Y %H:%M, or "" for ISO 8601',
    ),
    "time_zone": (
        ZoneInfo,
        "a time zone such as UTC or Europe/London",
    ),
}


@dataclass(frozen=True)
class ReadOptions:
    """How the cells of the files are written.

    Attributes:
        null_words: Texts that mean an empty cell.
        ignore_extra: Leave out columns that are not fields, instead of failing.
        countries: Case-folded text of the files -> country code; "" for none.
        keys: `uuid`, or `text` for keys of any other form.
        latest: Last plausible date.
    """

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


def read_options(mapping: Mapping[str, Any], as_of: date) -> ReadOptions:
    """The options of a mapping.

    Raises:
        UsageError: A setting has an unusable value.
    """
    for name, (attempt, expected) in TRIALS.items():
        try:
            attempt(mapping[name])
        except (LookupError, ValueError, TypeError, OSError) as error:
            raise UsageError(f"mapping.{name} is {mapping[name]!r} ({error}); expected {expected}") from error
    encoding = codecs.lookup(mapping["encoding"]).name
    return ReadOptions(
        delimiter=mapping["delimiter"],
        encoding="utf-8-sig" if encoding == "utf-8" else encoding,
        decimal=mapping["decimal"],
        date_format=mapping["date_format"],
        time_zone=mapping["time_zone"],
        null_words=tuple(mapping["null_words"]),
        ignore_extra=mapping["ignore_extra"],
        countries=_countries(mapping["countries"]),
        keys=mapping["keys"],
        latest=_one_year_after(as_of),
    )


def _countries(codes: Mapping[str, str]) -> dict[str, str]:
    for name, code in codes.items():
        if code != "" and alpha3(code) is None:
            raise UsageError(
                f"mapping.countries: code of {name!r} is {code!r}; expected a quoted ISO 3166-1 code "
                "such as 'NO' (YAML reads a bare NO as false), or '' for none"
            )
    return {name.casefold(): code for name, code in codes.items()}


def _one_year_after(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year + 1, day=28)
