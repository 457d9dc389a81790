"""A load of fifty million order items by two workers: duration, and whether their memory grows."""

import json
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median

import sqlalchemy as sa

from lib import db, load, settings
from lib.data.synthetic import Counts, Shop
from lib.data.synthetic.shards import count_shop
from lib.data.workers import Engine
from lib.db import schema
from tests.bench.watching import Seen, run_apart

__all__ = ["large_figures", "load_here", "measure_scale_large"]

AS_OF = date(2025, 7, 1)
WORKERS = Engine("dask", workers=2)
SHARD_TIMES = """
    SELECT extract(epoch FROM min(loaded_at)) AS first, extract(epoch FROM max(loaded_at)) AS last
    FROM workbook.load_ledger"""
LARGE_ITEMS = 52_000_000  # asked for: chance makes it some millions less or more; needs about 60 GB of disk


def measure_scale_large(items: int = LARGE_ITEMS) -> dict[str, float]:
    """Figures of a shop with this many order items, generated and loaded by two workers of a new cluster.

    Ten lines an order and the fewest events that go with them: about three and a half times as many rows as items.
    """
    folder = settings.output_folder() / "plan"
    orders = items // 10
    counts = Counts(1_000, users=orders // 10, products=1_000, orders=orders, events=23 * orders)
    count_shop(counts, Shop(as_of=AS_OF, history_days=400, lines_per_order=10.0), folder, WORKERS)
    with db.transaction() as connection:
        schema.create(connection)
    return large_figures(*run_apart(f"tests.bench.largest.load_here({str(folder)!r})"))


def large_figures(result: dict, seen: Seen) -> dict[str, float]:
    """Figures from the printed result of a load, and the memory of its largest process between first and last shard."""
    started_at, seconds = result["started_at"], result["ended"] - result["started_at"]
    second, last = (
        median(size for moment, size in seen.largest if quarter <= (moment - started_at) * 4 / seconds < quarter + 1)
        for quarter in (1, 3)
    )
    return {
        "scale_large_items": result["items"],
        "scale_large_rows": result["rows"],
        "scale_large_copy_s": result["copy_s"],
        "scale_large_s": result["seconds"],
        "scale_large_peak_mb": seen.peak / 1e6,
        "scale_large_growth": last / second - 1,
    }


def load_here(folder: str) -> None:
    """In a separate process: load the plan's shop with a new cluster; print rows, seconds and when it copied."""
    started = time.perf_counter()
    loaded = load.replace(Path(folder), as_of=AS_OF, engine=WORKERS)
    result = {"seconds": time.perf_counter() - started, "copy_s": loaded.parts["copy"]}
    with db.transaction(read_only=True) as connection:
        parts = connection.execute(sa.text(SHARD_TIMES)).one()
    rows = loaded.tables[loaded.tables["kind"] == "table"].set_index("table")["rows"]
    result |= {"started_at": float(parts.first), "ended": float(parts.last)}
    sys.stdout.write(json.dumps(result | {"rows": int(rows.sum()), "items": int(rows["order_items"])}))
