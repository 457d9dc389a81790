"""Number and date formats in the locale of the run, and the format of a column by its kind.

A missing number or date is written as NOT_KNOWN.
"""

from collections.abc import Callable, Sequence
from copy import copy
from datetime import date, datetime
from functools import cache
from typing import Any

import numpy as np
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
from pandas.api import types

from lib import catalog, kpis, settings

__all__ = [
    "NOT_KNOWN", "NUMBERS", "around_money", "blocks", "day", "decimal", "integer", "kind_of", "money", "month",
    "percent", "precise", "separators", "signed_percent", "writers",
]  # fmt: skip

Moment = str | date | datetime | np.datetime64

NOT_KNOWN = "–"  # noqa: RUF001 - an en dash is how a table shows a missing value
BLOCKS = "▁▂▃▄▅▆▇█"  # from the lowest to the highest value of a sparkline
# Kinds that a table aligns right.
NUMBERS = ("money", "whole money", "percent", "integer", "decimal", "precise", "significant")

# Kinds of computed columns; those of the catalog and of the KPI registry are declared there.
COMPUTED = {
    "money": (
        "previous_revenue", "expected_revenue", "year_before", "weekly_mean", "acquisition_cost",
        "revenue_per_customer", "total_revenue",
    ),
    "whole money": (
        "forecast", "predicted_revenue", "lower_80", "upper_80", "lower_95", "upper_95", "ETS", "ARIMA",
    ),
    "percent": (
        "share", "expected_share", "share_of_customers", "share_of_revenue", "change", "effect", "uplift", "churn_rate",
        "wape", "smape", "total_error", "bias", "coverage_80", "coverage_95", "total_inside_80", "skill",
        "skill_weekday", "support", "confidence", "smallest", "predicted_churn", "observed_churn",
    ),
    "integer": (
        "customers", "buyers", "observed_buyers", "churned_buyers", "churn_days", "expected", "observed", "failed",
        "discount_percent", "units_30_days",
    ),
    "significant": ("value",),  # of parameters of different magnitude
    "precise": ("auc", "brier", "estimate", "standard_error"),
    "month": ("month",),
    "trend": ("trend",),
}  # fmt: skip
CATALOG_KINDS = dict.fromkeys(("money", "unit_price", "total"), "money")
CATALOG_KINDS |= {"integer": "integer", "date": "day", "timestamptz": "day"}


def kind_of(column: str, values: pd.Series | None = None) -> str:
    """The kind of a column, which is the key of its function in `writers`.

    Args:
        column: Its name, looked up in the KPI registry, COMPUTED and the catalog, in this order.
        values: The column itself; its dtype decides if the name is not known.

    Returns:
        money, whole money, percent, integer, decimal, precise, significant, day, month, trend (a sequence of numbers),
        yes/no or text.
    """
    declared = _declared().get(column, "")
    return declared or ("text" if values is None else _kind_of_dtype(values))


def _kind_of_dtype(values: pd.Series) -> str:
    tests: dict[str, Callable[[Any], bool]] = {
        "yes/no": types.is_bool_dtype,
        "integer": types.is_integer_dtype,
        "decimal": types.is_numeric_dtype,
        "day": types.is_datetime64_any_dtype,
    }
    return next((kind for kind, test in tests.items() if test(values.dtype)), "text")


@cache
def _declared() -> dict[str, str]:
    columns = [column for table in catalog.tables().values() for column in table.columns]
    kinds = {column.name: _kind_in_catalog(column) for column in columns}
    kinds |= {name: kind for kind, names in COMPUTED.items() for name in names}
    return kinds | {kpi.name: kpi.kind for kpi in kpis.registry().values()}


def _kind_in_catalog(column: catalog.Column) -> str:
    if column.type == "ratio":
        return "decimal" if column.unit else "percent"
    return CATALOG_KINDS.get(column.type, "")


def writers(currency: str) -> dict[str, Callable[[Any], str]]:
    """Function from a value to its text, by the kinds of `kind_of`; amounts are in the currency (ISO 4217)."""
    return {
        "money": lambda value: money(value, currency),
        "whole money": lambda value: money(value, currency, digits=False),
        "percent": percent,
        "integer": integer,
        "decimal": decimal,
        "precise": precise,
        "significant": significant,
        "day": day,
        "month": month,
        "trend": blocks,
        "yes/no": lambda value: "yes" if value else "no",
        "text": str,
    }


