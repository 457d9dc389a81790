"""The one look of every figure: colours, type, margins, number formats, and the text alternative."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lib.formatting import around_money, integer, money, percent, separators
from lib.report.palette import CLEAR, FONT, GRID, LABEL_SIZE, TEXT, TEXT_SIZE

__all__ = [
    "HEIGHT",
    "Chart",
    "Switch",
    "amount",
    "describe",
    "empty_chart",
    "escape_label",
    "hover_number",
    "label_line_ends",
    "range_text",
    "shortened",
    "styled",
    "unit_affixes",
    "value_axis",
]  # fmt: skip

MIME = "application/vnd.plotly.v1+json"
# JupyterLab serves the project's folder under /files, so that maps need no network there either.
CONFIG = {"displaylogo": False, "responsive": True, "showSendToCloud": False, "topojsonURL": "/files/lib/report/"}
HEIGHT = 340
LINE_PIXELS = 16  # between two names
END = "end"  # by this name a narrow page knows what it shows as a legend instead


class Chart(go.Figure):
    """A figure that shows itself as plotly's own data, with a text alternative, the same wherever it is shown."""

    _ipython_display_ = _repr_html_ = None  # plotly's own ways of showing itself know no text alternative

    def _repr_mimebundle_(self, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
        return {MIME: json.loads(self.to_json()) | {"config": CONFIG}, "text/plain": self.layout.meta["alt"]}


class Switch:
    """The same in several ways, by their labels: a page shows one of them at a time, a notebook all."""

    def __init__(self, ways: Mapping[str, Chart]) -> None:
        self.ways = ways

    def _ipython_display_(self) -> None:
        from IPython.display import display  # only a notebook shows anything

        for label, chart in self.ways.items():
            display(chart._repr_mimebundle_(), raw=True, metadata={"switch": label})


def styled(figure: Chart, alt: str, height: int = HEIGHT, numbers: pd.DataFrame | None = None) -> Chart:
    """The figure in the one look; `numbers` is what it shows as a table, for those who want to look closer."""
    meta = {"alt": alt} if numbers is None else {"alt": alt, "numbers": _table(numbers)}
    figure.update_layout(
        template="none", height=height, meta=meta, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        font={"family": FONT, "size": TEXT_SIZE, "color": TEXT}, bargap=0.25,
        margin={"l": 10, "r": 24, "t": 24, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}, dragmode=False, separators=separators(),
    )  # fmt: skip
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True, linecolor=GRID)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True)
    return figure


def empty_chart(reason: str, characters: int = 120) -> Chart:
    """A small empty figure that says why it is empty, in lines of at most so many characters: 42 fit on a phone."""
    lines = "<br>".join(wrap(reason, characters))
    figure = Chart().add_annotation(text=lines, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    return styled(figure, reason, height=90)


def _table(frame: pd.DataFrame) -> dict[str, Any]:
    """The frame as JSON: columns and data; days without their midnight."""
    days = {name: frame[name].dt.strftime("%Y-%m-%d") for name in frame.select_dtypes("datetime")}
    return json.loads(frame.assign(**days).to_json(orient="split", index=False, double_precision=6))


def label_line_ends(figure: Chart, ends: Sequence[tuple[Any, float, str, str]], height: int = HEIGHT) -> None:
    """Write a name with a dot of its colour beside the end (x, y, name, colour) of each line, none over another."""
    values = [value for trace in figure.data for value in trace.y if pd.notna(value)]
    span = max([*values, 0]) - min([*values, 0]) or 1
    floor = -np.inf
    for x, y, name, colour in sorted(ends, key=lambda end: end[1]):
        place = max(y / span * (height - 60), floor)  # in pixels above the axis, where a name does not lie on one below
        floor = place + LINE_PIXELS
        figure.add_annotation(
            name=END, x=x, y=y, yshift=place - y / span * (height - 60), xshift=6, xanchor="left", showarrow=False,
            text=f"<span style='color:{colour}'>●</span> {escape_label(name)}", font={"size": LABEL_SIZE},
        )  # fmt: skip
    longest = max((len(name) for _, _, name, _ in ends), default=0)
    figure.update_layout(showlegend=False, margin_r=24 + 7 * longest)


def value_axis(axis: go.layout.YAxis | go.layout.XAxis, unit: str) -> None:
    axis.update(unit_affixes(unit), tickformat=".0%" if unit == "%" else ",", rangemode="tozero")


def unit_affixes(unit: str) -> dict[str, str]:
    """What an axis writes before and after its numbers: the sign of a currency, on the locale's side."""
    before, after = around_money(unit) if _is_currency(unit) else ("", "")
    return {"tickprefix": before, "ticksuffix": after}


def hover_number(variable: str, unit: str) -> str:
    """How plotly is to write a variable of that unit where a pointer is."""
    before, after = unit_affixes(unit).values()
    return f"{before}%{{{variable}:{'.1%' if unit == '%' else ',.0f'}}}{after}"


def amount(value: float, unit: str) -> str:
    """A value of that unit in words: a share, money, or a count."""
    if unit == "%":
        return percent(value)
    return money(value, unit, digits=False) if _is_currency(unit) else integer(value)


def _is_currency(unit: str) -> bool:
    return len(unit) == 3 and unit.isupper()


def describe(frame: pd.DataFrame, x: str, column: str, label: str, unit: str) -> str:
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


def range_text(matrix: pd.DataFrame) -> str:
    values = matrix.to_numpy(float)
    return (
        "" if np.isnan(values).all() else f", from {percent(np.nanmin(values), 0)} to {percent(np.nanmax(values), 0)}"
    )


def escape_label(text: object) -> str:
    """Text as plotly shows it literally: plotly reads a few HTML tags and entities in labels."""
    return escape(str(text), quote=False)


def shortened(text: str, limit: int = 34) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
