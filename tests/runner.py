"""Runs the pipeline as a user does: in its own process, with output folder and database from the environment."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import tenacity

from lib.settings import PROJECT

__all__ = ["Ran", "command", "fork_server", "kernels", "pipeline", "running", "until"]

KERNEL = "ipykernel_launcher"
FORKED = "multiprocessing.forkserver"


class Ran(NamedTuple):
    """A whole run of the demo: its output folder, its database and its outcome."""

    output: Path
    url: str
    process: subprocess.CompletedProcess

    @property
    def folder(self) -> Path:
        """Folder of this run, the first one in its output."""
        return min((self.output / "runs").iterdir())

    @property
    def manifest(self) -> dict[str, Any]:
        """Content of run.json."""
        return json.loads((self.folder / "run.json").read_text("utf-8"), parse_constant=int)  # NaN is not JSON


def pipeline(
    *arguments: str, output: Path, url: str = "", seconds: int = 120, **settings: str
) -> subprocess.CompletedProcess:
    """Run the command to its end."""
    with running(*arguments, output=output, url=url, **settings) as process:
        out, err = process.communicate(timeout=seconds)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextmanager
def running(*arguments: str, output: Path, url: str = "", **settings: str) -> Iterator[subprocess.Popen]:
    """Start the command as the leader of a process group; killed on exit if it still runs."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("DB_", "METABASE_", "WORKBOOK_"))
    }
    told = {"WORKBOOK_ENV_FILE": "", "WORKBOOK_OUTPUT": str(output), "DATABASE_URL": url} | settings
    command = [sys.executable, "-m", "lib.run.pipeline", *arguments]
    with subprocess.Popen(
        command, cwd=PROJECT, env=clean | told, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def kernels(process: subprocess.Popen) -> list[psutil.Process]:
    """The kernels of a run in progress: children of its fork server, or started as usual."""
    return [child for child in psutil.Process(process.pid).children(recursive=True) if _is_kernel(child, process.pid)]


def fork_server(process: subprocess.Popen) -> psutil.Process:
    """The process from which the kernels of the run are forked; raises StopIteration if it does not run."""
    return next(child for child in psutil.Process(process.pid).children() if FORKED in " ".join(command(child)))


def _is_kernel(child: psutil.Process, runner: int) -> bool:
    words = " ".join(command(child))
    return KERNEL in words or (FORKED in words and _parent(child) != runner)


def _parent(child: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return child.ppid()
    return 0


def command(process: psutil.Process) -> list[str]:
    """The command line of a process; empty for one that has just ended."""
    with suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """The value of the condition as soon as it is true; raises RetryError after the timeout."""
    retry = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda found: not found),
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_fixed(0.05),
    )
    return retry(condition)
