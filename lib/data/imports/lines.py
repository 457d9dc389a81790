"""Convert and check each row of a file separately, block by block, into a Parquet file with the first broken rule."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lib.data.imports.dialect import Dialect, Layout
from lib.data.imports.kinds import kind_of
from lib.data.imports.reading import Block, read_blocks
from lib.data.imports.rules import Cells, checked, ordered, reason

__all__ = ["Staged", "stage", "stage_nothing"]

EXCERPT = 200  # characters kept of an invalid value
FAULT = ("fault_column", "fault_rule", "fault_value", "fault_reason")

Notes = Counter[tuple[str, str]]  # (column of the file, conversion) -> cells


@dataclass(frozen=True)
class Staged:
    """A file that was read: name of the layout, file name, number of rows, and conversions."""

    source: str
    file: str
    lines: int
    notes: Notes


def stage(path: Path, layout: Layout, dialect: Dialect, folder: Path) -> Staged:
    """Write all rows of a file to `folder`/<layout>.parquet: line, the fields, raw_line, and FAULT of invalid rows.

    Raises UsageError and DataError as `read_blocks` does.
    """
    header, blocks = read_blocks(path, layout, dialect)
    notes, lines = Counter(header.notes), 0
    with _writer(layout, dialect, folder) as writer:
        for block in blocks:
            table, done = _typed(block, layout, dialect)
            writer.write_table(table)
            notes, lines = notes + done, lines + table.num_rows
    return Staged(layout.name, path.name, lines, notes)


def stage_nothing(layout: Layout, dialect: Dialect, folder: Path) -> None:
    """Write the Parquet file of an optional file that is absent: the same columns without rows."""
    _writer(layout, dialect, folder).close()


def _writer(layout: Layout, dialect: Dialect, folder: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        folder / f"{layout.name}.parquet", _schema(layout, dialect), compression="none", write_statistics=False,
        use_dictionary=[column.name for column in layout.columns],
    )  # fmt: skip


def _schema(layout: Layout, dialect: Dialect) -> pa.Schema:
    fields = {column.name: kind_of(column.type, dialect).type for column in layout.columns}
    return pa.schema({"line": pa.int64(), **fields, "raw_line": pa.string(), **dict.fromkeys(FAULT, pa.string())})


def _typed(block: Block, layout: Layout, dialect: Dialect) -> tuple[pa.Table, Notes]:
    known = [column for column in layout.columns if column.name in block.text]
    cells = ordered({c.name: checked(block.text[c.name], c, dialect) for c in known}, layout.columns)
    schema = _schema(layout, dialect)
    empty = {c.name: pa.nulls(len(block.line), schema.field(c.name).type) for c in layout.columns}
    values = empty | {name: found.values for name, found in cells.items()}
    faults = _faults(block, cells, layout, dialect)
    rows = {"line": block.line, **values, "raw_line": block.raw, **faults}
    notes = Counter(
        {(layout.names[name], words): n for name, found in cells.items() for words, n in found.repairs.items()}
    )
    return pa.table(rows, schema), notes + Counter({("", "empty lines skipped"): block.empty})


def _faults(block: Block, cells: dict[str, Cells], layout: Layout, dialect: Dialect) -> dict[str, pa.Array]:
    """Column, rule, value and reason of the first rule that each row breaks: a wrong width, then by column."""
    first: dict[int, tuple[str, str, str, str]] = {}
    for row, fields in _of_another_width(block):
        first[row] = ("", "wrong_field_count", f"{fields} fields", reason("wrong_field_count", None, dialect))
    for column in layout.columns:
        rules = cells[column.name].rules if column.name in cells else {}
        for row, rule in rules.items():
            if row not in first:
                value = block.text[column.name][row].as_py()[:EXCERPT]
                first[row] = (layout.names[column.name], rule, value, reason(rule, column, dialect))
    faults: dict[str, list[str | None]] = {name: [None] * len(block.line) for name in FAULT}
    for row, fault in first.items():
        for name, text in zip(FAULT, fault, strict=True):
            faults[name][row] = text
    return {name: pa.array(texts, pa.string()) for name, texts in faults.items()}


def _of_another_width(block: Block) -> Iterator[tuple[int, int]]:
    if block.fields.null_count < len(block.fields):
        yield from ((place, fields) for place, fields in enumerate(block.fields.to_pylist()) if fields is not None)
