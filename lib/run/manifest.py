"""The manifest of a run (run.json): what ran, on which data, for how long, with which outcome.

It is written last and atomically, so a run without a manifest has not ended.
"""

import json
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lib.settings import PROJECT
from lib.util.files import replacing

__all__ = ["describe", "new_run_id", "prune", "write"]

PACKAGES = ("pandas", "numpy", "sqlalchemy", "plotly", "statsmodels", "papermill", "nbconvert")


def new_run_id() -> str:
    """A run's name: its start in UTC to the microsecond, so that names sort by time."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def describe(run_id: str, params_file: Path, values: dict[str, Any], server: str) -> dict[str, Any]:
    """The facts of a run that are known before its first step."""
    return {
        "run_id": run_id,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "params_file": params_file.name,
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


def write(folder: Path, run: dict[str, Any]) -> None:
    """Write run.json into the run's folder, atomically; raises OutputError when it cannot be written."""
    with replacing(folder / "run.json") as temporary:
        temporary.write_text(json.dumps(run, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


def prune(runs: Path, keep: int) -> None:
    """Remove all but the last `keep` runs; other folders, such as those of JupyterLab, stay."""
    for path in sorted(runs.glob("[0-9]*T*Z"), reverse=True)[keep:]:
        shutil.rmtree(path, ignore_errors=True)
