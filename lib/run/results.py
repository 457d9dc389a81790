"""Facts that a step records for the run page: one small JSON file per step in the run's folder."""

import json
from pathlib import Path
from typing import Any

from lib.settings import run_folder
from lib.util.files import plain_json, replacing

__all__ = ["read", "record"]


def record(step: str, **facts: object) -> None:
    """Write the facts of a step to results/<step>.json of the current run.

    NumPy numbers become plain numbers, NaN becomes null, anything else its text.

    Raises:
        OutputError: The file cannot be written.
    """
    with replacing(run_folder() / "results" / f"{step}.json") as temporary:
        temporary.write_text(plain_json(facts), encoding="utf-8")


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """The recorded facts of the run in `folder`, by step."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("results/*.json"))}
