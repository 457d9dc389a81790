"""Addresses, secrets and folders of this installation, from the environment or `.env`; nothing else reads them."""

import os
from pathlib import Path

from dotenv import dotenv_values

__all__ = ["PROJECT", "get", "output_folder", "run_folder"]

PROJECT = Path(__file__).resolve().parents[1]


def get(name: str) -> str:
    """Value of the setting `name`: the environment first, then `.env`; empty when neither has it.

    WORKBOOK_ENV_FILE names another file than `.env`; set and empty, no file is read.
    """
    if name in os.environ:
        return os.environ[name]
    file = os.environ.get("WORKBOOK_ENV_FILE", str(PROJECT / ".env"))
    return (dotenv_values(file, interpolate=False).get(name) or "") if file else ""


def output_folder() -> Path:
    """Folder of everything the steps make: WORKBOOK_OUTPUT, taken from the project's folder, else `output` in it."""
    return PROJECT / (get("WORKBOOK_OUTPUT") or "output")


def run_folder() -> Path:
    """Folder of the present run's own files: named by WORKBOOK_RUN, `interactive` in JupyterLab."""
    return output_folder() / "runs" / (get("WORKBOOK_RUN") or "interactive")
