"""Own CSV files as the six typed frames, with every line that cannot be used and the reason why."""

import codecs
import csv
import difflib
import gzip
import hashlib
import io
import uuid
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial, reduce
from itertools import islice
from operator import add
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from babel import Locale

from lib.catalog import Column, tables
from lib.errors import DataError, UsageError
from lib.files import replacing

__all__ = ["FORMATS", "Imported", "import_shop", "write_rejects"]

RUN = 500  # records turned into columns at a time: five times as fast as 50,000, whose lists Python's collector walks
RUNS = 100  # of these are checked at a time
CENTS = pa.decimal128(12, 2)
MONEY = pd.ArrowDtype(CENTS)
MOST_CENTS = 10**12 - 1
MOST_UNITS = 2**31 - 1  # the database's integer
YEARS = (2000, 2100)
EXCERPT = 200  # characters of a refused value that are kept
NAMESPACE = uuid.UUID("12850252-e6dc-4b12-88c7-a202b1da15dd")  # fixed for ever: the keys of all imports hang on it
ASIDE = "\x1f"  # parts a natural key; no accepted text holds it
REJECT_COLUMNS = {"file": "str", "line": "int64", "column": "str", "rule": "str", "value": "str", "reason": "str"}
DTYPES = {
    "uuid": "str",
    "text": "str",
    "char2": "str",
    "money": MONEY,
    "integer": "int64",
    "date": "datetime64[us]",
    "timestamptz": "datetime64[us, UTC]",
}
REASONS = {
    "wrong_field_count": "the line has another number of fields than the header",
    "missing": "a value is required here",
    "control_character": "the text holds invisible control characters",
    "not_an_integer": "wanted whole units, such as 12",
    "zero_quantity": "a line needs at least one unit",
    "negative_quantity": "only an invoice whose number starts with C takes goods back",
    "not_a_number": "wanted digits and a decimal point, such as 1234.50, without currency or thousands separator",
    "not_finite": "wanted a number that can be counted with",
    "not_positive": "wanted a price above zero",
    "too_many_decimals": "wanted at most two decimals; rounding would change the value",
    "out_of_range": "the number, or the total of its invoice, is larger than the database holds",
    "not_a_date": "wanted an existing date written as mapping.date_format says: {date_format}",
    "year_out_of_range": f"wanted a year from {YEARS[0]} to {YEARS[1] - 1}",
    "no_such_time": "the clocks of {time_zone} skip this time of day",
    "unknown_country": "no English country name; give its code, or an empty one, under mapping.countries",
    "conflicting_customer": "an earlier line of the same invoice names another customer",
}
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f" + "\x80-\x9f\u202a-\u202e\u2066-\u2069]"
BLANK = r"[\s" + "\u200b-\u200d\u2060\ufeff]*"
INTEGER = r"-?[0-9]+(?:\.0*)?"
NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
NO_NUMBER = r"(?i)[+-]?(?:nan|inf|infinity)"
PRECISE = r"-?[0-9]*\.?[0-9]{0,2}0*"
LARGE = r"^-?0*[1-9][0-9]{10}"  # more than ten digits before the point
DATE = r"[ -~]*[0-9][ -~]*"  # ASCII with a digit: pandas reads `now`, `today` and Arabic digits as dates
LEAP = ":60"  # pandas rolls the sixtieth second over
NO_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
FORMULA = r"\A([=+\-@\t\r])"
EXAMPLES = {
    "delimiter": 'wanted one character, such as "," or ";" or "\\t"',
    "encoding": "wanted an encoding such as utf-8 or cp1252",
    "date_format": "wanted the parts of Python's strptime, such as %Y-%m-%d %H:%M:%S",
    "time_zone": "wanted a name such as UTC or Europe/London",
}
DELIMITERS = (",", ";", "\t", "|")
NO_EMAIL = "@no-email.invalid"


