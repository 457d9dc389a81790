"""Write a synthetic shop as Parquet shards, or count its rows when it is generated where it is loaded."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from lib.catalog import tables
from lib.data.parquet import TableWriter, table_path
from lib.data.profile import Counted, Profile, added, profile, total
from lib.data.synthetic import Counts, Plan, Shop, block_tables, parent_tables, truth
from lib.data.synthetic.plan import GenerationPlan, Shard, block_ranges, cached_plan, shards_of
from lib.data.workers import Engine, run
from lib.util.files import replacing_folder

__all__ = ["TRUTH", "WrittenShop", "count_shop", "write_shop"]

PART_BLOCKS = 8  # blocks of a shard: about half a million rows with the sizes of full.yml
TRUTH = "truth.json"


@dataclass(frozen=True)
class WrittenShop:
    """Outcome of writing a shop.

    written: one row per table: table, rows, files. truth: the parameters that the rows were drawn by.
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
    known = truth(plan)
    with replacing_folder(folder) as temporary:
        parents = parent_tables(plan)
        for name, table in parents.items():
            with TableWriter(table_path(temporary, name), name) as writer:
                writer.write(table)
        blocks = block_ranges(plan.counts, PART_BLOCKS)
        numbers: Sequence[int | None] = [None] if len(blocks) == 1 else range(len(blocks))
        tasks = zip(blocks, numbers, strict=True)
        shards = _in_order(run(Engine(workers=workers), partial(_write_shard, plan, temporary), tasks))
        _write_truth(known, temporary)
    rows = [{name: table.num_rows for name, table in parents.items()}, *(shard.rows for shard in shards)]
    files = dict.fromkeys(tables(), len(shards)) | dict.fromkeys(parents, 1)
    return WrittenShop(_written(rows, files), total(shard.profile for shard in shards), known)


def count_shop(counts: Counts, shop: Shop, folder: Path, engine: Engine, part_blocks: int = PART_BLOCKS) -> WrittenShop:
    """Generate and count a shop shard by shard without keeping its rows; write its generation plan and truth.json.

    For a shop that is generated again where it is loaded.

    Raises:
        OutputError: A file cannot be written.
        UsageError: The cluster cannot be reached.
        WorkbookError: A worker ends early.
    """
    plan, blocks = cached_plan(counts, shop), block_ranges(counts, part_blocks)
    known, parents = truth(plan), parent_tables(plan)
    with replacing_folder(folder) as temporary:
        shards = _in_order(run(engine, _count_shard, shards_of(counts, shop, blocks)))
        rows = [{name: table.num_rows for name, table in parents.items()}, *(shard.rows for shard in shards)]
        GenerationPlan(counts, shop, blocks, rows).write(temporary)
        _write_truth(known, temporary)
    return WrittenShop(_written(rows, dict.fromkeys(tables(), 0)), total(shard.profile for shard in shards), known)


def _in_order(shards: Any) -> list[_ShardResult]:
    return sorted(shards, key=lambda shard: shard.first_block)


def _write_truth(known: dict[str, Any], folder: Path) -> None:
    (folder / TRUTH).write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def _written(shards: list[dict[str, int]], files: dict[str, int]) -> pd.DataFrame:
    """table, rows over all shards and files, in the order of the catalog."""
    names = [name for name in tables() if any(name in rows for rows in shards)]
    rows = [sum(shard.get(name, 0) for shard in shards) for name in names]
    return pd.DataFrame({"table": names, "rows": rows, "files": [files[name] for name in names]})


def _count_shard(shard: Shard) -> _ShardResult:
    """Generate a shard block by block, holding one block at a time, and count it."""
    plan = cached_plan(shard.counts, shard.shop)
    rows: dict[str, int] = {}
    profiles = []
    for block in shard.blocks:
        generated = block_tables(plan, block)
        rows |= {name: rows.get(name, 0) + table.num_rows for name, table in generated.items()}
        profiles.append(profile(generated))
    return _ShardResult(shard.blocks.start, rows, added(profiles))


def _write_shard(plan: Plan, folder: Path, task: tuple[range, int | None]) -> _ShardResult:
    """Generate and write a range of blocks, holding one block and one row group at a time."""
    blocks, number = task
    rows: dict[str, int] = {}
    profiles = []
    with ExitStack() as stack:
        writers: dict[str, TableWriter] = {}
        for block in blocks:
            generated = block_tables(plan, block)
            for name, table in generated.items():
                if name not in writers:
                    writers[name] = stack.enter_context(TableWriter(table_path(folder, name, number), name))
                writers[name].write(table)
                rows[name] = rows.get(name, 0) + table.num_rows
            profiles.append(profile(generated))
    return _ShardResult(blocks.start, rows, added(profiles))
