"""Randomness: a stream of numbers per purpose and block, and the draws that numpy's generators lack."""

import uuid
import zlib
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.data.synthetic.shop import Shop

__all__ = [
    "DAY",
    "Ladder",
    "columns",
    "date_array",
    "draw",
    "frame",
    "in_order",
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

CELLS = 4  # per edge
PRIMES = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31])


def stream(shop: Shop, purpose: str, block: int = 0) -> np.random.Generator:
    """The random numbers of one purpose in one block: nothing that is drawn elsewhere changes them, only the seed."""
    key = (zlib.crc32(purpose.encode()), block)
    return np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence(shop.seed, spawn_key=key)))


def spread(rng: np.random.Generator, n: int, names: Sequence[str]) -> dict[str, np.ndarray]:
    """n numbers in (0, 1) by name, evenly spread: each uniform by itself, all of them together nearly without lumps.

    So the totals of a shop stay near what was asked for. A Kronecker sequence of square roots of primes (Richtmyer
    1951), moved at random (Cranley, Patterson 1976), in random order.
    """
    steps = np.sqrt(PRIMES[: len(names)])
    marks = (rng.random(len(names))[:, None] + steps[:, None] * rng.permutation(n)) % 1
    return dict(zip(names, np.clip(marks, 1e-12, 1 - 1e-12), strict=True))


def draw(rng: np.random.Generator, weights: np.ndarray, n: int) -> np.ndarray:
    """n positions in weights, each as likely as its weight."""
    return pick(np.cumsum(weights), rng.random(n))


def pick(edges: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """The position that each mark in [0, 1) falls to, where `edges` are the cumulated weights."""
    return np.minimum(np.searchsorted(edges, marks * edges[-1:], side="right"), len(edges) - 1)


class Ladder:
    """Rising edges, and a faster way to what np.searchsorted(edges, marks, side="right") finds.

    The range is cut into more cells than there are edges, and the search climbs from the first edge of a cell (guide
    table: Chen, Asau 1974); of the cell before the mark's own, as rounding may have moved the mark.
    """

    def __init__(self, edges: np.ndarray) -> None:
        cells = CELLS * len(edges)
        self._low, high = (edges[0], edges[-1]) if len(edges) else (0.0, 0.0)
        self._scale = cells / ((high - self._low) or 1.0)
        begins = self._low + np.arange(-1, cells + 1) / (self._scale or 1.0)
        self._begins = np.searchsorted(edges, begins, side="right")
        self._edges = np.append(edges, np.inf)

    def find(self, marks: np.ndarray) -> np.ndarray:
        """How many edges are at or below each mark."""
        cell = ((marks - self._low) * self._scale).astype(np.int64)
        place = self._begins[np.clip(cell, 0, len(self._begins) - 1)]
        climbing = np.flatnonzero(self._edges[place] <= marks)
        while len(climbing):
            place[climbing] += 1
            climbing = climbing[self._edges[place[climbing]] <= marks[climbing]]
        return place


def uuids(rng: np.random.Generator, n: int) -> np.ndarray:
    """n random UUIDs of version 4 (RFC 9562, 5.4), 16 bytes each."""
    raw = np.frombuffer(rng.bytes(16 * n), dtype=np.uint8).reshape(n, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40  # version
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80  # variant
    return raw.view("V16").ravel()


DAY = 86_400  # seconds
MONEY = pa.decimal128(12, 2)
DIGITS = 6


def columns(table: list[tuple]) -> list[np.ndarray]:
    """The columns of a table of constants."""
    return [np.array(values) for values in zip(*table, strict=True)]


def rounded(value: float) -> float:
    """A solved number to six digits: what the processor's last bit says must not reach the rows."""
    return float(f"{value:.{DIGITS}g}")


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where the function is zero between low and high, at which its signs differ."""
    from scipy.optimize import brentq  # a third of what a worker imports, and a worker solves nothing

    return brentq(function, low, high)


def numbered(names: list[str]) -> list[str]:
    """Names made unique: the second 'Urban Lamp' becomes 'Urban Lamp 2'."""
    series = pd.Series(names, dtype="str")
    nth = series.groupby(series).cumcount() + 1
    return series.where(nth == 1, series + " " + nth.astype("str")).tolist()


def in_order(seconds: np.ndarray) -> np.ndarray:
    """Rows by time, those of one second as they were: a stable argsort, by a plain sort of numbers made different."""
    n = max(len(seconds), 1)
    return np.sort((seconds - seconds.min(initial=0)) * n + np.arange(len(seconds))) % n


def uuid_array(ids: np.ndarray, rows: np.ndarray | None = None) -> pa.Array:
    """The UUIDs at `rows`, all of them where none are named; row -1 gives a gap."""
    chosen = ids if rows is None else _take(ids, rows)
    storage = pa.Array.from_buffers(pa.binary(16), len(chosen), [_gaps(rows), pa.py_buffer(chosen)])
    return pa.ExtensionArray.from_storage(pa.uuid(), storage)


def money_array(cents: np.ndarray, rows: np.ndarray | None = None) -> pa.Array:
    """Whole cents, not negative, at `rows` as decimal(12, 2); row -1 gives a gap."""
    chosen = cents if rows is None else _take(cents, rows)
    words = np.zeros((len(chosen), 2), dtype="<i8")  # 128 bits each, little end first
    words[:, 0] = chosen
    return pa.Array.from_buffers(MONEY, len(chosen), [_gaps(rows), pa.py_buffer(words)])


def word_array(words: list[str], rows: np.ndarray) -> pa.Array:
    """The word at each row; row -1 gives a gap."""
    return pa.array(words, pa.string()).take(pa.array(rows, mask=rows < 0))


def date_array(days: np.ndarray) -> pa.Array:
    """Days counted from 1970-01-01."""
    return pa.array(days.astype("datetime64[D]"))


def instant_array(seconds: np.ndarray) -> pa.Array:
    """Instants in UTC of seconds counted from 1970-01-01."""
    return pa.array(seconds.astype(np.int64) * 1_000_000).view(pa.timestamp("us", "UTC"))


def _take(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """values[rows]; where there are no values every row is -1, and any value fills the gap."""
    return values[rows] if len(values) else np.zeros(len(rows), values.dtype)


def _gaps(rows: np.ndarray | None) -> pa.Buffer | None:
    if rows is None or (rows >= 0).all():
        return None
    return pa.py_buffer(np.packbits(rows >= 0, bitorder="little"))


def uuid_texts(ids: np.ndarray) -> list[str]:
    """UUIDs as they are written."""
    return [str(uuid.UUID(bytes=value.tobytes())) for value in ids]


def frame(table: pa.Table) -> pd.DataFrame:
    """The table as pandas holds it: UUIDs as text, money as decimal, days as midnights, instants in UTC."""
    types = {MONEY: pd.ArrowDtype(MONEY), pa.string(): pd.StringDtype(na_value=np.nan)}
    found = table.to_pandas(types_mapper=types.get, date_as_object=False)
    keys = {f.name: table[f.name].to_pandas().map(str, na_action="ignore") for f in table.schema if f.type == pa.uuid()}
    found = found.assign(**{name: texts.astype("str") for name, texts in keys.items()})
    days = {f.name: "datetime64[us]" for f in table.schema if f.type == pa.date32()}
    whole = {f.name: "int64" for f in table.schema if pa.types.is_integer(f.type)}
    return found.astype(days | whole)
