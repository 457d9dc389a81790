"""Writes an example of each of the six files of own data into output/templates."""

import shlex
import shutil
import sys
from pathlib import Path

from lib.errors import WorkbookError
from lib.settings import output_folder
from lib.util.files import replacing_folder

__all__ = ["EXAMPLES", "main", "write_templates"]

EXAMPLES = Path(__file__).parent / "examples"  # a shop small enough to read, which loads as it is


def write_templates(folder: Path) -> list[Path]:
    """Write users.csv and the others in place of all in `folder`; their paths. Raises OutputError when it cannot."""
    with replacing_folder(folder) as temporary:
        for path in EXAMPLES.glob("*.csv"):
            shutil.copyfile(path, temporary / path.name)
    return sorted(folder.iterdir())


def main() -> int:
    """Write the templates and say what to do with them; the exit code."""
    folder = output_folder() / "templates"
    try:
        names = ", ".join(path.name for path in write_templates(folder))
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(
        f"{folder} has {names}.\n"
        f"They load as they are: make pipeline PARAMS=own_files DATA={shlex.quote(str(folder))}\n"
        "Put your shop's lines in their place; params/own_files.yml explains other names, formats and keys.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
