"""Draws cohorts: who came back, what each brought month by month, and what a customer has brought since the first."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from plotly.colors import sample_colorscale

from lib.charts.look import (
    BLUE, GREEN, GREY, ORANGE, SEQUENTIAL, Chart, amount, extremes, finish, in_words, template, value_axis,
)  # fmt: skip
from lib.cohorts import Retention

__all__ = ["cohort_revenue", "customer_value", "nothing", "retention_curves", "retention_matrix"]

LATEST = 18  # cohorts, and months of each, that a matrix shows: more cannot be read on any screen
FEW = 3  # a mean over fewer cohorts is dotted: it may move only because older cohorts differ from younger ones
PALE = "rgba(128,128,128,0.45)"
HATCHING = {"shape": "/", "size": 6, "solidity": 0.25, "fgcolor": GREY, "bgcolor": "rgba(0,0,0,0)"}


def nothing(alt: str) -> Chart:
    """A place for a figure that has nothing to show, which says so."""
    figure = Chart()
    figure.add_annotation(text=alt, showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper")
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    return finish(figure, alt, height=120)


def retention_matrix(retention: Retention, since: str) -> Chart:
    """Shares as coloured cells, a row per cohort with its size, above them the weighted mean of all cohorts.

    A cell that is NaN is not drawn; the month that has not ended is hatched. `since` names what months count from.
    """
    shown = retention.matrix.tail(LATEST).dropna(axis="columns", how="all").iloc[:, :LATEST]
    if shown.empty:
        return nothing(f"No cohort has a whole month of {since} to show.")
    means = retention.mean.set_index("month_index")["retention"].reindex(shown.columns)
    figure, top = Chart(), float(np.nanmax([shown.max().max(), means.max(), 0.01]))
    _cells(figure, means.to_frame().T, [-1.6, -0.6], top, ["all cohorts"])
    names = [f"{cohort:%b %Y}" for cohort in shown.index]
    _cells(figure, shown, [row - 0.5 for row in range(len(shown) + 1)], top, names)
    _hatch(figure, retention.under_way.reindex(shown.index).dropna(), shown)
    sizes = [int(retention.sizes.sum()), *retention.sizes.reindex(shown.index).astype(int)]
    rows = [f"{name} · {size:,}" for name, size in zip(["all", *names], sizes, strict=True)]
    figure.update_yaxes(tickvals=[-1.1, *range(len(shown))], ticktext=rows, range=[len(shown) - 0.5, -1.7])
    figure.update_xaxes(side="top", dtick=1, title=f"% of the cohort in the months after {since}")
    alt = f"Retention of {len(shown)} cohorts by months after {since}"
    observed = int(shown.notna().to_numpy().sum())
    alt += f": {observed} observed cells{extremes(shown)}; all cohorts together{extremes(means.to_frame())}."
    finish(figure, alt, height=28 * len(shown) + 170)
    figure.update_xaxes(showgrid=False).update_yaxes(showgrid=False)
    return figure.update_layout(legend={"y": -0.01, "yanchor": "top"})


def _cells(figure: Chart, shares: pd.DataFrame, edges: list[float], top: float, names: list[str]) -> None:
    values = shares.to_numpy(float)
    notes = [
        [f"{name}, month {index}: {value:.1%}" for index, value in zip(shares.columns, row, strict=True)]
        for name, row in zip(names, values, strict=True)
    ]
    figure.add_heatmap(
        z=values, x=[*(shares.columns - 0.5), shares.columns[-1] + 0.5], y=edges, zmin=0, zmax=top, xgap=2, ygap=2,
        colorscale=SEQUENTIAL, showscale=False, hoverongaps=False, hovertext=notes,
        hovertemplate="%{hovertext}<extra></extra>",
        text=[["" if np.isnan(value) else f"{100 * value:.0f}" for value in row] for row in values],
        texttemplate="%{text}",
    )  # fmt: skip


def _hatch(figure: Chart, under_way: pd.Series, shown: pd.DataFrame) -> None:
    """Hatch the cell of the month under way in each row, as far as the matrix goes."""
    rows = {cohort: row for row, cohort in enumerate(shown.index)}
    cells = under_way[under_way < shown.columns[0] + LATEST]
    if cells.empty:
        return
    figure.add_bar(
        y=[rows[cohort] for cohort in cells.index], base=cells - 0.47, x=[0.94] * len(cells), width=0.9,
        orientation="h", marker={"color": "rgba(0,0,0,0)", "pattern": HATCHING, "line": {"width": 0}},
        name="month under way: left out", showlegend=True, hovertemplate="not over yet<extra></extra>",
    )  # fmt: skip


def retention_curves(retention: Retention, since: str) -> Chart:
    """Retention by month, a pale line per cohort and a strong one for the weighted mean over the observed ones."""
    if retention.mean.empty:
        return nothing(f"No cohort has a whole month of {since} to show.")
    figure = Chart()
    _pale_lines(figure, retention.matrix, "%")
    _mean_line(figure, retention.mean, "retention", "all cohorts", BLUE, "%")
    value_axis(figure.layout.yaxis, "%")
    figure.update_xaxes(title=f"months after {since}", dtick=_step(len(retention.mean)))
    return finish(figure, _in_months(retention.mean, "retention", "Retention of all cohorts by month", "%"))


def _in_months(mean: pd.DataFrame, column: str, label: str, unit: str) -> str:
    """The words for a line over month_index, which stays a whole number in them."""
    return in_words(mean.astype({"month_index": "object"}), "month_index", column, label, unit)


def _step(months: int) -> int:
    return 1 if months <= LATEST else 3


def _pale_lines(figure: Chart, matrix: pd.DataFrame, unit: str) -> None:
    """The rows of the matrix as one trace with gaps between them: a page of traces is slow to draw."""
    tall = matrix.assign(gap=np.nan).stack()
    names = [f"{cohort:%b %Y}" for cohort in tall.index.get_level_values(0)]
    months = [None if index == "gap" else index for index in tall.index.get_level_values(1)]
    figure.add_scatter(
        x=months, y=tall.to_numpy(), customdata=names, mode="lines+markers", line={"color": PALE, "width": 1},
        marker={"size": 3}, connectgaps=False, name="single cohorts",
        hovertemplate=f"%{{customdata}}, month %{{x}}: {template('y', unit)}<extra></extra>",
    )  # fmt: skip


def _mean_line(figure: Chart, mean: pd.DataFrame, column: str, name: str, colour: str, unit: str) -> None:
    """The line, dotted where it rests on FEW cohorts; the dots begin at the last firm point."""
    firm = int((mean["cohorts"] >= FEW).sum())
    notes = [f"{n} cohorts, {size:,.0f} customers" for n, size in zip(mean["cohorts"], mean["cohort_size"], strict=True)]
    parts = ((slice(0, firm), "solid", name), (slice(max(firm - 1, 0), None), "dot", f"{name}, under {FEW} cohorts"))
    for part, dash, label in parts:
        line, values = {"color": colour, "width": 3, "dash": dash}, mean[column].iloc[part]
        if len(values) > (dash == "dot" and firm > 0):
            figure.add_scatter(
                x=mean["month_index"].iloc[part], y=values, customdata=notes[part], line=line, name=label,
                mode="lines+markers", marker={"size": 5},
                hovertemplate=f"month %{{x}}: {template('y', unit)}<br>%{{customdata}}<extra></extra>",
            )  # fmt: skip


def cohort_revenue(cells: pd.DataFrame, unit: str) -> Chart:
    """Revenue by calendar month in layers, one per cohort, the oldest lowest and darkest."""
    if cells.empty:
        return nothing("No month with revenue has ended yet.")
    figure, cohorts = Chart(), sorted(cells["cohort"].unique())
    for position, (cohort, months) in enumerate(cells.groupby("cohort")):
        figure.add_bar(
            x=_names(months["month"]), y=months["revenue"], name=f"{cohort:%b %Y}", showlegend=False,
            marker={"color": [position] * len(months), "coloraxis": "coloraxis", "line": {"width": 0}},
            hovertemplate=f"won in {cohort:%b %Y}: {template('y', unit)} in %{{x}}<extra></extra>",
        )  # fmt: skip
    monthly = cells.groupby("month", as_index=False)["revenue"].sum()
    value_axis(figure.layout.yaxis, unit)
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=_names(monthly["month"]))
    figure.update_layout(barmode="stack", coloraxis=_age_scale(cohorts))
    return finish(figure, in_words(monthly, "month", "revenue", "Revenue of all cohorts by month", unit), height=380)


def _names(months: Iterable[pd.Timestamp]) -> list[str]:
    return [f"{month:%b %Y}" for month in months]


def _age_scale(cohorts: list[pd.Timestamp]) -> dict[str, object]:
    """Dark for the oldest cohort to light, but never as light as the paper; its ends are named."""
    last = len(cohorts) - 1
    ends = {0: cohorts[0], last: cohorts[last]}
    bar = {"tickvals": list(ends), "ticktext": _names(ends.values()), "thickness": 12, "len": 0.7}
    colours = sample_colorscale(list(map(list, SEQUENTIAL)), np.linspace(1, 0.3, 12).tolist())
    return {"colorscale": colours, "cmin": 0, "cmax": max(last, 1), "colorbar": bar | {"title": {"text": "first order"}}}


def customer_value(matrix: pd.DataFrame, mean: pd.DataFrame, cost: float, unit: str) -> Chart:
    """What a customer has brought by months after the first order, held against the cost of acquisition.

    Pale lines: revenue of single cohorts. Strong ones: revenue and margin of all; without a cost (NaN) no line of it.
    """
    if mean.empty:
        return nothing("No cohort has a whole month to show.")
    figure = Chart()
    _pale_lines(figure, matrix, unit)
    _mean_line(figure, mean, "revenue", "revenue", BLUE, unit)
    if mean["margin"].notna().all():
        _mean_line(figure, mean, "margin", "margin", GREEN, unit)
    if cost == cost:  # noqa: PLR0124 - not NaN
        label = f"cost of winning a customer: {amount(cost, unit)}"
        figure.add_hline(
            y=cost, line={"color": ORANGE, "width": 2, "dash": "dash"}, annotation_text=label,
            annotation_position="top right", annotation_font_color=ORANGE,
        )  # fmt: skip
    value_axis(figure.layout.yaxis, unit)
    figure.update_xaxes(title="months after the first order", dtick=_step(len(mean)))
    alt = _in_months(mean, "revenue", "Revenue per customer, cumulated by month", unit)
    held = "" if np.isnan(cost) else f" Cost of winning a customer: {amount(cost, unit)}."
    return finish(figure, alt + held, height=400)
