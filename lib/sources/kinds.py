"""Text as values of the catalog's types: what can be read, what was put into another form, and why a cell cannot be."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from lib.catalog import ARROW_TYPES
from lib.countries import alpha3
from lib.files import uuid_array
from lib.sources.cells import Read, count, matches, only
from lib.sources.dates import read_day, read_instant, why_no_day, why_no_instant
from lib.sources.dialect import Dialect

__all__ = ["BLANK", "Kind", "kind_of"]

MOST = 2**31 - 1  # the database's integer
BLANK = r"[\s" + "\x85\xa0\xad\u1680\u180e\u2000-\u200f\u2028\u2029\u202f\u205f-\u2064\u3000\ufeff]*"  # nothing to see
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
class Kind:
    """How a type is read from tidied text, its type while lines are compared, and the rule that a cell breaks."""

    type: pa.DataType
    read: Callable[[pa.Array, Dialect], Read]
    why: Callable[[str, Dialect], str]


def kind_of(type_name: str, dialect: Dialect) -> Kind:
    """The kind of a type of the catalog; keys are text where the mapping says so."""
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
    return Read(values, Counter({"another word for true or false": count(other)}))


def _by_word(text: pa.Array, meaning: Callable[[str], object], kind: pa.DataType) -> pa.Array:
    """The meaning of each cell; every word is looked up once."""
    encoded = text.dictionary_encode()
    return pa.array([meaning(word) for word in encoded.dictionary.to_pylist()], kind).take(encoded.indices)


def _uuid(text: pa.Array, _: Dialect) -> Read:
    other = pc.invert(matches(text, SPELLING))
    known = only(text, matches(text, UUID))
    plain = pc.replace_substring_regex(known, "[{}]", "")
    return Read(uuid_array(plain), Counter({"UUID in another spelling": count(pc.and_(other, pc.is_valid(known)))}))


def _integer(text: pa.Array, _: Dialect) -> Read:
    sound = only(text, matches(text, INTEGER))
    numbers = pc.replace_substring_regex(sound, r"\..*", "").cast(pa.int64())
    fits = pc.less_equal(pc.abs(numbers), MOST)
    dropped = pc.and_(pc.match_substring(sound, "."), fits)
    return Read(only(numbers, fits).cast(pa.int32()), Counter({"decimals that are zero dropped": count(dropped)}))


def _why_no_integer(cell: str, _: Dialect) -> str:
    return "out_of_range" if re.fullmatch(ANY_INTEGER, cell) else "not_an_integer"


def _money(text: pa.Array, dialect: Dialect) -> Read:
    """Whole cents by decimal arithmetic: a binary fraction would bend them."""
    sound = only(text, matches(text, _with_sign(MONEY, dialect)))
    plain = sound if dialect.decimal == "." else pc.replace_substring(sound, dialect.decimal, ".")
    short = pc.replace_substring_regex(plain, r"(\.[0-9]{2})0+$", r"\1")
    dropped = count(pc.not_equal(short, plain))
    return Read(short.cast(ARROW_TYPES["money"]), Counter({"decimals beyond cents that are zero dropped": dropped}))


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
    "money": Kind(ARROW_TYPES["money"], _money, _why_no_money),
    "integer": Kind(pa.int32(), _integer, _why_no_integer),
    "boolean": Kind(pa.bool_(), _boolean, lambda cell, _: "not_a_boolean"),
    "date": Kind(pa.date32(), read_day, why_no_day),
    "timestamptz": Kind(ARROW_TYPES["timestamptz"], read_instant, why_no_instant),
}
