"""Charts of customers: segments, revenue against predicted value, churn, second orders and lifetime value."""

import numpy as np
import pandas as pd

from lib.formatting import percent
from lib.report.charts.figure import (
    Chart,
    amount,
    describe,
    empty_chart,
    escape_label,
    hover_number,
    styled,
    unit_affixes,
    value_axis,
)
from lib.report.palette import BLUE, CLEAR, FAINT, GREY, ORANGE, SEQUENTIAL, SMALL_SIZE

__all__ = ["churn", "lifetime_values", "past_and_future", "reliability", "second_orders", "treemap"]

MOST_POINTS = 500
PHONE = 42  # characters per line on a phone
STEP_DAYS = 30
TICKS = [step * 10**power for power in range(9) for step in (1, 3)]


def treemap(frame: pd.DataFrame, name: str, value: str, colour: str, unit: str = "") -> Chart:
    """One tile per row: size by `value`, darker for larger `colour`; both columns have the unit `unit`."""
    shown = frame[frame[value] > 0]
    if shown.empty:
        return empty_chart(f"No {value} in this period.", PHONE)
    figure = Chart()
    figure.add_treemap(
        labels=[escape_label(text) for text in shown[name]], parents=[""] * len(shown), values=shown[value],
        marker={
            "colors": shown[colour].round(2), "colorscale": SEQUENTIAL, "cmin": 0,
            "line": {"width": 0}, "pad": {"t": 0, "l": 0, "r": 0, "b": 0},
        },
        customdata=shown[colour].round(2), tiling={"pad": 3}, pathbar={"visible": False}, root_color=CLEAR,
        texttemplate=f"<b>%{{label}}</b><br>{hover_number('value', unit)}",
        hovertemplate=f"%{{label}}: {hover_number('value', unit)}, {hover_number('customdata', unit)} "
        f"{colour.replace('_', ' ')}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(uniformtext={"minsize": SMALL_SIZE, "mode": "hide"})
    described = ", ".join(f"{n} {amount(v, unit)}" for n, v in zip(shown[name], shown[value], strict=True))
    drawn = styled(figure, f"Tiles by {value}: {described}.", 380, shown[[name, value, colour]])
    return drawn.update_layout(margin={"l": 2, "r": 2, "t": 2, "b": 2})


def past_and_future(frame: pd.DataFrame, past: str, future: str, unit: str) -> Chart:
    """One point per customer on two logarithmic axes; at most 500, evenly spaced by rank of `past`, without IDs."""
    known = frame.loc[(frame[past] > 0) & (frame[future] > 0), [past, future]].round(2).sort_values([past, future])
    shown = known.iloc[:: max(1, -(-len(known) // MOST_POINTS))]
    if shown.empty:
        return empty_chart(f"No customer has both {past} and {future}.".replace("_", " "), PHONE)
    figure = Chart()
    figure.add_scatter(
        x=shown[past], y=shown[future], mode="markers", marker={"color": BLUE, "size": 7, "opacity": 0.75},
        hovertemplate=f"{hover_number('x', unit)} so far<br>{hover_number('y', unit)} expected<extra></extra>",
    )  # fmt: skip
    ticks = {"tickvals": TICKS, "ticktext": [amount(tick, unit) for tick in TICKS]}  # plotly leaves the currency out
    for axis, title in ((figure.layout.xaxis, past), (figure.layout.yaxis, future)):
        value_axis(axis, unit)
        axis.update(ticks, type="log", title=title.replace("_", " "), rangemode="normal")
    alt = f"{len(shown)} points of {len(known)} customers: {past} against {future}, in {unit}, logarithmic."
    return styled(figure, alt.replace("_", " "), 400, shown)


def reliability(frame: pd.DataFrame) -> Chart:
    """Observed against predicted churn, a point per group; on the dotted line both are equal."""
    if frame.empty:
        return empty_chart("Too few customers ordered, or too few did not, to compare predicted with observed.", PHONE)
    figure, shown = Chart(), frame[["predicted_churn", "observed_churn"]]
    ends = [shown.min().min(), shown.max().max()]
    line = {"color": GREY, "width": 1.2, "dash": "dot"}
    figure.add_scatter(x=ends, y=ends, mode="lines", line=line, hoverinfo="skip", name="predicted = observed")
    figure.add_scatter(
        x=frame["predicted_churn"], y=frame["observed_churn"], mode="markers", name="a tenth of the customers",
        customdata=frame["customers"], marker={"color": ORANGE, "size": 9},
        hovertemplate="predicted %{x:.1%}, observed %{y:.1%}, %{customdata:,} customers<extra></extra>",
    )  # fmt: skip
    for axis, title in ((figure.layout.xaxis, "predicted churn"), (figure.layout.yaxis, "observed churn")):
        value_axis(axis, "%")
        axis.update(title=title, rangemode="normal")
    rates = zip(frame["predicted_churn"], frame["observed_churn"], strict=True)
    pairs = ", ".join(f"{percent(predicted, 0)} and {percent(observed, 0)}" for predicted, observed in rates)
    return styled(figure, f"Predicted and observed churn by group: {pairs}.", numbers=frame)


def lifetime_values(classes: pd.DataFrame, summary: pd.Series, unit: str) -> Chart:
    """Histogram of buyers by revenue to date (from_revenue, to_revenue, buyers) with median, mean and top tenth marked.

    `summary` has median_revenue, mean_revenue, top_tenth_from and top_tenth_share.
    """
    if classes.empty:
        return empty_chart("There are no buyers yet.")
    figure, width = Chart(), classes["to_revenue"] - classes["from_revenue"]
    edges = zip(classes["from_revenue"], classes["to_revenue"], strict=True)
    notes = [f"{amount(low, unit)} to {amount(high, unit)}" for low, high in edges]
    notes[-1] = f"{amount(classes['from_revenue'].iloc[-1], unit)} and more"
    figure.add_bar(
        x=classes["from_revenue"] + width / 2, y=classes["buyers"], width=width * 0.92, marker_color=BLUE,
        customdata=notes, hovertemplate="%{customdata}: %{y:,} buyers<extra></extra>", showlegend=False,
    )  # fmt: skip
    marks = _marks(summary, unit)
    for row, (label, value) in enumerate(marks.items()):
        _mark(figure, value, label, row, classes["to_revenue"].iloc[-1])
    figure.update_yaxes(title="buyers", tickformat=",", rangemode="tozero", domain=[0, 0.78])  # room for the labels
    figure.update_xaxes(title="revenue to date; the last bar includes all above", tickformat=",", **unit_affixes(unit))
    figure.update_xaxes(showgrid=False, range=[0, classes["to_revenue"].iloc[-1]])
    described = describe(classes, "from_revenue", "buyers", "Buyers by revenue to date", "")
    return styled(figure, f"{described} Marked: {', '.join(marks)}.", 380, classes)


def _marks(summary: pd.Series, unit: str) -> dict[str, float]:
    """Labels and positions of the marks; no top tenth where its share is unknown."""
    marks = {
        f"{name} {amount(summary[f'{name}_revenue'], unit)}": summary[f"{name}_revenue"] for name in ("median", "mean")
    }
    if np.isnan(summary["top_tenth_share"]):
        return marks
    return marks | {f"top tenth: {percent(summary['top_tenth_share'], 0)} of revenue": summary["top_tenth_from"]}


def _mark(figure: Chart, value: float, label: str, row: int, edge: float) -> None:
    """A vertical line with its label on the side with more room; `row` sets the height of the label."""
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
        return empty_chart("There are no buyers yet.")
    figure, last = Chart(), curve["day"].iloc[-1]
    curve = curve[curve["share"].diff().ne(0) | (curve["day"] == last)]  # only the days of a step
    step = {"shape": "hv", "width": 0}
    for column, fill in (("lower", None), ("upper", "tonexty")):
        figure.add_scatter(
            x=curve["day"], y=curve[column], line=step, mode="lines", fill=fill, fillcolor=FAINT, hoverinfo="skip",
            name="95 % interval", showlegend=fill is not None,
        )  # fmt: skip
    figure.add_scatter(
        x=curve["day"], y=curve["share"], mode="lines", line={"color": BLUE, "width": 3, "shape": "hv"},
        customdata=curve["at_risk"], name="second order",
        hovertemplate="within %{x} days: %{y:.1%}<br>%{customdata:,} still observed<extra></extra>",
    )  # fmt: skip
    value_axis(figure.layout.yaxis, "%")
    figure.update_xaxes(title="days after the first order", rangemode="tozero", tick0=0, dtick=_ticks(int(last)))
    by_day = curve.astype({"day": "object"})
    described = describe(by_day, "day", "share", "Share of buyers with a second order by day", "%")
    return styled(figure, described, numbers=curve)


def _ticks(days: int) -> int:
    """Days between ticks: a multiple of 30 that leaves at most 12 ticks; fewer days in a shop of under a month."""
    return STEP_DAYS * (1 + days // (12 * STEP_DAYS)) if days > STEP_DAYS else max(1, days // 7)


def churn(rates: pd.DataFrame, churn_days: int) -> Chart:
    """Churn rate by the days without an order that count as churned, with the window of this report marked."""
    known = rates.dropna(subset=["churn_rate"])
    if known.empty:
        return empty_chart("No buyer has been observed long enough to count as churned.")
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
    by_window = known.astype({"churn_days": "object"})  # as object it is written as a whole number
    described = describe(by_window, "churn_days", "churn_rate", "Churn rate by the window in days", "%")
    return styled(figure, described, numbers=rates)
