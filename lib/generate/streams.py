"""Randomness: a stream of numbers per purpose and block, and the draws that numpy's generators lack."""

import zlib
from collections.abc import Sequence

import numpy as np

from lib.generate.shop import Shop

__all__ = ["Ladder", "draw", "pick", "spread", "stream", "uuids"]

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
