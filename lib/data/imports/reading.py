"""The bytes of a CSV file as blocks of text by column, each record with its line and its text as it stands there."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from lib.data.imports.dialect import Dialect, Layout
from lib.data.imports.files import Header, header_of
from lib.errors import DataError, UsageError

__all__ = ["Block", "read_blocks"]

RUN = 500  # records turned into columns at a time: five times as fast as 50,000, whose lists Python's collector walks
BLOCK_RECORDS = 50_000
BLOCK_CHARACTERS = 1 << 24  # a block of long records has fewer, so that memory does not depend on what is in the file
FIELD_CHARACTERS = 1 << 19  # where a quote that was left open is given up


@dataclass(frozen=True)
class Block:
    """Records in order: the line they begin on, their text as it stands in the file, and the cells by field.

    A record with another number of fields than the header has that number in `fields`, and empty cells.
    `empty` counts lines without text.
    """

    line: pa.Array
    raw: pa.Array
    fields: pa.Array
    text: dict[str, pa.Array]
    empty: int


@dataclass(frozen=True)
class _Run:
    """A few records, the line that the first begins on, and the lines of the file that hold them."""

    records: list[list[str]]
    line: int
    kept: list[str]


def read_blocks(path: Path, layout: Layout, dialect: Dialect) -> tuple[Header, Iterator[Block]]:
    """Where the file has which field, and its records; the lines are counted as an editor does (header = 1).

    Raises UsageError for a path that cannot be opened, DataError for bytes that are not such a file or that change
    while they are read.
    """
    runs = _runs(path, dialect)
    first = next((run.records[0] for run in runs if run.records[0]), None)
    if first is None:
        raise DataError(f"{path} is empty; wanted a line with the names of the columns, and lines below it")
    header = header_of(first, path, layout, dialect)
    return header, _blocks(runs, header, dialect)


def _runs(path: Path, dialect: Dialect) -> Iterator[_Run]:
    """The records of the file in runs, alone up to the header; a line break inside quotes belongs to its record."""
    before, line = _state(path), 1
    limit = csv.field_size_limit(FIELD_CHARACTERS)
    try:
        with _open(path) as binary, io.TextIOWrapper(binary, dialect.encoding, newline="") as text:
            kept: list[str] = []
            reader = csv.reader(_kept(text, kept), delimiter=dialect.delimiter, strict=True)
            size = 1
            while records := list(islice(reader, size)):
                yield _Run(records, line, kept.copy())
                size = RUN if records[0] else size
                line += len(kept)
                kept.clear()
    except UnicodeError as error:
        raise DataError(_wrong_encoding(path, dialect)) from error
    except csv.Error as error:
        raise DataError(_unclosed_quote(path, line + _last_start(kept, dialect), error)) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}); fetch or pack it again") from error
    finally:
        csv.field_size_limit(limit)
    if _state(path) != before:
        raise DataError(f"{path} changed while it was read; wait until it is written, then run again")


def _state(path: Path) -> tuple[int, ...]:
    """What changes when the file is written to or replaced."""
    try:
        found = path.stat()
    except OSError as error:
        raise UsageError(_unopened(path, error)) from error
    return found.st_ino, found.st_size, found.st_mtime_ns


def _kept(lines: Iterator[str], kept: list[str]) -> Iterator[str]:
    for line in lines:
        kept.append(line)
        yield line


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked when they are gzip, whatever the name says."""
    try:
        packed = path.open("rb")
    except OSError as error:
        raise UsageError(_unopened(path, error)) from error
    with packed:
        magic = packed.read(4)
        packed.seek(0)
        if magic.startswith(b"PK\x03\x04"):
            raise DataError(f"{path} is a zip archive or an Excel file; unpack it, or save it as CSV")
        yield gzip.GzipFile(fileobj=packed) if magic.startswith(b"\x1f\x8b") else packed


def _unopened(path: Path, error: OSError) -> str:
    return f"{path} cannot be opened: {error.strerror}; wanted a .csv or .csv.gz file"


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


def _unclosed_quote(path: Path, line: int, error: csv.Error) -> str:
    return (
        f"{path}, line {line}: {error} (unclosed_quote); close each quote, and write one that belongs to a text twice"
    )


def _last_start(kept: list[str], dialect: Dialect) -> int:
    """How many of the lines come before the record that cannot be read."""
    reader, start = csv.reader(kept, delimiter=dialect.delimiter, strict=True), 0
    try:
        for _ in reader:
            start = reader.line_num
    except csv.Error:
        return start
    return start


def _blocks(runs: Iterator[_Run], header: Header, dialect: Dialect) -> Iterator[Block]:
    """Blocks of runs."""
    parts, records, characters = [], 0, 0
    for run in runs:
        parts.append(_block(run, header, dialect))
        records += len(run.records)
        characters += sum(map(len, run.kept))
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


def _block(run: _Run, header: Header, dialect: Dialect) -> Block:
    """The run by column, without the records that hold nothing."""
    starts, raw = _placed(run, dialect)
    records, widths = run.records, list(map(len, run.records))
    full = range(len(records))
    if set(widths) - {header.width}:
        full = [place for place in full if len(records[place]) > 1 or "".join(records[place]).strip()]
        blank = [""] * header.width
        records = [records[place] if widths[place] == header.width else blank for place in full]
    columns = list(zip(*records, strict=True)) or [()] * header.width
    return Block(
        pa.array([run.line + starts[place] for place in full], pa.int64()),
        pa.array([raw[place] for place in full], pa.string()),
        pa.array([None if widths[place] == header.width else widths[place] for place in full], pa.int32()),
        {name: pa.array(columns[place], pa.string()) for name, place in header.places.items()},
        len(run.records) - len(full),
    )


def _placed(run: _Run, dialect: Dialect) -> tuple[Sequence[int], list[str]]:
    """Lines of the run before each record, and its text; nearly always each record is one line."""
    if len(run.records) == len(run.kept):
        return range(len(run.kept)), run.kept
    reader = csv.reader(run.kept, delimiter=dialect.delimiter, strict=True)
    starts = [0, *(reader.line_num for _ in reader)]
    return starts, ["".join(run.kept[start:end]) for start, end in pairwise(starts)]
