"""Parse the distinct text cells of a column by the column's type in the catalog."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lib.catalog import TYPES
from lib.data.imports.mapping import ReadOptions
from lib.data.parquet import uuid_array
from lib.util.countries import alpha3

__all__ = ["SERIAL", "TIMESTAMP", "Parsed", "Parser", "by_word", "from_serial", "matches", "parser_for"]

LARGEST_INTEGER = 2**31 - 1
INTEGER = r"-?0*[0-9]{1,10}(?:\.0*)?"
INTEGER_WITH_COMMA = r"-?0*[0-9]{1,10}(?:,0*|\.0{1,2})?"
ANY_INTEGER = r"-?[0-9]+(?:\.0*)?"
ANY_NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
NOT_FINITE = r"(?i)[+-]?(?:nan|inf|infinity)"

HEX = "[0-9A-Fa-f]"
UUID = rf"\{{?{HEX}{{8}}-?{HEX}{{4}}-?{HEX}{{4}}-?{HEX}{{4}}-?{HEX}{{12}}\}}?"
CANONICAL_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

# Characters that show nothing, and control characters with those that change the direction of text.
BLANK = r"[\s" + "\x85\xa0\xad\u1680\u180e\u2000-\u200f\u2028\u2029\u202f\u205f-\u2064\u3000\ufeff]*"
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f" + "\x80-\x9f\u202a-\u202e\u2066-\u2069]"

BOOLEANS = dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True) | dict.fromkeys(
    ("false", "f", "no", "n", "off", "0"), False
)

DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
DAY_AT_MIDNIGHT = rf"{DAY}(?:[T ]00:00(?::00(?:\.0+)?)?)?"
OFFSET = r" ?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
TIMESTAMP = rf"{DAY}(?:[T ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]{{1,9}})?)?(?:{OFFSET})?)?"
DECLARED = r"[ -~]*[0-9][ -~]*"  # ASCII with a digit: pandas parses `now`, `today` and Arabic digits as dates
SERIAL = r"(?:3[6-9]|[4-6][0-9]|7[0-2])[0-9]{3}(?:\.[0-9]+)?"  # days since 1899-12-30, from 1998 to 2099
LEAP_SECOND = r":60(?:[^0-9]|$)"  # pandas turns it into the next minute
TIME_DIRECTIVES = r"[\sT]*%[HIMpXcTR].*$"


@dataclass(frozen=True)
class Parsed:
    """Values (null where the text is empty or cannot be parsed), and repair -> whether each cell needed it."""

    values: pa.Array
    repairs: dict[str, pa.Array]


@dataclass(frozen=True)
class Parser:
    """How a type is parsed.

    Attributes:
        type: Arrow type of the values while rows are compared.
        parse: Values of tidied text.
        broken_rule: The rule that a cell breaks which `parse` could not read.
    """

    type: pa.DataType
    parse: Callable[[pa.Array, ReadOptions], Parsed]
    broken_rule: Callable[[str, ReadOptions], str]


def parser_for(type_name: str, options: ReadOptions) -> Parser:
    """The parser of a catalog type; keys are text if the mapping says so."""
    return PARSERS["text" if type_name == "uuid" and options.keys == "text" else type_name]


def matches(text: pa.Array, pattern: str, flags: str = "") -> pa.Array:
    """Whether the pattern matches the whole of each text."""
    return pc.match_substring_regex(text, rf"{flags}\A(?:{pattern})\z")


def by_word(text: pa.Array, meaning: Callable[[str], object], data_type: pa.DataType) -> pa.Array:
    """The meaning of each cell."""
    return pa.array([None if word is None else meaning(word) for word in text.to_pylist()], data_type)


def _keep_where(values: pa.Array, sound: pa.Array) -> pa.Array:
    """The values where they are sound, null elsewhere."""
    return pc.if_else(sound, values, None)


def _text(text: pa.Array, _: ReadOptions) -> Parsed:
    unusable = pc.match_substring_regex(text, rf"\A{BLANK}\z|{CONTROL}")
    return Parsed(_keep_where(text, pc.invert(unusable)), {})


def _text_rule(cell: str, _: ReadOptions) -> str:
    if "\0" in cell:
        return "nul_character"
    return "blank" if re.fullmatch(BLANK, cell) else "control_character"


def _country_code(text: pa.Array, _: ReadOptions) -> Parsed:
    return Parsed(by_word(text, lambda word: word if alpha3(word) else None, pa.string()), {})


def _boolean(text: pa.Array, _: ReadOptions) -> Parsed:
    other = pc.and_(matches(text, "|".join(BOOLEANS), "(?i)"), pc.invert(matches(text, "true|false")))
    values = by_word(text, lambda word: BOOLEANS.get(word.casefold()), pa.bool_())
    return Parsed(values, {"yes, no, 1, 0 and the like read as true or false": other})


def _uuid(text: pa.Array, _: ReadOptions) -> Parsed:
    known = _keep_where(text, matches(text, UUID))
    other = pc.and_(pc.invert(matches(text, CANONICAL_UUID)), pc.is_valid(known))
    values = uuid_array(pc.replace_substring_regex(known, "[{}]", ""))
    return Parsed(values, {"UUID rewritten in its standard form": other})


def _integer(text: pa.Array, options: ReadOptions) -> Parsed:
    sound = _keep_where(text, matches(text, INTEGER if options.decimal == "." else INTEGER_WITH_COMMA))
    numbers = pc.replace_substring_regex(sound, r"[.,].*", "").cast(pa.int64())
    fits = pc.less_equal(pc.abs(numbers), LARGEST_INTEGER)
    dropped = pc.and_(pc.match_substring_regex(sound, "[.,]"), fits)
    values = _keep_where(numbers, fits).cast(pa.int32())
    return Parsed(values, {"zero decimals dropped": dropped})


def _integer_rule(cell: str, _: ReadOptions) -> str:
    return "out_of_range" if re.fullmatch(ANY_INTEGER, cell) else "not_an_integer"


def _amount(kind: pa.Decimal128Type, text: pa.Array, options: ReadOptions) -> Parsed:
    """Decimals of a type, without a detour over binary fractions, which would change them."""
    whole, scale = kind.precision - kind.scale, kind.scale
    pattern = rf"-?(?:0*[0-9]{{1,{whole}}}(?:\.[0-9]{{0,{scale}}}0*)?|\.[0-9]{{1,{scale}}}0*)"
    sound = _keep_where(text, matches(text, _with_separator(pattern, options)))
    plain = sound if options.decimal == "." else pc.replace_substring(sound, options.decimal, ".")
    short = pc.replace_substring_regex(plain, rf"(\.[0-9]{{{scale}}})0+$", r"\1")
    return Parsed(short.cast(kind), {"zero decimals dropped": pc.not_equal(short, plain)})


def _amount_rule(kind: pa.Decimal128Type, cell: str, options: ReadOptions) -> str:
    if re.fullmatch(NOT_FINITE, cell):
        return "not_finite"
    if not re.fullmatch(_with_separator(ANY_NUMBER, options), cell):
        return "not_a_number"
    few_decimals = rf"-?[0-9]*\.?[0-9]{{0,{kind.scale}}}0*"
    return "out_of_range" if re.fullmatch(_with_separator(few_decimals, options), cell) else "too_many_decimals"


def _with_separator(pattern: str, options: ReadOptions) -> str:
    return pattern.replace(r"\.", re.escape(options.decimal))


def _day(text: pa.Array, options: ReadOptions) -> Parsed:
    """Days; of a declared format the part before the time of day."""
    if options.date_format:
        sound = _keep_where(text, matches(text, DECLARED))
        days = _datetimes(sound, re.sub(TIME_DIRECTIVES, "", options.date_format))
        return Parsed(pa.array(days, pa.timestamp("us"), from_pandas=True).cast(pa.date32()), {})
    sound = _keep_where(text, matches(text, DAY_AT_MIDNIGHT))
    days = _datetimes(pc.utf8_slice_codeunits(sound, 0, 10), "ISO8601")
    values = pa.array(days, pa.timestamp("us"), from_pandas=True).cast(pa.date32())
    return Parsed(values, {"time 00:00 of a date dropped": pc.greater(pc.utf8_length(sound), 10)})


def from_serial(cell: str, options: ReadOptions) -> str:
    """A date that Excel wrote as a serial number, as the dates of the file are written; other texts as they are."""
    if not re.fullmatch(SERIAL, cell):
        return cell
    moment = datetime(1899, 12, 30) + timedelta(seconds=round(float(cell) * 86_400))
    form = options.date_format or "%Y-%m-%d %H:%M:%S"
    written = moment.strftime(form)
    return written if datetime.strptime(written, form) == moment else cell  # a format of days would lose the time


def _day_rule(cell: str, options: ReadOptions) -> str:
    if re.fullmatch(SERIAL, cell):
        return "excel_serial"
    return "not_a_date" if options.date_format or re.fullmatch(DAY_AT_MIDNIGHT, cell) else "not_iso"


def _timestamp(text: pa.Array, options: ReadOptions) -> Parsed:
    """Timestamps in UTC; naive ones are in the declared time zone."""
    if options.date_format:
        return _declared_timestamp(_keep_where(text, matches(text, DECLARED)), options)
    sound = _keep_where(text, matches(text, TIMESTAMP))
    cut = pc.replace_substring_regex(sound, r"(\.[0-9]{6})[0-9]+", r"\1")
    has_offset = pc.match_substring_regex(sound, rf":[0-9]{{2}}.*{OFFSET}$")
    naive = _keep_where(cut, pc.invert(has_offset))
    localized, repairs = _localized(_datetimes(naive, "ISO8601"), options)
    aware = pd.to_datetime(_series(_keep_where(cut, has_offset)), format="ISO8601", errors="coerce", utc=True)
    values = _utc(aware.dt.as_unit("us").where(aware.notna(), localized))
    repairs["nanoseconds truncated to microseconds"] = pc.not_equal(cut, sound)
    repairs["date without a time read as midnight"] = pc.equal(pc.utf8_length(naive), 10)
    return Parsed(values, repairs)


def _declared_timestamp(text: pa.Array, options: ReadOptions) -> Parsed:
    text = _keep_where(text, pc.invert(pc.match_substring_regex(text, LEAP_SECOND)))
    if "%z" in options.date_format:
        aware = pd.to_datetime(_series(text), format=options.date_format, errors="coerce", utc=True)
        return Parsed(_utc(aware), {})
    localized, repairs = _localized(_datetimes(text, options.date_format), options)
    return Parsed(_utc(localized), repairs)


def _localized(naive: pd.Series, options: ReadOptions) -> tuple[pd.Series, dict[str, pa.Array]]:
    """Naive timestamps of the declared zone in UTC: the first of an ambiguous pair, NaT for a time that is skipped."""
    first = np.ones(len(naive), bool)
    zoned = naive.dt.tz_localize(options.time_zone, ambiguous=first, nonexistent="NaT")
    unambiguous = naive.dt.tz_localize(options.time_zone, ambiguous="NaT", nonexistent="NaT")
    repairs = {
        f"naive timestamp read in {options.time_zone}": pa.array(zoned.notna()),
        "ambiguous time: the first of two was used": pa.array(zoned.notna() & unambiguous.isna()),
    }
    return zoned.dt.tz_convert("UTC"), repairs


def _timestamp_rule(cell: str, options: ReadOptions) -> str:
    if re.fullmatch(SERIAL, cell):
        return "excel_serial"
    if not re.fullmatch(DECLARED if options.date_format else TIMESTAMP, cell):
        return "not_a_date" if options.date_format else "not_iso"
    exists = _datetimes(pa.array([cell]), options.date_format or "ISO8601").notna()[0]
    return "no_such_time" if exists and not re.search(LEAP_SECOND, cell) else "not_a_date"


def _datetimes(text: pa.Array, date_format: str) -> pd.Series:
    return pd.to_datetime(_series(text), format=date_format, errors="coerce").dt.as_unit("us")


def _series(text: pa.Array) -> pd.Series:
    return pd.Series(text.to_numpy(zero_copy_only=False), dtype="object")


def _utc(timestamps: pd.Series) -> pa.Array:
    return pa.array(timestamps.dt.as_unit("us"), TYPES["timestamptz"].arrow, from_pandas=True)


def _amounts(kind: pa.Decimal128Type) -> Parser:
    return Parser(kind, partial(_amount, kind), partial(_amount_rule, kind))


PARSERS: dict[str, Parser] = {
    "uuid": Parser(pa.uuid(), _uuid, lambda cell, _: "not_a_uuid"),
    "text": Parser(pa.string(), _text, _text_rule),
    "char2": Parser(pa.string(), _country_code, lambda cell, _: "not_a_country_code"),
    "money": _amounts(TYPES["money"].arrow),
    "unit_price": _amounts(TYPES["unit_price"].arrow),
    "integer": Parser(pa.int32(), _integer, _integer_rule),
    "boolean": Parser(pa.bool_(), _boolean, lambda cell, _: "not_a_boolean"),
    "date": Parser(pa.date32(), _day, _day_rule),
    "timestamptz": Parser(TYPES["timestamptz"].arrow, _timestamp, _timestamp_rule),
}
