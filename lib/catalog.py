"""Tables and columns of the shop, read from catalog.yml, with their Arrow, pandas and SQL types."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import yaml

__all__ = ["BOOKKEEPING", "TYPES", "Column", "Table", "arrow_schema", "bookkeeping", "frame_types", "tables"]


class DataType(NamedTuple):
    """One type of the catalog in Arrow, pandas and PostgreSQL (as format_type() spells it).

    earlier: its narrower type in databases of earlier versions, which 01_schema widens.
    """

    arrow: pa.DataType
    frame: str | pd.ArrowDtype
    sql: str
    earlier: str = ""


def _decimal(precision: int, scale: int, earlier: str) -> DataType:
    arrow = pa.decimal128(precision, scale)
    return DataType(arrow, pd.ArrowDtype(arrow), f"numeric({precision},{scale})", earlier)


TYPES = {
    "uuid": DataType(pa.uuid(), "str", "uuid"),
    "text": DataType(pa.string(), "str", "text"),
    "char2": DataType(pa.string(), "str", "character(2)"),
    "money": _decimal(15, 3, "numeric(12,2)"),
    "unit_price": _decimal(18, 6, "numeric(12,2)"),
    "total": _decimal(38, 3, "numeric(38,2)"),
    "ratio": DataType(pa.float64(), "float64", "double precision"),
    "integer": DataType(pa.int32(), "int64", "integer"),
    "boolean": DataType(pa.bool_(), "bool", "boolean"),
    "date": DataType(pa.date32(), "datetime64[us]", "date"),
    "timestamptz": DataType(pa.timestamp("us", "UTC"), "datetime64[us, UTC]", "timestamp with time zone"),
}
NULLABLE_FRAME_TYPES = {"integer": "Int64", "boolean": "boolean"}
BOOKKEEPING = ("created_at", "updated_at", "loaded_at")


@dataclass(frozen=True)
class Column:
    """One column; catalog.yml explains the attributes.

    Attributes:
        type: A key of TYPES.
        unit: Noun that a number counts, `currency` for amounts; a `ratio` without a unit is a share from 0 to 1.
        references: The table that a foreign key refers to.
        default: SQL expression.
        predicted: A model fills the column after the load.
    """

    name: str
    type: str
    meaning: str
    optional: bool = False
    unit: str = ""
    personal: bool = False
    references: str = ""
    above: int | None = None
    least: int | None = None
    most: int | None = None
    most_characters: int | None = None
    not_blank: bool = False
    one_of: tuple[str, ...] = ()
    form: str = ""
    unique: bool = False
    not_before: str = ""
    default: str = ""
    indexed: bool = False
    predicted: bool = False
    once_required: bool = False

    @property
    def data_type(self) -> DataType:
        """The type in Arrow, pandas and PostgreSQL."""
        return TYPES[self.type]

    @property
    def constant_default(self) -> bool:
        """Whether rows without a value get a constant, and not a new key or the current time."""
        return bool(self.default) and not self.default.endswith(")")


@dataclass(frozen=True)
class Table:
    """One table; `columns` are in the order of frames and files, without the bookkeeping columns."""

    name: str
    meaning: str
    key: str
    columns: tuple[Column, ...]
    mart: bool

    @property
    def column_names(self) -> list[str]:
        """Names of all columns, in order."""
        return [column.name for column in self.columns]

    @property
    def loaded_names(self) -> list[str]:
        """Names of the columns that a load fills: all but the predicted ones."""
        return [column.name for column in self.columns if not column.predicted]


@cache
def _entries() -> dict[str, Any]:
    text = (Path(__file__).parent / "catalog.yml").read_text(encoding="utf-8")
    entries: dict[str, Any] = yaml.safe_load(text)
    return entries


@cache
def tables() -> dict[str, Table]:
    """All tables by name, parents before children and marts last: no row is loaded before the rows it references."""
    entries = _entries()
    named = {**entries["tables"], **entries["marts"]}
    found = {name: _table(name, entry, name in entries["marts"]) for name, entry in named.items()}
    return {name: found[name] for name in sorted(_parents_first(found), key=lambda name: found[name].mart)}


def bookkeeping() -> tuple[Column, ...]:
    """The three columns that every table has in addition to its own."""
    return tuple(Column(name, **entry) for name, entry in _entries()["bookkeeping"].items())


def _table(name: str, entry: dict[str, Any], mart: bool) -> Table:
    columns = tuple(
        Column(column, **facts | {"one_of": tuple(facts.get("one_of", ()))})
        for column, facts in entry["columns"].items()
    )
    return Table(name, entry["meaning"], entry["key"], columns, mart)


def _parents_first(found: dict[str, Table]) -> list[str]:
    ordered: list[str] = []
    while len(ordered) < len(found):
        ordered += [
            name
            for name, table in found.items()
            if name not in ordered and all(c.references in ("", *ordered) for c in table.columns)
        ]
    return ordered


def arrow_schema(table: str) -> pa.Schema:
    """Arrow schema of a table's Parquet file: columns in order, required ones not nullable."""
    return pa.schema([pa.field(c.name, c.data_type.arrow, c.optional) for c in tables()[table].columns])


def frame_types(table: str) -> dict[str, str | pd.ArrowDtype]:
    """pandas dtype of each column of a table's frame, in order."""
    types = {c.name: c.data_type.frame for c in tables()[table].columns}
    optional = {c.name: c.type for c in tables()[table].columns if c.optional}
    return types | {name: NULLABLE_FRAME_TYPES[kind] for name, kind in optional.items() if kind in NULLABLE_FRAME_TYPES}
