"""Addresses, secrets and folders of this installation, from the environment or `.env`; no other module reads them."""

import os
from pathlib import Path

from dotenv import dotenv_values

__all__ = ["LOCAL_HOSTS", "PROJECT", "get", "output_folder", "run_folder"]

PROJECT = Path(__file__).resolve().parents[1]
LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")  # host names of this machine, to which plaintext is acceptable


def get(name: str) -> str:
    """Value of a setting from the environment, else from `.env`, else an empty string.

    WORKBOOK_ENV_FILE names another file than `.env`; if it is set but empty, no file is read.
    """
    if name in os.environ:
        return os.environ[name]
    file = os.environ.get("WORKBOOK_ENV_FILE", str(PROJECT / ".env"))
    return (dotenv_values(file, interpolate=False).get(name) or "") if file else ""


def output_folder() -> Path:
    """Folder of all results: WORKBOOK_OUTPUT, relative to the project, else `output` in the project."""
    return PROJECT / (get("WORKBOOK_OUTPUT") or "output")


def run_folder() -> Path:
    """Folder of the current run: `runs/<WORKBOOK_RUN>` in the output folder, `runs/interactive` in JupyterLab."""
    return output_folder() / "runs" / (get("WORKBOOK_RUN") or "interactive")
