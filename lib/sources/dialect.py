"""The `mapping` section of a params file, checked: how a shop's file writes its columns, texts, dates and countries."""

import codecs
import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from lib.countries import alpha3
from lib.errors import UsageError

__all__ = ["Dialect", "dialect_of"]

# Each setting with what only a usable value survives, and an example of one.
TRIALS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "delimiter": (
        lambda sign: csv.reader([], delimiter=sign),
        'wanted one character, such as "," or ";" or "\\t"',
    ),
    "encoding": (
        "".encode,
        "wanted an encoding such as utf-8 or cp1252",
    ),
    "date_format": (
        lambda words: pd.to_datetime(pd.Series(["1"]), format=words, errors="coerce"),
        "wanted the parts of Python's strptime, such as %Y-%m-%d %H:%M:%S",
    ),
    "time_zone": (
        ZoneInfo,
        "wanted a name such as UTC or Europe/London",
    ),
}


@dataclass(frozen=True)
class Dialect:
    """Columns are our field -> the file's name; countries are case-folded name -> code, empty for none."""

    columns: dict[str, str]
    delimiter: str
    encoding: str
    date_format: str
    time_zone: str
    countries: dict[str, str]


def dialect_of(mapping: Mapping[str, Any], fields: Iterable[str]) -> Dialect:
    """The mapping of these fields; raises UsageError for a field without a column and a setting that cannot be."""
    lacking = [name for name in fields if name not in mapping["columns"]]
    if lacking:
        raise UsageError(f"mapping.columns does not say which column of the file holds: {', '.join(lacking)}")
    for name, (attempt, example) in TRIALS.items():
        try:
            attempt(mapping[name])
        except (LookupError, ValueError, TypeError, OSError) as error:
            raise UsageError(f"mapping.{name} is {mapping[name]!r} ({error}); {example}") from error
    encoding = codecs.lookup(mapping["encoding"]).name
    return Dialect(
        columns={name: mapping["columns"][name] for name in fields},
        delimiter=mapping["delimiter"],
        encoding="utf-8-sig" if encoding == "utf-8" else encoding,
        date_format=mapping["date_format"],
        time_zone=mapping["time_zone"],
        countries=_countries(mapping["countries"]),
    )


def _countries(codes: Mapping[str, str]) -> dict[str, str]:
    for name, code in codes.items():
        if code != "" and alpha3(code) is None:
            hint = "wanted a quoted ISO 3166-1 code such as 'NO' (YAML reads a bare NO as false), or '' for none"
            raise UsageError(f"mapping.countries gives {name!r} the code {code!r}; {hint}")
    return {"": ""} | {name.casefold(): code for name, code in codes.items()}
