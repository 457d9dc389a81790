"""Run the notebooks in order with one params file, record the run and publish the reports."""

import argparse
import os
import shlex
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import filelock

from lib import settings
from lib.data.imports import AUTO, FROM_FILES
from lib.errors import OutputError, UsageError, WorkbookError
from lib.formatting import day
from lib.run import params
from lib.run.steps import Step, discover, stages
from lib.util.files import replacing
from lib.util.similar import did_you_mean

__all__ = ["main", "run"]

FIRST = "02_generate"  # the step that records what it found in the files
FROM_IMPORT = ("lines_read", "lines_loaded", "files", "recognised", "decisions", "rejects", "examples")
WORKERS = 2
STOPS = (signal.SIGINT, signal.SIGTERM)
WAKE_UP_S = 0.5  # a signal delivered to another thread is handled when the main thread next wakes up


@dataclass(frozen=True)
class Choice:
    """Which steps run: those that changed, or all, or the named ones; and how progress is printed."""

    fresh: bool = False
    names: tuple[str, ...] = ()
    dry: bool = False
    json: bool = False


@dataclass(frozen=True)
class Run:
    """A run in progress: its steps in order, its folder and record, the outcomes so far, and the days of the data.

    `earlier` is the run before it, from which the pages of steps are taken that do not run.
    """

    folder: Path
    record: dict[str, Any]
    lines: Any
    steps: tuple[Step, ...]
    decisions: Mapping[str, Any] = field(default_factory=dict)
    earlier: Any = None
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    days: dict[str, Any] = field(default_factory=dict)
    saving: Any = field(default_factory=Lock)

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
        steps = [step.name for step in discover()]
        names = _names(options, steps)
        file, values = _resumed(options) if options.resume else _given(options)
        run(file, values, Choice(options.fresh, names, options.dry_run, options.json))
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
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--resume", action="store_true", help="continue the last run, which failed or was stopped")
    which.add_argument("--fresh", action="store_true", help="run all steps, also those that are unchanged")
    which.add_argument("--only", default="", metavar="STEPS", help="run these steps, such as 04_executive,06_forecast")
    which.add_argument("--from", default="", metavar="STEP", dest="start", help="run this step and all after it")
    parser.add_argument("--dry-run", action="store_true", help="show what a run would do with each step, and why")
    parser.add_argument("--json", action="store_true", help="print progress as JSON lines")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser.parse_args(arguments)


def _names(options: argparse.Namespace, steps: Sequence[str]) -> tuple[str, ...]:
    """The steps that --only and --from name, in order; none without these options."""
    names = [name.strip() for name in options.only.split(",") if name.strip()] or [options.start] * bool(options.start)
    for name in names:
        if name not in steps:
            raise UsageError(f"unknown step {name!r}{did_you_mean(name, steps)}; expected one of {', '.join(steps)}")
    return tuple(steps[steps.index(options.start) :] if options.start else [name for name in steps if name in names])


