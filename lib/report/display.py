"""What a notebook shows besides figures: sentences, cards and tables, every value escaped and set as people read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from jinja2 import Environment
from markupsafe import Markup

from lib.formatting import (
    FORMATS,
    NOT_KNOWN,
    NUMBERS,
    day,
    decimal,
    integer,
    money,
    percent,
    precise,
    signed_percent,
    use_locale,
    writers,
)

__all__ = [
    "Shown",
    "cards",
    "day",
    "decimal",
    "integer",
    "key_figures",
    "money",
    "percent",
    "precise",
    "sentence",
    "show",
    "signed_percent",
    "sparkline",
    "table",
    "use_locale",
]

BETTER_LOWER = ("refund_rate", "refunded_amount", "cancelled_orders")
TRENDS = FORMATS["trend"]

PAGES = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
SENTENCE = PAGES.from_string('<p class="sentence">{{ text }}</p>')
CARDS = PAGES.from_string("""
<div class="cards">{% for label, value, note in facts %}
<div class="card"><div class="card-label">{{ label }}</div>
<div class="card-value">{{ value }}</div><div class="card-note">{{ note }}</div></div>
{% endfor %}</div>""")
KEY_FIGURES = PAGES.from_string("""
<div class="cards key-figures">{% for card in cards %}
<div class="card"><div class="card-label">{{ card.label }}</div>
<div class="card-value">{{ card.value }}</div>
<div class="card-change {{ card.tone }}">{{ card.change }}</div>
{{ card.line }}<div class="card-note">{{ card.definition }}</div></div>
{% endfor %}</div>""")
# A drawing in the size of its text: no axis, no scale but its own; the last point is marked.
SPARKLINE = PAGES.from_string("""
<svg class="sparkline" viewBox="-3 -3 106 30" preserveAspectRatio="none" role="img" aria-label="{{ words }}">
<polyline points="{% for x, y in points %}{{ x }},{{ y }} {% endfor %}"/>
<path d="M{{ points[-1][0] }} {{ points[-1][1] }}h.01"/></svg>""")
TABLE = PAGES.from_string("""
{% macro linked(text) %}{% if text.startswith(("http://", "https://")) %}<a href="{{ text }}">{{ text }}</a>
{%- else %}{{ text }}{% endif %}{% endmacro %}
{% macro cell(tag, column, text) %}<{{ tag }}{% if column in numbers %} class="num"{% endif %}>
{%- if column == "link" %}{{ linked(text) }}{% else %}{{ text }}{% endif %}</{{ tag }}>
{% endmacro %}
<div class="table-scroll"><table class="data">
<thead><tr>{% for column in columns %}{{ cell("th", column, heading(column)) }}{% endfor %}</tr></thead>
<tbody>
{% for row in rows %}
<tr>{% for text in row %}{{ cell("td", columns[loop.index0], text) }}{% endfor %}</tr>
{% else %}
<tr><td colspan="{{ columns | length }}">no rows</td></tr>
{% endfor %}
</tbody></table></div>""")


class Shown:
    """Something to look at: HTML for a page, the same in plain text for a terminal or a screen reader."""

    def __init__(self, html: str, text: str) -> None:
        self._html, self._text = html, text

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return self._html


def sentence(text: str) -> Shown:
    """The text as a sentence of the report."""
    return Shown(SENTENCE.render(text=text), text)


def show(*things: object) -> None:
    """Each of the things, one below the other."""
    from IPython.display import display  # only a notebook shows anything

    display(*things)


def cards(*facts: tuple[str, str, str]) -> Shown:
    """Key figures side by side, one card per (label, value, note)."""
    return Shown(CARDS.render(facts=facts), "\n".join(f"{label}: {value} ({note})" for label, value, note in facts))


def key_figures(
    now: Mapping[str, float],
    before: Mapping[str, float],
    months: pd.DataFrame,
    definitions: Mapping[str, str],
    currency: str,
) -> Shown:
    """One card per column of `definitions`: its value, the change on the period before, the course of its months."""
    written = writers(currency)
    cards = [
        _key_figure(name, now, before, months, written[name]) | {"definition": meaning}
        for name, meaning in definitions.items()
    ]
    text = "\n".join("{label}: {value}, {change}; {definition}".format_map(card) for card in cards)
    return Shown(KEY_FIGURES.render(cards=cards), text)


def _key_figure(
    name: str, now: Mapping[str, float], before: Mapping[str, float], months: pd.DataFrame, writer: Callable[[Any], str]
) -> dict[str, str]:
    difference = now[name] - before[name]
    tone = "" if not abs(difference) > 0 else "good" if (difference > 0) != (name in BETTER_LOWER) else "bad"
    change = _change(name, now[name], before[name])
    return {
        "label": heading(name),
        "value": writer(now[name]),
        "change": f"{change} on {writer(before[name])} before" if change else f"{writer(before[name])} before",
        "tone": tone,
        "line": sparkline(months[name].tolist(), f"{heading(name)} of the last {len(months)} whole months", writer),
    }


def _change(name: str, now: float, before: float) -> str:
    """In percent, or in percentage points for what is a share itself; empty where there is nothing to compare."""
    if pd.isna(now) or pd.isna(before):
        return ""
    if name in FORMATS["percent"]:
        points = 100 * (now - before)
        return f"{'' if points < 0 else '+'}{decimal(points, 1)} points"
    return signed_percent(now / before - 1) if before else ""


def sparkline(values: Sequence[float], words: str, writer: Callable[[Any], str]) -> Markup:
    """The course of the values as a small drawing with the words and their range for those who cannot see it."""
    shown = [(place, value) for place, value in enumerate(values) if not pd.isna(value)]
    if len(shown) < 2:
        return Markup()
    low, high = min(value for _, value in shown), max(value for _, value in shown)
    span, steps = (high - low) or 1, len(values) - 1
    points = [(round(100 * place / steps, 1), round(24 - 24 * (value - low) / span, 1)) for place, value in shown]
    return Markup(SPARKLINE.render(points=points, words=f"{words}: from {writer(low)} to {writer(high)}"))  # noqa: S704


def heading(column: str) -> str:
    """A column's name as words: `avg_order_value` -> `average order value`."""
    return column.replace("_", " ").replace("avg", "average")


def table(frame: pd.DataFrame, currency: str = "USD") -> Shown:
    """The frame as a table; how a column is written follows from its name (FORMATS), all else is text.

    An address in a column called link can be followed.
    """
    written = writers(currency)
    cells = pd.DataFrame(
        {name: [_text(value, written.get(name, str)) for value in frame[name]] for name in frame.columns},
        dtype="object",
    )
    drawn = {name: [_drawn(value, name) for value in frame[name]] for name in frame.columns if name in TRENDS}
    rows = list(zip(*(drawn.get(name, cells[name]) for name in cells.columns), strict=True))
    html = TABLE.render(columns=list(cells.columns), rows=rows, numbers=NUMBERS, heading=heading)
    return Shown(html, cells.to_string(index=False) if rows else "no rows")


def _drawn(values: list[float], name: str) -> Markup:
    return sparkline(values, heading(name), integer)


def _text(value: object, writer: Callable[[Any], str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return writer(value)
    return NOT_KNOWN if pd.isna(value) else writer(value)
