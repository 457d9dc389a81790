"""Tests of the notebooks: form, parameters, and saved outputs that are reproduced."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import sqlalchemy as sa

from lib.run import refresh
from lib.run.steps import NOTEBOOKS, discover


def is_template(path: Path) -> bool:
    """Whether a notebook is one of the workbook, which says so in its first cell; yours may have any form."""
    return "template-note" in nbformat.read(path, as_version=4).cells[0].metadata.get("tags", [])


PATHS = [step.path for step in discover() if is_template(step.path)]
EXPLORE = NOTEBOOKS / "explore.ipynb"
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


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def book(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    """One of the notebooks."""
    return nbformat.read(request.param, as_version=4)


def code(book: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def test_form(book: nbformat.NotebookNode) -> None:
    _, title, parameters, imports = book.cells[:4]
    assert title.source.startswith("# ")
    assert "*Reads*" in title.source
    assert parameters.metadata.tags == ["parameters"]
    assert all(line.startswith(("from ", "import ")) for line in imports.source.splitlines() if line)
    assert book.cells[-1].cell_type == "markdown"
    assert "## Checks" in "\n".join(cell.source for cell in book.cells) or title.source.startswith("# Metabase")


def test_parameters_cell_says_what_the_model_says(book: nbformat.NotebookNode) -> None:
    saved = book.cells[2].source
    names = re.findall(r"^(\w+):", saved, re.MULTILINE)
    expected = refresh.parameter_cell(names)
    assert saved == expected, f"the parameters cell should be (`make refresh` writes it):\n{expected}"


def test_cells_hold_calls_and_figures_only(book: nbformat.NotebookNode) -> None:
    found = [(word, source) for source in sources(book) for word in BANNED if re.search(word, source, re.MULTILINE)]
    assert not found


def test_cells_are_short_and_plain(book: nbformat.NotebookNode) -> None:
    everything = [cell.source for cell in code(book)]
    assert [source for source in sources(book) if len(source.splitlines()) > 12] == []
    assert [line for source in everything for line in source.splitlines() if len(line) > 100] == []
    assert [source for source in everything if has_nested_comprehension(source)] == []
    assert len(book.cells) - len(everything) >= len(everything) / 2, "less prose than half the cells of code"


def sources(book: nbformat.NotebookNode) -> list[str]:
    """Sources of the code cells but for the parameters cell."""
    return [cell.source for cell in code(book) if "parameters" not in cell.metadata.get("tags", [])]


def has_nested_comprehension(source: str) -> bool:
    kinds = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    outer = [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    return any(isinstance(inner, kinds) for node in outer for inner in ast.walk(node) if inner is not node)


def test_notebooks_import_packages_only(book: nbformat.NotebookNode) -> None:
    packages = {"", "db", "data", "load", "analysis", "report", "report.text", "metabase", "run"}
    lines = [line for source in sources(book) for line in source.splitlines()]
    imported = [match[1] or "" for line in lines if (match := re.match(r"from lib(?:\.([\w.]+))? import", line))]
    assert imported, "a notebook uses the packages of lib"
    assert set(imported) <= packages


def test_saved_outputs_contain_no_trace_of_a_machine(book: nbformat.NotebookNode) -> None:
    text = nbformat.writes(book)
    assert not re.search(r"127\.0\.0\.1|localhost|/root|/home/|/tmp/|postgresql://", text)
    assert all("execution" not in cell.metadata for cell in book.cells)


def nbval(*paths: Path) -> subprocess.CompletedProcess[str]:
    """Run the notebooks again and compare every output with the saved one."""
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", "-n0", "-p", "no:cacheprovider"]
    options = ["-o", "addopts=", "-o", "filterwarnings=default", "--rootdir", str(paths[0].parent), "-c", os.devnull]
    return subprocess.run([*command, *options, *map(str, paths)], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_outputs_are_reproduced(empty_database: sa.URL) -> None:
    ran = nbval(*PATHS, EXPLORE)
    assert ran.returncode == 0, ran.stdout[-8000:]
    count = sum(len(code(nbformat.read(path, as_version=4))) for path in (*PATHS, EXPLORE))
    assert f"{count} passed" in ran.stdout


@pytest.mark.slow
def test_a_changed_value_is_detected(tmp_path: Path) -> None:
    source = PATHS[1].read_text(encoding="utf-8")
    changed = tmp_path / "02_generate.ipynb"
    changed.write_text(source.replace("seed: int = 42", "seed: int = 43"), encoding="utf-8")
    ran = nbval(changed)
    assert ran.returncode == 1, ran.stdout[-8000:]
    assert "failed" in ran.stdout
