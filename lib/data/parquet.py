"""Typed Parquet files of the tables: one file per table, or numbered shards of a large one."""

from datetime import datetime
from pathlib import Path
from types import TracebackType

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lib.catalog import arrow_schema, frame_types, tables
from lib.errors import DataError
from lib.util.files import replacing_folder

__all__ = [
    "REJECTS",
    "TableWriter",
    "existing_paths",
    "read_table",
    "table_path",
    "to_arrow",
    "to_frame",
    "uuid_array",
    "with_all_columns",
    "write_tables",
]

REJECTS = "rejects.parquet"  # rejected rows of an import, next to the files of its tables
ROW_GROUP = 50_000


def write_tables(frames: dict[str, pd.DataFrame], folder: Path) -> pd.DataFrame:
    """Write one Parquet file per table, replacing the content of `folder`. Same frames, same bytes.

    Returns:
        One row per table in load order: table, rows, files.

    Raises:
        DataError: A frame lacks a column or has values of another type.
        OutputError: A file cannot be written.
    """
    ordered = [name for name in tables() if name in frames]
    arrow = {name: to_arrow(frames[name], name) for name in ordered}
    with replacing_folder(folder) as temporary:
        for name, table in arrow.items():
            with TableWriter(table_path(temporary, name), name) as writer:
                writer.write(table)
    return pd.DataFrame({"table": ordered, "rows": [arrow[name].num_rows for name in ordered], "files": 1})


class TableWriter:
    """Writes Arrow tables into the Parquet file of one table, in row groups of at least ROW_GROUP rows.

    Same tables, same bytes. Raises OSError when the file cannot be written.
    """

    def __init__(self, path: Path, table: str) -> None:
        schema, columns = arrow_schema(table), tables()[table].columns
        repeating = [c.name for c in columns if c.type in ("text", "char2") or c.references]
        self._schema, self._rows = schema, 0
        self._waiting: list[pa.Table] = []
        # Keys are random and words are in the dictionary: compression would cost a sixth of the time for a twentieth of
        # the size. No min/max statistics: every reader scans the whole file.
        self._writer = pq.ParquetWriter(
            path, schema, compression="none", use_dictionary=repeating, write_statistics=False
        )

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self._flush()
        self._writer.close()

    def write(self, table: pa.Table) -> None:
        """Add rows; they are written when they fill a row group."""
        self._waiting.append(table.cast(self._schema))
        self._rows += table.num_rows
        if self._rows >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            rows = pa.concat_tables(self._waiting).combine_chunks()
            self._writer.write_table(rows, row_group_size=max(rows.num_rows, 1))
        self._waiting, self._rows = [], 0


def table_path(folder: Path, table: str, part: int | None = None) -> Path:
    """Path of a table's Parquet file, or of a numbered shard of it."""
    return folder / (f"{table}.parquet" if part is None else f"{table}-{part:05d}.parquet")


def existing_paths(folder: Path, table: str) -> list[Path]:
    """Paths of a table's Parquet file or of its shards in order; raises DataError if there is none."""
    whole = table_path(folder, table)
    paths = [whole] if whole.exists() else sorted(folder.glob(f"{table}-*.parquet"))
    if not paths:
        raise DataError(f"no file {whole}; expected the tables of 02_generate. Run it first.")
    return paths


