"""Columns of text as typed cells, with the rule that each cell breaks.

A field of a format is a function of this kind: the tidied text of all fields, the name of its own, the dialect.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lib.countries import code
from lib.sources.dialect import Dialect

__all__ = [
    "CENTS",
    "YEARS",
    "Fields",
    "Parsed",
    "country",
    "country_codes",
    "first_broken",
    "instant",
    "optional_text",
    "price",
    "required_text",
    "whole_number",
]

YEARS = (2000, 2100)
MOST = 2**31 - 1  # the database's integer
CENTS = pa.decimal128(12, 2)
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f" + "\x80-\x9f\u202a-\u202e\u2066-\u2069]"
BLANK = r"[\s" + "\u200b-\u200d\u2060\ufeff]*"
INTEGER = r"-?[0-9]+(?:\.0*)?"
NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
NO_NUMBER = r"(?i)[+-]?(?:nan|inf|infinity)"
PRECISE = r"-?[0-9]*\.?[0-9]{0,2}0*"
LARGE = r"^-?0*[1-9][0-9]{10}"  # more than ten digits before the point
DATE = r"[ -~]*[0-9][ -~]*"  # ASCII with a digit: pandas reads `now`, `today` and Arabic digits as dates
LEAP = ":60"  # pandas rolls the sixtieth second over


@dataclass(frozen=True)
class Parsed:
    """A field's typed cells, the rule each breaks (empty where none), and counts of what was normalised."""

    cells: pd.Series
    rules: np.ndarray
    notes: dict[str, int] = field(default_factory=dict)


Fields = Mapping[str, Callable[[pd.DataFrame, str, Dialect], Parsed]]


def optional_text(text: pd.DataFrame, name: str, _: Dialect) -> Parsed:
    """Text as it is, perhaps empty."""
    return Parsed(text[name], first_broken({"control_character": text[name].str.contains(CONTROL)}))


def required_text(text: pd.DataFrame, name: str, dialect: Dialect) -> Parsed:
    """Text as it is, with something in it that can be seen."""
    found = optional_text(text, name, dialect)
    return Parsed(found.cells, np.where(_matches(found.cells, BLANK), "missing", found.rules))


def whole_number(text: pd.DataFrame, name: str, _: Dialect) -> Parsed:
    """Whole numbers as int64, as large as the database's integer; decimals that are zero are dropped."""
    values = text[name]
    whole, large = _matches(values, INTEGER), values.str.contains(LARGE)
    numbers = values.where(whole & ~large, "0").str.replace(r"\..*", "", regex=True).astype("int64")
    rules = {"missing": values == "", "not_an_integer": ~whole, "out_of_range": large | (numbers.abs() > MOST)}
    decimals = (whole & ~large & values.str.contains(".", regex=False)).sum()
    return Parsed(numbers, first_broken(rules), {f"{name}: written with decimals that are zero": decimals})


def price(text: pd.DataFrame, name: str, _: Dialect) -> Parsed:
    """Whole cents above zero, by decimal arithmetic: a binary fraction would bend them."""
    values = text[name]
    number, precise, large = _matches(values, NUMBER), _matches(values, PRECISE), values.str.contains(LARGE)
    short = values.where(number & precise & ~large, "0").str.replace(r"(\.[0-9]{2})0+$", r"\1", regex=True)
    cents = pc.multiply(pa.array(short).cast(CENTS), 100).cast(pa.int64())
    rules = {
        "missing": values == "",
        "not_finite": _matches(values, NO_NUMBER),
        "not_a_number": ~number,
        "not_positive": values.str.startswith("-") | (number & ~values.str.contains("[1-9]")),
        "too_many_decimals": ~precise,
        "out_of_range": large,
    }
    return Parsed(pd.Series(cents.to_numpy(), values.index), first_broken(rules))


def instant(text: pd.DataFrame, name: str, dialect: Dialect) -> Parsed:
    """Instants in UTC; an hour that the clocks show twice is taken as the first of the two, and counted."""
    values = text[name]
    sound = _matches(values, DATE) & ~values.str.contains(LEAP, regex=False)
    local = _local(values.where(sound), dialect)
    in_range = local.dt.year.between(YEARS[0], YEARS[1] - 1)
    instants = _to_utc(local.where(in_range), dialect, np.ones(len(local), bool))
    rules = {
        "missing": values == "",
        "not_a_date": local.isna(),
        "year_out_of_range": ~in_range,
        "no_such_time": instants.isna(),
    }
    twice = instants.notna() & _to_utc(local.where(in_range), dialect, "NaT").isna()
    return Parsed(instants, first_broken(rules), {f"{name}: the first of two equal clock times": twice.sum()})


def _local(values: pd.Series, dialect: Dialect) -> pd.Series:
    """Clock times of the shop; with an offset in the format the instants themselves."""
    offset = "%z" in dialect.date_format
    return pd.to_datetime(values, format=dialect.date_format, errors="coerce", utc=offset or None).dt.as_unit("us")


def _to_utc(local: pd.Series, dialect: Dialect, ambiguous: Any) -> pd.Series:
    if local.dt.tz is not None:
        return local.dt.tz_convert("UTC")
    return local.dt.tz_localize(dialect.time_zone, ambiguous=ambiguous, nonexistent="NaT").dt.tz_convert("UTC")


def country(text: pd.DataFrame, name: str, dialect: Dialect) -> Parsed:
    """Names of countries as they are written, perhaps empty."""
    return Parsed(text[name], first_broken({"unknown_country": country_codes(text[name], dialect).isna()}))


def country_codes(names: pd.Series, dialect: Dialect) -> pd.Series:
    """ISO 3166 code of each name: empty for no name and for no single country, missing for an unknown name."""
    return names.map({name: dialect.countries.get(name.casefold(), code(name)) for name in names.unique()})


def first_broken(rules: dict[str, pd.Series]) -> np.ndarray:
    """Name of the first rule that each line breaks, empty where it breaks none."""
    return np.select([broken.to_numpy(bool) for broken in rules.values()], list(rules), "")


def _matches(values: pd.Series, pattern: str) -> pd.Series:
    """Whether the whole of each text fits; by Arrow, since pandas asks Python text by text."""
    return pd.Series(pc.match_substring_regex(pa.array(values), rf"\A(?:{pattern})\z").to_numpy(False), values.index)
