"""Charts over time: lines with annotations, bars, changes from the previous period, peak hours."""

from collections.abc import Mapping
from textwrap import wrap

import numpy as np
import pandas as pd

from lib.formatting import integer
from lib.report import palette
from lib.report.charts.figure import HEIGHT, Chart, amount, describe, empty_chart, escaped, hover, styled, value_axis

__all__ = ["bars", "bridge", "compared", "lines", "week_hours"]

LANE_PIXELS = 18
NAMED_LANES = 3  # with more lanes the bars are thin and show their names on hover only
LINE_PIXELS = 16  # between two names at the ends of lines
LINE_END = "end"  # name of these annotations; on a narrow page report.js replaces them with a legend
DAY = pd.Timedelta(days=1)
LABEL_SHARE = 0.2  # of the chart's width: room that the value next to a bar needs on a phone
SMALLEST = 8  # type size of numbers above bars, which all have the one that fits
PHONE_LABEL, LONGEST_LABEL = 10, 34  # characters: per line below a bar, so that it stays horizontal; next to a bar
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def lines(
    frame: pd.DataFrame,
    x: str,
    series: Mapping[str, str],
    unit: str = "",
    *,
    behind: Mapping[str, str] | None = None,
    annotations: pd.DataFrame | None = None,
) -> Chart:
    """One line per series, the first of them the main one.

    Args:
        frame: One row per point.
        x: Column of the horizontal axis.
        series: Label by column; at most five.
        unit: "%", a currency code, or "" for counts.
        behind: Label by column of series drawn faintly behind the lines.
        annotations: name, start_date and end_date (inclusive) of events, drawn as bars above the lines.

    Example:
        >>> daily = pd.DataFrame({"date": pd.date_range("2025-06-29", periods=2), "revenue": [100.0, 80.0]})
        >>> charts.lines(daily, "date", {"revenue": "revenue"}, "USD")
        Revenue: $100 on Jun 29, 2025, $80 on Jun 30, 2025.
    """
    alt = _alternative(frame, x, series, unit)
    if frame.empty:
        return empty_chart(alt)
    figure, height, behind = Chart(), HEIGHT, behind or {}
    _draw_lines(figure, frame, x, series, behind, unit)
    if annotations is not None and len(annotations):
        height += _annotate(figure, annotations, frame[x].iloc[0], frame[x].iloc[-1])
        alt += f" Annotations: {', '.join(annotations['name'])}."
    styled(figure, alt, height, frame[[x, *series, *behind]].rename(columns={**series, **behind}))
    value_axis(figure.layout.yaxis, unit)
    figure.update_layout(hovermode="x unified", showlegend=False)
    if len(series) > 1:
        _label_ends(figure, frame, x, series, height)
    return figure


def _draw_lines(
    figure: Chart, frame: pd.DataFrame, x: str, series: Mapping[str, str], behind: Mapping[str, str], unit: str
) -> None:
    """Add the series behind, then the lines in reverse order, so that the main line lies on top."""
    coloured = [(column, label, palette.FAINT) for column, label in behind.items()]
    shown = zip(series.items(), palette.LINES, strict=False)
    coloured += reversed([(column, label, colour) for (column, label), colour in shown])
    for column, label, colour in coloured:
        figure.add_scatter(
            x=frame[x], y=frame[column], name=label, mode="lines", connectgaps=False,
            line={"color": colour, "width": 1.2},
            hovertemplate=f"{escaped(label)}: {hover('y', unit)}<extra></extra>",
        )  # fmt: skip
    figure.data[-1].line.width = 2.6


def _alternative(frame: pd.DataFrame, x: str, series: Mapping[str, str], unit: str) -> str:
    """The main series in full, then the range of each further one."""
    (main, label), *others = series.items()
    words = [describe(frame, x, main, label, unit)]
    for column, name in others:
        low, high = frame[column].min(), frame[column].max()
        known = f"lowest {amount(low, unit)}, highest {amount(high, unit)}" if pd.notna(low) else "nothing to show"
        words.append(f"{name[:1].upper()}{name[1:]}: {known}.")
    return " ".join(words)


