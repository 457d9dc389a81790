"""The catalog's rules for the rows of a file: typed cells, and the first rule that each bad row breaks."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lib.catalog import Column
from lib.data.imports.mapping import LATEST, Layout, Notes, ReadOptions
from lib.data.imports.numbers import GROUPS, MARKS, read_number, unmarked
from lib.data.imports.parsing import matches, parser_for
from lib.data.imports.tidying import tidied

__all__ = ["CURRENCY_HAS", "FAULT", "FORMS", "check_rows"]

FAULT = ("fault_column", "fault_rule", "fault_value", "fault_reason")
WEIGHED = "units or weight"  # unit of a field that mapping.units lets have decimals
EXCERPT = 200  # characters of a rejected value that are kept
FORMS = {"email": ("not_an_email", r"(?s).*.@.*.")}  # form of the catalog -> rule, and pattern of a sound text
CURRENCY_HAS = "<decimals of the currency>"  # stands for "USD has two decimals" until the currency is known
# Rule -> what was expected and what to do, with the setting as it is typed. {separator} and {date_form} are settings of
# the mapping, {word} is the value where it can be part of a setting.
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
        "expected two capital letters of ISO 3166-1, such as GB; or set the code of this word, as in "
        'SET="mapping.countries.{word}=GB"'
    ),
    "not_a_uuid": 'expected a UUID of 32 hexadecimal digits; for keys of another form set SET="mapping.keys=text"',
    "not_a_boolean": "expected true or false, yes or no, 1 or 0; replace the word",
    "not_an_integer": "expected a whole number, such as 12, without thousands separator; correct it",
    "not_whole": (
        "expected a whole number, such as 12, without thousands separator; correct it, or load goods by weight as 1 "
        'unit at the amount of their row: SET="mapping.units=decimal"'
    ),
    "not_a_number": (
        "expected a number with the decimal separator {separator}, such as 1234{separator}50, without "
        "currency or thousands separator; correct it{recognised}"
    ),
    "not_finite": "expected a finite number; correct it, or remove the line",
    "not_positive": "expected a number above {column.above}; correct it, or remove the line",
    "negative": "expected a number of at least {column.least}; correct it, or remove the line",
    "too_many_decimals": "{decimals}, and rounding would change the value; correct it",
    "out_of_range": "the number is larger than the database can store; correct it, or remove the line",
    "not_iso": (
        "expected an ISO 8601 date or timestamp, such as 2024-03-31 or 2024-03-31T14:05:00+02:00 (not today or "
        'seconds since 1970); for another format set mapping.date_format in the params file, such as "%d.%m.%Y %H:%M"'
    ),
    "not_a_date": "expected an existing day and time in the format {date_form}; correct it",
    "excel_serial": (
        "expected a date, and this looks like an Excel serial number; format the column as dates in the spreadsheet "
        'and export again, or read them as dates: SET="mapping.excel_dates=true"'
    ),
    "too_early": (
        "expected a day from {earliest} on; correct it, or set the earliest one, as in "
        'SET="mapping.earliest_date=1990-01-01"'
    ),
    "too_late": "expected a day up to {latest}{after}; correct it",
    "no_such_time": (
        "this time does not exist in {time_zone}, where clocks skip it; correct it, or set the time zone of the file, "
        'as in SET="mapping.time_zone=UTC"'
    ),
    "before_start_date": "expected a day not before start_date of the same line; correct one of them",
}


class _Cells(NamedTuple):
    """The cells of a column.

    Attributes:
        values: Null where empty or bad.
        faults: Rule and value of each kind of bad cell.
        fault: Place of each cell's kind among these; -1 for a sound one.
        repairs: Repair -> number of cells.
    """

    values: pa.Array
    faults: list[tuple[str, str]]
    fault: np.ndarray
    repairs: Counter[str]


def check_rows(rows: pa.RecordBatch, layout: Layout, options: ReadOptions) -> tuple[pa.Table, Notes]:
    """Check rows of text by themselves.

    Args:
        rows: Rows of a `reading.Block`.

    Returns:
        The rows with typed cells; the columns FAULT are null for a sound row, and name the first rule that a bad one
        breaks. And how many cells of each column were repaired in which way.
    """
    present = [column for column in layout.columns if column.name in rows.schema.names]
    cells = {column.name: _check_column(rows[column.name], column, options) for column in present}
    for column in present:
        if column.not_before in cells:
            start = cells[column.not_before].values
            cells[column.name] = _check_order(rows[column.name], cells[column.name], start, column.not_before)
    typed: dict[str, pa.Array] = {}
    notes: Notes = Counter()
    for name, column_cells in cells.items():
        typed[name] = column_cells.values
        for words, count in column_cells.repairs.items():
            notes[layout.names[name], words] += count
    faults = _faults(rows, cells, layout, options)
    return pa.table({"line": rows["line"], **typed, "raw_line": rows["raw_line"], **faults}), +notes


def _check_column(raw: pa.Array, column: Column, options: ReadOptions) -> _Cells:
    """Parse the cells of a column and check its rules; of several rules that a cell breaks, the first counts.

    A column has few distinct cells: each is parsed and checked once.
    """
    encoded = raw.dictionary_encode()
    words, places = encoded.dictionary, encoded.indices.to_numpy()
    text, repairs = tidied(words, column, options)
    parser = parser_for(column.type, options)
    empty = pc.equal(text, "")
    parsed = parser.parse(pc.if_else(empty, None, text), options)
    rules: dict[int, str] = {}
    if not column.optional:
        rules |= {word: "blank" if words[word].as_py() else "missing" for word in _places(empty)}
    unparsed = pc.and_(pc.is_null(parsed.values), pc.invert(empty))
    rules |= {word: parser.broken_rule(text[word].as_py(), options) for word in _places(unparsed)}
    for rule, broken in _broken(parsed.values, column, options):
        rules = dict.fromkeys(_places(broken), rule) | rules
    kinds = np.full(len(words), -1)
    kinds[list(rules)] = np.arange(len(rules))
    cells = np.bincount(places, minlength=len(words))
    counts = Counter({done: int(cells[_places(flags)].sum()) for done, flags in (repairs | parsed.repairs).items()})
    faults = [(rule, words[word].as_py()) for word, rule in rules.items()]
    sound = _sound(parsed.values, kinds)
    return _Cells(_values(encoded.indices, sound), faults, kinds[places], counts)


def _values(indices: pa.Array, words: pa.Array) -> pa.Array:
    """The cells; texts as a dictionary, as their file has them: they are neither copied nor encoded again."""
    if pa.types.is_string(words.type) and not words.null_count:  # Arrow writes no dictionary with a null
        return pa.DictionaryArray.from_arrays(indices, words)
    cells = words.take(indices)
    return cells.dictionary_encode() if pa.types.is_string(words.type) else cells


def _check_order(raw: pa.Array, own: _Cells, start: pa.Array, name: str) -> _Cells:
    """The cells of a date that must not precede another one of its row."""
    rows = _places(pc.less(own.values, start))
    fault = own.fault.copy()
    fault[rows] = len(own.faults) + np.arange(len(rows))
    faults = [*own.faults, *((f"before_{name}", raw[row].as_py()) for row in rows)]
    return _Cells(_sound(own.values, fault), faults, fault, own.repairs)


def _sound(values: pa.Array, fault: np.ndarray) -> pa.Array:
    """The values, null where a rule is broken."""
    flags = pc.and_(pa.array(fault >= 0), pc.is_valid(values))
    return pc.if_else(flags, None, values) if flags.true_count else values


def _broken(values: pa.Array, column: Column, options: ReadOptions) -> Iterator[tuple[str, pa.Array]]:
    """Each rule of the column with flags where a value breaks it."""
    if column.above is not None:
        yield "not_positive", pc.less_equal(values, pa.scalar(column.above, values.type))
    if column.least is not None:
        yield "negative", pc.less(values, pa.scalar(column.least, values.type))
    if column.most_characters:
        yield "too_long", pc.greater(pc.utf8_length(values), column.most_characters)
    if column.one_of:
        yield "not_one_of", pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, pa.array(column.one_of))))
    if column.form:
        rule, pattern = FORMS[column.form]
        yield rule, pc.invert(matches(values, pattern))
    if pa.types.is_temporal(values.type):
        days = values.cast(pa.timestamp("us")).cast(pa.date32(), safe=False)  # the UTC day of a timestamp
        yield "too_early", pc.less(days, pa.scalar(options.earliest_date))
        yield "too_late", pc.greater(days, pa.scalar(options.latest))


def _faults(
    rows: pa.RecordBatch, cells: dict[str, _Cells], layout: Layout, options: ReadOptions
) -> dict[str, pa.Array]:
    """The columns FAULT: column, rule, value and reason of the first rule that each row breaks."""
    odd = rows["field_count"].dictionary_encode()
    reason = _reason("wrong_field_count", None, options)
    faults = [("", "wrong_field_count", f"{count} fields", reason) for count in odd.dictionary]
    first = np.array(pc.fill_null(odd.indices, -1))  # fault of each row
    for column in layout.columns:
        own = cells.get(column.name)
        if own and own.faults:
            first = np.where((first < 0) & (own.fault >= 0), own.fault + len(faults), first)
            for rule, value in own.faults:
                value = value[:EXCERPT]
                faults.append((layout.names[column.name], rule, value, _reason(rule, column, options, value)))
    places = pa.array(first, mask=first < 0)
    columns = zip(*faults, strict=True) if faults else [()] * len(FAULT)
    return {name: pa.array(found, pa.string()).take(places) for name, found in zip(FAULT, columns, strict=True)}


def _places(flags: pa.Array) -> list[int]:
    """Positions of the true flags."""
    found: list[int] = pc.indices_nonzero(flags).to_pylist()
    return found


def _reason(rule: str, column: Column | None, options: ReadOptions, value: str = "") -> str:
    """The sentence of REASONS for a rule, a column and a value."""
    if rule == "not_an_integer" and column and column.unit == WEIGHED:
        rule = "not_whole"
    return REASONS[rule].format(
        column=column,
        words=", ".join(column.one_of) if column else "",
        decimals="a price has at most six decimals" if column and column.type == "unit_price" else CURRENCY_HAS,
        separator=options.decimal,
        recognised=_advice(value.strip(), options),
        word=value.strip() if re.fullmatch(r"\s*[\w-]+\s*", value) else "WORD",
        date_form=f"mapping.date_format ({options.date_format})" if options.date_format else "ISO 8601",
        time_zone=options.time_zone,
        earliest=options.earliest_date,
        latest=options.latest,
        after=""
        if options.latest == LATEST
        else ', a year after as_of (SET="as_of=auto" is the day after the last order)',
    )


def _advice(value: str, options: ReadOptions) -> str:
    """The setting by which a number of another style is read where the mapping names a separator; else empty."""
    own, other = (options.decimal, "," if options.decimal == "." else ".")
    number, setting = unmarked(value, MARKS), ""
    if number != value or any(read_number(number, other, thousands) for thousands in ("", *GROUPS)):
        setting = "mapping.decimal=auto"
    is_plain = read_number(number, own, "")
    if not is_plain and any(read_number(number, own, thousands) for thousands in GROUPS if thousands != own):
        setting = f"mapping.decimal=auto mapping.if_unclear.decimal={own}"
    return f', or have the numbers recognised: SET="{setting}"' if setting and options.thousands is None else ""
