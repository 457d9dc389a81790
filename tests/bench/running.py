"""Duration and memory of whole runs: of the demo, of full, unchanged, and with one changed parameter."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import psutil

from lib import settings
from lib.db import private
from lib.errors import OutputError
from tests.bench.figures import RUNS
from tests.bench.watching import Seen, watch

__all__ = ["measure_pipeline", "pipeline_figures"]

SHOPS = ("demo", "full")


def measure_pipeline(before: str = "") -> dict[str, float]:
    """Figures of whole runs, and their ratios to those of another version, whose runs alternate with them.

    Args:
        before: Folder of a clone of the other version, which runs with the libraries of this one.
    """
    # The version of now runs last: the runs that are measured as unchanged follow it.
    versions = ({"before": Path(before).resolve()} if before else {}) | {"now": settings.PROJECT}
    try:
        return _measured(versions)
    finally:
        for version in versions:
            private.reset(settings.output_folder() / version / "postgres")


def _measured(versions: dict[str, Path]) -> dict[str, float]:
    runs: dict[str, dict[str, list[Seen]]] = {version: {shop: [] for shop in SHOPS} for version in versions}
    for version, project in versions.items():
        _run(project, version, "--params", "sample")  # it starts the server, and is not counted
    for shop in SHOPS:
        for _ in range(RUNS):
            for version, project in versions.items():
                fresh = ["--fresh"] if _knows_fresh(project) else []
                runs[version][shop].append(_run(project, version, "--params", shop, *fresh))
    again = [_run(settings.PROJECT, "now", "--params", "full") for _ in range(RUNS)]
    periods = [("last_90_days", "year_to_date")[number % 2] for number in range(RUNS)]
    changed = [_run(settings.PROJECT, "now", "--params", "full", "--set", f"period={period}") for period in periods]
    return pipeline_figures(runs["now"], again, changed, runs.get("before"))


def pipeline_figures(
    now: dict[str, list[Seen]], again: list[Seen], changed: list[Seen], before: dict[str, list[Seen]] | None = None
) -> dict[str, float]:
    """Medians of the seconds, the highest peak of all processes together, and their ratios to the version before."""
    found = {f"pipeline_{shop}_s": _seconds(now[shop]) for shop in SHOPS}
    found |= {"pipeline_unchanged_s": _seconds(again), "pipeline_changed_period_s": _seconds(changed)}
    found |= {"pipeline_peak_mb": max(run.peak_of_all for run in now["full"]) / 1e6}
    if before:
        found |= {f"pipeline_{shop}_ratio_before": _seconds(now[shop]) / _seconds(before[shop]) for shop in SHOPS}
        peaks = [max(run.peak_of_all for run in runs["full"]) for runs in (now, before)]
        found["pipeline_peak_ratio_before"] = peaks[0] / peaks[1]
    return found


def _seconds(runs: Sequence[Seen]) -> float:
    return median(run.seconds for run in runs)


def _knows_fresh(project: Path) -> bool:
    """Whether the version repeats unchanged steps only with an option."""
    return "--fresh" in (project / "lib" / "run" / "pipeline.py").read_text(encoding="utf-8")


def _run(project: Path, version: str, *arguments: str) -> Seen:
    """A run of the pipeline of a version, seen from outside; each version has its own output folder and server."""
    output = settings.output_folder() / version
    output.mkdir(exist_ok=True)
    log = output / "pipeline.log"
    environment = os.environ | {"PYTHONPATH": str(project), "WORKBOOK_OUTPUT": str(output)}
    with log.open("w") as lines:
        command = [sys.executable, "-m", "lib.run.pipeline", *arguments]
        runner = psutil.Popen(command, cwd=project, env=environment, stdout=lines, stderr=lines)
        seen = watch(runner, shared=True)
    if runner.returncode:
        raise OutputError(f"the pipeline of {project} ended with {runner.returncode}:\n{log.read_text()}")
    return seen
