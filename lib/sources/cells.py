"""What every kind of cell is read with: whole matches, gaps, counts."""

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Read", "count", "matches", "only"]


@dataclass(frozen=True)
class Read:
    """Values, null where the text is empty or cannot be read, and what was done to how many cells."""

    values: pa.Array
    repairs: Counter[str]


def matches(text: pa.Array, pattern: str, flags: str = "") -> pa.Array:
    """Whether the whole of each text fits."""
    return pc.match_substring_regex(text, rf"{flags}\A(?:{pattern})\z")


def only(values: pa.Array, sound: pa.Array) -> pa.Array:
    """The values where they are sound, a gap elsewhere."""
    return pc.if_else(sound, values, None)


def count(flags: pa.Array) -> int:
    """How many are true."""
    return pc.sum(flags).as_py() or 0
