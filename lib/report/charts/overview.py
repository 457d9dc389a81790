"""Charts of the shop at a glance: its tables, countries, target, concentration, and customers by value and churn."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lib.analysis.revenue import share_at
from lib.formatting import percent
from lib.report import palette
from lib.report.charts.figure import Chart, affixes, amount, describe, empty_chart, escaped, hover, styled, value_axis
from lib.report.charts.over_time import lines
from lib.util.countries import alpha3

__all__ = [
    "churn", "concentration", "country_map", "entities", "gauge", "lifetime_values", "past_and_future", "treemap",
]  # fmt: skip

MOST_POINTS = 500
PHONE = 42  # characters per line on a phone
TICKS = [step * 10**power for power in range(9) for step in (1, 3)]


def entities(keys: pd.DataFrame, sizes: Mapping[str, str]) -> Chart:
    """Entity diagram: tables as boxes on an ellipse, foreign keys as lines.

    Args:
        keys: table and references, one row per foreign key.
        sizes: A note for each table, such as "9 columns".

    Example:
        >>> keys = pd.DataFrame({"table": ["orders"], "references": ["users"]})
        >>> charts.entities(keys, {"orders": "14 columns", "users": "9 columns"})
        Diagram of 2 tables: orders refers to users.
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
            x=x, y=y, text=f"<b>{table.replace('_', '<br>')}</b><br>{escaped(sizes[table])}", showarrow=False,
            bgcolor=palette.BOX, bordercolor=palette.BLUE, borderpad=5,
            font={"size": palette.SMALL_SIZE, "color": palette.BOX_TEXT},
        )  # fmt: skip
    figure.update_xaxes(visible=False, range=[-1.35, 1.35]).update_yaxes(visible=False, range=[-1.25, 1.25])
    described = "; ".join(f"{row.table} refers to {row.references}" for row in keys.itertuples())
    return styled(figure, f"Diagram of {len(sizes)} tables: {described}.", 440, keys)


