"""Runs the pipeline as a person does: in a process of its own, told by the environment where to write and to load."""

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

__all__ = ["Ran", "command", "kernels", "pipeline", "running", "until"]

KERNEL = "ipykernel_launcher"


class Ran(NamedTuple):
    """A whole run of the demo: where it wrote, where it loaded, and how it went."""

    output: Path
    url: str
    process: subprocess.CompletedProcess

    @property
    def folder(self) -> Path:
        """Folder of this run, the first one in its output."""
        return min((self.output / "runs").iterdir())

    @property
    def manifest(self) -> dict[str, Any]:
        """What run.json says."""
        return json.loads((self.folder / "run.json").read_text("utf-8"), parse_constant=int)  # NaN is no JSON


def pipeline(
    *arguments: str, output: Path, url: str = "", seconds: int = 120, **settings: str
) -> subprocess.CompletedProcess:
    """The command, run to its end."""
    with running(*arguments, output=output, url=url, **settings) as process:
        out, err = process.communicate(timeout=seconds)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextmanager
def running(*arguments: str, output: Path, url: str = "", **settings: str) -> Iterator[subprocess.Popen]:
    """The command under way, as the leader of a process group; killed at the end if it still runs."""
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
    """The kernels of a run under way."""
    return [child for child in psutil.Process(process.pid).children(recursive=True) if KERNEL in command(child)]


def command(process: psutil.Process) -> list[str]:
    """The words a process was started with; none for one that has just ended."""
    with suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """What the condition comes to as soon as that is true of it; RetryError past the time."""
    retry = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda found: not found),
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_fixed(0.05),
    )
    return retry(condition)
