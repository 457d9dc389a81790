"""Tests of the charts: their data, their text alternatives, and that labels are escaped."""

import json
import pydoc

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from lib.analysis.forecast import Forecast, History, Segment
from lib.report import charts
from lib.report.charts import figure as look

DAILY = pd.DataFrame(
    {"date": pd.date_range("2025-01-01", periods=3), "revenue": [1.0, 5.0, 2.0], "mean": [1.0, 2.0, 3.0]}
)
HOSTILE = '<a href="https://x.example">A & B</a>'


def test_a_chart_displays_as_plotly_json_and_its_text_alternative() -> None:
    shown = charts.lines(DAILY, "date", {"revenue": "revenue"})._repr_mimebundle_()
    figure = shown[look.MIME]
    assert set(figure) == {"data", "layout", "config"}
    assert json.dumps(figure)
    alternative, hint = shown["text/plain"].splitlines()
    assert alternative == figure["layout"]["meta"]["alt"]
    assert "make report" in hint
    assert figure["config"]["showSendToCloud"] is False


def test_a_long_text_alternative_is_wrapped_where_figures_are_not_drawn() -> None:
    rows = pd.DataFrame({"name": [f"product {n}" for n in range(8)], "units": range(8)})
    shown = charts.bars(rows, "name", {"units": "units"})
    lines = shown._repr_mimebundle_()["text/plain"].splitlines()
    assert max(map(len, lines)) <= 100
    assert " ".join(lines[:-1]) == repr(shown)


def test_help_and_tab_show_the_charts_only() -> None:
    described = pydoc.render_doc(charts, renderer=pydoc.plaintext)
    assert all(f"{name}(" in described for name in charts.__all__)
    assert "update_layout" not in described  # of plotly's Figure
    assert dir(charts) == sorted(charts.__all__)


def test_a_notebook_displays_a_chart_the_same_way() -> None:
    shown, _ = InteractiveShell.instance().display_formatter.format(charts.lines(DAILY, "date", {"revenue": "revenue"}))
    assert set(shown) == {look.MIME, "text/plain"}
    assert shown["text/plain"].startswith("Revenue: 1 on Jan 1, 2025")


def test_text_alternative_names_the_extremes() -> None:
    daily = pd.DataFrame({"date": pd.date_range("2025-01-01", periods=9), "revenue": [2.0, 1, 3, 4, 5, 9, 8, 7, 6]})
    alt = charts.lines(daily, "date", {"revenue": "Revenue"}, unit="USD").layout.meta["alt"]
    assert alt == "Revenue from Jan 1, 2025 to Jan 9, 2025: lowest $1 on Jan 2, 2025, highest $9 on Jan 6, 2025."


def test_text_alternative_lists_few_values_and_names_months() -> None:
    monthly = DAILY.assign(date=pd.date_range("2025-01-01", periods=3, freq="MS"))
    alt = charts.bars(monthly, "date", {"revenue": "Revenue", "mean": "average"}, unit="USD").layout.meta["alt"]
    assert alt == "Revenue: $1 in Jan 2025, $5 in Feb 2025, $2 in Mar 2025. Average: lowest $1, highest $3."
    shares = pd.DataFrame({"lines": [1.0, 2.0], "share": [0.75, 0.25]})
    alt = charts.bars(shares, "lines", {"share": "share of orders"}, unit="%").layout.meta["alt"]
    assert alt == "Share of orders: 75.0% at 1, 25.0% at 2."


def test_text_alternative_of_a_concentration_curve_says_what_the_top_brings() -> None:
    curve = pd.DataFrame({"products": [0.0, 0.25, 0.5, 1.0], "revenue": [0.0, 0.5, 0.8, 1.0]})
    figure = charts.concentration(curve)
    expected = "The top 10% of the products bring 20% of the revenue, the top 20% 40%, half of them 80%."
    assert figure.layout.meta["alt"] == expected
    assert figure.layout.xaxis.title.text == "share of the products, the best first"
    buyers = curve.rename(columns={"products": "share_of_customers"}).assign(predicted_value=np.nan)
    series = {"revenue": "revenue to date", "predicted_value": "predicted value"}
    alt = charts.concentration(buyers, "buyers", "share_of_customers", series).layout.meta["alt"]
    assert alt.startswith("The top 10% of the buyers bring 20% of the revenue to date")
    assert alt.endswith("Concentration of buyers, predicted value: nothing to show.")


