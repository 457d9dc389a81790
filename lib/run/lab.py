"""JupyterLab in your shop: copies of the notebooks with the parameters of a run, and a start page with links."""

import argparse
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from pydantic import ValidationError

from lib import settings
from lib.errors import UsageError, WorkbookError
from lib.run import manifest, notebook, params
from lib.run.notebook import parameter_names, prepared
from lib.run.steps import NOTEBOOKS, notebooks
from lib.settings import PROJECT
from lib.util.files import replacing
from lib.util.headings import opening

if TYPE_CHECKING:  # nbformat is slow to import
    from nbformat import NotebookNode

__all__ = ["TEMPLATE_NOTE", "Copy", "Shop", "main", "prepare"]

START = "start.md"
MARK = "workbook_copy"  # metadata of a copy: digest of its cells as prepared
# Defaults of JupyterLab here: the start page is shown rendered, and no request leaves this machine.
SETTINGS = {
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
# Last lines of the cell with the parameters.
CHECK = """
from lib.run import params

params.check(globals())
"""
TEMPLATE_NOTE = "template-note"  # tag of the cell that says that a notebook is a template


@dataclass(frozen=True)
class Shop:
    """The shop that copies are prepared for: a name for its folder, all parameters, and the origin in words."""

    name: str
    values: dict[str, Any]
    origin: str


@dataclass(frozen=True)
class Copy:
    """One notebook of the folder. kept: your edited copy of the same notebook, if a newer one was put next to it."""

    path: Path
    title: str
    question: str
    kept: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare the copies and open JupyterLab on the start page; returns the exit code."""
    options, further = _options(arguments)
    notebook.prepare()
    try:
        shop = _shop(options)
        folder = settings.output_folder() / "lab" / shop.name
        if options.diff:
            _show_edits(folder)
            return 0
        prepare(shop, folder)
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(f"{shop.origin}: {shlex.quote(str(folder))}\n")
    if not options.prepare:
        _open(folder, shop, further)
    return 0


def _options(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(prog="python -m lib.run.lab", description=__doc__)
    params.add_options(parser, "that of the last run")
    parser.add_argument("--prepare", action="store_true", help="prepare the copies, print their folder, and end")
    parser.add_argument("--diff", action="store_true", help="show the edits of the copies, and end")
    parser.epilog = "Further options are passed to JupyterLab."
    return parser.parse_known_args(arguments)


def _shop(options: argparse.Namespace) -> Shop:
    """The shop that the options name, else that of the last completed run, else the demo."""
    if options.params or options.data or options.set:
        file, found = params.chosen(options)
        return _named(file.stem, found, f"notebooks with the parameters of {file.name}")
    run = manifest.last_completed(settings.output_folder())
    if run is None:
        demo = params.load(params.find("demo"))
        return _named("demo", demo, "no completed run, so notebooks with the parameters of demo.yml")
    try:
        values = params.Params.model_validate(run["params"])
    except ValidationError as error:
        raise UsageError(
            f"the last run ({run['run_id']}) has parameters of another version of the workbook. "
            "Run `make pipeline` again, or name a params file, as in `make lab PARAMS=demo`."
        ) from error
    return _named(Path(run["params_file"]).stem, values, f"notebooks with the parameters of run {run['run_id']}")


def _named(stem: str, found: params.Params, origin: str) -> Shop:
    parts = [stem, Path(found.data).name.partition(".")[0]] if found.data else [stem]
    name = "-".join(filter(None, (re.sub(r"\W+", "-", part).strip("-") for part in parts)))
    values = manifest.resolved(found.values(), settings.output_folder())
    return Shop(name or "shop", values | {"replace_shop": False}, origin)


def prepare(shop: Shop, folder: Path) -> list[Copy]:
    """Write the copies and the start page.

    A copy that was edited is never overwritten: if the template or the parameters have changed since, a newer copy is
    put next to it.

    Args:
        shop: Whose parameters the copies get.
        folder: Where they go; created if missing.

    Returns:
        The copies, in the order of the start page.

    Raises:
        OutputError: A file cannot be written.
    """
    copies = [_copy(template, shop.values, folder) for template in notebooks()]
    with replacing(folder / START) as temporary:
        temporary.write_text(_start_page(shop, copies, folder), encoding="utf-8")
    return copies


def _copy(template: Path, values: dict[str, Any], folder: Path) -> Copy:
    """Write the copy of a template where no edited copy lies, unless it is up to date.

    A file may be overwritten if it holds its cells as prepared; an edited copy of the same template and parameters is
    up to date and stays the copy.
    """
    import nbformat

    names = parameter_names(template)
    book = prepared(template, {name: values[name] for name in names if name in values})
    book.cells = [cell for cell in book.cells if TEMPLATE_NOTE not in cell.metadata.get("tags", [])]
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.source += CHECK
    book.metadata[MARK] = _digest(book)
    title, question = opening(book.cells)
    kept = ""
    for path in chain([folder / template.name], (folder / f"{template.stem}_{n}.ipynb" for n in count(2))):
        present = nbformat.read(path, as_version=4) if path.exists() else None
        if present and present.metadata.get(MARK) == book.metadata[MARK]:
            break
        if present is None or not _is_edited(present):
            with replacing(path) as temporary:
                nbformat.write(book, temporary)
            break
        kept = path.name
    return Copy(path, title or template.stem, question, kept)


def _is_edited(copy: "NotebookNode") -> bool:
    """Whether a notebook has other cells than `make lab` prepared."""
    return copy.metadata.get(MARK) != _digest(copy)


def _digest(book: "NotebookNode") -> str:
    """Digest of type and source of all cells, which is what people edit."""
    cells = [(cell.cell_type, cell.source) for cell in book.cells]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:16]


def _start_page(shop: Shop, copies: Sequence[Copy], folder: Path) -> str:
    rows = [f"| [{copy.title}]({copy.path.name}) | {copy.question} |" for copy in copies]
    kept = [
        f"- You edited `{copy.kept}`, and it is unchanged. `{copy.path.name}` has the present template and parameters."
        for copy in copies
        if copy.kept
    ]
    currency, as_of = shop.values["currency"], shop.values["as_of"]
    mine = shlex.quote(os.path.relpath(folder / "mine.ipynb", PROJECT))
    return "\n".join(
        [
            f"# Your shop: {folder.name}",
            "",
            f"These are {shop.origin}: amounts in {currency}, reports as of {as_of}.",
            "",
            "| notebook | question |",
            "|---|---|",
            *rows,
            "",
            *(["## Edited copies", "", *kept, ""] if kept else []),
            "## How to work here",
            "",
            "- Open a notebook and choose *Run > Run All Cells*. Change a cell and run it again.",
            "- `explore.ipynb` shows how to ask a question of your own in SQL and pandas.",
            "- *File > New > Notebook* starts a notebook of your own. Run it, save it, for example as `mine.ipynb`, "
            f"and in a terminal in the project's folder, `make report NOTEBOOK={mine}` makes a page of it.",
            "- The parameters are in the second code cell. Published reports and the templates in `notebooks/` do not "
            "change; `make lab` never overwrites a copy that you edited, and `make lab-diff` shows your edits.",
            "- `make pipeline` loads the data and publishes the reports. To load the data from here, run 02 and 03.",
            "",
        ]
    )


def _show_edits(folder: Path) -> None:
    """Print the edits of each copy with nbdime."""
    import nbformat

    edited = []
    for path in sorted(folder.glob("*.ipynb")):
        book = nbformat.read(path, as_version=4)
        template = NOTEBOOKS / f"{re.sub(r'_[0-9]+$', '', path.stem)}.ipynb"
        if template.exists() and MARK in book.metadata and _is_edited(book):
            edited.append((template, path))
    for template, path in edited:
        command = [sys.executable, "-m", "nbdime", "diff", "--sources", "--no-use-diff"]
        subprocess.run([*command, str(template), str(path)], check=False)
    if not edited:
        sys.stdout.write(f"no edited copy in {folder}\n")


def _open(folder: Path, shop: Shop, further: Sequence[str]) -> NoReturn:
    """Replace this process by JupyterLab on the start page, so that signals reach it."""
    # The map of the figures is served from the project's folder, so that is the root where the copies lie in it.
    root = PROJECT if folder.is_relative_to(PROJECT) else folder
    start = (folder / START).relative_to(root).as_posix()
    defaults = folder / ".jupyterlab"  # of this shop only: the open tabs are restored from it
    with replacing(defaults / "overrides.json") as temporary:
        temporary.write_text(json.dumps(SETTINGS, indent=1), encoding="utf-8")
    command = [
        sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--ServerApp.root_dir={root}",
        f"--FileContentsManager.preferred_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{quote(start)}", f"--LabApp.app_settings_dir={defaults}",
        f"--LabApp.workspaces_dir={defaults / 'workspaces'}",
        *(["--allow-root"] if os.geteuid() == 0 else []), *further,
    ]  # fmt: skip
    os.chdir(PROJECT)
    sys.stdout.flush()
    with settings.use_locale(shop.values["locale"]):
        os.execve(command[0], command, os.environ)  # noqa: S606


if __name__ == "__main__":
    sys.exit(main())
