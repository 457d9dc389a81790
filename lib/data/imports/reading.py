"""Read a file as blocks of text columns, with the line number and the raw text of each record."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lib.data.imports.headers import Header, header_of
from lib.data.imports.mapping import Layout, ReadOptions
from lib.data.imports.records import Record, records, refuse_quoted_row
from lib.errors import DataError

__all__ = ["Block", "read_blocks"]

BATCH_RECORDS = 500  # converted to columns at a time: five times as fast as 50,000, whose lists the collector traverses
BLOCK_RECORDS = 50_000
BLOCK_CHARACTERS = 1 << 24  # long records make smaller blocks, to bound memory
FIELD_CHARACTERS = 1 << 19  # a quoted field longer than this counts as an unclosed quote
MOST_BELOW = 10_000  # records of another width at the end that may be a second table: they are kept in memory

TOTAL = re.compile(r"((grand |sub)?totals?|sum|summe|gesamt(summe)?|totaux|somme|suma)\b", re.IGNORECASE)
EMPTY = "empty rows skipped"
BELOW = "rows below the data skipped: a total or second table, of fewer columns"


class Block(NamedTuple):
    """Records of a file in order.

    Attributes:
        rows: line (on which the record starts; the first line of the file is 1), raw_line (its text without the line
            break), field_count (null if it is that of the header), and a column of text per field; the text is empty
            for a record with another number of fields.
        skipped: Kind of records that are left out -> number.
    """

    rows: pa.RecordBatch
    skipped: Counter[str]


def read_blocks(path: Path, layout: Layout, options: ReadOptions) -> tuple[Header, Iterator[Block]]:
    """The header of a file, and its records.

    Raises:
        UsageError: The file cannot be opened.
        DataError: It is not a CSV file of this layout and encoding, or it changes while it is read.
    """
    found = records(path, options)
    singles = iter(lambda: _next(found, 1), [])
    first = next((cells for ((_, _, cells),) in singles if cells), None)
    if first is None:
        raise DataError(f"{path} is empty; expected a header and rows below it")
    header = header_of(first, path, layout, options)
    return header, _blocks(_checked(path, found, header, options), header)


def _checked(path: Path, found: Iterator[Record], header: Header, options: ReadOptions) -> Iterator[Record]:
    """The records; refused if the first one below the header is a single cell that holds a whole row."""
    for line, raw, cells in found:
        if len(cells) != header.width and not any(cells[1:]):
            refuse_quoted_row(path, line, raw, options)
        yield line, raw, cells
        if _has_text(cells):
            break
    yield from found


def _blocks(found: Iterator[Record], header: Header) -> Iterator[Block]:
    """The records in blocks, converted in smaller batches."""
    batches: list[pa.RecordBatch] = []
    characters, skipped = 0, Counter[str]()
    for batch in _without_rows_below(found, header.width, skipped):
        batches.append(_columns(batch, header))
        characters += sum(len(raw) for _, raw, _ in batch)
        if len(batches) * BATCH_RECORDS >= BLOCK_RECORDS or characters >= BLOCK_CHARACTERS:
            yield Block(pa.concat_batches(batches), Counter(skipped))
            batches, characters = [], 0
            skipped.clear()
    if batches or skipped:
        yield Block(pa.concat_batches(batches or [_columns([], header)]), skipped)


def _without_rows_below(found: Iterator[Record], width: int, skipped: Counter[str]) -> Iterator[list[Record]]:
    """Batches of the records with text, without a total or second table below the last record of the header's width."""
    below: list[Record] = []
    last: Record | None = None
    while batch := _next(found, BATCH_RECORDS):
        filled = [record for record in batch if _has_text(record[2])]
        skipped[EMPTY] += len(batch) - len(filled)
        known = below + filled
        end = next((place for place in range(len(known), 0, -1) if len(known[place - 1][2]) == width), 0)
        if len(known) - end > MOST_BELOW:
            end = len(known)
        last = known[end - 1] if end else last
        below = known[end:]
        if end:
            yield known[:end]
    if last and _is_other_table(below, last, width):
        skipped[BELOW] += len(below)
    elif below:
        yield below


def _is_other_table(below: list[Record], last: Record, width: int) -> bool:
    """Whether the last records are a total or another table, and not rows of the data that are damaged or cut off."""
    if not below or any(len(cells) >= width for _, _, cells in below):
        return False
    start = below[0][2][0].strip()
    return bool(TOTAL.match(start)) or (len(below) > 1 and _shape(start) != _shape(last[2][0].strip()))


def _shape(cell: str) -> str:
    """A cell with each run of digits as 9, of letters as a."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell))


def _has_text(cells: list[str]) -> bool:
    return bool(cells) and bool(cells[0].strip() or "".join(cells).strip())


def _columns(kept: list[Record], header: Header) -> pa.RecordBatch:
    """The records as columns."""
    width = header.width
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


def _next(found: Iterator[Record], most: int) -> list[Record]:
    """The next records. The limit of csv belongs to the whole process, so it is restored after each batch."""
    limit = csv.field_size_limit(FIELD_CHARACTERS)
    try:
        return list(islice(found, most))
    finally:
        csv.field_size_limit(limit)
