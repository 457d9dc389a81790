"""The bytes of a CSV file as records of text, each with the number of its line."""

import codecs
import csv
import difflib
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import pandas as pd
import pyarrow as pa

from lib.errors import DataError, UsageError
from lib.sources.dialect import Dialect

__all__ = ["Block", "read_blocks"]

RUN = 500  # records turned into columns at a time: five times as fast as 50,000, whose lists Python's collector walks
RUNS = 100  # of these make a block
DELIMITERS = (",", ";", "\t", "|")

_Records = Iterator[tuple[int, list[str]]]


@dataclass(frozen=True)
class Block:
    """Records as `text` by field, those with another number of fields (line, text), and how many lines are empty."""

    text: pd.DataFrame
    broken: list[tuple[int, str]]
    empty: int


@dataclass(frozen=True)
class _Run:
    """A few records: `text` holds the whole ones by field, and the line that each begins on."""

    size: int
    text: pa.RecordBatch
    broken: list[tuple[int, str]]


def read_blocks(path: Path, dialect: Dialect) -> tuple[list[str], Iterator[Block]]:
    """Names of the columns that no field uses, and the records by field, indexed by line (header = 1).

    Raises UsageError for a path that cannot be opened, DataError for bytes that are not such a file.
    """
    records = _records(path, dialect)
    header = _header(records, path)
    places = _places(header, path, dialect)
    unused = [name for place, name in enumerate(header) if place not in places.values()]
    return unused, _blocks(records, len(header), places)


def _records(path: Path, dialect: Dialect) -> _Records:
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


def _wrong_encoding(path: Path, dialect: Dialect) -> str:
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


def _header(records: _Records, path: Path) -> list[str]:
    header = next((fields for _, fields in records if fields), None)
    if header is None:
        raise DataError(f"{path} is empty; wanted a line with the names of the columns, and lines below it")
    return header


def _places(header: list[str], path: Path, dialect: Dialect) -> dict[str, int]:
    """Place in a record of each field; case and outer white space of the header do not count."""
    names = [name.strip().casefold() for name in header]
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise DataError(f"{path}: the header names {', '.join(twice)} more than once; rename or remove one")
    wanted = {name: column.strip().casefold() for name, column in dialect.columns.items()}
    lacking = [dialect.columns[name] for name, column in wanted.items() if column not in names]
    if lacking:
        raise DataError(f"{path} lacks {_advice(lacking, header)}")
    return {name: names.index(column) for name, column in wanted.items()}


def _advice(lacking: list[str], header: list[str]) -> str:
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


def _blocks(records: _Records, width: int, places: dict[str, int]) -> Iterator[Block]:
    """Runs of records, so that memory never holds the text of the whole file; at least one block, perhaps empty."""
    while True:
        runs = [_run(list(islice(records, RUN)), width, places) for _ in range(RUNS)]
        text = pa.Table.from_batches([run.text for run in runs]).to_pandas().set_index("line").rename_axis(None)
        broken = [record for run in runs for record in run.broken]
        yield Block(text, broken, sum(run.size for run in runs) - len(text) - len(broken))
        if runs[-1].size < RUN:
            return


def _run(records: list[tuple[int, list[str]]], width: int, places: dict[str, int]) -> _Run:
    whole = [(line, fields) for line, fields in records if len(fields) == width]
    broken = [(line, " | ".join(fields)) for line, fields in records if fields and len(fields) != width]
    columns = list(zip(*(fields for _, fields in whole), strict=True)) or [()] * width
    texts = {name: pa.array(columns[place], pa.large_string()) for name, place in places.items()}
    lines = pa.array([line for line, _ in whole], pa.int64())
    return _Run(len(records), pa.RecordBatch.from_pydict({"line": lines} | texts), broken)
