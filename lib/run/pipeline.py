"""Runs the notebooks in order with one params file, keeps the record of the run and publishes the reports."""

import argparse
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import filelock
import psutil

from lib import settings
from lib.errors import OutputError, UsageError, WorkbookError
from lib.run import params
from lib.util.atomic import replacing

__all__ = ["STAGES", "main", "run"]

NOTEBOOKS = settings.PROJECT / "notebooks"
# The steps of a stage need nothing of one another and run side by side.
STAGES = (
    ("01_schema", "02_generate"),
    ("03_load",),
    ("04_executive", "05_cohort", "06_forecast", "08_customers"),
    ("07_metabase",),
)
STEPS = [step for stage in STAGES for step in stage]
TELLING = STAGES[-1]  # what only tells others of the results: when it fails, the reports are good all the same
PAGES = [{"page": f"{step}.html"} for step in STEPS]
FROM_INTAKE = ("lines_read", "lines_loaded", "files", "rejects", "examples")
WORKERS = 2
STOPS = (signal.SIGINT, signal.SIGTERM)
LOOK_S = 0.5  # a signal that another thread was given, as may happen, reaches the main one when this next wakes up


@dataclass(frozen=True)
class Run:
    """A run under way: where it writes, what is known of it, and what became of each step so far."""

    folder: Path
    record: dict[str, Any]
    lines: Any
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the pipeline as the command line says; its exit code: 0 good, 130 stopped, else that of lib.errors."""
    options = _options(arguments)
    for kind in STOPS:
        signal.signal(kind, _stopped)
    try:
        file = params.find(options.params)
        given = [*options.set, *([f"data={options.data}"] if options.data else [])]
        run(file, params.load(file, given).values())
    except WorkbookError as error:
        _complain(error, debug=options.debug)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the reports stay, and the database holds the old rows or the new ones, whole\n")
        return 130
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lib.run.pipeline", description=__doc__)
    parser.add_argument("--params", default="demo", metavar="FILE", help="a params file, or its name in params/ (demo)")
    parser.add_argument("--data", default="", metavar="FILE", help="the shop's own export, for params that map it")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a parameter over the file's")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser.parse_args(arguments)


def _stopped(_signal: int, _frame: object) -> None:
    """End the run in order, and only once: what comes after is the clearing up."""
    for kind in STOPS:
        signal.signal(kind, signal.SIG_IGN)
    raise KeyboardInterrupt


def _complain(error: WorkbookError, *, debug: bool) -> None:
    if debug:
        traceback.print_exception(error)
        sys.stderr.write(getattr(error, "detail", ""))
    sys.stderr.write("".join(f"error: {line}\n" for line in str(error).splitlines()))


def run(file: Path, values: dict[str, Any]) -> None:
    """Run all steps with the values of the params file `file` and publish the reports.

    Raises the first error in the order of the steps; then the published reports stay as they were, unless only the
    last stage failed, which makes none.
    """
    output = settings.output_folder().resolve()
    with _alone(output):
        from lib import db, formatting
        from lib.run import manifest, notebook, progress

        notebook.prepare()
        formatting.use_locale(values["locale"])  # of the pages that this process writes; each notebook is told too
        record = manifest.describe(manifest.new_run_id(), file, values, db.server())
        manifest.prune(output / "runs", values["keep_runs"] - 1)
        with progress.Lines(STEPS) as lines:
            lines.say(f"run {record['run_id']} with {file.name}: {record['database']}")
            this = Run(output / "runs" / record["run_id"], record, lines)
            with _published_if_reported(this, output / "reports"):
                _run_recorded(this)
    sys.stdout.write(f"open {output / 'reports' / 'index.html'}\n")


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Hold the output folder's lock; raises UsageError, naming who holds it, and OutputError for a useless folder."""
    path = output / ".run.lock"
    lock = filelock.FileLock(path, timeout=0)
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        path.write_text(f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC", encoding="utf-8")
    except filelock.Timeout as error:
        holder = path.read_text(encoding="utf-8") or "just started"
        raise UsageError(f"another run ({holder}) is writing to {output}; wait until it has ended") from error
    except OSError as error:
        lock.release()
        raise OutputError(f"cannot write to {output}: {error.strerror}; mend its rights or free some space") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _published_if_reported(this: Run, target: Path) -> Iterator[None]:
    """Publish after the block what the run reports, when nothing failed or only a step that makes no report."""
    try:
        yield
    except WorkbookError:
        good = [step for step, fact in this.steps.items() if fact["status"] == "completed"]
        if set(STEPS) - set(TELLING) <= set(good):
            _publish(this.folder / "reports", target)
        raise
    _publish(this.folder / "reports", target)


def _run_recorded(this: Run) -> None:
    """Run the stages and write the record, whatever becomes of them; a failing record hides no earlier error."""
    started, status = time.perf_counter(), "failed"
    try:
        for stage in STAGES:
            _run_stage(this, stage)
        status = "completed"
    except KeyboardInterrupt:
        status = "stopped"
        raise
    finally:
        with nullcontext() if status == "completed" else suppress(WorkbookError):
            _finish(this, status, time.perf_counter() - started)


def _run_stage(this: Run, stage: Sequence[str]) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        # The last report takes longest, so it starts first.
        futures = [pool.submit(_run_step, this, step) for step in reversed(stage)][::-1]
        try:
            while wait(futures, timeout=LOOK_S).not_done:
                pass
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            _stop([future for future in futures if not future.cancelled()])
            raise
    for future in futures:
        future.result()


def _stop(running: Sequence[Future]) -> None:
    """End the kernels until the steps have ended: one may be starting its kernel just now."""
    while wait(running, timeout=0.2).not_done:
        for process in psutil.Process().children(recursive=True):
            _end_kernel(process)


def _end_kernel(process: psutil.Process) -> None:
    """End the process if it is a kernel: the private server is a child too and must live on."""
    with suppress(psutil.NoSuchProcess):
        if "ipykernel_launcher" in process.cmdline():
            process.kill()


def _run_step(this: Run, step: str) -> None:
    from lib.report.pages import export
    from lib.run import notebook

    source, executed = NOTEBOOKS / f"{step}.ipynb", this.folder / f"{step}.ipynb"
    fact = this.steps[step] = {"step": step, "title": notebook.title(source), "status": "failed", "page": None}
    this.lines.start(step)
    started = time.perf_counter()
    try:
        notebook.execute(
            source, executed, this.record["params"], partial(this.lines.cell, step), environment=_own(this)
        )
        export(executed, this.folder / "reports" / f"{step}.html", reports=PAGES)
        fact |= {"status": "completed", "page": f"{step}.html"}
    except WorkbookError as error:
        fact["error"] = str(error)
        if step in TELLING:  # the other pages link to it, and it shows what went wrong
            with suppress(WorkbookError):
                export(executed, this.folder / "reports" / f"{step}.html", reports=PAGES)
        raise
    finally:
        fact["seconds"] = round(time.perf_counter() - started, 2)
        this.lines.end(step, _note(this, fact))


def _own(this: Run) -> dict[str, str]:
    """Settings by which the kernels find the run's folders, from wherever they run."""
    return {"WORKBOOK_OUTPUT": str(this.folder.parents[1]), "WORKBOOK_RUN": this.folder.name}


def _note(this: Run, fact: dict[str, Any]) -> str:
    from lib.run import manifest

    results = manifest.read_results(this.folder).get(fact["step"], {})
    rows = f", {results['rows']:,} rows" if "rows" in results else ""
    rate = f", {results['rows'] / results['seconds']:,.0f} rows/s" if results.get("seconds") else ""
    return f"{fact['status']} in {fact['seconds']:.1f} s{rows}{rate}"


def _finish(this: Run, status: str, seconds: float) -> None:
    """Write the run page and then the manifest: what has a manifest has ended."""
    from lib.report.pages import DICTIONARY, card, write_dictionary, write_index
    from lib.run import manifest

    results = manifest.read_results(this.folder)
    intake, load = results.get("02_generate", {}), results.get("03_load", {})
    ended = {
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "status": status,
        "seconds": round(seconds, 2),
        "steps": [
            this.steps[step] | {"rows": results.get(step, {}).get("rows")} for step in STEPS if step in this.steps
        ],
        **{name: intake[name] for name in FROM_INTAKE if name in intake},
        "tables": load.get("tables", []),
        "checks": load.get("checks", []),
        "history": load.get("history", []),
    }
    page = this.folder / "reports" / "index.html"
    shown = [step | card(this.folder / f"{step['step']}.ipynb") for step in ended["steps"] if step["page"]]
    write_dictionary(page.with_name(DICTIONARY), PAGES)
    write_index(page, this.record | ended, shown, DICTIONARY)
    if status == "failed":
        this.lines.say(f"what happened: {page}")
    manifest.write(this.folder, this.record | ended)


def _publish(pages: Path, target: Path) -> None:
    """Put every page in the place of the last good one, the front page last; none when one does not fit."""
    with ExitStack() as all_copied:
        for page in sorted(pages.glob("*.html"), key=lambda path: path.name != "index.html"):
            shutil.copyfile(page, all_copied.enter_context(replacing(target / page.name)))


if __name__ == "__main__":
    sys.exit(main())
