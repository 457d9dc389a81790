"""The catalog's rules over the cells of a column: values, the rule that each bad cell breaks, what was set right."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lib.catalog import Column
from lib.data.imports.dialect import Dialect
from lib.data.imports.kinds import count, kind_of, matches

__all__ = ["FORMS", "OLDEST", "REASONS", "Cells", "checked", "ordered", "reason"]

OLDEST = "2000-01-01"
FORMS = {"email": ("not_an_email", r"(?s).*.@.*.")}  # of the catalog: the rule, and what the text must fit


@dataclass(frozen=True)
class Cells:
    """A column's values, null where empty or bad, the rule that each bad place breaks, and counts of repairs."""

    values: pa.Array
    rules: dict[int, str]
    repairs: Counter[str] = field(default_factory=Counter)


def checked(raw: pa.Array, column: Column, dialect: Dialect) -> Cells:
    """The cells of a column by its type and rules."""
    text, repairs = _tidied(raw, column, dialect)
    kind, empty = kind_of(column.type, dialect), pc.equal(text, "")
    read = kind.read(pc.if_else(empty, None, text), dialect)
    rules = {} if column.optional else dict.fromkeys(_places(empty), "missing")
    rules |= {place: "blank" for place in rules if raw[place].as_py()}
    unread = pc.and_(pc.is_null(read.values), pc.invert(empty))
    rules |= {place: kind.why(text[place].as_py(), dialect) for place in _places(unread)}
    for rule, broken in _broken(read.values, column, dialect):
        rules |= {place: rules.get(place, rule) for place in _places(broken)}
    return Cells(_without(read.values, rules), rules, repairs + read.repairs)


def ordered(cells: dict[str, Cells], columns: tuple[Column, ...]) -> dict[str, Cells]:
    """The cells where each is not before the other of its row that the catalog names."""
    found = dict(cells)
    for column in columns:
        if column.not_before and {column.name, column.not_before} <= set(cells):
            own, other = cells[column.name], cells[column.not_before].values
            rules = own.rules | dict.fromkeys(_places(pc.less(own.values, other)), f"before_{column.not_before}")
            found[column.name] = Cells(_without(own.values, rules), rules, own.repairs)
    return found


def _without(values: pa.Array, rules: dict[int, str]) -> pa.Array:
    """The values with gaps at the places that break a rule; what could not be read is a gap already."""
    bad = np.zeros(len(values), bool)
    bad[list(rules)] = True
    flags = pc.and_(pa.array(bad), pc.is_valid(values))
    return pc.if_else(flags, None, values) if pc.any(flags).as_py() else values


def _tidied(raw: pa.Array, column: Column, dialect: Dialect) -> tuple[pa.Array, Counter[str]]:
    """Text without outer white space, in Unicode's composed form, empty where a word means that; and how often."""
    steps: dict[str, Callable[[pa.Array], pa.Array]] = {
        "outer white space removed": pc.utf8_trim_whitespace,
        "written in Unicode's composed form (NFC)": _composed,
    }
    if dialect.null_words:
        steps["word of mapping.null_words taken as empty"] = lambda text: _emptied(text, dialect.null_words)
    if column.type == "char2" and dialect.countries:
        steps["code taken from mapping.countries"] = lambda text: _replaced(text, dialect.countries)
    repairs: Counter[str] = Counter()
    for words, step in steps.items():
        tidied = step(raw)
        repairs[words] = count(pc.not_equal(tidied, raw))
        raw = tidied
    return raw, repairs


def _composed(text: pa.Array) -> pa.Array:
    return text if pc.all(pc.string_is_ascii(text)).as_py() else pc.utf8_normalize(text, "NFC")


def _emptied(text: pa.Array, words: tuple[str, ...]) -> pa.Array:
    return pc.if_else(pc.is_in(text, pa.array(words, text.type)), "", text)


def _replaced(text: pa.Array, countries: dict[str, str]) -> pa.Array:
    encoded = text.dictionary_encode()
    words = [countries.get(word.casefold(), word) for word in encoded.dictionary.to_pylist()]
    return pa.array(words, text.type).take(encoded.indices)


