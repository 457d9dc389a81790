"""Draws what lies ahead, what would have been said before, and what a series is made of."""

from collections.abc import Iterable, Sequence

import pandas as pd

from lib.formatting import percent
from lib.report.charts.figure import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    Chart,
    amount,
    finish,
    in_words,
    label_text,
    template,
    unit_marks,
    value_axis,
)

__all__ = ["calibration", "components", "fan", "hindsight", "odd_days", "small_fans"]

BANDS = ((95, 0.14), (80, 0.26))  # percent, opacity
BESIDE = {"ETS": GREEN, "ARIMA": PURPLE}
JOINED = "rgba(213,94,0,{})"


def fan(history: pd.DataFrame, ahead: pd.DataFrame, unit: str, holidays: pd.Series | None = None) -> Chart:
    """History (date, revenue) joined to a forecast (date, forecast, its 80 and 95 % bounds; ETS and ARIMA if there).

    holidays: names by day; those among the days ahead are marked on the forecast.
    """
    figure = Chart()
    _bands(figure, ahead)
    _line(figure, history, "revenue", BLUE)
    for name, colour in BESIDE.items():
        if name in ahead:
            _line(figure, ahead, name, colour, width=1.2, dash="dot")
    _line(figure, pd.concat([_join(history), ahead]), "forecast", ORANGE)
    _mark(figure, ahead, holidays)
    value_axis(figure.layout.yaxis, unit)
    return finish(figure, in_words(ahead, "date", "forecast", "Forecast", unit), 380, ahead)


def _join(history: pd.DataFrame) -> pd.DataFrame:
    """The last day of history as the first of the forecast's line, so that the two meet."""
    return history.tail(1).rename(columns={"revenue": "forecast"})


def _bands(figure: Chart, ahead: pd.DataFrame, levels: Sequence = BANDS, *, legend: bool = True, **where: int) -> None:
    dates = pd.concat([ahead["date"], ahead["date"][::-1]])
    for level, opacity in levels:
        bounds = pd.concat([ahead[f"upper_{level}"], ahead[f"lower_{level}"][::-1]])
        figure.add_scatter(
            x=dates, y=bounds, fill="toself", mode="lines", line={"width": 0}, hoverinfo="skip", showlegend=legend,
            fillcolor=JOINED.format(opacity), name=f"{level} % interval", **where,
        )  # fmt: skip


def _line(figure: Chart, frame: pd.DataFrame, column: str, colour: str, width: float = 2, dash: str = "solid") -> None:
    line = {"color": colour, "width": width, "dash": dash}
    figure.add_scatter(x=frame["date"], y=frame[column], name=column, mode="lines", line=line)


