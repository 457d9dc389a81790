"""Draws what an executive asks: what changed and why, which parts did, and when customers buy."""

from textwrap import wrap

import numpy as np
import pandas as pd

from lib.formatting import integer, percent
from lib.report.charts.figure import (
    Chart,
    amount,
    escape_label,
    hover_number,
    shortened,
    styled,
    unit_affixes,
    value_axis,
)
from lib.report.charts.over_time import lines
from lib.report.palette import BLUE, CLEAR, DIAL, GREEN, GREY, LAND, ORANGE, SEQUENTIAL, VALUE_SIZE
from lib.util.countries import alpha3

__all__ = ["bridge", "compared", "concentration", "country_map", "gauge", "week_hours"]

LABEL_SHARE = 0.2  # of the width, which a value beside a bar takes at most, on a phone
PHONE_LABEL = 10  # characters of a line below a bar, so that it stands upright on a phone
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def bridge(steps: pd.DataFrame, unit: str) -> Chart:
    """From the first total to the last by the changes between them; rows of step, amount, total (bool)."""
    figure, names = Chart(), [escape_label(step) for step in steps["step"]]
    figure.add_waterfall(
        x=["<br>".join(wrap(name, PHONE_LABEL)) for name in names], y=steps["amount"], customdata=names,
        measure=["absolute" if total else "relative" for total in steps["total"]],
        text=[_signed(row.amount, unit, row.total) for row in steps.itertuples()], textposition="outside",
        cliponaxis=False, connector={"line": {"color": GREY, "width": 1, "dash": "dot"}},
        totals={"marker": {"color": BLUE}}, increasing={"marker": {"color": GREEN}},
        decreasing={"marker": {"color": ORANGE}}, hovertemplate="%{customdata}: %{text}<extra></extra>",
    )  # fmt: skip
    described = ", ".join(f"{row.step} {_signed(row.amount, unit, row.total)}" for row in steps.itertuples())
    styled(figure, f"Bridge: {described}.", numbers=steps[["step", "amount"]])
    value_axis(figure.layout.yaxis, unit)
    figure.update_xaxes(tickangle=0)
    return figure.update_layout(showlegend=False, margin_t=36)


def _signed(value: float, unit: str, total: bool) -> str:
    sign = "" if total else "+" if value > 0 else "-" if value < 0 else ""
    return f"{sign}{amount(abs(value), unit)}"


def compared(frame: pd.DataFrame, name: str, unit: str) -> Chart:
    """Lying bars of `revenue` in the order of the rows, the first on top, with a mark at `previous_revenue`."""
    value, before = "revenue", "previous_revenue"
    places, names = list(range(len(frame))), [escape_label(text) for text in frame[name]]
    figure = Chart()
    hover = f"%{{customdata}}<br>%{{fullData.name}}: {hover_number('x', unit)}<extra></extra>"
    figure.add_bar(
        x=frame[value], y=places, orientation="h", marker_color=BLUE, name="this period", customdata=names, width=0.5,
        hovertemplate=hover,
    )  # fmt: skip
    figure.add_scatter(
        x=frame[before], y=places, mode="markers", name="the period before", customdata=names, hovertemplate=hover,
        marker={"symbol": "line-ns", "size": 24, "line": {"width": 2.5, "color": ORANGE}},
    )  # fmt: skip
    most = frame[[value, before]].max(axis=None) if len(frame) else 1
    in_the_way = frame[before].between(frame[value], frame[value] + LABEL_SHARE * most)
    figure.add_scatter(  # a value stands beside its bar, and behind the mark where that would lie on it
        x=frame[value].mask(in_the_way, frame[before]), y=places, mode="text", textposition="middle right",
        hoverinfo="skip",
        text=[f" {amount(revenue, unit)}" for revenue in frame[value]], showlegend=False, cliponaxis=False,
    )  # fmt: skip
    figure.update_yaxes(tickvals=places, ticktext=[escape_label(shortened(text)) for text in frame[name]])
    described = ", ".join(
        f"{row[name]} {amount(row[value], unit)}, before {amount(row[before], unit)}" for _, row in frame.iterrows()
    )
    height = max(160, 34 * len(frame) + 70)
    styled(figure, f"Bars in order: {described or 'nothing'}.", height, frame[[name, value, before]])
    value_axis(figure.layout.xaxis, unit)
    figure.update_xaxes(showticklabels=False, showgrid=False, range=[0, 1.12 * most or 1])
    return figure.update_yaxes(autorange="reversed", showgrid=False, ticklabelstandoff=6)


