"""The `mapping` section of a params file: the file and column that hold each field, and how the cells are written."""

import codecs
import csv
import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from lib.catalog import Column, tables
from lib.data.imports import AUTO
from lib.data.imports.formats import Format
from lib.errors import UsageError
from lib.util.countries import alpha3
from lib.util.similar import did_you_mean
from lib.util.zones import known_zone

__all__ = ["LATEST", "STATES", "Layout", "Notes", "ReadOptions", "layouts_of", "read_options"]

# Setting -> a call that fails on an unusable value, and what is expected.
TRIALS: dict[str, tuple[Callable[[Any], object], str]] = {
    "delimiter": (lambda text: csv.reader([], delimiter=text), 'one character, such as "," or ";" or "\\t"'),
    "encoding": ("".encode, "an encoding such as utf-8 or cp1252"),
    "date_format": (
        lambda text: pd.to_datetime(pd.Series(["1"]), format=text or None, errors="coerce"),
        'directives of Python\'s strptime, such as %d.%m.%Y %H:%M, or "" for ISO 8601',
    ),
}
STATES = next(column.one_of for column in tables()["orders"].columns if column.name == "status")
LATEST = date(2199, 12, 31)  # last plausible date where the data decide as_of

Notes = Counter[tuple[str, str]]  # (column of the file, what was done) -> cells, or 1 for a note on the whole column


@dataclass(frozen=True)
class ReadOptions:
    """How the cells of the files are written.

    Attributes:
        delimiter: Character between cells. This and the next three are `auto` until `recognise` has found them.
        encoding: Python's name of the encoding; UTF-8 is read with or without a byte order mark.
        decimal: Decimal separator of numbers.
        date_format: Directives of strptime, or "" for ISO 8601.
        excel_dates: Read Excel serial numbers as dates.
        time_zone: Time zone of naive timestamps.
        null_words: Texts that mean an empty cell.
        ignore_extra: Leave out columns that are not fields, instead of failing.
        countries: Case-folded text of the files -> country code; "" for none.
        keys: `uuid`, or `text` for keys of any other form.
        optional: Fields whose column may be missing in a file, or empty in its rows.
        units: `whole`, or `decimal` for goods by weight.
        earliest_date: First plausible date.
        statuses: Word of the files for the state of an order -> that of the catalog.
        discount_is: `amount`, or `rate` or `percent` for shares; `_included` if prices or totals of rows are after the
            discount.
        round_amounts: Round totals and discounts of rows to the decimals of the currency, instead of rejecting others.
        charges_of: `order` if each row has shipping and taxes of its order, `row` if they are its own.
        credit_note_prefix: Text before the digits of the numbers of credit notes; "" if any order may have returns.
        latest: Last plausible date: a year after as_of, if that is given.
        if_unclear: `decimal` and `dates` (day_first or month_first) of a file that reads both ways; "" for none.
        thousands: Separator of thousands that the recognition found; "" for none, None where `decimal` was not `auto`.
        sign: Currency sign or code before or behind amounts that the recognition found; "" for none.
        header_line: Line of the header.
    """

    delimiter: str
    encoding: str
    decimal: str
    date_format: str
    excel_dates: bool
    time_zone: str
    null_words: list[str]
    ignore_extra: bool
    countries: dict[str, str]
    keys: str
    optional: list[str]
    units: str
    earliest_date: date
    statuses: dict[str, str]
    discount_is: str
    round_amounts: bool
    charges_of: str
    credit_note_prefix: str
    latest: date
    if_unclear: dict[str, str] = dataclasses.field(default_factory=dict)
    thousands: str | None = None
    sign: str = ""
    header_line: int = 1


def read_options(mapping: Mapping[str, Any], as_of: date | None, time_zone: str = "UTC") -> ReadOptions:
    """The options of a mapping.

    Args:
        mapping: The `mapping` section with all its settings, defaults included.
        as_of: First day that is not in the data; None if the data decide it.
        time_zone: Of the shop; timestamps without offset have it where the mapping names none.

    Raises:
        UsageError: A setting has an unusable value.
    """
    for name, (attempt, expected) in TRIALS.items():
        try:
            if mapping[name] != AUTO:
                attempt(mapping[name])
        except (LookupError, ValueError, TypeError, OSError) as error:
            raise UsageError(f"mapping.{name} is {mapping[name]!r} ({error}); expected {expected}") from error
    for name, code in mapping["countries"].items():
        if code != "" and alpha3(code) is None:
            raise UsageError(
                f"mapping.countries: code of {name!r} is {code!r}; expected a quoted ISO 3166-1 code "
                "such as 'NO' (YAML reads a bare NO as false), or '' for none"
            )
    for word, state in mapping["statuses"].items():
        if state not in STATES:
            raise UsageError(f"mapping.statuses: state of {word!r} is {state!r}; expected one of {', '.join(STATES)}")
    settings = {name: value for name, value in mapping.items() if name not in ("format", "columns", "ad_spend")}
    settings["earliest_date"] = date.fromisoformat(str(mapping["earliest_date"]))
    settings["time_zone"] = known_zone(mapping["time_zone"] or time_zone)
    if mapping["encoding"] != AUTO:
        encoding = codecs.lookup(mapping["encoding"]).name
        settings["encoding"] = "utf-8-sig" if encoding == "utf-8" else encoding
    settings["countries"] = {name.casefold(): code for name, code in mapping["countries"].items()}
    latest = (pd.Timestamp(as_of) + pd.DateOffset(years=1)).date() if as_of else LATEST
    return ReadOptions(**settings, latest=latest)