def _mark(figure: Chart, ahead: pd.DataFrame, holidays: pd.Series | None) -> None:
    marked = ahead[ahead["date"].isin(holidays.index)] if holidays is not None else ahead.head(0)
    if len(marked):
        names = [label_text(holidays[day]) for day in marked["date"]]
        figure.add_scatter(
            x=marked["date"], y=marked["forecast"], mode="markers", name="holiday", customdata=names,
            marker={"color": ORANGE, "size": 9, "symbol": "diamond"}, hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip


def hindsight(told: pd.DataFrame, model: str, unit: str) -> Chart:
    """What came (date, actual) beside what `model` would have said, with its 80 % band, and ETS and ARIMA."""
    figure = Chart()
    _bands(figure, told, BANDS[1:])
    for name, colour in BESIDE.items():
        if name in told:
            _line(figure, told, name, colour, width=1.2, dash="dot")
    _line(figure, told, "actual", BLUE)
    if model in told:
        _line(figure, told, model, ORANGE)
    value_axis(figure.layout.yaxis, unit)
    return finish(figure, in_words(told, "date", "actual", "What came", unit), 380, told)


def calibration(frame: pd.DataFrame) -> Chart:
    """Share of the days inside each interval (observed) by the share meant to be (nominal), beside the diagonal."""
    figure = Chart()
    ends = {"x": [0, 1], "y": [0, 1], "mode": "lines", "name": "as it should be"}
    figure.add_scatter(**ends, line={"color": GREY, "width": 1.2, "dash": "dash"}, hoverinfo="skip")
    figure.add_scatter(
        x=frame["nominal"], y=frame["observed"], mode="lines+markers", name="in the tests",
        line={"color": BLUE, "width": 2}, hovertemplate="meant %{x:.0%}, was %{y:.0%}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title="share of days meant to lie inside", tickformat=".0%", range=[0, 1])
    figure.update_yaxes(title="share that did", tickformat=".0%", range=[0, 1])
    seen = frame.dropna()
    described = ", ".join(
        f"{percent(row.observed, 0)} where {percent(row.nominal, 0)} is meant" for row in seen.itertuples()
    )
    return finish(figure, f"Share of days inside the intervals: {described or 'nothing to show'}.", 380, frame)


def components(trend: pd.DataFrame, week: pd.DataFrame, year: pd.DataFrame, unit: str) -> Chart:
    """The trend (date, trend) above the effects of the weekdays (weekday, effect) and, if known, of the months."""
    figure = Chart()
    titles = ["trend, per day", "weekday against the mean day", *(["month against the year"] if len(year) else [])]
    rows = len(titles)
    figure.set_subplots(rows=rows, cols=1, subplot_titles=titles, vertical_spacing=0.16 if rows == 2 else 0.1)
    line = {"color": BLUE, "width": 2}
    figure.add_scatter(x=trend["date"], y=trend["trend"], mode="lines", line=line, row=1, col=1)
    figure.add_bar(x=week["weekday"], y=week["effect"], marker_color=BLUE, row=2, col=1)
    if len(year):
        figure.add_bar(x=year["month"], y=year["effect"], marker_color=BLUE, row=3, col=1)
    value_axis(figure.layout.yaxis, unit)
    for row in range(2, rows + 1):
        figure.update_yaxes(tickformat="+.0%", row=row, col=1)
    words = [in_words(trend, "date", "trend", "Trend of revenue per day", unit)]
    words += [in_words(week, "weekday", "effect", "Effect of the weekday", "%")]
    words += [in_words(year, "month", "effect", "Effect of the month", "%")] if len(year) else []
    return finish(figure, " ".join(words), 230 * rows, trend).update_layout(showlegend=False, margin_t=40)


def odd_days(history: pd.DataFrame, days: pd.DataFrame, unit: str) -> Chart:
    """History (date, revenue) with the odd days (date, revenue, usual, cause) marked."""
    figure = Chart()
    _line(figure, history, "revenue", GREY, width=1.2)
    facts = [[label_text(row.cause), amount(row.usual, unit)] for row in days.itertuples()]
    figure.add_scatter(
        x=days["date"], y=days["revenue"], mode="markers", name="odd day", customdata=facts,
        marker={"color": ORANGE, "size": 9},
        hovertemplate=f"%{{x|%Y-%m-%d}}: {template('y', unit)}, usual %{{customdata[1]}}; %{{customdata[0]}}"
        "<extra></extra>",
    )  # fmt: skip
    value_axis(figure.layout.yaxis, unit)
    named = "; ".join(f"{row.date:%Y-%m-%d} {amount(row.revenue, unit)}, {row.cause}" for row in days.itertuples())
    words = f"Revenue per day with {len(days)} odd days marked{f': {named}' if named else ''}."
    return finish(figure, words, numbers=days)


def small_fans(parts: Iterable[tuple[str, pd.DataFrame, pd.DataFrame]], unit: str) -> Chart:
    """One small fan for each of the parts (name, history, ahead), two in a row, each on a scale of its own."""
    parts = list(parts)
    figure = Chart()
    rows = max(-(-len(parts) // 2), 1)
    titles = [label_text(name) for name, _, _ in parts]
    figure.set_subplots(rows=rows, cols=2, subplot_titles=titles, horizontal_spacing=0.1, vertical_spacing=0.26 / rows)
    for number, (_, history, ahead) in enumerate(parts):
        where = {"row": number // 2 + 1, "col": number % 2 + 1}
        _bands(figure, ahead, BANDS[1:], legend=False, **where)
        for frame, column, colour in (
            (history, "revenue", BLUE),
            (pd.concat([_join(history), ahead]), "forecast", ORANGE),
        ):
            line = {"color": colour, "width": 1.6}
            figure.add_scatter(x=frame["date"], y=frame[column], name=column, mode="lines", line=line, **where)
    figure.update_yaxes(**unit_marks(unit), tickformat=",", rangemode="tozero", nticks=4)
    figure.update_xaxes(nticks=3, tickangle=0, tickformat="%b")  # two in a row have little room on a phone
    sums = ", ".join(f"{name} {amount(ahead['forecast'].sum(), unit)}" for name, _, ahead in parts)
    alt = f"Small forecasts of {len(parts)} parts of the shop, expected in all: {sums or 'nothing'}."
    numbers = pd.concat([ahead.assign(part=name) for name, _, ahead in parts]) if parts else None
    return finish(figure, alt, 200 * rows + 40, numbers).update_layout(showlegend=False, margin_t=40)
