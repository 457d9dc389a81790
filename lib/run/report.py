"""Command that writes the offline page of one notebook next to it: `python -m lib.run.report NOTEBOOK`."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from lib.errors import UsageError, WorkbookError
from lib.report.pages import export

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Export the saved outputs of the notebook; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lib.run.report", description=__doc__)
    parser.add_argument("notebook", help="a notebook with saved outputs")
    notebook = Path(parser.parse_args(arguments).notebook)
    try:
        if notebook.suffix != ".ipynb":
            raise UsageError(f"{str(notebook)!r} is not a notebook. Name one: make report NOTEBOOK=output/lab/….ipynb")
        page = notebook.with_suffix(".html")
        export(notebook, page)
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(f"open {shlex.quote(str(page))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
