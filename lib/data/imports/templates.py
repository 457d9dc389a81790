"""Write examples of the files of a format to output/templates: python -m lib.data.imports.templates FORMAT."""

import shlex
import shutil
import sys
from pathlib import Path

from lib.errors import UsageError, WorkbookError
from lib.settings import output_folder
from lib.util.files import replacing_folder
from lib.util.similar import did_you_mean

__all__ = ["EXAMPLES", "main", "write_templates"]

FOLDER = Path(__file__).parent / "examples"  # shops small enough to read, which load unchanged
EXAMPLES = {path.stem: path for path in sorted(FOLDER.iterdir())}  # a file, or a folder of files
PARAMS = {"tables": "own_files"}  # the params file that maps the example, if it is not called like it


def write_templates(folder: Path, name: str = "tables") -> list[Path]:
    """Write the example of a format, replacing the content of `folder`.

    Returns:
        Paths of the files.

    Raises:
        UsageError: No format of this name has an example.
        OutputError: The folder cannot be written.
    """
    if name not in EXAMPLES:
        known = ", ".join(EXAMPLES)
        raise UsageError(f"no example of {name!r}{did_you_mean(name, EXAMPLES)}; expected FORMAT={known}")
    example = EXAMPLES[name]
    with replacing_folder(folder) as temporary:
        for path in example.glob("*.csv") if example.is_dir() else [example]:
            shutil.copyfile(path, temporary / path.name)
    return sorted(folder.iterdir())


def main(name: str = "tables") -> int:
    """Write the example of a format and print how to use it; return the exit code."""
    folder = output_folder() / "templates"
    try:
        paths = write_templates(folder, name)
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    data, params = folder if EXAMPLES[name].is_dir() else paths[0], PARAMS.get(name, name)
    sys.stdout.write(
        f"Wrote {', '.join(path.name for path in paths)} to {folder}.\n"
        f"Run it unchanged: make pipeline PARAMS={params} DATA={shlex.quote(str(data))}\n"
        f"Replace the rows by those of your shop; params/{params}.yml explains other names, formats and keys.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
