"""Read a CSV file in blocks of text columns, each record with its line number and its original text."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc

from lib.data.imports.dialect import Dialect, Layout
from lib.data.imports.files import Header, header_of
from lib.errors import DataError, UsageError

__all__ = ["Block", "read_blocks"]

RUN = 500  # records converted to columns at a time: five times faster than 50,000, which burden the garbage collector
BLOCK_RECORDS = 50_000
BLOCK_CHARACTERS = 1 << 24  # a block of long records has fewer, so that memory does not depend on their length
FIELD_CHARACTERS = 1 << 19  # a longer field counts as an unclosed quote


@dataclass(frozen=True)
class Block:
    """Records in order: number of the first line, original text, and cells by field.

    fields: null, or the number of fields where it differs from the header; the cells are then empty. empty: number of
    records without text, which are left out.
    """

    line: pa.Array
    raw: pa.Array
    fields: pa.Array
    text: dict[str, pa.Array]
    empty: int


@dataclass(frozen=True)
class _Run:
    """Some records, the number of the line that each ends on, the number of the first line, and all lines."""

    records: list[list[str]]
    ends: list[int]
    first_line: int
    lines: list[str]


class _Recorder:
    """Iterates over lines and remembers them until they are taken: csv.reader does not return the text of a record."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._recorded: list[str] = []

    def __iter__(self) -> "_Recorder":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._recorded.append(line)
        return line

    def take(self) -> list[str]:
        """The lines since the last call."""
        recorded, self._recorded = self._recorded, []
        return recorded


def read_blocks(path: Path, layout: Layout, dialect: Dialect) -> tuple[Header, Iterator[Block]]:
    """The header of a file and an iterator over its records in blocks. Lines are counted from 1, the header's.

    Raises:
        UsageError: The path cannot be opened.
        DataError: The file is empty, is not a CSV file in this encoding, or changes while it is read.
    """
    runs = _runs(path, dialect)
    first = next((run.records[0] for run in runs if run.records[0]), None)
    if first is None:
        raise DataError(f"{path} is empty; expected a header and rows below it")
    header = header_of(first, path, layout, dialect)
    return header, _blocks(runs, header)


def _runs(path: Path, dialect: Dialect) -> Iterator[_Run]:
    """The records of the file in runs, one by one up to the header; a record can span several lines inside quotes."""
    before, end = _state(path), 0  # end: number of the line that the last complete record ends on
    limit = csv.field_size_limit(FIELD_CHARACTERS)
    try:
        with _open(path) as binary, io.TextIOWrapper(binary, dialect.encoding, newline="") as text:
            lines = _Recorder(text)
            reader = csv.reader(lines, delimiter=dialect.delimiter, strict=True)
            size = 1
            while True:
                first_line, records, ends = end + 1, [], []
                for record in islice(reader, size):
                    end = reader.line_num
                    records.append(record)
                    ends.append(end)
                if not records:
                    break
                yield _Run(records, ends, first_line, lines.take())
                size = RUN if records[0] else size
    except UnicodeError as error:
        raise DataError(_wrong_encoding(path, dialect)) from error
    except csv.Error as error:
        raise DataError(_unclosed_quote(path, end + 1, error)) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}). Download or compress it again.") from error
    finally:
        csv.field_size_limit(limit)
    if _state(path) != before:
        raise DataError(f"{path} changed while it was read. Wait until it is complete, then run again.")


def _state(path: Path) -> tuple[int, ...]:
    """Values that change when the file is modified or replaced."""
    try:
        found = path.stat()
    except OSError as error:
        raise UsageError(_unopened(path, error)) from error
    return found.st_ino, found.st_size, found.st_mtime_ns


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, decompressed if they are gzip under any name."""
    try:
        packed = path.open("rb")
    except OSError as error:
        raise UsageError(_unopened(path, error)) from error
    with packed:
        magic = packed.read(4)
        packed.seek(0)
        if magic.startswith(b"PK\x03\x04"):
            raise DataError(f"{path} is a zip archive or an Excel file; expected CSV. Unpack it, or save it as CSV.")
        yield cast("BinaryIO", gzip.GzipFile(fileobj=packed)) if magic.startswith(b"\x1f\x8b") else packed


def _unopened(path: Path, error: OSError) -> str:
    return f"{path} cannot be opened: {error.strerror}; expected a .csv or .csv.gz file"


def _wrong_encoding(path: Path, dialect: Dialect) -> str:
    """A sentence with the first line that is not in the encoding, and the likely encoding."""
    with _open(path) as binary:
        start = binary.read(4096)
        utf16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start
        binary.seek(0)
        line = next((number for number, raw in enumerate(binary, 1) if not _decodes(raw, dialect.encoding)), 1)
    guess = "utf-16" if utf16 else "cp1252" if dialect.encoding.startswith("utf-8") else "utf-8"
    found = dialect.encoding.removesuffix("-sig")
    return f"{path}, line {line} is not {found}; it looks like {guess}. Set mapping.encoding to {guess}."


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeError:
        return False
    return True


def _unclosed_quote(path: Path, line: int, error: csv.Error) -> str:
    return f"{path}, line {line}: {error} (unclosed_quote). Close each quote, and double quotes inside a text."


def _blocks(runs: Iterator[_Run], header: Header) -> Iterator[Block]:
    """The runs, joined to blocks."""
    parts, records, characters = [], 0, 0
    for run in runs:
        parts.append(_block(run, header))
        records += len(run.records)
        characters += sum(map(len, run.lines))
        if records >= BLOCK_RECORDS or characters >= BLOCK_CHARACTERS:
            yield _joined(parts)
            parts, records, characters = [], 0, 0
    if parts:
        yield _joined(parts)


def _joined(parts: list[Block]) -> Block:
    return Block(
        pa.concat_arrays([part.line for part in parts]),
        pc.utf8_rtrim(pa.concat_arrays([part.raw for part in parts]), "\r\n"),
        pa.concat_arrays([part.fields for part in parts]),
        {name: pa.concat_arrays([part.text[name] for part in parts]) for name in parts[0].text},
        sum(part.empty for part in parts),
    )


def _block(run: _Run, header: Header) -> Block:
    """The run by column, without the records that have no text."""
    starts = [run.first_line, *(end + 1 for end in run.ends[:-1])]
    records, widths = run.records, list(map(len, run.records))
    full: Sequence[int] = range(len(records))
    if set(widths) - {header.width}:
        full = [row for row in full if len(records[row]) > 1 or "".join(records[row]).strip()]
        blank = [""] * header.width
        records = [records[row] if widths[row] == header.width else blank for row in full]
    columns = list(zip(*records, strict=True)) or [()] * header.width
    raw = _texts(run, starts)
    return Block(
        pa.array([starts[row] for row in full], pa.int64()),
        pa.array([raw[row] for row in full], pa.string()),
        pa.array([None if widths[row] == header.width else widths[row] for row in full], pa.int32()),
        {name: pa.array(columns[place], pa.string()) for name, place in header.places.items()},
        len(run.records) - len(full),
    )


def _texts(run: _Run, starts: list[int]) -> list[str]:
    """The text of each record; usually each record is one line."""
    if len(run.records) == len(run.lines):
        return run.lines
    spans = zip(starts, run.ends, strict=True)
    return ["".join(run.lines[start - run.first_line : end - run.first_line + 1]) for start, end in spans]
