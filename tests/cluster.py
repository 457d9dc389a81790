"""A Dask cluster as it runs past one machine: a scheduler and workers, each a process of its own."""

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from lib.data.synthetic import Counts
from lib.data.workers.dask import CONFIGURATION
from lib.settings import PROJECT
from tests.runner import command, until

__all__ = ["MILLION", "cluster", "load_and_fail", "load_without_ledger", "worker_processes"]

# Rows enough for workers to be busy for a while.
MILLION = Counts(marketing_campaigns=20, users=8_400, products=500, orders=17_000, events=940_000)
SCHEDULER = "--port 0 --dashboard-address 127.0.0.1:0 --no-dashboard --scheduler-file"
WORKER = "--nthreads 1 --dashboard-address 127.0.0.1:0 --no-dashboard --scheduler-file"
TTL = "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL"  # a worker that says nothing for so long is given up


@contextmanager
def cluster(
    folder: Path, workers: int, host: str = "127.0.0.1", away: Sequence[str] = (), given_up_s: int = 3
) -> Iterator[str]:
    """Address of a scheduler with this many workers, which use the database of the current settings.

    `away`: words that run a command elsewhere, where one worker more is begun.
    """
    file = folder / "scheduler.json"
    with _running("scheduler", f"--host {host} {SCHEDULER}", file, folder, **{TTL: f"{given_up_s}s"}):
        address = until(lambda: file.exists() and file.stat().st_size and json.loads(file.read_text())["address"])
        with ExitStack() as stack:
            stack.enter_context(_running("worker", f"--host {host} --nworkers {workers} {WORKER}", file, folder))
            if away:
                stack.enter_context(_running("worker", f"--nworkers 1 {WORKER}", file, folder / "away", away))
            yield address


@contextmanager
def _running(
    kind: str, options: str, file: Path, folder: Path, away: Sequence[str] = (), **settings: str
) -> Iterator[None]:
    words = [*away, sys.executable, "-m", f"distributed.cli.dask_{kind}", *options.split(), str(file)]
    words += ["--local-directory", str(folder)] if kind == "worker" else []
    folder.mkdir(exist_ok=True)
    with (folder / f"{kind}.log").open("w") as log:
        environment = os.environ | {"DASK_ROOT_CONFIG": str(CONFIGURATION)} | settings
        process = psutil.Popen(words, cwd=PROJECT, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        family = [process, *process.children(recursive=True)]
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()
        psutil.wait_procs(family, timeout=20)


def worker_processes() -> list[psutil.Process]:
    """The processes that do the work, of all clusters begun by this one."""
    nannies = [child for child in psutil.Process().children() if "distributed.cli.dask_worker" in command(child)]
    return [child for nanny in nannies for child in nanny.children() if "spawn_main" in " ".join(command(child))]


def load_and_fail(fall: signal.Signals, moment: str, mark: Path, run_id: str, part: object) -> int:
    """Load a part; the first who comes to the moment, before or after the commit, is sent the signal there."""
    from lib.load import ledger, shards

    record = ledger.record
    ledger.record = _failing(record, fall, mark, before=True) if moment == "before the commit" else record
    try:
        return (_failing(shards.load_shard, fall, mark) if moment == "after the commit" else shards.load_shard)(
            run_id, part
        )
    finally:
        ledger.record = record


def _failing(function, fall: signal.Signals, mark: Path, *, before: bool = False):
    def failing(*arguments: object) -> object:
        result = None if before else function(*arguments)
        with suppress(FileExistsError):
            mark.touch(exist_ok=False)
            os.kill(os.getpid(), fall)
        return function(*arguments) if before else result

    return failing


def load_without_ledger(mark: Path, run_id: str, part: object) -> int:
    """Load a part as a loader does that keeps no ledger; the first is killed when its rows are in."""
    from lib.load import ledger

    claim, record = ledger.claim, ledger.record
    ledger.claim, ledger.record = (lambda *_: True), (lambda *_: None)
    try:
        return load_and_fail(signal.SIGKILL, "after the commit", mark, run_id, part)
    finally:
        ledger.claim, ledger.record = claim, record
