"""Runs the measurements that the command line names, prints a table and merges it into output/bench.json."""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from lib import settings
from lib.data.workers import cores
from lib.db import private
from lib.db.url import private_folder, url
from lib.errors import WorkbookError
from lib.util.files import replacing
from tests.bench.customers import measure_customers
from tests.bench.figures import FIGURES
from tests.bench.forecasting import measure_forecast, measure_forecast_shop
from tests.bench.generating import measure_generate, measure_generate_large
from tests.bench.largest import measure_scale_large
from tests.bench.loading import measure_load, measure_load_large
from tests.bench.own_files import measure_imports, measure_imports_large
from tests.bench.running import measure_pipeline
from tests.bench.scaling import measure_scale
from tests.cut_link import measure_cut_link

__all__ = ["PARTS", "main", "merge"]

SETTINGS = ("DATABASE_URL", "DB_HOST", "METABASE_URL", "WORKBOOK_RUN")
PARTS = {
    "load": measure_load,
    "own-files": measure_imports,
    "generate": measure_generate,
    "pipeline": measure_pipeline,
    "customers": measure_customers,
    "generate-large": measure_generate_large,
    "load-large": measure_load_large,
    "own-files-large": measure_imports_large,
    "forecast": measure_forecast,
    "forecast-shop": measure_forecast_shop,
    "scale": measure_scale,
    "scale-large": measure_scale_large,
    "cut-link": measure_cut_link,
}
USUAL = ("load", "own-files", "generate", "pipeline")  # the others have targets of their own: make help


@contextlib.contextmanager
def own_place() -> Iterator[None]:
    """A running server, as durable as a person's, and an output folder, both of this measurement only."""
    with tempfile.TemporaryDirectory(prefix="workbook-bench-") as folder, pytest.MonkeyPatch.context() as patch:
        for name in SETTINGS:
            patch.delenv(name, raising=False)
        patch.setenv("WORKBOOK_ENV_FILE", "")
        patch.setenv("WORKBOOK_OUTPUT", folder)
        try:
            url()
            yield
        finally:
            private.reset(private_folder())


def merge(path: Path, figures: Mapping[str, float]) -> None:
    """Put the figures, to four digits, into the JSON object at `path`; others there stay."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    rounded = {name: float(f"{value:.4g}") for name, value in figures.items()}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(known | rounded, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _show(figures: Mapping[str, float]) -> None:
    busy = f"load average of 5 minutes {os.getloadavg()[1]:.1f} on {cores()} cores"
    shown = Table("figure", "value", "wanted", "measured", caption=f"{busy}: what else runs makes figures worse")
    shown.columns[0].no_wrap = True
    for name, value in figures.items():
        shown.add_row(name, f"{value:,.4g}" if value < 1000 else f"{value:,.0f}", *FIGURES[name])
    Console(soft_wrap=False).print(shown)


def main() -> int:
    """Measure the parts that the command line names, the usual ones by default; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; {', '.join(USUAL)} unless told")
    parser.add_argument("--before", default="", metavar="FOLDER", help="clone of an earlier version, for `pipeline`")
    options = parser.parse_args()
    parts = options.parts or list(USUAL)
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    target, figures = settings.output_folder() / "bench.json", {}
    try:
        with own_place():
            for part in parts:
                measured = measure_pipeline(options.before) if part == "pipeline" else PARTS[part]()
                merge(target, measured)
                figures |= measured
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    _show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
