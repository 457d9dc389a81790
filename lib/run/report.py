"""Command that writes the offline page of one notebook next to it: `python -m lib.run.report NOTEBOOK`."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from lib import settings
from lib.errors import UsageError, WorkbookError
from lib.report.pages import export
from lib.report.pages.exporter import read_notebook

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Export the saved outputs of the notebook; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lib.run.report", description=__doc__)
    parser.add_argument("notebook", help="a notebook that has run and was saved")
    named = parser.parse_args(arguments).notebook
    try:
        notebook = _executed(named)
        page = notebook.with_suffix(".html")
        export(notebook, page)
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(f"open {shlex.quote(str(page))}\n")
    return 0


def _executed(named: str) -> Path:
    """The notebook of this path, if at least one of its cells was run.

    Raises:
        UsageError: There is no such notebook, or none of its cells was run.
    """
    notebook = Path(named)
    if notebook.suffix != ".ipynb" or not notebook.is_file():
        copies = {path.stem: os.path.relpath(path) for path in settings.output_folder().glob("lab/*/*.ipynb")}
        similar = get_close_matches(notebook.stem, copies, n=1)
        path = copies[similar[0]] if similar else "output/lab/demo/mine.ipynb"
        raise UsageError(
            f"no notebook {named!r}; expected the path of one. Name it, for example: "
            f"make report NOTEBOOK={shlex.quote(path)}"
        )
    cells = [cell for cell in read_notebook(notebook).cells if cell.cell_type == "code" and cell.source.strip()]
    if cells and not any(cell.outputs or cell.execution_count for cell in cells):
        raise UsageError(
            f"{named} has no outputs, so that its page would be empty. Run all cells in JupyterLab and save it, "
            f"or run it here: .venv/bin/jupyter execute --inplace {shlex.quote(named)}"
        )
    return notebook


if __name__ == "__main__":
    sys.exit(main())
