"""How values are written, by the name of their column: money, shares, counts, days, as people read them."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

__all__ = [
    "FORMATS", "NOT_KNOWN", "NUMBERS", "blocks", "day", "decimal", "integer", "money", "month", "percent", "precise",
    "signed_percent", "writers",
]  # fmt: skip

LOCALE = "en_US"
NOT_KNOWN = "–"  # noqa: RUF001 - an en dash is how a table shows that there is nothing to show
BLOCKS = "▁▂▃▄▅▆▇█"

# How a column is written, wherever it is shown.
FORMATS = {
    "money": (
        "revenue", "previous_revenue", "refunded_amount", "avg_order_value", "spend", "acquisition_cost", "usual",
        "predicted_value", "revenue_per_customer",
    ),
    "whole money": ("expected_revenue", "at_least", "at_most"),
    "percent": (
        "share", "repeat_rate", "conversion_rate", "refund_rate", "churn_rate",
        "wape", "total_error", "coverage_80", "coverage_95", "skill", "expected_share", "uplift", "gross_margin",
        "change", "smape", "total_inside_80", "skill_weekday",
        "share_of_customers", "share_of_revenue", "churn_risk", "said", "came", "support", "confidence", "smallest",
    ),
    "integer": (
        "rows", "lines", "cases", "columns", "required_columns", "failed", "orders", "units", "customers", "buyers",
        "active_customers", "new_customers", "cancelled_orders", "churn_days", "observed_buyers", "churned_buyers",
        "windows", "won", "fallbacks", "files", "milliseconds", "sessions", "expected", "discount_percent",
        "stock_quantity", "units_30_days", "read", "loaded", "refused",
        "repeated", "line", "signups", "clusters", "group", "actual",
    ),
    "decimal": (
        "mase", "pinball", "orders_caused", "orders_factor", "visits_factor", "days_of_cover",
        "mae", "lift", "silhouette", "one_cloud", "stability", "correlation",
    ),
    "precise": ("auc", "brier", "estimate", "standard_error"),
    "month": ("month",),
    "day": ("date", "start_date", "end_date"),
    "trend": ("trend",),
}  # fmt: skip
NUMBERS = {name for kind, names in FORMATS.items() if kind not in ("month", "day", "trend") for name in names}


def writers(currency: str) -> dict[str, Callable[[Any], str]]:
    """How to write a value of each column that FORMATS names."""
    kinds = {"money": lambda value: money(value, currency), "percent": percent, "integer": integer}
    kinds |= {"whole money": lambda value: money(value, currency, digits=False)}
    kinds |= {"decimal": decimal, "precise": precise, "month": month, "day": day, "trend": blocks}
    return {name: kinds[kind] for kind, names in FORMATS.items() for name in names}


def blocks(values: Sequence[float]) -> str:
    """The course of the values in plain text: `▁▃█`."""
    low, high = min(values), max(values)
    step = (high - low) / (len(BLOCKS) - 1) or 1
    return "".join(BLOCKS[round((value - low) / step)] for value in values)


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
