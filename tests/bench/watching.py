"""Measure processes from outside: duration and memory."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from lib import settings
from lib.errors import OutputError
from tests.bench.figures import SAMPLE_S

__all__ = ["Seen", "run_apart", "seconds", "watch"]


@dataclass(frozen=True)
class Seen:
    """Seconds that a process ran, and peak RSS in bytes of its largest process and of its whole process tree.

    `largest` are moments (seconds since 1970) and the RSS of the largest process then.
    """

    seconds: float
    peak: int
    peak_of_all: int
    largest: list[tuple[float, int]] = field(default_factory=list)


def watch(process: psutil.Popen, *, shared: bool = False) -> Seen:
    """Sample the memory of the process and its children until it ends.

    With `shared`, memory that several processes share is divided among them (PSS), as forked processes need it.
    """
    size = _proportional if shared else _resident
    started, largest, peak_of_all = time.perf_counter(), [(time.time(), 0)], 0
    while _is_running(process):
        sizes = [size(one) for one in [process, *_children(process)]]
        largest.append((time.time(), max(sizes)))
        peak_of_all = max(peak_of_all, sum(sizes))
    return Seen(time.perf_counter() - started, max(size for _, size in largest), peak_of_all, largest)


def run_apart(call: str) -> tuple[dict, Seen]:
    """JSON printed by a call of this package, `module.function(arguments)`, in a separate process."""
    module = call.partition("(")[0].rpartition(".")[0]
    child = psutil.Popen(
        [sys.executable, "-c", f"import {module}; {call}"], cwd=settings.PROJECT, stdout=subprocess.PIPE
    )
    with child.stdout:
        seen = watch(child)
        if child.returncode:
            raise OutputError(f"{call} ended with {child.returncode}")
        return json.loads(child.stdout.read()), seen


def seconds(work: Callable[[], object]) -> float:
    """Elapsed seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _is_running(process: psutil.Popen) -> bool:
    """Whether it still runs after waiting for the next sample."""
    with contextlib.suppress(psutil.TimeoutExpired):
        process.wait(SAMPLE_S)
        return False
    return True


def _children(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return process.children(recursive=True)
    return []


def _proportional(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return process.memory_full_info().pss
    return 0


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return process.memory_info().rss
    return 0
