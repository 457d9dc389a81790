"""Tests of the figures: what they hold, what they say in words, and that names show exactly."""

import json

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from lib import charts
from lib.charts import look

DAILY = pd.DataFrame(
    {"date": pd.date_range("2025-01-01", periods=3), "revenue": [1.0, 5.0, 2.0], "mean": [1.0, 2.0, 3.0]}
)
HOSTILE = '<a href="https://x.example">A & B</a>'


def test_it_shows_itself_as_plain_json_and_words() -> None:
    shown = charts.lines(DAILY, "date", {"revenue": "revenue"})._repr_mimebundle_()
    figure = shown[look.MIME]
    assert set(figure) == {"data", "layout", "config"}
    assert json.dumps(figure)
    assert shown["text/plain"] == figure["layout"]["meta"]["alt"]
    assert figure["config"]["showSendToCloud"] is False


def test_a_notebook_shows_it_the_same_way() -> None:
    shown, _ = InteractiveShell.instance().display_formatter.format(charts.lines(DAILY, "date", {"revenue": "revenue"}))
    assert set(shown) == {look.MIME, "text/plain"}
    assert shown["text/plain"].startswith("revenue from 2025-01-01")


def test_words_name_the_extremes() -> None:
    alt = charts.lines(DAILY, "date", {"revenue": "Revenue"}, unit="USD").layout.meta["alt"]
    assert alt == "Revenue from 2025-01-01 to 2025-01-03: lowest $1 at 2025-01-01, highest $5 at 2025-01-02."


def test_the_main_line_lies_on_top() -> None:
    figure = charts.lines(DAILY, "date", {"revenue": "revenue", "mean": "mean"})
    assert [trace.name for trace in figure.data] == ["mean", "revenue"]


def test_two_products_of_one_name_stay_two_bars() -> None:
    figure = charts.ranking(pd.DataFrame({"name": ["Mug", "Mug"], "revenue": [2, 1]}), "name", "revenue")
    assert list(figure.data[0].y) == [0, 1]
    assert list(figure.layout.yaxis.ticktext) == ["Mug", "Mug"]


def test_names_are_shown_exactly() -> None:
    figure = charts.ranking(pd.DataFrame({"name": [HOSTILE], "revenue": [2]}), "name", "revenue")
    assert figure.data[0].customdata[0] == '&lt;a href="https://x.example"&gt;A &amp; B&lt;/a&gt;'
    assert "<a" not in figure.layout.yaxis.ticktext[0]


def test_an_unobserved_cell_is_not_drawn() -> None:
    matrix = pd.DataFrame([[0.5, np.nan]], index=pd.to_datetime(["2025-01-01"]))
    figure = charts.heatmap(matrix, "cohort", "month")
    assert np.isnan(figure.data[0].z[0][1])
    assert "1 observed cells" in figure.layout.meta["alt"]


def test_the_map_knows_countries_by_their_code() -> None:
    frame = pd.DataFrame({"country_code": ["GB", None, "MT"], "country": ["UK", "EU", "Malta"], "customers": [3, 2, 1]})
    figure = charts.country_map(frame, "customers", "customers")
    assert list(figure.data[0].locations) == ["GBR", "MLT"]
    assert "2 countries" in figure.layout.meta["alt"]


@pytest.mark.parametrize(("value", "top"), [(50, 150), (400, 400)])
def test_the_gauge_has_room_for_its_value(value: float, top: float) -> None:
    assert charts.gauge(value, 100, "USD").data[0].gauge.axis.range == (0, top)


def test_the_fan_has_both_bands_and_the_history() -> None:
    ahead = pd.DataFrame({"date": pd.date_range("2025-01-04", periods=2), "forecast": [2.0, 2.0]})
    bounds = {f"{side}_{level}": 2.0 + sign for level in (80, 95) for side, sign in (("lower", -1), ("upper", 1))}
    figure = charts.fan(DAILY, ahead.assign(**bounds), "USD")
    assert [trace.name for trace in figure.data] == ["95 % interval", "80 % interval", "revenue", "forecast"]


def test_entities_draws_every_reference() -> None:
    keys = pd.DataFrame({"table": ["orders"], "references": ["users"]})
    figure = charts.entities(keys, {"users": "9 columns", "orders": "8 columns"})
    assert len(figure.data) == 1
    assert len(figure.layout.annotations) == 2


@pytest.mark.parametrize("draw", [charts.lines, charts.bars])
def test_nothing_to_show_is_said(draw: object) -> None:
    assert draw(DAILY.head(0), "date", {"revenue": "Revenue"}).layout.meta["alt"] == "Revenue: nothing to show."


SEGMENTS = pd.DataFrame({"name": [HOSTILE, "B", "C"], "revenue": [30.0, 10.0, 0.0], "share": [0.75, 0.25, 0.0]})


def test_tiles_are_as_large_as_their_value_and_named_exactly() -> None:
    figure = charts.treemap(SEGMENTS, "name", "revenue", "share", unit="USD")
    assert list(figure.data[0].values) == [30, 10]
    assert figure.data[0].labels[0] == '&lt;a href="https://x.example"&gt;A &amp; B&lt;/a&gt;'
    assert figure.layout.meta["alt"] == f"Tiles by revenue: {HOSTILE} $30, B $10."


def test_points_are_of_customers_with_both_values_and_not_too_many() -> None:
    frame = pd.DataFrame({"revenue": [0.0, *range(1, 1_201)], "predicted_value": [5.0, np.nan, *range(1, 1_200)]})
    figure = charts.past_and_future(frame, "revenue", "predicted_value", "USD")
    assert 300 < len(figure.data[0].x) <= 500
    assert min(figure.data[0].x) >= 2
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert "of 1199 customers: revenue against predicted value" in figure.layout.meta["alt"]


def test_chances_said_are_held_against_what_came() -> None:
    frame = pd.DataFrame({"group": [1, 2], "customers": [10, 10], "said": [0.2, 0.8], "came": [0.3, 0.9]})
    figure = charts.reliability(frame)
    assert [list(trace.x) for trace in figure.data] == [[0.2, 0.9], [0.2, 0.8]]
    assert figure.layout.meta["alt"] == "Chances said and shares come, by group: 20% and 30%, 80% and 90%."


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        (charts.treemap(SEGMENTS.tail(1), "name", "revenue", "share"), "There is no revenue to draw."),
        (charts.reliability(pd.DataFrame(columns=["group", "customers", "said", "came"])), "Too few customers"),
        (
            charts.past_and_future(
                pd.DataFrame({"revenue": [1.0], "predicted_value": [np.nan]}), "revenue", "predicted_value", "USD"
            ),
            "No customer has both",
        ),
    ],
)
def test_an_empty_figure_says_why(figure: charts.Chart, reason: str) -> None:
    assert figure.layout.annotations[0].text.replace("<br>", " ").startswith(reason)
    assert figure.layout.meta["alt"].startswith(reason)
