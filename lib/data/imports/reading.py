"""Read a CSV file as blocks of text columns, with the line number and the raw text of each record."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise, tee
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.compute as pc

from lib.data.imports.files import Header, header_of
from lib.data.imports.layout import Layout
from lib.data.imports.options import ReadOptions
from lib.errors import DataError, UsageError

__all__ = ["Block", "read_blocks"]

BATCH_RECORDS = 500  # converted to columns at a time: five times as fast as 50,000, whose lists the collector traverses
BLOCK_RECORDS = 50_000
BLOCK_CHARACTERS = 1 << 24  # long records make smaller blocks, to bound memory
FIELD_CHARACTERS = 1 << 19  # a quoted field longer than this counts as an unclosed quote


@dataclass(frozen=True)
class Block:
    """Records of a file in order.

    Attributes:
        line: Line on which each record starts; the header is on line 1.
        raw: Text of the record in the file, without the line break.
        field_count: Number of fields of a record that has not as many as the header, and null for all others.
        text: Cells by field; all empty for a record with another number of fields.
        empty: Number of lines without text, which are left out.
    """

    line: pa.Array
    raw: pa.Array
    field_count: pa.Array
    text: dict[str, pa.Array]
    empty: int


@dataclass(frozen=True)
class _Batch:
    """Some records: their cells, the line on which each starts, and their raw text."""

    records: list[list[str]]
    lines: list[int]
    raw: list[str]


def read_blocks(path: Path, layout: Layout, options: ReadOptions) -> tuple[Header, Iterator[Block]]:
    """The header of a file, and its records.

    Raises:
        UsageError: The file cannot be opened.
        DataError: It is not a CSV file of this layout and encoding, or it changes while it is read.
    """
    batches = _batches(path, options)
    first = next((batch.records[0] for batch in batches if batch.records[0]), None)
    if first is None:
        raise DataError(f"{path} is empty; expected a header and rows below it")
    header = header_of(first, path, layout, options)
    return header, _blocks(batches, header)


def _batches(path: Path, options: ReadOptions) -> Iterator[_Batch]:
    """The records of a file, the header and empty lines before it in batches of their own."""
    state = _state(path)
    try:
        with _open_text(path, options) as text:
            yield from _parse(text, path, options)
    except UnicodeError as error:
        raise DataError(_wrong_encoding(path, options)) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}). Download or compress it again.") from error
    if _state(path) != state:
        raise DataError(f"{path} changed while it was read. Wait until it is complete, then run again.")


def _parse(text: TextIO, path: Path, options: ReadOptions) -> Iterator[_Batch]:
    parsed, unparsed = tee(text)
    reader = csv.reader(parsed, delimiter=options.delimiter, strict=True)
    size, ends = 1, [0]
    while True:
        records, ends = [], ends[-1:]  # ends: the last line of the batch before, and of each record
        with _csv_errors(path, ends):
            for record in islice(reader, size):
                records.append(record)
                ends.append(reader.line_num)
        if not records:
            return
        yield _batch(records, ends, list(islice(unparsed, ends[-1] - ends[0])))
        if records[0]:
            size = BATCH_RECORDS


@contextmanager
def _csv_errors(path: Path, ends: list[int]) -> Iterator[None]:
    """Name the line after the last complete record in an error, and limit the length of fields meanwhile.

    The limit belongs to the whole process, so that a suspended generator must not leave it set.
    """
    limit = csv.field_size_limit(FIELD_CHARACTERS)
    try:
        yield
    except csv.Error as error:
        raise DataError(
            f"{path}, line {ends[-1] + 1}: {error} (unclosed_quote). Close each quote, and double quotes inside a text."
        ) from error
    finally:
        csv.field_size_limit(limit)


def _batch(records: list[list[str]], ends: list[int], lines: list[str]) -> _Batch:
    """Records that start after the line `ends[n]` and end on `ends[n + 1]`; `lines` are the lines of all of them."""
    if len(lines) == len(records):  # no line break inside quotes
        raw = lines
    else:
        raw = ["".join(lines[start - ends[0] : end - ends[0]]) for start, end in pairwise(ends)]
    return _Batch(records, [end + 1 for end in ends[:-1]], raw)


def _state(path: Path) -> tuple[int, ...]:
    """Changes when the file is written to or replaced."""
    try:
        found = path.stat()
    except OSError as error:
        raise UsageError(_cannot_open(path, error)) from error
    return found.st_ino, found.st_size, found.st_mtime_ns


@contextmanager
def _open_text(path: Path, options: ReadOptions) -> Iterator[TextIO]:
    with _open(path) as binary, io.TextIOWrapper(binary, options.encoding, newline="") as text:
        yield text


@contextmanager
def _open(path: Path) -> Iterator[io.BufferedReader | gzip.GzipFile]:
    """The bytes of a file, decompressed if they are gzip, whether or not the name says so."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(_cannot_open(path, error)) from error
    with file:
        magic = file.read(4)
        file.seek(0)
        if magic.startswith(b"PK\x03\x04"):
            raise DataError(f"{path} is a zip archive or an Excel file; expected CSV. Unpack it, or save it as CSV.")
        if magic.startswith(b"\x1f\x8b"):
            with gzip.open(file) as unpacked:
                yield unpacked
        else:
            yield file


