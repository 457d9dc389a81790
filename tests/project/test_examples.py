"""Every function of lib that a notebook calls shows an example in its docstring, and the examples run.

An example is written as in a notebook, `charts.gauge(…)`, and runs with the imports of the notebooks that call the
function, so that it can be copied into a cell.
"""

import ast
import doctest
import importlib
import inspect
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from lib.run.steps import NOTEBOOKS

Names = dict[str, Any]
EXAMPLE = re.compile(r"^Example:\n(?: {4}.*\n)*? {4}>>> ", re.MULTILINE)
ON_A_DATABASE = ("lib.db", "lib.load")


def code(notebook: Path) -> list[ast.Module]:
    """The code cells of a notebook."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [ast.parse("".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]


def imports(tree: ast.AST) -> Iterator[tuple[str, Any]]:
    """Name and object of each import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((name.asname or name.name, importlib.import_module(name.name)) for name in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((name.asname or name.name, imported(node.module, name.name)) for name in node.names)


def imported(module: str, name: str) -> Any:
    """The object of `from module import name`: an attribute or a module."""
    found = getattr(importlib.import_module(module), name, None)
    return importlib.import_module(f"{module}.{name}") if found is None else found


def callables(tree: ast.AST, names: Names) -> Iterator[Any]:
    """The functions and classes of lib that the code names; instances with a call by their class."""
    for node in ast.walk(tree):
        found = resolved(node, names)
        for each in found.values() if isinstance(found, dict) else [found]:
            each = each if inspect.isroutine(each) or inspect.isclass(each) else type(each)
            if each.__module__.split(".")[0] == "lib":
                yield each


def resolved(node: ast.AST, names: Names) -> Any:
    """The object of a name or of an attribute of a module; None for everything else, such as results."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(owner := resolved(node.value, names), ModuleType):
        return getattr(owner, node.attr)
    return None


@cache
def called() -> dict[Callable[..., Any], Names]:
    """Every function and class of lib that a notebook calls, with the imports of these notebooks."""
    found: dict[Callable[..., Any], Names] = defaultdict(lambda: {"pd": pd})
    for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = code(notebook)
        names = {name: value for cell in cells for name, value in imports(cell)}
        for each in {each for cell in cells for each in callables(cell, names)}:
            found[each] |= names
    return found


def examples(function: Callable[..., Any], names: Names) -> doctest.DocTest:
    name = f"{function.__module__}.{function.__qualname__}"
    return doctest.DocTestParser().get_doctest(function.__doc__ or "", dict(names), name, None, 0)


def reads_a_database(test: doctest.DocTest) -> bool:
    """Whether an example uses something of lib.db or lib.load."""
    trees = [ast.parse(example.source) for example in test.examples]
    return any(each.__module__.startswith(ON_A_DATABASE) for tree in trees for each in callables(tree, test.globs))


@cache
def by_module(on_a_database: bool) -> dict[str, list[doctest.DocTest]]:
    """The examples of each module that need a database, or those that do not."""
    found = defaultdict(list)
    for function, names in called().items():
        test = examples(function, names)
        if test.examples and reads_a_database(test) == on_a_database:
            found[function.__module__].append(test)
    return dict(sorted(found.items()))


def failures(tests: list[doctest.DocTest]) -> str:
    """The examples whose output differs from the docstring, with both outputs; empty without a difference."""
    words: list[str] = []
    for test in tests:
        doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=words.append)
    return "".join(words)


def test_every_function_that_a_notebook_calls_has_an_example() -> None:
    lacking = [
        f"{each.__module__}.{each.__qualname__}"
        for each in called()
        if not EXAMPLE.search(inspect.cleandoc(each.__doc__ or ""))
    ]
    assert sorted(lacking) == [], "add an `Example:` section with a `>>>` line to these docstrings"


@pytest.mark.parametrize("module", by_module(on_a_database=False))
def test_the_examples_run(module: str) -> None:
    assert failures(by_module(on_a_database=False)[module]) == ""


@pytest.mark.slow
@pytest.mark.parametrize("module", by_module(on_a_database=True))
def test_the_examples_run_on_a_database(
    module: str, demo_database: sa.URL, demo_folder: Path, own_folders: Path
) -> None:
    own_folders.mkdir()
    (own_folders / "data").symlink_to(demo_folder)
    assert failures(by_module(on_a_database=True)[module]) == ""
