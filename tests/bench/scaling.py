"""Overhead of Dask: the same shards generated and loaded by one process, two processes, and two Dask workers."""

import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import median

import distributed  # here, so that importing it, as importing all else, is not measured

from lib import db, load, settings
from lib.data.synthetic import Counts, Shop
from lib.data.synthetic.shards import count_shop, read_generation_plan
from lib.data.workers import Engine
from lib.db import schema
from lib.db.locks import hold
from lib.load import shards
from lib.load.result import Stopwatch
from lib.load.swap import staging
from lib.run import params
from tests.bench.figures import RUNS
from tests.bench.watching import Seen, run_apart
from tests.cluster import cluster

__all__ = ["WAYS", "fill_here", "measure_scale", "scale_figures", "write_plan"]

AS_OF = date(2025, 7, 1)
SHARE = 0.5  # of large.yml: five million rows
WAYS = {
    "plain": Engine(workers=1),
    "pool": Engine(workers=2),
    "dask": Engine("dask", workers=2),  # at the address of a cluster that is there
    "own": Engine("dask", workers=2),  # whose cluster begins and ends with it
}


def write_plan(share: float, folder: Path) -> None:
    """Write the plan of a share of large.yml."""
    wanted = params.load(params.find("large")).values()["generate"]
    sizes = {name: round(wanted[name] * share) for name in ("users", "orders", "events")}
    shape = {name: wanted[name] for name in ("history_days", "lines_per_order", "seasons")}
    counts = Counts(marketing_campaigns=wanted["marketing_campaigns"], products=wanted["products"], **sizes)
    count_shop(counts, Shop(as_of=AS_OF, **shape), folder, WAYS["pool"])


def measure_scale(share: float = SHARE) -> dict[str, float]:
    """Figures of each way for the same shards; the loaded rows must have the same fingerprint."""
    folder = settings.output_folder() / "plan"
    write_plan(share, folder)
    with db.transaction() as connection:
        schema.create(connection)
    runs = {way: [] for way in WAYS}
    for _ in range(RUNS):
        for way, done in runs.items():
            done.append(_run(way, folder))
    prints = {_fingerprint(folder, WAYS[way]) for way in ("plain", "own")}
    assert len(prints) == 1, "the ways do not load the same rows"
    return scale_figures(runs)


def _run(way: str, folder: Path) -> tuple[dict, Seen]:
    """Run one way in a separate process; for an existing cluster, start one first."""
    with ExitStack() as stack:
        address = ""
        if way == "dask":
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="workbook-bench-dask-")))
            address = stack.enter_context(cluster(home, 2))
            stack.enter_context(distributed.Client(address)).wait_for_workers(2)
        return run_apart(f"tests.bench.scaling.fill_here({way!r}, {str(folder)!r}, {address!r})")


def scale_figures(runs: dict[str, list[tuple[dict, Seen]]]) -> dict[str, float]:
    """Figures from the printed result of each run and its measured memory."""
    s = {way: median(result["seconds"] for result, _ in done) for way, done in runs.items()}
    ratios = [
        dask["seconds"] / pool["seconds"] for (dask, _), (pool, _) in zip(runs["dask"], runs["pool"], strict=True)
    ]
    return {
        **{f"scale_{way}_s": seconds for way, seconds in s.items()},
        "scale_rows_per_s": runs["dask"][0][0]["rows"] / s["dask"],
        "scale_dask_overhead": median(ratios) - 1,
        "scale_worker_peak_mb": max(seen.peak for _, seen in runs["own"]) / 1e6,
    }


def fill_here(way: str, folder: str, address: str) -> None:
    """In a separate process: generate and load the shards into the staging schema; print rows and seconds."""
    plan, watch = read_generation_plan(Path(folder)), Stopwatch()
    with db.connect() as main, hold(main), staging(main), watch.part("fill"):
        rows = shards.fill(main, plan, replace(WAYS[way], address=address), "bench")
    sys.stdout.write(json.dumps({"rows": sum(rows.values()), "seconds": watch.parts["fill"]}))


def _fingerprint(folder: Path, engine: Engine) -> str:
    load.replace(folder, as_of=AS_OF, engine=engine)
    with db.transaction(read_only=True) as connection:
        return load.fingerprint(connection)