def _cannot_open(path: Path, error: OSError) -> str:
    return f"{path} cannot be opened: {error.strerror}; expected a .csv or .csv.gz file"


def _wrong_encoding(path: Path, options: ReadOptions) -> str:
    """The first line that cannot be decoded, and the encoding it looks like."""
    with _open(path) as binary:
        start = binary.read(4096)
        binary.seek(0)
        line = next((number for number, raw in enumerate(binary, 1) if not _decodes(raw, options.encoding)), 1)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start:
        guess = "utf-16"
    else:
        guess = "cp1252" if options.encoding.startswith("utf-8") else "utf-8"
    encoding = options.encoding.removesuffix("-sig")
    return f"{path}, line {line} is not {encoding}; it looks like {guess}. Set mapping.encoding to {guess}."


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeError:
        return False
    return True


def _blocks(batches: Iterator[_Batch], header: Header) -> Iterator[Block]:
    """Batches joined to blocks."""
    parts: list[Block] = []
    records, characters = 0, 0
    for batch in batches:
        parts.append(_columns(batch, header))
        records += len(batch.records)
        characters += sum(map(len, batch.raw))
        if records >= BLOCK_RECORDS or characters >= BLOCK_CHARACTERS:
            yield _joined(parts)
            parts, records, characters = [], 0, 0
    if parts:
        yield _joined(parts)


def _joined(parts: list[Block]) -> Block:
    return Block(
        line=pa.concat_arrays([part.line for part in parts]),
        raw=pc.utf8_rtrim(pa.concat_arrays([part.raw for part in parts]), "\r\n"),
        field_count=pa.concat_arrays([part.field_count for part in parts]),
        text={name: pa.concat_arrays([part.text[name] for part in parts]) for name in parts[0].text},
        empty=sum(part.empty for part in parts),
    )


def _columns(batch: _Batch, header: Header) -> Block:
    """The records as columns, without the empty ones."""
    records, lines, raw = batch.records, batch.lines, batch.raw
    field_count: list[int | None] = [None] * len(records)
    if any(len(record) != header.width for record in records):
        kept = [place for place, record in enumerate(records) if not _is_empty(record, header.width)]
        lines, raw = [lines[place] for place in kept], [raw[place] for place in kept]
        widths = [len(records[place]) for place in kept]
        field_count = [None if width == header.width else width for width in widths]
        blank = [""] * header.width
        records = [records[place] if len(records[place]) == header.width else blank for place in kept]
    columns: list[tuple[str, ...]] = list(zip(*records, strict=True)) or [()] * header.width
    return Block(
        line=pa.array(lines, pa.int64()),
        raw=pa.array(raw, pa.string()),
        field_count=pa.array(field_count, pa.int32()),
        text={name: pa.array(columns[position], pa.string()) for name, position in header.positions.items()},
        empty=len(batch.records) - len(records),
    )


def _is_empty(record: list[str], width: int) -> bool:
    """Whether a record is a line without text; in a file of one column an empty cell is a record."""
    return len(record) != width and len(record) < 2 and not "".join(record).strip()