def _given(options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    file, found = params.chosen(options)
    return file.name, found.values()


def _resumed(options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Params file and parameters of the last run, which did not complete, with overrides."""
    from lib.run import reuse

    if options.params or options.data:
        raise UsageError("--resume takes PARAMS and DATA of the last run. Leave them out, or leave out --resume")
    earlier = reuse.latest(settings.output_folder())
    if earlier is None or earlier.record.get("status") == "completed":
        state = "there is no run yet" if earlier is None else f"the last run, {earlier.folder.name}, completed"
        raise UsageError(f"--resume: {state}. Run `make pipeline`; steps that are unchanged do not run again")
    return earlier.record["params_file"], params.overridden(earlier.record["given"], options.set).values()


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


def run(file: str, values: dict[str, Any], choice: Choice = Choice()) -> None:
    """Run the steps that need to run, and publish the reports.

    Args:
        file: Name of the params file.
        values: All parameters, as JSON types.
        choice: Which steps run; those that are unchanged do not, unless it says so.

    Raises:
        WorkbookError: The error of the first step that failed, in the order of the steps. Published reports are then
            unchanged if the data could not be prepared; otherwise those of the steps that completed are published.
    """
    output = settings.output_folder().resolve()
    with _alone(output), settings.use_locale(values["locale"]):
        from lib.run import kernels

        if choice.fresh or choice.names:
            kernels.preload()  # it imports while this process does, and while the database starts
        from lib import db
        from lib.run import manifest, progress, reuse

        steps, earlier = discover(), reuse.latest(output)
        if earlier is None:
            kernels.preload()
        record = manifest.describe(manifest.new_run_id(), file, values, db.server())
        if choice.names:
            decisions = reuse.decide_for(choice.names, steps, values, earlier)
        else:
            decisions = reuse.decide(steps, values, None if choice.fresh else earlier)
        if choice.dry:
            for step in steps:
                sys.stdout.write(f"{step.name:<14} {decisions[step.name].action:<6} {decisions[step.name].reason}\n")
            return
        usual = {step.name: earlier.outcome(step).get("seconds") if earlier else None for step in steps}
        with progress.JsonLines() if choice.json else progress.Lines(usual) as lines:
            lines.say(f"run {record['run_id']} with {file}: {record['database']}")
            this = Run(output / "runs" / record["run_id"], record, lines, steps, decisions, earlier)
            with _published_if_prepared(this, output / "reports"):
                _run_recorded(this)
            lines.say(f"open {shlex.quote(str(output / 'reports' / 'index.html'))}")
            lines.say("explore in JupyterLab: make lab")


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
def _published_if_prepared(this: Run, target: Path) -> Iterator[None]:
    """Publish the reports after the block, also if a report failed, but not if the data could not be prepared."""
    from lib.run import reuse

    try:
        yield
    except WorkbookError:
        if all(_done(this, step) for step in this.steps if reuse.prepares(step)):
            _publish(this.folder / "reports", target)
        raise
    _publish(this.folder / "reports", target)


def _done(this: Run, step: Step) -> bool:
    from lib.run import reuse

    return this.outcomes.get(step.name, {}).get("status") in reuse.DONE


def _run_recorded(this: Run) -> None:
    """Run the stages and write the record in any case; a record that cannot be written hides no earlier error."""
    started, status = time.perf_counter(), "failed"
    try:
        _run_stages(this)
        status = "completed"
    except KeyboardInterrupt:
        status = "stopped"
        raise
    finally:
        with nullcontext() if status == "completed" else suppress(WorkbookError):
            _finish(this, status, time.perf_counter() - started)


def _run_stages(this: Run) -> None:
    """Run the stages in their order; raises the first error, at once if the data could not be prepared."""
    from lib.run import kernels, notebook, reuse

    if any(decision.action == "run" for decision in this.decisions.values()):
        kernels.preload()
        notebook.prepare()
    errors: list[WorkbookError] = []
    for stage in stages(this.steps):
        errors += _run_stage(this, stage)
        if not all(_done(this, step) for step in stage if reuse.prepares(step)):
            break
        if any("database" in step.gives for step in stage):
            this.record["database_state"] = reuse.database_state().get("rows")
        _take_from_files(this)
    if errors:
        raise errors[0]


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


def _run_stage(this: Run, stage: Sequence[Step]) -> list[WorkbookError]:
    """Run the steps of a stage side by side; returns the errors of those that failed, in their order."""
    _take_over(this, [step for step in stage if this.decisions[step.name].action != "run"])
    to_run = [step for step in stage if this.decisions[step.name].action == "run"]
    with ThreadPoolExecutor(WORKERS) as pool:
        longest_first = sorted(to_run, key=lambda step: not step.long)
        futures = {step: pool.submit(_run_step, this, step) for step in longest_first}
        try:
            while wait(futures.values(), timeout=WAKE_UP_S).not_done:
                pass
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            _stop([future for future in futures.values() if not future.cancelled()])
            raise
    return [error for step in to_run if (error := futures[step].result())]


def _take_over(this: Run, taken: Sequence[Step]) -> None:
    """Take the steps that do not run from the earlier run."""
    from lib.run import reuse

    if not taken or this.earlier is None:
        return
    reuse.take_over(taken, this.earlier, this.folder)
    for step in taken:
        before, run_id = this.earlier.outcome(step), this.earlier.run_of(step)
        if run_id:
            status = {"reuse": "reused", "keep": "kept"}[this.decisions[step.name].action]
            this.outcomes[step.name] = before | {"status": status, "run": run_id}
            this.lines.end(step.name, f"{status} from run {run_id}")


def _stop(running: Sequence[Future[Any]]) -> None:
    """Kill kernels until all steps have ended: a step may be starting its kernel at this moment."""
    from lib.run import kernels

    while wait(running, timeout=0.2).not_done:
        kernels.kill_all()


def _run_step(this: Run, step: Step) -> WorkbookError | None:
    """Run a step and write its page; returns the error if it fails."""
    from lib.report.pages import export, preview
    from lib.run import notebook, reuse

    executed, page = this.folder / f"{step.name}.ipynb", this.folder / "reports" / step.page
    outcome: dict[str, Any] = {"step": step.name, "title": step.title, "status": "failed", "page": None}
    outcome["inputs"] = this.decisions[step.name].inputs
    this.outcomes[step.name] = outcome
    this.lines.start(step.name)
    started = time.perf_counter()
    on_cell = partial(this.lines.cell, step.name)
    try:
        notebook.execute(step.path, executed, this.record["params"], on_cell, environment=_environment(this))
        export(executed, page, reports=this.pages, note=_span(this))
        outcome |= preview(executed)
        if reuse.PREDICTIONS in step.gives:
            outcome[reuse.PREDICTIONS] = reuse.database_state().get(reuse.PREDICTIONS)
        outcome |= {"status": "completed", "page": step.page}
    except WorkbookError as error:
        outcome["error"] = str(error)
        _keep_a_page(this, step)
        return error
    finally:
        outcome["seconds"] = round(time.perf_counter() - started, 2)
        this.lines.end(step.name, _note(this, outcome))
        _save(this)
    return None


def _keep_a_page(this: Run, step: Step) -> None:
    """The page of a report that failed: that of the earlier run if there is one, else one that shows the error."""
    from lib.report.pages import export
    from lib.run import reuse

    if reuse.prepares(step):
        return
    outcome, page = this.outcomes[step.name], this.folder / "reports" / step.page
    run_id = "" if step.optional or this.earlier is None else this.earlier.run_of(step)
    with suppress(WorkbookError, OSError):
        if run_id:
            page.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(this.earlier.folder / "reports" / step.page, page)
            before = this.earlier.outcome(step)
            outcome |= {name: before[name] for name in ("page", "question", "thumbnail")} | {"run": run_id}
        else:
            export(this.folder / f"{step.name}.ipynb", page, reports=this.pages)
            outcome["page"] = step.page


def _save(this: Run) -> None:
    """Write the record of the run so far, from which a later run continues if this one is killed."""
    from lib.run import manifest

    with this.saving, suppress(OutputError):
        manifest.write(this.folder, this.record | {"status": "running", "steps": _steps(this)}, manifest.UNFINISHED)


def _steps(this: Run) -> list[dict[str, Any]]:
    """Outcomes of the steps so far, in their order, with the rows that they report."""
    from lib.run import manifest

    facts = manifest.facts(this.folder)
    names = [step.name for step in this.steps if step.name in this.outcomes]
    return [this.outcomes[name] | {"rows": facts.get(name, {}).get("rows")} for name in names]


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
        "steps": _steps(this),
        **{name: acquired[name] for name in FROM_IMPORT if name in acquired},
        **{name: load.get(name, []) for name in ("tables", "checks", "history")},
    }
    page = this.folder / "reports" / "index.html"
    write_dictionary(page.with_name(DICTIONARY), this.pages)
    write_index(page, this.record | ended, _cards(this), DICTIONARY)
    if status == "failed":
        this.lines.say(f"what happened: {page}")
    manifest.write(this.folder, this.record | ended)
    (this.folder / manifest.UNFINISHED).unlink(missing_ok=True)
    manifest.prune(this.folder.parent, this.record["params"]["keep_runs"])


def _cards(this: Run) -> list[dict[str, Any]]:
    """Content of the front page for each page of the run: reports first, then the steps that prepare them."""
    ordered = sorted(this.steps, key=lambda step: (not step.is_report, step.name))
    outcomes = [this.outcomes[step.name] for step in ordered if step.name in this.outcomes]
    return [outcome for outcome in outcomes if outcome["page"]]


def _publish(pages: Path, target: Path) -> None:
    """Replace the published pages, the front page last; none if one of them cannot be written."""
    with ExitStack() as all_copied:
        for page in sorted(pages.glob("*.html"), key=lambda path: path.name != "index.html"):
            shutil.copyfile(page, all_copied.enter_context(replacing(target / page.name)))


if __name__ == "__main__":
    sys.exit(main())
