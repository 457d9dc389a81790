"""Columns as the frames hold them (text, money, dates, instants), made from whole numbers and read back into them."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "DAY",
    "columns",
    "labels",
    "lookup",
    "numbered",
    "to_cents",
    "to_dates",
    "to_days",
    "to_instants",
    "to_money",
    "to_seconds",
]

DAY = 86_400  # seconds


def columns(table: list[tuple]) -> list[np.ndarray]:
    """The columns of a table of constants."""
    return [np.array(values) for values in zip(*table, strict=True)]


def labels(words: list[str] | np.ndarray, positions: np.ndarray) -> pd.Series:
    """The word at each position."""
    return pd.Series(pd.array(list(words), dtype="str").take(positions))


def numbered(names: pd.Series) -> pd.Series:
    """Names made unique: the second 'Urban Lamp' becomes 'Urban Lamp 2'."""
    nth = names.groupby(names).cumcount() + 1
    return names.where(nth == 1, names + " " + nth.astype("str"))


def lookup(parents: pd.DataFrame | None, column: str, rows: np.ndarray | pd.Series) -> pd.Series:
    """Values of a parent's column by row number; row -1, and a parent that is not there, give missing ones."""
    values = pd.array([], dtype="str") if parents is None else parents[column].array
    return pd.Series(values.take(np.asarray(rows), allow_fill=True))


def to_money(whole: np.ndarray) -> pd.Series:
    """Integer cents as decimal(12, 2)."""
    amounts = pc.multiply(pa.array(whole), pa.scalar(Decimal("0.01"))).cast(pa.decimal128(12, 2))
    return pd.Series(pd.arrays.ArrowExtensionArray(amounts))


def to_cents(amounts: pd.Series) -> np.ndarray:
    """Integer cents of decimal(12, 2)."""
    return pc.multiply(pa.array(amounts.array), 100).cast(pa.int64()).to_numpy()


def to_dates(numbers: np.ndarray) -> pd.DatetimeIndex:
    """Midnights of days counted from 1970-01-01."""
    return pd.to_datetime(numbers, unit="D").as_unit("us")


def to_days(midnights: pd.Series) -> np.ndarray:
    """Days from 1970-01-01."""
    return midnights.to_numpy().astype("datetime64[D]").astype(np.int64)


def to_instants(numbers: np.ndarray) -> pd.DatetimeIndex:
    """Instants in UTC of seconds counted from 1970-01-01."""
    return pd.to_datetime(numbers, unit="s", utc=True).as_unit("us")


def to_seconds(times: pd.Series) -> np.ndarray:
    """Seconds from 1970-01-01, UTC."""
    return times.dt.as_unit("s").astype("int64").to_numpy()
