"""Which steps need not run again, and the run from which their notebooks and pages are taken."""

import hashlib
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from lib import load, settings
from lib.db import transaction
from lib.db.connection import sql
from lib.errors import DatabaseError, UsageError
from lib.run import manifest
from lib.run.inputs import changed, inputs
from lib.run.steps import Step
from lib.util.files import replacing

__all__ = [
    "DONE", "PREDICTIONS", "Decision", "Earlier", "decide", "decide_for", "described", "latest", "made",
    "predictions_state", "prepares", "rows_state", "take_over",
]  # fmt: skip

DONE = ("completed", "reused", "kept")
PREDICTIONS = "predictions"  # given by a step that writes predictions into the database
CHANGED = "the database is not as the last run left it"
Action = Literal["run", "reuse", "keep"]


@dataclass(frozen=True)
class Decision:
    """A run runs a step, reuses that of the earlier run, or keeps its page as it is; with the reason."""

    action: Action
    reason: str
    inputs: dict[str, Any]


@dataclass(frozen=True)
class Earlier:
    """The last run of the output folder: its folder and its record, which may be that of a run that did not end."""

    folder: Path
    record: dict[str, Any]

    def outcome(self, step: Step) -> dict[str, Any]:
        """Outcome of the step in that run; empty if it did not end."""
        return next((found for found in self.record["steps"] if found["step"] == step.name), {})

    def run_of(self, step: Step) -> str:
        """The run in which the page of the step was made; empty without a page, or if it only shows an error."""
        outcome = self.outcome(step)
        made = outcome.get("run") or (self.folder.name if outcome.get("status") in DONE else "")
        return made if (self.folder / "reports" / step.page).is_file() else ""

    def outdated(self, steps: Sequence[Step]) -> set[Step]:
        """Steps that are older than the data which they read, because only steps before them ran since."""
        newest, found = "", set()
        for step in steps:
            run_id = self.outcome(step).get("run", self.folder.name)
            if step.needs and run_id < newest:
                found.add(step)
            if prepares(step):
                newest = max(newest, run_id)
        return found


def latest(output: Path, *, loaded: bool = True) -> Earlier | None:
    """The last run of the output folder that has a record, and that has loaded the data if `loaded`; None without one.

    A run that could not load the data has changed neither the rows nor the published pages.
    """
    needed = {"given", "steps", *(["database_state"] if loaded else [])}
    return next((Earlier(*found) for found in manifest.records(output) if needed <= found[1].keys()), None)


def rows_state() -> str:
    """Digest of the rows and definitions in the database, without predictions; empty without a shop."""
    with suppress(DatabaseError), transaction("loader", read_only=True) as connection:
        return f"{load.fingerprint(connection)}-{connection.execute(sa.text(sql('load/state'))).scalar_one()}"
    return ""


def predictions_state() -> str:
    """Digest of the predictions in the database; empty without a shop."""
    with suppress(DatabaseError), transaction("loader", read_only=True) as connection:
        return load.fingerprint(connection, predictions=True)
    return ""


