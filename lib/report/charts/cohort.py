"""Charts of cohorts: retention, second orders, revenue by month, and cumulative value per customer."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from plotly.colors import sample_colorscale

from lib.analysis.cohorts import Retention
from lib.formatting import integer, month, percent
from lib.report.charts.figure import Chart, amount, describe, empty_chart, hover, styled, value_axis
from lib.report.palette import BLUE, CELLS, CLEAR, FAINT, GREEN, GREY, INK, ORANGE, PALE, SEQUENTIAL

__all__ = ["cohort_revenue", "customer_value", "retention_curves", "retention_matrix", "second_orders"]

LATEST = 18  # maximum cohorts, and months of each, in a matrix: more are not readable
FEW = 3  # a mean over fewer cohorts is dotted: it may move only because the cohorts differ
ENOUGH = 10  # minimum customers of a cohort with its own line: with fewer, each changes it by more than a tenth
STEP_DAYS = 30
HATCHING = {"shape": "/", "size": 6, "solidity": 0.25, "fgcolor": GREY, "bgcolor": CLEAR}


def retention_matrix(retention: Retention, since: str) -> Chart:
    """Heatmap of retention: one row per cohort with its size, the weighted mean of all cohorts above.

    NaN cells are not drawn; the incomplete month is hatched. `since` names the event from which months count.

    Example:
        >>> cells = pd.DataFrame({"cohort": pd.Timestamp("2025-05-01"), "month_index": [0, 1], "customers": [10, 4]})
        >>> charts.retention_matrix(cohorts.retention(cells.assign(cohort_size=10), "2025-07-01"), "sign-up")
        Retention of 1 cohorts by months after sign-up: 2 observed cells, from 40% to 100%; all cohorts together,
        from 40% to 100%.
    """
    shown = retention.matrix.tail(LATEST).dropna(axis="columns", how="all").iloc[:, :LATEST]
    if shown.empty:
        return empty_chart(f"No cohort has a complete month after {since}.")
    means = retention.mean.set_index("month_index")["retention"].reindex(shown.columns)
    under_way = retention.under_way.reindex(shown.index).dropna()
    months = shown.columns.to_numpy(int)
    under_way = under_way[under_way < months[0] + LATEST]
    figure = Chart()
    _cells(figure, shown, means)
    _hatch(figure, under_way, shown)
    _name_rows(figure, shown, retention.sizes)
    latest = max([months[-1], *under_way])
    span = [months[0] - 0.5, latest + 0.5]
    figure.update_xaxes(side="top", dtick=1, range=span, title=f"months after {since}")
    observed = f"{int(shown.notna().to_numpy().sum())} observed cells{_range_text(shown)}"
    alt = f"Retention of {len(shown)} cohorts by months after {since}: {observed}; all cohorts together"
    numbers = shown.set_axis(_names(shown.index)).rename(columns=str).rename_axis("cohort").reset_index()
    numbers.insert(1, "customers", retention.sizes.reindex(shown.index).to_numpy())
    styled(figure, f"{alt}{_range_text(means.to_frame())}.", 28 * len(shown) + 170, numbers)
    figure.update_xaxes(showgrid=False).update_yaxes(showgrid=False)
    return figure.update_layout(legend={"y": -0.01, "yanchor": "top"})


def _cells(figure: Chart, shown: pd.DataFrame, means: pd.Series) -> None:
    """Draw the row of means, a gap of a tenth of a row, and one row per cohort."""
    months, gap = shown.columns.to_numpy(int), np.full(shown.shape[1], np.nan)
    values = np.vstack([means.to_numpy(float), gap, shown.to_numpy(float)])
    names = ["all cohorts", "", *_names(shown.index)]
    # A cohort of one customer has cells of 0 or 100 %: with these on the scale, all others would be pale.
    top = max(float(np.nanquantile(shown, 0.95)), 0.01)
    figure.add_heatmap(
        z=values, x=[*(months - 0.5), months[-1] + 0.5], y=[-1.6, -0.6, *(np.arange(len(shown) + 1) - 0.5)],
        zmin=0, zmax=top, xgap=2, ygap=2, colorscale=CELLS, showscale=False, hoverongaps=False,
        hovertext=[[f"{name}, month {index}" for index in months] for name in names],
        hovertemplate="%{hovertext}: %{z:.1%}<extra></extra>",
        text=[["" if np.isnan(value) else f"{100 * value:.0f}" for value in row] for row in values],
        texttemplate="%{text}", textfont_color=INK,
    )  # fmt: skip


def _name_rows(figure: Chart, shown: pd.DataFrame, sizes: pd.Series) -> None:
    """Label each row with its cohort and size, the denominator of its shares."""
    names = [f"{month(cohort)} · {integer(sizes[cohort])}" for cohort in shown.index]
    labels = [f"all · {integer(sizes.sum())}", *names]
    figure.update_yaxes(tickvals=[-1.1, *range(len(shown))], ticktext=labels, range=[len(shown) - 0.5, -1.7])


def _hatch(figure: Chart, under_way: pd.Series, shown: pd.DataFrame) -> None:
    """Hatch the cell of the incomplete month in each row."""
    if under_way.empty:
        return
    rows = shown.index.get_indexer(under_way.index).tolist()
    figure.add_bar(
        y=rows, base=under_way - 0.47, x=[0.94] * len(under_way), width=0.9,
        orientation="h", marker={"color": CLEAR, "pattern": HATCHING, "line": {"width": 0}},
        name="incomplete month: left out", showlegend=True, hovertemplate="incomplete month<extra></extra>",
    )  # fmt: skip


def retention_curves(retention: Retention, since: str) -> Chart:
    """Retention by month: pale lines for cohorts of at least 10 customers, a strong one for the weighted mean.

    Example:
        >>> cells = pd.DataFrame({"cohort": pd.Timestamp("2025-05-01"), "month_index": [0, 1], "customers": [10, 4]})
        >>> charts.retention_curves(cohorts.retention(cells.assign(cohort_size=10), "2025-07-01"), "sign-up")
        Retention of all cohorts by month: 100.0% at 0, 40.0% at 1.
    """
    if retention.mean.empty:
        return empty_chart(f"No cohort has a complete month after {since}.")
    figure = Chart()
    _pale_lines(figure, retention.matrix[retention.sizes >= ENOUGH], "%", f"cohorts of {ENOUGH} and more")
    _mean_line(figure, retention.mean, "retention", "all cohorts", BLUE, "%")
    value_axis(figure.layout.yaxis, "%")
    figure.update_xaxes(title=f"months after {since}", dtick=_step(len(retention.mean)))
    described = describe(retention.mean, "month_index", "retention", "Retention of all cohorts by month", "%")
    return styled(figure, described, numbers=retention.mean)


def _step(months: int) -> int:
    return 1 if months <= LATEST else 3


def _pale_lines(figure: Chart, matrix: pd.DataFrame, unit: str, name: str) -> None:
    """Draw all rows of the matrix as one trace with gaps: many traces are slow to draw."""
    if matrix.empty:
        return
    gaps = np.pad(matrix.to_numpy(float), ((0, 0), (0, 1)), constant_values=np.nan)
    figure.add_scatter(
        x=[*matrix.columns, None] * len(matrix), y=gaps.ravel(),
        customdata=np.repeat(_names(matrix.index), gaps.shape[1]), mode="lines+markers", marker={"size": 3},
        line={"color": PALE, "width": 1}, connectgaps=False, name=name,
        hovertemplate=f"%{{customdata}}, month %{{x}}: {hover('y', unit)}<extra></extra>",
    )  # fmt: skip


def _mean_line(figure: Chart, mean: pd.DataFrame, column: str, name: str, colour: str, unit: str) -> None:
    """Draw the mean, dotted from the last point with at least 3 cohorts on."""
    enough = int((mean["cohorts"] >= FEW).sum())
    dotted = f"under {FEW} cohorts" if enough else f"{name}, under {FEW} cohorts"
    rest = mean[max(enough - 1, 0) :] if enough < len(mean) else mean[:0]
    for part, dash, label in ((mean[:enough], "solid", name), (rest, "dot", dotted)):
        if part.empty:
            continue
        figure.add_scatter(
            x=part["month_index"], y=part[column], line={"color": colour, "width": 3, "dash": dash}, name=label,
            customdata=[
                f"{cohorts} cohorts, {integer(customers)} customers"
                for cohorts, customers in zip(part["cohorts"], part["cohort_size"], strict=True)
            ],
            mode="lines+markers", marker={"size": 5}, showlegend=label not in [t.name for t in figure.data],
            hovertemplate=f"month %{{x}}: {hover('y', unit)}<br>%{{customdata}}<extra></extra>",
        )  # fmt: skip


def cohort_revenue(cells: pd.DataFrame, unit: str) -> Chart:
    """Revenue by calendar month, stacked by cohort or by quarter of cohorts, the oldest lowest and darkest.

    Example:
        >>> months = pd.to_datetime(["2025-05-01", "2025-06-01"])
        >>> cells = pd.DataFrame({"cohort": months[0], "month": months, "revenue": [300.0, 50.0]})
        >>> charts.cohort_revenue(cells, "USD")
        Revenue of all cohorts by month: $300 in May 2025, $50 in Jun 2025.
    """
    if cells.empty:
        return empty_chart("There is no complete month with revenue yet.")
    figure, layers = Chart(), _layers(cells)
    for number, ((name, rows), colour) in enumerate(zip(layers, _shades(len(layers)), strict=True), 1):
        months = rows.groupby("month", as_index=False)["revenue"].sum()
        figure.add_bar(
            x=_names(months["month"]), y=months["revenue"], name=f"first order in {name}", marker_color=colour,
            showlegend=number in (1, len(layers)),  # the first and the last layer explain the scale
            hovertemplate=f"first order in {name}: {hover('y', unit)} in %{{x}}<extra></extra>",
        )  # fmt: skip
    monthly = cells.groupby("month")[["revenue"]].sum().reset_index()
    value_axis(figure.layout.yaxis, unit)
    figure.update_xaxes(type="category", showgrid=False, categoryorder="array", categoryarray=_names(monthly["month"]))
    described = describe(monthly, "month", "revenue", "Revenue of all cohorts by month", unit)
    styled(figure, described, 380, cells[["cohort", "month", "revenue"]])
    return figure.update_layout(barmode="stack", legend_traceorder="normal")


def _layers(cells: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Name and rows of each cohort, or of each quarter of cohorts if there are many, oldest first."""
    unit = "M" if cells["cohort"].nunique() <= LATEST else "Q"
    ages = cells.groupby(cells["cohort"].dt.to_period(unit))
    return [(month(age.start_time) if unit == "M" else age.strftime("Q%q %Y"), rows) for age, rows in ages]


