"""Check each row of a file by itself, and write its typed cells or the first rule that it breaks to Parquet."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lib.data.imports.files import Notes
from lib.data.imports.layout import Layout
from lib.data.imports.options import ReadOptions
from lib.data.imports.parsing import parser_for
from lib.data.imports.reading import Block, read_blocks
from lib.data.imports.rules import Cells, check_column, check_order, places, reason

__all__ = ["Staged", "stage", "stage_nothing"]

EXCERPT = 200  # characters of a rejected value that are kept
FAULT = ("fault_column", "fault_rule", "fault_value", "fault_reason")


@dataclass(frozen=True)
class Staged:
    """A file that was read: its name in the format, its file name, its number of rows, and notes on its cells."""

    source: str
    file: str
    rows: int
    notes: Notes


def stage(path: Path, layout: Layout, options: ReadOptions, folder: Path) -> Staged:
    """Write all rows of a file to `folder`/<layout>.parquet.

    The columns are line, the fields, raw_line, and the columns FAULT, which are null for a sound row.

    Raises:
        UsageError, DataError: The file cannot be read, see read_blocks.
    """
    header, blocks = read_blocks(path, layout, options)
    notes, rows = Counter(header.notes), 0
    with _writer(layout, options, folder) as writer:
        for block in blocks:
            table, repairs = _typed(block, layout, options)
            writer.write_table(table)
            notes += repairs
            rows += table.num_rows
    return Staged(layout.name, path.name, rows, notes)


def stage_nothing(layout: Layout, options: ReadOptions, folder: Path) -> None:
    """Write the file that `stage` would write for an optional file without rows."""
    _writer(layout, options, folder).close()


def _writer(layout: Layout, options: ReadOptions, folder: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        folder / f"{layout.name}.parquet", _schema(layout, options), compression="none", write_statistics=False,
        use_dictionary=[column.name for column in layout.columns],
    )  # fmt: skip


def _schema(layout: Layout, options: ReadOptions) -> pa.Schema:
    fields = {column.name: parser_for(column.type, options).type for column in layout.columns}
    return pa.schema({"line": pa.int64(), **fields, "raw_line": pa.string(), **dict.fromkeys(FAULT, pa.string())})


def _typed(block: Block, layout: Layout, options: ReadOptions) -> tuple[pa.Table, Notes]:
    """The rows of a block, and what was done to how many cells."""
    present = [column for column in layout.columns if column.name in block.text]
    cells = {column.name: check_column(block.text[column.name], column, options) for column in present}
    cells = check_order(cells, layout.columns)
    schema = _schema(layout, options)
    columns = {"line": block.line, "raw_line": block.raw, **_faults(block, cells, layout, options)}
    notes: Notes = Counter()
    for column in layout.columns:
        if column.name in cells:
            columns[column.name] = cells[column.name].values
            for words, count in cells[column.name].repairs.items():
                notes[layout.names[column.name], words] += count
        else:
            columns[column.name] = pa.nulls(len(block.line), schema.field(column.name).type)
    notes["", "empty lines skipped"] = block.empty
    return pa.table(columns, schema), +notes


def _faults(block: Block, cells: dict[str, Cells], layout: Layout, options: ReadOptions) -> dict[str, pa.Array]:
    """Column, rule, value and reason of the first rule that each row breaks; null for a sound row."""
    faults: dict[int, tuple[str, str, str, str]] = {}
    for row in places(pc.is_valid(block.field_count)):
        found = f"{block.field_count[row]} fields"
        faults[row] = ("", "wrong_field_count", found, reason("wrong_field_count", None, options))
    for column in layout.columns:
        rules = cells[column.name].rules if column.name in cells else {}
        for row, rule in rules.items():
            if row not in faults:
                value = block.text[column.name][row].as_py()[:EXCERPT]
                faults[row] = (layout.names[column.name], rule, value, reason(rule, column, options))
    columns: dict[str, list[str | None]] = {name: [None] * len(block.line) for name in FAULT}
    for row, fault in faults.items():
        for name, text in zip(FAULT, fault, strict=True):
            columns[name][row] = text
    return {name: pa.array(texts, pa.string()) for name, texts in columns.items()}