def test_the_main_line_lies_on_top() -> None:
    figure = charts.lines(DAILY, "date", {"revenue": "revenue", "mean": "mean"})
    assert [trace.name for trace in figure.data] == ["mean", "revenue"]


def test_products_with_the_same_name_stay_separate_bars() -> None:
    mugs = pd.DataFrame({"name": ["Mug", "Mug"], "revenue": [2, 1], "previous_revenue": [0, 0]})
    figure = charts.compared(mugs, "name", "USD")
    assert list(figure.data[0].y) == [0, 1]
    assert list(figure.layout.yaxis.ticktext) == ["Mug", "Mug"]


def test_names_are_escaped() -> None:
    figure = charts.compared(pd.DataFrame({"name": [HOSTILE], "revenue": [2], "previous_revenue": [1]}), "name", "USD")
    assert figure.data[0].customdata[0] == '&lt;a href="https://x.example"&gt;A &amp; B&lt;/a&gt;'
    assert "<a" not in figure.layout.yaxis.ticktext[0]


def test_the_map_finds_countries_by_their_code() -> None:
    frame = pd.DataFrame({"country_code": ["GB", None, "MT"], "country": ["UK", "EU", "Malta"], "customers": [3, 2, 1]})
    figure = charts.country_map(frame, "customers", "customers")
    assert list(figure.data[0].locations) == ["GBR", "MLT"]
    assert "2 countries" in figure.layout.meta["alt"]


@pytest.mark.parametrize(("value", "top"), [(50, 150), (400, 400)])
def test_the_scale_of_the_gauge_includes_its_value(value: float, top: float) -> None:
    assert charts.gauge(value, 100, "USD").data[0].gauge.axis.range == (0, top)


def test_without_a_target_there_is_no_gauge() -> None:
    assert repr(charts.gauge(50, None, "USD")) == "No target is set."


DAILY_REVENUE = DAILY.set_index("date")["revenue"]
AHEAD = pd.DataFrame({"forecast": [2.0, 3.0]}, index=pd.date_range("2025-01-04", periods=2, name="date")).assign(
    **{f"{side}_{level}": 2.0 + sign for level in (80, 95) for side, sign in (("lower", -1), ("upper", 1))}
)


def test_fan_chart_joins_history_and_forecast_with_both_intervals() -> None:
    figure = charts.fan_chart(DAILY_REVENUE, AHEAD, "USD")
    assert [trace.name for trace in figure.data] == ["95 % interval", "80 % interval", "revenue", "forecast"]
    assert list(figure.data[-1].y) == [2, 2, 3]
    assert figure.layout.meta["alt"].startswith("Forecast: $2 on Jan 4, 2025, $3 on Jan 5, 2025.")


def test_fan_chart_shows_other_models_and_marks_holidays() -> None:
    holidays = pd.Series([HOSTILE], index=pd.to_datetime(["2025-01-05"]))
    figure = charts.fan_chart(DAILY_REVENUE, AHEAD.assign(ETS=1.0, ARIMA=2.0), "USD", holidays)
    assert [trace.name for trace in figure.data[3:]] == ["ETS", "ARIMA", "forecast", "holiday"]
    assert figure.data[-1].customdata[0].startswith("&lt;a href")


def test_backtest_chart_compares_observed_and_predicted() -> None:
    predictions = AHEAD.rename(columns={"forecast": "ensemble"}).assign(observed=[4.0, 5.0], ETS=1.0)
    figure = charts.backtest(predictions, "ensemble", "USD")
    assert [trace.name for trace in figure.data] == ["80 % interval", "ETS", "observed", "ensemble"]
    assert "$5 on Jan 5, 2025" in figure.layout.meta["alt"]


def test_calibration_is_compared_with_the_diagonal() -> None:
    figure = charts.calibration(pd.DataFrame({"nominal": [0.5, 0.8], "observed": [0.4, np.nan]}))
    assert list(figure.data[0].x) == list(figure.data[0].y) == [0, 1]
    assert figure.layout.meta["alt"] == "Observed coverage of the prediction intervals: 40% at nominal 50%."