def _names(months: Iterable[pd.Timestamp]) -> list[str]:
    return [month(date) for date in months]


def _shades(number: int) -> list[str]:
    """Colours from dark for the oldest cohort to light for the newest, all visible on the background."""
    return sample_colorscale(list(map(list, SEQUENTIAL)), np.linspace(1, 0.3, number).tolist())


def customer_value(matrix: pd.DataFrame, mean: pd.DataFrame, costs: Mapping[str, float], unit: str) -> Chart:
    """Cumulative value per customer by months after the first order, with the acquisition costs by name.

    Pale lines: revenue of single cohorts. Strong lines: revenue and margin of all; no line for a cost that is NaN.

    Example:
        >>> cells = pd.DataFrame({"cohort": pd.Timestamp("2025-05-01"), "month_index": [0, 1], "cohort_size": 10})
        >>> cells = cells.assign(revenue=[300.0, 50.0], margin=[90.0, 20.0])
        >>> charts.customer_value(cohorts.value_matrix(cells), cohorts.mean_value(cells), {"paid CAC": 25.0}, "USD")
        Cumulative revenue per customer by month: $30 at 0, $35 at 1. Marked: paid CAC $25.
    """
    if mean.empty:
        return empty_chart("No cohort has a complete month yet.")
    figure = Chart()
    _pale_lines(figure, matrix, unit, "revenue of single cohorts")
    _mean_line(figure, mean, "revenue", "revenue", BLUE, unit)
    if mean["margin"].notna().all():
        _mean_line(figure, mean, "margin", "margin", GREEN, unit)
    known = {name: cost for name, cost in costs.items() if not np.isnan(cost)}
    for name, cost in known.items():
        figure.add_hline(
            y=cost, line={"color": ORANGE, "width": 2, "dash": "dash"}, annotation_text=f"{name}: {amount(cost, unit)}",
            annotation_position="top right", annotation_font_color=ORANGE,
        )  # fmt: skip
    value_axis(figure.layout.yaxis, unit)
    figure.update_xaxes(title="months after the first order", dtick=_step(len(mean)))
    alt = describe(mean, "month_index", "revenue", "Cumulative revenue per customer by month", unit)
    if known:
        alt += f" Marked: {', '.join(f'{name} {amount(cost, unit)}' for name, cost in known.items())}."
    return styled(figure, alt, 400, mean)


