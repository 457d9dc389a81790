"""How large a load two workers manage, and whether they grow with it: fifty million order items."""

import json
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median

import sqlalchemy as sa

from lib import db, load, settings
from lib.data.synthetic import Counts, Shop
from lib.data.synthetic.write import count_shop
from lib.data.workers import Engine
from lib.db import schema
from tests.bench.watching import Seen, run_apart

__all__ = ["large_figures", "load_here", "measure_scale_large"]

AS_OF = date(2025, 7, 1)
WORKERS = Engine("dask", workers=2)
PARTS_WERE_LOADED = """
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
    """In a process of its own: load the plan's shop by a cluster of its own; print rows, seconds, when it copied."""
    started = time.perf_counter()
    loaded = load.replace(Path(folder), as_of=AS_OF, engine=WORKERS)
    told = {"seconds": time.perf_counter() - started, "copy_s": loaded.parts["copy"]}
    with db.transaction(read_only=True) as connection:
        parts = connection.execute(sa.text(PARTS_WERE_LOADED)).one()
    rows = loaded.tables[loaded.tables["kind"] == "table"].set_index("table")["rows"]
    told |= {"begun": float(parts.first), "ended": float(parts.last)}
    sys.stdout.write(json.dumps(told | {"rows": int(rows.sum()), "items": int(rows["order_items"])}))