@dataclass(frozen=True)
class Imported:
    """What a file gave: the six tables, one row of `rejects` per refused line, and counts.

    `rejects` has file, line (header = 1), column, rule, value, reason; lines_read = lines_loaded + len(rejects).
    `notes` says in words what was normalised, derived or stays empty, each with the number of cases.
    """

    source: str
    tables: dict[str, pd.DataFrame]
    rejects: pd.DataFrame
    lines_read: int
    lines_loaded: int
    notes: dict[str, int]


@dataclass(frozen=True)
class _Dialect:
    """The `mapping` section, checked: columns are our field -> the file's name, countries name -> code."""

    columns: dict[str, str]
    delimiter: str
    encoding: str
    date_format: str
    time_zone: str
    countries: dict[str, str]


@dataclass(frozen=True)
class _Run:
    """A few records as one Arrow text per field, the lines they are on, and those of another width."""

    size: int
    lines: list[int]
    texts: list[pa.Array]
    broken: list[tuple[int, str]]


@dataclass(frozen=True)
class _Block:
    """A run of records: `lines` by field, `faults` (field, rule, value), both indexed by line number, and counts."""

    lines: pd.DataFrame
    faults: pd.DataFrame
    notes: Counter


@dataclass(frozen=True)
class _Parsed:
    """A field's typed cells, the rule each breaks (empty where none), and counts of what was normalised."""

    cells: pd.Series
    rules: np.ndarray
    notes: dict[str, int] = field(default_factory=dict)


Fields = Mapping[str, Callable[[pd.DataFrame, _Dialect], _Parsed]]


def import_shop(data: Path, mapping: Mapping[str, Any]) -> Imported:
    """The file `data`, read as `mapping` (the section of a params file) says, as the tables of the catalog.

    Keys depend on the file's own numbers only, so the same shop gets the same keys each time. Raises UsageError
    for a mapping or path that cannot be, DataError for a file that cannot be read or has no usable line.
    """
    if mapping["format"] not in FORMATS:
        raise UsageError(f"mapping.format is {mapping['format']!r}; known are: {', '.join(FORMATS)}")
    return FORMATS[mapping["format"]](Path(data), mapping)


def write_rejects(imported: Imported, folder: Path) -> Path:
    """Write the refused lines to `folder`/<source>.csv, header only when there are none; its path.

    A text cell that a spreadsheet would run as a formula (= + - @ tab, carriage return) gets a leading apostrophe.
    """
    path = folder / f"{imported.source.removesuffix('.gz').removesuffix('.csv')}.csv"
    texts = [name for name, dtype in REJECT_COLUMNS.items() if dtype == "str"]
    safe = {name: imported.rejects[name].str.replace(FORMULA, r"'\1", regex=True) for name in texts}
    with replacing(path) as temporary:
        imported.rejects.assign(**safe).to_csv(temporary, index=False, quoting=csv.QUOTE_NONNUMERIC)
    return path


