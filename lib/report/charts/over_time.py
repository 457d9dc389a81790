"""Draws what runs along an axis: lines, upright bars, and what was going on meanwhile."""

from collections.abc import Mapping

import pandas as pd

from lib.report.charts.figure import (
    HEIGHT,
    Chart,
    describe,
    escape_label,
    hover_number,
    label_line_ends,
    styled,
    value_axis,
)
from lib.report.palette import BARS, FAINT, INK, LINES, SMALL_SIZE, SMALLEST_SIZE, SPAN

__all__ = ["bars", "lines"]

LANE_PIXELS = 18
NAMED_LANES = 3  # with more of them at once the bars are thin, and a pointer shows the names
DAY = pd.Timedelta(days=1)


def lines(
    frame: pd.DataFrame,
    x: str,
    series: Mapping[str, str],
    unit: str = "",
    *,
    behind: Mapping[str, str] | None = None,
    marks: pd.DataFrame | None = None,
) -> Chart:
    """Lines over the column `x`, one per column of `series` with its label; the first is the main one.

    Columns of `behind` are drawn faintly below; `marks` (name, start_date, end_date) as bars above: what was going on.
    """
    figure, height, behind = Chart(), HEIGHT, behind or {}
    shown = list(zip(series.items(), LINES, strict=False))
    for (column, label), colour in [*((pair, FAINT) for pair in behind.items()), *reversed(shown)]:
        figure.add_scatter(
            x=frame[x], y=frame[column], name=label, mode="lines", connectgaps=False,
            line={"color": colour, "width": 1.2},
            hovertemplate=f"{escape_label(label)}: {hover_number('y', unit)}<extra></extra>",
        )  # fmt: skip
    figure.data[-1].line.width = 2.6  # the main line lies on top
    column, label = next(iter(series.items()))
    words = describe(frame, x, column, label, unit)
    if marks is not None and len(marks) and len(frame):
        height += _mark(figure, marks, frame[x].iloc[0], frame[x].iloc[-1])
        words += f" Meanwhile: {', '.join(marks['name'])}."
    styled(figure, words, height, frame[[x, *series, *behind]].rename(columns={**series, **behind}))
    value_axis(figure.layout.yaxis, unit)
    figure.update_layout(hovermode="x unified", showlegend=False)
    if len(series) > 1:
        label_line_ends(figure, [end for end in _ends(frame, x, series) if end], height)
    return figure


def _ends(frame: pd.DataFrame, x: str, series: Mapping[str, str]) -> list[tuple]:
    """Last point, name and colour of each line that has one."""
    last = {column: frame[[x, column]].dropna().tail(1) for column in series}
    return [
        (last[column][x].iloc[0], last[column][column].iloc[0], series[column], colour)
        for column, colour in zip(series, LINES, strict=False)
        if len(last[column])
    ]


def _mark(figure: Chart, marks: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp) -> int:
    """Draw each mark, as far as it lies between the two days, above the lines; the height that takes."""
    starts, ends = marks["start_date"].clip(lower=first), marks["end_date"].clip(upper=last) + DAY
    places = _lanes(starts, ends)
    lane = LANE_PIXELS if max(places) < NAMED_LANES else LANE_PIXELS // 3
    names = [escape_label(name) for name in marks["name"]]
    figure.add_bar(
        base=starts, x=(ends - starts) / pd.Timedelta(milliseconds=1), y=places, orientation="h", width=0.8, yaxis="y2",
        text=names if lane == LANE_PIXELS else None, textposition="inside", insidetextanchor="start", textangle=0,
        textfont={"size": SMALL_SIZE, "color": INK}, marker={"color": SPAN, "line": {"width": 0}}, showlegend=False,
        customdata=names, hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    height = lane * (max(places) + 1)
    share = height / (HEIGHT + height)
    figure.update_layout(
        yaxis={"domain": [0, 1 - share - 0.02]}, uniformtext={"minsize": SMALLEST_SIZE, "mode": "hide"},
        xaxis={"range": [first, last]},
        yaxis2={"domain": [1 - share, 1], "anchor": "x", "visible": False, "range": [-0.5, max(places) + 0.5]},
    )  # fmt: skip
    return height


def _lanes(starts: pd.Series, ends: pd.Series) -> list[int]:
    """For each mark, in the order of the starts, the first lane that is free then."""
    busy: list[pd.Timestamp] = []
    places = []
    for start, end in zip(starts, ends, strict=True):
        free = next((lane for lane, until in enumerate(busy) if until <= start), len(busy))
        busy[free : free + 1] = [end]
        places.append(free)
    return places


def bars(frame: pd.DataFrame, x: str, series: Mapping[str, str], unit: str = "") -> Chart:
    """Upright bars over the column `x`, side by side for several columns of `series`."""
    figure = Chart()
    for colour, (column, label) in zip(BARS, series.items(), strict=False):
        figure.add_bar(x=frame[x], y=frame[column], name=label, marker_color=colour)
    column, label = next(iter(series.items()))
    words = describe(frame, x, column, label, unit)
    styled(figure, words, numbers=frame[[x, *series]].rename(columns=series))
    value_axis(figure.layout.yaxis, unit)
    return figure
