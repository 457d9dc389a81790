"""The sentences of the reports, and the wording that they share."""

import math

from lib.formatting import decimal, signed_percent

__all__ = ["comparison"]


def comparison(now: float, before: float, with_what: str, *, points: bool = False) -> str:
    """A change in words: `+10.7% vs May` or `unchanged from May`; empty if a value is missing or `before` is zero.

    Args:
        now: The value.
        before: The value that it is compared with.
        with_what: Name of that value: a period such as `May`, or an amount.
        points: The values are shares, so their change is in percentage points: `+2.5 points vs May`.
    """
    if math.isnan(now) or math.isnan(before) or not (before or points):
        return ""
    change = now - before if points else now / before - 1
    if abs(change) < 0.0005:  # the change is 0.0 in the decimals shown
        return f"unchanged from {with_what}"
    if points:
        return f"{'+' if change > 0 else ''}{decimal(100 * change, 1)} points vs {with_what}"
    return f"{signed_percent(change)} vs {with_what}"
