"""The recipe of a made-up shop that is made where it is loaded: what is asked for, in parts, and the rows expected."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from lib.data.synthetic import GENERATOR, Counts, Plan, Shop, plan_shop
from lib.errors import DataError

__all__ = ["PARENTS", "Part", "Recipe", "parts_of", "planned", "read_recipe", "runs_of_blocks"]

FILE = "recipe.json"
PARENTS = 0  # number of the part with the tables that all blocks share


@dataclass(frozen=True)
class Part:
    """What a task is told: whose shop, by which version of the generator, which blocks of it. Parts count from 1."""

    counts: Counts
    shop: Shop
    generator: int
    parts: int
    number: int
    blocks: range

    @property
    def plan(self) -> dict[str, Any]:
        """What all parts of one shop have in common, as JSON types."""
        sizes = {"counts": asdict(self.counts), "shop": asdict(self.shop) | {"as_of": self.shop.as_of.isoformat()}}
        return {"generator": self.generator, "parts": self.parts, **sizes}


@dataclass(frozen=True)
class Recipe:
    """A shop cut into parts, and the rows of each table that each part holds; first those that all blocks share."""

    counts: Counts
    shop: Shop
    blocks: Sequence[range]
    rows: Sequence[Mapping[str, int]]
    generator: int = GENERATOR

    def parts(self) -> list[Part]:
        """What the tasks are told, one by one."""
        return parts_of(self.counts, self.shop, self.blocks, self.generator)

    def write(self, folder: Path) -> None:
        """Keep the recipe in the folder."""
        plain = asdict(self) | {"blocks": [[run.start, run.stop] for run in self.blocks]}
        plain["shop"]["as_of"] = self.shop.as_of.isoformat()
        (folder / FILE).write_text(json.dumps(plain) + "\n", encoding="utf-8")


def parts_of(counts: Counts, shop: Shop, blocks: Sequence[range], generator: int = GENERATOR) -> list[Part]:
    """The parts of a shop, for runs of its blocks."""
    return [Part(counts, shop, generator, len(blocks), number, run) for number, run in enumerate(blocks, 1)]


def runs_of_blocks(counts: Counts, part_blocks: int) -> list[range]:
    """All blocks of a shop, in runs of so many."""
    return [range(first, min(first + part_blocks, counts.blocks)) for first in range(0, counts.blocks, part_blocks)]


def read_recipe(folder: Path) -> Recipe | None:
    """The recipe in the folder, None where there is none; raises DataError for one of another generator."""
    path = folder / FILE
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    if found["generator"] != GENERATOR:
        raise DataError(
            f"{path} is by version {found['generator']} of the generator, this is version {GENERATOR}, which makes "
            "other rows; run 02_generate again"
        )
    shop = Shop(**found["shop"] | {"as_of": date.fromisoformat(found["shop"]["as_of"])})
    return Recipe(Counts(**found["counts"]), shop, [range(*run) for run in found["blocks"]], found["rows"])


@lru_cache(maxsize=1)
def planned(counts: Counts, shop: Shop) -> Plan:
    """The plan of a shop, kept for the next part of the same one."""
    return plan_shop(counts, shop)
