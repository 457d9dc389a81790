"""Draws a value on a map, and against its target."""

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
    template,
    unit_marks,
)
from lib.countries import alpha3
from lib.formats import percent

__all__ = ["country_map", "gauge"]


def country_map(frame: pd.DataFrame, value: str, label: str, unit: str = "") -> Chart:
    """Countries coloured by the column `value`; the frame has country_code (ISO alpha-2) and country."""
    known = frame[frame["country_code"].map(alpha3, na_action="ignore").notna()]
    figure = Chart()
    figure.add_choropleth(
        locations=known["country_code"].map(alpha3), z=known[value], locationmode="ISO-3", colorscale=SEQUENTIAL,
        text=[label_text(name) for name in known["country"]],
        hovertemplate=f"%{{text}}: {template('z', unit)} {label}<extra></extra>",
        marker_line={"width": 0.5, "color": GREY},
        colorbar={"title": label, "thickness": 12, "len": 0.7, "tickformat": ",~s"} | unit_marks(unit),
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
            "axis": {"range": [0, max(1.5 * target, value)], "tickformat": ",.3~s"} | unit_marks(unit),
            "bar": {"color": BLUE, "thickness": 0.6}, "borderwidth": 0, "bgcolor": "rgba(128,128,128,0.15)",
            "threshold": {"line": {"color": ORANGE, "width": 4}, "thickness": 0.9, "value": target},
        },
    )  # fmt: skip
    figure.add_annotation(text=amount(value, unit), x=0.5, y=0.08, showarrow=False, font={"size": 44})
    alt = f"Gauge: {amount(value, unit)} of a target of {amount(target, unit)}, {percent(value / target, 0)}."
    return finish(figure, alt, 280, pd.DataFrame({"value": [value], "target": [target]}))
