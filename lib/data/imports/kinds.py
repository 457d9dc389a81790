"""Convert text cells to the catalog's types, counting conversions and naming the rule that a bad cell breaks."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lib.catalog import TYPES
from lib.data.imports.dialect import Dialect
from lib.data.parquet import uuid_array
from lib.util.countries import alpha3

__all__ = [
    "BLANK",
    "Kind",
    "Read",
    "count",
    "kind_of",
    "matches",
    "only",
    "read_day",
    "read_instant",
    "why_no_day",
    "why_no_instant",
]

DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
MIDNIGHT = r"[T ]00:00(?::00(?:\.0+)?)?"
OFFSET = r" ?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
INSTANT = rf"{DAY}(?:[T ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]{{1,9}})?)?(?:{OFFSET})?)?"
DECLARED = r"[ -~]*[0-9][ -~]*"  # ASCII with a digit: pandas would read `now`, `today` and Arabic digits as dates
LEAP = r":60(?:[^0-9]|$)"  # pandas rolls second 60 over to the next minute
TIME_OF_DAY = r"[\sT]*%[HIMpXcTR].*$"
MOST = 2**31 - 1  # PostgreSQL's integer
BLANK = (
    r"[\s" + "\x85\xa0\xad\u1680\u180e\u2000-\u200f\u2028\u2029\u202f\u205f-\u2064\u3000\ufeff]*"
)  # invisible characters
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f" + "\x80-\x9f\u202a-\u202e\u2066-\u2069]"
INTEGER = r"-?0*[0-9]{1,10}(?:\.0*)?"
ANY_INTEGER = r"-?[0-9]+(?:\.0*)?"
MONEY = r"-?(?:0*[0-9]{1,10}(?:\.[0-9]{0,2}0*)?|\.[0-9]{1,2}0*)"  # ten digits and cents: numeric(12, 2)
ANY_NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
PRECISE = r"-?[0-9]*\.?[0-9]{0,2}0*"
NO_NUMBER = r"(?i)[+-]?(?:nan|inf|infinity)"
SPELLING = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
HEX = "[0-9A-Fa-f]"
UUID = rf"\{{?{HEX}{{8}}-?{HEX}{{4}}-?{HEX}{{4}}-?{HEX}{{4}}-?{HEX}{{12}}\}}?"
WORDS = dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True) | dict.fromkeys(
    ("false", "f", "no", "n", "off", "0"), False
)


@dataclass(frozen=True)
class Read:
    """Values, null where the text is empty or invalid, and the number of cells by conversion."""

    values: pa.Array
    repairs: Counter[str]


def matches(text: pa.Array, pattern: str, flags: str = "") -> pa.Array:
    """Whether each text matches the pattern as a whole."""
    return pc.match_substring_regex(text, rf"{flags}\A(?:{pattern})\z")


def only(values: pa.Array, sound: pa.Array) -> pa.Array:
    """The values where `sound`, null elsewhere."""
    return pc.if_else(sound, values, None)


def count(flags: pa.Array) -> int:
    """Number of true flags."""
    return int(pc.sum(flags).as_py() or 0)


def read_day(text: pa.Array, dialect: Dialect) -> Read:
    """Days; with a declared format only its part before the time of day."""
    if dialect.date_format:
        days = _dates(only(text, matches(text, DECLARED)), re.sub(TIME_OF_DAY, "", dialect.date_format))
        return Read(pa.array(days, pa.timestamp("us"), from_pandas=True).cast(pa.date32()), Counter())
    sound = only(text, matches(text, f"{DAY}(?:{MIDNIGHT})?"))
    days = _dates(pc.utf8_slice_codeunits(sound, 0, 10), "ISO8601")
    values = pa.array(days, pa.timestamp("us"), from_pandas=True).cast(pa.date32())
    return Read(values, Counter({"time 00:00 of a date dropped": count(pc.greater(pc.utf8_length(sound), 10))}))


def read_instant(text: pa.Array, dialect: Dialect) -> Read:
    """Timestamps in UTC; naive ones are in the declared time zone, the first of two equal ones when clocks go back."""
    if dialect.date_format:
        return _declared_instant(only(text, matches(text, DECLARED)), dialect)
    sound = only(text, matches(text, INSTANT))
    cut = pc.replace_substring_regex(sound, r"(\.[0-9]{6})[0-9]+", r"\1")
    offset = pc.match_substring_regex(sound, rf":[0-9]{{2}}.*{OFFSET}$")
    naive = only(cut, pc.invert(offset))
    clocks, repairs = _in_zone(_dates(naive, "ISO8601"), dialect)
    instants = pd.to_datetime(_series(only(cut, offset)), format="ISO8601", errors="coerce", utc=True)
    values = _utc(instants.dt.as_unit("us").where(instants.notna(), clocks))
    shorter = count(pc.not_equal(cut, sound))
    days = count(pc.equal(pc.utf8_length(naive), 10))
    notes = {"nanoseconds truncated to microseconds": shorter, "date without a time read as midnight": days}
    return Read(values, repairs + Counter(notes))


def _declared_instant(text: pa.Array, dialect: Dialect) -> Read:
    text = only(text, pc.invert(pc.match_substring_regex(text, LEAP)))
    if "%z" in dialect.date_format:
        found = pd.to_datetime(_series(text), format=dialect.date_format, errors="coerce", utc=True)
        return Read(_utc(found), Counter())
    instants, repairs = _in_zone(_dates(text, dialect.date_format), dialect)
    return Read(_utc(instants), repairs)


def _in_zone(local: pd.Series, dialect: Dialect) -> tuple[pd.Series, Counter[str]]:
    """UTC timestamps of naive ones; a time that the clocks skip is null."""
    first = np.ones(len(local), bool)
    zoned = local.dt.tz_localize(dialect.time_zone, ambiguous=first, nonexistent="NaT")
    twice = zoned.notna() & local.dt.tz_localize(dialect.time_zone, ambiguous="NaT", nonexistent="NaT").isna()
    notes = {
        f"naive timestamp read in {dialect.time_zone}": int(zoned.notna().sum()),
        "ambiguous time: the first of two was used": int(twice.sum()),
    }
    return zoned.dt.tz_convert("UTC"), Counter(notes)


def why_no_day(cell: str, dialect: Dialect) -> str:
    """The rule that an invalid day breaks."""
    return "not_a_date" if dialect.date_format or re.fullmatch(f"{DAY}(?:{MIDNIGHT})?", cell) else "not_iso"


def why_no_instant(cell: str, dialect: Dialect) -> str:
    """The rule that an invalid timestamp breaks."""
    text = pa.array([cell])
    sound = DECLARED if dialect.date_format else INSTANT
    if not re.fullmatch(sound, cell):
        return "not_a_date" if dialect.date_format else "not_iso"
    known = _dates(text, dialect.date_format or "ISO8601").notna()[0] and not re.search(LEAP, cell)
    return "no_such_time" if known else "not_a_date"


def _dates(text: pa.Array, date_format: str) -> pd.Series:
    return pd.to_datetime(_series(text), format=date_format, errors="coerce").dt.as_unit("us")


def _series(text: pa.Array) -> pd.Series:
    return pd.Series(text.to_numpy(zero_copy_only=False), dtype="str")


def _utc(instants: pd.Series) -> pa.Array:
    return pa.array(instants.dt.as_unit("us"), TYPES["timestamptz"].arrow, from_pandas=True)


@dataclass(frozen=True)
class Kind:
    """A type: its Arrow type while rows are compared, its reader, and the rule that an invalid cell breaks."""

    type: pa.DataType
    read: Callable[[pa.Array, Dialect], Read]
    why: Callable[[str, Dialect], str]


def kind_of(type_name: str, dialect: Dialect) -> Kind:
    """The kind of a catalog type; keys are text if the mapping says so."""
    return KINDS["text" if type_name == "uuid" and dialect.keys == "text" else type_name]


def _text(text: pa.Array, _: Dialect) -> Read:
    return Read(only(text, pc.invert(pc.match_substring_regex(text, rf"\A{BLANK}\z|{CONTROL}"))), Counter())


def _why_no_text(cell: str, _: Dialect) -> str:
    if "\0" in cell:
        return "nul_character"
    return "blank" if re.fullmatch(BLANK, cell) else "control_character"


def _country_code(text: pa.Array, _: Dialect) -> Read:
    return Read(_by_word(text, lambda word: word if alpha3(word) else None, pa.string()), Counter())


def _boolean(text: pa.Array, _: Dialect) -> Read:
    other = pc.and_(matches(text, "|".join(WORDS), "(?i)"), pc.invert(matches(text, "true|false")))
    values = _by_word(text, lambda word: WORDS.get(word.casefold()), pa.bool_())
    return Read(values, Counter({"yes, no, 1, 0 and the like read as true or false": count(other)}))


def _by_word(text: pa.Array, meaning: Callable[[str], object], kind: pa.DataType) -> pa.Array:
    """The meaning of each cell; each distinct word is looked up once."""
    encoded = text.dictionary_encode()
    return pa.array([meaning(word) for word in encoded.dictionary.to_pylist()], kind).take(encoded.indices)


def _uuid(text: pa.Array, _: Dialect) -> Read:
    other = pc.invert(matches(text, SPELLING))
    known = only(text, matches(text, UUID))
    plain = pc.replace_substring_regex(known, "[{}]", "")
    return Read(
        uuid_array(plain), Counter({"UUID rewritten in its standard form": count(pc.and_(other, pc.is_valid(known)))})
    )


def _integer(text: pa.Array, _: Dialect) -> Read:
    sound = only(text, matches(text, INTEGER))
    numbers = pc.replace_substring_regex(sound, r"\..*", "").cast(pa.int64())
    fits = pc.less_equal(pc.abs(numbers), MOST)
    dropped = pc.and_(pc.match_substring(sound, "."), fits)
    return Read(only(numbers, fits).cast(pa.int32()), Counter({"zero decimals dropped": count(dropped)}))


def _why_no_integer(cell: str, _: Dialect) -> str:
    return "out_of_range" if re.fullmatch(ANY_INTEGER, cell) else "not_an_integer"


def _money(text: pa.Array, dialect: Dialect) -> Read:
    """Cents by decimal arithmetic: binary fractions would change them."""
    sound = only(text, matches(text, _with_sign(MONEY, dialect)))
    plain = sound if dialect.decimal == "." else pc.replace_substring(sound, dialect.decimal, ".")
    short = pc.replace_substring_regex(plain, r"(\.[0-9]{2})0+$", r"\1")
    dropped = count(pc.not_equal(short, plain))
    return Read(short.cast(TYPES["money"].arrow), Counter({"zero decimals beyond cents dropped": dropped}))


def _why_no_money(cell: str, dialect: Dialect) -> str:
    if re.fullmatch(NO_NUMBER, cell):
        return "not_finite"
    if not re.fullmatch(_with_sign(ANY_NUMBER, dialect), cell):
        return "not_a_number"
    return "out_of_range" if re.fullmatch(_with_sign(PRECISE, dialect), cell) else "too_many_decimals"


def _with_sign(pattern: str, dialect: Dialect) -> str:
    return pattern.replace(r"\.", re.escape(dialect.decimal))


KINDS: dict[str, Kind] = {
    "uuid": Kind(pa.uuid(), _uuid, lambda cell, _: "not_a_uuid"),
    "text": Kind(pa.string(), _text, _why_no_text),
    "char2": Kind(pa.string(), _country_code, lambda cell, _: "not_a_country_code"),
    "money": Kind(TYPES["money"].arrow, _money, _why_no_money),
    "integer": Kind(pa.int32(), _integer, _why_no_integer),
    "boolean": Kind(pa.bool_(), _boolean, lambda cell, _: "not_a_boolean"),
    "date": Kind(pa.date32(), read_day, why_no_day),
    "timestamptz": Kind(TYPES["timestamptz"].arrow, read_instant, why_no_instant),
}
