"""Sentences of the executive report: revenue and its driver, the target, the bridge, stock."""

from collections.abc import Mapping

import pandas as pd

from lib.analysis.periods import Period
from lib.analysis.revenue import Driver
from lib.formatting import integer, money, percent
from lib.report.text import comparison

__all__ = ["driver", "headline", "largest_step", "target"]


def headline(
    span: Period,
    current: Mapping[str, float],
    previous: Mapping[str, float],
    year_earlier: Mapping[str, float],
    main_driver: Driver | None,
    currency: str,
) -> str:
    """Revenue and orders of the period, compared with two earlier spans, and the main driver of the change.

    Args:
        span: The period.
        current: Its KPIs by name.
        previous: Those of the previous period.
        year_earlier: Those of the same days a year earlier.
        main_driver: The driver of the change, from revenue.main_driver.
        currency: ISO 4217 code of the amounts.
    """
    orders = f"{integer(current['orders'])} completed order{'' if current['orders'] == 1 else 's'}"
    spans = {"the previous period": previous, "the same days a year earlier": year_earlier}
    changes = [
        comparison(current["revenue"], kpis["revenue"], name) or f"no revenue in {name} to compare with"
        for name, kpis in spans.items()
    ]
    revenue = f"Revenue from {span} was {money(current['revenue'], currency)} from {orders}"
    return f"{revenue}: {', '.join(changes)}. {driver(main_driver, currency)}".strip()


def driver(found: Driver | None, currency: str) -> str:
    """The segment that contributed most to the change of revenue, with its amount; empty if there is none."""
    if found is None:
        return ""
    amount = _signed(found.amount, currency)
    if found.share > 1:  # a share of the small rest that remains after gains and losses offset each other says nothing
        kind = "gain" if found.amount > 0 else "loss"
        return f"Gains and losses offset each other; the largest {kind} came from {found.name} ({amount})."
    return f"The {found.kind} {found.name} contributed most to the change: {amount}, {percent(found.share)} of it."


def target(revenue: float, run_rate: float, target: float, currency: str) -> str:
    """The share of the target that was reached and, for an unfinished period, the share expected at its end.

    Args:
        revenue: Revenue of the period so far.
        run_rate: Revenue at the end of the calendar period, from periods.run_rate.
        target: Revenue target of the calendar period.
        currency: ISO 4217 code of the amounts.
    """
    reached = f"Revenue reached {percent(revenue / target)} of the {money(target, currency)} target"
    if run_rate == revenue:
        return f"{reached}."
    return f"{reached}; at the current rate the period will end at {percent(run_rate / target)}."


def largest_step(steps: pd.DataFrame, currency: str) -> str:
    """The largest change of a bridge (step, amount, total), as a sentence."""
    changes = steps[~steps["total"]]
    if not changes["amount"].abs().gt(0).any():
        return "Nothing changed."
    largest = changes.iloc[int(changes["amount"].abs().to_numpy().argmax())]
    return f"{largest['step'].capitalize()} contributed most: {_signed(largest['amount'], currency)}."


def _signed(amount: float, currency: str) -> str:
    return f"{'+' if amount > 0 else ''}{money(amount, currency, digits=False)}"
