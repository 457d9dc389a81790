"""Addresses, secrets and folders of this installation, from the environment or `.env`; no other module reads them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from dotenv import dotenv_values

from lib.errors import UsageError

__all__ = ["LOCAL_HOSTS", "PROJECT", "get", "in_jupyterlab", "locale", "output_folder", "run_folder", "use_locale"]

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
    """Folder of all results: WORKBOOK_OUTPUT, relative to the project, else `output` in the project.

    Raises:
        UsageError: The project's folder was renamed or moved while this process runs.

    Example:
        >>> settings.output_folder().name
        'output'
    """
    if not PROJECT.is_dir():
        raise UsageError(
            f"the project's folder {PROJECT} was renamed or moved while this process runs. "
            "Stop JupyterLab (Ctrl-C in its terminal), and run `make lab` in the folder's new place."
        )
    return PROJECT / (get("WORKBOOK_OUTPUT") or "output")


def run_folder() -> Path:
    """Folder of the current run: `runs/<WORKBOOK_RUN>` in the output folder, `runs/interactive` in JupyterLab.

    Example:
        >>> settings.run_folder().name
        'interactive'
    """
    return output_folder() / "runs" / (get("WORKBOOK_RUN") or "interactive")


def in_jupyterlab() -> bool:
    """Whether this process is a kernel that JupyterLab started; a kernel of a run or of a test is not."""
    return bool(os.environ.get("JPY_SESSION_NAME"))


def locale() -> str:
    """Locale of numbers and dates: WORKBOOK_LOCALE, which the runner sets from the params, else en_US."""
    return os.environ.get("WORKBOOK_LOCALE") or "en_US"


@contextlib.contextmanager
def use_locale(name: str) -> Iterator[None]:
    """Write numbers and dates as in this locale, in this process and the kernels it starts, until the block ends."""
    previous = os.environ.get("WORKBOOK_LOCALE", "")
    os.environ["WORKBOOK_LOCALE"] = name
    try:
        yield
    finally:
        os.environ["WORKBOOK_LOCALE"] = previous
