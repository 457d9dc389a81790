"""Check the cells of a column against the catalog's rules, and explain each rule to people."""

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
FORMS = {"email": ("not_an_email", r"(?s).*.@.*.")}  # form in the catalog: rule and pattern
REASONS = {
    "wrong_field_count": (
        "the number of fields differs from the header; look for a delimiter or a quote inside a text, "
        "or for a truncated line"
    ),
    "missing": "a value is required here; fill it in",
    "blank": "the text has only invisible characters; fill it in",
    "nul_character": "the text has a NUL character, which PostgreSQL cannot store; remove it",
    "control_character": "the text has an invisible control character; remove it",
    "too_long": "expected at most {column.most_characters} characters; shorten the text",
    "not_one_of": "expected one of {words}, in this spelling; replace the word",
    "not_an_email": "expected an e-mail address with text before and after an @; correct it, or remove the line",
    "not_a_country_code": (
        "expected two capital letters of ISO 3166-1, such as GB; or set the code of this word under mapping.countries"
    ),
    "not_a_uuid": "expected a UUID of 32 hexadecimal digits; for other keys set mapping.keys to text",
    "not_a_boolean": "expected true or false, yes or no, 1 or 0; replace the word",
    "not_an_integer": "expected a whole number, such as 12, without thousands separator; correct it",
    "not_a_number": (
        "expected a number with the decimal separator {dialect.decimal}, such as 1234{dialect.decimal}50, without "
        "currency or thousands separator; correct it, or set mapping.decimal to the separator of the file"
    ),
    "not_finite": "expected a finite number; correct it, or remove the line",
    "not_positive": "expected a number above {column.above}; correct it, or remove the line",
    "negative": "expected a number of at least {column.least}; correct it, or remove the line",
    "too_many_decimals": "expected at most two decimals, since rounding would change the value; correct it",
    "out_of_range": "the number is larger than the database can store; correct it, or remove the line",
    "not_iso": (
        "expected an ISO 8601 date or timestamp, such as 2024-03-31 or 2024-03-31T14:05:00+02:00 (not today, an "
        "Excel serial number or seconds since 1970); for another format set mapping.date_format"
    ),
    "not_a_date": "expected an existing day and time in the format {form}; correct it",
    "date_out_of_range": (
        f"expected a day from {OLDEST} to {{dialect.latest}}, a year after as_of; correct it, or set as_of"
    ),
    "no_such_time": "this time does not exist in {dialect.time_zone}, where clocks skip it; check mapping.time_zone",
    "before_start_date": "expected a day not before start_date of the same line; correct one of them",
}


@dataclass(frozen=True)
class Cells:
    """Values of a column, null where empty or invalid; the rule by position; the number of cells by conversion."""

    values: pa.Array
    rules: dict[int, str]
    repairs: Counter[str] = field(default_factory=Counter)


def checked(raw: pa.Array, column: Column, dialect: Dialect) -> Cells:
    """Convert and check the cells of a column."""
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
    """The cells, after checking days that must not be before another day of their row."""
    found = dict(cells)
    for column in columns:
        if column.not_before and {column.name, column.not_before} <= set(cells):
            own, other = cells[column.name], cells[column.not_before].values
            rules = own.rules | dict.fromkeys(_places(pc.less(own.values, other)), f"before_{column.not_before}")
            found[column.name] = Cells(_without(own.values, rules), rules, own.repairs)
    return found


def _without(values: pa.Array, rules: dict[int, str]) -> pa.Array:
    """The values, null at the positions that break a rule."""
    bad = np.zeros(len(values), bool)
    bad[list(rules)] = True
    flags = pc.and_(pa.array(bad), pc.is_valid(values))
    return pc.if_else(flags, None, values) if pc.any(flags).as_py() else values


def _tidied(raw: pa.Array, column: Column, dialect: Dialect) -> tuple[pa.Array, Counter[str]]:
    """Normalised text (white space, NFC, placeholders, country codes), and the number of cells by conversion."""
    steps: dict[str, Callable[[pa.Array], pa.Array]] = {
        "outer white space removed": pc.utf8_trim_whitespace,
        "normalised to Unicode NFC": _composed,
    }
    if dialect.null_words:
        steps["placeholder of mapping.null_words read as empty"] = lambda text: _emptied(text, dialect.null_words)
    if column.type == "char2" and dialect.countries:
        steps["country code from mapping.countries"] = lambda text: _replaced(text, dialect.countries)
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
    """The rules of this column with the flags of the values that break them."""
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
    days = values.cast(pa.timestamp("us")).cast(pa.date32(), safe=False)  # a timestamp counts by its UTC day
    first, last = (pa.scalar(day).cast(pa.date32()) for day in (OLDEST, str(dialect.latest)))
    return pc.or_(pc.less(days, first), pc.greater(days, last))


def _places(flags: pa.Array) -> list[int]:
    if not pc.any(flags).as_py():
        return []
    return np.flatnonzero(pc.fill_null(flags, False).to_numpy(zero_copy_only=False)).tolist()


def reason(rule: str, column: Column | None, dialect: Dialect) -> str:
    """The rule as a sentence for people, with the limits of the column and the settings of the file."""
    words = ", ".join(column.one_of) if column else ""
    form = f"of mapping.date_format, {dialect.date_format}" if dialect.date_format else "of ISO 8601"
    return REASONS[rule].format(column=column, dialect=dialect, words=words, form=form)
