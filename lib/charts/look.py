"""The one look of every figure: colours, type, margins, number formats, and the text alternative."""

import json
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from babel.numbers import get_currency_symbol

__all__ = [
    "BARS", "BLUE", "GREEN", "GREY", "HEIGHT", "LINES", "ORANGE", "PURPLE", "SEQUENTIAL", "Chart",
    "amount", "extremes", "finish", "in_words", "label_text", "prefix", "shortened", "template", "value_axis",
]  # fmt: skip

MIME = "application/vnd.plotly.v1+json"
# JupyterLab serves the project's folder under /files, so that maps need no network there either.
CONFIG = {"displaylogo": False, "responsive": True, "showSendToCloud": False, "topojsonURL": "/files/lib/report/"}
# Okabe and Ito's colours, which readers with any kind of colour vision tell apart.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#9AA3AE"
LINES = (BLUE, GREY, ORANGE, GREEN, PURPLE)  # the second line is what the first is held against
BARS = (BLUE, ORANGE, GREEN, PURPLE, GREY)
SEQUENTIAL = ((0.0, "#E8F1F8"), (0.5, "#5FA2CE"), (1.0, "#08457E"))
GRID = "rgba(128,128,128,0.25)"
HEIGHT = 340


class Chart(go.Figure):
    """A figure that shows itself as plotly's own data, with a text alternative, the same wherever it is shown."""

    _ipython_display_ = _repr_html_ = None  # plotly's own ways of showing itself know no text alternative

    def _repr_mimebundle_(self, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
        return {MIME: json.loads(self.to_json()) | {"config": CONFIG}, "text/plain": self.layout.meta["alt"]}


def finish(figure: Chart, alt: str, height: int = HEIGHT) -> Chart:
    figure.update_layout(
        template="none", height=height, meta={"alt": alt}, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#333B45"}, bargap=0.25,
        margin={"l": 10, "r": 16, "t": 24, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}, dragmode=False,
    )  # fmt: skip
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True, linecolor=GRID)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True)
    return figure


def value_axis(axis: go.layout.YAxis | go.layout.XAxis, unit: str) -> None:
    axis.update(tickprefix=prefix(unit), tickformat=".0%" if unit == "%" else ",", rangemode="tozero")


def prefix(unit: str) -> str:
    return get_currency_symbol(unit, locale="en_US") if len(unit) == 3 and unit.isupper() else ""


def template(variable: str, unit: str) -> str:
    return f"{prefix(unit)}%{{{variable}:{'.1%' if unit == '%' else ',.0f'}}}"


def amount(value: float, unit: str) -> str:
    return f"{value:.1%}" if unit == "%" else f"{prefix(unit)}{value:,.0f}"


def in_words(frame: pd.DataFrame, x: str, column: str, label: str, unit: str) -> str:
    """What a line or bar chart shows: its range on both axes and where its extremes lie."""
    shown = frame[[x, column]].dropna()
    if shown.empty:
        return f"{label}: nothing to show."
    low, high = shown.loc[shown[column].idxmin()], shown.loc[shown[column].idxmax()]
    first, last = _place(shown[x].iloc[0]), _place(shown[x].iloc[-1])
    lowest = f"lowest {amount(low[column], unit)} at {_place(low[x])}"
    return f"{label} from {first} to {last}: {lowest}, highest {amount(high[column], unit)} at {_place(high[x])}."


def _place(value: object) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else str(value)


def extremes(matrix: pd.DataFrame) -> str:
    values = matrix.to_numpy(float)
    return "" if np.isnan(values).all() else f", from {np.nanmin(values):.0%} to {np.nanmax(values):.0%}"


def label_text(text: object) -> str:
    """Text as plotly shows it literally: plotly reads a few HTML tags and entities in labels."""
    return escape(str(text), quote=False)


def shortened(text: str, limit: int = 34) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
