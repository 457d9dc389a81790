"""Tests of running tasks by each engine: results, errors, and no access from other machines."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from lib import settings
from lib.data import workers
from lib.data.workers import Engine, dask, run
from lib.errors import DataError, UsageError, WorkbookError
from tests.cluster import cluster
from tests.runner import until

pytestmark = pytest.mark.slow

WORKER_SETTINGS = ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "OMP_NUM_THREADS"]
ENGINES = [Engine(workers=1), Engine(workers=2), Engine("dask", workers=1)]


def double(n: int) -> int:
    """Twice the number; raises DataError for none."""
    if n < 0:
        raise DataError(f"{n} is below 0")
    return 2 * n


def end(_: int) -> None:
    """End the process that runs this."""
    os._exit(3)


def listening(process: psutil.Process) -> set[str]:
    """The addresses that the process listens on; none once it has ended."""
    with suppress(psutil.NoSuchProcess):
        return {c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    return set()


def listening_processes(parent: psutil.Process) -> list[set[str]]:
    """The addresses of each descendant that listens on any."""
    return [found for child in parent.children(recursive=True) if (found := listening(child))]


def open_ports(_: int) -> dict[str, Any]:
    """Addresses that this worker and its parent, which has the scheduler, listen on; and the worker's environment."""
    found = listening(psutil.Process()) | listening(psutil.Process().parent())
    return {"hosts": found, "environment": [os.environ[name] for name in WORKER_SETTINGS]}


@pytest.mark.parametrize("where", ENGINES, ids=["here", "two processes", "dask"])
def test_every_task_is_done_and_a_failure_is_raised(where: Engine) -> None:
    assert sorted(run(where, double, range(5))) == [0, 2, 4, 6, 8]
    assert list(run(where, double, [])) == []
    with pytest.raises(DataError, match="-1 is below 0"):
        list(run(where, double, [1, -1, 2]))


def test_workers_listen_on_this_machine_only() -> None:
    [found] = run(Engine("dask", workers=1), open_ports, [0])
    assert found["hosts"] == {"127.0.0.1"}
    assert found["environment"] == ["1073741824", "33554432", "1"]


def test_a_task_that_kills_its_workers_is_reported() -> None:
    with pytest.raises(WorkbookError, match="a task killed every worker that ran it"):
        list(run(Engine("dask", workers=1), end, [0]))


def test_a_missing_cluster_is_reported(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask, "PATIENCE_S", 1)
    with pytest.raises(UsageError, match=rf"no cluster with 2 workers at tcp://127.0.0.1:{closed_port} within 1 s"):
        list(run(Engine("dask", f"tcp://127.0.0.1:{closed_port}", 2), double, [1]))


ADDRESSES = {
    "10.0.0.1:8786": "expected an address such as tls://host:8786",
    "tls://host": "expected an address such as tls://host:8786",
    "tcp://10.0.0.1:eighty": "expected an address such as tls://host:8786",
    "tls://10.0.0.1:8786": "its keys are not configured. Set DASK_DISTRIBUTED__COMM__TLS__CA_FILE",
    "tcp://10.0.0.1:8786": "anyone on the network path could run code on its workers. Use tls://",
}


@pytest.mark.parametrize(("address", "message"), ADDRESSES.items(), ids=ADDRESSES)
def test_an_invalid_or_unsafe_address_is_refused(address: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        list(run(Engine("dask", address), double, [1]))


def test_plain_text_can_be_allowed_explicitly(configure) -> None:
    configure(DASK_ALLOW_PLAINTEXT=1)
    assert dask._checked("tcp://10.0.0.1:8786") == "tcp://10.0.0.1:8786"


def test_dask_is_imported_only_when_used(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys, lib.data.acquire, lib.load; sys.exit('distributed' in sys.modules or 'dask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=settings.PROJECT, check=False).returncode == 0
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "lib.data.workers.dask")
    with pytest.raises(UsageError, match="engine is dask, but Dask is not installed"):
        list(workers.run(Engine("dask"), double, [1]))


def test_only_one_module_imports_dask() -> None:
    asking = [
        path.relative_to(settings.PROJECT)
        for path in (settings.PROJECT / "lib").rglob("*.py")
        if "import dask" in path.read_text("utf-8") or "import distributed" in path.read_text("utf-8")
    ]
    assert asking == [Path("lib/data/workers/dask.py")]


def test_clusters_that_make_starts_have_the_same_configuration() -> None:
    makefile = (settings.PROJECT / "Makefile").read_text("utf-8")
    assert str(dask.CONFIGURATION.relative_to(settings.PROJECT)) in makefile
    assert makefile.count("$(DASK) $(PYTHON) -m distributed.cli") == 2


@contextmanager
def worker_of_make(scheduler: str, folder: Path) -> Iterator[psutil.Process]:
    """A worker started by `make dask-worker`; killed with its children on exit."""
    words = [
        "-o",
        ".venv/.ok",
        "dask-worker",
        f"PYTHON={shlex.quote(sys.executable)}",
        "WORKERS=1",
        f"SCHEDULER={scheduler}",
    ]
    process = psutil.Popen(["make", *words, f"ARGS=--local-directory {folder}"], cwd=settings.PROJECT)
    try:
        yield process
    finally:
        family = [*process.children(recursive=True), process]
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(family, timeout=20)


def test_workers_of_a_local_scheduler_listen_on_this_machine_only(tmp_path: Path) -> None:
    with cluster(tmp_path, 1) as address, worker_of_make(address, tmp_path) as process:
        nanny_and_worker = until(lambda: len(found := listening_processes(process)) == 2 and found)
        of_the_tests = listening_processes(psutil.Process())
    assert nanny_and_worker == [{"127.0.0.1"}, {"127.0.0.1"}]
    assert len(of_the_tests) >= 3
    assert set.union(*of_the_tests) == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("scheduler", "shown"),
    [
        ("tls://127.0.0.1:8786", True),
        ("tls://localhost:8786", True),
        ("tls://10.0.0.5:8786", False),
        ("tcp://127-0-0-1.example:8786", False),
    ],
)
def test_only_workers_of_a_local_scheduler_are_bound_to_loopback(scheduler: str, shown: bool) -> None:
    words = ["make", "-n", "-o", ".venv/.ok", "dask-worker", f"SCHEDULER={scheduler}"]
    commands = subprocess.run(words, cwd=settings.PROJECT, capture_output=True, text=True, check=True).stdout
    assert ("--host 127.0.0.1" in commands) == shown