def _online_retail(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """The UCI "Online Retail" layout: one line per article on an invoice, C before the number of a cancelled one."""
    dialect = _dialect(mapping, ONLINE_RETAIL)
    read = _read(path, dialect, ONLINE_RETAIL)
    faults = pd.concat([read.faults, _conflicting(read.lines), _too_large(read.lines)])
    rejects = _rejects(faults[~faults.index.duplicated()].sort_index(), path, dialect)
    lines = read.lines.drop(rejects["line"], errors="ignore")
    if lines.empty:
        raise DataError(_nothing_usable(path, rejects))
    shop = _shop(lines, dialect)
    notes = dict(read.notes + _derived(lines, shop) + _gaps(shop))
    return Imported(path.name, shop, rejects, len(lines) + len(rejects), len(lines), notes)


def _dialect(mapping: Mapping[str, Any], fields: Fields) -> _Dialect:
    lacking = [name for name in fields if name not in mapping["columns"]]
    if lacking:
        raise UsageError(f"mapping.columns does not say which column of the file holds: {', '.join(lacking)}")
    tried: dict[str, Callable[[Any], Any]] = {
        "delimiter": lambda sign: csv.reader([], delimiter=sign),
        "encoding": "".encode,
        "date_format": lambda words: pd.to_datetime(pd.Series(["1"]), format=words, errors="coerce"),
        "time_zone": ZoneInfo,
    }
    for name, attempt in tried.items():
        try:
            attempt(mapping[name])
        except (LookupError, ValueError, TypeError, OSError) as error:
            raise UsageError(f"mapping.{name} is {mapping[name]!r} ({error}); {EXAMPLES[name]}") from error
    encoding = codecs.lookup(mapping["encoding"]).name
    return _Dialect(
        columns={name: mapping["columns"][name] for name in fields},
        delimiter=mapping["delimiter"],
        encoding="utf-8-sig" if encoding == "utf-8" else encoding,
        date_format=mapping["date_format"],
        time_zone=mapping["time_zone"],
        countries=_country_codes(mapping["countries"]),
    )


def _country_codes(aliases: Mapping[str, str]) -> dict[str, str]:
    """Code by case-folded country name: CLDR's English names, then the aliases, whose code may be empty."""
    names = Locale("en").territories
    codes = {code for code in names if len(code) == 2 and code.isalpha()} - NO_COUNTRIES
    for name, code in aliases.items():
        if code != "" and code not in codes:
            hint = "wanted a quoted ISO 3166-1 code such as 'NO' (YAML reads a bare NO as false), or '' for none"
            raise UsageError(f"mapping.countries gives {name!r} the code {code!r}; {hint}")
    return {names[code].casefold(): code for code in codes} | {name.casefold(): code for name, code in aliases.items()}


def _read(path: Path, dialect: _Dialect, fields: Fields) -> _Block:
    """All lines of a file, typed field by field, and the faults of those that cannot be."""
    records = _records(path, dialect)
    header = _header(records, path)
    places = _places(header, path, dialect)
    read = _joined(_checked(block, dialect, fields) for block in _blocks(records, len(header), places))
    unused = [name for place, name in enumerate(header) if place not in places.values()]
    notes = Counter({f"columns of the file that are not used: {', '.join(unused)}": len(unused)})
    return _Block(read.lines, read.faults, read.notes + notes)


def _records(path: Path, dialect: _Dialect) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each record; the lines inside quotes count, as they do in an editor."""
    line = 1
    try:
        with _open(path) as binary, io.TextIOWrapper(binary, dialect.encoding, newline="") as text:
            reader = csv.reader(text, delimiter=dialect.delimiter, strict=True)
            for fields in reader:
                yield line, fields
                line = reader.line_num + 1
    except UnicodeError as error:
        raise DataError(_wrong_encoding(path, dialect)) from error
    except csv.Error as error:
        raise DataError(
            f"{path}, line {line}: {error}; close each quote, and write one that belongs to a text twice"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}); fetch or pack it again") from error


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked when they are gzip, whatever the name says."""
    try:
        packed = path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} cannot be opened: {error.strerror}; wanted a .csv or .csv.gz file") from error
    with packed:
        magic = packed.read(4)
        packed.seek(0)
        if magic.startswith(b"PK\x03\x04"):
            raise DataError(f"{path} is a zip archive or an Excel file; unpack it, or save it as CSV")
        yield gzip.GzipFile(fileobj=packed) if magic.startswith(b"\x1f\x8b") else packed


def _wrong_encoding(path: Path, dialect: _Dialect) -> str:
    """Which line is not in the encoding, and the encoding it looks like."""
    with _open(path) as binary:
        start = binary.read(4096)
        utf16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start
        binary.seek(0)
        line = next((number for number, raw in enumerate(binary, 1) if not _decodes(raw, dialect.encoding)), 1)
    guess = "utf-16" if utf16 else "cp1252" if dialect.encoding.startswith("utf-8") else "utf-8"
    found = dialect.encoding.removesuffix("-sig")
    return f"{path}, line {line} is not {found}; it looks like {guess}: set mapping.encoding to {guess}"


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeError:
        return False
    return True


def _header(records: Iterator[tuple[int, list[str]]], path: Path) -> list[str]:
    header = next((fields for _, fields in records if fields), None)
    if header is None:
        raise DataError(f"{path} is empty; wanted a line with the names of the columns, and lines below it")
    return header


