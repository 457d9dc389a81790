"""Tests of the notebooks: their form, their parameters, and that their saved outputs still hold."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
import sqlalchemy as sa

from lib.run import notebook, params
from lib.run.steps import discover

STEPS = [step.name for step in discover()]
PATHS = [step.path for step in discover()]
BANNED = (
    r"\bdef ",
    r"\bclass ",
    r"\blambda\b",
    r"\bSELECT\b",
    r"\b(px|go)\.",
    r"sys\.path",
    r"^[%!]",
    "Markdown",
    "HTML",
)


@pytest.fixture(params=PATHS, ids=STEPS)
def book(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    """One of the notebooks."""
    return nbformat.read(request.param, as_version=4)


def code(book: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def test_form(book: nbformat.NotebookNode) -> None:
    title, parameters, imports = book.cells[:3]
    assert title.source.startswith("# ")
    assert "*Reads*" in title.source
    assert parameters.metadata.tags == ["parameters"]
    assert all(line.startswith(("from ", "import ")) for line in imports.source.splitlines() if line)
    assert book.cells[-1].cell_type == "markdown"
    assert "## Checks" in "\n".join(cell.source for cell in book.cells) or book.cells[0].source.startswith("# Metabase")


@pytest.mark.parametrize("path", PATHS, ids=STEPS)
def test_every_parameter_has_a_type_and_a_help(path: Path) -> None:
    notebook.prepare()
    found = papermill.inspect_notebook(str(path)).values()
    assert all(fact["inferred_type_name"] != "None" and fact["help"] for fact in found)


def test_words_calls_and_figures_only(book: nbformat.NotebookNode) -> None:
    sources = [cell.source for cell in code(book) if "parameters" not in cell.metadata.get("tags", [])]
    found = [(word, source) for source in sources for word in BANNED if re.search(word, source, re.MULTILINE)]
    assert not found
    lines = [line for source in sources for line in source.splitlines()]
    assert len(lines) <= 45
    assert max(len(source.splitlines()) for source in sources) <= 8
    assert len(book.cells) - len(sources) >= len(sources) / 2


@pytest.mark.parametrize("path", PATHS, ids=STEPS)
def test_defaults_are_the_demo(path: Path) -> None:
    notebook.prepare()
    demo = params.load(params.find("demo")).values()
    space: dict = {}
    exec(nbformat.read(path, as_version=4).cells[1].source, space)  # noqa: S102 - the parameters cell
    defaults = {name: value for name, value in space.items() if not name.startswith("__")}
    assert defaults == {name: demo[name] for name in defaults}


def test_saved_outputs_tell_nothing_of_a_machine(book: nbformat.NotebookNode) -> None:
    text = nbformat.writes(book)
    assert not re.search(r"127\.0\.0\.1|localhost|/root|/home/|/tmp/|postgresql://", text)
    assert all("execution" not in cell.metadata for cell in book.cells)


def nbval(*paths: Path) -> subprocess.CompletedProcess[str]:
    """Run the notebooks again and compare every output with the saved one."""
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", "-n0", "-p", "no:cacheprovider"]
    options = ["-o", "addopts=", "-o", "filterwarnings=default", "--rootdir", str(paths[0].parent), "-c", os.devnull]
    return subprocess.run([*command, *options, *map(str, paths)], capture_output=True, text=True, check=False)


def test_outputs_hold_when_run_again(empty_database: sa.URL) -> None:
    ran = nbval(*PATHS)
    assert ran.returncode == 0, ran.stdout[-8000:]
    assert f"{sum(len(code(nbformat.read(path, as_version=4))) for path in PATHS)} passed" in ran.stdout


def test_one_changed_value_is_noticed(tmp_path: Path) -> None:
    source = PATHS[1].read_text(encoding="utf-8")
    changed = tmp_path / "02_generate.ipynb"
    changed.write_text(source.replace("seed: int = 42", "seed: int = 43"), encoding="utf-8")
    ran = nbval(changed)
    assert ran.returncode == 1, ran.stdout[-8000:]
    assert "failed" in ran.stdout
