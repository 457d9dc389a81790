"""The catalog's rules for the cells of a column: sound values, the rule that each bad cell breaks, and repairs."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lib.catalog import Column
from lib.data.imports.options import ReadOptions
from lib.data.imports.parsing import count_true, matches, parser_for

__all__ = ["FORMS", "OLDEST", "REASONS", "Cells", "check_column", "check_order", "places", "reason"]

OLDEST = "2000-01-01"
FORMS = {"email": ("not_an_email", r"(?s).*.@.*.")}  # form of the catalog -> rule, and pattern of a sound text
# Rule -> what was expected and what to do. {separator} and {date_form} are settings of the mapping.
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
        "expected a number with the decimal separator {separator}, such as 1234{separator}50, without "
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
    "not_a_date": "expected an existing day and time in the format {date_form}; correct it",
    "date_out_of_range": ("expected a day from {oldest} to {latest}, a year after as_of; correct it, or set as_of"),
    "no_such_time": "this time does not exist in {time_zone}, where clocks skip it; check mapping.time_zone",
    "before_start_date": "expected a day not before start_date of the same line; correct one of them",
}


@dataclass(frozen=True)
class Cells:
    """The cells of a column: values (null where empty or bad), row -> rule it breaks, and repair -> number of cells."""

    values: pa.Array
    rules: dict[int, str]
    repairs: Counter[str] = field(default_factory=Counter)


def check_column(raw: pa.Array, column: Column, options: ReadOptions) -> Cells:
    """Parse the cells of a column and check its rules; of several rules that a cell breaks, the first counts."""
    text, repairs = _tidied(raw, column, options)
    parser = parser_for(column.type, options)
    empty = pc.equal(text, "")
    parsed = parser.parse(pc.if_else(empty, None, text), options)
    rules: dict[int, str] = {}
    if not column.optional:
        rules |= {row: "blank" if raw[row].as_py() else "missing" for row in places(empty)}
    unparsed = pc.and_(pc.is_null(parsed.values), pc.invert(empty))
    rules |= {row: parser.broken_rule(text[row].as_py(), options) for row in places(unparsed)}
    for rule, broken in _broken(parsed.values, column, options):
        for row in places(broken):
            rules.setdefault(row, rule)
    return Cells(_without(parsed.values, rules), rules, repairs + parsed.repairs)


def check_order(cells: dict[str, Cells], columns: tuple[Column, ...]) -> dict[str, Cells]:
    """The cells with the rule `not_before` checked: a date must not precede another one of its row."""
    checked = dict(cells)
    for column in columns:
        if column.not_before and {column.name, column.not_before} <= set(cells):
            own, other = cells[column.name], cells[column.not_before]
            early = dict.fromkeys(places(pc.less(own.values, other.values)), f"before_{column.not_before}")
            rules = own.rules | early
            checked[column.name] = Cells(_without(own.values, rules), rules, own.repairs)
    return checked


def _without(values: pa.Array, rules: dict[int, str]) -> pa.Array:
    """The values, null where a rule is broken."""
    bad = np.zeros(len(values), bool)
    bad[list(rules)] = True
    flags = pc.and_(pa.array(bad), pc.is_valid(values))
    return pc.if_else(flags, None, values) if pc.any(flags).as_py() else values


def _tidied(raw: pa.Array, column: Column, options: ReadOptions) -> tuple[pa.Array, Counter[str]]:
    """The text without surrounding white space, in NFC, and empty for a null word; and how often each was done."""
    steps: dict[str, Callable[[pa.Array], pa.Array]] = {
        "outer white space removed": pc.utf8_trim_whitespace,
        "normalised to Unicode NFC": _composed,
    }
    if options.null_words:
        steps["placeholder of mapping.null_words read as empty"] = lambda text: _emptied(text, options.null_words)
    if column.type == "char2" and options.countries:
        steps["country code from mapping.countries"] = lambda text: _replaced(text, options.countries)
    repairs: Counter[str] = Counter()
    text = raw
    for words, step in steps.items():
        tidied = step(text)
        repairs[words] = count_true(pc.not_equal(tidied, text))
        text = tidied
    return text, repairs


def _composed(text: pa.Array) -> pa.Array:
    return text if pc.all(pc.string_is_ascii(text)).as_py() else pc.utf8_normalize(text, "NFC")


def _emptied(text: pa.Array, words: tuple[str, ...]) -> pa.Array:
    return pc.if_else(pc.is_in(text, pa.array(words, text.type)), "", text)


def _replaced(text: pa.Array, countries: dict[str, str]) -> pa.Array:
    encoded = text.dictionary_encode()
    words = [countries.get(word.casefold(), word) for word in encoded.dictionary.to_pylist()]
    return pa.array(words, text.type).take(encoded.indices)


def _broken(values: pa.Array, column: Column, options: ReadOptions) -> list[tuple[str, pa.Array]]:
    """Each rule of the column with flags where a value breaks it."""
    found: list[tuple[str, pa.Array]] = []
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
        found.append(("date_out_of_range", _out_of_range(values, options)))
    return found


def _out_of_range(values: pa.Array, options: ReadOptions) -> pa.Array:
    days = values.cast(pa.timestamp("us")).cast(pa.date32(), safe=False)  # the UTC day of a timestamp
    first, last = (pa.scalar(day).cast(pa.date32()) for day in (OLDEST, str(options.latest)))
    return pc.or_(pc.less(days, first), pc.greater(days, last))


def places(flags: pa.Array) -> list[int]:
    """Positions of the true flags."""
    if not pc.any(flags).as_py():
        return []
    found: list[int] = np.flatnonzero(pc.fill_null(flags, False).to_numpy(zero_copy_only=False)).tolist()
    return found


def reason(rule: str, column: Column | None, options: ReadOptions) -> str:
    """The sentence of REASONS for a rule and a column."""
    return REASONS[rule].format(
        column=column,
        words=", ".join(column.one_of) if column else "",
        separator=options.decimal,
        date_form=f"mapping.date_format ({options.date_format})" if options.date_format else "ISO 8601",
        time_zone=options.time_zone,
        oldest=OLDEST,
        latest=options.latest,
    )
