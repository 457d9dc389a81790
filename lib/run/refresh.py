"""Renews the saved outputs of the notebooks: runs them in place with their defaults, on a server of their own."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from lib.db import private
from lib.errors import WorkbookError
from lib.run.notebook import kernel_manager
from lib.run.steps import discover
from lib.util.atomic import replacing

__all__ = ["main", "refresh", "renew"]

CELL_SECONDS = 600
NOT_COMPARED = "nbval-ignore-output"


def main() -> int:
    """Renew all notebooks; the exit code."""
    with tempfile.TemporaryDirectory(prefix="workbook-refresh-") as folder:
        try:
            refresh(Path(folder))
        except WorkbookError as error:
            sys.stderr.write(f"error: {error}\n")
            return error.exit_code
        finally:
            private.reset(Path(folder) / "postgres")
    return 0


def refresh(output: Path) -> None:
    """Run every notebook in order, with all that it writes in `output`, and save it; touch nothing else."""
    # Kernels take their settings from the environment: neither a person's database nor their .env plays a part.
    os.environ |= {"WORKBOOK_OUTPUT": str(output), "WORKBOOK_ENV_FILE": "", "DATABASE_URL": "", "DB_HOST": ""}
    os.environ["METABASE_URL"] = ""
    for step in discover():
        renew(step.path)
        sys.stdout.write(f"renewed {step.name}\n")


def renew(path: Path) -> None:
    """Run the notebook and save its outputs; raises WorkbookError and leaves it as it was when a cell fails.

    A cell whose output is not compared keeps the saved one, so that what changes in a file is what changed in the data.
    """
    import nbformat
    from nbclient.exceptions import CellExecutionError

    book = nbformat.read(path, as_version=4)
    kept = {cell.id: cell.outputs for cell in book.cells if NOT_COMPARED in cell.metadata.get("tags", [])}
    try:
        _run(book, path.parent)
    except CellExecutionError as error:
        raise WorkbookError(f"{path.name} failed, and is left as it was: {error.ename}: {error.evalue}") from error
    for cell in book.cells:
        if kept.get(cell.id):
            cell.outputs = kept[cell.id]
    book.metadata["language_info"] = {"name": "python"}  # the version of Python is nobody's to compare
    with replacing(path) as temporary:
        nbformat.write(book, temporary)


def _run(book: Any, folder: Path) -> None:
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory(prefix="workbook-") as sockets:
        NotebookClient(
            book, timeout=CELL_SECONDS, kernel_name="python3", record_timing=False,
            resources={"metadata": {"path": str(folder)}}, kernel_manager_class=kernel_manager(sockets),
        ).execute()  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
