"""Write example files of the six tables to output/templates, to be filled with a shop's data."""

import shlex
import shutil
import sys
from pathlib import Path

from lib.errors import WorkbookError
from lib.settings import output_folder
from lib.util.files import replacing_folder

__all__ = ["EXAMPLES", "main", "write_templates"]

EXAMPLES = Path(__file__).parent / "examples"  # a small shop that loads unchanged


def write_templates(folder: Path) -> list[Path]:
    """Write the example files, replacing the content of `folder`; returns their paths. Raises OutputError."""
    with replacing_folder(folder) as temporary:
        for path in EXAMPLES.glob("*.csv"):
            shutil.copyfile(path, temporary / path.name)
    return sorted(folder.iterdir())


def main() -> int:
    """Write the templates and print what to do next; returns the exit code."""
    folder = output_folder() / "templates"
    try:
        names = ", ".join(path.name for path in write_templates(folder))
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(
        f"{folder} has {names}.\n"
        f"They load unchanged: make pipeline PARAMS=own_files DATA={shlex.quote(str(folder))}\n"
        "Replace their rows by yours; params/own_files.yml explains other column names, formats and keys.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
