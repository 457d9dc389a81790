"""Draws how a whole is made up: rankings, matrices, maps, a value against its target."""

import pandas as pd

from lib.charts.look import (
    BLUE,
    GREY,
    ORANGE,
    SEQUENTIAL,
    Chart,
    amount,
    extremes,
    finish,
    label_text,
    prefix,
    shortened,
    template,
    value_axis,
)
from lib.countries import alpha3

__all__ = ["country_map", "gauge", "heatmap", "ranking"]


def ranking(frame: pd.DataFrame, name: str, value: str, unit: str = "") -> Chart:
    """Lying bars in the order of the rows, the first on top, each with its value; names are shown exactly."""
    names = [label_text(text) for text in frame[name]]
    figure = Chart()
    figure.add_bar(
        x=frame[value], y=list(range(len(names))), orientation="h", marker_color=BLUE, cliponaxis=False,
        customdata=names, hovertemplate=f"%{{customdata}}<br>{template('x', unit)}<extra></extra>",
        texttemplate=template("x", unit), textposition="auto",
    )  # fmt: skip
    # Positions carry the bars and names label them: two products of the same name stay two bars.
    short = [label_text(shortened(text)) for text in frame[name]]
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=short, autorange="reversed", showgrid=False)
    value_axis(figure.layout.xaxis, unit)
    figure.update_xaxes(showticklabels=False, showgrid=False)
    described = ", ".join(f"{n} {amount(v, unit)}" for n, v in zip(frame[name], frame[value], strict=True))
    height = max(140, 34 * len(frame) + 60)
    return finish(figure, f"Bars in order: {described or 'nothing'}.", height, frame[[name, value]])


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
    alt = f"Matrix of {len(matrix)} {row}s by {column}: {seen} observed cells{extremes(matrix)}."
    numbers = matrix.set_axis(rows).rename_axis(row).rename(columns=str).reset_index()
    return finish(figure, alt, max(200, 28 * len(matrix) + 90), numbers)


def country_map(frame: pd.DataFrame, value: str, label: str, unit: str = "") -> Chart:
    """Countries coloured by the column `value`; the frame has country_code (ISO alpha-2) and country."""
    known = frame[frame["country_code"].map(alpha3, na_action="ignore").notna()]
    figure = Chart()
    figure.add_choropleth(
        locations=known["country_code"].map(alpha3), z=known[value], locationmode="ISO-3", colorscale=SEQUENTIAL,
        text=[label_text(name) for name in known["country"]],
        hovertemplate=f"%{{text}}: {template('z', unit)} {label}<extra></extra>",
        marker_line={"width": 0.5, "color": GREY},
        colorbar={"title": label, "thickness": 12, "len": 0.7, "tickprefix": prefix(unit), "tickformat": ",~s"},
    )  # fmt: skip
    figure.update_geos(
        projection_type="natural earth", projection_rotation_lon=0, lataxis_range=[-58, 84], resolution=50,
        showframe=False, showcoastlines=False, showland=True, landcolor="rgba(128,128,128,0.18)",
        bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    first = known.sort_values(value, ascending=False, kind="stable").head(5)
    described = ", ".join(f"{row.country} {amount(getattr(row, value), unit)}" for row in first.itertuples())
    alt = f"World map of {label} in {len(known)} countries, most in: {described or 'none'}."
    return finish(figure, alt, 420, frame[["country_code", "country", value]])


def gauge(value: float, target: float, unit: str) -> Chart:
    """A value as an arc up to one and a half times the target, which is marked."""
    figure = Chart()
    figure.add_indicator(
        mode="gauge", value=value,
        gauge={
            "axis": {"range": [0, max(1.5 * target, value)], "tickformat": ",.3~s", "tickprefix": prefix(unit)},
            "bar": {"color": BLUE, "thickness": 0.6}, "borderwidth": 0, "bgcolor": "rgba(128,128,128,0.15)",
            "threshold": {"line": {"color": ORANGE, "width": 4}, "thickness": 0.9, "value": target},
        },
    )  # fmt: skip
    figure.add_annotation(text=amount(value, unit), x=0.5, y=0.08, showarrow=False, font={"size": 44})
    alt = f"Gauge: {amount(value, unit)} of a target of {amount(target, unit)}, {value / target:.0%}."
    return finish(figure, alt, 280, pd.DataFrame({"value": [value], "target": [target]}))