def _places(header: list[str], path: Path, dialect: _Dialect) -> dict[str, int]:
    """Place in a line of each field; case and outer white space of the header do not count."""
    names = [name.strip().casefold() for name in header]
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise DataError(f"{path}: the header names {', '.join(twice)} more than once; rename or remove one")
    wanted = {name: column.strip().casefold() for name, column in dialect.columns.items()}
    lacking = [dialect.columns[name] for name, column in wanted.items() if column not in names]
    if lacking:
        raise DataError(f"{path} lacks {_advice(lacking, header, dialect)}")
    return {name: names.index(column) for name, column in wanted.items()}


def _advice(lacking: list[str], header: list[str], dialect: _Dialect) -> str:
    """The columns that are not there, and the setting or the name that was probably meant."""
    columns = ", ".join(lacking)
    if "\0" in "".join(header):
        return f"the columns {columns}; it looks like utf-16: set mapping.encoding to utf-16"
    other = max(DELIMITERS, key=header[0].count)
    if len(header) == 1 and other in header[0]:
        return f"the columns {columns}; its delimiter looks like {other!r}: set mapping.delimiter to it"
    close = {name: difflib.get_close_matches(name, header, 1) for name in lacking}
    hints = [f"{name} (did you mean {match[0]}?)" if match else name for name, match in close.items()]
    return f"the columns {', '.join(hints)}; it has {', '.join(header)}. Say what they are called under mapping.columns"


def _blocks(records: Iterator[tuple[int, list[str]]], width: int, places: dict[str, int]) -> Iterator[_Block]:
    """Runs of records, so that memory never holds the text of the whole file; at least one, perhaps empty."""
    while True:
        runs = [_run(list(islice(records, RUN)), width, places) for _ in range(RUNS)]
        yield _block(runs, list(places))
        if runs[-1].size < RUN:
            return


def _run(records: list[tuple[int, list[str]]], width: int, places: dict[str, int]) -> _Run:
    whole = [(line, fields) for line, fields in records if len(fields) == width]
    broken = [(line, " | ".join(fields)) for line, fields in records if fields and len(fields) != width]
    columns = list(zip(*(fields for _, fields in whole), strict=True)) or [()] * width
    texts = [pa.array(columns[place], pa.large_string()) for place in places.values()]
    return _Run(len(records), [line for line, _ in whole], texts, broken)


def _block(runs: list[_Run], names: list[str]) -> _Block:
    """Columns of text; a record of another width is a fault, an empty line is skipped and counted."""
    index = pd.Index([line for run in runs for line in run.lines], dtype="int64")
    texts = [pa.chunked_array(column).to_pandas() for column in zip(*(run.texts for run in runs), strict=True)]
    text = pd.DataFrame(dict(zip(names, texts, strict=True))).set_axis(index)
    broken = [record for run in runs for record in run.broken]
    faults = _faults([line for line, _ in broken], "", "wrong_field_count", [fields for _, fields in broken])
    empty = sum(run.size for run in runs) - len(text) - len(broken)
    return _Block(text, faults, Counter({"empty lines skipped": empty}))


def _faults(lines: Any, fields: Any, rules: Any, values: Any) -> pd.DataFrame:
    return pd.DataFrame({"field": fields, "rule": rules, "value": values}, pd.Index(lines, dtype="int64"), dtype="str")


def _checked(block: _Block, dialect: _Dialect, fields: Fields) -> _Block:
    """The block's usable lines, typed, and a fault for each of the others: the first field that breaks a rule."""
    text, tidied = _tidied(block.lines)
    parsed = {name: parse(text, dialect) for name, parse in fields.items()}
    broken = np.column_stack([found.rules != "" for found in parsed.values()])
    bad = broken.any(axis=1)
    first = (np.arange(bad.sum()), broken[bad].argmax(axis=1))
    rules = np.column_stack([found.rules[bad] for found in parsed.values()])[first]
    raw = block.lines.loc[bad, list(parsed)].to_numpy()[first]
    faults = _faults(text.index[bad], np.array(list(parsed))[first[1]], rules, raw)
    typed = pd.DataFrame({name: found.cells for name, found in parsed.items()})[~bad]
    counted = [block.notes, tidied, *(Counter(found.notes) for found in parsed.values())]
    return _Block(typed, pd.concat([block.faults, faults]), reduce(add, counted))


