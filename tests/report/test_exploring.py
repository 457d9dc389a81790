"""Tests of the tools for JupyterLab: explanations name the question; controls ask again, and only there."""

import pandas as pd
import plotly.graph_objects as go
import pytest
import sqlalchemy as sa
from IPython.core.interactiveshell import InteractiveShell

from lib.db import read
from lib.report import charts, display, exploring

YEAR = {"start": "2024-07-01", "end": "2025-07-01"}
FRAME = pd.DataFrame({"name": ["a", "b"], "value": [1.0, 2.0]})


@pytest.fixture
def jupyterlab(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting that JupyterLab gives to its kernels."""
    monkeypatch.setenv("JPY_SESSION_NAME", "04_executive.ipynb")


@pytest.mark.slow
def test_figure_table_and_frame_name_their_question(demo_database: sa.URL) -> None:
    daily = read("daily_kpis", **YEAR)
    results = (daily, display.table(daily), charts.lines(daily, "date", {"revenue": "revenue"}))
    found = [exploring.explain(result) for result in results]
    assert [explanation.questions[0].name for explanation in found] == ["daily_kpis"] * 3
    assert "Measures of daily_kpis per day" in repr(found[2])
    assert repr(found[2]).startswith("Revenue from ")
    assert found[2].frame["revenue"].sum() == daily["revenue"].sum()


def test_rows_without_a_question_are_explained_too() -> None:
    found = exploring.explain(display.table(FRAME))
    assert found.questions == ()
    assert "No question is recorded" in repr(found)
    assert found.frame is FRAME


def test_the_cells_that_computed_a_result_are_listed(jupyterlab: None) -> None:
    shell = InteractiveShell.instance()
    try:
        shell.user_ns.update(read_sales=lambda: FRAME, display=display, explain=exploring.explain)
        cells = (
            "unused = dict()",
            "limit = 2",
            "sales = read_sales()",
            "half = (",
            "best = sales.nlargest(limit, 'value')\nshown = display.table(best)",
            "found = explain(shown)",
        )
        for cell in cells:
            shell.run_cell(cell, store_history=True)
        found = shell.user_ns["found"]
    finally:
        InteractiveShell.clear_instance()
    assert found.steps == (
        "[3] sales = read_sales()",
        "[5] best = sales.nlargest(limit, 'value')",
        "[5] shown = display.table(best)",
    )
    assert "Computed in these cells:\n[3] sales = read_sales()\n" in repr(found)


def test_a_figure_without_values_is_not_written_out() -> None:
    assert repr(exploring.explain(go.Figure())).startswith("A Figure, which keeps no values.")


def test_outside_of_jupyterlab_there_is_no_control() -> None:
    assert exploring.choose("Name", {"a": {}}, pd.DataFrame, repr) is None
    assert exploring.browse(FRAME) is FRAME


def test_a_control_asks_again(jupyterlab: None) -> None:
    asked: list[str] = []
    options = {"first": {"name": "a"}, "second": {"name": "b"}}
    control = exploring.choose(
        "Name", options, lambda name: FRAME[FRAME["name"] == name], lambda f: asked.extend(f.name)
    )
    control.children[0].value = "second"
    assert asked == ["a", "b"]


def test_a_browsed_table_needs_no_network(jupyterlab: None) -> None:
    html = exploring.browse(FRAME).data
    assert "<table" in html
    assert "cdn." not in html


def test_an_own_figure_is_a_chart_in_the_house_style() -> None:
    figure = charts.own(go.Figure().add_bar(x=["a"], y=[1]), "One bar.", FRAME)
    assert figure.layout.meta["alt"] == "One bar."
    assert figure.layout.font.color == charts.theme().layout.font.color
    assert len(set(charts.theme().layout.colorway)) == 7
    assert exploring.explain(figure).frame is FRAME
