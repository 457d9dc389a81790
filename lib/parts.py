"""A made-up shop on disk: runs of blocks, each generated, written and freed, in this process or in several."""

import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import pandas as pd

from lib.atomic import replacing_folder
from lib.catalog import tables
from lib.errors import WorkbookError
from lib.files import TableWriter, table_path
from lib.generate import Plan, block_tables, parent_tables, truth
from lib.profile import Counted, Profile, added, profile, total

__all__ = ["TRUTH", "Made", "cores", "write_shop"]

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
        parts = _parts(plan, temporary, workers)
        (temporary / TRUTH).write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    rows = {name: table.num_rows for name, table in parents.items()}
    for counts, _ in parts:
        rows |= {name: rows.get(name, 0) + n for name, n in counts.items()}
    ordered = [name for name in tables() if name in rows]
    files = [1 if name in parents else len(parts) for name in ordered]
    written = pd.DataFrame({"table": ordered, "rows": [rows[name] for name in ordered], "files": files})
    return Made(written, total(shape for _, shape in parts), known)


def _parts(plan: Plan, folder: Path, workers: int) -> list[tuple[dict[str, int], Counted]]:
    """Rows by table and profile of each part, once all are written: whoever is free takes the next one."""
    runs = [
        range(first, min(first + PART_BLOCKS, plan.counts.blocks))
        for first in range(0, plan.counts.blocks, PART_BLOCKS)
    ]
    numbers = [None] if len(runs) == 1 else range(len(runs))
    tasks = iter([(run, number, folder) for run, number in zip(runs, numbers, strict=True)])
    helpers = min(workers or cores(), len(runs)) - 1
    with ExitStack() as stack:
        theirs = []
        if helpers:
            # The plan goes with each part: one sent to a process that cannot start would wait for its reader for ever.
            pool = stack.enter_context(ProcessPoolExecutor(helpers, get_context("spawn"), initializer=_begin))
            threads = stack.enter_context(ThreadPoolExecutor(helpers))
            theirs = [threads.submit(_work, tasks, partial(_write_elsewhere, pool, plan)) for _ in range(helpers)]
        stack.callback(deque, tasks, maxlen=0)  # after a failure nobody begins another part
        made = _work(tasks, partial(_write_part, plan))
        for helper in theirs:
            made |= helper.result()
    return [made[run] for run in runs]


def _work(tasks: Iterator[tuple], write: Callable) -> dict[range, tuple[dict[str, int], Counted]]:
    """What `write` makes of the tasks that nobody else has taken, by their blocks."""
    return {task[0]: write(*task) for task in tasks}


def cores() -> int:
    """Cores that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin() -> None:
    """End with the parent: a worker whose parent was killed would wait for work for ever."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent_process().join()
    os._exit(1)


def _write_elsewhere(pool: ProcessPoolExecutor, *task: Any) -> tuple[dict[str, int], Counted]:
    try:
        return pool.submit(_write_part, *task).result()
    except BrokenProcessPool as error:
        raise WorkbookError(
            "a process that made part of the shop ended early: killed or out of memory; run again, or with workers: 1"
        ) from error


def _write_part(plan: Plan, blocks: range, number: int | None, folder: Path) -> tuple[dict[str, int], Counted]:
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
    return rows, added(shapes)
