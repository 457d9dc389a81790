"""Read a file as blocks of text columns, with the line number and the raw text of each record."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from os import stat_result
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from lib.data.imports.headers import Header, header_of
from lib.data.imports.mapping import Layout, ReadOptions
from lib.data.imports.records import (
    FIELD_CHARACTERS,
    Record,
    large_fields,
    open_text,
    parsed,
    records,
    refuse_quoted_row,
)
from lib.errors import DataError

__all__ = ["Block", "read_blocks"]

BLOCK_CHARACTERS = 1 << 21  # read at a time, to bound memory
MOST_BELOW = 10_000  # records of another width at the end that may be a second table: they are kept in memory
LINE_ENDS = "\r\n"
MOST_COLUMNS = 500  # of a regular expression for plain lines: RE2 repeats a cell up to 1,000 times

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
    found, start = records(path, options), 0
    with large_fields():
        first = next((cells for _, _, cells in found if cells), None)
        if first is None:
            raise DataError(f"{path} is empty; expected a header and rows below it")
        header = header_of(first, path, layout, options)
        before = path.stat()
        for line, raw, cells in found:
            start = start or line
            if len(cells) != header.width and not any(cells[1:]):
                refuse_quoted_row(path, line, raw, options)
            if _has_text(cells):
                break
    chunks = _chunks(path, start, header, options, before) if start else iter(())
    return header, _blocks(chunks, header, options.delimiter)


def _chunks(
    path: Path, number: int, header: Header, options: ReadOptions, before: stat_result
) -> Iterator[tuple[pa.RecordBatch, list[Record]]]:
    """The records from line `number` on: those of the header's width as columns, and the others.

    Arrow splits records into cells, many times as fast as csv, which finds the end of those that are not plain lines.
    """
    with open_text(path, options, number) as text:
        while content := text.read(BLOCK_CHARACTERS):
            content += text.readline()
            lines = _lines(content)
            whole = np.array(_are_plain(lines, options.delimiter, header.width))
            others, read = [], 0  # lines that were read for these
            texts = [] if whole.all() else list(io.StringIO(content, newline=""))

            def following(texts: list[str] = texts, number: int = number) -> Iterator[tuple[int, str]]:
                nonlocal read
                while line := texts[read] if read < len(texts) else text.readline():
                    read += 1
                    yield number + read - 1, line

            found = parsed(following(), path, options)
            with large_fields():
                for place in np.flatnonzero(~whole).tolist():
                    if place >= read:
                        read = place
                        record = next(found)
                        whole[place:read] = False  # lines inside this record
                        if len(record[2]) == header.width and _has_text(record[2]) and options.delimiter.isascii():
                            texts[place], whole[place] = record[1], True
                        else:
                            others.append(record)
            if texts:
                lines = pc.utf8_rtrim(pa.array(texts, pa.string()), LINE_ENDS)
            numbers = pa.array(number + np.flatnonzero(whole))
            yield _split(lines.filter(pa.array(whole)), numbers, header, options.delimiter), others
            number += max(read, len(lines))
    after = path.stat()
    if (after.st_ino, after.st_size, after.st_mtime_ns) != (before.st_ino, before.st_size, before.st_mtime_ns):
        raise DataError(f"{path} changed while it was read. Wait until it is complete, then run again.")


def _lines(content: str) -> pa.StringArray:
    """The lines without their ends."""
    if content.count("\r") == content.count("\r\n"):
        lines = pc.split_pattern(pa.scalar(content), "\n").values
        lines = lines[:-1] if content.endswith("\n") else lines
    else:
        lines = pa.array(io.StringIO(content, newline=""), pa.string())
    return pc.utf8_rtrim(lines, LINE_ENDS)


def _are_plain(lines: pa.StringArray, delimiter: str, width: int) -> pa.BooleanArray:
    """Whether each line is a record of this width with text, by itself: its quotes enclose whole cells on the line."""
    if width > MOST_COLUMNS or not delimiter.isascii():
        return pa.array(np.zeros(len(lines), bool))
    limit = rf"\x{{{ord(delimiter):x}}}"
    cell = rf'(?:[^"{limit}\r\n\x00]*|"(?:[^"\x00]|"")*")'
    are_sound = pc.match_substring_regex(lines, rf"\A{cell}(?:{limit}{cell}){{{width - 1}}}\z")
    have_text = pc.match_substring_regex(lines, rf'[^\x00-\x20"{limit}\x7f-\x{{10ffff}}]')
    return pc.and_(pc.and_(are_sound, have_text), pc.less(pc.binary_length(lines), FIELD_CHARACTERS))


def _split(lines: pa.StringArray, numbers: pa.Int64Array, header: Header, delimiter: str) -> pa.RecordBatch:
    """Records as columns."""
    if not len(lines):
        return _columns([], header)
    content = pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "\n")[0].as_buffer()
    names = [str(position) for position in range(header.width)]
    cells = pacsv.read_csv(
        pa.BufferReader(content),
        pacsv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names),
        pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        pacsv.ConvertOptions(check_utf8=False, column_types=dict.fromkeys(names, pa.string())),
    )
    places = {"line": numbers, "raw_line": lines, "field_count": pa.nulls(len(lines), pa.int32())}
    fields = {name: cells[position].combine_chunks() for name, position in header.positions.items()}
    return pa.record_batch(places | fields)


def _blocks(chunks: Iterator[tuple[pa.RecordBatch, list[Record]]], header: Header, delimiter: str) -> Iterator[Block]:
    """The records with text, without a total or second table below the last record of the header's width."""
    below: list[Record] = []
    last = ""  # text of the record above these
    for plain, others in chunks:
        known = below + [record for record in others if _has_text(record[2])]
        skipped = Counter({EMPTY: len(below) + len(others) - len(known)})
        last_plain = plain["line"][-1].as_py() if plain.num_rows else 0
        within = (n for n, (line, _, cells) in enumerate(known, 1) if len(cells) == header.width or line < last_plain)
        end = max(within, default=0)
        if len(known) - end > MOST_BELOW:
            end = len(known)
        if end and known[end - 1][0] > last_plain:
            last = known[end - 1][1]
        elif last_plain:
            last = plain["raw_line"][-1].as_py()
        below = known[end:]
        rows = pa.concat_batches([plain, _columns(known[:end], header)]).sort_by("line") if end else plain
        yield Block(rows, skipped)
    if last and _is_other_table(below, last, header.width, delimiter):
        yield Block(_columns([], header), Counter({BELOW: len(below)}))
    elif below:
        yield Block(_columns(below, header), Counter())


def _is_other_table(below: list[Record], last: str, width: int, delimiter: str) -> bool:
    """Whether the last records are a total or another table, and not rows of the data that are damaged or cut off."""
    if not below or any(len(cells) >= width for _, _, cells in below):
        return False
    start, above = below[0][2][0], next(csv.reader(io.StringIO(last, newline=""), delimiter=delimiter))[0]
    return bool(TOTAL.match(start.strip())) or (len(below) > 1 and _shape(start) != _shape(above))


def _shape(cell: str) -> str:
    """A cell with each run of digits as 9, of letters as a."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell.strip()))


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
            "raw_line": pc.utf8_rtrim(pa.array([raw for _, raw, _ in kept], pa.string()), LINE_ENDS),
            "field_count": pa.array(counts, pa.int32()),
        }
        | {
            name: pa.array(columns[position] if kept else [], pa.string())
            for name, position in header.positions.items()
        }
    )
