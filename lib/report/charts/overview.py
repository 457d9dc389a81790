"""Charts of the shop at a glance: revenue bridge, comparisons, concentration, peak hours, map, gauge, its tables."""

from collections.abc import Mapping
from textwrap import wrap

import numpy as np
import pandas as pd

from lib.formatting import integer, percent
from lib.report import palette
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
from lib.util.countries import alpha3

__all__ = ["bridge", "compared", "concentration", "country_map", "entities", "gauge", "week_hours"]

LABEL_SHARE = 0.2  # of the chart's width: room that the value next to a bar needs on a phone
PHONE_LABEL = 10  # characters per line below a bar, so that labels stay horizontal on a phone
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def bridge(steps: pd.DataFrame, unit: str) -> Chart:
    """Waterfall from the first total to the last through the changes between them.

    Args:
        steps: step (label), amount, and total (whether the amount is a total or a change).
        unit: Currency.
    """
    figure, names = Chart(), [escape_label(step) for step in steps["step"]]
    amounts = [_signed(value, unit, total) for value, total in zip(steps["amount"], steps["total"], strict=True)]
    figure.add_waterfall(
        x=["<br>".join(wrap(name, PHONE_LABEL)) for name in names], y=steps["amount"], customdata=names,
        measure=["absolute" if total else "relative" for total in steps["total"]],
        text=amounts, textposition="outside",
        cliponaxis=False, connector={"line": {"color": palette.GREY, "width": 1, "dash": "dot"}},
        totals={"marker": {"color": palette.BLUE}}, increasing={"marker": {"color": palette.GREEN}},
        decreasing={"marker": {"color": palette.ORANGE}}, hovertemplate="%{customdata}: %{text}<extra></extra>",
    )  # fmt: skip
    described = ", ".join(f"{step} {text}" for step, text in zip(steps["step"], amounts, strict=True))
    styled(figure, f"Bridge: {described}.", numbers=steps[["step", "amount"]])
    value_axis(figure.layout.yaxis, unit)
    figure.update_xaxes(tickangle=0)
    return figure.update_layout(showlegend=False, margin_t=36)


def _signed(value: float, unit: str, total: bool) -> str:
    """The amount, with a sign if it is a change."""
    sign = "" if total else "+" if value > 0 else "-" if value < 0 else ""
    return f"{sign}{amount(abs(value), unit)}"


def compared(frame: pd.DataFrame, name: str, unit: str) -> Chart:
    """Horizontal bars of revenue with a line at the revenue of the previous period, in the order of the rows.

    Args:
        frame: The column `name`, revenue and previous_revenue.
        name: Column of the labels; equal labels stay separate bars.
        unit: Currency.
    """
    revenue, previous = frame["revenue"], frame["previous_revenue"]
    places, names = list(range(len(frame))), [escape_label(text) for text in frame[name]]
    figure = Chart()
    hover = f"%{{customdata}}<br>%{{fullData.name}}: {hover_number('x', unit)}<extra></extra>"
    figure.add_bar(
        x=revenue, y=places, orientation="h", marker_color=palette.BLUE, name="this period", customdata=names,
        width=0.5, hovertemplate=hover,
    )  # fmt: skip
    figure.add_scatter(
        x=previous, y=places, mode="markers", name="previous period", customdata=names, hovertemplate=hover,
        marker={"symbol": "line-ns", "size": 24, "line": {"width": 2.5, "color": palette.ORANGE}},
    )  # fmt: skip
    highest = max([*revenue.dropna(), *previous.dropna()], default=1)
    overlapped = previous.between(revenue, revenue + LABEL_SHARE * highest)
    figure.add_scatter(  # values stand next to their bar, or behind the line that would cross them there
        x=revenue.mask(overlapped, previous), y=places, mode="text", textposition="middle right", hoverinfo="skip",
        text=[f" {amount(value, unit)}" for value in revenue], showlegend=False, cliponaxis=False,
    )  # fmt: skip
    figure.update_yaxes(tickvals=places, ticktext=[escape_label(shortened(text)) for text in frame[name]])
    height = max(160, 34 * len(frame) + 70)
    rows = zip(frame[name], revenue, previous, strict=True)
    described = ", ".join(f"{label} {amount(now, unit)} ({amount(past, unit)})" for label, now, past in rows)
    alt = f"Revenue, in brackets that of the previous period: {described or 'nothing to show'}."
    styled(figure, alt, height, frame[[name, "revenue", "previous_revenue"]])
    value_axis(figure.layout.xaxis, unit)
    figure.update_xaxes(showticklabels=False, showgrid=False, range=[0, 1.12 * highest or 1])
    return figure.update_yaxes(autorange="reversed", showgrid=False, ticklabelstandoff=6)