def _joined(blocks: Iterator[_Block]) -> _Block:
    """One block of many, with a whole number for each repeated text: small, and quick to group."""
    parts = list(blocks)
    lines = pd.concat([part.lines for part in parts])
    lines = lines.astype(dict.fromkeys(lines.select_dtypes("str"), "category"))
    return _Block(lines, pd.concat([part.faults for part in parts]), reduce(add, (part.notes for part in parts)))


def _tidied(text: pd.DataFrame) -> tuple[pd.DataFrame, Counter]:
    """Text without outer white space and in Unicode's composed form, and how many cells that changed."""
    stripped = text.apply(lambda column: column.str.strip())
    composed = stripped.apply(_composed)
    trims, forms = (stripped != text).sum(), (composed != stripped).sum()
    return composed, Counter(
        {f"{name}: outer white space removed": count for name, count in trims.items()}
        | {f"{name}: written in Unicode's composed form (NFC)": count for name, count in forms.items()}
    )


def _composed(text: pd.Series) -> pd.Series:
    foreign = text[text.str.contains(r"[^\x00-\x7f]")]
    return text if foreign.empty else text.where(~text.index.isin(foreign.index), foreign.str.normalize("NFC"))


def _text(text: pd.DataFrame, _: _Dialect, name: str, required: bool) -> _Parsed:
    values = text[name]
    blank = _matches(values, BLANK) & required
    return _Parsed(values, _first({"missing": blank, "control_character": values.str.contains(CONTROL)}))


def _first(rules: dict[str, pd.Series]) -> np.ndarray:
    """Name of the first rule that each line breaks, empty where it breaks none."""
    return np.select([broken.to_numpy(bool) for broken in rules.values()], list(rules), "")


def _quantity(text: pd.DataFrame, _: _Dialect) -> _Parsed:
    """Whole units, above zero on every invoice: the minus of a cancelled one is dropped, its status says it."""
    values = text["quantity"]
    usable = _matches(values, INTEGER) & ~values.str.contains(LARGE)
    units = values.where(usable, "0").str.replace(r"\..*", "", regex=True).astype("int64")
    cancelled = _cancelled(text["invoice"])
    rules = {
        "missing": values == "",
        "not_an_integer": ~_matches(values, INTEGER),
        "out_of_range": ~usable | (units.abs() > MOST_UNITS),
        "zero_quantity": units == 0,
        "negative_quantity": (units < 0) & ~cancelled,
    }
    notes = {
        "quantity: written with decimals that are zero": (usable & values.str.contains(".", regex=False)).sum(),
        "quantity: made positive on a cancelled invoice": ((units < 0) & cancelled).sum(),
    }
    return _Parsed(units.abs(), _first(rules), notes)


def _matches(values: pd.Series, pattern: str) -> pd.Series:
    """Whether the whole of each text fits; by Arrow, since pandas asks Python text by text."""
    return pd.Series(pc.match_substring_regex(pa.array(values), rf"\A(?:{pattern})\z").to_numpy(False), values.index)


def _cancelled(invoices: pd.Series) -> pd.Series:
    return invoices.str.startswith("C")


def _price(text: pd.DataFrame, _: _Dialect) -> _Parsed:
    """Whole cents, by decimal arithmetic: a binary fraction would bend them."""
    values = text["price"]
    number, large = _matches(values, NUMBER), values.str.contains(LARGE)
    precise = _matches(values, PRECISE)
    short = values.where(number & precise & ~large, "0").str.replace(r"(\.[0-9]{2})0+$", r"\1", regex=True)
    cents = pc.multiply(pa.array(short).cast(CENTS), 100).cast(pa.int64())
    cents = pd.Series(cents.to_numpy(), values.index)
    rules = {
        "missing": values == "",
        "not_finite": _matches(values, NO_NUMBER),
        "not_a_number": ~number,
        "not_positive": values.str.startswith("-") | (number & ~values.str.contains("[1-9]")),
        "too_many_decimals": ~precise,
        "out_of_range": large,
    }
    return _Parsed(cents, _first(rules))


