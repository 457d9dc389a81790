"""The sentences of the reports, and the wording that they share."""

import math
from collections.abc import Mapping
from typing import Any

from lib.formatting import decimal, integer, money, percent, signed_percent

__all__ = ["comparison", "guests"]


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
        return f"{'+' if change > 0 else ''}{decimal(100 * change, 1)} points vs {with_what}"
    return f"{signed_percent(change)} vs {with_what}"


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
