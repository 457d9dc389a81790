"""Tests of the tools for JupyterLab: explanations name the question; controls ask again, and only there."""

import pandas as pd
import plotly.graph_objects as go
import pytest
import sqlalchemy as sa

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
    assert "computed in the cells above" in repr(found)
    assert found.frame is FRAME


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
    assert exploring.explain(figure).frame is FRAME
