"""Run tasks in this process, in a pool of processes of this machine, or on the workers of a Dask cluster."""

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

from lib.errors import UsageError, WorkbookError

__all__ = ["Engine", "cores", "run", "run_here"]


@dataclass(frozen=True)
class Engine:
    """Where tasks run.

    kind local: `workers` processes of this machine, 0 for one per core. kind dask: the cluster at `address`, on which
    `workers` must have joined; without an address a cluster of `workers` processes of this machine.

    Example:
        >>> acquire.Engine("dask", "tls://scheduler.example.com:8786")
        Engine(kind='dask', address='tls://scheduler.example.com:8786', workers=0)
    """

    kind: Literal["local", "dask"] = "local"
    address: str = ""
    workers: int = 0


def run(engine: Engine, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[Any]:
    """Results of the function for each task, in the order in which they complete; results must identify their task.

    On Dask a task can run more than once, even after it has completed.

    Raises:
        UsageError: Dask is not installed, or the cluster cannot be reached.
        WorkbookError: A worker process ends early. Errors of the function are raised as they are.
    """
    if engine.kind == "local":
        return run_here(function, tasks, engine.workers)
    try:
        from lib.data.workers.dask import run_on_cluster
    except ModuleNotFoundError as error:
        raise UsageError(
            "engine is dask, but Dask is not installed. Run `pip install 'shop-analytics-workbook[dask]'`, "
            "or set engine: local"
        ) from error
    return run_on_cluster(function, tasks, engine.address, engine.workers)


def cores() -> int:
    """Number of cores that this process may use, if the system reports it, otherwise of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_here(function: Callable[[Any], Any], tasks: Iterable[Any], workers: int = 0) -> Iterator[Any]:
    """Results of the function for each task, computed by `workers` processes including this one; 0: one per core.

    Raises:
        WorkbookError: A worker process ends early. This and any error of the function stop further tasks.
    """
    known = list(tasks)
    queue = iter(known)  # shared: each process takes the next task
    helpers = min(workers or cores(), len(known)) - 1
    with ExitStack() as stack:
        others = []
        if helpers > 0:
            # The function is sent with each task: sending it to a process that cannot start would block for ever.
            pool = stack.enter_context(ProcessPoolExecutor(helpers, get_context("spawn"), initializer=_watch_parent))
            threads = stack.enter_context(ThreadPoolExecutor(helpers))
            others = [threads.submit(_work, queue, partial(_in_pool, pool, function)) for _ in range(helpers)]
        stack.callback(deque, queue, maxlen=0)  # on an error, empty the queue so that no further task starts
        yield from map(function, queue)
        for other in others:
            yield from other.result()


def _work(queue: Iterator[Any], function: Callable[[Any], Any]) -> list[Any]:
    return [function(task) for task in queue]


def _in_pool(pool: ProcessPoolExecutor, function: Callable[[Any], Any], task: Any) -> Any:
    try:
        return pool.submit(function, task).result()
    except BrokenProcessPool as error:
        raise WorkbookError(
            "a worker process ended early: killed, or out of memory. Run again, or with workers: 1"
        ) from error


def _watch_parent() -> None:
    """End this worker when its parent ends: otherwise it would wait for tasks for ever."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
