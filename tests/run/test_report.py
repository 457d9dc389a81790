"""Tests of the command that writes the page of one notebook."""

from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("name", "reason"), [("", "is not a notebook. Name one"), ("gone.ipynb", "is not a readable notebook")]
)
def test_a_wrong_path_is_refused(name: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main([name]) == 2
    assert reason in capsys.readouterr().err
