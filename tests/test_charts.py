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


AHEAD = pd.DataFrame({"date": pd.date_range("2025-01-04", periods=2), "forecast": [2.0, 3.0]}).assign(
    **{f"{side}_{level}": 2.0 + sign for level in (80, 95) for side, sign in (("lower", -1), ("upper", 1))}
)


def test_the_fan_has_both_bands_and_the_history_which_it_joins() -> None:
    figure = charts.fan(DAILY, AHEAD, "USD")
    assert [trace.name for trace in figure.data] == ["95 % interval", "80 % interval", "revenue", "forecast"]
    assert list(figure.data[-1].y) == [2, 2, 3]
    assert figure.layout.meta["alt"].startswith("Forecast from 2025-01-04 to 2025-01-05: lowest $2")


def test_the_fan_shows_other_models_and_marks_holidays() -> None:
    holidays = pd.Series([HOSTILE], index=pd.to_datetime(["2025-01-05"]))
    figure = charts.fan(DAILY, AHEAD.assign(ETS=1.0, ARIMA=2.0), "USD", holidays)
    assert [trace.name for trace in figure.data[3:]] == ["ETS", "ARIMA", "forecast", "holiday"]
    assert figure.data[-1].customdata[0].startswith("&lt;a href")


def test_hindsight_sets_what_came_beside_what_was_said() -> None:
    told = AHEAD.rename(columns={"forecast": "combination"}).assign(actual=[4.0, 5.0], ETS=1.0)
    figure = charts.hindsight(told, "combination", "USD")
    assert [trace.name for trace in figure.data] == ["80 % interval", "ETS", "actual", "combination"]
    assert "highest $5" in figure.layout.meta["alt"]


def test_calibration_is_held_against_the_diagonal() -> None:
    figure = charts.calibration(pd.DataFrame({"nominal": [0.5, 0.8], "observed": [0.4, np.nan]}))
    assert list(figure.data[0].x) == list(figure.data[0].y) == [0, 1]
    assert figure.layout.meta["alt"] == "Share of days inside the intervals: 40% where 50% is meant."


@pytest.mark.parametrize(("months", "pictures"), [(["Jan", "Feb"], 3), ([], 2)])
def test_components_are_drawn_below_each_other(months: list[str], pictures: int) -> None:
    trend = pd.DataFrame({"date": DAILY["date"], "trend": [1.0, 2.0, 3.0]})
    week = pd.DataFrame({"weekday": ["Mon", "Tue"], "effect": [-0.5, 0.5]})
    year = pd.DataFrame({"month": months, "effect": [0.1] * len(months)})
    figure = charts.components(trend, week, year, "USD")
    assert len(figure.data) == len(figure.layout.annotations) == pictures
    assert "Effect of the weekday from Mon to Tue: lowest -50.0% at Mon" in figure.layout.meta["alt"]
    assert ("Effect of the month" in figure.layout.meta["alt"]) == (pictures == 3)


def test_odd_days_are_marked_with_their_cause() -> None:
    odd = pd.DataFrame({"date": DAILY["date"][1:2], "revenue": [5.0], "usual": [2.0], "cause": [HOSTILE]})
    figure = charts.odd_days(DAILY, odd, "USD")
    assert list(figure.data[1].customdata[0]) == ['&lt;a href="https://x.example"&gt;A &amp; B&lt;/a&gt;', "$2"]
    assert figure.layout.meta["alt"].startswith("Revenue per day with 1 odd days marked: 2025-01-02 $5")


@pytest.mark.parametrize("n", [0, 1, 3])
def test_every_part_has_a_small_fan(n: int) -> None:
    figure = charts.small_fans([(HOSTILE, DAILY, AHEAD)] * n, "USD")
    assert len(figure.data) == 3 * n
    assert not any("<a" in note.text for note in figure.layout.annotations)
    assert f"{n} parts" in figure.layout.meta["alt"]


def test_entities_draws_every_reference() -> None:
    keys = pd.DataFrame({"table": ["orders"], "references": ["users"]})
    figure = charts.entities(keys, {"users": "9 columns", "orders": "8 columns"})
    assert len(figure.data) == 1
    assert len(figure.layout.annotations) == 2


@pytest.mark.parametrize("draw", [charts.lines, charts.bars])
def test_nothing_to_show_is_said(draw: object) -> None:
    assert draw(DAILY.head(0), "date", {"revenue": "Revenue"}).layout.meta["alt"] == "Revenue: nothing to show."
