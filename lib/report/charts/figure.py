"""Chart class, house style and text alternatives that every figure shares."""

import json
from collections.abc import Mapping
from html import escape
from textwrap import fill, wrap
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from lib.formatting import around_money, day, decimal, integer, money, month, percent, separators
from lib.report.palette import CLEAR, FONT, GRID, OWN, TEXT, TEXT_SIZE

__all__ = [
    "HEIGHT",
    "Chart",
    "Switch",
    "affixes",
    "amount",
    "describe",
    "empty_chart",
    "escaped",
    "hover",
    "own",
    "styled",
    "theme",
    "value_axis",
]  # fmt: skip

MIME = "application/vnd.plotly.v1+json"
# JupyterLab serves the project's folder under /files, so that maps need no network there either.
CONFIG = {"displaylogo": False, "responsive": True, "showSendToCloud": False, "topojsonURL": "/files/lib/report/"}
HEIGHT = 340
X_AXIS = {"gridcolor": GRID, "zeroline": False, "automargin": True, "linecolor": GRID}
Y_AXIS = {"gridcolor": GRID, "zeroline": False, "automargin": True}
TITLE = {"title": {"standoff": 8}}  # px names both axes: without a distance, the title lies on long labels
# Shown below the text alternative where figures are not drawn, as in a plain conversion of a notebook.
STATIC = "(Figure: `make report NOTEBOOK=this.ipynb` writes a page that draws it.)"
TEXT_WIDTH = 100  # VS Code does not wrap plain text
LISTED_POINTS = 8  # text alternatives list the values of a chart with at most this many


class Chart(go.Figure):  # type: ignore[misc]  # plotly has no type information
    """A plotly figure that carries its text alternative and displays the same in JupyterLab, exports and tests."""

    _ipython_display_ = _repr_html_ = None  # plotly's own displays have no text alternative
    _frame: pd.DataFrame | None = None

    @property
    def frame(self) -> pd.DataFrame | None:
        """The values of the figure, where it has a table of them."""
        return self._frame

    def __repr__(self) -> str:
        return str(self.layout.meta["alt"])

    def in_zone(self, time_zone: str, unit: str = "day") -> "Chart":
        """The chart with a title of its (first) horizontal axis, which says whose days, months or hours it has."""
        self.layout.xaxis.title.text = f"{unit} ({time_zone})"
        return self

    def _repr_mimebundle_(self, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
        text = f"{fill(repr(self), TEXT_WIDTH)}\n{STATIC}"
        return {MIME: json.loads(self.to_json()) | {"config": CONFIG}, "text/plain": text}


class Switch:
    """Several charts of the same data, by label: a page shows one at a time, JupyterLab all, each with its label.

    Example:
        >>> daily, label = pd.DataFrame({"day": ["Mon", "Tue"], "orders": [5, 3]}), {"orders": "orders"}
        >>> both = charts.Switch({"bars": charts.bars(daily, "day", label), "line": charts.lines(daily, "day", label)})
        >>> both.charts["bars"]
        Orders: 5 at Mon, 3 at Tue.
    """

    def __init__(self, charts: Mapping[str, Chart]) -> None:
        self.charts = charts

    def __repr__(self) -> str:
        return "\n".join(f"{label}: {chart!r}" for label, chart in self.charts.items())

    @property
    def frame(self) -> pd.DataFrame | None:
        """The values of its first chart."""
        return next(iter(self.charts.values())).frame

    def _ipython_display_(self) -> None:
        from IPython.display import display  # only needed within a notebook

        for label, chart in self.charts.items():
            bundle = chart._repr_mimebundle_()
            bundle[MIME]["layout"]["title"] = {"text": label, "x": 0, "y": 0.99, "font": {"size": TEXT_SIZE}}
            display(bundle, raw=True, metadata={"switch": label})  # type: ignore[no-untyped-call]  # IPython types only a part


def styled(figure: Chart, alt: str, height: int = HEIGHT, numbers: pd.DataFrame | None = None) -> Chart:
    """Apply the house style and return the figure.

    Args:
        figure: Changed in place.
        alt: Text alternative: what the figure shows, as a sentence.
        height: In pixels.
        numbers: The values of the figure, which its page offers as a table and as CSV.
    """
    figure._frame = numbers
    meta = {"alt": alt} if numbers is None else {"alt": alt, "numbers": _table(numbers)}
    figure.update_layout(template="none", height=height, meta=meta, **_house_style())
    figure.update_xaxes(**X_AXIS).update_yaxes(**Y_AXIS)
    return figure


def _house_style() -> dict[str, Any]:
    return {
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"family": FONT, "size": TEXT_SIZE, "color": TEXT},
        "bargap": 0.25,
        "margin": {"l": 10, "r": 24, "t": 24, "b": 10},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "dragmode": False,
        "separators": separators(),
    }


