"""Randomness: a stream of numbers per purpose and block, and the draws that numpy's generators lack."""

import zlib
from collections.abc import Sequence

import numpy as np

from lib.generate.shop import Shop

__all__ = ["draw", "pick", "spread", "stream", "uuids"]

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


def uuids(rng: np.random.Generator, n: int) -> np.ndarray:
    """n random UUIDs of version 4 (RFC 9562, 5.4), 16 bytes each."""
    raw = np.frombuffer(rng.bytes(16 * n), dtype=np.uint8).reshape(n, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40  # version
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80  # variant
    return raw.view("V16").ravel()
