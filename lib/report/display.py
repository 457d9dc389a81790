"""Sentences, cards and tables of a notebook, with every value escaped and formatted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from jinja2 import Environment
from markupsafe import Markup
from pandas.api.types import is_integer_dtype

from lib import kpis
from lib.formatting import NOT_KNOWN, NUMBERS, day, decimal, integer, kind_of, money, percent, writers
from lib.report.palette import BAD, BLUE, GOOD, PALE
from lib.report.text import beyond_noise, comparison

__all__ = [
    "Shown",
    "cards",
    "day",
    "decimal",
    "heading",
    "integer",
    "key_figures",
    "money",
    "note",
    "percent",
    "sentence",
    "show",
    "sparkline",
    "table",
    "tables",
]


def __dir__() -> list[str]:
    """The names that Tab offers in JupyterLab."""
    return __all__


# Words of column names that a heading writes differently.
SPELLED = {
    "auc": "AUC", "avg": "average", "cac": "CAC", "id": "ID", "kpi": "KPI", "mae": "MAE", "mase": "MASE", "rfm": "RFM",
    "sku": "SKU", "smape": "sMAPE", "wape": "WAPE",
}  # fmt: skip

PAGES = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
# The look of cards without the style sheet of the pages, as in JupyterLab, light and dark; a page leaves it out.
STYLE = f"""<style>
.cards {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .75rem; max-width: 66rem }}
.cards .card {{ padding: .7rem .9rem; border: 1px solid {PALE}; border-radius: 8px }}
.cards .card-label, .cards .card-note {{ opacity: .75; font-size: .875em }}
.cards .card-value {{ font-size: 1.5em; font-weight: 600 }}
.cards .good {{ color: {GOOD} }}
.cards .bad {{ color: {BAD} }}
.cards .sparkline {{ width: 100%; margin: .4rem 0 }}
</style>"""
# JupyterLab aligns all cells right, and breaks dates where a table is wide.
TABLE_STYLE = """<style>
.data th:not(.num), .data td:not(.num) { text-align: left }
.data .date { white-space: nowrap }
</style>"""
# JupyterLab would typeset the text between two dollar signs as a formula.
SENTENCE = PAGES.from_string('<p class="sentence mathjax_ignore">{{ text }}</p>')
NOTE = PAGES.from_string('<p class="note mathjax_ignore">{{ text }}</p>')
CARDS = PAGES.from_string("""
<div class="cards mathjax_ignore">{% for label, value, note in facts %}
<div class="card"><div class="card-label">{{ label }}</div>
<div class="card-value">{{ value }}</div><div class="card-note">{{ note }}</div></div>
{% endfor %}</div>""")
KEY_FIGURES = PAGES.from_string("""
<div class="cards key-figures mathjax_ignore">{% for card in cards %}
<div class="card"><div class="card-label">{{ card.label }}</div>
<div class="card-value">{{ card.value }}</div>
<div class="card-change {{ card.tone }}">{{ card.change }}</div>
{{ card.line }}<div class="card-note">{{ card.definition }}</div></div>
{% endfor %}</div>""")
# A line chart as small as text, without axes and on its own scale; the last point is marked.
SPARKLINE = PAGES.from_string("""
<svg class="sparkline" width="112" height="28" viewBox="-3 -3 106 30" preserveAspectRatio="none" role="img"
aria-label="{{ words }}" fill="none" stroke="{{ colour }}" stroke-width="1.75" stroke-linecap="round">
<polyline vector-effect="non-scaling-stroke" points="{% for x, y in points %}{{ x }},{{ y }} {% endfor %}"/>
<path vector-effect="non-scaling-stroke" stroke-width="6" d="M{{ points[-1][0] }} {{ points[-1][1] }}h.01"/></svg>""")
CLASSES = dict.fromkeys(NUMBERS, "num") | dict.fromkeys(("day", "month"), "date")  # of cells, by kind
TABLE = PAGES.from_string("""
{% macro linked(text) %}{% if text.startswith(("http://", "https://")) %}<a href="{{ text }}">{{ text }}</a>
{%- else %}{{ text }}{% endif %}{% endmacro %}
{% macro cell(tag, column, text) %}<{{ tag }}{% if column in classes %} class="{{ classes[column] }}"{% endif %}>
{%- if column == "link" %}{{ linked(text) }}{% else %}{{ text }}{% endif %}</{{ tag }}>
{% endmacro %}
<div class="table-scroll mathjax_ignore"><table class="data">
<thead><tr>{% for column in columns %}{{ cell("th", column, heading(column)) }}{% endfor %}</tr></thead>
<tbody>
{% for row in rows %}
<tr>{% for text in row %}{{ cell("td", columns[loop.index0], text) }}{% endfor %}</tr>
{% else %}
<tr><td colspan="{{ columns | length }}">no rows</td></tr>
{% endfor %}
</tbody></table></div>""")


class Shown:
    """HTML for a page and the same as plain text for a terminal or a screen reader; `frame` is that of a table."""

    def __init__(self, html: str, text: str, frame: pd.DataFrame | None = None) -> None:
        self._html, self._text, self.frame = html, text, frame

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return self._html


def sentence(text: str) -> Shown:
    """The text as a sentence of the report.

    Example:
        >>> display.sentence("Revenue rose by 12.5%.")
        Revenue rose by 12.5%.
    """
    return Shown(SENTENCE.render(text=text), text)


def note(text: str) -> Shown:
    """The text in small type, such as how days are counted.

    Example:
        >>> display.note("Days are those of UTC.")
        Days are those of UTC.
    """
    return Shown(NOTE.render(text=text), text)


def show(*things: object) -> None:
    """Display the things one below the other.

    Example:
        >>> display.show(display.sentence("Revenue rose."), display.sentence("Orders fell."))
        Revenue rose. Orders fell.
    """
    from IPython.display import display  # only notebooks need IPython

    display(*things)  # type: ignore[no-untyped-call]  # IPython annotates its display partly


def cards(*facts: tuple[str, str, str]) -> Shown:
    """Key figures side by side, one card per (label, value, note).

    Example:
        >>> display.cards(("orders", "1,234", "completed"), ("revenue", "$5,600", "in June"))
        orders: 1,234 (completed)
        revenue: $5,600 (in June)
    """
    text = "\n".join(f"{label}: {value} ({note})" for label, value, note in facts)
    return Shown(STYLE + CARDS.render(facts=facts), text)


def key_figures(
    current: Mapping[str, float],
    previous: Mapping[str, float] | None,
    months: pd.DataFrame,
    currency: str,
    changes: pd.DataFrame | None = None,
    registry: Mapping[str, kpis.Kpi] | None = None,
) -> Shown:
    """One card per KPI: its value, the change from the previous period, a sparkline of its months, its definition.

    Args:
        current: Value by name of the KPI: the row of the question period_kpis.
        previous: The same of the previous period; None if the data do not cover it wholly.
        months: The rows of the question monthly_kpis.
        currency: ISO 4217 code of the amounts.
        changes: Noise of the changes by KPI, from changes.kpi_changes: a change within it is not coloured.
        registry: The KPIs by name; all of them if not given.

    Example:
        >>> months = read("monthly_kpis", **periods.year_before("2025-07-01"))
        >>> figures = display.key_figures(months.iloc[-1], months.iloc[-2], months, "USD")
        >>> str(figures).partition(":")[0]
        'Revenue'
    """
    noise = {} if changes is None else changes.to_dict("index")
    shown = (registry or kpis.registry()).values()
    cards = [_key_figure(kpi, current, previous, months, currency, noise.get(kpi.name)) for kpi in shown]
    text = "\n".join("{label}: {value}, {change}; {definition}".format_map(card) for card in cards)
    return Shown(STYLE + KEY_FIGURES.render(cards=cards), text)


def _key_figure(
    kpi: kpis.Kpi,
    current: Mapping[str, float],
    previous: Mapping[str, float] | None,
    months: pd.DataFrame,
    currency: str,
    noise: Mapping[Any, Any] | None,
) -> dict[str, str]:
    now, writer = current[kpi.name], writers(currency)[kpi.kind]
    before = previous[kpi.name] if previous is not None else float("nan")
    change = comparison(now, before, writer(before), points=kpi.kind == "percent")
    change = beyond_noise(change, noise, points=kpi.kind == "percent") if noise else change
    tone = ""
    if abs(now - before) > 0 and (noise is None or noise["clear"]):
        tone = "good" if (now < before) == kpi.less_is_better else "bad"
    return {
        "label": kpi.label,
        "value": writer(now),
        "change": change or ("not compared" if previous is None else f"previously {writer(before)}"),
        "tone": tone,
        "line": sparkline(months[kpi.name].tolist(), f"{kpi.label} of the last {len(months)} whole months", writer),
        "definition": kpi.definition,
    }


def sparkline(values: Sequence[float], label: str, writer: Callable[[Any], str]) -> Markup:
    """A small line chart of the values; its text alternative is the label with their range. Empty for one value."""
    points = [(place, value) for place, value in enumerate(values) if not pd.isna(value)]
    if len(points) < 2:
        return Markup()
    low, high = min(value for _, value in points), max(value for _, value in points)
    width, height = len(values) - 1, (high - low) or 1
    drawn = [(round(100 * place / width, 1), round(24 - 24 * (value - low) / height, 1)) for place, value in points]
    return Markup(SPARKLINE.render(points=drawn, colour=BLUE, words=f"{label}: from {writer(low)} to {writer(high)}"))  # noqa: S704


def heading(column: object) -> str:
    """The heading of a column: the label of a KPI, else its name in words: `coverage_80` -> `Coverage 80`."""
    name = " ".join(map(str, column)) if isinstance(column, tuple) else str(column)
    if name in kpis.registry():
        return kpis.registry()[name].label
    text = " ".join(SPELLED.get(word, word) for word in name.split("_"))
    return text if text.startswith("sMAPE") else text[:1].upper() + text[1:]


def table(frame: pd.DataFrame, currency: str = "USD", **kinds: str) -> Shown:
    """The frame as a table.

    Args:
        frame: Any frame; labels of its rows that are not numbers become columns. A web address in a column called
            link can be followed.
        currency: ISO 4217 code of the amounts.
        kinds: How a column is written, by name, where its name or dtype does not say it: money, whole money, percent,
            integer, decimal, day, month, trend (a list of numbers, drawn as a sparkline) or text.

    Example:
        >>> display.table(pd.DataFrame({"country": ["Malta", "Chad"], "revenue": [1234.5, 80.0]}), "EUR")
        country   revenue
          Malta €1,234.50
           Chad    €80.00
    """
    labelled = _with_labels(frame)
    kinds = {name: kinds.get(name, kind_of(name, labelled[name])) for name in labelled.columns}
    written = writers(currency)
    texts = pd.DataFrame(
        {name: [_text(value, written[kind]) for value in labelled[name]] for name, kind in kinds.items()},
        dtype="object",
    )
    drawn = {
        name: [sparkline(values, heading(name), integer) for values in labelled[name]]
        for name, kind in kinds.items()
        if kind == "trend"
    }
    rows = list(zip(*(drawn.get(name, texts[name]) for name in texts.columns), strict=True))
    classes = {name: CLASSES[kind] for name, kind in kinds.items() if kind in CLASSES}
    html = TABLE.render(columns=list(texts.columns), rows=rows, classes=classes, heading=heading)
    return Shown(TABLE_STYLE + html, texts.to_string(index=False) if rows else "no rows", frame)


def _with_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the labels of its rows as columns, unless they only number the rows."""
    if frame.index.names == [None] and is_integer_dtype(frame.index):
        return frame
    labels = frame.index.to_frame(index=False).rename(columns={0: ""})
    return pd.concat(
        [labels[labels.columns.difference(frame.columns, sort=False)], frame.reset_index(drop=True)], axis=1
    )


def tables(frames: Mapping[str, pd.DataFrame], otherwise: str) -> Shown:
    """The frames that have rows as tables, each below its title; the sentence `otherwise` if none has.

    Example:
        >>> countries = pd.DataFrame({"country": ["Malta"], "revenue": [1234.5]})
        >>> display.tables({"By country": countries, "By channel": countries.head(0)}, otherwise="No sales.")
        By country
        country   revenue
          Malta $1,234.50
    """
    shown = [part for title, frame in frames.items() if len(frame) for part in (sentence(title), table(frame))]
    shown = shown or [sentence(otherwise)]
    return Shown("\n".join(part._repr_html_() for part in shown), "\n".join(map(repr, shown)))


def _text(value: Any, writer: Callable[[Any], str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return writer(value)
    return NOT_KNOWN if pd.isna(value) else writer(value)
