"""The sentences of the reports, and the wording that they share."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from lib.formatting import decimal, integer, money, percent, signed_percent

__all__ = ["beyond_noise", "comparison", "guests"]


def comparison(now: float, before: float, with_what: str, *, points: bool = False) -> str:
    """A change in words: `+10.7% vs May` or `unchanged from May`; empty if a value is missing or `before` not above 0.

    Args:
        now: The value.
        before: The value that it is compared with.
        with_what: Name of that value: a period such as `May`, or an amount.
        points: The values are shares, so their change is in percentage points: `+2.5 points vs May`.
    """
    if math.isnan(now) or math.isnan(before) or not (before > 0 or points):
        return ""
    change = now - before if points else now / before - 1
    if abs(change) < 0.0005:  # the change is 0.0 in the decimals shown
        return f"unchanged from {with_what}"
    if points:
        return f"{_points(change)} vs {with_what}"
    return f"{signed_percent(change)} vs {with_what}"


def beyond_noise(words: str, noise: Mapping[Any, Any] | pd.Series, *, points: bool = False) -> str:
    """The words of a comparison, or those of a change within the noise, with its 95 % interval.

    Args:
        words: From comparison, such as `+10.7% vs May`.
        noise: lower, upper and clear of the change, a row of changes.kpi_changes.
        points: The change is in percentage points.

    Example:
        >>> beyond_noise("+9.3% vs May", {"lower": -0.07, "upper": 0.28, "clear": False})
        'within the noise of May (+9.3%, 95 % interval -7.0% to +28.0%)'
    """
    if not words or noise["clear"] or words.startswith("unchanged"):
        return words
    change, _, before = words.partition(" vs ")
    if math.isnan(noise["lower"]):
        return f"too few orders to tell a change from noise ({words})"
    bounds = [_points(noise[name]) if points else signed_percent(noise[name]) for name in ("lower", "upper")]
    return f"within the noise of {before} ({change}, 95 % interval {' to '.join(bounds)})"


def _points(change: float) -> str:
    return f"{'+' if change > 0 else ''}{decimal(100 * change, 1)} points"


def guests(sales: Mapping[Any, Any], currency: str) -> str:
    """How much a report on customers leaves out, from the row of the question guest_sales.

    Example:
        >>> guests({"orders": 0, "revenue": 0.0, "share": 0.0}, "USD")
        'No order is from a guest, so the customers cover all revenue.'
    """
    if not sales["orders"] and not sales["revenue"]:
        return "No order is from a guest, so the customers cover all revenue."
    revenue = sales["revenue"] if sales["orders"] else -sales["revenue"]
    amount = f"{money(revenue, currency)} ({percent(sales['share'])} of revenue)"
    orders = "1 order" if sales["orders"] == 1 else f"{integer(sales['orders'])} orders"
    what = f"placed {orders} of {amount}" if sales["orders"] else f"returned {amount} of older orders"
    return f"Guests {what}, which this report leaves out: nothing follows a guest over time."