def _broken(values: pa.Array, column: Column, dialect: Dialect) -> list[tuple[str, pa.Array]]:
    """The rules that a value of this column can break, and where they are broken."""
    found: list[tuple[str, Any]] = []
    if column.above is not None:
        found.append(("not_positive", pc.less_equal(values, pa.scalar(column.above, values.type))))
    if column.least is not None:
        found.append(("negative", pc.less(values, pa.scalar(column.least, values.type))))
    if column.most_characters:
        found.append(("too_long", pc.greater(pc.utf8_length(values), column.most_characters)))
    if column.one_of:
        found.append(("not_one_of", pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, pa.array(column.one_of))))))
    if column.form:
        rule, pattern = FORMS[column.form]
        found.append((rule, pc.invert(matches(values, pattern))))
    if pa.types.is_temporal(values.type):
        found.append(("date_out_of_range", _out_of_range(values, dialect)))
    return found


def _out_of_range(values: pa.Array, dialect: Dialect) -> pa.Array:
    days = values.cast(pa.timestamp("us")).cast(pa.date32(), safe=False)  # of an instant its day in UTC
    first, last = (pa.scalar(day).cast(pa.date32()) for day in (OLDEST, str(dialect.latest)))
    return pc.or_(pc.less(days, first), pc.greater(days, last))


def _places(flags: pa.Array) -> list[int]:
    if not pc.any(flags).as_py():
        return []
    return np.flatnonzero(pc.fill_null(flags, False).to_numpy(zero_copy_only=False)).tolist()


REASONS = {
    "wrong_field_count": (
        "the line has another number of fields than the header; look for a delimiter or a quote inside a text, "
        "or for a line that was cut off"
    ),
    "missing": "a value is required here; fill it in",
    "blank": "the text has nothing in it that can be seen; fill it in",
    "nul_character": "the text holds a NUL character, which no database takes; remove it",
    "control_character": "the text holds an invisible control character; remove it",
    "too_long": "wanted at most {column.most_characters} characters; shorten the text",
    "not_one_of": "wanted one of {words}, in these letters; replace the word",
    "not_an_email": "wanted an address with something before and after an @; correct it, or remove the line",
    "not_a_country_code": (
        "wanted two capital letters of ISO 3166-1, such as GB; or say under mapping.countries which code the word has"
    ),
    "not_a_uuid": "wanted a UUID of 32 hexadecimal digits; for keys of another kind set mapping.keys to text",
    "not_a_boolean": "wanted true or false, yes or no, 1 or 0; replace the word",
    "not_an_integer": "wanted a whole number, such as 12, without thousands separator; correct it",
    "not_a_number": (
        "wanted digits with {dialect.decimal} before the cents, such as 1234{dialect.decimal}50, without currency or "
        "thousands separator; mapping.decimal says which sign the file has"
    ),
    "not_finite": "wanted a number that can be counted with; correct it, or remove the line",
    "not_positive": "wanted a number above {column.above}; correct it, or remove the line",
    "negative": "wanted a number of at least {column.least}; correct it, or remove the line",
    "too_many_decimals": "wanted at most two decimals, as rounding would change the value; write cents",
    "out_of_range": "the number is larger than the database holds; correct it, or remove the line",
    "not_iso": (
        "wanted a day or instant of ISO 8601, such as 2024-03-31 or 2024-03-31T14:05:00+02:00 (no word such as today, "
        "no serial number of Excel, no seconds since 1970); for another form set mapping.date_format"
    ),
    "not_a_date": "wanted an existing day and time, written as {form}; correct it",
    "date_out_of_range": (
        f"wanted a day from {OLDEST} to {{dialect.latest}}, a year after the parameter as_of; correct it, or set as_of"
    ),
    "no_such_time": "the clocks of {dialect.time_zone} skip this time of day; is mapping.time_zone right?",
    "before_start_date": "wanted a day that is not before start_date of the same line; correct one of them",
}


def reason(rule: str, column: Column | None, dialect: Dialect) -> str:
    """The rule in words, with what this column and this file want."""
    words = ", ".join(column.one_of) if column else ""
    form = f"mapping.date_format says, {dialect.date_format}" if dialect.date_format else "ISO 8601 does"
    return REASONS[rule].format(column=column, dialect=dialect, words=words, form=form)