def _instant(text: pd.DataFrame, dialect: _Dialect) -> _Parsed:
    """Instants in UTC; an hour that the clocks show twice is taken as the first of the two, and counted."""
    values = text["invoice_date"]
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
    return _Parsed(instants, _first(rules), {"invoice_date: the first of two equal clock times": twice.sum()})


def _local(values: pd.Series, dialect: _Dialect) -> pd.Series:
    """Clock times of the shop; with an offset in the format the instants themselves."""
    offset = "%z" in dialect.date_format
    return pd.to_datetime(values, format=dialect.date_format, errors="coerce", utc=offset or None).dt.as_unit("us")


def _to_utc(local: pd.Series, dialect: _Dialect, ambiguous: Any) -> pd.Series:
    if local.dt.tz is not None:
        return local.dt.tz_convert("UTC")
    return local.dt.tz_localize(dialect.time_zone, ambiguous=ambiguous, nonexistent="NaT").dt.tz_convert("UTC")


def _country(text: pd.DataFrame, dialect: _Dialect) -> _Parsed:
    values = text["country"]
    known = values.str.casefold().isin(list(dialect.countries)) | (values == "")
    return _Parsed(values, _first({"unknown_country": ~known}))


ONLINE_RETAIL: Fields = {
    "invoice": partial(_text, name="invoice", required=True),
    "product_code": partial(_text, name="product_code", required=True),
    "description": partial(_text, name="description", required=False),
    "quantity": _quantity,
    "invoice_date": _instant,
    "price": _price,
    "customer": partial(_text, name="customer", required=True),
    "country": _country,
}
FORMATS: dict[str, Callable[[Path, Mapping[str, Any]], Imported]] = {"online_retail": _online_retail}


def _conflicting(lines: pd.DataFrame) -> pd.DataFrame:
    """Faults of the lines whose invoice began with another customer."""
    owners = lines.drop_duplicates("invoice").set_index("invoice")["customer"].astype("str")
    customers = lines["customer"].astype("str")
    other = customers[customers != lines["invoice"].map(owners).astype("str")]
    return _faults(other.index, "customer", "conflicting_customer", other)


def _too_large(lines: pd.DataFrame) -> pd.DataFrame:
    """Faults of the lines at which the total of an invoice outgrows the database's money type."""
    # Floats are exact as far as the limit, and do not wrap around beyond it.
    amounts = lines["quantity"].astype(float) * lines["price"]
    large = lines[amounts.groupby(lines["invoice"]).cumsum() > MOST_CENTS]
    return _faults(large.index, "quantity", "out_of_range", large["quantity"].astype("str"))


def _rejects(faults: pd.DataFrame, path: Path, dialect: _Dialect) -> pd.DataFrame:
    """Faults as a person meets them: the file's own column names, and the reason in words."""
    reasons = {rule: words.format_map(vars(dialect)) for rule, words in REASONS.items()}
    found = {
        "file": path.name,
        "line": faults.index,
        "column": faults["field"].map({"": "", **dialect.columns}),
        "rule": faults["rule"],
        "value": faults["value"].str.slice(0, EXCERPT),
        "reason": faults["rule"].map(reasons),
    }
    return pd.DataFrame(found).reset_index(drop=True).astype(REJECT_COLUMNS)


def _nothing_usable(path: Path, rejects: pd.DataFrame) -> str:
    """Why a file gave no line at all, with an example of each of the most frequent reasons."""
    if rejects.empty:
        return f"{path} holds a header and no line after it; a shop without lines cannot be reported"
    frequent = rejects["rule"].value_counts().index[:3]
    examples = rejects[rejects["rule"].isin(frequent)].drop_duplicates("rule").itertuples()
    told = "; ".join(f"line {row.line}, {row.column or 'the line'}: {row.reason}" for row in examples)
    return f"{path}: none of its {len(rejects)} lines can be used. {told}"


