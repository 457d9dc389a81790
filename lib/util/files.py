"""Writing files: atomically, as JSON without NaN, and as cells that a spreadsheet does not run as formulas."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from lib.errors import OutputError

__all__ = ["escape_formula", "plain_json", "replacing", "replacing_folder"]

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # first characters of a formula
T = TypeVar("T")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; it replaces `path` if the block succeeds and is deleted if it fails.

    Raises:
        OutputError: The file system refuses; the message names the path.
    """
    with _output_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
    temporary = Path(name)
    try:
        with _output_errors(path):
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder; it replaces `folder` if the block succeeds and is deleted if it fails.

    Its files are not fsynced one by one: use it for results that the next run can make again.

    Raises:
        OutputError: The file system refuses; the message names the folder.
    """
    with _output_errors(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left_over in folder.parent.glob(f".{folder.name}.*.tmp"):
            shutil.rmtree(left_over)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    old = temporary.with_suffix(".old.tmp")
    try:
        with _output_errors(folder):
            yield temporary
            temporary.chmod(0o755)
            if folder.exists():
                folder.rename(old)
            temporary.rename(folder)
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    """Raise an OSError of the block as an OutputError that names the path."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"cannot write to {path}: {reason}. Free disk space or fix the permissions.") from error


def plain_json(facts: object) -> str:
    """Standard JSON: NaN becomes null, NumPy numbers become plain ones, any other unknown object its text."""
    plain = json.loads(json.dumps(facts, default=_plain), parse_constant=lambda _: None)
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"


def _plain(value: object) -> object:
    return value.item() if hasattr(value, "item") else str(value)


def escape_formula(cell: T) -> T | str:
    """The cell; a text that a spreadsheet would run as a formula gets a leading apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