def second_orders(curve: pd.DataFrame) -> Chart:
    """Share of buyers with a second order by days after the first (day, share, lower, upper), with its interval.

    Example:
        >>> durations = pd.DataFrame({"days": [1, 2], "returned": [True, False], "buyers": [1, 3]})
        >>> charts.second_orders(cohorts.second_orders(durations))
        Share of buyers with a second order by day: 0.0% at 0, 25.0% at 1, 25.0% at 2.
    """
    if curve.empty:
        return empty_chart("There are no buyers yet.")
    figure, last = Chart(), curve["day"].iloc[-1]
    curve = curve[curve["share"].diff().ne(0) | (curve["day"] == last)]  # only the days of a step
    step = {"shape": "hv", "width": 0}
    for column, fill in (("lower", None), ("upper", "tonexty")):
        figure.add_scatter(
            x=curve["day"], y=curve[column], line=step, mode="lines", fill=fill, fillcolor=FAINT, hoverinfo="skip",
            name="95 % interval", showlegend=fill is not None,
        )  # fmt: skip
    figure.add_scatter(
        x=curve["day"], y=curve["share"], mode="lines", line={"color": BLUE, "width": 3, "shape": "hv"},
        customdata=curve["at_risk"], name="second order",
        hovertemplate="within %{x} days: %{y:.1%}<br>%{customdata:,} still observed<extra></extra>",
    )  # fmt: skip
    value_axis(figure.layout.yaxis, "%")
    figure.update_xaxes(title="days after the first order", rangemode="tozero", tick0=0, dtick=_ticks(int(last)))
    described = describe(curve, "day", "share", "Share of buyers with a second order by day", "%")
    return styled(figure, described, numbers=curve)


def _ticks(days: int) -> int:
    """Days between ticks: a multiple of 30 that leaves at most 12 ticks; fewer days in a shop of under a month."""
    return STEP_DAYS * (1 + days // (12 * STEP_DAYS)) if days > STEP_DAYS else max(1, days // 7)


def _range_text(matrix: pd.DataFrame) -> str:
    """ ", from 0% to 22%" of a matrix of shares; empty without a value."""
    values = matrix.to_numpy(float)
    if np.isnan(values).all():
        return ""
    return f", from {percent(np.nanmin(values), 0)} to {percent(np.nanmax(values), 0)}"
