"""The order of a run follows from what each notebook needs and gives."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from nbformat import v4, write

from lib.errors import UsageError
from lib.run.steps import discover, stages
from tests.conftest import git


def notebook(folder: Path, name: str, heading: str = "", **workbook: object) -> Path:
    """A notebook of one cell; its metadata declare `workbook` unless that is empty."""
    cells = [{"cell_type": "markdown", "source": [f"# {heading}\n", "Text"]}] if heading else []
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {"workbook": workbook} if workbook else {}}))
    return path


def names(folder: Path) -> list[list[str]]:
    return [[step.name for step in stage] for stage in stages(discover(folder))]


def test_a_step_runs_after_everything_that_gives_what_it_needs(tmp_path: Path) -> None:
    notebook(tmp_path, "01_last", needs=["reports"], gives=["dashboard"])
    notebook(tmp_path, "02_first", needs=[], gives=["database"])
    notebook(tmp_path, "03_report")
    notebook(tmp_path, "04_report")
    assert names(tmp_path) == [["02_first"], ["03_report", "04_report"], ["01_last"]]


def test_a_notebook_without_metadata_is_a_report_titled_by_its_heading(tmp_path: Path) -> None:
    notebook(tmp_path, "01_load", needs=[], gives=["database"])
    notebook(tmp_path, "02_sales", heading="Sales *today*")
    step = discover(tmp_path)[1]
    assert (step.title, step.page, step.is_report, step.optional) == ("Sales today", "02_sales.html", True, False)


def test_a_notebook_without_a_heading_is_titled_by_its_file_name(tmp_path: Path) -> None:
    notebook(tmp_path, "01_load", needs=[], gives=["database"])
    assert discover(tmp_path)[0].title == "01_load"


def test_a_notebook_without_a_number_is_not_a_step(tmp_path: Path) -> None:
    notebook(tmp_path, "01_load", needs=[], gives=["database"])
    notebook(tmp_path, "my_own_questions")
    assert names(tmp_path) == [["01_load"]]


def test_needs_that_nothing_gives_are_refused(tmp_path: Path) -> None:
    notebook(tmp_path, "01_report")
    with pytest.raises(UsageError, match="can never start: 01_report needs database; expected that another notebook"):
        discover(tmp_path)


def test_a_circle_of_needs_is_refused(tmp_path: Path) -> None:
    notebook(tmp_path, "01_one", needs=["b"], gives=["a"])
    notebook(tmp_path, "02_two", needs=["a"], gives=["b"])
    with pytest.raises(UsageError, match="01_one needs b; 02_two needs a"):
        discover(tmp_path)


def test_an_unknown_key_of_the_metadata_is_refused(tmp_path: Path) -> None:
    notebook(tmp_path, "01_report", wants=["database"])
    with pytest.raises(UsageError, match=r"01_report.ipynb: metadata `workbook` is .*; expected only the keys needs"):
        discover(tmp_path)


def test_a_file_that_is_not_a_notebook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "01_report.ipynb").write_text("")
    with pytest.raises(UsageError, match=r"01_report.ipynb is not a notebook"):
        discover(tmp_path)


@pytest.mark.slow
def test_a_notebook_of_your_own_becomes_a_step_with_a_page(project: Path, empty_database: sa.URL) -> None:
    for name in ("04_executive", "05_cohort", "06_forecast", "08_customers"):
        (project / "notebooks" / f"{name}.ipynb").unlink()  # they take time and are not the point
    cells = [
        v4.new_markdown_cell("# Returns\n\nHow many orders came back?"),
        v4.new_code_cell("from lib.db import query\nquery('SELECT count(*) AS orders FROM orders')"),
    ]
    write(v4.new_notebook(cells=cells), project / "notebooks" / "09_returns.ipynb")
    command = [sys.executable, "-m", "lib.run.pipeline", "--params", "sample", "--set", "workers=1"]
    ran = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert re.search(r"^\d/5  09_returns +completed", ran.stdout, re.MULTILINE)
    page = (project / "output" / "reports" / "09_returns.html").read_text("utf-8")
    assert "How many orders came back?" in page
    for other in ("index", "03_load"):
        assert 'href="09_returns.html"' in (project / "output" / "reports" / f"{other}.html").read_text("utf-8")
    assert (
        git(project, "status", "--short", "--untracked-files=all").splitlines()[-1] == "?? notebooks/09_returns.ipynb"
    )
