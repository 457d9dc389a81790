"""Typed Parquet files of the six tables: one file per table, or numbered parts of a large one."""

from datetime import datetime
from pathlib import Path
from types import TracebackType

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lib.catalog import arrow_schema, frame_types, tables
from lib.errors import DataError
from lib.util.atomic import replacing_folder

__all__ = ["TableWriter", "existing_paths", "read_table", "table_path", "to_arrow", "uuid_array", "write_tables"]

ROW_GROUP = 50_000


def write_tables(frames: dict[str, pd.DataFrame], folder: Path) -> pd.DataFrame:
    """Write one Parquet file per table in place of all in `folder`; columns table, rows, files, in load order.

    Same frames give the same bytes. Raises DataError when a frame lacks a column or breaks a type,
    OutputError when a file cannot be written.
    """
    ordered = [name for name in tables() if name in frames]
    arrow = {name: to_arrow(frames[name], name) for name in ordered}
    with replacing_folder(folder) as temporary:
        for name, table in arrow.items():
            with TableWriter(table_path(temporary, name), name) as writer:
                writer.write(table)
    return pd.DataFrame({"table": ordered, "rows": [arrow[name].num_rows for name in ordered], "files": 1})


class TableWriter:
    """Writes Arrow tables of one table's columns into a Parquet file, in row groups of at least ROW_GROUP rows.

    Same tables give the same bytes. Raises OSError when the file cannot be written.
    """

    def __init__(self, path: Path, table: str) -> None:
        schema, columns = arrow_schema(table), tables()[table].columns
        repeating = [c.name for c in columns if c.type in ("text", "char2") or c.references]
        self._schema, self._waiting, self._rows = schema, [], 0
        # Keys are random and words are in the dictionary: packing would cost a sixth of the time for a twentieth of the
        # size. Everyone reads the whole file: the least and the greatest value of a column would be for nobody.
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
        """Take over the rows; they reach the file when they fill a row group."""
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
    """Path of a table's Parquet file, or of a numbered part of it."""
    return folder / (f"{table}.parquet" if part is None else f"{table}-{part:05d}.parquet")


def existing_paths(folder: Path, table: str) -> list[Path]:
    """Paths of a table's Parquet file or of its parts in order; raises DataError when there is none."""
    whole = table_path(folder, table)
    paths = [whole] if whole.exists() else sorted(folder.glob(f"{table}-*.parquet"))
    if not paths:
        raise DataError(f"{whole} is not there: run 02_generate first, it writes the six tables")
    return paths


def read_table(folder: Path, table: str) -> pd.DataFrame:
    """The frame of a table's file, typed as the generators give it (uuid as text, money as decimal).

    Raises DataError when the file is not there.
    """
    arrow = pa.concat_tables(pq.read_table(path) for path in existing_paths(folder, table))
    frame = arrow.to_pandas(types_mapper={pa.decimal128(12, 2): pd.ArrowDtype(pa.decimal128(12, 2))}.get)
    uuids = [c.name for c in tables()[table].columns if c.type == "uuid"]
    texts = {name: arrow[name].to_pandas().map(str, na_action="ignore").astype("str") for name in uuids}
    return frame.assign(**texts).astype(frame_types(table))


def to_arrow(frame: pd.DataFrame, table: str) -> pa.Table:
    """The frame as an Arrow table of the catalog's schema.

    Raises DataError for missing and doubled columns, values of another type, and gaps in a required column.
    """
    if frame.columns.nlevels > 1:
        raise DataError(f"{table} has labels of several levels, such as {frame.columns[0]}; wanted one name per column")
    twice = [name for name in frame.columns[frame.columns.duplicated()] if name in tables()[table].column_names]
    if twice:
        raise DataError(f"{table} has the columns {twice} more than once; wanted each once")
    missing = [name for name in tables()[table].column_names if name not in frame.columns]
    if missing:
        raise DataError(f"{table} lacks the columns {missing}; it has {list(frame.columns)}")
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
        raise DataError(f"{table}.{field.name} is required and {array.null_count} of {len(array)} rows lack it")
    return array


def _zoned(values: pd.Series, field: pa.Field) -> pd.Series:
    """The values, unless some are clock times of nobody knows where: Arrow takes those for UTC."""
    if pa.types.is_timestamp(field.type):
        cells = values if values.dtype == object else values.head(1)
        if any(isinstance(cell, datetime) and not pd.isna(cell) and cell.tzinfo is None for cell in cells):
            raise ValueError("some of its values are without time zone")
    return values


def _whole(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array: columns that pandas concatenated come in chunks."""
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _cast(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Arrow's cast, which drops the time of a date and rounds a binary fraction to cents without a word, with one."""
    fractions = pa.types.is_floating(array.type) and array.null_count < len(array)
    if fractions and pa.types.is_decimal(wanted):
        raise ValueError("its values are binary fractions, which hold no exact cents; wanted decimals")
    cast = array.cast(wanted)
    if pa.types.is_timestamp(array.type) and not cast.cast(array.type).equals(array):
        raise ValueError("some of its values have a time of day")
    return cast


def uuid_array(texts: pa.Array) -> pa.Array:
    """Text to 16 bytes in one sweep; raises ValueError for what is no UUID."""
    # A null needs a stand-in, since fixed-width bytes leave no gap.
    texts = texts.cast(pa.string())
    gapless = pc.replace_substring(pc.fill_null(texts, "0" * 32), "-", "")
    packed = bytes.fromhex("".join(gapless.to_pylist()))  # skips white space, hence both lengths
    if len(packed) != 16 * len(texts) or pc.any(pc.not_equal(pc.binary_length(gapless), 32)).as_py():
        raise ValueError("a UUID has 32 hexadecimal digits")
    storage = pa.Array.from_buffers(pa.binary(16), len(texts), [None, pa.py_buffer(packed)])
    return pa.ExtensionArray.from_storage(pa.uuid(), pc.if_else(pc.is_valid(texts), storage, None))
