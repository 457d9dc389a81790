"""How values are written, by the name of their column: money, shares, counts, days, as people of a locale read them."""

from collections.abc import Callable, Sequence
from copy import copy
from functools import cache
from typing import Any

import pandas as pd
from babel import Locale
from babel.dates import format_date
from babel.numbers import (
    NumberPattern,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_symbol,
    get_decimal_symbol,
    get_group_symbol,
)

__all__ = [
    "FORMATS", "NOT_KNOWN", "NUMBERS", "around_money", "blocks", "day", "decimal", "integer", "money", "month",
    "percent", "precise", "separators", "signed_percent", "use_locale", "writers",
]  # fmt: skip

NOT_KNOWN = "–"  # noqa: RUF001 - an en dash is how a table shows that there is nothing to show
BLOCKS = "▁▂▃▄▅▆▇█"
_chosen = [Locale.parse("en_US")]  # of this process, as a kernel writes one report

# How a column is written, wherever it is shown.
FORMATS = {
    "money": (
        "revenue", "previous_revenue", "refunded_amount", "avg_order_value", "spend", "acquisition_cost",
        "expected_revenue", "predicted_value", "revenue_per_customer",
    ),
    "whole money": ("predicted_revenue", "forecast", "lower_80", "upper_80", "lower_95", "upper_95", "ETS", "ARIMA"),
    "percent": (
        "share", "repeat_rate", "conversion_rate", "refund_rate", "churn_rate",
        "wape", "total_error", "coverage_80", "coverage_95", "skill", "expected_share", "uplift", "gross_margin",
        "change", "effect", "smape", "total_inside_80", "skill_weekday",
        "share_of_customers", "share_of_revenue", "churn_risk", "said", "came", "support", "confidence", "smallest",
    ),
    "integer": (
        "rows", "lines", "cases", "columns", "required_columns", "failed", "orders", "units", "customers", "buyers",
        "active_customers", "new_customers", "cancelled_orders", "churn_days", "observed_buyers", "churned_buyers",
        "windows", "wins", "fallbacks", "files", "milliseconds", "sessions", "expected", "discount_percent",
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


def use_locale(name: str) -> None:
    """Write everything from here on, in this process, as people of the locale do: `en_GB`, `de_DE`; else en_US."""
    _chosen[:] = [Locale.parse(name)]


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
    pattern = None if digits else _pattern(_chosen[0], "money", 0)
    return format_currency(value, currency, pattern, locale=_chosen[0], currency_digits=digits)


def around_money(currency: str) -> tuple[str, str]:
    """What stands before and after an amount, for axes that write their numbers themselves: `("$", "")`."""
    pattern, symbol = _pattern(_chosen[0], "money", 0), get_currency_symbol(currency, _chosen[0])
    return pattern.prefix[0].replace("¤", symbol), pattern.suffix[0].replace("¤", symbol)


def separators() -> str:
    """The decimal sign and the one between groups of digits: `.,`."""
    return get_decimal_symbol(_chosen[0]) + get_group_symbol(_chosen[0])


def integer(value: float) -> str:
    """A count: `1,234`."""
    return NOT_KNOWN if pd.isna(value) else format_decimal(round(value), locale=_chosen[0])


def decimal(value: float, digits: int = 2) -> str:
    """A number with so many decimals: `1.25`."""
    if pd.isna(value):
        return NOT_KNOWN
    return format_decimal(value, _pattern(_chosen[0], "decimal", digits), locale=_chosen[0])


def precise(value: float) -> str:
    """A number with three decimals: `0.243`."""
    return decimal(value, 3)


def percent(value: float, digits: int = 1) -> str:
    """A share with so many decimals: `12.5%`."""
    if pd.isna(value):
        return NOT_KNOWN
    return format_percent(value, _pattern(_chosen[0], "percent", digits), locale=_chosen[0])


def signed_percent(value: float) -> str:
    """A change with its sign: `+12.5%`; `nothing to compare with` for NaN."""
    if pd.isna(value):
        return "nothing to compare with"
    return percent(value) if value < 0 else f"+{percent(value)}"


def day(value: object) -> str:
    """A day: `Jun 30, 2025`."""
    return NOT_KNOWN if pd.isna(value) else format_date(pd.Timestamp(value).date(), "medium", locale=_chosen[0])


def month(value: object) -> str:
    """A calendar month: `Jun 2025`."""
    return NOT_KNOWN if pd.isna(value) else format_date(pd.Timestamp(value).date(), "MMM y", locale=_chosen[0])


@cache
def _pattern(locale: Locale, kind: str, digits: int) -> NumberPattern:
    """The locale's own pattern of such a number, with so many decimals."""
    own = {
        "money": locale.currency_formats["standard"],
        "decimal": locale.decimal_formats[None],
        "percent": locale.percent_formats[None],
    }
    pattern = copy(own[kind])
    pattern.frac_prec = (digits, digits)
    return pattern
