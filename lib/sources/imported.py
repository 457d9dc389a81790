"""What an import gives: the catalog's six tables in their types, the refused lines, and counts in words."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lib.catalog import frame_types, tables
from lib.sources.fields import CENTS

__all__ = ["Imported", "as_tables", "gaps", "money"]

MONEY = pd.ArrowDtype(CENTS)


@dataclass(frozen=True)
class Imported:
    """What a file gave: the six tables, one row of `rejects` per refused line, and counts.

    `rejects` has file, line (header = 1), column, rule, value, reason; lines_read = lines_loaded + len(rejects).
    `notes` says in words what was normalised, derived or stays empty, each with the number of cases.
    """

    source: str
    tables: dict[str, pd.DataFrame]
    rejects: pd.DataFrame
    lines_read: int
    lines_loaded: int
    notes: dict[str, int]


def as_tables(found: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The six tables with the catalog's columns in order and type; what the source does not have is empty."""
    known = [name for name, table in tables().items() if not table.mart]
    return {name: _typed(found.get(name, pd.DataFrame()), frame_types(name)) for name in known}


def _typed(frame: pd.DataFrame, types: dict[str, str | pd.ArrowDtype]) -> pd.DataFrame:
    rows = pd.RangeIndex(len(frame))
    absent = {name: pd.Series(index=rows, dtype=dtype) for name, dtype in types.items() if name not in frame}
    return frame.set_axis(rows).assign(**absent)[list(types)].astype(types)


def money(cents: pd.Series) -> pd.Series:
    """Amounts with two decimals, in the catalog's type, of whole cents."""
    amounts = pc.multiply(pa.array(cents.to_numpy("int64")).cast(pa.decimal128(19, 0)), pa.scalar(Decimal("0.01")))
    return pd.Series(pd.array(amounts.cast(CENTS), dtype=MONEY), cents.index)


def gaps(shop: dict[str, pd.DataFrame]) -> Counter:
    """Empty cells by column, and the tables that stay empty."""
    cells = {f"{name}.{column}: empty": n for name, rows in shop.items() for column, n in rows.isna().sum().items()}
    bare = [name for name, rows in shop.items() if rows.empty]
    return Counter(cells | {f"tables without rows: {', '.join(bare)}": len(bare)})
