"""Charts of predictions: fan chart, backtest, calibration, churn reliability, decomposition, anomalies, segments.

Values are rounded here, for display only, and never before they are added up. Fitted values differ by up to a cent
between processors; figures in whole money are the same on all, so that saved notebooks are reproduced.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from lib.formatting import day, percent
from lib.report.charts.figure import Chart, affixes, amount, describe, empty_chart, escaped, hover, styled, value_axis
from lib.report.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, fade

if TYPE_CHECKING:  # importing the charts must not load the libraries of the models
    from lib.analysis.forecast import Segment

__all__ = ["anomalies", "backtest", "calibration", "decomposition", "fan_chart", "reliability", "segment_forecasts"]

BANDS = {95: 0.14, 80: 0.26}  # percent of the prediction interval, opacity
OTHER_MODELS = {"ETS": GREEN, "ARIMA": PURPLE}
HISTORY_SHOWN, SEGMENT_HISTORY_SHOWN = 120, 90  # days
PHONE = 42  # characters per line on a phone
CENTS = 2  # digits of the segments' days, so that the numbers behind the figure add up to the total


def fan_chart(history: pd.Series, ahead: pd.DataFrame, unit: str, holidays: pd.Series | None = None) -> Chart:
    """The last days of history, joined to the forecast with its prediction intervals.

    Args:
        history: revenue per day, indexed by date.
        ahead: `Forecast.frame`; ETS and ARIMA are drawn if it has them.
        unit: currency.
        holidays: names by date; those among the days ahead are marked.

    Example:
        >>> days = pd.date_range("2025-06-29", periods=3)
        >>> history = pd.Series([100.0, 80.0], days[:2], name="revenue")
        >>> bounds = {"lower_80": 70.0, "upper_80": 110.0, "lower_95": 60.0, "upper_95": 120.0}
        >>> charts.fan_chart(history, pd.DataFrame({"forecast": 90.0, **bounds}, days[2:]), "USD")
        Forecast: $90 on Jul 1, 2025.
    """
    if history.empty and ahead.empty:
        return empty_chart("Forecast: nothing to show.")
    past, coming = _shown(history.tail(HISTORY_SHOWN)), _shown(ahead)
    figure = Chart()
    _bands(figure, coming, [95, 80])
    _line(figure, past, "revenue", BLUE)
    _other_models(figure, coming)
    _line(figure, _joined(past, coming), "forecast", ORANGE)
    if holidays is not None:
        _mark_holidays(figure, coming, holidays)
    value_axis(figure.layout.yaxis, unit)
    return styled(figure, describe(coming, "date", "forecast", "Forecast", unit), 380, coming)


def _shown(values: pd.DataFrame | pd.Series, digits: int = 0) -> pd.DataFrame:
    """Values by date as they are drawn: rounded, with the date as a column."""
    return pd.DataFrame(values).round(digits).rename_axis("date").reset_index()


def _joined(past: pd.DataFrame, coming: pd.DataFrame) -> pd.DataFrame:
    """The forecast's line, starting at the last day of history."""
    return pd.concat([past.tail(1).rename(columns={"revenue": "forecast"}), coming])


def _bands(figure: Chart, frame: pd.DataFrame, levels: Sequence[int], *, legend: bool = True, **where: int) -> None:
    """Prediction intervals as filled areas; `where` is the row and col of a subplot."""
    dates = pd.concat([frame["date"], frame["date"][::-1]])
    for level in levels:
        bounds = pd.concat([frame[f"upper_{level}"], frame[f"lower_{level}"][::-1]])
        figure.add_scatter(
            x=dates, y=bounds, fill="toself", mode="lines", line={"width": 0}, hoverinfo="skip", showlegend=legend,
            fillcolor=fade(ORANGE, BANDS[level]), name=f"{level} % interval", **where,
        )  # fmt: skip


def _line(figure: Chart, frame: pd.DataFrame, column: str, colour: str, width: float = 2, **where: int) -> None:
    line = {"color": colour, "width": width}
    figure.add_scatter(x=frame["date"], y=frame[column], name=column, mode="lines", line=line, **where)


