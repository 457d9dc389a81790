"""Run the notebooks in order with one params file, record the run and publish the reports."""

import argparse
import os
import shlex
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

from lib import settings
from lib.data.imports import AUTO, FROM_FILES
from lib.errors import OutputError, UsageError, WorkbookError
from lib.formatting import day
from lib.run import params
from lib.run.steps import Step, discover, stages
from lib.util.files import replacing

__all__ = ["main", "run"]

FIRST = "02_generate"  # the step that records what it found in the files
FROM_IMPORT = ("lines_read", "lines_loaded", "files", "recognised", "rejects", "examples")
WORKERS = 2
STOPS = (signal.SIGINT, signal.SIGTERM)
WAKE_UP_S = 0.5  # a signal delivered to another thread is handled when the main thread next wakes up


@dataclass(frozen=True)
class Run:
    """A run in progress: its steps in order, its folder and record, the outcomes so far, and the days of the data."""

    folder: Path
    record: dict[str, Any]
    lines: Any
    steps: tuple[Step, ...]
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    days: dict[str, Any] = field(default_factory=dict)

    @property
    def found(self) -> dict[str, Any]:
        """Facts of the step that reads the files: days, report date, rows; empty before it has run."""
        from lib.run import manifest

        return manifest.facts(self.folder).get(FIRST, {})

    @property
    def pages(self) -> list[dict[str, str]]:
        """The pages that every page of the run links to."""
        return [{"page": step.page} for step in self.steps]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the pipeline as the command line says; returns 0, 130 when stopped, or the exit code of the error."""
    options = _options(arguments)
    for kind in STOPS:
        signal.signal(kind, _stopped)
    try:
        file, found = params.chosen(options)
        run(file, found.values())
    except WorkbookError as error:
        _complain(error, debug=options.debug)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(
            "stopped: published reports are unchanged; the database holds either the old data or the new data, "
            "never a mix\n"
        )
        return 130
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lib.run.pipeline", description=__doc__)
    params.add_options(parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser.parse_args(arguments)


def _stopped(_signal: int, _frame: object) -> None:
    """Stop the run; further signals are ignored while it cleans up."""
    for kind in STOPS:
        signal.signal(kind, signal.SIG_IGN)
    raise KeyboardInterrupt


def _complain(error: WorkbookError, *, debug: bool) -> None:
    if debug:
        traceback.print_exception(error)
        sys.stderr.write(getattr(error, "detail", ""))
    sys.stderr.write("".join(f"error: {line}\n" for line in str(error).splitlines()))


def run(file: Path, values: dict[str, Any]) -> None:
    """Run all steps and publish the reports.

    Args:
        file: The params file, named in the manifest.
        values: All parameters, as JSON types.

    Raises:
        WorkbookError: The error of the first step that failed, in the order of the steps. Published reports are then
            unchanged, unless only optional steps failed.
    """
    output = settings.output_folder().resolve()
    with _alone(output), settings.use_locale(values["locale"]):
        from lib.run import kernels

        kernels.preload()
        from lib import db
        from lib.run import manifest, notebook, progress

        notebook.prepare()
        steps = discover()
        record = manifest.describe(manifest.new_run_id(), file, values, db.server())
        manifest.prune(output / "runs", values["keep_runs"] - 1)
        with progress.Lines([step.name for step in steps]) as lines:
            lines.say(f"run {record['run_id']} with {file.name}: {record['database']}")
            this = Run(output / "runs" / record["run_id"], record, lines, steps)
            with _published_if_reported(this, output / "reports"):
                _run_recorded(this)
    sys.stdout.write(f"open {shlex.quote(str(output / 'reports' / 'index.html'))}\n")
    sys.stdout.write("explore in JupyterLab: make lab\n")


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Hold the lock of the output folder.

    Raises:
        UsageError: Another run holds it; names its process.
        OutputError: The folder cannot be written.
    """
    path = output / ".run.lock"
    lock = filelock.FileLock(path, timeout=0)
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        path.write_text(f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC", encoding="utf-8")
    except filelock.Timeout as error:
        holder = path.read_text(encoding="utf-8") or "just started"
        raise UsageError(f"another run ({holder}) is writing to {output}. Wait until it has ended") from error
    except OSError as error:
        lock.release()
        raise OutputError(
            f"cannot write to {output}: {error.strerror}. Fix its permissions or free disk space"
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _published_if_reported(this: Run, target: Path) -> Iterator[None]:
    """Publish the reports after the block if every step that is not optional has completed."""
    try:
        yield
    except WorkbookError:
        if all(step.optional or _completed(this, step) for step in this.steps):
            _publish(this.folder / "reports", target)
        raise
    _publish(this.folder / "reports", target)


def _completed(this: Run, step: Step) -> bool:
    return this.outcomes.get(step.name, {}).get("status") == "completed"


def _run_recorded(this: Run) -> None:
    """Run the stages and write the record in any case; a record that cannot be written hides no earlier error."""
    started, status = time.perf_counter(), "failed"
    try:
        for stage in stages(this.steps):
            _run_stage(this, stage)
            _take_from_files(this)
        status = "completed"
    except KeyboardInterrupt:
        status = "stopped"
        raise
    finally:
        with nullcontext() if status == "completed" else suppress(WorkbookError):
            _finish(this, status, time.perf_counter() - started)


def _take_from_files(this: Run) -> None:
    """Replace the parameters that are `auto` by the values that the import found, for the steps that follow."""
    found, values = this.found, this.record["params"]
    if this.days or not found:
        return
    is_auto = values["as_of"] == AUTO
    values |= {name: found[name] for name in FROM_FILES if found.get(name)}
    this.days.update({name: found[name] for name in ("first_day", "last_day", "as_of") if name in found})
    if values["load_mode"] == "append" and found.get("first_day"):
        _add_days(this)
        values["as_of"] = this.days["as_of"] if is_auto else values["as_of"]


def _add_days(this: Run) -> None:
    """Add the days of the shop to which the files are appended, which may be earlier or later than theirs."""
    from lib.data.profile import report_date
    from lib.db import read

    known = read("order_days")
    if len(known):
        dates = known["date"].dt.date.astype("str")
        this.days["first_day"] = min(this.days["first_day"], dates.min())
        this.days["last_day"] = max(this.days["last_day"], dates.max())
        this.days["as_of"] = max(this.days["as_of"], str(report_date(known)))


def _run_stage(this: Run, stage: Sequence[Step]) -> None:
    """Run the steps of a stage side by side; raises the error of the first one, in their order, that failed."""
    with ThreadPoolExecutor(WORKERS) as pool:
        longest_first = sorted(stage, key=lambda step: not step.long)
        futures = {step: pool.submit(_run_step, this, step) for step in longest_first}
        try:
            while wait(futures.values(), timeout=WAKE_UP_S).not_done:
                pass
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            _stop([future for future in futures.values() if not future.cancelled()])
            raise
    for step in stage:
        futures[step].result()


def _stop(running: Sequence[Future[None]]) -> None:
    """Kill kernels until all steps have ended: a step may be starting its kernel at this moment."""
    from lib.run import kernels

    while wait(running, timeout=0.2).not_done:
        kernels.kill_all()


def _run_step(this: Run, step: Step) -> None:
    from lib.report.pages import export
    from lib.run import notebook

    executed, page = this.folder / f"{step.name}.ipynb", this.folder / "reports" / step.page
    outcome = this.outcomes[step.name] = {"step": step.name, "title": step.title, "status": "failed", "page": None}
    this.lines.start(step.name)
    started = time.perf_counter()
    on_cell = partial(this.lines.cell, step.name)
    try:
        notebook.execute(step.path, executed, this.record["params"], on_cell, environment=_environment(this))
        export(executed, page, reports=this.pages, note=_span(this))
        outcome |= {"status": "completed", "page": step.page}
    except WorkbookError as error:
        outcome["error"] = str(error)
        if step.optional:  # the other pages link to it, and it shows the error
            with suppress(WorkbookError):
                export(executed, page, reports=this.pages)
        raise
    finally:
        outcome["seconds"] = round(time.perf_counter() - started, 2)
        this.lines.end(step.name, _note(this, outcome))


def _span(this: Run) -> str:
    """Days of the data, report date, time zone and sales basis, for every page; empty until they are known."""
    days, values = this.days, this.record["params"]
    if "first_day" not in days:
        return ""
    span = f"Data from {day(days['first_day'])} to {day(days['last_day'])}; reports as of {day(values['as_of'])}"
    sales = {"placed": "every order placed counts", "completed": "completed orders only"}[values["sales_basis"]]
    return f"{span}; days in {values['time_zone']}; {sales}."


def _environment(this: Run) -> dict[str, str]:
    """Settings by which a kernel finds the folders of the run from any working directory."""
    return {"WORKBOOK_OUTPUT": str(this.folder.parents[1]), "WORKBOOK_RUN": this.folder.name}


def _note(this: Run, outcome: dict[str, Any]) -> str:
    from lib.run import manifest

    facts = manifest.facts(this.folder).get(outcome["step"], {})
    rows = f", {facts['rows']:,} rows" if "rows" in facts else ""
    rate = f", {facts['rows'] / facts['seconds']:,.0f} rows/s" if facts.get("seconds") else ""
    return f"{outcome['status']} in {outcome['seconds']:.1f} s{rows}{rate}"


def _finish(this: Run, status: str, seconds: float) -> None:
    """Write the front page and then the manifest, in this order: a run with a manifest has ended."""
    from lib.report.pages import DICTIONARY, write_dictionary, write_index
    from lib.run import manifest

    facts = manifest.facts(this.folder)
    acquired, load = facts.get(FIRST, {}), facts.get("03_load", {})
    ended = {
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "status": status,
        "seconds": round(seconds, 2),
        "steps": [
            this.outcomes[step.name] | {"rows": facts.get(step.name, {}).get("rows")}
            for step in this.steps
            if step.name in this.outcomes
        ],
        **{name: acquired[name] for name in FROM_IMPORT if name in acquired},
        **{name: load.get(name, []) for name in ("tables", "checks", "history")},
    }
    page = this.folder / "reports" / "index.html"
    write_dictionary(page.with_name(DICTIONARY), this.pages)
    write_index(page, this.record | ended, _cards(this), DICTIONARY)
    if status == "failed":
        this.lines.say(f"what happened: {page}")
    manifest.write(this.folder, this.record | ended)


def _cards(this: Run) -> list[dict[str, Any]]:
    """Content of the front page for each page of the run: reports first, then the steps that prepare them."""
    from lib.report.pages import preview

    ordered = sorted(this.steps, key=lambda step: (not step.is_report, step.name))
    outcomes = [this.outcomes[step.name] for step in ordered if step.name in this.outcomes]
    return [outcome | preview(this.folder / f"{outcome['step']}.ipynb") for outcome in outcomes if outcome["page"]]


def _publish(pages: Path, target: Path) -> None:
    """Replace the published pages, the front page last; none if one of them cannot be written."""
    with ExitStack() as all_copied:
        for page in sorted(pages.glob("*.html"), key=lambda path: path.name != "index.html"):
            shutil.copyfile(page, all_copied.enter_context(replacing(target / page.name)))


if __name__ == "__main__":
    sys.exit(main())
