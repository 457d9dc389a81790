"""What Dask costs: the same parts made and loaded by one process, by two, and by two workers of Dask, in turn."""

import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import median

import distributed  # here, so that importing it, as importing all else, is not measured
import sqlalchemy as sa

from lib import database, load, params, schema, settings
from lib.engine import Engine
from lib.engine.cluster import PATIENCE_S
from lib.errors import UsageError
from lib.generate import Counts, Shop
from lib.load import scattered
from lib.load.result import Stopwatch
from lib.load.staging import staging
from lib.locks import hold
from lib.parts import describe_shop
from lib.recipe import read_recipe
from tests.bench.figures import RUNS
from tests.bench.watching import Seen, run_apart
from tests.cluster import cluster
from tests.cut_link import allowed, cut_link

__all__ = [
    "WAYS",
    "fill_here",
    "large_figures",
    "load_here",
    "measure_cut_link",
    "measure_scale",
    "measure_scale_large",
    "scale_figures",
    "write_recipe",
]

AS_OF = date(2025, 7, 1)
SHARE = 0.5  # of large.yml: five million rows
PARTS_BEGAN = """
    SELECT extract(epoch FROM min(loaded_at)) AS first, extract(epoch FROM max(loaded_at)) AS last
    FROM workbook.load_ledger"""
LARGE_ITEMS = 52_000_000  # asked for: chance makes it some millions less or more; needs about 60 GB of disk
WAYS = {
    "plain": Engine(workers=1),
    "pool": Engine(workers=2),
    "dask": Engine("dask", workers=2),  # at the address of a cluster that is there
    "own": Engine("dask", workers=2),  # whose cluster begins and ends with it
}


def write_recipe(share: float, folder: Path) -> None:
    """Write the recipe of a share of large.yml."""
    wanted = params.load(params.find("large")).values()["generate"]
    sizes = {name: round(wanted[name] * share) for name in ("users", "orders", "events")}
    shape = {name: wanted[name] for name in ("history_days", "lines_per_order", "seasons")}
    counts = Counts(marketing_campaigns=wanted["marketing_campaigns"], products=wanted["products"], **sizes)
    describe_shop(counts, Shop(as_of=AS_OF, **shape), folder, WAYS["pool"])


def measure_scale(share: float = SHARE) -> dict[str, float]:
    """Figures of the three ways over the same parts; what the last of each loads is the same to the byte."""
    folder = settings.output_folder() / "recipe"
    write_recipe(share, folder)
    with database.transaction() as connection:
        schema.create(connection)
    runs = {way: [] for way in WAYS}
    for _ in range(RUNS):
        for way, done in runs.items():
            done.append(_run(way, folder))
    prints = {_fingerprint(folder, WAYS[way]) for way in ("plain", "own")}
    assert len(prints) == 1, "the ways do not load the same rows"
    return scale_figures(runs)


def _run(way: str, folder: Path) -> tuple[dict, Seen]:
    """A run of a way in a process of its own; that of a cluster which is there finds one that was just begun."""
    with ExitStack() as stack:
        address = ""
        if way == "dask":
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="workbook-bench-dask-")))
            address = stack.enter_context(cluster(home, 2))
            stack.enter_context(distributed.Client(address)).wait_for_workers(2)
        return run_apart(f"tests.bench.scaling.fill_here({way!r}, {str(folder)!r}, {address!r})")


def scale_figures(runs: dict[str, list[tuple[dict, Seen]]]) -> dict[str, float]:
    """Figures from what each run of each way printed, and how it was seen from outside."""
    s = {way: median(told["seconds"] for told, _ in done) for way, done in runs.items()}
    ratios = [
        dask["seconds"] / pool["seconds"] for (dask, _), (pool, _) in zip(runs["dask"], runs["pool"], strict=True)
    ]
    return {
        **{f"scale_{way}_s": seconds for way, seconds in s.items()},
        "scale_rows_per_s": runs["dask"][0][0]["rows"] / s["dask"],
        "scale_dask_overhead": median(ratios) - 1,
        "scale_worker_peak_mb": max(seen.peak for _, seen in runs["own"]) / 1e6,
    }


def measure_scale_large(items: int = LARGE_ITEMS) -> dict[str, float]:
    """Figures of a shop of so many order items, made and loaded whole by two workers of a cluster of its own.

    Ten lines an order and the fewest events that go with them: about three and a half times as many rows as items.
    """
    folder = settings.output_folder() / "recipe"
    orders = items // 10
    counts = Counts(1_000, users=orders // 10, products=1_000, orders=orders, events=23 * orders)
    describe_shop(counts, Shop(as_of=AS_OF, history_days=400, lines_per_order=10.0), folder, WAYS["own"])
    with database.transaction() as connection:
        schema.create(connection)
    return large_figures(*run_apart(f"tests.bench.scaling.load_here({str(folder)!r})"))


def large_figures(told: dict, seen: Seen) -> dict[str, float]:
    """Figures from what a whole load printed, and how large its largest process was from the first part to the last."""
    begun, seconds = told["begun"], told["ended"] - told["begun"]
    second, last = (
        median(size for moment, size in seen.largest if quarter <= (moment - begun) * 4 / seconds < quarter + 1)
        for quarter in (1, 3)
    )
    return {
        "scale_large_items": told["items"],
        "scale_large_rows": told["rows"],
        "scale_large_copy_s": told["copy_s"],
        "scale_large_s": told["seconds"],
        "scale_large_peak_mb": seen.peak / 1e6,
        "scale_large_growth": last / second - 1,
    }


def load_here(folder: str) -> None:
    """In a process of its own: load the recipe's shop by a cluster of its own; print rows, seconds, when it copied."""
    started = time.perf_counter()
    loaded = load.replace(Path(folder), as_of=AS_OF, engine=WAYS["own"])
    told = {"seconds": time.perf_counter() - started, "copy_s": loaded.parts["copy"]}
    with database.transaction(read_only=True) as connection:
        parts = connection.execute(sa.text(PARTS_BEGAN)).one()
    rows = loaded.tables[loaded.tables["kind"] == "table"].set_index("table")["rows"]
    told |= {"begun": float(parts.first), "ended": float(parts.last)}
    sys.stdout.write(json.dumps(told | {"rows": int(rows.sum()), "items": int(rows["order_items"])}))


def measure_cut_link() -> dict[str, float]:
    """How long a load goes on after the link of one of its two workers is cut; UsageError where that cannot be."""
    if refusal := allowed():
        raise UsageError(f"this machine cannot make a network for a process: {refusal}")
    return {"scale_cut_link_s": cut_link(settings.output_folder() / "cut-link", PATIENCE_S)["seconds"]}


def fill_here(way: str, folder: str, address: str) -> None:
    """In a process of its own: make and load the parts beside the tables; print rows and seconds."""
    recipe, watch = read_recipe(Path(folder)), Stopwatch()
    with database.connect() as main, hold(main), staging(main), watch.part("fill"):
        rows = scattered.fill(main, recipe, replace(WAYS[way], address=address), "bench")
    sys.stdout.write(json.dumps({"rows": sum(rows.values()), "seconds": watch.parts["fill"]}))


def _fingerprint(folder: Path, engine: Engine) -> str:
    load.replace(folder, as_of=AS_OF, engine=engine)
    with database.transaction(read_only=True) as connection:
        return load.fingerprint(connection)