def _shop(lines: pd.DataFrame, dialect: _Dialect) -> dict[str, pd.DataFrame]:
    """The six tables of the catalog from usable lines."""
    codes = {name: code for name, code in dialect.countries.items() if code}
    lines = lines.assign(
        user_id=_keys("user", lines["customer"]),
        product_id=_keys("product", lines["product_code"]),
        order_id=_keys("order", lines["invoice"]),
        code=lines["country"].astype("str").str.casefold().map(codes),
    )
    orders = _orders(lines)
    found = {
        "users": _users(lines, orders),
        "products": _products(lines),
        "orders": orders,
        "order_items": _order_items(lines),
    }
    known = [table for table in tables().values() if not table.mart]
    return {table.name: _as_catalog(found.get(table.name, pd.DataFrame()), table.columns) for table in known}


def _keys(kind: str, names: pd.Series) -> pd.Series:
    """The key of each natural key of a category column."""
    names = names.cat.remove_unused_categories()
    return names.cat.rename_categories(_uuids(kind, names.cat.categories))


def _uuids(kind: str, names: Iterable[str]) -> list[str]:
    """The version 5 UUID of each name, as uuid.uuid5(NAMESPACE, kind + ASIDE + name) gives it."""
    base = hashlib.sha1(NAMESPACE.bytes + f"{kind}{ASIDE}".encode(), usedforsecurity=False)
    return [_uuid5(base, name) for name in names]


def _uuid5(base: Any, name: str) -> str:
    # A third of the time of uuid.uuid5, which hashes the namespace and builds an object for every key.
    digest = base.copy()
    digest.update(name.encode())
    raw = digest.hexdigest()
    variant = "89ab"[int(raw[16], 16) & 3]
    return f"{raw[:8]}-{raw[8:12]}-5{raw[13:16]}-{variant}{raw[17:20]}-{raw[20:32]}"


