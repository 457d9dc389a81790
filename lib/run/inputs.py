"""The inputs of a step: its notebook, the code it imports, parameters, files and library versions."""

import ast
import hashlib
import json
import platform
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lib import settings
from lib.data.imports.sources import named_files
from lib.run.notebook import parameter_names
from lib.run.steps import Step
from lib.settings import PROJECT

__all__ = ["changed", "code", "inputs"]

SHOWN_BY_ALL = ("as_of", "time_zone", "sales_basis", "locale")  # parameters that every page shows or is written with
EXPORTER = "lib.report.pages"  # makes the page of each notebook
METABASE = "lib/metabase/__init__.py"  # what uses it depends on the address of the server too
READS_FILES = "data"  # the parameter that names a person's files


def inputs(steps: Sequence[Step], values: dict[str, Any]) -> dict[Step, dict[str, Any]]:
    """Everything on which the executed notebook and the page of each step depend, except the database.

    Returns:
        For each step: notebook, code, files and environment, a digest each; parameters, the values of those it uses.
    """
    content = cache(_content)  # most files are used by several steps
    installed = sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
    pages = [step.page for step in steps]
    environment = [platform.python_version(), installed, pages]
    files = _digest([[str(path), content(path)] for path in _files(values)])
    found = {}
    for step in steps:
        book = json.loads(step.path.read_text(encoding="utf-8"))
        cells = [[cell["cell_type"], "".join(cell["source"]), cell["metadata"]] for cell in book["cells"]]
        names = [*parameter_names(step.path), *SHOWN_BY_ALL]
        used = code(step.path)
        server = settings.get("METABASE_URL") if PROJECT / METABASE in used else ""
        found[step] = {
            "notebook": _digest([cells, book["metadata"].get("workbook")]),
            "code": _digest([[str(path), content(path)] for path in used]),
            "parameters": {name: values[name] for name in sorted(names) if name in values},
            "files": files if READS_FILES in names else "",
            "environment": _digest([*environment, server]),
        }
    return found


def changed(before: dict[str, Any], now: dict[str, Any]) -> str:
    """The first input that differs, in words; empty if none does."""
    words = {
        "notebook": "its notebook changed",
        "code": "code that it uses changed",
        "files": "your files changed",
        "environment": "libraries, settings or the list of reports changed",
    }
    for name, text in words.items():
        if before.get(name) != now[name]:
            return text
    was, values = before.get("parameters", {}), now["parameters"]
    different = [name for name in values if was.get(name) != values[name]]
    return f"{', '.join(different)} changed" if different else ""


def code(notebook: Path) -> list[Path]:
    """Files of lib on which a notebook depends: the modules that it imports, theirs, and all files that are not Python.

    SQL, templates and tables of lib are read by names that are computed, so each notebook depends on all of them.
    """
    book = json.loads(notebook.read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    try:
        waiting = {EXPORTER, *(name for cell in cells for name in _imported(cell))}
    except SyntaxError:  # a cell with a command of IPython, such as %time
        waiting = set(_all_within(PROJECT / "lib"))
    found: set[Path] = set()
    while waiting:
        paths = {path for name in waiting for path in _modules(name)} - found
        found |= paths
        waiting = {name for path in paths for name in _imports_of(path)}
    others = (path for path in (PROJECT / "lib").rglob("*") if path.suffix not in (".py", ".pyc") and path.is_file())
    return sorted({*found, *others})


@cache
def _imports_of(path: Path) -> frozenset[str]:
    """Names of ours that the module imports, wherever it does; all of its package if it imports by computed names."""
    text = path.read_text(encoding="utf-8")
    names = set(_imported(text))
    if "import_module" in text:
        names |= set(_all_within(path.parent))
    return frozenset(names)


def _all_within(package: Path) -> Iterator[str]:
    """Names of all modules of a package."""
    yield from (".".join(module.relative_to(PROJECT).with_suffix("").parts) for module in package.rglob("*.py"))


def _imported(text: str) -> Iterator[str]:
    """Full names of what the code imports from lib: modules, or names within modules."""
    for node in _statements(ast.parse(text).body):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.split(".")[0] == "lib")
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "lib":
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The statements, with those within them; to walk through expressions too takes five times as long."""
    for node in body:
        yield node
        for block in ("body", "handlers", "orelse", "finalbody", "cases"):
            if isinstance(within := getattr(node, block, None), list):
                yield from _statements(within)


@cache
def _modules(name: str) -> tuple[Path, ...]:
    """Files that importing a name runs: those of its packages, and its own if it is a module."""
    package, _, last = name.rpartition(".")
    paths = (PROJECT / package.replace(".", "/") / f"{last}.py", PROJECT / name.replace(".", "/") / "__init__.py")
    return (*(_modules(package) if package else ()), *(path for path in paths if path.is_file()))


def _files(values: dict[str, Any]) -> list[Path]:
    """The person's files that the run reads."""
    if not values.get("data"):
        return []
    spend = (values.get("mapping") or {}).get("ad_spend", [])
    return [*named_files(Path(values["data"])), *map(Path, spend)]


def _content(path: Path) -> str:
    if not path.is_file():
        return "missing"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(facts: Iterable[Any]) -> str:
    return hashlib.sha256(json.dumps(list(facts), sort_keys=True).encode()).hexdigest()[:16]
