"""Renew what is generated: saved outputs and parameter cells of the notebooks, and params/demo.yml."""

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from lib.db import private
from lib.errors import UsageError, WorkbookError
from lib.run.kernels import kernel_manager, preload
from lib.run.notebook import parameter_names, prepare
from lib.run.params import Generate, Params
from lib.run.steps import notebooks
from lib.settings import PROJECT
from lib.util.files import replacing

__all__ = ["demo_file", "main", "parameter_cell", "refresh", "renew"]

CELL_SECONDS = 600
NOT_COMPARED = "nbval-ignore-output"
DEMO = PROJECT / "params" / "demo.yml"
COMMENT_COLUMN = 30
# Headings of params/demo.yml, each above the first parameter of its group.
GROUPS = {
    "seed": "The run",
    "generate": "The synthetic shop",
    "max_reject_share": "Your files and loading",
    "period": "The reports",
    "cell_timeout_s": "The runner",
}


def main() -> int:
    """Renew params/demo.yml and all notebooks; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="workbook-refresh-") as folder:
        try:
            with replacing(DEMO) as temporary:
                temporary.write_text(demo_file(), encoding="utf-8")
            refresh(Path(folder))
        except WorkbookError as error:
            sys.stderr.write(f"error: {error}\n")
            return error.exit_code
        finally:
            private.reset(Path(folder) / "postgres")
    return 0


def demo_file() -> str:
    """Text of params/demo.yml: every parameter that a shop without files has, with default and description."""
    lines = ["# The default: a synthetic shop of about 26,000 rows. Every parameter with its default and its meaning."]
    defaults = Params().values()
    for name, field in Params.model_fields.items():
        if name in ("data", "mapping"):
            continue
        if name in GROUPS:
            lines += ["", f"# {GROUPS[name]}"]
        if name == "generate":
            lines.append(_commented("generate:", field.description))
            for size, part in Generate.model_fields.items():
                lines.append(_commented(f"  {size}: {_yaml(defaults[name][size])}", part.description))
        else:
            lines.append(_commented(f"{name}: {_yaml(defaults[name])}", field.description))
    return "\n".join(lines) + "\n"


def _commented(text: str, description: str | None) -> str:
    return f"{f'{text}  ':<{COMMENT_COLUMN}}# {description}"


def _yaml(value: object) -> str:
    """The value as YAML writes it; dates stay unquoted."""
    text: str = yaml.safe_dump(value, default_flow_style=True)
    return text.splitlines()[0].strip("'") or '""'


def parameter_cell(names: Iterable[str]) -> str:
    """Source of a notebook's parameters cell: name, type, default of the demo and description of each parameter.

    Raises:
        UsageError: A name that is not a parameter of a params file.
    """
    return "\n".join(_parameter(name) for name in names)


def _parameter(name: str) -> str:
    if name not in Params.model_fields:
        raise UsageError(
            f"unknown parameter {name!r} in a notebook; expected one that lib/run/params.py has. Add it there"
        )
    value, description = Params().values()[name], Params.model_fields[name].description
    if isinstance(value, dict):
        entries = "".join(f'    "{key}": {entry!r},\n' for key, entry in value.items())
        return f"{name}: dict = {{\n{entries}}}  # {description}"
    kind = "dict" if value is None else type(value).__name__
    shown = f'"{value}"' if isinstance(value, str) else repr(value)
    return f"{name}: {kind} = {shown}  # {description}"


def refresh(output: Path) -> None:
    """Run every notebook with its defaults, the steps first, and save it; all that it writes goes to `output`."""
    # Kernels read their settings from the environment: neither the user's database nor .env is used.
    os.environ |= {"WORKBOOK_OUTPUT": str(output), "WORKBOOK_ENV_FILE": "", "DATABASE_URL": "", "DB_HOST": ""}
    os.environ |= {"METABASE_URL": "", "WORKBOOK_LOCALE": ""}
    prepare()
    preload()
    for path in notebooks():
        renew(path)
        sys.stdout.write(f"renewed {path.stem}\n")


def renew(path: Path) -> None:
    """Rewrite the parameters cell of the notebook, run it and save its outputs.

    A cell whose output is not compared keeps the saved one, so that a diff shows only what changed in the data.

    Raises:
        WorkbookError: A cell fails; the notebook is left unchanged.
    """
    import nbformat
    from nbclient.exceptions import CellExecutionError

    book = nbformat.read(path, as_version=4)
    kept = {cell.id: cell.outputs for cell in book.cells if NOT_COMPARED in cell.metadata.get("tags", [])}
    names = parameter_names(path)
    for cell in book.cells:
        if names and "parameters" in cell.metadata.get("tags", []):
            cell.source = parameter_cell(names)
    try:
        _run(book, path.parent)
    except CellExecutionError as error:
        raise WorkbookError(f"{path.name} failed and is unchanged: {error.ename}: {error.evalue}") from error
    for cell in book.cells:
        if kept.get(cell.id):
            cell.outputs = kept[cell.id]
    book.metadata["language_info"] = {"name": "python"}  # the Python version differs between machines
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
