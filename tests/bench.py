"""Measures speed and memory: `python -m tests.bench [PART ...]` prints a table and merges it into output/bench.json."""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

import pandas as pd
import psutil
import psycopg2.extensions
import pytest
import sqlalchemy as sa
from faker import Faker
from rich.console import Console
from rich.table import Table

from lib import address, database, embedded, intake, load, params, pipeline, schema, settings
from lib.atomic import replacing
from lib.catalog import tables
from lib.errors import OutputError, WorkbookError
from lib.parts import cores

__all__ = ["FIGURES", "load_figures", "main", "merge", "pipeline_figures"]

LOADS, RUNS = 5, 3
SAMPLE_S = 0.1
SETTLED_S = 0.3  # a backend whose client left is in nobody's account until the server has seen it end
SETTINGS = ("DATABASE_URL", "DB_HOST", "METABASE_URL", "WORKBOOK_RUN")
IMPORTED_LATER = {
    "06_forecast": "\nimport statsmodels.tsa.statespace.sarimax, statsmodels.tsa.exponential_smoothing.ets"
}
OURS_ONLY = ("ANALYZE ", "INSERT INTO ", "SELECT count(*) FROM (")  # beginnings: the planner's figures, marts, checks
# What is compared: both sides load the rows of full.yml into the live tables of one durable server, over a new
# connection, after a CHECKPOINT, in one transaction; medians of alternating repetitions after one not counted.
OURS = "lib.load.replace: Parquet to swapped tables, with keys, indexes, foreign keys, ANALYZE, marts and checks"
THEIRS = r"psql, one \copy of CSV per table into emptied live tables with keys, indexes and foreign keys in place"
FIGURES = {  # name: (wanted, what is measured)
    "load_s": ("", OURS),
    "psql_copy_s": ("", THEIRS),
    "load_rows_per_s": ("", "rows of the six tables over load_s"),
    "load_ratio_psql_copy": ("at least 2", "psql_copy_s over load_s"),
    "load_ratio_psql_copy_same_work": ("", "the same, load_s without ANALYZE, marts and checks"),
    "load_cpu_ratio_psql_copy": ("", "the same of CPU seconds, client and server together"),
    "generate_rows_per_s": (
        "at least 500,000",
        "rows of large.yml (10 million) to Parquet, a worker per core, imports done",
    ),
    "generate_ratio_faker": (
        "at least 100",
        "the same over the rows a second, to Parquet too, of one Faker call per field of each row",
    ),
    "pipeline_demo_s": ("", "python -m lib.pipeline --params demo, pages included, server running"),
    "pipeline_full_s": ("under 30", "the same with full, its memory being sampled"),
    "import_sum_s": ("", "the libraries of the notebooks, each imported in a fresh python, one after the other"),
    "pipeline_demo_ratio_imports": ("under 2.5", "pipeline_demo_s over import_sum_s"),
    "generate_peak_mb_10m": (
        "under 1,000",
        f"RSS of all processes together, large.yml, seen from outside every {SAMPLE_S} s",
    ),
    "generate_peak_mb_30m": ("under 1,000", "the same with three times the customers, orders and events"),
    "generate_cost_ratio_10m_1m": (
        "under 1.15",
        "CPU seconds per row of large.yml over those of a tenth of it, one worker",
    ),
    "pipeline_peak_mb": ("under 600", f"highest RSS of the runner or one kernel, full, every {SAMPLE_S} s; no server"),
}


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and CPU seconds of this process, its children and the server."""

    wall: float
    cpu: float


def measure_load() -> dict[str, float]:
    """Figures of our load against psql's, on the rows of full.yml."""
    data = settings.output_folder() / "data"
    _full_shop()
    with database.transaction() as connection:
        schema.create(connection)
    rows = load.replace(data, as_of="2025-07-01").rows
    _write_csv(data)
    _empty()
    _copy_csv(data)
    ours, theirs, extras = [], [], []
    for _ in range(LOADS):
        theirs.append(_cost(lambda: _copy_csv(data), before=_empty))
        assert _count() == rows, "psql and our load differ in their rows"
        with _seconds_in(OURS_ONLY) as extra:
            ours.append(_cost(lambda: load.replace(data, as_of="2025-07-01")))
        extras.append(sum(extra))
    return load_figures(rows, ours, theirs, extras)


