"""Where tasks run: in this process, in several of this machine, or on the workers of a Dask cluster."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from typing import Any, Literal

from lib.errors import WorkbookError

__all__ = ["Engine", "cores", "run", "run_here"]


@dataclass(frozen=True)
class Engine:
    """local: so many processes of this machine, one per core for 0. dask: the cluster at `address`, of which so many
    workers must be there; without an address a cluster of so many processes, for as long as the tasks run.
    """

    kind: Literal["local", "dask"] = "local"
    address: str = ""
    workers: int = 0


def run(engine: Engine, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[Any]:
    """What the function makes of each task, as they end; what belongs to which, the results must tell.

    On Dask a task may run more than once, even one that had ended. Raises what the function raises, WorkbookError when
    a process ends early, UsageError for a cluster that is not there.
    """
    if engine.kind == "local":
        return run_here(function, tasks, engine.workers)
    from lib.data.workers.dask import run_on_cluster  # Dask takes a second to import and is an extra

    return run_on_cluster(function, tasks, engine.address, engine.workers)


def cores() -> int:
    """Cores that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_here(function: Callable[[Any], Any], tasks: Iterable[Any], workers: int = 0) -> Iterator[Any]:
    """What the function makes of each task, in `workers` processes with this one; 0: one per core.

    Raises what the function raises, WorkbookError when a helper ends early; then nobody begins another task.
    """
    known = list(tasks)
    waiting = iter(known)
    helpers = min(workers or cores(), len(known)) - 1
    with ExitStack() as stack:
        theirs = []
        if helpers > 0:
            # The function goes with each task: one sent to a process that cannot start would wait for its reader for
            # ever.
            pool = stack.enter_context(ProcessPoolExecutor(helpers, get_context("spawn"), initializer=_begin))
            threads = stack.enter_context(ThreadPoolExecutor(helpers))
            theirs = [threads.submit(_work, waiting, partial(_elsewhere, pool, function)) for _ in range(helpers)]
        stack.callback(deque, waiting, maxlen=0)  # after a failure nobody begins another task
        yield from map(function, waiting)
        for helper in theirs:
            yield from helper.result()


def _work(waiting: Iterator[Any], function: Callable[[Any], Any]) -> list[Any]:
    """What the function makes of the tasks that nobody else has taken."""
    return [function(task) for task in waiting]


def _elsewhere(pool: ProcessPoolExecutor, function: Callable[[Any], Any], task: Any) -> Any:
    try:
        return pool.submit(function, task).result()
    except BrokenProcessPool as error:
        raise WorkbookError(
            "a process that made part of the shop ended early: killed or out of memory; run again, or with workers: 1"
        ) from error


def _begin() -> None:
    """End with the parent: a worker whose parent was killed would wait for work for ever."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent_process().join()
    os._exit(1)
