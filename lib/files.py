"""Typed Parquet files of the six tables."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lib.atomic import replacing
from lib.catalog import arrow_schema, frame_types, tables
from lib.errors import DataError

__all__ = ["existing_path", "read_table", "table_path", "to_arrow", "write_tables"]

ROW_GROUP = 50_000


def write_tables(frames: dict[str, pd.DataFrame], folder: Path) -> pd.DataFrame:
    """Write one Parquet file per table into `folder`; a frame with columns table, rows, file, in load order.

    Same frames give the same bytes. Raises DataError when a frame lacks a column or breaks a type,
    OutputError when a file cannot be written.
    """
    ordered = [name for name in tables() if name in frames]
    arrow = {name: to_arrow(frames[name], name) for name in ordered}
    for name, table in arrow.items():
        with replacing(table_path(folder, name)) as temporary:
            pq.write_table(table, temporary, compression="zstd", row_group_size=ROW_GROUP)
    return pd.DataFrame(
        {"table": ordered, "rows": [arrow[n].num_rows for n in ordered], "file": [f"{n}.parquet" for n in ordered]}
    )


def table_path(folder: Path, table: str) -> Path:
    """Path of a table's Parquet file."""
    return folder / f"{table}.parquet"


def existing_path(folder: Path, table: str) -> Path:
    """Path of a table's Parquet file; raises DataError when it is not there."""
    path = table_path(folder, table)
    if not path.exists():
        raise DataError(f"{path} is not there: run 02_generate first, it writes the six tables")
    return path


def read_table(folder: Path, table: str) -> pd.DataFrame:
    """The frame of a table's file, typed as the generators give it (uuid as text, money as decimal).

    Raises DataError when the file is not there.
    """
    arrow = pq.read_table(existing_path(folder, table))
    frame = arrow.to_pandas(types_mapper={pa.decimal128(12, 2): pd.ArrowDtype(pa.decimal128(12, 2))}.get)
    uuids = [c.name for c in tables()[table].columns if c.type == "uuid"]
    texts = {name: arrow[name].to_pandas().map(str, na_action="ignore").astype("str") for name in uuids}
    return frame.assign(**texts).astype(frame_types(table))


def to_arrow(frame: pd.DataFrame, table: str) -> pa.Table:
    """The frame as an Arrow table of the catalog's schema.

    Raises DataError for missing columns, values of another type, and gaps in a required column.
    """
    missing = [name for name in tables()[table].column_names if name not in frame.columns]
    if missing:
        raise DataError(f"{table} lacks the columns {missing}; it has {list(frame.columns)}")
    schema = arrow_schema(table)
    arrays = [_to_array(frame[field.name], field, table) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _to_array(values: pd.Series, field: pa.Field, table: str) -> pa.Array:
    try:
        array = _whole(pa.array(values, from_pandas=True))
        array = _uuid_array(array) if field.type == pa.uuid() else _cast(array, field.type)
    except (pa.ArrowException, ValueError) as error:
        raise DataError(f"{table}.{field.name} is not of type {field.type}: {error}") from error
    if array.null_count and not field.nullable:
        raise DataError(f"{table}.{field.name} is required and {array.null_count} of {len(array)} rows lack it")
    return array


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


def _uuid_array(texts: pa.Array) -> pa.Array:
    """Text to 16 bytes in one sweep; a null needs a stand-in, since fixed-width bytes leave no gap."""
    texts = texts.cast(pa.string())
    gapless = pc.replace_substring(pc.fill_null(texts, "0" * 32), "-", "")
    packed = bytes.fromhex("".join(gapless.to_pylist()))  # skips white space, hence both lengths
    if len(packed) != 16 * len(texts) or pc.any(pc.not_equal(pc.binary_length(gapless), 32)).as_py():
        raise ValueError("a UUID has 32 hexadecimal digits")
    storage = pa.Array.from_buffers(pa.binary(16), len(texts), [None, pa.py_buffer(packed)])
    return pa.ExtensionArray.from_storage(pa.uuid(), pc.if_else(pc.is_valid(texts), storage, None))
