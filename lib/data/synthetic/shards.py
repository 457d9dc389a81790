"""The shards of a synthetic shop, written as Parquet files or only counted, to be generated again while loading.

A shard is a range of blocks; a block is a fixed number of customers with their orders and events, see `synthetic.shop`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from lib.catalog import tables
from lib.data.origin import SYNTHETIC, write_origin
from lib.data.parquet import TableWriter, table_path
from lib.data.profile import Counted, Profile, added, profile, total
from lib.data.synthetic import GENERATOR, Counts, Plan, Shop, block_tables, parent_tables, plan_shop
from lib.data.synthetic.truth import truth
from lib.data.workers import Engine, run
from lib.errors import DataError
from lib.util.files import replacing_folder

__all__ = [
    "PARENTS",
    "TRUTH",
    "GenerationPlan",
    "Shard",
    "WrittenShop",
    "block_ranges",
    "cached_plan",
    "count_shop",
    "read_generation_plan",
    "shards_of",
    "write_shop",
]

FILE = "generation_plan.json"
PARENTS = 0  # number of the shard with the tables that all blocks share
cached_plan = lru_cache(maxsize=1)(plan_shop)  # the solved plan of a shop, kept in this process for its next shard
PART_BLOCKS = 8  # blocks of a shard: about half a million rows with the sizes of full.yml
TRUTH = "truth.json"


@dataclass(frozen=True)
class Shard:
    """The task of one worker: generate these blocks of the shop.

    Attributes:
        counts: Rows to generate in the whole shop.
        shop: Parameters of the shop.
        generator: Version of the generator.
        parts: Number of shards of the shop.
        number: Number of this shard, counted from 1, because 0 is PARENTS.
        blocks: Numbers of its blocks, counted from 0.
    """

    counts: Counts
    shop: Shop
    generator: int
    parts: int
    number: int
    blocks: range

    @property
    def plan(self) -> dict[str, Any]:
        """All that defines the shop and its shards, as JSON types; equal for two shards of the same load."""
        sizes = {"counts": asdict(self.counts), "shop": asdict(self.shop) | {"as_of": self.shop.as_of.isoformat()}}
        return {"generator": self.generator, "parts": self.parts, **sizes}


@dataclass(frozen=True)
class GenerationPlan:
    """How to generate a shop again in shards, and how many rows to expect.

    Attributes:
        counts: Rows to generate in the whole shop.
        shop: Parameters of the shop.
        blocks: Range of blocks of each shard.
        rows: Number of rows by table: entry PARENTS for the parent tables, then one entry per shard.
        generator: Version of the generator.
    """

    counts: Counts
    shop: Shop
    blocks: Sequence[range]
    rows: Sequence[Mapping[str, int]]
    generator: int = GENERATOR

    def shards(self) -> list[Shard]:
        """One task per shard."""
        return shards_of(self.counts, self.shop, self.blocks, self.generator)

    def write(self, folder: Path) -> None:
        """Write the plan to generation_plan.json in the folder."""
        plain = asdict(self) | {"blocks": [[blocks.start, blocks.stop] for blocks in self.blocks]}
        plain["shop"]["as_of"] = self.shop.as_of.isoformat()
        (folder / FILE).write_text(json.dumps(plain) + "\n", encoding="utf-8")


def shards_of(counts: Counts, shop: Shop, blocks: Sequence[range], generator: int = GENERATOR) -> list[Shard]:
    """One shard of the shop per range of blocks."""
    return [Shard(counts, shop, generator, len(blocks), number, part) for number, part in enumerate(blocks, 1)]


def block_ranges(counts: Counts, size: int) -> list[range]:
    """All blocks of a shop in consecutive ranges of at most `size` blocks, one per shard."""
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


@dataclass(frozen=True)
class WrittenShop:
    """Outcome of writing or counting a shop.

    Attributes:
        written: One row per table: table, rows, files (0 if the shop was only counted).
        profile: Statistics of the columns.
        truth: The parameters that the rows were drawn from, see `truth.truth`.
    """

    written: pd.DataFrame
    profile: Profile
    truth: dict[str, Any]


@dataclass(frozen=True)
class _ShardResult:
    """First block of a shard, its rows by table, and its part of the profile."""

    first_block: int
    rows: dict[str, int]
    profile: Counted


def write_shop(plan: Plan, folder: Path, workers: int = 0) -> WrittenShop:
    """Write the Parquet shards and truth.json of a shop, replacing the content of `folder`.

    The same plan gives the same bytes with any number of workers.

    Args:
        plan: The solved plan of the shop.
        folder: Where the files go, all at once or not at all.
        workers: Processes of this machine; 0 for one per core.

    Raises:
        OutputError: A file cannot be written.
        WorkbookError: A worker process ends early.
    """
    parents, blocks = parent_tables(plan), block_ranges(plan.counts, PART_BLOCKS)
    # A single shard is one file per table without a number.
    numbers: Sequence[int | None] = [None] if len(blocks) == 1 else range(len(blocks))
    with replacing_folder(folder) as temporary:
        for name, table in parents.items():
            with TableWriter(table_path(temporary, name), name) as writer:
                writer.write(table)
        tasks = zip(blocks, numbers, strict=True)
        shards = _in_order(run(Engine(workers=workers), partial(_write_shard, plan, temporary), tasks))
        known = _write_truth(plan, temporary)
    files = dict.fromkeys(tables(), len(shards)) | dict.fromkeys(parents, 1)
    return WrittenShop(_written(_rows(plan, shards), files), total(shard.profile for shard in shards), known)


def count_shop(counts: Counts, shop: Shop, folder: Path, engine: Engine, part_blocks: int = PART_BLOCKS) -> WrittenShop:
    """Generate a shop shard by shard and count its rows without keeping them; write its generation plan and truth.json.

    For Dask workers, which may have no common folder: when the shop is loaded, they generate the shards again and copy
    them to the database, and the counts of the plan show whether all rows arrived.

    Args:
        counts: Rows to generate.
        shop: Parameters of the shop.
        folder: Where the two files go; its content is replaced.
        engine: The workers that generate.
        part_blocks: Blocks of a shard.

    Raises:
        OutputError: A file cannot be written.
        UsageError: The cluster cannot be reached.
        WorkbookError: A worker ends early.
    """
    plan, blocks = cached_plan(counts, shop), block_ranges(counts, part_blocks)
    with replacing_folder(folder) as temporary:
        shards = _in_order(run(engine, _count_shard, shards_of(counts, shop, blocks)))
        rows = _rows(plan, shards)
        GenerationPlan(counts, shop, blocks, rows).write(temporary)
        known = _write_truth(plan, temporary)
    return WrittenShop(_written(rows, dict.fromkeys(tables(), 0)), total(shard.profile for shard in shards), known)


def _in_order(shards: Iterable[_ShardResult]) -> list[_ShardResult]:
    return sorted(shards, key=lambda shard: shard.first_block)


def _rows(plan: Plan, shards: list[_ShardResult]) -> list[dict[str, int]]:
    """Rows of the parent tables, then those of each shard."""
    return [{name: table.num_rows for name, table in parent_tables(plan).items()}, *(shard.rows for shard in shards)]


def _write_truth(plan: Plan, folder: Path) -> dict[str, Any]:
    """Write truth.json, and the origin of a shop unless its time zone and currency are the default."""
    known = truth(plan)
    (folder / TRUTH).write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    shop = plan.shop
    if (shop.time_zone, shop.currency) != (SYNTHETIC.time_zone, SYNTHETIC.currency):
        write_origin(folder, replace(SYNTHETIC, time_zone=shop.time_zone, currency=shop.currency))
    return known


def _written(shards: list[dict[str, int]], files: dict[str, int]) -> pd.DataFrame:
    """The columns table, rows (sum of all shards) and files; tables in the order of the catalog."""
    rows = Counter[str]()
    for shard in shards:
        rows.update(shard)
    names = [name for name in tables() if name in rows]
    return pd.DataFrame({"table": names, "rows": [rows[name] for name in names], "files": [files[n] for n in names]})


def _count_shard(shard: Shard) -> _ShardResult:
    return _generate(cached_plan(shard.counts, shard.shop), shard.blocks, lambda name, table: None)


def _write_shard(plan: Plan, folder: Path, task: tuple[range, int | None]) -> _ShardResult:
    blocks, number = task
    writers: dict[str, TableWriter] = {}
    with ExitStack() as stack:

        def write(name: str, table: pa.Table) -> None:
            if name not in writers:
                writers[name] = stack.enter_context(TableWriter(table_path(folder, name, number), name))
            writers[name].write(table)

        return _generate(plan, blocks, write)


def _generate(plan: Plan, blocks: range, keep: Callable[[str, pa.Table], None]) -> _ShardResult:
    """Generate the blocks one at a time, pass each table to `keep`, and add up rows and profile."""
    rows = Counter[str]()
    profiles = []
    for block in blocks:
        generated = block_tables(plan, block)
        for name, table in generated.items():
            keep(name, table)
            rows[name] += table.num_rows
        profiles.append(profile(generated, plan.shop.time_zone))
    return _ShardResult(blocks.start, dict(rows), added(profiles))
