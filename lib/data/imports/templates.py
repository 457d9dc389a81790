"""Write an example of each table's CSV file to output/templates."""

import shlex
import shutil
import sys
from pathlib import Path

from lib.errors import WorkbookError
from lib.settings import output_folder
from lib.util.files import replacing_folder

__all__ = ["EXAMPLES", "main", "write_templates"]

EXAMPLES = Path(__file__).parent / "examples"  # a shop small enough to read, which loads unchanged


def write_templates(folder: Path) -> list[Path]:
    """Write the examples, replacing the content of `folder`.

    Returns:
        Paths of the files.

    Raises:
        OutputError: The folder cannot be written.
    """
    with replacing_folder(folder) as temporary:
        for path in EXAMPLES.glob("*.csv"):
            shutil.copyfile(path, temporary / path.name)
    return sorted(folder.iterdir())


def main() -> int:
    """Write the templates and print how to use them; return the exit code."""
    folder = output_folder() / "templates"
    try:
        names = ", ".join(path.name for path in write_templates(folder))
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(
        f"Wrote {names} to {folder}.\n"
        f"They load unchanged: make pipeline PARAMS=own_files DATA={shlex.quote(str(folder))}\n"
        "Replace their rows by those of your shop; params/own_files.yml explains other names, formats and keys.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
