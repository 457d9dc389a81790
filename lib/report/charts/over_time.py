"""Line and bar charts over time, with event annotations."""

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
    value_range,
)
from lib.report.palette import BARS, FAINT, INK, LINES, SMALL_SIZE, SMALLEST_SIZE, SPAN

__all__ = ["bars", "lines"]

LANE_PIXELS = 18
NAMED_LANES = 3  # with more lanes the bars are thin and show their names on hover only
DAY = pd.Timedelta(days=1)


def lines(
    frame: pd.DataFrame,
    x: str,
    series: Mapping[str, str],
    unit: str = "",
    *,
    behind: Mapping[str, str] | None = None,
    annotations: pd.DataFrame | None = None,
) -> Chart:
    """One line per series, the first of them the main one.

    Args:
        frame: One row per point.
        x: Column of the horizontal axis.
        series: Label by column; at most five.
        unit: "%", a currency code, or "" for counts.
        behind: Label by column of series drawn faintly behind the lines.
        annotations: name, start_date and end_date (inclusive) of events, drawn as bars above the lines.
    """
    figure, height, behind = Chart(), HEIGHT, behind or {}
    _draw_lines(figure, frame, x, series, behind, unit)
    alt = _alternative(frame, x, series, unit)
    if annotations is not None and len(annotations) and len(frame):
        height += _annotate(figure, annotations, frame[x].iloc[0], frame[x].iloc[-1])
        alt += f" Annotations: {', '.join(annotations['name'])}."
    styled(figure, alt, height, frame[[x, *series, *behind]].rename(columns={**series, **behind}))
    value_axis(figure.layout.yaxis, unit)
    figure.update_layout(hovermode="x unified", showlegend=False)
    if len(series) > 1:
        label_line_ends(figure, _ends(frame, x, series), height)
    return figure


def _draw_lines(
    figure: Chart, frame: pd.DataFrame, x: str, series: Mapping[str, str], behind: Mapping[str, str], unit: str
) -> None:
    """Add the series behind, then the lines in reverse order, so that the main line lies on top."""
    coloured = [(column, label, FAINT) for column, label in behind.items()]
    shown = zip(series.items(), LINES, strict=False)
    coloured += reversed([(column, label, colour) for (column, label), colour in shown])
    for column, label, colour in coloured:
        figure.add_scatter(
            x=frame[x], y=frame[column], name=label, mode="lines", connectgaps=False,
            line={"color": colour, "width": 1.2},
            hovertemplate=f"{escape_label(label)}: {hover_number('y', unit)}<extra></extra>",
        )  # fmt: skip
    figure.data[-1].line.width = 2.6


def _alternative(frame: pd.DataFrame, x: str, series: Mapping[str, str], unit: str) -> str:
    """The main series in full, then the range of each further one."""
    (column, label), *others = series.items()
    words = [describe(frame, x, column, label, unit)]
    words += [value_range(frame[column], label, unit) for column, label in others]
    return " ".join(words)


def _ends(frame: pd.DataFrame, x: str, series: Mapping[str, str]) -> list[tuple[object, float, str, str]]:
    """Last point, name and colour of each line that has one."""
    ends = []
    for (column, label), colour in zip(series.items(), LINES, strict=False):
        last = frame[[x, column]].dropna().tail(1)
        if len(last):
            ends.append((last[x].iloc[0], last[column].iloc[0], label, colour))
    return ends


def _annotate(figure: Chart, annotations: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp) -> int:
    """Draw each event above the lines, cut to the days shown; returns the height that takes, in pixels."""
    starts, ends = annotations["start_date"], annotations["end_date"]
    starts, ends = starts.where(starts > first, first), ends.where(ends < last, last) + DAY
    places = _lanes(starts, ends)
    lane = LANE_PIXELS if max(places) < NAMED_LANES else LANE_PIXELS // 3
    names = [escape_label(name) for name in annotations["name"]]
    figure.add_bar(
        base=starts, x=1000 * (ends - starts).dt.total_seconds(), y=places, orientation="h", width=0.8, yaxis="y2",
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
    """The first lane that is free when each event starts; the events are ordered by their start."""
    busy: list[pd.Timestamp] = []
    places = []
    for start, end in zip(starts, ends, strict=True):
        free = next((lane for lane, until in enumerate(busy) if until <= start), len(busy))
        busy[free : free + 1] = [end]
        places.append(free)
    return places


def bars(frame: pd.DataFrame, x: str, series: Mapping[str, str], unit: str = "") -> Chart:
    """Vertical bars over the column `x`, side by side for several columns of `series` (column -> label)."""
    figure = Chart()
    for colour, (column, label) in zip(BARS, series.items(), strict=False):
        figure.add_bar(x=frame[x], y=frame[column], name=label, marker_color=colour)
    alt = _alternative(frame, x, series, unit)
    styled(figure, alt, numbers=frame[[x, *series]].rename(columns=series))
    value_axis(figure.layout.yaxis, unit)
    return figure
