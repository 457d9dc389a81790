"""The record of a run: what ran, on what, how long, is it good; written last, as a kill leaves nothing else true."""

import json
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lib.settings import PROJECT
from lib.util.atomic import replacing

__all__ = ["describe", "new_run_id", "prune", "read_results", "write"]

PACKAGES = ("pandas", "numpy", "sqlalchemy", "plotly", "statsmodels", "papermill", "nbconvert")


def new_run_id() -> str:
    """Name of a run: its start in UTC to the microsecond, so that names sort by time."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def describe(run_id: str, params_file: Path, values: dict[str, Any], server: str) -> dict[str, Any]:
    """What is known of a run before its first step."""
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
    """Write run.json into the run's folder, whole or not at all."""
    with replacing(folder / "run.json") as temporary:
        temporary.write_text(json.dumps(run, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


def read_results(folder: Path) -> dict[str, dict[str, Any]]:
    """What the steps of a run recorded, by step."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("results/*.json"))}


def prune(runs: Path, keep: int) -> None:
    """Remove all but the last `keep` runs of the runner, as far as rights allow; JupyterLab's own folder stays."""
    for path in sorted(runs.glob("[0-9]*T*Z"), reverse=True)[keep:]:
        shutil.rmtree(path, ignore_errors=True)