def country_map(frame: pd.DataFrame, value: str, label: str, unit: str = "") -> Chart:
    """World map coloured by a value.

    Args:
        frame: country_code (ISO 3166-1 alpha-2), country and the column `value`; unknown codes are left out.
        value: Column to colour by.
        label: Name of the values.
        unit: Currency, "%", or "" for counts.

    Example:
        >>> countries = pd.DataFrame({"country_code": ["US", "DE"], "country": ["United States", "Germany"]})
        >>> charts.country_map(countries.assign(orders=[15, 3]), "orders", "orders")
        World map of orders in 2 countries, most in: United States 15, Germany 3.
    """
    known = frame[frame["country_code"].map(alpha3, na_action="ignore").notna()]
    figure = Chart()
    figure.add_choropleth(
        locations=known["country_code"].map(alpha3), z=known[value], locationmode="ISO-3",
        colorscale=palette.SEQUENTIAL, text=[escaped(name) for name in known["country"]],
        hovertemplate=f"%{{text}}: {hover('z', unit)} {label}<extra></extra>",
        marker_line={"width": 0.5, "color": palette.GREY},
        colorbar={"title": label, "thickness": 12, "len": 0.7, "tickformat": ",~s"} | affixes(unit),
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


def gauge(value: float, target: float | None, unit: str) -> Chart:
    """Gauge of a value with a line at its target, on a scale up to at least one and a half times the target.

    Example:
        >>> charts.gauge(850.0, 1000.0, "USD")
        Gauge: $850 of a target of $1,000, 85%.
    """
    if target is None:
        return empty_chart("No target is set.")
    figure = Chart()
    figure.add_indicator(
        mode="gauge", value=value,
        gauge={
            "axis": {"range": [0, max(1.5 * target, value)], "tickformat": ",.3~s"} | affixes(unit),
            "bar": {"color": palette.BLUE, "thickness": 0.6}, "borderwidth": 0, "bgcolor": palette.DIAL,
            "threshold": {"line": {"color": palette.ORANGE, "width": 4}, "thickness": 0.9, "value": target},
        },
    )  # fmt: skip
    figure.add_annotation(text=amount(value, unit), x=0.5, y=0.08, showarrow=False, font={"size": palette.VALUE_SIZE})
    alt = f"Gauge: {amount(value, unit)} of a target of {amount(target, unit)}, {percent(value / target, 0)}."
    return styled(figure, alt, 280, pd.DataFrame({"value": [value], "target": [target]}))


def concentration(
    curve: pd.DataFrame, of: str = "products", x: str = "products", series: Mapping[str, str] | None = None
) -> Chart:
    """Concentration curve: the share of a total that the best items bring.

    Args:
        curve: Points from (0, 0) to (1, 1).
        of: The items, in the plural.
        x: Column with the share of the items, the best first.
        series: Label of each column with a share of a total; by default revenue.

    Example:
        >>> charts.concentration(pd.DataFrame({"products": [0.0, 0.2, 1.0], "revenue": [0.0, 0.7, 1.0]}))
        The top 10% of the products bring 35% of the revenue, the top 20% 70%, half of them 81%.
    """
    series = series or {"revenue": "share of the revenue"}
    figure = lines(curve, x, series, unit="%")
    figure.layout.meta["alt"] = " ".join(_top_shares(curve, of, x, column, label) for column, label in series.items())
    return figure.update_xaxes(tickformat=".0%", title=f"share of the {of}, the best first")


def _top_shares(curve: pd.DataFrame, of: str, x: str, column: str, label: str) -> str:
    """Share of the total that the top 10 %, 20 % and half of the items bring."""
    tenth, fifth, half = (share_at(curve[[x, column]], share) for share in (0.1, 0.2, 0.5))
    if np.isnan(half):
        return f"Concentration of {of}, {label}: nothing to show."
    what = label.removeprefix("share of ").removeprefix("the ")
    return (
        f"The top 10% of the {of} bring {percent(tenth, 0)} of the {what}, the top 20% {percent(fifth, 0)}, "
        f"half of them {percent(half, 0)}."
    )


def treemap(frame: pd.DataFrame, name: str, value: str, colour: str, unit: str = "") -> Chart:
    """One tile per row: size by `value`, darker for larger `colour`; both columns have the unit `unit`.

    Example:
        >>> table = pd.DataFrame({"segment": ["Champions", "At risk"], "revenue": [80.0, 20.0], "each": [80.0, 10.0]})
        >>> charts.treemap(table, "segment", "revenue", "each", unit="USD")
        Tiles by revenue: Champions $80, At risk $20.
    """
    shown = frame[frame[value] > 0]
    if shown.empty:
        return empty_chart(f"No {value} in this period.", PHONE)
    figure = Chart()
    figure.add_treemap(
        labels=[escaped(text) for text in shown[name]], parents=[""] * len(shown), values=shown[value],
        marker={
            "colors": shown[colour].round(2), "colorscale": palette.CELLS, "cmin": 0,
            "line": {"width": 0}, "pad": {"t": 0, "l": 0, "r": 0, "b": 0},
        },
        customdata=shown[colour].round(2), tiling={"pad": 3}, pathbar={"visible": False}, root_color=palette.CLEAR,
        texttemplate=f"<b>%{{label}}</b><br>{hover('value', unit)}", textfont_color=palette.INK,
        hovertemplate=f"%{{label}}: {hover('value', unit)}, {hover('customdata', unit)} "
        f"{colour.replace('_', ' ')}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(uniformtext={"minsize": palette.SMALL_SIZE, "mode": "hide"})
    described = ", ".join(f"{n} {amount(v, unit)}" for n, v in zip(shown[name], shown[value], strict=True))
    drawn = styled(figure, f"Tiles by {value}: {described}.", 380, shown[[name, value, colour]])
    return drawn.update_layout(margin={"l": 2, "r": 2, "t": 2, "b": 2})


def past_and_future(frame: pd.DataFrame, past: str, future: str, unit: str) -> Chart:
    """One point per customer on two logarithmic axes; at most 500, evenly spaced by rank of `past`, without IDs.

    Example:
        >>> buyers = pd.DataFrame({"revenue": [80.0, 20.0], "predicted_value": [40.0, 5.0]})
        >>> charts.past_and_future(buyers, "revenue", "predicted_value", "USD")
        2 points of 2 customers: revenue against predicted value, in USD, logarithmic.
    """
    known = frame.loc[(frame[past] > 0) & (frame[future] > 0), [past, future]].round(2).sort_values([past, future])
    shown = known.iloc[:: max(1, -(-len(known) // MOST_POINTS))]
    if shown.empty:
        return empty_chart(f"No customer has both {past} and {future}.".replace("_", " "), PHONE)
    figure = Chart()
    figure.add_scatter(
        x=shown[past], y=shown[future], mode="markers", marker={"color": palette.BLUE, "size": 7, "opacity": 0.75},
        hovertemplate=f"{hover('x', unit)} so far<br>{hover('y', unit)} expected<extra></extra>",
    )  # fmt: skip
    ticks = {"tickvals": TICKS, "ticktext": [amount(tick, unit) for tick in TICKS]}  # plotly leaves the currency out
    for axis, title in ((figure.layout.xaxis, past), (figure.layout.yaxis, future)):
        value_axis(axis, unit)
        axis.update(ticks, type="log", title=title.replace("_", " "), rangemode="normal")
    alt = f"{len(shown)} points of {len(known)} customers: {past} against {future}, in {unit}, logarithmic."
    return styled(figure, alt.replace("_", " "), 400, shown)


def lifetime_values(classes: pd.DataFrame, summary: pd.Series, unit: str) -> Chart:
    """Histogram of buyers by revenue to date (from_revenue, to_revenue, buyers) with median, mean and top tenth marked.

    `summary` has median_revenue, mean_revenue, top_tenth_from and top_tenth_share.

    Example:
        >>> classes = pd.DataFrame({"from_revenue": [0.0, 50.0], "to_revenue": [50.0, 100.0], "buyers": [8, 2]})
        >>> summary = {"median_revenue": 30.0, "mean_revenue": 38.0, "top_tenth_from": 90.0, "top_tenth_share": 0.25}
        >>> charts.lifetime_values(classes, pd.Series(summary), "USD")
        Buyers by revenue to date: 8 at 0, 2 at 50. Marked: median $30, mean $38, top tenth: 25% of revenue.
    """
    if classes.empty:
        return empty_chart("There are no buyers yet.")
    figure, width = Chart(), classes["to_revenue"] - classes["from_revenue"]
    edges = zip(classes["from_revenue"], classes["to_revenue"], strict=True)
    notes = [f"{amount(low, unit)} to {amount(high, unit)}" for low, high in edges]
    notes[-1] = f"{amount(classes['from_revenue'].iloc[-1], unit)} and more"
    figure.add_bar(
        x=classes["from_revenue"] + width / 2, y=classes["buyers"], width=width * 0.92, marker_color=palette.BLUE,
        customdata=notes, hovertemplate="%{customdata}: %{y:,} buyers<extra></extra>", showlegend=False,
    )  # fmt: skip
    marks = _marks(summary, unit)
    for row, (label, value) in enumerate(marks.items()):
        _mark(figure, value, label, row, classes["to_revenue"].iloc[-1])
    figure.update_yaxes(title="buyers", tickformat=",", rangemode="tozero", domain=[0, 0.78])  # room for the labels
    figure.update_xaxes(title="revenue to date; the last bar includes all above", tickformat=",", **affixes(unit))
    figure.update_xaxes(showgrid=False, range=[0, classes["to_revenue"].iloc[-1]])
    described = describe(classes, "from_revenue", "buyers", "Buyers by revenue to date", "")
    return styled(figure, f"{described} Marked: {', '.join(marks)}.", 380, classes)


def _marks(summary: pd.Series, unit: str) -> dict[str, float]:
    """Labels and positions of the marks; no top tenth where its share is unknown."""
    marks = {
        f"{name} {amount(summary[f'{name}_revenue'], unit)}": summary[f"{name}_revenue"] for name in ("median", "mean")
    }
    if np.isnan(summary["top_tenth_share"]):
        return marks
    return marks | {f"top tenth: {percent(summary['top_tenth_share'], 0)} of revenue": summary["top_tenth_from"]}


def _mark(figure: Chart, value: float, label: str, row: int, edge: float) -> None:
    """A vertical line with its label on the side with more room; `row` sets the height of the label."""
    if value > edge:
        return
    top = 1 - 0.07 * row
    line = {"color": palette.ORANGE, "width": 2, "dash": ("solid", "dash", "dot")[row]}
    figure.add_shape(type="line", x0=value, x1=value, yref="paper", y0=0, y1=top, line=line)
    side = "left" if value < edge / 2 else "right"
    figure.add_annotation(
        x=value, y=top, yref="paper", text=label, showarrow=False, xanchor=side, yanchor="top",
        xshift=4 if side == "left" else -4,
    )  # fmt: skip


def churn(rates: pd.DataFrame, churn_days: int) -> Chart:
    """Churn rate by the days without an order that count as churned, with the window of this report marked.

    Example:
        >>> rates = pd.DataFrame({"churn_days": [30, 90], "churn_rate": [0.8, 0.6], "observed_buyers": [50, 40]})
        >>> charts.churn(rates, 90)
        Churn rate by the window in days: 80.0% at 30, 60.0% at 90.
    """
    known = rates.dropna(subset=["churn_rate"])
    if known.empty:
        return empty_chart("No buyer has been observed long enough to count as churned.")
    figure = Chart()
    chosen = known["churn_days"] == churn_days
    figure.add_scatter(
        x=known["churn_days"], y=known["churn_rate"], mode="lines+markers+text",
        line={"color": palette.BLUE, "width": 2}, marker={
            "color": [palette.ORANGE if mark else palette.BLUE for mark in chosen], "opacity": 1,
            "size": [13 if mark else 7 for mark in chosen],
        },
        text=[percent(rate, 0) for rate in known["churn_rate"]], textposition="top center", cliponaxis=False,
        customdata=known["observed_buyers"], showlegend=False,
        hovertemplate="%{x} days: %{y:.1%} of %{customdata:,} buyers<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(tickformat=".0%", range=[0, 1.08], title="churned")
    figure.update_xaxes(title="days without an order that count as churned", tickvals=known["churn_days"])
    described = describe(known, "churn_days", "churn_rate", "Churn rate by the window in days", "%")
    return styled(figure, described, numbers=rates)
