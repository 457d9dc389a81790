"""Propose a params file for a file of an unknown layout: make mapping DATA=FILE."""

import argparse
import re
import shlex
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from lib import settings
from lib.data.imports.proposal import propose
from lib.errors import UsageError, WorkbookError
from lib.util.files import replacing

__all__ = ["main", "write_proposal"]

FIRST_LINE = "# A proposal for {}: check each line that is guessed, answer each that is missing, and run:"


def write_proposal(data: Path) -> tuple[Path, str]:
    """Write output/mapping/<name>.yml; returns its path and the next step. An edited file is never overwritten.

    Raises:
        UsageError: The file or folder does not exist.
        DataError: It is not a table with a header.
        OutputError: The file cannot be written.
    """
    name = re.sub(r"\W+", "-", data.name.partition(".")[0]).strip("-") or "shop"
    proposal = propose(data)
    for number in count(1):
        path = settings.output_folder() / "mapping" / (f"{name}.yml" if number == 1 else f"{name}-{number}.yml")
        command = f"make pipeline PARAMS={shlex.quote(_shown(path))} DATA={shlex.quote(_shown(data))}"
        text = f"{FIRST_LINE.format(data.name)}\n# {command}\n\n{proposal.text}"
        if not path.exists() or path.read_text(encoding="utf-8") == text:
            break
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    marked = {0: "check its lines", 1: "answer its line marked missing"}
    edit = marked.get(proposal.missing, f"answer its {proposal.missing} lines marked missing")
    return path, f"A mapping is proposed in {_shown(path)}: {edit}, and run: {command}"


def _shown(path: Path) -> str:
    """The path as it is typed in the folder of the project."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the proposal and print it with the command to run; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lib.run.mapping", description=__doc__)
    parser.add_argument("data", help="your file, or a folder or archive with one file")
    data = parser.parse_args(arguments).data
    try:
        if not data:
            raise UsageError("no file is named; expected one, as in: make mapping DATA=orders.csv")
        path, advice = write_proposal(Path(data).expanduser().resolve())
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(f"{path.read_text(encoding='utf-8')}\n{advice}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