def _other_models(figure: Chart, frame: pd.DataFrame) -> None:
    for name, colour in OTHER_MODELS.items():
        if name in frame and len(frame):
            _line(figure, frame, name, colour, width=1.2)
            figure.data[-1].line.dash = "dot"


def _mark_holidays(figure: Chart, coming: pd.DataFrame, holidays: pd.Series) -> None:
    marked = coming[coming["date"].isin(holidays.index)]
    if len(marked):
        names = [escaped(holidays[day]) for day in marked["date"]]
        figure.add_scatter(
            x=marked["date"], y=marked["forecast"], mode="markers", name="holiday", customdata=names,
            marker={"color": ORANGE, "size": 9, "symbol": "diamond"}, hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip


def backtest(predictions: pd.DataFrame, model: str, unit: str) -> Chart:
    """Observed revenue of the backtest windows, and what the models predicted for them.

    Args:
        predictions: `Backtest.predictions` of the model, and of ETS and ARIMA where there are windows.
        model: the published model, whose 80 % prediction interval is drawn.
        unit: currency.

    Example:
        >>> days = pd.date_range("2025-06-29", periods=2, name="date")
        >>> bounds = {"lower_80": 60.0, "upper_80": 130.0}
        >>> charts.backtest(pd.DataFrame({**bounds, "observed": [100.0, 80.0], "ETS": 90.0}, days), "ETS", "USD")
        Observed revenue: $100 on Jun 29, 2025, $80 on Jun 30, 2025.
    """
    if predictions.empty:
        return empty_chart("Observed revenue: nothing to show.")
    shown = _shown(predictions)
    figure = Chart()
    _bands(figure, shown, [80])
    _other_models(figure, shown)
    _line(figure, shown, "observed", BLUE)
    if model in shown:
        _line(figure, shown, model, ORANGE)
    value_axis(figure.layout.yaxis, unit)
    return styled(figure, describe(shown, "date", "observed", "Observed revenue", unit), 380, shown)


def calibration(coverage: pd.DataFrame) -> Chart:
    """Observed against nominal coverage of the prediction intervals (nominal, observed), with the diagonal.

    Example:
        >>> charts.calibration(pd.DataFrame({"nominal": [0.8, 0.95], "observed": [0.75, 0.96]}))
        Observed coverage of the prediction intervals: 75% at nominal 80%, 96% at nominal 95%.
    """
    shown = coverage.round(3)
    figure = Chart()
    line = {"color": GREY, "width": 1.2, "dash": "dash"}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", name="ideal", line=line, hoverinfo="skip")
    figure.add_scatter(
        x=shown["nominal"], y=shown["observed"], mode="lines+markers", name="backtest",
        line={"color": BLUE, "width": 2}, hovertemplate="nominal %{x:.0%}, observed %{y:.0%}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title="nominal coverage", tickformat=".0%", range=[0, 1])
    figure.update_yaxes(title="observed coverage", tickformat=".0%", range=[0, 1])
    known = shown.dropna()
    pairs = zip(known["nominal"], known["observed"], strict=True)
    listed = ", ".join(f"{percent(observed, 0)} at nominal {percent(nominal, 0)}" for nominal, observed in pairs)
    alt = f"Observed coverage of the prediction intervals: {listed or 'nothing to show'}."
    return styled(figure, alt, 380, shown)


def reliability(frame: pd.DataFrame) -> Chart:
    """Observed against predicted churn, a point per group, with any bounds; on the dotted line both are equal.

    Example:
        >>> rates = pd.DataFrame({"predicted_churn": [0.3, 0.7], "observed_churn": [0.25, 0.72], "customers": 50})
        >>> charts.reliability(rates)
        Predicted and observed churn by group: 30% and 25%, 70% and 72%.
    """
    if frame.empty:
        return empty_chart("Too few customers ordered, or too few did not, to compare predicted with observed.", PHONE)
    figure, shown = Chart(), frame[["predicted_churn", "observed_churn"]]
    ends = [shown.min().min(), shown.max().max()]
    line = {"color": GREY, "width": 1.2, "dash": "dot"}
    bounds = {}
    if "lower" in frame:
        above, below = frame["upper"] - frame["observed_churn"], frame["observed_churn"] - frame["lower"]
        bounds = {"array": above.round(4), "arrayminus": below.round(4), "thickness": 1, "width": 0, "color": ORANGE}
    figure.add_scatter(x=ends, y=ends, mode="lines", line=line, hoverinfo="skip", name="predicted = observed")
    figure.add_scatter(
        x=frame["predicted_churn"], y=frame["observed_churn"], mode="markers", name="a tenth of the customers",
        customdata=frame["customers"], marker={"color": ORANGE, "size": 9}, error_y=bounds,
        hovertemplate="predicted %{x:.1%}, observed %{y:.1%}, %{customdata:,} customers<extra></extra>",
    )  # fmt: skip
    for axis, title in ((figure.layout.xaxis, "predicted churn"), (figure.layout.yaxis, "observed churn")):
        value_axis(axis, "%")
        axis.update(title=title, rangemode="normal")
    rates = zip(frame["predicted_churn"], frame["observed_churn"], strict=True)
    pairs = ", ".join(f"{percent(predicted, 0)} and {percent(observed, 0)}" for predicted, observed in rates)
    return styled(figure, f"Predicted and observed churn by group: {pairs}.", numbers=frame)


def decomposition(trend: pd.DataFrame, weekdays: pd.DataFrame, months: pd.DataFrame, unit: str) -> Chart:
    """The trend (date, trend) above the weekday effects (weekday, effect) and any month effects (month, effect).

    Example:
        >>> days = pd.date_range("2025-06-29", periods=2)
        >>> trend = pd.DataFrame({"date": days, "revenue": [90.0, 110.0], "trend": 100.0})
        >>> weekdays = pd.DataFrame({"weekday": ["Mon", "Sun"], "effect": [0.1, -0.1]})
        >>> charts.decomposition(trend, weekdays, pd.DataFrame({"month": [], "effect": []}), "USD")
        Trend of revenue per day: $100 on Jun 29, 2025, $100 on Jun 30, 2025. Weekday effect: 10.0% at Mon, -10.0%
        at Sun.
    """
    trend = trend.assign(revenue=trend["revenue"].round(2), trend=trend["trend"].round(2))
    weekdays, months = (effects.assign(effect=effects["effect"].round(3)) for effects in (weekdays, months))
    titles = ["trend, per day", "weekday effect", *(["month effect"] if len(months) else [])]
    rows = len(titles)
    figure = Chart()
    figure.set_subplots(rows=rows, cols=1, subplot_titles=titles, vertical_spacing=0.16 if rows == 2 else 0.1)
    line = {"color": BLUE, "width": 2}
    figure.add_scatter(x=trend["date"], y=trend["trend"], mode="lines", line=line, row=1, col=1)
    figure.add_bar(x=weekdays["weekday"], y=weekdays["effect"], marker_color=BLUE, row=2, col=1)
    alt = describe(trend, "date", "trend", "Trend of revenue per day", unit)
    alt += f" {describe(weekdays, 'weekday', 'effect', 'Weekday effect', '%')}"
    if len(months):
        figure.add_bar(x=months["month"], y=months["effect"], marker_color=BLUE, row=3, col=1)
        alt += f" {describe(months, 'month', 'effect', 'Month effect', '%')}"
    value_axis(figure.layout.yaxis, unit)
    for row in range(2, rows + 1):
        figure.update_yaxes(tickformat="+.0%", row=row, col=1)
    styled(figure, alt, 230 * rows, trend)
    figure.update_layout(showlegend=False, margin_t=40)
    return figure


def anomalies(history: pd.Series, days: pd.DataFrame, unit: str) -> Chart:
    """Revenue per day, indexed by date, with the anomalies (date, revenue, expected_revenue, change, cause) marked.

    Example:
        >>> history = pd.Series([100.0, 20.0], pd.date_range("2025-06-29", periods=2), name="revenue")
        >>> found = pd.DataFrame({"date": history.index[1:], "revenue": 20.0, "expected_revenue": 95.0, "change": -0.8})
        >>> charts.anomalies(history, found.assign(cause="not known"), "USD")
        Revenue per day with 1 anomaly marked: Jun 30, 2025 $20, not known.
    """
    days = days.round({"revenue": 2, "expected_revenue": 2, "change": 3})
    figure = Chart()
    _line(figure, _shown(history), "revenue", GREY, width=1.2)
    expected = [amount(value, unit) for value in days["expected_revenue"]]
    facts = [list(pair) for pair in zip(map(escaped, days["cause"]), expected, strict=True)]
    figure.add_scatter(
        x=days["date"], y=days["revenue"], mode="markers", name="anomaly", customdata=facts,
        marker={"color": ORANGE, "size": 9},
        hovertemplate=f"%{{x|%b %-d, %Y}}: {hover('y', unit)}, expected %{{customdata[1]}}; %{{customdata[0]}}"
        "<extra></extra>",
    )  # fmt: skip
    value_axis(figure.layout.yaxis, unit)
    triples = zip(days["date"], days["revenue"], days["cause"], strict=True)
    listed = "; ".join(f"{day(date)} {amount(value, unit)}, {cause}" for date, value, cause in triples)
    marked = f"{len(days)} {'anomaly' if len(days) == 1 else 'anomalies'} marked"
    return styled(figure, f"Revenue per day with {marked}{f': {listed}' if listed else ''}.", numbers=days)


def segment_forecasts(segments: "Sequence[Segment]", unit: str) -> Chart:
    """Small multiples: the forecast of each segment with its 80 % prediction interval, two in a row, scaled alone.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-06-02", "2025-06-29"), "category": "Toys", "revenue": 9})
        >>> history = forecast.daily_series(sales, "2025-06-30")
        >>> whole = forecast.untested(history.past(), 7)
        >>> charts.segment_forecasts(forecast.forecast_segments(sales, "category", history, whole), "USD")
        Forecast of 1 segment, predicted revenue in total: Toys $63.
    """
    rows = max(-(-len(segments) // 2), 1)
    titles = [escaped(segment.name) for segment in segments]
    figure = Chart()
    figure.set_subplots(rows=rows, cols=2, subplot_titles=titles, horizontal_spacing=0.1, vertical_spacing=0.26 / rows)
    ahead = [_shown(segment.forecast.frame, CENTS) for segment in segments]
    for number, (segment, coming) in enumerate(zip(segments, ahead, strict=True)):
        where = {"row": number // 2 + 1, "col": number % 2 + 1}
        past = _shown(segment.history.series.tail(SEGMENT_HISTORY_SHOWN), CENTS)
        _bands(figure, coming, [80], legend=False, **where)
        _line(figure, past, "revenue", BLUE, 1.6, **where)
        _line(figure, _joined(past, coming), "forecast", ORANGE, 1.6, **where)
    figure.update_yaxes(**affixes(unit), tickformat=",", rangemode="tozero", nticks=4)
    figure.update_xaxes(nticks=3, tickangle=0, tickformat="%b")  # two in a row have little room on a phone
    totals = ", ".join(f"{segment.name} {amount(segment.forecast.total, unit)}" for segment in segments)
    counted = f"{len(segments)} segment{'' if len(segments) == 1 else 's'}"
    alt = f"Forecast of {counted}, predicted revenue in total: {totals or 'nothing to show'}."
    numbers = [frame.assign(segment=segment.name) for segment, frame in zip(segments, ahead, strict=True)]
    styled(figure, alt, 200 * rows + 40, pd.concat(numbers) if numbers else None)
    figure.update_layout(showlegend=False, margin_t=40)
    return figure
