"""Draws: frame -> Figure; colours, fonts, margins and text alternatives in one place."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from babel.numbers import get_currency_symbol

from lib.countries import alpha3

__all__ = ["Chart", "bars", "country_map", "entities", "fan", "gauge", "heatmap", "lines", "ranking"]

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


def lines(frame: pd.DataFrame, x: str, series: Mapping[str, str], unit: str = "") -> Chart:
    """Lines over the column `x`, one per column of `series` with its label; the first is the main one."""
    figure = Chart()
    for position, (column, label) in reversed(list(enumerate(series.items()))):  # the main line lies on top
        style = {"color": LINES[position], "width": 2.6 if position == 0 else 1.2}
        figure.add_scatter(x=frame[x], y=frame[column], name=label, mode="lines", line=style, connectgaps=False)
    figure.update_layout(legend_traceorder="reversed")
    _value_axis(figure.layout.yaxis, unit)
    column, label = next(iter(series.items()))
    return _finish(figure, _in_words(frame, x, column, label, unit))


def bars(frame: pd.DataFrame, x: str, series: Mapping[str, str], unit: str = "") -> Chart:
    """Upright bars over the column `x`, side by side for several columns of `series`."""
    figure = Chart()
    for colour, (column, label) in zip(BARS, series.items(), strict=False):
        figure.add_bar(x=frame[x], y=frame[column], name=label, marker_color=colour)
    _value_axis(figure.layout.yaxis, unit)
    column, label = next(iter(series.items()))
    return _finish(figure, _in_words(frame, x, column, label, unit))


def ranking(frame: pd.DataFrame, name: str, value: str, unit: str = "") -> Chart:
    """Lying bars in the order of the rows, the first on top, each with its value; names are shown exactly."""
    names = [_label(text) for text in frame[name]]
    figure = Chart()
    figure.add_bar(
        x=frame[value], y=list(range(len(names))), orientation="h", marker_color=BLUE, cliponaxis=False,
        customdata=names, hovertemplate=f"%{{customdata}}<br>{_template('x', unit)}<extra></extra>",
        texttemplate=_template("x", unit), textposition="auto",
    )  # fmt: skip
    # Positions carry the bars and names label them: two products of the same name stay two bars.
    short = [_label(_shortened(text)) for text in frame[name]]
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=short, autorange="reversed", showgrid=False)
    _value_axis(figure.layout.xaxis, unit)
    figure.update_xaxes(showticklabels=False, showgrid=False)
    described = ", ".join(f"{n} {_amount(v, unit)}" for n, v in zip(frame[name], frame[value], strict=True))
    return _finish(figure, f"Bars in order: {described or 'nothing'}.", height=max(140, 34 * len(frame) + 60))


def heatmap(matrix: pd.DataFrame, row: str, column: str) -> Chart:
    """Shares as coloured cells with their percentage; a cell that is NaN is not drawn."""
    rows = [f"{cohort:%b %Y}" for cohort in matrix.index]
    figure = Chart()
    figure.add_heatmap(
        z=matrix.to_numpy(float), x=[str(name) for name in matrix.columns], y=rows, colorscale=SEQUENTIAL, zmin=0,
        texttemplate="%{z:.0%}", hoverongaps=False, xgap=2, ygap=2, showscale=False,
        hovertemplate=f"{row} %{{y}}, {column} %{{x}}: %{{z:.1%}}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False, title=None)
    figure.update_xaxes(type="category", showgrid=False, title=column, side="top")
    seen = int(matrix.notna().to_numpy().sum())
    alt = f"Matrix of {len(matrix)} {row}s by {column}: {seen} observed cells{_extremes(matrix)}."
    return _finish(figure, alt, height=max(200, 28 * len(matrix) + 90))


def country_map(frame: pd.DataFrame, value: str, label: str) -> Chart:
    """Countries coloured by the column `value`; the frame has country_code (ISO alpha-2) and country."""
    known = frame[frame["country_code"].map(alpha3, na_action="ignore").notna()]
    figure = Chart()
    figure.add_choropleth(
        locations=known["country_code"].map(alpha3), z=known[value], locationmode="ISO-3", colorscale=SEQUENTIAL,
        text=[_label(name) for name in known["country"]], hovertemplate=f"%{{text}}: %{{z:,}} {label}<extra></extra>",
        marker_line={"width": 0.5, "color": GREY}, colorbar={"title": label, "thickness": 12, "len": 0.7},
    )  # fmt: skip
    figure.update_geos(
        projection_type="natural earth", projection_rotation_lon=0, lataxis_range=[-58, 84], resolution=50,
        showframe=False, showcoastlines=False, showland=True, landcolor="rgba(128,128,128,0.18)",
        bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    described = ", ".join(f"{row.country} {getattr(row, value):,}" for row in known.head(5).itertuples())
    alt = f"World map of {label} in {len(known)} countries, most in: {described or 'none'}."
    return _finish(figure, alt, height=420)


def gauge(value: float, target: float, unit: str) -> Chart:
    """A value as an arc up to one and a half times the target, which is marked."""
    figure = Chart()
    figure.add_indicator(
        mode="gauge+number", value=value, number={"valueformat": ",.0f", "prefix": _prefix(unit)},
        gauge={
            "axis": {"range": [0, max(1.5 * target, value)], "tickformat": ",.3~s", "tickprefix": _prefix(unit)},
            "bar": {"color": BLUE, "thickness": 0.6}, "borderwidth": 0, "bgcolor": "rgba(128,128,128,0.15)",
            "threshold": {"line": {"color": ORANGE, "width": 4}, "thickness": 0.9, "value": target},
        },
    )  # fmt: skip
    alt = f"Gauge: {_amount(value, unit)} of a target of {_amount(target, unit)}, {value / target:.0%}."
    return _finish(figure, alt, height=280)


def fan(history: pd.DataFrame, ahead: pd.DataFrame, unit: str) -> Chart:
    """History (date, revenue) joined to a forecast (date, forecast and its 80 and 95 % bounds)."""
    figure = Chart()
    for level, opacity in ((95, 0.16), (80, 0.28)):
        bounds = pd.concat([ahead[f"upper_{level}"], ahead[f"lower_{level}"][::-1]])
        dates = pd.concat([ahead["date"], ahead["date"][::-1]])
        figure.add_scatter(
            x=dates, y=bounds, fill="toself", mode="lines", line={"width": 0}, hoverinfo="skip",
            fillcolor=f"rgba(213,94,0,{opacity})", name=f"{level} % interval",
        )  # fmt: skip
    for frame, column, colour in ((history, "revenue", BLUE), (ahead, "forecast", ORANGE)):
        line = {"color": colour, "width": 2}
        figure.add_scatter(x=frame["date"], y=frame[column], name=column, mode="lines", line=line)
    _value_axis(figure.layout.yaxis, unit)
    return _finish(figure, _in_words(ahead, "date", "forecast", "Forecast", unit), height=380)


def entities(keys: pd.DataFrame, sizes: Mapping[str, str]) -> Chart:
    """Tables as boxes with a note each, foreign keys (table, references) as lines from the child to its parent."""
    angles = np.linspace(0, 2 * np.pi, len(sizes), endpoint=False)  # on an ellipse no line runs through a third box
    places = dict(zip(sizes, zip(np.sin(angles), np.cos(angles), strict=True), strict=True))
    figure = Chart()
    for child, parent in keys[["table", "references"]].drop_duplicates().itertuples(index=False):
        (x0, y0), (x1, y1) = places[child], places[parent]
        line = {"color": GREY, "width": 1.5}
        figure.add_scatter(x=[x0, x1], y=[y0, y1], mode="lines", line=line, hoverinfo="skip", showlegend=False)
    for table, (x, y) in places.items():
        figure.add_annotation(
            x=x, y=y, text=f"<b>{table.replace('_', '<br>')}</b><br>{_label(sizes[table])}", showarrow=False,
            bgcolor="#EAF2F8", bordercolor=BLUE, borderpad=5, font={"size": 11, "color": "#1B2733"},
        )  # fmt: skip
    figure.update_xaxes(visible=False, range=[-1.35, 1.35]).update_yaxes(visible=False, range=[-1.25, 1.25])
    described = "; ".join(f"{row.table} refers to {row.references}" for row in keys.itertuples())
    return _finish(figure, f"Diagram of {len(sizes)} tables: {described}.", height=440)


def _finish(figure: Chart, alt: str, height: int = HEIGHT) -> Chart:
    figure.update_layout(
        template="none", height=height, meta={"alt": alt}, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#333B45"}, bargap=0.25,
        margin={"l": 10, "r": 16, "t": 24, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}, dragmode=False,
    )  # fmt: skip
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True, linecolor=GRID)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True)
    return figure


def _value_axis(axis: go.layout.YAxis | go.layout.XAxis, unit: str) -> None:
    axis.update(tickprefix=_prefix(unit), tickformat=".0%" if unit == "%" else ",", rangemode="tozero")


def _prefix(unit: str) -> str:
    return get_currency_symbol(unit, locale="en_US") if len(unit) == 3 and unit.isupper() else ""


def _template(variable: str, unit: str) -> str:
    return f"{_prefix(unit)}%{{{variable}:{'.1%' if unit == '%' else ',.0f'}}}"


def _amount(value: float, unit: str) -> str:
    return f"{value:.1%}" if unit == "%" else f"{_prefix(unit)}{value:,.0f}"


def _in_words(frame: pd.DataFrame, x: str, column: str, label: str, unit: str) -> str:
    """What a line or bar chart shows: its range on both axes and where its extremes lie."""
    shown = frame[[x, column]].dropna()
    if shown.empty:
        return f"{label}: nothing to show."
    low, high = shown.loc[shown[column].idxmin()], shown.loc[shown[column].idxmax()]
    first, last = _place(shown[x].iloc[0]), _place(shown[x].iloc[-1])
    lowest = f"lowest {_amount(low[column], unit)} at {_place(low[x])}"
    return f"{label} from {first} to {last}: {lowest}, highest {_amount(high[column], unit)} at {_place(high[x])}."


def _place(value: object) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else str(value)


def _extremes(matrix: pd.DataFrame) -> str:
    values = matrix.to_numpy(float)
    return "" if np.isnan(values).all() else f", from {np.nanmin(values):.0%} to {np.nanmax(values):.0%}"


def _label(text: object) -> str:
    """Text as plotly shows it literally: plotly reads a few HTML tags and entities in labels."""
    return escape(str(text), quote=False)


def _shortened(text: str, limit: int = 34) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