def with_all_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with all columns of the schema, in their order; those that it lacks are null."""
    columns = [table[f.name] if f.name in table.column_names else pa.nulls(len(table), f.type) for f in schema]
    return pa.table(columns, names=schema.names)


def read_table(folder: Path, table: str) -> pd.DataFrame:
    """The rows of a table's files as a frame, see to_frame.

    Raises:
        DataError: There is no file of the table.
    """
    return to_frame(pa.concat_tables(pq.read_table(path) for path in existing_paths(folder, table)), table)


def to_frame(arrow: pa.Table, table: str) -> pd.DataFrame:
    """Columns of a table as a frame: UUIDs as text, money as decimal, timestamps in UTC."""
    frame = arrow.to_pandas(types_mapper=lambda kind: pd.ArrowDtype(kind) if pa.types.is_decimal(kind) else None)
    uuids = [field.name for field in arrow.schema if field.type == pa.uuid()]
    texts = {name: arrow[name].to_pandas().map(str, na_action="ignore").astype("str") for name in uuids}
    types = {name: kind for name, kind in frame_types(table).items() if name in frame}
    return pd.DataFrame(frame.assign(**texts).astype(types))


def to_arrow(frame: pd.DataFrame, table: str) -> pa.Table:
    """The frame as an Arrow table of the catalog's schema.

    Raises:
        DataError: A column is missing or duplicate, has values of another type, or lacks required values.
    """
    if frame.columns.nlevels > 1:
        raise DataError(
            f"{table} has column labels of several levels, such as {frame.columns[0]}; expected one name per column"
        )
    twice = [name for name in frame.columns[frame.columns.duplicated()] if name in tables()[table].column_names]
    if twice:
        raise DataError(f"{table} has duplicate columns {twice}; expected each once")
    missing = [name for name in tables()[table].column_names if name not in frame.columns]
    if missing:
        raise DataError(f"{table} lacks the columns {missing}; found {list(frame.columns)}")
    schema = arrow_schema(table)
    arrays = [_to_array(frame[field.name], field, table) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _to_array(values: pd.Series, field: pa.Field, table: str) -> pa.Array:
    try:
        array = _whole(pa.array(_zoned(values, field), from_pandas=True))
        array = uuid_array(array) if field.type == pa.uuid() else _cast(array, field.type)
    except (pa.ArrowException, ValueError) as error:
        raise DataError(f"{table}.{field.name} is not of type {field.type}: {error}") from error
    if array.null_count and not field.nullable:
        raise DataError(f"{table}.{field.name} is required, but {array.null_count} of {len(array)} rows lack it")
    return array


def _zoned(values: pd.Series, field: pa.Field) -> pd.Series:
    """The values; raises ValueError for naive timestamps, which Arrow would read as UTC."""
    if pa.types.is_timestamp(field.type):
        cells = values if values.dtype == object else values.head(1)
        if any(isinstance(cell, datetime) and not pd.isna(cell) and cell.tzinfo is None for cell in cells):
            raise ValueError("some of its values have no time zone")
    return values


def _whole(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array: columns of concatenated frames come in chunks."""
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _cast(array: pa.Array, expected: pa.DataType) -> pa.Array:
    """Arrow's cast, but an error where it would silently drop a time of day or round a binary fraction to cents."""
    fractions = pa.types.is_floating(array.type) and array.null_count < len(array)
    if fractions and pa.types.is_decimal(expected):
        raise ValueError("its values are binary fractions, which cannot hold exact amounts; expected decimals")
    cast = array.cast(expected)
    if pa.types.is_timestamp(array.type) and not cast.cast(array.type).equals(array):
        raise ValueError("some of its values have a time of day")
    return cast


def uuid_array(texts: pa.Array) -> pa.Array:
    """Text to UUIDs of 16 bytes, all at once; raises ValueError for invalid UUIDs."""
    # Null needs a placeholder, since fixed-width bytes cannot leave a gap.
    texts = texts.cast(pa.string())
    gapless = pc.replace_substring(pc.fill_null(texts, "0" * 32), "-", "")
    packed = bytes.fromhex("".join(gapless.to_pylist()))  # ignores white space, hence both checks of lengths
    if len(packed) != 16 * len(texts) or pc.any(pc.not_equal(pc.binary_length(gapless), 32)).as_py():
        raise ValueError("a UUID has 32 hexadecimal digits")
    storage = pa.Array.from_buffers(pa.binary(16), len(texts), [None, pa.py_buffer(packed)])
    return pa.ExtensionArray.from_storage(pa.uuid(), pc.if_else(pc.is_valid(texts), storage, None))