def theme() -> go.layout.Template:
    """The house style as a plotly template, for figures of plotly express: `px.bar(…, template=charts.theme())`.

    Example:
        >>> figure = px.bar(x=["Mon", "Tue"], y=[5, 3], template=charts.theme())
        >>> charts.own(figure, "Orders: 5 on Monday, 3 on Tuesday.")
        Orders: 5 on Monday, 3 on Tuesday.
    """
    return go.layout.Template(
        layout={**_house_style(), "colorway": OWN, "xaxis": X_AXIS | TITLE, "yaxis": Y_AXIS | TITLE}
    )


def own(figure: go.Figure, alt: str, numbers: pd.DataFrame | None = None) -> Chart:
    """A figure of your own as a chart of the workbook, so that it is displayed offline and exported to pages.

    Args:
        figure: Any plotly figure.
        alt: Text alternative: what the figure shows, as a sentence.
        numbers: The values of the figure, which its page offers as a table and as CSV.

    Example:
        >>> charts.own(px.bar(x=["Mon", "Tue"], y=[5, 3]), "Orders: 5 on Monday, 3 on Tuesday.")
        Orders: 5 on Monday, 3 on Tuesday.
    """
    chart = styled(Chart(figure), alt, figure.layout.height or HEIGHT, numbers)
    chart.update_xaxes(**TITLE).update_yaxes(**TITLE)
    return chart


def _table(frame: pd.DataFrame) -> dict[str, Any]:
    """The frame as JSON: columns and data, days as ISO dates."""
    days = {str(name): frame[name].dt.strftime("%Y-%m-%d") for name in frame.select_dtypes("datetime")}
    return json.loads(frame.assign(**days).to_json(orient="split", index=False, double_precision=6))


def empty_chart(reason: str, characters: int = 120) -> Chart:
    """A small chart that only shows why it is empty, wrapped at `characters` per line (42 fit on a phone)."""
    lines = "<br>".join(wrap(reason, characters))
    figure = Chart().add_annotation(text=lines, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    return styled(figure, reason, height=90)


def value_axis(axis: go.layout.YAxis | go.layout.XAxis, unit: str) -> None:
    """Format an axis that starts at zero: unit is "%", a currency code, or "" for counts."""
    axis.update(affixes(unit), tickformat=".0%" if unit == "%" else ",", rangemode="tozero")


def affixes(unit: str) -> dict[str, str]:
    """Plotly's tick prefix and suffix: the currency symbol, on the side where the locale writes it."""
    before, after = around_money(unit) if _is_currency(unit) else ("", "")
    return {"tickprefix": before, "ticksuffix": after}


def hover(variable: str, unit: str) -> str:
    """Plotly's hover template of a variable ("x", "y", "customdata") with this unit."""
    before, after = affixes(unit).values()
    return f"{before}%{{{variable}:{'.1%' if unit == '%' else ',.0f'}}}{after}"


def amount(value: float, unit: str) -> str:
    """A value with its unit: a share, an amount of money, or a count."""
    if unit == "%":
        return percent(value)
    return money(value, unit, digits=False) if _is_currency(unit) else integer(value)


def _is_currency(unit: str) -> bool:
    return len(unit) == 3 and unit.isupper()


def describe(frame: pd.DataFrame, x: str, column: str, label: str, unit: str) -> str:
    """Text alternative of a line or bar chart: each value if there are few, else the range and both extremes."""
    label = label[:1].upper() + label[1:]
    shown = frame[[x, column]].dropna()
    if shown.empty:
        return f"{label}: nothing to show."
    preposition, names = _axis_words(shown[x])
    points = zip(shown[column], names, strict=True)
    values = [f"{amount(value, unit)} {preposition} {name}" for value, name in points]
    if len(shown) <= LISTED_POINTS:
        return f"{label}: {', '.join(values)}."
    low, high = values[int(shown[column].argmin())], values[int(shown[column].argmax())]
    return f"{label} from {names[0]} to {names[-1]}: lowest {low}, highest {high}."


def _axis_words(values: pd.Series) -> tuple[str, list[str]]:
    """The values of an axis in words, and their preposition: on a day, in a month, at anything else."""
    if not isinstance(values.iloc[0], pd.Timestamp):
        return "at", [decimal(value, 0) if isinstance(value, float) else str(value) for value in values]
    if len(values) > 1 and values.dt.is_month_start.all():
        return "in", [month(value) for value in values]
    return "on", [day(value) for value in values]


def escaped(text: object) -> str:
    """Escape text for a plotly label, which would interpret a few HTML tags and entities."""
    return escape(str(text), quote=False)
