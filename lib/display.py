"""What a notebook shows besides figures: sentences, cards and tables, every value escaped and set as people read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent
from jinja2 import Environment

__all__ = [
    "Shown",
    "cards",
    "compare",
    "day",
    "decimal",
    "integer",
    "money",
    "percent",
    "precise",
    "sentence",
    "signed_percent",
    "table",
]

LOCALE = "en_US"
NOT_KNOWN = "–"  # noqa: RUF001 - an en dash is how a table shows that there is nothing to show


# How a column is written, wherever it is shown.
FORMATS = {
    "money": ("revenue", "refunded_amount", "avg_order_value", "predicted_value", "revenue_per_customer"),
    "percent": (
        "share", "repeat_rate", "conversion_rate", "refund_rate", "churn_rate",
        "wape", "total_error", "coverage_80", "coverage_95", "skill", "expected_share", "uplift",
        "share_of_customers", "share_of_revenue", "churn_risk", "said", "came", "support", "confidence", "smallest",
    ),
    "integer": (
        "rows", "lines", "cases", "columns", "required_columns", "failed", "orders", "units", "customers", "buyers",
        "active_customers", "new_customers", "cancelled_orders", "churn_days", "observed_buyers", "churned_buyers",
        "windows", "fallbacks", "files", "sessions", "expected", "discount_percent", "read", "loaded", "refused",
        "repeated", "line", "clusters", "group", "actual",
    ),
    "decimal": (
        "mase", "mae", "lift", "silhouette", "one_cloud", "stability", "correlation",
        "orders_caused", "orders_factor", "visits_factor",
    ),
    "precise": ("auc", "brier", "estimate", "standard_error"),
    "month": ("month",),
}  # fmt: skip
NUMBERS = {name for kind, names in FORMATS.items() if kind != "month" for name in names}

PAGES = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
SENTENCE = PAGES.from_string('<p class="sentence">{{ text }}</p>')
CARDS = PAGES.from_string("""
<div class="cards">{% for label, value, note in facts %}
<div class="card"><div class="card-label">{{ label }}</div>
<div class="card-value">{{ value }}</div><div class="card-note">{{ note }}</div></div>
{% endfor %}</div>""")
TABLE = PAGES.from_string("""
{% macro cell(tag, column, text) %}<{{ tag }}{% if column in numbers %} class="num"{% endif %}>{{ text }}</{{ tag }}>
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


def cards(*facts: tuple[str, str, str]) -> Shown:
    """Key figures side by side, one card per (label, value, note)."""
    return Shown(CARDS.render(facts=facts), "\n".join(f"{label}: {value} ({note})" for label, value, note in facts))


def compare(now: Mapping[str, float], before: Mapping[str, float], columns: Sequence[str], currency: str) -> Shown:
    """One card per column, with the figure of the period before beside it."""
    writers = _writers(currency)
    return cards(*((heading(c), writers[c](now[c]), f"{writers[c](before[c])} before") for c in columns))


def heading(column: str) -> str:
    """A column's name as words: `avg_order_value` -> `avg order value`."""
    return column.replace("_", " ")


def table(frame: pd.DataFrame, currency: str = "USD") -> Shown:
    """The frame as a table; how a column is written follows from its name (FORMATS), all else is text."""
    writers = _writers(currency)
    cells = pd.DataFrame(
        {name: [_text(value, writers.get(name, str)) for value in frame[name]] for name in frame.columns},
        dtype="object",
    )
    rows = list(cells.itertuples(index=False, name=None))
    html = TABLE.render(columns=list(cells.columns), rows=rows, numbers=NUMBERS, heading=heading)
    return Shown(html, cells.to_string(index=False) if rows else "no rows")


def _writers(currency: str) -> dict[str, Callable[[Any], str]]:
    kinds = {"money": lambda value: money(value, currency), "percent": percent, "integer": integer}
    kinds |= {"decimal": decimal, "precise": precise, "month": month}
    return {name: kinds[kind] for kind, names in FORMATS.items() for name in names}


def _text(value: object, writer: Callable[[Any], str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return NOT_KNOWN if pd.isna(value) else writer(value)


def money(value: float, currency: str, *, digits: bool = True) -> str:
    """An amount with its currency: `$1,234.50`; without digits `$1,235`."""
    if pd.isna(value):
        return NOT_KNOWN
    pattern = None if digits else "¤#,##0;-¤#,##0"
    return format_currency(value, currency, pattern, locale=LOCALE, currency_digits=digits)


def integer(value: float) -> str:
    """A count: `1,234`."""
    return NOT_KNOWN if pd.isna(value) else format_decimal(round(value), locale=LOCALE)


def decimal(value: float) -> str:
    """A number with two decimals: `1.25`."""
    return NOT_KNOWN if pd.isna(value) else format_decimal(value, "#,##0.00", locale=LOCALE)


def precise(value: float) -> str:
    """A number with three decimals: `0.243`."""
    return NOT_KNOWN if pd.isna(value) else format_decimal(value, "#,##0.000", locale=LOCALE)


def percent(value: float) -> str:
    """A share: `12.5%`."""
    return NOT_KNOWN if pd.isna(value) else format_percent(value, "#,##0.0%", locale=LOCALE)


def signed_percent(value: float) -> str:
    """A change with its sign: `+12.5%`; `nothing to compare with` for NaN."""
    return "nothing to compare with" if pd.isna(value) else format_percent(value, "+#,##0.0%;-#,##0.0%", locale=LOCALE)


def day(value: object) -> str:
    """A day: `Jun 30, 2025`."""
    return NOT_KNOWN if pd.isna(value) else format_date(pd.Timestamp(value).date(), "medium", locale=LOCALE)


def month(value: object) -> str:
    """A calendar month: `Jun 2025`."""
    return NOT_KNOWN if pd.isna(value) else format_date(pd.Timestamp(value).date(), "MMM y", locale=LOCALE)
