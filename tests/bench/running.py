"""Duration and memory of whole runs, compared with importing their libraries."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import psutil

from lib import settings
from lib.errors import OutputError
from lib.run.steps import discover
from tests.bench.figures import RUNS
from tests.bench.watching import Seen, seconds, watch

__all__ = ["import_cell", "measure_pipeline", "pipeline_figures"]

IMPORTED_LATER = {
    "04_executive": "\nimport holidays, statsmodels.tsa.seasonal",
    "05_cohort": "\nimport statsmodels.duration.survfunc",
    "06_forecast": "\nimport holidays, statsmodels.tsa.statespace.sarimax, statsmodels.tsa.forecasting.theta"
    "\nimport statsmodels.tsa.exponential_smoothing.ets",
}


def measure_pipeline() -> dict[str, float]:
    """Figures of whole runs; a first one is not counted, imports and runs of the sample alternate."""
    _run("sample")
    pairs = [(seconds(_import_all), _run("sample").seconds) for _ in range(RUNS)]
    return pipeline_figures(pairs, [_run("full") for _ in range(RUNS)])


def pipeline_figures(pairs: list[tuple[float, float]], full: list[Seen]) -> dict[str, float]:
    """Figures from pairs of seconds (imports, run of sample.yml) and from runs of full.yml."""
    imports, sample = (median(times) for times in zip(*pairs, strict=True))
    return {
        "pipeline_sample_s": sample,
        "pipeline_full_s": median(run.seconds for run in full),
        "import_sum_s": imports,
        "pipeline_sample_ratio_imports": sample / imports,
        "pipeline_peak_mb": max(run.peak for run in full) / 1e6,
    }


def _import_all() -> None:
    for step in discover():
        source = import_cell(step.path) + IMPORTED_LATER.get(step.name, "")
        subprocess.run([sys.executable, "-c", source], cwd=settings.PROJECT, check=True)


def import_cell(notebook: Path) -> str:
    """Source of the first cell of a notebook that imports."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return next(source for source in sources if source.startswith(("from ", "import ")))


def _run(name: str) -> Seen:
    """A run of the pipeline, seen from outside."""
    log = settings.output_folder() / "pipeline.log"
    with log.open("w") as lines:
        command = [sys.executable, "-m", "lib.run.pipeline", "--params", name]
        runner = psutil.Popen(command, cwd=settings.PROJECT, stdout=lines, stderr=lines)
        seen = watch(runner)
    if runner.returncode:
        raise OutputError(f"the pipeline ended with {runner.returncode}:\n{log.read_text()}")
    return seen
