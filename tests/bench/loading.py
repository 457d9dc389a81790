"""Speed and memory of loading compared with other ways; how long readers wait."""

import contextlib
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median

import pandas as pd
import sqlalchemy as sa

from lib import db, load, settings
from lib.db import schema
from lib.load import checks
from lib.load.marts import MARTS
from tests.bench import rivals
from tests.bench.figures import RUNS
from tests.bench.generating import take
from tests.bench.watching import run_apart, seconds

__all__ = ["blocked_ms", "load_figures", "load_here", "measure_load", "measure_load_large", "poll"]

AS_OF = "2025-07-01"
replacing = importlib.import_module("lib.load.replace")  # the package exports a function of the same name
SHARE = 0.2  # of large.yml: 2 million rows
POLL_S, PATIENCE_MS = 0.01, 5


def measure_load() -> dict[str, float]:
    """Figures of our load against the others, on the same 2 million rows; the slow ones run once."""
    data = settings.output_folder() / "data"
    take("large", SHARE)
    with db.transaction() as connection:
        schema.create(connection)
    rows = load.replace(data, as_of=AS_OF).rows
    rivals.write_csv(data)
    rivals.write_binary(data)
    into_live = {"psql_copy_s": rivals.psql_copy, "adbc_s": rivals.adbc}
    quick: dict[str, Callable[[], object]] = {
        "load_whole_s": lambda: load.replace(data, as_of=AS_OF),
        "load_s": lambda: _without_marts_and_checks(data),
        "floor_s": lambda: rivals.floor(data),
        **{name: lambda work=work: work(data) for name, work in into_live.items()},
    }
    times = {name: [] for name in quick}
    for _ in range(RUNS):
        for name, work in quick.items():
            times[name].append(_timed(work, rows if name in into_live else 0))
    _drop_floor()
    shop = rivals.frames(data)
    slow = {
        "to_sql_s": lambda: rivals.to_sql(shop),
        "to_sql_multi_s": lambda: rivals.to_sql(shop, method="multi", chunksize=1_000),
        "execute_values_s": lambda: rivals.execute_values(shop),
    }
    times |= {name: [_timed(work, rows)] for name, work in slow.items()}
    parts = [load.replace(data, as_of=AS_OF).parts for _ in range(RUNS)]
    return load_figures(rows, times, parts) | {"reader_blocked_ms": _reader_blocked_ms(data)}


def load_figures(rows: int, times: Mapping[str, list[float]], parts: list[Mapping[str, float]]) -> dict[str, float]:
    """Figures from the seconds of each way to load, and of each part of our load."""
    s = {name: median(found) for name, found in times.items()}
    return s | {
        "load_marts_s": median(part["marts"] for part in parts),
        "load_checks_s": median(part["checks"] for part in parts),
        "load_rows_per_s": rows / s["load_whole_s"],
        "load_ratio_psql_copy": s["psql_copy_s"] / s["load_s"],
        "load_ratio_psql_copy_whole": s["psql_copy_s"] / s["load_whole_s"],
        "load_ratio_to_sql": min(s["to_sql_s"], s["to_sql_multi_s"]) / s["load_s"],
        "load_ratio_adbc": s["adbc_s"] / s["load_s"],
        "load_ratio_execute_values": s["execute_values_s"] / s["load_s"],
        "load_ratio_floor": s["floor_s"] / s["load_s"],
    }


def _timed(work: Callable[[], object], rows: int) -> float:
    """Seconds of `work` after a checkpoint; with `rows`, into empty tables that must then have this many rows."""
    if rows:
        rivals.empty()
    with db.engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text("CHECKPOINT"))
    db.engine().dispose()
    spent = seconds(work)
    assert not rows or rivals.count() == rows, "not all rows were loaded"
    return spent


def _drop_floor() -> None:
    with db.transaction() as connection:
        db.run(connection, f"DROP SCHEMA {rivals.FLOOR} CASCADE")


def _without_marts_and_checks(data: Path) -> None:
    """The load without its extras: two empty marts, no checks."""
    nothing = pd.DataFrame(columns=checks.COLUMNS)
    with (
        _replaced(replacing, "_build_marts_and_check", lambda *_: (dict.fromkeys(MARTS, 0), nothing)),
        _replaced(checks, "run_checks", lambda *_: nothing),
    ):
        load.replace(data, as_of=AS_OF)


@contextlib.contextmanager
def _replaced(module: object, name: str, stand_in: object) -> Iterator[None]:
    original = getattr(module, name)
    setattr(module, name, stand_in)
    try:
        yield
    finally:
        setattr(module, name, original)


def _reader_blocked_ms(data: Path) -> float:
    """Median milliseconds that a reader in a separate process was blocked by a load."""
    return median(_reader_waits(data) for _ in range(RUNS))


def _reader_waits(data: Path) -> float:
    command = [sys.executable, "-c", "from tests.bench.loading import poll; poll()"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=settings.PROJECT, **pipes) as reader:
        assert reader.stdout.readline() == "reading\n"
        load.replace(data, as_of=AS_OF)
        waits, _ = reader.communicate("end")
    return blocked_ms(json.loads(waits))


def poll() -> None:
    """In a separate process: query every 10 ms until standard input ends; print the milliseconds of each answer."""
    import threading

    ended, waits = threading.Event(), []
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with db.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(sa.text("SELECT order_id FROM orders LIMIT 1"))
        sys.stdout.write("reading\n")
        sys.stdout.flush()
        while not ended.wait(POLL_S):
            started = time.perf_counter()
            connection.execute(sa.text("SELECT order_id FROM orders LIMIT 1"))
            waits.append((time.perf_counter() - started) * 1000)
    sys.stdout.write(json.dumps(waits))


def blocked_ms(waits: list[float]) -> float:
    """Total milliseconds by which answers took longer than PATIENCE_MS."""
    return sum(max(wait - PATIENCE_MS, 0) for wait in waits)


def load_here() -> None:
    """In a separate process: load the data of the output folder; print rows and seconds."""
    done = load.replace(settings.output_folder() / "data", as_of=AS_OF)
    sys.stdout.write(json.dumps({"rows": done.rows, "seconds": done.seconds}))


def measure_load_large() -> dict[str, float]:
    """Cost per row at ten million rows relative to one million, and peak memory of loading."""
    found = {}
    for name, times in {"1m": 0.1, "10m": 1.0}.items():
        take("large", times)
        run_apart("tests.bench.loading.load_here()")
        found[name] = run_apart("tests.bench.loading.load_here()")
    cost = {name: done["seconds"] / done["rows"] for name, (done, _) in found.items()}
    return {
        "load_cost_ratio_10m_1m": cost["10m"] / cost["1m"],
        "load_peak_mb_10m": found["10m"][1].peak / 1e6,
        "load_peak_mb_1m": found["1m"][1].peak / 1e6,
    }