@pytest.mark.parametrize(("months", "pictures"), [(["Jan", "Feb"], 3), ([], 2)])
def test_decomposition_has_a_chart_per_component(months: list[str], pictures: int) -> None:
    trend = pd.DataFrame({"date": DAILY["date"], "revenue": [1.0, 5.0, 2.0], "trend": [1.0, 2.0, 3.0]})
    week = pd.DataFrame({"weekday": ["Mon", "Tue"], "effect": [-0.5, 0.5]})
    year = pd.DataFrame({"month": months, "effect": [0.1] * len(months)})
    figure = charts.decomposition(trend, week, year, "USD")
    assert len(figure.data) == len(figure.layout.annotations) == pictures
    assert "Weekday effect: -50.0% at Mon, 50.0% at Tue." in figure.layout.meta["alt"]
    assert ("Month effect" in figure.layout.meta["alt"]) == (pictures == 3)


def test_anomalies_are_marked_with_their_cause() -> None:
    days = pd.DataFrame({"date": DAILY["date"][1:2], "revenue": [5.0], "expected_revenue": [2.0], "change": [1.5]})
    figure = charts.anomalies(DAILY_REVENUE, days.assign(cause=HOSTILE), "USD")
    assert list(figure.data[1].customdata[0]) == ['&lt;a href="https://x.example"&gt;A &amp; B&lt;/a&gt;', "$2"]
    assert figure.layout.meta["alt"].startswith("Revenue per day with 1 anomaly marked: Jan 2, 2025 $5")


@pytest.mark.parametrize("n", [0, 1, 3])
def test_every_segment_has_a_forecast(n: int) -> None:
    ahead = Forecast("ensemble", AHEAD, 5.0, (4.0, 6.0), "It beat seasonal naive.")
    segment = Segment(HOSTILE, History(DAILY_REVENUE, (), ()), ahead)
    figure = charts.segment_forecasts([segment] * n, "USD")
    assert len(figure.data) == 3 * n
    assert not any("<a" in note.text for note in figure.layout.annotations)
    counted = f"{n} segment{'' if n == 1 else 's'}"
    assert figure.layout.meta["alt"].startswith(f"Forecast of {counted}, predicted revenue in total: ")


def test_entity_diagram_draws_every_foreign_key() -> None:
    keys = pd.DataFrame({"table": ["orders"], "references": ["users"]})
    figure = charts.entities(keys, {"users": "9 columns", "orders": "8 columns"})
    assert len(figure.data) == 1
    assert len(figure.layout.annotations) == 2


@pytest.mark.parametrize("draw", [charts.lines, charts.bars])
def test_an_empty_chart_says_so(draw: object) -> None:
    assert draw(DAILY.head(0), "date", {"revenue": "Revenue"}).layout.meta["alt"] == "Revenue: nothing to show."


@pytest.mark.parametrize(
    "chart",
    [
        lambda: charts.lines(DAILY.head(0), "date", {"revenue": "Revenue"}),
        lambda: charts.compared(pd.DataFrame(columns=["name", "revenue", "previous_revenue"]), "name", "USD"),
        lambda: charts.fan_chart(pd.Series(dtype=float), pd.DataFrame(), "USD"),
        lambda: charts.backtest(pd.DataFrame(), "ensemble", "USD"),
    ],
)
def test_axes_without_values_are_not_drawn(chart) -> None:
    drawn = chart()
    assert drawn.layout.annotations[0].text.endswith(": nothing to show.")
    assert not drawn.data


EVENTS = pd.DataFrame(
    {
        "name": ["<b>sale</b>", "mail"],
        "start_date": pd.to_datetime(["2024-12-30", "2025-01-02"]),
        "end_date": pd.to_datetime(["2025-01-02", "2025-01-09"]),
    }
)


def test_annotations_are_drawn_in_lanes_and_cut_to_the_days_shown() -> None:
    figure = charts.lines(DAILY, "date", {"revenue": "revenue"}, annotations=EVENTS)
    bars = figure.data[-1]
    assert list(bars.base) == [DAILY["date"].iloc[0].to_numpy(), pd.Timestamp("2025-01-02").to_numpy()]
    assert list(bars.y) == [0, 1], "overlapping events have lanes of their own"
    assert [milliseconds / 86_400_000 for milliseconds in bars.x] == [2, 2]
    assert bars.customdata[0] == "&lt;b&gt;sale&lt;/b&gt;"
    assert "Annotations: <b>sale</b>, mail." in figure.layout.meta["alt"]


def test_names_at_the_ends_of_lines_do_not_overlap() -> None:
    frame = DAILY.assign(mean=[1.0, 5.0, 2.001])
    figure = charts.lines(frame, "date", {"revenue": "revenue", "mean": "mean"})
    below, above = figure.layout.annotations
    assert (below.name, above.name) == ("end", "end")
    assert above.yshift - below.yshift > 15
    assert figure.layout.showlegend is False


