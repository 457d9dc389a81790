"""The checked rows of imported files, each by itself, as Parquet files."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lib.data.imports.conversion import as_csv
from lib.data.imports.mapping import Layout, Notes, ReadOptions
from lib.data.imports.parsing import parser_for
from lib.data.imports.reading import read_blocks
from lib.data.imports.recognition import recognise
from lib.data.imports.rules import FAULT, check_rows
from lib.data.parquet import with_all_columns
from lib.errors import DataError, UsageError
from lib.util.ahead import ahead

__all__ = ["Staged", "stage"]

PART_LINES = 1 << 32  # more than a file has


class Part(NamedTuple):
    """A part of a file: its name, number of rows, notes on its cells, how it is written (see Recognised.rows), and the
    currency sign of its amounts.
    """

    name: str
    rows: int
    notes: Notes
    recognised: list[dict[str, str]]
    sign: str


@dataclass(frozen=True)
class Staged:
    """A file of the format with its staged rows, in one part or several. An optional file may have none.

    `file` is its name for people.
    """

    layout: Layout
    parts: list[Part]

    @property
    def file(self) -> str:
        """Name of the only part, or of the first one and how many there are more."""
        names = [part.name for part in self.parts] or [f"{self.layout.name}.csv"]
        return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def stage(paths: Iterable[Path], layout: Layout, options: ReadOptions, folder: Path) -> Staged:
    """Check each row of a file by itself, and write all of them to `folder`/<layout>.parquet.

    The columns are line, the fields, raw_line, and the columns FAULT, which are null for a sound row. The line counts
    from PART_LINES in the second part, from twice that in the third: see part_of() and line_of() in common.sql.

    Args:
        paths: The parts of the file; none for an optional file that does not exist: it has no rows.

    Raises:
        UsageError, DataError: A file cannot be read, see read_blocks.
    """
    fields = {column.name: parser_for(column.type, options).type for column in layout.columns}
    fields |= {name: pa.dictionary(pa.int32(), kind) for name, kind in fields.items() if pa.types.is_string(kind)}
    texts = dict.fromkeys(("raw_line", *FAULT), pa.string())
    schema = pa.schema({"line": pa.int64(), **fields, **texts})
    files, parts, named = list(paths), [], layout
    with _naming(files, folder):
        texts_of = dict(as_csv(path, folder, layout) for path in files)
        recognised = recognise(texts_of, layout, options)
    with pq.ParquetWriter(
        folder / f"{layout.name}.parquet", schema, compression="none", write_statistics=False,
        use_dictionary=list(fields),
    ) as writer:  # fmt: skip
        for number, (path, text, found) in enumerate(zip(files, texts_of, recognised, strict=True)):
            notes, rows, named = found.notes, 0, found.layout
            with _naming([path], folder):
                for table in _tables(text, named, found.options, notes):
                    if number:
                        table = table.set_column(0, "line", pc.add(table["line"], number * PART_LINES))
                    writer.write_table(with_all_columns(table, schema))
                    rows += table.num_rows
            parts.append(Part(path.name, rows, +notes, found.rows, found.options.sign))
    return Staged(named, parts)


def _tables(path: Path, layout: Layout, options: ReadOptions, notes: Notes) -> Iterator[pa.Table]:
    """The checked rows of a text file in blocks; adds to the notes."""
    header, blocks = read_blocks(path, layout, options)
    notes += header.notes
    for block in ahead(blocks):
        table, repairs = check_rows(block.rows, layout, options)
        notes += repairs
        notes.update({("", words): count for words, count in block.skipped.items()})
        yield table


@contextmanager
def _naming(paths: list[Path], folder: Path) -> Iterator[None]:
    """Errors name the files of the user, and not their copies as CSV in `folder`."""
    try:
        yield
    except (DataError, UsageError) as error:
        text = str(error)
        for path in paths:
            text = text.replace(f"{folder / path.name}.csv", str(path))
        raise type(error)(text) from error
