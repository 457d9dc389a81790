"""Tasks on the workers of a Dask cluster: one that is there, or one of this machine that lives as long as they do.

Data never pass through the scheduler: a task is a few numbers, and so is what comes back. Only this module knows Dask.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lib import settings
from lib.data.workers import cores
from lib.errors import UsageError, WorkbookError
from lib.settings import LOCAL_HOSTS

if TYPE_CHECKING:
    import distributed

__all__ = ["run_on_cluster"]

LOOPBACK = "127.0.0.1"
NO_PAGES = f"{LOOPBACK}:0"  # without an address Dask serves its pages at a port of its choice on all interfaces
PATIENCE_S = 60  # for workers to join, and to be given up when none is left
RETRIES = 2  # of a task that failed, as it does when its connection to the database is cut
# A worker of Dask is started with a low MALLOC_TRIM_THRESHOLD_, which gives memory back to the system all the time and
# doubles what numpy costs; the second variable brings back what glibc does by itself. The others: a task, a core.
WORKER_ENVIRONMENT = {
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
}
CONFIGURATION = {
    "distributed.nanny.pre-spawn-environ": WORKER_ENVIRONMENT,
    "distributed.scheduler.worker-ttl": f"{PATIENCE_S} s",  # a worker that says nothing for so long is given up
    "distributed.scheduler.no-workers-timeout": f"{PATIENCE_S} s",
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


def run_on_cluster(
    function: Callable[[Any], Any], tasks: Iterable[Any], address: str = "", workers: int = 0
) -> Iterator[Any]:
    """What the function makes of each task, as they end; each result is let go of as soon as it is here.

    Without an address: on so many processes of this machine, one per core for 0. Raises what the function raises,
    UsageError when Dask or the cluster is not there, WorkbookError when the cluster is lost or a task ends its workers.
    """
    distributed = _distributed()
    with _client(address, workers) as client, _explained(distributed, client.scheduler.address):
        ended = distributed.as_completed(client.map(function, list(tasks), pure=False, retries=RETRIES))
        try:
            for future in ended:
                result = future.result()
                future.release()  # a result that lies on a worker is made again when the worker is lost
                yield result
        finally:
            client.cancel(list(ended.futures), force=True)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise UsageError(
            "engine is dask, and Dask is not installed here: `pip install 'shop-analytics-workbook[dask]'`, "
            "or take engine: local"
        ) from error
    return distributed


@contextmanager
def _client(address: str, workers: int) -> "Iterator[distributed.Client]":
    """A client of the cluster at the address, or of one of this machine, of which as many workers are there."""
    import dask
    import distributed

    with ExitStack() as stack:
        if not address:
            stack.enter_context(dask.config.set(CONFIGURATION))
            yield stack.enter_context(distributed.Client(stack.enter_context(_own_cluster(workers or cores()))))
            return
        try:
            client = stack.enter_context(distributed.Client(_checked(address), timeout=PATIENCE_S))
            client.wait_for_workers(max(workers, 1), timeout=PATIENCE_S)
        except (OSError, TimeoutError) as error:
            raise UsageError(
                f"no cluster with {max(workers, 1)} workers at {address} within {PATIENCE_S} s ({error}); start them "
                "(`make dask-scheduler`, `make dask-worker`) or mend dask_address"
            ) from error
        yield client


def _own_cluster(workers: int) -> "distributed.LocalCluster":
    """A cluster of processes of this machine, on loopback and with keys of its own: who may talk to it may run code."""
    import distributed

    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host=LOOPBACK,
        security=True,
        dashboard_address=NO_PAGES,
        worker_dashboard_address=NO_PAGES,
        scheduler_kwargs={"dashboard": False},
        silence_logs=logging.CRITICAL,
        env=os.environ | WORKER_ENVIRONMENT,
    )


def _checked(address: str) -> str:
    """The address, when what goes there can neither be read nor forged on the way."""
    import dask

    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if parts.scheme not in ("tcp", "tls") or not host or not port:
        raise UsageError(f"dask_address is {address!r}; wanted an address such as tls://host:8786")
    if parts.scheme == "tcp" and host not in LOCAL_HOSTS and not settings.get("DASK_ALLOW_PLAINTEXT"):
        raise UsageError(
            f"the scheduler at {host} is remote and its address begins with tcp, so that anyone on the way could run "
            "code on its workers; use tls://, or DASK_ALLOW_PLAINTEXT=1 to insist"
        )
    if parts.scheme == "tls" and not dask.config.get("distributed.comm.tls.ca-file"):
        raise UsageError(
            "dask_address begins with tls, and the keys for it are not named: set "
            "DASK_DISTRIBUTED__COMM__TLS__CA_FILE, and __CLIENT__CERT and __CLIENT__KEY in the place of __CA_FILE"
        )
    return address


@contextmanager
def _explained(distributed: Any, address: str) -> Iterator[None]:
    """What Dask raises, in words for people."""
    from distributed.client import FutureCancelledError

    try:
        yield
    except distributed.KilledWorker as error:
        raise WorkbookError(
            f"a part of the shop ended every worker that took it ({error}): out of memory, or killed from outside; "
            "look at the workers' logs, give them more memory, and run again"
        ) from error
    except (FutureCancelledError, distributed.comm.CommClosedError, distributed.scheduler.NoWorkerError) as error:
        raise WorkbookError(f"the cluster at {address} is lost or has no worker left: {error}; run again") from error