def blocks(values: Sequence[float]) -> str:
    """A sparkline of the values in block characters: `▁▃█`."""
    low, high = min(values), max(values)
    step = (high - low) / (len(BLOCKS) - 1) or 1
    return "".join(BLOCKS[round((value - low) / step)] for value in values)


def money(value: float, currency: str, *, digits: bool = True) -> str:
    """An amount with its currency: `$1,234.50`; rounded to whole units without `digits`: `$1,235`.

    Example:
        >>> display.money(1234.5, "USD")
        '$1,234.50'
    """
    if _is_missing(value):
        return NOT_KNOWN
    pattern = None if digits else _pattern(_locale(), "money", 0)
    return format_currency(value, currency, pattern, locale=_locale(), currency_digits=digits)


def around_money(currency: str) -> tuple[str, str]:
    """Prefix and suffix of an amount, for chart axes, whose numbers Plotly formats: `("$", "")`."""
    pattern, symbol = _pattern(_locale(), "money", 0), get_currency_symbol(currency, _locale())
    return pattern.prefix[0].replace("¤", symbol), pattern.suffix[0].replace("¤", symbol)


def separators() -> str:
    """The decimal separator followed by the thousands separator, as Plotly expects them: `.,`."""
    return get_decimal_symbol(_locale()) + get_group_symbol(_locale())


def integer(value: float) -> str:
    """A count: `1,234`.

    Example:
        >>> display.integer(1234.4)
        '1,234'
    """
    return NOT_KNOWN if _is_missing(value) else format_decimal(round(value), locale=_locale())


def decimal(value: float, digits: int = 2) -> str:
    """A number with this many decimals: `1.25`.

    Example:
        >>> display.decimal(1234.567, 1)
        '1,234.6'
    """
    if _is_missing(value):
        return NOT_KNOWN
    return format_decimal(value, _pattern(_locale(), "decimal", digits), locale=_locale())


def precise(value: float) -> str:
    """A number with three decimals: `0.243`."""
    return decimal(value, 3)


def significant(value: float) -> str:
    """A number with at most six significant digits: `0.00568269`."""
    if _is_missing(value):
        return NOT_KNOWN
    return format_decimal(float(f"{value:.6g}"), "#,##0.############", locale=_locale())


def percent(value: float, digits: int = 1) -> str:
    """A share (0.125) in percent with this many decimals: `12.5%`.

    Example:
        >>> display.percent(0.1254)
        '12.5%'
    """
    if _is_missing(value):
        return NOT_KNOWN
    return format_percent(value, _pattern(_locale(), "percent", digits), locale=_locale())


def signed_percent(value: float) -> str:
    """A relative change (0.125) in percent with its sign: `+12.5%`."""
    return f"+{percent(value)}" if value >= 0 else percent(value)


def day(value: Moment) -> str:
    """A day: `Jun 30, 2025`.

    Example:
        >>> display.day("2025-06-30")
        'Jun 30, 2025'
    """
    return NOT_KNOWN if _is_missing(value) else format_date(pd.Timestamp(value).date(), "medium", locale=_locale())


def month(value: Moment) -> str:
    """A calendar month: `Jun 2025`."""
    return NOT_KNOWN if _is_missing(value) else format_date(pd.Timestamp(value).date(), "MMM y", locale=_locale())


def _is_missing(value: Any) -> bool:
    return bool(pd.isna(value))


def _locale() -> Locale:
    return _parsed(settings.locale())


@cache
def _parsed(name: str) -> Locale:
    return Locale.parse(name)


@cache
def _pattern(locale: Locale, kind: str, digits: int) -> NumberPattern:
    """The locale's pattern of this kind of number, with this many decimals."""
    patterns = {
        "money": locale.currency_formats["standard"],
        "decimal": locale.decimal_formats[None],
        "percent": locale.percent_formats[None],
    }
    pattern = copy(patterns[kind])
    pattern.frac_prec = (digits, digits)
    return pattern
