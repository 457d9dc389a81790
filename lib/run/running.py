"""Run the steps of a pipeline: stage after stage, with their record, and publish what was made."""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from lib.data.imports import AUTO, FROM_FILES
from lib.data.profile import report_date
from lib.db import read
from lib.errors import OutputError, WorkbookError
from lib.formatting import day
from lib.report.pages import DICTIONARY, export, preview, write_dictionary, write_index
from lib.report.pages.page import without_links
from lib.run import kernels, manifest, notebook, reuse
from lib.run.progress import Reporter
from lib.run.steps import Step, stages
from lib.util.files import replacing

__all__ = ["Run", "run_steps"]

FIRST = "02_generate"  # the step that records what it found in the files
# Facts of that step that the manifest repeats.
FROM_IMPORT = ("lines_read", "lines_loaded", "files", "recognised", "decisions", "rejects", "examples")
WORKERS = 2
WAKE_UP_S = 0.5  # a signal delivered to another thread is handled when the main thread next wakes up


@dataclass(frozen=True)
class Run:
    """A run in progress.

    Attributes:
        folder: The run's own folder in the output folder.
        record: The manifest so far: parameters, versions, state of the database.
        lines: Prints the progress.
        steps: All steps in their order.
        decisions: What to do with each step, by name.
        earlier: The previous run, from which the pages of steps are taken that do not run.
        outcomes: Outcome of each step so far, by name.
        days: first_day, last_day and as_of of the data; empty until the files have been read.
        saving: Lock on the manifest, which the steps of a stage write from several threads.
    """

    folder: Path
    record: dict[str, Any]
    lines: Reporter
    steps: tuple[Step, ...]
    decisions: Mapping[str, reuse.Decision] = field(default_factory=dict)
    earlier: reuse.Earlier | None = None
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    days: dict[str, Any] = field(default_factory=dict)
    saving: Any = field(default_factory=Lock)

    @property
    def found(self) -> dict[str, Any]:
        """Facts of the step that reads the files: days, report date, rows; empty before it has run."""
        return manifest.facts(self.folder).get(FIRST, {})

    @property
    def pages(self) -> list[dict[str, str]]:
        """The pages that every page of the run links to."""
        return [{"page": step.page} for step in self.steps]


def run_steps(this: Run, target: Path) -> None:
    """Run the steps that the decisions say, take over the others, and publish the pages in the folder `target`.

    Raises:
        WorkbookError: The error of the first step that failed, in the order of the steps. Published reports are then
            unchanged if the data could not be prepared; otherwise those of the steps that completed are published.
    """
    with _published_if_prepared(this, target):
        _run_recorded(this)


@contextmanager
def _published_if_prepared(this: Run, target: Path) -> Iterator[None]:
    """Publish the reports after the block, also if a report failed, but not if the data could not be prepared."""
    try:
        yield
    except WorkbookError:
        if all(_done(this, step) for step in this.steps if reuse.prepares(step)):
            _publish(this, target)
        raise
    _publish(this, target)


def _done(this: Run, step: Step) -> bool:
    return this.outcomes.get(step.name, {}).get("status") in reuse.DONE


def _run_recorded(this: Run) -> None:
    """Run the stages and always write the record; an error of the stages has priority over one of writing it."""
    started, status = time.perf_counter(), "failed"
    _save(this)
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
    if any(decision.action == "run" for decision in this.decisions.values()):
        kernels.preload()
        notebook.prepare()
    errors: list[WorkbookError] = []
    for stage in stages(this.steps):
        errors += _run_stage(this, stage)
        if not all(_done(this, step) for step in stage if reuse.prepares(step)):
            break
        if any("database" in step.gives for step in stage):
            this.record["database_state"] = _database_state(this)
            _save(this)
        _take_from_files(this)
    if errors:
        raise errors[0]


def _database_state(this: Run) -> str:
    """Digest of the rows after the load; if no step has prepared data, the decisions have just compared it."""
    changed = any(this.decisions[step.name].action == "run" for step in this.steps if reuse.prepares(step))
    return reuse.rows_state() if changed or not this.earlier else str(this.earlier.record["database_state"])


def _take_from_files(this: Run) -> None:
    """Once the files are read, set the days of the run, and the parameters that are `auto`, for the later steps."""
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
    if not taken or this.earlier is None:
        return
    reuse.take_over(taken, this.earlier, this.folder)
    for step in taken:
        before, run_id = this.earlier.outcome(step), this.earlier.run_of(step)
        if run_id:
            word = {"reuse": "reused", "keep": "kept"}[this.decisions[step.name].action]
            status = word if before["status"] in reuse.DONE else "failed"  # it runs again, though it has a page
            this.outcomes[step.name] = before | {"status": status, "run": run_id}
            this.lines.end(step.name, f"{word} from run {run_id}")


def _stop(running: Sequence[Future[Any]]) -> None:
    """Kill kernels until all steps have ended: a step may be starting its kernel at this moment."""
    while wait(running, timeout=0.2).not_done:
        kernels.kill_all()


def _run_step(this: Run, step: Step) -> WorkbookError | None:
    """Run a step and write its page; returns the error if it fails."""
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
            outcome[reuse.PREDICTIONS] = reuse.predictions_state()
        outcome |= {"status": "completed", "page": step.page, "made": reuse.made(this.folder, step)}
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
    """Give a failed report a page: that of the earlier run if there is one, else one that shows the error."""
    if reuse.prepares(step):
        return
    outcome, page = this.outcomes[step.name], this.folder / "reports" / step.page
    earlier = None if step.optional else this.earlier
    with suppress(WorkbookError, OSError):
        if earlier and (run_id := earlier.run_of(step)):
            page.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(earlier.folder / "reports" / step.page, page)
            before = earlier.outcome(step)
            outcome |= {name: before[name] for name in ("page", "question", "thumbnail")} | {"run": run_id}
        else:
            export(this.folder / f"{step.name}.ipynb", page, reports=this.pages)
            outcome["page"] = step.page


def _save(this: Run) -> None:
    """Write the record of the run so far, from which a later run continues if this one is killed."""
    with this.saving, suppress(OutputError):
        manifest.write(this.folder, this.record | {"status": "running", "steps": _steps(this)}, manifest.UNFINISHED)


def _steps(this: Run) -> list[dict[str, Any]]:
    """Outcomes of the steps so far, in their order, with the rows that they report."""
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
    facts = manifest.facts(this.folder).get(outcome["step"], {})
    rows = f", {facts['rows']:,} rows" if "rows" in facts else ""
    rate = f", {facts['rows'] / facts['seconds']:,.0f} rows/s" if facts.get("seconds") else ""
    return f"{outcome['status']} in {outcome['seconds']:.1f} s{rows}{rate}"


def _finish(this: Run, status: str, seconds: float) -> None:
    """Write the front page and then the manifest, in this order: a run with a manifest has ended."""
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


def _publish(this: Run, target: Path) -> None:
    """Replace the published pages, the front page last; none if one of them cannot be written.

    A page was written before the later ones: links to those that no step has made are removed.
    """
    pages = sorted((this.folder / "reports").glob("*.html"), key=lambda path: path.name != "index.html")
    missing = {page["page"] for page in this.pages} - {page.name for page in pages}
    with ExitStack() as all_copied:
        for page in pages:
            html = without_links(page.read_text(encoding="utf-8"), missing)
            all_copied.enter_context(replacing(target / page.name)).write_text(html, encoding="utf-8", newline="\n")