def _label_ends(figure: Chart, frame: pd.DataFrame, x: str, series: Mapping[str, str], height: int) -> None:
    """Write each line's name next to its last point, shifted up where it would overlap the name below."""
    values = [value for trace in figure.data for value in trace.y if pd.notna(value)]
    span = max([*values, 0]) - min([*values, 0]) or 1
    ends = []
    for (column, label), colour in zip(series.items(), palette.LINES, strict=False):
        known = frame[[x, column]].dropna()
        if len(known):
            ends.append((known[column].iloc[-1], known[x].iloc[-1], label, colour))
    floor = -np.inf
    for y, at, name, colour in sorted(ends, key=lambda end: end[0]):
        point = y / span * (height - 60)  # in pixels above the axis
        place = max(point, floor)
        floor = place + LINE_PIXELS
        figure.add_annotation(
            name=LINE_END, x=at, y=y, yshift=place - point, xshift=6, xanchor="left", showarrow=False,
            text=f"<span style='color:{colour}'>●</span> {escaped(name)}", font={"size": palette.LABEL_SIZE},
        )  # fmt: skip
    longest = max((len(name) for _, _, name, _ in ends), default=0)
    figure.update_layout(showlegend=False, margin_r=24 + 7 * longest)


def _annotate(figure: Chart, annotations: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp) -> int:
    """Draw each event above the lines, cut to the days shown; returns the height that takes, in pixels."""
    starts, ends = annotations["start_date"], annotations["end_date"]
    starts, ends = starts.where(starts > first, first), ends.where(ends < last, last) + DAY
    places = _lanes(starts, ends)
    lane = LANE_PIXELS if max(places) < NAMED_LANES else LANE_PIXELS // 3
    names = [escaped(name) for name in annotations["name"]]
    figure.add_bar(
        base=starts, x=1000 * (ends - starts).dt.total_seconds(), y=places, orientation="h", width=0.8, yaxis="y2",
        text=names if lane == LANE_PIXELS else None, textposition="inside", insidetextanchor="start", textangle=0,
        textfont={"size": palette.SMALL_SIZE, "color": palette.INK}, showlegend=False,
        marker={"color": palette.SPAN, "line": {"width": 0}},
        customdata=names, hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    height = lane * (max(places) + 1)
    share = height / (HEIGHT + height)
    figure.update_layout(
        yaxis={"domain": [0, 1 - share - 0.02]}, uniformtext={"minsize": palette.SMALLEST_SIZE, "mode": "hide"},
        xaxis={"range": [first, last]},
        yaxis2={"domain": [1 - share, 1], "anchor": "x", "visible": False, "range": [-0.5, max(places) + 0.5]},
    )  # fmt: skip
    return height


def _lanes(starts: pd.Series, ends: pd.Series) -> list[int]:
    """The first lane that is free when each event starts; the events are ordered by their start."""
    busy: list[pd.Timestamp] = []
    places = []
    for start, end in zip(starts, ends, strict=True):
        free = next((lane for lane, until in enumerate(busy) if until <= start), len(busy))
        busy[free : free + 1] = [end]
        places.append(free)
    return places


def bars(frame: pd.DataFrame, x: str, series: Mapping[str, str], unit: str = "") -> Chart:
    """Vertical bars over the column `x`, side by side for several columns of `series` (column -> label).

    Example:
        >>> charts.bars(pd.DataFrame({"day": ["Mon", "Tue"], "orders": [5, 3]}), "day", {"orders": "orders"})
        Orders: 5 at Mon, 3 at Tue.
    """
    figure = Chart()
    for colour, (column, label) in zip(palette.BARS, series.items(), strict=False):
        figure.add_bar(x=frame[x], y=frame[column], name=label, marker_color=colour)
    alt = _alternative(frame, x, series, unit)
    styled(figure, alt, numbers=frame[[x, *series]].rename(columns=series))
    value_axis(figure.layout.yaxis, unit)
    return figure


def bridge(steps: pd.DataFrame, unit: str) -> Chart:
    """Waterfall from the first total to the last through the changes between them.

    Args:
        steps: step (label), amount, and total (whether the amount is a total or a change).
        unit: Currency.

    Example:
        >>> steps = ["May", "volume", "price", "June"]
        >>> amounts = {"amount": [900.0, 150.0, -10.0, 1040.0], "total": [True, False, False, True]}
        >>> charts.bridge(pd.DataFrame({"step": steps, **amounts}), "USD")
        Waterfall: May $900, volume +$150, price -$10, June $1,040.
    """
    if steps.empty:
        return empty_chart("The data do not cover the previous period.")
    figure, names = Chart(), [escaped(step) for step in steps["step"]]
    amounts = [
        f"{'' if total or not value else '+' if value > 0 else '-'}{amount(abs(value), unit)}"
        for value, total in zip(steps["amount"], steps["total"], strict=True)
    ]
    figure.add_waterfall(
        x=["<br>".join(wrap(name, PHONE_LABEL, break_long_words=False)) for name in names],
        y=steps["amount"], customdata=names,
        measure=["absolute" if total else "relative" for total in steps["total"]],
        text=amounts, textposition="outside",
        cliponaxis=False, connector={"line": {"color": palette.GREY, "width": 1, "dash": "dot"}},
        totals={"marker": {"color": palette.BLUE}}, increasing={"marker": {"color": palette.GREEN}},
        decreasing={"marker": {"color": palette.ORANGE}}, hovertemplate="%{customdata}: %{text}<extra></extra>",
    )  # fmt: skip
    described = ", ".join(f"{step} {text}" for step, text in zip(steps["step"], amounts, strict=True))
    styled(figure, f"Waterfall: {described}.", numbers=steps[["step", "amount"]])
    value_axis(figure.layout.yaxis, unit)
    figure.update_xaxes(tickangle=0)
    return figure.update_layout(showlegend=False, margin_t=36, uniformtext={"mode": "show", "minsize": SMALLEST})


def compared(frame: pd.DataFrame, name: str, unit: str) -> Chart:
    """Horizontal bars of revenue with a line at the revenue of the previous period, in the order of the rows.

    Args:
        frame: The column `name`, revenue and previous_revenue.
        name: Column of the labels; equal labels stay separate bars.
        unit: Currency.

    Example:
        >>> channels = pd.DataFrame({"channel": ["email", "social"], "revenue": [80, 20], "previous_revenue": [50, 30]})
        >>> charts.compared(channels, "channel", "USD")
        Revenue, in brackets that of the previous period: email $80 ($50), social $20 ($30).
    """
    if frame.empty:
        return empty_chart("Revenue: nothing to show.")
    revenue, previous = frame["revenue"], frame["previous_revenue"]
    places, names = list(range(len(frame))), [escaped(text) for text in frame[name]]
    figure = Chart()
    template = f"%{{customdata}}<br>%{{fullData.name}}: {hover('x', unit)}<extra></extra>"
    figure.add_bar(
        x=revenue, y=places, orientation="h", marker_color=palette.BLUE, name="this period", customdata=names,
        width=0.5, hovertemplate=template,
    )  # fmt: skip
    is_compared = previous.notna().any()
    figure.add_scatter(
        x=previous, y=places, mode="markers", name="previous period", visible=bool(is_compared), customdata=names,
        hovertemplate=template,
        marker={"symbol": "line-ns", "size": 24, "line": {"width": 2.5, "color": palette.ORANGE}},
    )  # fmt: skip
    highest = max([*revenue.dropna(), *previous.dropna()], default=1)
    overlapped = previous.between(revenue, revenue + LABEL_SHARE * highest)
    figure.add_scatter(  # values stand next to their bar, or behind the line that would cross them there
        x=revenue.mask(overlapped, previous), y=places, mode="text", textposition="middle right", hoverinfo="skip",
        text=[f" {amount(value, unit)}" for value in revenue], showlegend=False, cliponaxis=False,
    )  # fmt: skip
    labels = [text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1].rstrip()}…" for text in frame[name]]
    figure.update_yaxes(tickvals=places, ticktext=[escaped(text) for text in labels])
    rows = zip(frame[name], revenue, strict=True)
    pasts = [f" ({amount(past, unit)})" if is_compared else "" for past in previous]
    described = ", ".join(f"{label} {amount(now, unit)}{past}" for (label, now), past in zip(rows, pasts, strict=True))
    of_what = "Revenue, in brackets that of the previous period" if is_compared else "Revenue"
    alt = f"{of_what}: {described or 'nothing to show'}."
    styled(figure, alt, max(160, 34 * len(frame) + 70), frame[[name, "revenue", "previous_revenue"]])
    value_axis(figure.layout.xaxis, unit)
    figure.update_xaxes(showticklabels=False, showgrid=False, range=[0, 1.12 * highest or 1])
    return figure.update_yaxes(autorange="reversed", showgrid=False, ticklabelstandoff=6)


def week_hours(orders: pd.DataFrame) -> Chart:
    """Heatmap of orders by weekday and hour of the day.

    Args:
        orders: weekday (1 is Monday), hour and orders; hours without a row count as 0.

    Example:
        >>> charts.week_hours(pd.DataFrame({"weekday": [1, 5], "hour": [9, 20], "orders": [2, 7]}))
        Orders by weekday and hour: most on Fri from 20:00 to 20:59, 7 orders.
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
    figure.update_xaxes(title="hour of the day", showgrid=False, dtick=3)
    return figure