def _orders(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per invoice: date, customer and country of its first line, total of all."""
    first = lines.drop_duplicates("invoice").astype({"order_id": "str", "user_id": "str"})
    totals = (lines["quantity"] * lines["price"]).groupby(lines["invoice"], observed=True).sum()
    return pd.DataFrame(
        {
            "order_id": first["order_id"],
            "user_id": first["user_id"],
            "order_date": first["invoice_date"],
            "status": np.where(_cancelled(first["invoice"]), "cancelled", "completed"),
            "total_amount": _money(first["invoice"].map(totals)),
            "shipping_country_code": first["code"],
        }
    )


def _money(cents: pd.Series) -> pd.Series:
    amounts = pc.multiply(pa.array(cents.to_numpy("int64")).cast(pa.decimal128(19, 0)), pa.scalar(Decimal("0.01")))
    return pd.Series(pd.array(amounts.cast(CENTS), dtype=MONEY), cents.index)


def _users(lines: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """One row per customer: signed up with the first invoice, at home where the latest line says."""
    seen = lines[["user_id", "customer", "invoice_date", "country", "code"]].sort_values("invoice_date", kind="stable")
    users = seen.drop_duplicates("user_id", keep="last").astype({"user_id": "str", "customer": "str", "country": "str"})
    signup = orders.groupby("user_id")["order_date"].min().dt.tz_localize(None).dt.normalize()
    plain = users["customer"].str.fullmatch("[a-z0-9._-]{1,64}")
    return pd.DataFrame(
        {
            "user_id": users["user_id"],
            "email": users["customer"].where(plain, users["user_id"]) + NO_EMAIL,
            "name": "Customer " + users["customer"],
            "country_code": users["code"],
            "country": users["country"].where(users["country"] != ""),
            "signup_date": users["user_id"].map(signup),
        }
    ).sort_values(["signup_date", "name"])


def _products(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per stock code: its most frequent description (ties: C order) and the latest price it was sold at."""
    seen = lines[["product_id", "product_code", "invoice_date", "price"]].assign(sold=~_cancelled(lines["invoice"]))
    latest = seen.sort_values(["sold", "invoice_date"], kind="stable").drop_duplicates("product_id", keep="last")
    products = latest.astype({"product_id": "str", "product_code": "str"}).sort_values("product_code")
    return pd.DataFrame(
        {
            "product_id": products["product_id"],
            "name": products["product_id"].map(_descriptions(lines)).astype("str").fillna(products["product_code"]),
            "price": _money(products["price"]),
        }
    )


def _descriptions(lines: pd.DataFrame) -> pd.Series:
    """The most frequent description of each product that has one."""
    told = lines[lines["description"] != ""].groupby(["product_id", "description"], observed=True).size()
    told = told.reset_index(name="lines").astype({"product_id": "str", "description": "str"})
    told = told.sort_values(["lines", "description"], ascending=[False, True])
    return told.drop_duplicates("product_id").set_index("product_id")["description"]


def _order_items(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per line; the key counts the repeats of an article on its invoice, not lines, which may move."""
    repeats = lines.groupby(["order_id", "product_id"], observed=True, sort=False).cumcount()
    names = zip(lines["invoice"], lines["product_code"], repeats, strict=True)
    return pd.DataFrame(
        {
            "order_item_id": _uuids(
                "item", (f"{invoice}{ASIDE}{code}{ASIDE}{repeat}" for invoice, code, repeat in names)
            ),
            "order_id": lines["order_id"],
            "product_id": lines["product_id"],
            "quantity": lines["quantity"],
            "price_at_time": _money(lines["price"]),
            "discount": _money(lines["price"] * 0),
        }
    )


def _as_catalog(frame: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """The frame with the catalog's columns in order and type; what the source does not have is empty."""
    rows = pd.RangeIndex(len(frame))
    frame = frame.set_axis(rows)
    types = {c.name: "Int64" if c.type == "integer" and c.optional else DTYPES[c.type] for c in columns}
    absent = {name: pd.Series(index=rows, dtype=dtype) for name, dtype in types.items() if name not in frame}
    return frame.assign(**absent)[list(types)].astype(types)


def _derived(lines: pd.DataFrame, shop: dict[str, pd.DataFrame]) -> Counter:
    """What the importer had to decide, as the number of cases by what was decided."""
    several = {
        "orders: lines with different instants; the first line's is kept": ["invoice", "invoice_date"],
        "users: several countries; the latest line's is kept": ["customer", "country"],
        "products: several descriptions; the most frequent is kept": ["product_code", "description"],
    }
    counts = {words: _ambiguous(lines[columns]) for words, columns in several.items()}
    described = lines.loc[lines["description"] != "", "product_code"].nunique()
    repeated = lines.duplicated(["invoice", "product_code", "quantity", "price", "invoice_date"])
    return Counter(
        counts
        | {
            "products: no description; named by the stock code": len(shop["products"]) - described,
            "products: list price unknown; the latest price it was sold at stands in": len(shop["products"]),
            "order_items: list price unknown; the discount is 0.00": len(shop["order_items"]),
            "order_items: repeats of an identical line, kept": repeated.sum(),
            "orders: cancelled; the source does not say which order they take back": (
                (shop["orders"]["status"] == "cancelled").sum()
            ),
            f"users: no e-mail; an unreachable placeholder (…{NO_EMAIL}) stands in": len(shop["users"]),
        }
    )


def _ambiguous(pairs: pd.DataFrame) -> int:
    """How many values of the first column come with several of the second."""
    keys = pairs.drop_duplicates().iloc[:, 0]
    return keys[keys.duplicated()].nunique()


def _gaps(shop: dict[str, pd.DataFrame]) -> Counter:
    """Empty cells by column, and the tables that stay empty."""
    cells = {f"{name}.{column}: empty": n for name, rows in shop.items() for column, n in rows.isna().sum().items()}
    bare = [name for name, rows in shop.items() if rows.empty]
    return Counter(cells | {f"tables without rows: {', '.join(bare)}": len(bare)})
