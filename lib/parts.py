"""A made-up shop on disk: runs of blocks, each generated, written and freed, in this process or in several."""

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import pandas as pd

from lib.atomic import replacing_folder
from lib.catalog import tables
from lib.files import TableWriter, table_path
from lib.generate import Plan, block_tables, parent_tables, truth
from lib.profile import Profile, profile, total

__all__ = ["TRUTH", "Made", "cores", "write_shop"]

PART_BLOCKS = 16  # about a million rows in the shape of full.yml
TRUTH = "truth.json"
_plans: list[Plan] = []  # of a worker process: the plan is sent to it once


@dataclass(frozen=True)
class Made:
    """What was written: table, rows, files; the shape of the shop; the truth about it."""

    written: pd.DataFrame
    profile: Profile
    truth: dict[str, Any]


def write_shop(plan: Plan, folder: Path, workers: int = 0) -> Made:
    """Write the shop's Parquet files and truth.json in place of all in `folder`; 0 workers: one per core.

    Same plan, same bytes, whatever the number of workers. Raises OutputError when a file cannot be written.
    """
    known = truth(plan)
    with replacing_folder(folder) as temporary:
        parents = parent_tables(plan)
        for name, table in parents.items():
            with TableWriter(table_path(temporary, name), name) as writer:
                writer.write(table)
        parts = list(_parts(plan, temporary, workers))
        (temporary / TRUTH).write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    rows = {name: table.num_rows for name, table in parents.items()}
    for counts, _ in parts:
        rows |= {name: rows.get(name, 0) + n for name, n in counts.items()}
    ordered = [name for name in tables() if name in rows]
    files = [1 if name in parents else len(parts) for name in ordered]
    written = pd.DataFrame({"table": ordered, "rows": [rows[name] for name in ordered], "files": files})
    return Made(written, total(shape for _, shape in parts), known)


def _parts(plan: Plan, folder: Path, workers: int) -> Iterator[tuple[dict[str, int], Profile]]:
    """Rows by table and profile of each part, in order, once it is written."""
    runs = [
        range(first, min(first + PART_BLOCKS, plan.counts.blocks))
        for first in range(0, plan.counts.blocks, PART_BLOCKS)
    ]
    numbers = [None] if len(runs) == 1 else list(range(len(runs)))
    tasks = [(run, number, folder) for run, number in zip(runs, numbers, strict=True)]
    workers = min(workers or cores(), len(runs))
    if workers == 1:
        yield from (_write_part(plan, *task) for task in tasks)
        return
    pool = ProcessPoolExecutor(workers - 1, get_context("spawn"), initializer=_begin, initargs=(plan,))
    with ExitStack() as stack:
        stack.callback(pool.shutdown, cancel_futures=True)
        begun = [pool.submit(_write_my_part, *task) for task in tasks]
        # This process works too, from the last part on, on those that no other has taken yet.
        own = {row: _write_part(plan, *tasks[row]) for row in reversed(range(len(tasks))) if begun[row].cancel()}
        yield from (own[row] if row in own else future.result() for row, future in enumerate(begun))


def cores() -> int:
    """Cores that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin(plan: Plan) -> None:
    """Keep the plan, and end with the parent: a worker whose parent was killed would wait for work for ever."""
    _plans[:] = [plan]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent_process().join()
    os._exit(1)


def _write_my_part(blocks: range, number: int | None, folder: Path) -> tuple[dict[str, int], Profile]:
    return _write_part(_plans[0], blocks, number, folder)


def _write_part(plan: Plan, blocks: range, number: int | None, folder: Path) -> tuple[dict[str, int], Profile]:
    """Write the files of a run of blocks, holding one block and one row group at a time."""
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
    return rows, total(shapes)
