"""Read a CSV file as blocks of text columns, with the line number and the raw text of each record."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lib.data.imports.mapping import Header, Layout, ReadOptions, header_of
from lib.errors import DataError, UsageError

__all__ = ["Block", "read_blocks"]

BATCH_RECORDS = 500  # converted to columns at a time: five times as fast as 50,000, whose lists the collector traverses
BLOCK_RECORDS = 50_000
BLOCK_CHARACTERS = 1 << 24  # long records make smaller blocks, to bound memory
FIELD_CHARACTERS = 1 << 19  # a quoted field longer than this counts as an unclosed quote

Record = tuple[int, str, list[str]]  # the line on which it starts, its text in the file, and its cells


class Block(NamedTuple):
    """Records of a file in order.

    Attributes:
        rows: line (on which the record starts; the header is on line 1), raw_line (its text without the line break),
            field_count (null if it is that of the header), and a column of text per field; the text is empty for a
            record with another number of fields.
        empty: Number of lines without text, which are left out.
    """

    rows: pa.RecordBatch
    empty: int


def read_blocks(path: Path, layout: Layout, options: ReadOptions) -> tuple[Header, Iterator[Block]]:
    """The header of a file, and its records.

    Raises:
        UsageError: The file cannot be opened.
        DataError: It is not a CSV file of this layout and encoding, or it changes while it is read.
    """
    records = _records(path, options)
    singles = iter(lambda: _next(records, 1), [])
    first = next((cells for ((_, _, cells),) in singles if cells), None)
    if first is None:
        raise DataError(f"{path} is empty; expected a header and rows below it")
    header = header_of(first, path, layout, options)
    return header, _blocks(records, header)


def _blocks(records: Iterator[Record], header: Header) -> Iterator[Block]:
    """The records in blocks, converted in smaller batches."""
    batches: list[pa.RecordBatch] = []
    read, characters = 0, 0
    while batch := _next(records, BATCH_RECORDS):
        batches.append(_columns(batch, header))
        read += len(batch)
        characters += sum(len(raw) for _, raw, _ in batch)
        if read >= BLOCK_RECORDS or characters >= BLOCK_CHARACTERS:
            yield _joined(batches, read)
            batches, read, characters = [], 0, 0
    if batches:
        yield _joined(batches, read)


def _joined(batches: list[pa.RecordBatch], read: int) -> Block:
    rows = pa.concat_batches(batches)
    return Block(rows, read - rows.num_rows)


def _columns(records: list[Record], header: Header) -> pa.RecordBatch:
    """The records as columns, without the empty ones."""
    width = header.width
    kept = [record for record in records if len(record[2]) == width or not _is_empty(record[2])]
    counts = [None if len(cells) == width else len(cells) for _, _, cells in kept]
    blank = [""] * width
    columns = list(zip(*(cells if len(cells) == width else blank for _, _, cells in kept), strict=True))
    return pa.record_batch(
        {
            "line": pa.array([line for line, _, _ in kept], pa.int64()),
            "raw_line": pc.utf8_rtrim(pa.array([raw for _, raw, _ in kept], pa.string()), "\r\n"),
            "field_count": pa.array(counts, pa.int32()),
        }
        | {
            name: pa.array(columns[position] if kept else [], pa.string())
            for name, position in header.positions.items()
        }
    )


def _is_empty(cells: list[str]) -> bool:
    """Whether a record with another number of cells than the header is a line without text."""
    return len(cells) < 2 and not "".join(cells).strip()


def _next(records: Iterator[Record], most: int) -> list[Record]:
    """The next records. The limit of csv belongs to the whole process, so it is restored after each batch."""
    limit = csv.field_size_limit(FIELD_CHARACTERS)
    try:
        return list(islice(records, most))
    finally:
        csv.field_size_limit(limit)


def _records(path: Path, options: ReadOptions) -> Iterator[Record]:
    """All records of a file, with the header and empty lines."""
    line = 1
    lines: list[str] = []  # of the record that is being read
    try:
        before = path.stat()
        with _open(path) as binary, io.TextIOWrapper(binary, options.encoding, newline="") as text:
            reader = csv.reader(_copied(text, lines), delimiter=options.delimiter, strict=True)
            for cells in reader:
                yield line, "".join(lines), cells
                lines.clear()
                line = reader.line_num + 1
        after = path.stat()
    except csv.Error as error:
        raise DataError(
            f"{path}, line {line}: {error} (unclosed_quote). Close each quote, and double quotes inside a text."
        ) from error
    except UnicodeError as error:
        raise DataError(_wrong_encoding(path, options)) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}). Download or compress it again.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be opened: {error.strerror}; expected a .csv or .csv.gz file") from error
    if (after.st_ino, after.st_size, after.st_mtime_ns) != (before.st_ino, before.st_size, before.st_mtime_ns):
        raise DataError(f"{path} changed while it was read. Wait until it is complete, then run again.")


def _copied(lines: Iterable[str], copies: list[str]) -> Iterator[str]:
    for line in lines:
        copies.append(line)
        yield line


@contextmanager
def _open(path: Path) -> Iterator[io.BufferedReader | gzip.GzipFile]:
    """The bytes of a file, decompressed if they are gzip, whether or not the name says so."""
    with path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        if magic.startswith(b"PK\x03\x04"):
            raise DataError(f"{path} is a zip archive or an Excel file; expected CSV. Unpack it, or save it as CSV.")
        if magic.startswith(b"\x1f\x8b"):
            with gzip.open(file) as unpacked:
                yield unpacked
        else:
            yield file


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
