"""Tables and columns of the shop, read from catalog.yml, with the Arrow and pandas types that follow from them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import yaml

__all__ = ["BOOKKEEPING", "Column", "Table", "arrow_schema", "bookkeeping", "frame_types", "tables"]

ARROW_TYPES = {
    "uuid": pa.uuid(),
    "text": pa.string(),
    "char2": pa.string(),
    "money": pa.decimal128(12, 2),
    "total": pa.decimal128(38, 2),
    "ratio": pa.float64(),
    "integer": pa.int32(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", "UTC"),
}
FRAME_TYPES: dict[str, str | pd.ArrowDtype] = {
    "uuid": "str",
    "text": "str",
    "char2": "str",
    "money": pd.ArrowDtype(ARROW_TYPES["money"]),
    "total": pd.ArrowDtype(ARROW_TYPES["total"]),
    "ratio": "float64",
    "integer": "int64",
    "boolean": "bool",
    "date": "datetime64[us]",
    "timestamptz": "datetime64[us, UTC]",
}
OPTIONAL_FRAME_TYPES = FRAME_TYPES | {"integer": "Int64", "boolean": "boolean"}  # nullable pandas types
BOOKKEEPING = ("created_at", "updated_at", "loaded_at")


@dataclass(frozen=True)
class Column:
    """One column; catalog.yml explains the attributes.

    Attributes:
        type: A key of ARROW_TYPES.
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
    return pa.schema([pa.field(c.name, ARROW_TYPES[c.type], c.optional) for c in tables()[table].columns])


def frame_types(table: str) -> dict[str, str | pd.ArrowDtype]:
    """pandas dtype of each column of a table's frame, in order."""
    return {c.name: (OPTIONAL_FRAME_TYPES if c.optional else FRAME_TYPES)[c.type] for c in tables()[table].columns}