def made(folder: Path, step: Step) -> str:
    """Digest of the files of a step in the folder of a run, and of those that it has written for the load."""
    paths = [folder / name for name in _names(step)]
    digest = hashlib.sha256(b"".join(path.read_bytes() if path.is_file() else b"missing" for path in paths))
    if "files" in step.gives:
        written = sorted((folder.parents[1] / "data").glob("*"))
        digest.update(repr([(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in written]).encode())
    return digest.hexdigest()[:16]


def _names(step: Step) -> tuple[str, ...]:
    return f"{step.name}.ipynb", f"results/{step.name}.json", f"reports/{step.page}"


def prepares(step: Step) -> bool:
    """Whether the step prepares the data that reports read."""
    return not (step.is_report or step.optional)


def decide(steps: Sequence[Step], values: dict[str, Any], earlier: Earlier | None) -> dict[str, Decision]:
    """What to do with each step, by name.

    The steps that prepare the data are reused together, and only if the rows in the database are those that they left.
    """
    now = inputs(steps, values)
    if earlier is None:
        return {step.name: Decision("run", "no earlier run", now[step]) for step in steps}
    reasons = {step: _reason(step, now[step], earlier) for step in steps}
    for step in earlier.outdated(steps):
        reasons[step] = reasons[step] or "the data that it reads were prepared after it"
    loads = next((f"{step.name}: {reasons[step]}" for step in steps if prepares(step) and reasons[step]), "")
    if values["load_mode"] == "append":
        loads = "files are appended"
    elif not loads and not _is_left_by(earlier):
        loads = CHANGED
    found = {}
    for step in steps:
        reason = loads or reasons[step]
        if not reason and "metabase" in step.gives and settings.get("METABASE_URL"):
            reason = "Metabase may have changed"
        if not reason and PREDICTIONS in step.gives and earlier.outcome(step).get(PREDICTIONS) != predictions_state():
            reason = "its predictions are not those in the database"
        unchanged = f"unchanged since run {earlier.run_of(step)}"
        found[step.name] = Decision("run" if reason else "reuse", reason or unchanged, now[step])
    return found


def described(decisions: dict[str, Decision]) -> list[str]:
    """One line per step: its name, what is done with it, and why."""
    return [f"{name:<14} {decision.action:<6} {decision.reason}" for name, decision in decisions.items()]


def _is_left_by(earlier: Earlier) -> bool:
    state = rows_state()
    return bool(state) and state == earlier.record.get("database_state")


def _reason(step: Step, now: dict[str, Any], earlier: Earlier) -> str:
    """Why a step must run; empty if its inputs are those of the earlier run."""
    outcome = earlier.outcome(step)
    if outcome.get("status") not in DONE:
        return "it did not complete in the last run"
    if outcome.get("made") != made(earlier.folder, step):
        return "its files are gone or were edited"
    return changed(outcome["inputs"], now)


def decide_for(
    names: Sequence[str], steps: Sequence[Step], values: dict[str, Any], earlier: Earlier | None
) -> dict[str, Decision]:
    """What to do if only the named steps run: the others keep the pages that they have.

    Raises:
        UsageError: The data that the named steps read are not there.
    """
    now = inputs(steps, values)
    needed = [step for step in steps if prepares(step) and step.name not in names]
    if needed and (missing := _missing(needed, now, earlier)):
        raise UsageError(f"{', '.join(names)}: {missing}. Run `make pipeline` without --only and --from first.")
    actions: dict[str, Action] = {step.name: "run" if step.name in names else "keep" for step in steps}
    return {step.name: Decision(actions[step.name], "as you chose", now[step]) for step in steps}


def _missing(needed: Sequence[Step], now: dict[Step, dict[str, Any]], earlier: Earlier | None) -> str:
    """Why the data of the last run cannot be used by later steps; empty if they can."""
    if earlier is None or any(earlier.outcome(step).get("status") not in DONE for step in needed):
        return "no run has loaded the data that they need"
    for step in needed:
        outcome = earlier.outcome(step)
        before = outcome["inputs"]
        if different := changed(before, before | {name: now[step][name] for name in ("files", "parameters")}):
            return f"the last run loaded other data ({step.name}: {different})"
        if outcome.get("made") != made(earlier.folder, step):
            return f"files of the last run are gone or were edited ({step.name})"
    if earlier.outdated(needed):
        return "the last run prepared data that it did not load"
    before_load = "03_load" not in [step.name for step in needed]
    return "" if before_load or _is_left_by(earlier) else CHANGED


def take_over(steps: Sequence[Step], earlier: Earlier, folder: Path) -> None:
    """Copy the executed notebooks, results, pages and exports of steps to the folder of a run.

    Raises:
        OutputError: A file cannot be written.
    """
    names = [f"exports/{path.name}" for path in earlier.folder.glob("exports/*")] if steps else []
    for step in steps:
        names += _names(step)
    for name in names:
        if (earlier.folder / name).is_file():
            with replacing(folder / name) as temporary:
                shutil.copyfile(earlier.folder / name, temporary)
