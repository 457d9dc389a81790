"""Run tasks on a Dask cluster: a running one, or one of this machine for the duration of the tasks.

Rows never pass through the scheduler: tasks and results are a few numbers. Only this module imports Dask, and it is
imported only for `engine: dask`: that takes a second, and Dask is an extra.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dask
import distributed
import yaml
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker, NoWorkerError

from lib import settings
from lib.data.workers import cores
from lib.errors import UsageError, WorkbookError
from lib.settings import LOCAL_HOSTS

__all__ = ["run_on_cluster"]

LOOPBACK = "127.0.0.1"
NO_DASHBOARD = f"{LOOPBACK}:0"  # without an address Dask serves its dashboard on a random port of all interfaces
PATIENCE_S = 60  # for workers to join
RETRIES = 2  # of a failed task, for example after a lost database connection
CONFIGURATION = Path(__file__).with_suffix(".yml")
NO_ROUTES: dict[str, list[str]] = {f"distributed.{kind}.http.routes": [] for kind in ("scheduler", "worker")}


def run_on_cluster(
    function: Callable[[Any], Any], tasks: Iterable[Any], address: str = "", workers: int = 0
) -> Iterator[Any]:
    """Results of the function for each task, in the order in which they complete.

    Args:
        function: A picklable function of one task.
        tasks: Its arguments.
        address: Address of the scheduler; empty for a cluster of processes of this machine.
        workers: Workers that must have joined, or processes of this machine; 0 for one per core.

    Raises:
        UsageError: The cluster cannot be reached.
        WorkbookError: The cluster is lost, or a task repeatedly kills its worker.
    """
    with _client(address, workers) as client, _explained(str(client.scheduler_info()["address"])):
        ended = distributed.as_completed(client.map(function, list(tasks), pure=False, retries=RETRIES))
        try:
            for future in ended:
                result = future.result()
                future.release()  # a result kept on a worker would be computed again if the worker is lost
                yield result
        finally:
            client.cancel(list(ended.futures), force=True)


@contextmanager
def _client(address: str, workers: int) -> Iterator[distributed.Client]:
    """A client of the cluster at the address, or of a new one of this machine, once its workers have joined."""
    with ExitStack() as stack:
        if not address:
            configuration = yaml.safe_load(CONFIGURATION.read_text("utf-8"))
            stack.enter_context(dask.config.set(dask.config.merge(dask.config.config, configuration)))
            stack.enter_context(dask.config.set(NO_ROUTES))
            yield stack.enter_context(distributed.Client(stack.enter_context(_own_cluster(workers or cores()))))
            return
        try:
            client = stack.enter_context(distributed.Client(_checked(address), timeout=PATIENCE_S))
            client.wait_for_workers(max(workers, 1), timeout=PATIENCE_S)
        except (OSError, TimeoutError) as error:
            raise UsageError(
                f"no cluster with {max(workers, 1)} workers at {address} within {PATIENCE_S} s ({error}). Start it "
                "(`make dask-scheduler`, `make dask-worker`) or correct dask_address"
            ) from error
        yield client


def _own_cluster(workers: int) -> distributed.LocalCluster:
    """A cluster of processes of this machine, on loopback and with its own keys: any client can run code on it."""
    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host=LOOPBACK,
        security=True,
        dashboard_address=NO_DASHBOARD,
        worker_dashboard_address=NO_DASHBOARD,
        scheduler_kwargs={"dashboard": False},
        silence_logs=logging.CRITICAL,
    )


def _checked(address: str) -> str:
    """The address, if the connection is local or encrypted; raises UsageError otherwise."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if parts.scheme not in ("tcp", "tls") or not host or not port:
        raise UsageError(f"dask_address is {address!r}; expected an address such as tls://host:8786")
    if parts.scheme == "tcp" and host not in LOCAL_HOSTS and not settings.get("DASK_ALLOW_PLAINTEXT"):
        raise UsageError(
            f"dask_address is {address!r}: a remote scheduler without TLS, so anyone on the network path could run "
            "code on its workers. Use tls://, or set DASK_ALLOW_PLAINTEXT=1 to allow it"
        )
    if parts.scheme == "tls" and not dask.config.get("distributed.comm.tls.ca-file"):
        raise UsageError(
            "dask_address begins with tls://, but its keys are not configured. Set "
            "DASK_DISTRIBUTED__COMM__TLS__CA_FILE, and likewise __CLIENT__CERT and __CLIENT__KEY"
        )
    return address


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """Translate Dask's errors into errors for people."""
    try:
        yield
    except KilledWorker as error:
        raise WorkbookError(
            f"a task killed every worker that ran it ({error}): out of memory, or killed from outside. "
            "Check the workers' logs, give them more memory, and run again"
        ) from error
    except (FutureCancelledError, CommClosedError, NoWorkerError) as error:
        raise WorkbookError(f"the cluster at {address} is lost or has no worker left: {error}. Run again") from error
