"""Speed of importing and loading a CSV file, compared with loading the same rows from Parquet; memory of imports."""

import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from lib import db, load, settings
from lib.data import acquire
from lib.db import schema
from lib.run import params
from tests.bench.figures import RUNS
from tests.bench.watching import run_apart, seconds

__all__ = ["import_here", "measure_imports", "measure_imports_large", "write_invoices"]

LINES = 541_909  # size of the whole UCI "Online Retail" set
AS_OF = "2011-12-09"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
START = datetime(2010, 12, 1, 8)


def write_invoices(path: Path, lines: int) -> None:
    """Write a file of this many rows in a year: 20 items per invoice, 7 invoices per customer, 1 % unusable."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        file.writelines(_invoice_lines(lines))


def _invoice_lines(lines: int) -> Iterator[str]:
    customers = max(4_000 * lines // LINES, 4_000)
    apart = timedelta(minutes=19) / max(lines / LINES, 1)
    for n in range(lines):
        invoice, place = divmod(n, 20)
        article, customer = (7 * invoice + 131 * place) % 4_000, invoice % customers
        price = -1 if n % 100 == 99 else 1 + article % 900 / 100
        when = (START + invoice * apart).replace(microsecond=0)
        yield (
            f"{536_365 + invoice},{10_000 + article},ARTICLE NUMBER {article},{1 + n % 12},"
            f"{when},{price:.2f},{12_346 + customer},{'France' if customer % 9 == 0 else 'United Kingdom'}\n"
        )


def measure_imports() -> dict[str, float]:
    """Seconds and rows per second from CSV to the loaded tables, and the share of loading from Parquet, alternating."""
    output = settings.output_folder()
    path = output / "invoices.csv"
    write_invoices(path, LINES)
    with db.transaction() as connection:
        schema.create(connection)
    reading, loading = [], []
    for _ in range(RUNS):
        reading.append(seconds(lambda: _import(path)))
        loading.append(seconds(lambda: load.replace(output / "data", as_of=AS_OF)))
    parquet, csv = median(loading), median(reading) + median(loading)
    return {"own_csv_s": csv, "own_csv_lines_per_s": LINES / csv, "own_csv_ratio_parquet": parquet / csv}


def measure_imports_large() -> dict[str, float]:
    """Peak memory of importing half a million and five million lines, and seconds per line of these over those."""
    sizes = {"540k": LINES, "5m": 5_000_000}
    found = {name: run_apart(f"tests.bench.own_files.import_here({lines})") for name, lines in sizes.items()}
    cost = {name: done["seconds"] / sizes[name] for name, (done, _) in found.items()}
    peaks = {f"own_csv_peak_mb_{name}": seen.peak_of_all / 1e6 for name, (_, seen) in found.items()}
    return {"own_csv_cost_ratio_5m_540k": cost["5m"] / cost["540k"], **peaks}


def import_here(lines: int) -> None:
    """In a separate process: import a file of this many lines; print the seconds."""
    with tempfile.TemporaryDirectory(dir=settings.output_folder()) as folder:
        path = Path(folder) / "invoices.csv"
        write_invoices(path, lines)
        sys.stdout.write(json.dumps({"seconds": seconds(lambda: _import(path))}))


def _import(path: Path) -> None:
    values = params.load(params.find("online_retail"), [f"data={path}"]).values()
    policy = acquire.Policy(values["currency"], 0.05, "reject")
    sizes, mapping = values["generate"], values["mapping"]
    acquire.acquire(
        sizes, mapping, str(path), seed=1, as_of=AS_OF, workers=0, output=settings.output_folder(), policy=policy
    )
