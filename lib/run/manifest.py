"""The record of a run: facts that each step reports, and the manifest (run.json) of what ran with which outcome.

The manifest is written last and atomically, so a run without one has not ended.
"""

import json
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lib.data.imports import AUTO, FROM_FILES
from lib.errors import UsageError
from lib.settings import PROJECT, run_folder
from lib.util.files import plain_json, replacing

__all__ = [
    "UNFINISHED",
    "describe",
    "facts",
    "last_completed",
    "new_run_id",
    "prune",
    "record",
    "records",
    "resolved",
    "write",
]

NAME, NAMES = "%Y%m%dT%H%M%S.%fZ", f"{'[0-9]' * 8}T{'[0-9]' * 6}.{'[0-9]' * 6}Z"
UNFINISHED = "unfinished.json"  # the record of a run that has not ended
PACKAGES = ("pandas", "numpy", "sqlalchemy", "plotly", "statsmodels", "papermill", "nbconvert")


def new_run_id(runs: Path) -> str:
    """A run's name: its start in UTC to the microsecond, or later than all others if the clock was set back."""
    last = [datetime.strptime(path.name, NAME).replace(tzinfo=UTC) for path in runs.glob(NAMES)]
    return max([datetime.now(UTC), *(start + timedelta(microseconds=1) for start in last)]).strftime(NAME)


def describe(run_id: str, params_file: str, values: dict[str, Any], server: str) -> dict[str, Any]:
    """The facts of a run that are known before its first step."""
    return {
        "run_id": run_id,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "params_file": params_file,
        "given": dict(values),
        "params": values,
        "database": server,
        "git": _git(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }


def _git() -> str | None:
    git = shutil.which("git")
    if not git or not (PROJECT / ".git").exists():
        return None
    state = subprocess.run(
        [git, "describe", "--always", "--dirty"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return state.stdout.strip() or None


def write(folder: Path, run: dict[str, Any], name: str = "run.json") -> None:
    """Write the record of a run into its folder, atomically; raises OutputError when it cannot be written."""
    with replacing(folder / name) as temporary:
        temporary.write_text(json.dumps(run, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


def prune(runs: Path, keep: int) -> None:
    """Remove all but the last `keep` runs; other folders, such as those of JupyterLab, stay."""
    for path in _folders(runs)[keep:]:
        shutil.rmtree(path, ignore_errors=True)


def _folders(runs: Path) -> list[Path]:
    """The folders of runs, the latest first."""
    return sorted(runs.glob("[0-9]*T*Z"), reverse=True)


def records(output: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Folder and record of each run, the latest first, also of one that has not ended; without unreadable records."""
    for folder in _folders(output / "runs"):
        for path in (folder / "run.json", folder / UNFINISHED):
            with suppress(ValueError, OSError):  # missing, or cut off where a disk was full
                yield folder, json.loads(path.read_text(encoding="utf-8"))
                break


def last_completed(output: Path) -> dict[str, Any] | None:
    """The manifest of the last completed run of the output folder, None without one."""
    return next((run for _, run in records(output) if run.get("status") == "completed"), None)


def resolved(values: dict[str, Any], output: Path) -> dict[str, Any]:
    """The parameters with the values that the last run over the same files found for those that are `auto`.

    Raises:
        UsageError: There was no such run.
    """
    autos = [name for name in FROM_FILES if values[name] == AUTO]
    if not autos:
        return values
    run = last_completed(output)
    if run is None or run["params"]["data"] != values["data"]:
        raise UsageError(
            f"{' and '.join(autos)}: auto follows from your files, and the last run was not over them. "
            "Run `make pipeline` with the same PARAMS and DATA first, or set a value."
        )
    return values | {name: run["params"][name] for name in autos}


def record(step: str, **facts: object) -> None:
    """Write the facts of a step to results/<step>.json of the current run.

    NumPy numbers become plain numbers, NaN becomes null, anything else its text.

    Raises:
        OutputError: The file cannot be written.

    Example:
        >>> manifest.record("my_notebook", revenue=1200.5, orders=31)
        >>> manifest.facts(settings.run_folder())["my_notebook"]
        {'orders': 31, 'revenue': 1200.5}
    """
    with replacing(run_folder() / "results" / f"{step}.json") as temporary:
        temporary.write_text(plain_json(facts), encoding="utf-8")


def facts(folder: Path) -> dict[str, dict[str, Any]]:
    """The recorded facts of the run in `folder`, by step."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("results/*.json"))}
