"""Kill the runner, its fork server or its kernels at random moments of whole runs, and continue with --resume."""

import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from lib import db, load
from lib.db.url import url
from lib.run.reuse import latest
from tests.runner import fork_server, kernels, pipeline, running

__all__ = ["KILLS", "kill_runs"]

SHOPS = ("seed=1", "seed=2")  # runs alternate between them, so that each has to prepare and load
COMPARED = ("04_executive", "05_cohort", "06_forecast", "08_customers")  # pages that are equal in every run
PATIENCE_S = 120


@dataclass(frozen=True)
class Place:
    """Where runs are killed: output folder, address of the database, and per shop its pages and fingerprint."""

    output: Path
    address: str
    wanted: dict[str, tuple[dict[str, bytes], str]]
    seconds: float


def interrupt(process: subprocess.Popen, _: random.Random) -> None:
    """Ctrl-C: SIGINT to the whole process group."""
    os.killpg(process.pid, signal.SIGINT)


def kill_runner(process: subprocess.Popen, _: random.Random) -> None:
    """SIGKILL the runner."""
    process.kill()


def kill_fork_server(process: subprocess.Popen, _: random.Random) -> None:
    """SIGKILL the process from which kernels are forked."""
    with suppress(StopIteration):
        fork_server(process).kill()


def kill_kernel(process: subprocess.Popen, rng: random.Random) -> None:
    """SIGKILL a kernel, as the system does when memory runs out."""
    if found := kernels(process):
        rng.choice(found).kill()


KILLS: tuple[Callable[[subprocess.Popen, random.Random], None], ...] = (
    interrupt, kill_runner, kill_fork_server, kill_kernel,
)  # fmt: skip


def kill_runs(output: Path, count: int, rng: random.Random) -> tuple[Counter, list[str]]:
    """Kill `count` runs.

    Returns:
        Count by kind and how the run ended, and a text for each wrong state, process or temporary folder that was left.
    """
    place, counts, problems = _place(output), Counter(), []
    for number in range(count):
        shop, kill = SHOPS[number % len(SHOPS)], KILLS[number // len(SHOPS) % len(KILLS)]
        with _temporary() as temporary:
            ended, left = _killed(place, kill, shop, rng, temporary)
            left += [f"temporary {path.name}" for path in temporary.iterdir()]
        counts[kill.__name__, ended] += 1
        left += _continued(place, shop)
        problems += [f"{number}. {kill.__name__}, {shop}: {problem}" for problem in left]
    return counts, problems


def _place(output: Path) -> Place:
    """Run each shop once; the runs must publish what these do."""
    address, wanted = url().set(drivername="postgresql").render_as_string(hide_password=False), {}
    for shop in SHOPS:
        started = time.perf_counter()
        done = pipeline("--fresh", *_arguments(shop), output=output, url=address, seconds=PATIENCE_S)
        assert done.returncode == 0, done.stderr
        wanted[shop] = _state(output)
    return Place(output, address, wanted, time.perf_counter() - started)


def _arguments(shop: str) -> tuple[str, ...]:
    return ("--params", "sample", "--set", shop, "--set", "keep_runs=3")


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _state(output: Path) -> tuple[dict[str, bytes], str]:
    """Published pages, and the fingerprint of the database."""
    pages = {name: (output / "reports" / f"{name}.html").read_bytes() for name in COMPARED}
    with db.transaction(read_only=True) as connection:
        return pages, load.fingerprint(connection)


def _killed(
    place: Place, kill: Callable[..., None], shop: str, rng: random.Random, temporary: Path
) -> tuple[str, list[str]]:
    """Kill a run at a random moment: how it ended, and what it left."""
    settings = {"output": place.output, "url": place.address, "TMPDIR": str(temporary)}
    with running(*_arguments(shop), **settings) as process:
        time.sleep(rng.uniform(0, place.seconds))
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        if process.poll() is None:
            kill(process, rng)
        with suppress(psutil.NoSuchProcess):
            family += psutil.Process(process.pid).children(recursive=True)
        _, words = process.communicate(timeout=PATIENCE_S)
    alive = psutil.wait_procs(set(family), timeout=10)[1]
    problems = [f"process {one.pid} is left" for one in alive]
    if words.count("\n") > 2 or "Traceback" in words:  # the sentence, and one on kernels
        problems.append(f"said {words!r}")
    return {0: "completed", 130: "stopped", -9: "killed"}.get(process.returncode, "failed"), problems


def _continued(place: Place, shop: str) -> list[str]:
    """Continue the run, or run it if it did not begin: what is wrong afterwards."""
    earlier = latest(place.output, loaded=False)
    is_begun = earlier is not None and shop == f"seed={earlier.record['given']['seed']}"
    is_ended = earlier is not None and earlier.record["status"] == "completed"
    arguments = ("--resume",) if is_begun and not is_ended else _arguments(shop)
    done = pipeline(*arguments, output=place.output, url=place.address, seconds=PATIENCE_S)
    if done.returncode:
        return [f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr}"]
    pages, fingerprint = _state(place.output)
    wrong = [f"page {name} differs" for name in COMPARED if pages[name] != place.wanted[shop][0][name]]
    return wrong + ([] if fingerprint == place.wanted[shop][1] else ["other rows in the database"])
