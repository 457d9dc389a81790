"""Tests of the command that writes the page of one notebook."""

import os
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from lib.run import report
from lib.run.steps import NOTEBOOKS


def test_the_page_lies_next_to_the_notebook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "my report.ipynb"
    copy.write_bytes((NOTEBOOKS / "05_cohort.ipynb").read_bytes())
    assert report.main([str(copy)]) == 0
    assert capsys.readouterr().out == f"open '{tmp_path}/my report.html'\n"
    page = (tmp_path / "my report.html").read_text("utf-8")
    assert "Cohort report" in page
    assert "This file is a template" not in page
    assert "In JupyterLab:" not in page


@pytest.mark.parametrize("name", ["", "mine", "gone.ipynb"])
def test_a_wrong_path_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main([name]) == 2
    assert capsys.readouterr().err.startswith(f"error: no notebook {name!r}")


def test_a_similar_notebook_is_suggested(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = own_folders / "lab" / "demo" / "weekends.ipynb"
    mine.parent.mkdir(parents=True)
    mine.write_text("{}", encoding="utf-8")
    assert report.main([str(mine).replace("weekends", "weekend")]) == 2
    assert capsys.readouterr().err.endswith(f"make report NOTEBOOK={os.path.relpath(mine)}\n")


def test_a_notebook_that_was_not_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine.ipynb"
    nbformat.write(v4.new_notebook(cells=[v4.new_markdown_cell("# Mine"), v4.new_code_cell("1 + 1")]), mine)
    assert report.main([str(mine)]) == 2
    assert f"jupyter execute --inplace {mine}" in capsys.readouterr().err
    assert not mine.with_suffix(".html").exists()
