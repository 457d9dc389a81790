"""Draws what runs along an axis: lines and upright bars."""

from collections.abc import Mapping

import pandas as pd

from lib.charts.look import BARS, LINES, Chart, finish, in_words, value_axis

__all__ = ["bars", "lines"]


def lines(frame: pd.DataFrame, x: str, series: Mapping[str, str], unit: str = "") -> Chart:
    """Lines over the column `x`, one per column of `series` with its label; the first is the main one."""
    figure = Chart()
    for position, (column, label) in reversed(list(enumerate(series.items()))):  # the main line lies on top
        style = {"color": LINES[position], "width": 2.6 if position == 0 else 1.2}
        figure.add_scatter(x=frame[x], y=frame[column], name=label, mode="lines", line=style, connectgaps=False)
    figure.update_layout(legend_traceorder="reversed")
    value_axis(figure.layout.yaxis, unit)
    column, label = next(iter(series.items()))
    return finish(figure, in_words(frame, x, column, label, unit))


def bars(frame: pd.DataFrame, x: str, series: Mapping[str, str], unit: str = "") -> Chart:
    """Upright bars over the column `x`, side by side for several columns of `series`."""
    figure = Chart()
    for colour, (column, label) in zip(BARS, series.items(), strict=False):
        figure.add_bar(x=frame[x], y=frame[column], name=label, marker_color=colour)
    value_axis(figure.layout.yaxis, unit)
    column, label = next(iter(series.items()))
    return finish(figure, in_words(frame, x, column, label, unit))
