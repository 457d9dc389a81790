"""Draws customers: segments by their worth, and what is expected of each beside what each has brought."""

import pandas as pd

from lib.charts.look import (
    BLUE,
    GREY,
    ORANGE,
    SEQUENTIAL,
    Chart,
    amount,
    finish,
    label_text,
    nothing,
    template,
    value_axis,
)
from lib.formats import percent

__all__ = ["past_and_future", "reliability", "treemap"]

MOST_POINTS = 500
PHONE = 42  # characters of a line there
TICKS = [step * 10**power for power in range(9) for step in (1, 3)]


def treemap(frame: pd.DataFrame, name: str, value: str, colour: str, unit: str = "") -> Chart:
    """One tile per row, as large as its value, darker the higher the column `colour`, of the same unit."""
    shown = frame[frame[value] > 0]
    if shown.empty:
        return nothing(f"There is no {value} to draw.", PHONE)
    figure = Chart()
    figure.add_treemap(
        labels=[label_text(text) for text in shown[name]], parents=[""] * len(shown), values=shown[value],
        marker={
            "colors": shown[colour].round(2), "colorscale": SEQUENTIAL, "cmin": 0,
            "line": {"width": 0}, "pad": {"t": 0, "l": 0, "r": 0, "b": 0},
        },
        customdata=shown[colour].round(2), tiling={"pad": 3}, pathbar={"visible": False}, root_color="rgba(0,0,0,0)",
        texttemplate=f"<b>%{{label}}</b><br>{template('value', unit)}",
        hovertemplate=f"%{{label}}: {template('value', unit)}, {template('customdata', unit)} "
        f"{colour.replace('_', ' ')}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(uniformtext={"minsize": 11, "mode": "hide"})
    described = ", ".join(f"{n} {amount(v, unit)}" for n, v in zip(shown[name], shown[value], strict=True))
    drawn = finish(figure, f"Tiles by {value}: {described}.", 380, shown[[name, value, colour]])
    return drawn.update_layout(margin={"l": 2, "r": 2, "t": 2, "b": 2})


def past_and_future(frame: pd.DataFrame, past: str, future: str, unit: str) -> Chart:
    """A point per customer on two logarithmic axes, at most 500, spread evenly over the order by `past`; no keys."""
    known = frame.loc[(frame[past] > 0) & (frame[future] > 0), [past, future]].round(2).sort_values([past, future])
    shown = known.iloc[:: max(1, -(-len(known) // MOST_POINTS))]
    if shown.empty:
        return nothing("No customer has both, so there is no point to draw.", PHONE)
    figure = Chart()
    figure.add_scatter(
        x=shown[past], y=shown[future], mode="markers", marker={"color": BLUE, "size": 7, "opacity": 0.75},
        hovertemplate=f"{template('x', unit)} so far<br>{template('y', unit)} expected<extra></extra>",
    )  # fmt: skip
    ticks = {"tickvals": TICKS, "ticktext": [amount(tick, unit) for tick in TICKS]}  # plotly leaves the currency out
    for axis, title in ((figure.layout.xaxis, past), (figure.layout.yaxis, future)):
        value_axis(axis, unit)
        axis.update(ticks, type="log", title=title.replace("_", " "), rangemode="normal")
    alt = f"{len(shown)} points of {len(known)} customers: {past} against {future}, in {unit}, logarithmic."
    return finish(figure, alt.replace("_", " "), 400, shown)


def reliability(frame: pd.DataFrame) -> Chart:
    """Chances that were said against shares that came, a point per group; on the line both are the same."""
    if frame.empty:
        return nothing("Too few customers ordered, or too few did not, to hold chances against what came.", PHONE)
    figure = Chart()
    low, high = frame[["said", "came"]].min().min(), frame[["said", "came"]].max().max()
    line, known = {"color": GREY, "width": 1.2, "dash": "dot"}, {"hoverinfo": "skip", "name": "said = came"}
    figure.add_scatter(x=[low, high], y=[low, high], mode="lines", line=line, **known)
    figure.add_scatter(
        x=frame["said"], y=frame["came"], mode="markers", name="a tenth of the customers",
        customdata=frame["customers"], marker={"color": ORANGE, "size": 9},
        hovertemplate="said %{x:.1%}, came %{y:.1%}, %{customdata:,} customers<extra></extra>",
    )  # fmt: skip
    for axis, title in ((figure.layout.xaxis, "said"), (figure.layout.yaxis, "came")):
        value_axis(axis, "%")
        axis.update(title=title, rangemode="normal")
    pairs = ", ".join(f"{percent(row.said, 0)} and {percent(row.came, 0)}" for row in frame.itertuples())
    return finish(figure, f"Chances said and shares come, by group: {pairs}.", numbers=frame)
