"""The generation plan of a synthetic shop that is generated where it is loaded: its shards and their row counts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from lib.data.synthetic import GENERATOR, Counts, Plan, Shop, plan_shop
from lib.errors import DataError

__all__ = ["PARENTS", "GenerationPlan", "Shard", "block_ranges", "cached_plan", "read_generation_plan", "shards_of"]

FILE = "generation_plan.json"
PARENTS = 0  # number of the shard with the tables that all blocks share


@dataclass(frozen=True)
class Shard:
    """The task of one worker: a shop, the version of the generator, and a range of blocks. Shards count from 1."""

    counts: Counts
    shop: Shop
    generator: int
    parts: int
    number: int
    blocks: range

    @property
    def plan(self) -> dict[str, Any]:
        """The facts that all shards of a shop share, as JSON types."""
        sizes = {"counts": asdict(self.counts), "shop": asdict(self.shop) | {"as_of": self.shop.as_of.isoformat()}}
        return {"generator": self.generator, "parts": self.parts, **sizes}


@dataclass(frozen=True)
class GenerationPlan:
    """A shop in shards, and the rows of each table in each shard; entry 0 of `rows` is that of the parent tables."""

    counts: Counts
    shop: Shop
    blocks: Sequence[range]
    rows: Sequence[Mapping[str, int]]
    generator: int = GENERATOR

    def shards(self) -> list[Shard]:
        """One task per shard."""
        return shards_of(self.counts, self.shop, self.blocks, self.generator)

    def write(self, folder: Path) -> None:
        """Write the plan as JSON to the folder."""
        plain = asdict(self) | {"blocks": [[blocks.start, blocks.stop] for blocks in self.blocks]}
        plain["shop"]["as_of"] = self.shop.as_of.isoformat()
        (folder / FILE).write_text(json.dumps(plain) + "\n", encoding="utf-8")


def shards_of(counts: Counts, shop: Shop, blocks: Sequence[range], generator: int = GENERATOR) -> list[Shard]:
    """One shard of the shop per range of blocks."""
    return [Shard(counts, shop, generator, len(blocks), number, part) for number, part in enumerate(blocks, 1)]


def block_ranges(counts: Counts, size: int) -> list[range]:
    """All blocks of a shop in ranges of at most `size` blocks."""
    return [range(first, min(first + size, counts.blocks)) for first in range(0, counts.blocks, size)]


def read_generation_plan(folder: Path) -> GenerationPlan | None:
    """The plan in the folder, None if there is none.

    Raises:
        DataError: The plan was written by another version of the generator, which generates other rows.
    """
    path = folder / FILE
    if not path.exists():
        return None
    plain = json.loads(path.read_text(encoding="utf-8"))
    if plain["generator"] != GENERATOR:
        raise DataError(
            f"{path} is by version {plain['generator']} of the generator; expected version {GENERATOR}, which "
            "generates other rows. Run 02_generate again."
        )
    shop = Shop(**plain["shop"] | {"as_of": date.fromisoformat(plain["shop"]["as_of"])})
    blocks = [range(start, stop) for start, stop in plain["blocks"]]
    return GenerationPlan(Counts(**plain["counts"]), shop, blocks, plain["rows"])


@lru_cache(maxsize=1)
def cached_plan(counts: Counts, shop: Shop) -> Plan:
    """The solved plan of a shop, kept in this process for its next shard."""
    return plan_shop(counts, shop)