def load_figures(rows: int, ours: list[Cost], theirs: list[Cost], extras: list[float]) -> dict[str, float]:
    """Figures from the repetitions of both sides; `extras` are the seconds of ours for what psql does not do."""
    mine, its = (median(cost.wall for cost in costs) for costs in (ours, theirs))
    same_work = median(cost.wall - extra for cost, extra in zip(ours, extras, strict=True))
    return {
        "load_s": mine,
        "psql_copy_s": its,
        "load_rows_per_s": rows / mine,
        "load_ratio_psql_copy": its / mine,
        "load_ratio_psql_copy_same_work": its / same_work,
        "load_cpu_ratio_psql_copy": median(c.cpu for c in theirs) / median(c.cpu for c in ours),
    }


def _full_shop() -> intake.Intake:
    return _take("full")


def _take(name: str, times: float = 1, workers: int = 0) -> intake.Intake:
    """Write the shop of a params file, with so many times its customers and what is theirs."""
    values = params.load(params.find(name)).values()
    sizes = {key: round(values["generate"][key] * times) for key in ("users", "orders", "events")}
    shape = {key: values[key] for key in ("seed", "as_of")}
    output = settings.output_folder()
    return intake.take(values["generate"] | sizes, None, "", **shape, workers=workers, output=output)


def generate_in_this_process(times: float, workers: int) -> None:
    """In a child of the bench: print rows, seconds and CPU seconds of generating `times` large.yml, without imports."""
    _take("demo", workers=1)
    cpu, started = sum(os.times()[:4]), time.perf_counter()
    rows = _take("large", times, workers).rows
    seconds = time.perf_counter() - started
    sys.stdout.write(json.dumps({"rows": rows, "seconds": seconds, "cpu": sum(os.times()[:4]) - cpu}))


@dataclass(frozen=True)
class Generation:
    """What a process of its own took to make a shop up; peak is of all its processes together, in bytes."""

    rows: int
    seconds: float
    cpu: float
    peak: int


def _generation(times: float = 1, workers: int = 0) -> Generation:
    code = f"from tests.bench import generate_in_this_process as g; g({times}, {workers})"
    child = psutil.Popen([sys.executable, "-c", code], cwd=settings.PROJECT, stdout=subprocess.PIPE)
    peak = 0
    while _is_running(child):
        peak = max(peak, sum(map(_resident, [child, *_children(child)])))
    if child.returncode:
        raise OutputError(f"generating {times} times large.yml ended with {child.returncode}")
    return Generation(**json.loads(child.stdout.read()), peak=peak)