@dataclass(frozen=True)
class Layout:
    """The columns of one file.

    Attributes:
        name: Name of the file in its format.
        columns: The fields, with the type and rules of each.
        names: Field -> name of its column in the file; "" for an optional column that the file does not have.
        needed: Fields whose column must be in the file.
    """

    name: str
    columns: tuple[Column, ...]
    names: dict[str, str]
    needed: frozenset[str]

    @property
    def personal(self) -> list[str]:
        """Names in the file of the columns whose values are never shown."""
        return [self.names[column.name] for column in self.columns if column.personal]


def layouts_of(source: Format, mapping: Mapping[str, Any]) -> dict[str, Layout]:
    """Layout by name of the file, with the column names of the mapping.

    The mapping of a format with one file names the column of every required field, and has a section for each of its
    companions; with several files it names only the columns that are not called like their field.

    Raises:
        UsageError: The mapping names an unknown file or field, or lacks a required field.
    """
    names = mapping["columns"]
    if mapping["units"] == "decimal" and not source.measured:
        raise UsageError(
            f"mapping.units is decimal, but format {mapping['format']} has whole units only. Set it to whole."
        )
    if len(source.files) == 1:
        ((file, columns),) = source.files.items()
        beside = {name: names.get(name, {}) for name in source.companions}
        names = {field: name for field, name in names.items() if field not in beside}
        columns = tuple(_adapted(column, source, mapping) for column in columns)
        missing = [column.name for column in columns if column.name not in names and not column.optional]
        missing += [" or ".join(group) for group in source.either if not names.keys() & set(group)]
        if missing:
            raise UsageError(f"mapping.columns lacks {', '.join(missing)}. Add the names of these columns in the file.")
        absent = {column.name: "" for column in columns if column.optional}
        layouts = {file: _layout(file, columns, absent | names, "mapping.columns")} | {
            name: _layout(name, source.companions[name], renamed, f"mapping.columns.{name}")
            for name, renamed in beside.items()
        }
        spared = {*source.newer, *mapping["optional"]}
        return {name: replace(layout, needed=layout.needed - spared) for name, layout in layouts.items()}
    for name, renamed in names.items():
        if name not in source.files or not isinstance(renamed, Mapping):
            raise UsageError(
                f"mapping.columns has {name!r}{did_you_mean(name, source.files)}; expected tables with column names: "
                f"{', '.join(source.files)}"
            )
    layouts = {
        file: _layout(file, columns, names.get(file, {}), f"mapping.columns.{file}")
        for file, columns in source.files.items()
    }
    for file, columns in source.files.items():
        spared = {column.name for column in columns if column.optional and column.name in mapping["optional"]}
        layouts[file] = replace(layouts[file], needed=layouts[file].needed - spared)
    return layouts


def _adapted(column: Column, source: Format, mapping: Mapping[str, Any]) -> Column:
    """A field with the rules that the mapping gives it: it may be optional, and its units may have decimals."""
    names, groups = mapping["columns"], {name for group in source.either for name in group}
    is_optional = column.optional or column.name in mapping["optional"] or column.name in groups - names.keys()
    is_measured = column.name == source.measured and mapping["units"] == "decimal"
    return replace(column, optional=is_optional, type="unit_price" if is_measured else column.type)


def _layout(file: str, columns: tuple[Column, ...], renamed: Mapping[str, Any], place: str) -> Layout:
    """The columns under the names that the mapping gives at `place`, else under their own."""
    known = [column.name for column in columns]
    required = {column.name for column in columns if not column.optional}
    for field, name in renamed.items():
        if field not in known:
            raise UsageError(
                f"{place}: unknown field {field!r}{did_you_mean(field, known)}; expected one of {', '.join(known)}"
            )
        if not isinstance(name, str) or (not name and field in required):
            raise UsageError(f"{place}.{field} is {name!r}; expected the name of one column of the file")
    needed = required | {field for field, name in renamed.items() if name}
    return Layout(file, columns, {field: field for field in known} | dict(renamed), frozenset(needed))
