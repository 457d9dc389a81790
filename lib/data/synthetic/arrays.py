"""Random streams per purpose and block, draws that numpy lacks, and Arrow columns made of numpy arrays."""

import uuid
import zlib
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lib.catalog import TYPES
from lib.data.synthetic.shop import Shop

__all__ = [
    "DAY",
    "columns",
    "date_array",
    "draw",
    "in_currency",
    "instant_array",
    "money_array",
    "numbered",
    "pick",
    "root",
    "rounded",
    "spread",
    "stream",
    "uuid_array",
    "uuid_texts",
    "uuids",
    "word_array",
]

DAY = 86_400  # seconds
DIGITS = 6
PRIMES = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31])


def stream(shop: Shop, purpose: str, block: int = 0) -> np.random.Generator:
    """Random generator of one purpose in one block: it depends on the seed only, not on draws elsewhere."""
    key = (zlib.crc32(purpose.encode()), block)
    return np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence(shop.seed, spawn_key=key)))


def spread(rng: np.random.Generator, n: int, names: Sequence[str]) -> dict[str, np.ndarray]:
    """n quasi-random numbers in (0, 1) per name: each uniform, and together with low discrepancy.

    They keep the totals of a shop near the requested sizes. A Kronecker sequence of square roots of primes (Richtmyer
    1951) with a random shift (Cranley, Patterson 1976), in random order.
    """
    steps = np.sqrt(PRIMES[: len(names)])
    uniforms = (rng.random(len(names))[:, None] + steps[:, None] * rng.permutation(n)) % 1
    return dict(zip(names, np.clip(uniforms, 1e-12, 1 - 1e-12), strict=True))


def draw(rng: np.random.Generator, weights: np.ndarray, n: int) -> np.ndarray:
    """n positions in `weights`, drawn with probabilities proportional to the weights."""
    return pick(np.cumsum(weights), rng.random(n))


def pick(edges: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Position of each uniform number in [0, 1) among cumulated weights (inverse transform sampling)."""
    return np.minimum(np.searchsorted(edges, uniforms * edges[-1:], side="right"), len(edges) - 1)


def uuids(rng: np.random.Generator, n: int) -> np.ndarray:
    """n random UUIDs of version 4 (RFC 9562, section 5.4), 16 bytes each."""
    raw = np.frombuffer(rng.bytes(16 * n), dtype=np.uint8).reshape(n, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40  # version
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80  # variant
    return raw.view("V16").ravel()


def columns(table: Sequence[tuple[Any, ...]]) -> list[np.ndarray]:
    """The columns of a table of constants, as arrays."""
    return [np.array(values) for values in zip(*table, strict=True)]


def rounded(value: float) -> float:
    """A solved number to six digits, so that the last bits, which differ between processors, do not reach the rows."""
    return float(f"{value:.{DIGITS}g}")


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """The zero of the function between low and high, where its signs differ (Brent's method)."""
    from scipy.optimize import brentq  # a third of the import time of a worker, and workers solve nothing

    return float(brentq(function, low, high))


def numbered(names: list[str]) -> list[str]:
    """Unique names: the second 'Urban Lamp' becomes 'Urban Lamp 2'."""
    series = pd.Series(names, dtype="str")
    nth = series.groupby(series).cumcount() + 1
    return series.where(nth == 1, series + " " + nth.astype("str")).tolist()


def uuid_array(ids: np.ndarray, rows: np.ndarray | None = None) -> pa.Array:
    """The UUIDs at `rows`, or all of them; row -1 gives null."""
    chosen = ids if rows is None else _take(ids, rows)
    storage = pa.Array.from_buffers(pa.binary(16), len(chosen), [_gaps(rows), pa.py_buffer(chosen)])
    return pa.ExtensionArray.from_storage(pa.uuid(), storage)


def money_array(cents: np.ndarray, rows: np.ndarray | None = None, kind: str = "money") -> pa.Array:
    """Non-negative cents at `rows` as decimals of a type of the catalog; row -1 gives null."""
    decimal, chosen = TYPES[kind].arrow, cents if rows is None else _take(cents, rows)
    words = np.zeros((len(chosen), 2), dtype="<i8")  # 128 bits each, little-endian
    words[:, 0] = chosen * 10 ** (decimal.scale - 2)
    return pa.Array.from_buffers(decimal, len(chosen), [_gaps(rows), pa.py_buffer(words)])


def in_currency(tables: dict[str, pa.Table], cents: int) -> dict[str, pa.Table]:
    """The tables with amounts of hundredths as amounts of a currency that is divided into this many smallest units."""
    if cents == 100:
        return tables
    found = dict(tables)
    for name, table in tables.items():
        for place, field in enumerate(table.schema):
            if pa.types.is_decimal(field.type):
                scaled = pc.multiply(found[name][place], Decimal(100) / cents).cast(field.type)
                found[name] = found[name].set_column(place, field, scaled)
    return found


def word_array(words: list[str], rows: np.ndarray) -> pa.Array:
    """The word at each row; row -1 gives null."""
    return pa.array(words, pa.string()).take(pa.array(rows, mask=rows < 0))


def date_array(days: np.ndarray) -> pa.Array:
    """Dates of days counted from 1970-01-01."""
    return pa.array(days.astype("datetime64[D]"))


def instant_array(seconds: np.ndarray) -> pa.Array:
    """UTC timestamps of seconds counted from 1970-01-01."""
    return pa.array((seconds * 1_000_000).astype(np.int64)).view(pa.timestamp("us", "UTC"))


def _take(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """values[rows]; without values every row is -1, and any value may stand for null."""
    return values[rows] if len(values) else np.zeros(len(rows), values.dtype)


def _gaps(rows: np.ndarray | None) -> pa.Buffer | None:
    if rows is None or (rows >= 0).all():
        return None
    return pa.py_buffer(np.packbits(rows >= 0, bitorder="little"))


def uuid_texts(ids: np.ndarray) -> list[str]:
    """UUIDs in their text form."""
    return [str(uuid.UUID(bytes=value.tobytes())) for value in ids]