def concentration(curve: pd.DataFrame) -> Chart:
    """The share of revenue (revenue) that the best products bring, by their share of all products (products)."""
    figure = lines(curve, "products", {"revenue": "share of the revenue"}, unit="%")
    return figure.update_xaxes(tickformat=".0%", title="share of the products, the best first")


def week_hours(orders: pd.DataFrame) -> Chart:
    """Orders by weekday (1 is Monday) and hour as coloured cells; hours without an order are 0."""
    matrix = orders.pivot_table(index="weekday", columns="hour", values="orders", aggfunc="sum")
    matrix = matrix.reindex(index=range(1, 8), columns=range(24)).fillna(0)
    figure = Chart()
    figure.add_heatmap(
        z=matrix.to_numpy(), x=list(matrix.columns), y=list(WEEKDAYS), colorscale=SEQUENTIAL, zmin=0, xgap=1, ygap=1,
        colorbar={"title": "orders", "thickness": 12, "len": 0.9},
        hovertemplate="%{y}, %{x}:00 to %{x}:59: %{z:,} orders<extra></extra>",
    )  # fmt: skip
    alt = "Orders by weekday and hour: none."
    if matrix.to_numpy().sum():
        day, hour = np.unravel_index(matrix.to_numpy().argmax(), matrix.shape)
        most = matrix.to_numpy().max()
        alt = (
            f"Orders by weekday and hour: most on {WEEKDAYS[day]} from {hour}:00 to {hour}:59, {integer(most)} orders."
        )
    numbers = matrix.set_axis(list(WEEKDAYS)).rename_axis("weekday").rename(columns=str).reset_index()
    styled(figure, alt, 300, numbers)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title="hour of the day (UTC)", showgrid=False, dtick=3)
    return figure


def country_map(frame: pd.DataFrame, value: str, label: str, unit: str = "") -> Chart:
    """Countries coloured by the column `value`; the frame has country_code (ISO alpha-2) and country."""
    known = frame[frame["country_code"].map(alpha3, na_action="ignore").notna()]
    figure = Chart()
    figure.add_choropleth(
        locations=known["country_code"].map(alpha3), z=known[value], locationmode="ISO-3", colorscale=SEQUENTIAL,
        text=[escape_label(name) for name in known["country"]],
        hovertemplate=f"%{{text}}: {hover_number('z', unit)} {label}<extra></extra>",
        marker_line={"width": 0.5, "color": GREY},
        colorbar={"title": label, "thickness": 12, "len": 0.7, "tickformat": ",~s"} | unit_affixes(unit),
    )  # fmt: skip
    figure.update_geos(
        projection_type="natural earth", projection_rotation_lon=0, lataxis_range=[-58, 84], resolution=50,
        showframe=False, showcoastlines=False, showland=True, landcolor=LAND,
        bgcolor=CLEAR,
    )  # fmt: skip
    first = known.sort_values(value, ascending=False, kind="stable").head(5)
    described = ", ".join(f"{row.country} {amount(getattr(row, value), unit)}" for row in first.itertuples())
    alt = f"World map of {label} in {len(known)} countries, most in: {described or 'none'}."
    return styled(figure, alt, 420, frame[["country_code", "country", value]])


def gauge(value: float, target: float, unit: str) -> Chart:
    """A value as an arc up to one and a half times the target, which is marked."""
    figure = Chart()
    figure.add_indicator(
        mode="gauge", value=value,
        gauge={
            "axis": {"range": [0, max(1.5 * target, value)], "tickformat": ",.3~s"} | unit_affixes(unit),
            "bar": {"color": BLUE, "thickness": 0.6}, "borderwidth": 0, "bgcolor": DIAL,
            "threshold": {"line": {"color": ORANGE, "width": 4}, "thickness": 0.9, "value": target},
        },
    )  # fmt: skip
    figure.add_annotation(text=amount(value, unit), x=0.5, y=0.08, showarrow=False, font={"size": VALUE_SIZE})
    alt = f"Gauge: {amount(value, unit)} of a target of {amount(target, unit)}, {percent(value / target, 0)}."
    return styled(figure, alt, 280, pd.DataFrame({"value": [value], "target": [target]}))