def test_background_series_are_drawn_first_and_part_of_the_numbers() -> None:
    figure = charts.lines(DAILY, "date", {"mean": "mean of 7 days"}, behind={"revenue": "day"})
    assert [trace.name for trace in figure.data] == ["day", "mean of 7 days"]
    assert figure.layout.meta["numbers"] == {
        "columns": ["date", "mean of 7 days", "day"],
        "data": [["2025-01-01", 1.0, 1.0], ["2025-01-02", 2.0, 5.0], ["2025-01-03", 3.0, 2.0]],
    }


def test_a_bridge_has_totals_and_signed_steps() -> None:
    steps = pd.DataFrame({"step": ["a", "b", "c"], "amount": [10.0, -4.0, 6.0], "total": [True, False, True]})
    figure = charts.bridge(steps, "USD")
    assert list(figure.data[0].measure) == ["absolute", "relative", "absolute"]
    assert figure.layout.meta["alt"] == "Waterfall: a $10, b -$4, c $6."


def test_revenue_is_compared_with_the_previous_period() -> None:
    frame = pd.DataFrame({"channel": [HOSTILE, "web", "mail"], "revenue": [3, 2, 1], "previous_revenue": [2, 2.5, 5]})
    figure = charts.compared(frame, "channel", "USD")
    bars, previous, texts = figure.data
    assert (list(bars.x), list(previous.x)) == ([3, 2, 1], [2, 2.5, 5])
    assert list(texts.x) == [3, 2.5, 1], "next to the bar, but behind a line that would cross the value"
    assert "<a" not in figure.layout.yaxis.ticktext[0]
    assert figure.layout.meta["alt"].endswith("mail $1 ($5).")


def test_hours_without_orders_count_as_zero() -> None:
    figure = charts.week_hours(pd.DataFrame({"weekday": [2], "hour": [9], "orders": [3]}))
    z = np.array(figure.data[0].z)
    assert (z.shape, z.sum(), z[1][9]) == ((7, 24), 3, 3)
    assert "most on Tue from 9:00 to 9:59, 3 orders" in figure.layout.meta["alt"]
    nothing = charts.week_hours(pd.DataFrame({"weekday": [], "hour": [], "orders": []}))
    assert nothing.layout.meta["alt"].endswith("none.")


def test_a_switch_displays_each_chart_with_its_label() -> None:
    chart = charts.lines(DAILY, "date", {"revenue": "revenue"})
    InteractiveShell.clear_instance()
    InteractiveShell.instance()
    with capture_output() as captured:
        charts.Switch({"by day": chart, "by week": chart})._ipython_display_()
    assert [output.metadata for output in captured.outputs] == [{"switch": "by day"}, {"switch": "by week"}]
    assert all(look.MIME in output.data for output in captured.outputs)


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
    assert figure.layout.xaxis.ticktext[:2] == ("$1", "$3")
    assert "of 1199 customers: revenue against predicted value" in figure.layout.meta["alt"]


def test_predicted_churn_is_compared_with_observed() -> None:
    frame = pd.DataFrame(
        {"group": [1, 2], "customers": [10, 10], "predicted_churn": [0.2, 0.8], "observed_churn": [0.3, 0.9]}
    )
    figure = charts.reliability(frame)
    assert [list(trace.x) for trace in figure.data] == [[0.2, 0.9], [0.2, 0.8]]
    assert figure.layout.meta["alt"] == "Predicted and observed churn by group: 20% and 30%, 80% and 90%."


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        (charts.treemap(SEGMENTS.tail(1), "name", "revenue", "share"), "No revenue in this period."),
        (
            charts.reliability(pd.DataFrame(columns=["group", "customers", "predicted_churn", "observed_churn"])),
            "Too few customers",
        ),
        (
            charts.past_and_future(
                pd.DataFrame({"revenue": [1.0], "predicted_value": [np.nan]}), "revenue", "predicted_value", "USD"
            ),
            "No customer has both",
        ),
    ],
)
def test_an_empty_figure_says_why(figure: look.Chart, reason: str) -> None:
    assert figure.layout.annotations[0].text.replace("<br>", " ").startswith(reason)
    assert figure.layout.meta["alt"].startswith(reason)
