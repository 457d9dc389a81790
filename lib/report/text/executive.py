"""The sentences of the executive report: changes, their causes, what is reached of the target."""

import pandas as pd

from lib.formatting import money, percent

__all__ = ["against", "cause", "largest_step", "reached"]


def against(now: float, before: float, when: str) -> str:
    """A change in words: `12.0% more than in the month before`, or that there was nothing then."""
    if not before or pd.isna(now) or pd.isna(before):
        return f"with nothing in {when} to compare with"
    if now == before:
        return f"as much as in {when}"
    return f"{percent(abs(now / before - 1))} {'more' if now > before else 'less'} than in {when}"


def cause(found: tuple[str, str, float] | None) -> str:
    """The part that explains most of a change (kind, name, share of it), as a sentence; empty for none."""
    if found is None:
        return ""
    kind, name, share = found
    if share > 1:  # a share of what is left when parts cancel each other out says nothing
        return (
            f"Parts of the shop moved against each other; the {kind} {name} moved most in the direction of the whole."
        )
    return f"The largest part of the change comes from the {kind} {name}: {percent(share)} of it."


def reached(now: float, rate: float, target: float, currency: str) -> str:
    """How much of a target is reached and, for a period that goes on, what its end will be at the present rate."""
    words = f"{percent(now / target)} of the target of {money(target, currency)} is reached"
    return f"{words}." if rate == now else f"{words}; at this rate the period ends at {percent(rate / target)} of it."


def largest_step(steps: pd.DataFrame) -> str:
    """Which step of a bridge is the largest, as a sentence."""
    between = steps[~steps["total"]]
    if not between["amount"].abs().gt(0).any():
        return "Nothing changed."
    row = between.loc[between["amount"].abs().idxmax()]
    return f"The largest step is {row['step']}, {'upwards' if row['amount'] > 0 else 'downwards'}."