def _children(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return process.children(recursive=True)
    return []


def _copies(direction: str) -> list[str]:
    columns = {name: ", ".join(table.column_names) for name, table in tables().items() if not table.mart}
    return [rf"\copy {name} ({columns[name]}) {direction} '{name}.csv' csv" for name in columns]


def _write_csv(folder: Path) -> None:
    _psql(folder, _copies("to"))


def _copy_csv(folder: Path) -> None:
    _psql(folder, _copies("from"))


def _psql(folder: Path, commands: list[str]) -> None:
    at = address.url()
    dsn = psycopg2.extensions.make_dsn(host=at.host, port=at.port, user=at.username, dbname=at.database)
    options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", f"--dbname={dsn}"]
    scripts = [f"--command={command}" for command in commands]
    secret = {"PGPASSWORD": at.password or ""}
    subprocess.run([str(embedded.binary("psql")), *options, *scripts], cwd=folder, env=os.environ | secret, check=True)


def _empty() -> None:
    with database.transaction() as connection:
        schema.run(connection, f"TRUNCATE {', '.join(tables())}")


def _count() -> int:
    counts = " + ".join(f"(SELECT count(*) FROM {name})" for name, table in tables().items() if not table.mart)
    with database.transaction(read_only=True) as connection:
        return connection.execute(sa.text(f"SELECT {counts}")).scalar_one()


def _cost(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> Cost:
    """What `work` takes; `before` and a checkpoint are not counted, the connection it opens is."""
    before()
    with database.engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        server = psutil.Process(connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()).parent()
        connection.execute(sa.text("CHECKPOINT"))
    cpu, started = _cpu(server), time.perf_counter()
    work()
    wall = time.perf_counter() - started
    return Cost(wall, _cpu(server) - cpu)


def _cpu(server: psutil.Process) -> float:
    database.engine().dispose()
    time.sleep(SETTLED_S)
    seconds = sum(os.times()[:4]) + sum(server.cpu_times()[:4])  # what has ended counts with its parent
    for backend in server.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            seconds += sum(backend.cpu_times()[:2])
    return seconds


@contextlib.contextmanager
def _seconds_in(beginnings: tuple[str, ...]) -> Iterator[list[float]]:
    """Seconds of each statement with one of the `beginnings` that our engine executes meanwhile."""
    seconds, started = [], []

    def before(*_: object) -> None:
        started.append(time.perf_counter())

    def after(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(beginnings):
            seconds.append(time.perf_counter() - started[-1])

    listeners = {"before_cursor_execute": before, "after_cursor_execute": after}
    for name, listener in listeners.items():
        sa.event.listen(database.engine(), name, listener)
    yield seconds
    for name, listener in listeners.items():
        sa.event.remove(database.engine(), name, listener)


def measure_generate() -> dict[str, float]:
    """Rate of writing the rows of large.yml, beside the rate of calling Faker for each field, alternating."""
    pairs = [(_generation(), _faker_rows_per_s()) for _ in range(RUNS)]
    rates = [made.rows / made.seconds for made, _ in pairs]
    return {
        "generate_rows_per_s": median(rates),
        "generate_ratio_faker": median(rate / theirs for rate, (_, theirs) in zip(rates, pairs, strict=True)),
    }


def _faker_rows_per_s(n: int = 5_000) -> float:
    """Rows a second to Parquet of Faker with one call per field: of events, and of a customer per 100 rows."""
    fake = Faker()
    fake.seed_instance(42)
    steps, days = ["session_start", "product_view", "add_to_cart", "purchase"], (date(2024, 1, 1), date(2025, 1, 1))
    event = {
        **dict.fromkeys(("event_id", "user_id", "session_id", "product_id", "order_id"), fake.uuid4),
        "event_type": lambda: fake.random_element(steps),
        "event_timestamp": lambda: fake.date_time_between(*days),
        "revenue": lambda: fake.pydecimal(left_digits=4, right_digits=2, positive=True),
    }
    user = {
        **dict.fromkeys(("user_id", "campaign_id"), fake.uuid4),
        "email": fake.email,
        "name": fake.name,
        "city": fake.city,
        "country": fake.country,
        "country_code": fake.country_code,
        "channel": lambda: fake.random_element(steps),
        "signup_date": lambda: fake.date_between(*days),
    }
    started = time.perf_counter()
    for fields, rows in ((event, n - n // 100), (user, n // 100)):
        made = pd.DataFrame([{name: call() for name, call in fields.items()} for _ in range(rows)])
        made.to_parquet(io.BytesIO())
    return n / (time.perf_counter() - started)


def measure_large() -> dict[str, float]:
    """Memory at 10 and 30 million rows, and whether a row of a large shop costs more than one of a smaller shop."""
    small, one = _generation(0.1, workers=1), _generation(1, workers=1)
    return {
        "generate_peak_mb_10m": _generation().peak / 1e6,
        "generate_peak_mb_30m": _generation(3).peak / 1e6,
        "generate_cost_ratio_10m_1m": (one.cpu / one.rows) / (small.cpu / small.rows),
    }


def _wall(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure_pipeline() -> dict[str, float]:
    """Figures of whole runs; a first one is not counted, imports and demo runs alternate."""
    _run_pipeline("demo")
    pairs = [(_wall(_import_all), _run_pipeline("demo")[0]) for _ in range(RUNS)]
    return pipeline_figures(pairs, [_run_pipeline("full") for _ in range(RUNS)])


def pipeline_figures(pairs: list[tuple[float, float]], full: list[tuple[float, float]]) -> dict[str, float]:
    """Figures from pairs of seconds (imports, demo run) and of full runs' seconds and peak bytes."""
    imports, demo = (median(seconds) for seconds in zip(*pairs, strict=True))
    return {
        "pipeline_demo_s": demo,
        "pipeline_full_s": median(seconds for seconds, _ in full),
        "import_sum_s": imports,
        "pipeline_demo_ratio_imports": demo / imports,
        "pipeline_peak_mb": max(peak for _, peak in full) / 1e6,
    }


def _import_all() -> None:
    for step in pipeline.STEPS:
        source = _import_cell(pipeline.NOTEBOOKS / f"{step}.ipynb") + IMPORTED_LATER.get(step, "")
        subprocess.run([sys.executable, "-c", source], cwd=settings.PROJECT, check=True)


def _import_cell(notebook: Path) -> str:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return next(source for source in sources if source.startswith(("from ", "import ")))


def _run_pipeline(name: str) -> tuple[float, int]:
    """Seconds of a run, and the highest resident bytes seen in one of its processes."""
    log, peak = settings.output_folder() / "pipeline.log", 0
    started = time.perf_counter()
    with log.open("w") as lines:
        command = [sys.executable, "-m", "lib.pipeline", "--params", name]
        runner = psutil.Popen(command, cwd=settings.PROJECT, stdout=lines, stderr=lines)
        while _is_running(runner):
            peak = max(peak, *map(_resident, [runner, *runner.children(recursive=True)]))
    seconds = time.perf_counter() - started
    if runner.returncode:
        raise OutputError(f"the pipeline ended with {runner.returncode}:\n{log.read_text()}")
    return seconds, peak


def _is_running(process: psutil.Popen) -> bool:
    """Whether it still runs after waiting for the next sample."""
    with contextlib.suppress(psutil.TimeoutExpired):
        process.wait(SAMPLE_S)
        return False
    return True


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return process.memory_info().rss
    return 0


PARTS = {"load": measure_load, "generate": measure_generate, "pipeline": measure_pipeline, "large": measure_large}
USUAL = ("load", "generate", "pipeline")  # the large part has a target of its own: make bench-large


@contextlib.contextmanager
def own_place() -> Iterator[None]:
    """A running server, as durable as a person's, and an output folder, both of this measurement only."""
    with tempfile.TemporaryDirectory(prefix="workbook-bench-") as folder, pytest.MonkeyPatch.context() as patch:
        for name in SETTINGS:
            patch.delenv(name, raising=False)
        patch.setenv("WORKBOOK_ENV_FILE", "")
        patch.setenv("WORKBOOK_OUTPUT", folder)
        try:
            address.url()
            yield
        finally:
            embedded.reset(address.private_folder())


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
    """Measure the parts that the command line names, all by default; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; {', '.join(USUAL)} unless told")
    parts = parser.parse_args().parts or list(USUAL)
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    target, figures = settings.output_folder() / "bench.json", {}
    try:
        with own_place():
            for part in parts:
                measured = PARTS[part]()
                merge(target, measured)
                figures |= measured
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    _show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
