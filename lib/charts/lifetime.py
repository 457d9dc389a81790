"""Draws what single customers have brought, how soon they order again, and how many count as lost."""

import numpy as np
import pandas as pd

from lib.charts.look import BLUE, ORANGE, Chart, amount, finish, in_words, nothing, unit_marks, value_axis
from lib.formats import percent

__all__ = ["churn", "lifetime_values", "second_orders"]

BAND = "rgba(0,114,178,0.3)"
STEP_DAYS = 30


def lifetime_values(classes: pd.DataFrame, worth: pd.Series, unit: str) -> Chart:
    """Buyers by what they have brought (from_revenue, to_revenue, buyers), with median, mean and the top tenth marked.

    `worth` has median_revenue, mean_revenue, top_tenth_from and top_tenth_share.
    """
    if classes.empty:
        return nothing("Nobody has bought yet.")
    figure, width = Chart(), classes["to_revenue"] - classes["from_revenue"]
    notes = [f"{amount(row.from_revenue, unit)} to {amount(row.to_revenue, unit)}" for row in classes.itertuples()]
    notes[-1] = f"{amount(classes['from_revenue'].iloc[-1], unit)} and more"
    figure.add_bar(
        x=classes["from_revenue"] + width / 2, y=classes["buyers"], width=width * 0.92, marker_color=BLUE,
        customdata=notes, hovertemplate="%{customdata}: %{y:,} buyers<extra></extra>", showlegend=False,
    )  # fmt: skip
    marks = _marks(worth, unit)
    for row, (label, value) in enumerate(marks.items()):
        _mark(figure, value, label, row, classes["to_revenue"].iloc[-1])
    figure.update_yaxes(title="buyers", tickformat=",", rangemode="tozero", domain=[0, 0.78])  # labels have the rest
    figure.update_xaxes(title="revenue to date; the last bar holds all above", tickformat=",", **unit_marks(unit))
    figure.update_xaxes(showgrid=False, range=[0, classes["to_revenue"].iloc[-1]])
    described = in_words(classes, "from_revenue", "buyers", "Buyers by revenue to date", "")
    return finish(figure, f"{described} Marked: {', '.join(marks)}.", 380, classes)


def _marks(worth: pd.Series, unit: str) -> dict[str, float]:
    """What is marked and where: the top tenth only where there is revenue to have a share of."""
    marks = {
        f"{name} {amount(worth[f'{name}_revenue'], unit)}": worth[f"{name}_revenue"] for name in ("median", "mean")
    }
    if np.isnan(worth["top_tenth_share"]):
        return marks
    return marks | {f"top tenth: {percent(worth['top_tenth_share'], 0)} of revenue": worth["top_tenth_from"]}


def _mark(figure: Chart, value: float, label: str, row: int, edge: float) -> None:
    """An upright line with its label to the right, or to the left where the line is far right; one label per row."""
    if value > edge:
        return
    top = 1 - 0.07 * row
    line = {"color": ORANGE, "width": 2, "dash": ("solid", "dash", "dot")[row]}
    figure.add_shape(type="line", x0=value, x1=value, yref="paper", y0=0, y1=top, line=line)
    side = "left" if value < edge / 2 else "right"
    figure.add_annotation(
        x=value, y=top, yref="paper", text=label, showarrow=False, xanchor=side, yanchor="top",
        xshift=4 if side == "left" else -4,
    )  # fmt: skip


def second_orders(curve: pd.DataFrame) -> Chart:
    """Share of buyers with a second order by days after the first (day, share, lower, upper), with its interval."""
    if curve.empty:
        return nothing("Nobody has bought yet.")
    figure, last = Chart(), curve["day"].iloc[-1]
    curve = curve[curve["share"].diff().ne(0) | (curve["day"] == last)]  # the days of its steps draw the same line
    step = {"shape": "hv", "width": 0}
    for column, fill in (("lower", None), ("upper", "tonexty")):
        figure.add_scatter(
            x=curve["day"], y=curve[column], line=step, mode="lines", fill=fill, fillcolor=BAND, hoverinfo="skip",
            name="95 % interval", showlegend=fill is not None,
        )  # fmt: skip
    figure.add_scatter(
        x=curve["day"], y=curve["share"], mode="lines", line={"color": BLUE, "width": 3, "shape": "hv"},
        customdata=curve["at_risk"], name="ordered again",
        hovertemplate="within %{x} days: %{y:.1%}<br>%{customdata:,} still followed<extra></extra>",
    )  # fmt: skip
    value_axis(figure.layout.yaxis, "%")
    figure.update_xaxes(title="days after the first order", rangemode="tozero", tick0=0, dtick=_ticks(int(last)))
    by_day = curve.astype({"day": "object"})
    described = in_words(by_day, "day", "share", "Share of buyers with a second order by day", "%")
    return finish(figure, described, numbers=curve)


def _ticks(days: int) -> int:
    """A tick for every 30 days, or for so many times that as keep it readable; every day in a very young shop."""
    return STEP_DAYS * (1 + days // (12 * STEP_DAYS)) if days > STEP_DAYS else max(1, days // 7)


def churn(rates: pd.DataFrame, churn_days: int) -> Chart:
    """Churn rate by the days without an order that count as churned, with the window of this report marked."""
    known = rates.dropna(subset=["churn_rate"])
    if known.empty:
        return nothing("No buyer has been followed for long enough to count as churned.")
    figure = Chart()
    chosen = known["churn_days"] == churn_days
    figure.add_scatter(
        x=known["churn_days"], y=known["churn_rate"], mode="lines+markers+text", line={"color": BLUE, "width": 2},
        marker={
            "color": [ORANGE if mark else BLUE for mark in chosen], "opacity": 1,
            "size": [13 if mark else 7 for mark in chosen],
        },
        text=[percent(rate, 0) for rate in known["churn_rate"]], textposition="top center", cliponaxis=False,
        customdata=known["observed_buyers"], showlegend=False,
        hovertemplate="%{x} days: %{y:.1%} of %{customdata:,} buyers<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(tickformat=".0%", range=[0, 1.08], title="churned")
    figure.update_xaxes(title="days without an order that count as churned", tickvals=known["churn_days"])
    by_window = known.astype({"churn_days": "object"})  # which stays a whole number in words
    described = in_words(by_window, "churn_days", "churn_rate", "Churn rate by the window in days", "%")
    return finish(figure, described, numbers=rates)