def concentration(
    curve: pd.DataFrame, of: str = "products", x: str = "products", series: Mapping[str, str] | None = None
) -> Chart:
    """Concentration curve: the share of a total that the best items bring.

    Args:
        curve: Points from (0, 0) to (1, 1).
        of: The items, in the plural.
        x: Column with the share of the items, the best first.
        series: Label of each column with a share of a total; by default revenue.
    """
    series = series or {"revenue": "share of the revenue"}
    figure = lines(curve, x, series, unit="%")
    figure.layout.meta["alt"] = " ".join(_top_shares(curve, of, x, column, label) for column, label in series.items())
    return figure.update_xaxes(tickformat=".0%", title=f"share of the {of}, the best first")


def _top_shares(curve: pd.DataFrame, of: str, x: str, column: str, label: str) -> str:
    """Share of the total that the top 10 %, 20 % and half of the items bring."""
    known = curve[[x, column]].dropna()
    if len(known) < 2:
        return f"Concentration of {of}, {label}: nothing to show."
    tenth, fifth, half = (percent(np.interp(share, known[x], known[column]), 0) for share in (0.1, 0.2, 0.5))
    what = label.removeprefix("share of ").removeprefix("the ")
    return f"The top 10% of the {of} bring {tenth} of the {what}, the top 20% {fifth}, half of them {half}."


def week_hours(orders: pd.DataFrame) -> Chart:
    """Heatmap of orders by weekday and hour of the day.

    Args:
        orders: weekday (1 is Monday), hour and orders; hours without a row count as 0.
    """
    matrix = orders.pivot_table(index="weekday", columns="hour", values="orders", aggfunc="sum")
    matrix = matrix.reindex(index=range(1, 8), columns=range(24)).fillna(0)
    counts = matrix.to_numpy()
    figure = Chart()
    figure.add_heatmap(
        z=counts, x=list(matrix.columns), y=list(WEEKDAYS), colorscale=palette.SEQUENTIAL, zmin=0, xgap=1, ygap=1,
        colorbar={"title": "orders", "thickness": 12, "len": 0.9},
        hovertemplate="%{y}, %{x}:00 to %{x}:59: %{z:,} orders<extra></extra>",
    )  # fmt: skip
    busiest = "none"
    if counts.sum():
        day, hour = np.unravel_index(counts.argmax(), counts.shape)
        busiest = f"most on {WEEKDAYS[day]} from {hour}:00 to {hour}:59, {integer(counts.max())} orders"
    numbers = matrix.set_axis(list(WEEKDAYS)).rename_axis("weekday").rename(columns=str).reset_index()
    styled(figure, f"Orders by weekday and hour: {busiest}.", 300, numbers)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title="hour of the day (UTC)", showgrid=False, dtick=3)
    return figure


