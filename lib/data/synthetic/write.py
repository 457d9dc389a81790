"""A made-up shop on disk: runs of blocks, each generated, written and freed; or only counted, to be made elsewhere."""

import json
from collections.abc import Iterable
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
from lib.data.synthetic.plan import Part, Recipe, parts_of, planned, runs_of_blocks
from lib.data.workers import Engine, run
from lib.util.atomic import replacing_folder

__all__ = ["TRUTH", "Made", "describe_shop", "write_shop"]

PART_BLOCKS = 8  # about half a million rows in the shape of full.yml
TRUTH = "truth.json"


@dataclass(frozen=True)
class Made:
    """What was written: table, rows, files; the shape of the shop; the truth about it."""

    written: pd.DataFrame
    profile: Profile
    truth: dict[str, Any]


def write_shop(plan: Plan, folder: Path, workers: int = 0) -> Made:
    """Write the shop's Parquet files and truth.json in place of all in `folder`; 0 workers: one per core.

    Same plan, same bytes, whatever the number of workers. Raises OutputError when a file cannot be written,
    WorkbookError when a worker ends early.
    """
    known = truth(plan)
    with replacing_folder(folder) as temporary:
        parents = parent_tables(plan)
        for name, table in parents.items():
            with TableWriter(table_path(temporary, name), name) as writer:
                writer.write(table)
        runs = runs_of_blocks(plan.counts, PART_BLOCKS)
        numbers = [None] if len(runs) == 1 else range(len(runs))
        write = partial(_write_part, plan, temporary)
        parts = sorted(run(Engine(workers=workers), write, zip(runs, numbers, strict=True)), key=_first_block)
        _write_truth(known, temporary)
    rows = {name: table.num_rows for name, table in parents.items()}
    files = dict.fromkeys(tables(), len(parts)) | dict.fromkeys(parents, 1)
    return Made(_written([rows, *(counts for _, counts, _ in parts)], files), _shape(parts), known)


def describe_shop(counts: Counts, shop: Shop, folder: Path, engine: Engine, part_blocks: int = PART_BLOCKS) -> Made:
    """Write recipe.json and truth.json in place of all in `folder`: each part is made, counted and dropped again.

    For a shop that is made where it is loaded. Raises as `write_shop` does, UsageError for a cluster that is not there.
    """
    plan, runs = planned(counts, shop), runs_of_blocks(counts, part_blocks)
    known, parents = truth(plan), parent_tables(plan)
    with replacing_folder(folder) as temporary:
        parts = sorted(run(engine, _count_part, parts_of(counts, shop, runs)), key=_first_block)
        rows = [{name: table.num_rows for name, table in parents.items()}, *(n for _, n, _ in parts)]
        Recipe(counts, shop, runs, rows).write(temporary)
        _write_truth(known, temporary)
    return Made(_written(rows, dict.fromkeys(tables(), 0)), _shape(parts), known)


def _first_block(part: tuple[int, dict[str, int], Counted]) -> int:
    return part[0]


def _shape(parts: Iterable[tuple[int, dict[str, int], Counted]]) -> Profile:
    return total(shape for _, _, shape in parts)


def _write_truth(known: dict[str, Any], folder: Path) -> None:
    (folder / TRUTH).write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def _written(parts: list[dict[str, int]], files: dict[str, int]) -> pd.DataFrame:
    """table, rows over all parts, files, in the order of the catalog."""
    ordered = [name for name in tables() if any(name in rows for rows in parts)]
    rows = [sum(part.get(name, 0) for part in parts) for name in ordered]
    return pd.DataFrame({"table": ordered, "rows": rows, "files": [files[name] for name in ordered]})


def _count_part(part: Part) -> tuple[int, dict[str, int], Counted]:
    """First block, rows by table and profile of a part, of which one block at a time is held."""
    plan, rows, shapes = planned(part.counts, part.shop), {}, []
    for block in part.blocks:
        made = block_tables(plan, block)
        rows |= {name: rows.get(name, 0) + table.num_rows for name, table in made.items()}
        shapes.append(profile(made))
    return part.blocks.start, rows, added(shapes)


def _write_part(plan: Plan, folder: Path, part: tuple[range, int | None]) -> tuple[int, dict[str, int], Counted]:
    """Write the files of a run of blocks, holding one block and one row group at a time; first block, rows, profile."""
    blocks, number = part
    rows: dict[str, int] = {}
    shapes = []
    with ExitStack() as stack:
        writers: dict[str, TableWriter] = {}
        for block in blocks:
            made = block_tables(plan, block)
            for name, table in made.items():
                if name not in writers:
                    writers[name] = stack.enter_context(TableWriter(table_path(folder, name, number), name))
                writers[name].write(table)
                rows[name] = rows.get(name, 0) + table.num_rows
            shapes.append(profile(made))
    return blocks.start, rows, added(shapes)
