"""Where tasks run: in this process, in several of this machine, or on the workers of a Dask cluster."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from lib.engine.processes import cores, run_here

__all__ = ["Engine", "cores", "run"]


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
    from lib.engine.cluster import run_on_cluster  # Dask takes a second to import and is an extra

    return run_on_cluster(function, tasks, engine.address, engine.workers)