def country_map(frame: pd.DataFrame, value: str, label: str, unit: str = "") -> Chart:
    """World map coloured by a value.

    Args:
        frame: country_code (ISO 3166-1 alpha-2), country and the column `value`; unknown codes are left out.
        value: Column to colour by.
        label: Name of the values.
        unit: Currency, "%", or "" for counts.
    """
    known = frame[frame["country_code"].map(alpha3, na_action="ignore").notna()]
    figure = Chart()
    figure.add_choropleth(
        locations=known["country_code"].map(alpha3), z=known[value], locationmode="ISO-3",
        colorscale=palette.SEQUENTIAL, text=[escape_label(name) for name in known["country"]],
        hovertemplate=f"%{{text}}: {hover_number('z', unit)} {label}<extra></extra>",
        marker_line={"width": 0.5, "color": palette.GREY},
        colorbar={"title": label, "thickness": 12, "len": 0.7, "tickformat": ",~s"} | unit_affixes(unit),
    )  # fmt: skip
    figure.update_geos(
        projection_type="natural earth", projection_rotation_lon=0, lataxis_range=[-58, 84], resolution=50,
        showframe=False, showcoastlines=False, showland=True, landcolor=palette.LAND, bgcolor=palette.CLEAR,
    )  # fmt: skip
    top = known.sort_values(value, ascending=False, kind="stable").head(5)
    rows = zip(top["country"], top[value], strict=True)
    described = ", ".join(f"{country} {amount(number, unit)}" for country, number in rows)
    alt = f"World map of {label} in {len(known)} countries, most in: {described or 'none'}."
    return styled(figure, alt, 420, frame[["country_code", "country", value]])


def gauge(value: float, target: float, unit: str) -> Chart:
    """Gauge of a value with a line at its target, on a scale up to at least one and a half times the target."""
    figure = Chart()
    figure.add_indicator(
        mode="gauge", value=value,
        gauge={
            "axis": {"range": [0, max(1.5 * target, value)], "tickformat": ",.3~s"} | unit_affixes(unit),
            "bar": {"color": palette.BLUE, "thickness": 0.6}, "borderwidth": 0, "bgcolor": palette.DIAL,
            "threshold": {"line": {"color": palette.ORANGE, "width": 4}, "thickness": 0.9, "value": target},
        },
    )  # fmt: skip
    figure.add_annotation(text=amount(value, unit), x=0.5, y=0.08, showarrow=False, font={"size": palette.VALUE_SIZE})
    alt = f"Gauge: {amount(value, unit)} of a target of {amount(target, unit)}, {percent(value / target, 0)}."
    return styled(figure, alt, 280, pd.DataFrame({"value": [value], "target": [target]}))


def entities(keys: pd.DataFrame, sizes: Mapping[str, str]) -> Chart:
    """Entity diagram: tables as boxes on an ellipse, foreign keys as lines.

    Args:
        keys: table and references, one row per foreign key.
        sizes: A note for each table, such as "9 columns".
    """
    angles = np.linspace(0, 2 * np.pi, len(sizes), endpoint=False)  # on an ellipse no line crosses a third box
    places = dict(zip(sizes, zip(np.sin(angles), np.cos(angles), strict=True), strict=True))
    figure = Chart()
    for child, parent in keys[["table", "references"]].drop_duplicates().itertuples(index=False):
        (x0, y0), (x1, y1) = places[child], places[parent]
        line = {"color": palette.GREY, "width": 1.5}
        figure.add_scatter(x=[x0, x1], y=[y0, y1], mode="lines", line=line, hoverinfo="skip", showlegend=False)
    for table, (x, y) in places.items():
        figure.add_annotation(
            x=x, y=y, text=f"<b>{table.replace('_', '<br>')}</b><br>{escape_label(sizes[table])}", showarrow=False,
            bgcolor=palette.BOX, bordercolor=palette.BLUE, borderpad=5,
            font={"size": palette.SMALL_SIZE, "color": palette.BOX_TEXT},
        )  # fmt: skip
    figure.update_xaxes(visible=False, range=[-1.35, 1.35]).update_yaxes(visible=False, range=[-1.25, 1.25])
    described = "; ".join(f"{row.table} refers to {row.references}" for row in keys.itertuples())
    return styled(figure, f"Diagram of {len(sizes)} tables: {described}.", 440, keys)
