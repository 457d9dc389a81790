"""Sentences of the cohort report, built from its frames; each handles an empty, tiny or very young shop."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lib.analysis.cohorts import (
    BLENDED,
    PAID,
    acquisition_costs,
    days_until,
    payback_measure,
    payback_month,
    returned_within,
)
from lib.formatting import day, integer, money, month, percent

__all__ = [
    "churned", "earlier_customers", "headline", "lifetime_value", "payback", "retained", "second_orders", "truncated",
]  # fmt: skip

HORIZONS = (90, 30, 7)  # days of the headline: the longest that at least one buyer has been observed for
FEW_COHORTS = 3  # a mean over fewer cohorts describes these cohorts, not the month
FEW_GAPS = 10  # fewer gaps between orders have no deciles
FEW_CUSTOMERS = 30  # in a smaller cohort, each customer is more than three percent


def _count(number: float, noun: str) -> str:
    """The number with its noun: `1 buyer`, `2 buyers`."""
    return f"{integer(number)} {noun if round(number) == 1 else noun + 's'}"


def headline(curve: pd.DataFrame, value: pd.DataFrame, costs: pd.DataFrame, currency: str) -> str:
    """Repeat rate, revenue per customer, and payback of both acquisition costs, in one sentence.

    Example:
        >>> curve = cohorts.second_orders(pd.DataFrame({"days": [5, 40], "returned": [True, False], "buyers": [1, 3]}))
        >>> value = pd.DataFrame({"month_index": [0], "revenue": [30.0], "margin": [9.0]})
        >>> costs = pd.DataFrame({"channel": [None], "spend": [25.0], "new_customers": [5]})
        >>> text.headline(curve, value, costs, "USD")
        '25.0% of buyers order again within 30 days of their first order; revenue per customer is $30.00 in the
        month of the first order; the blended CAC of $5.00 is paid back by the margin in the month of the first
        order.'
    """
    if curve.empty:
        return "There are no orders yet, so there is no cohort."
    horizon = next((days for days in HORIZONS if days <= curve["day"].iloc[-1]), None)
    if horizon is None:
        first = _count(curve["at_risk"].iloc[0], "buyer")
        return (
            f"The first order is less than {HORIZONS[-1]} days old: too early to measure repeat purchases of {first}."
        )
    share = percent(returned_within(curve, horizon))
    repeats = f"{share} of buyers order again within {horizon} days of their first order"
    if value.empty:
        return f"{repeats}; no calendar month is complete yet."
    paid_back = [_payback_clause(value, name, cost, currency) for name, cost in acquisition_costs(costs).items()]
    return f"{repeats}; {_revenue_clause(value, currency)}{''.join(paid_back)}."


def _revenue_clause(value: pd.DataFrame, currency: str) -> str:
    last = value[value["month_index"] <= 6].iloc[-1]
    months = int(last["month_index"])
    when = f"within {_count(months, 'month')}" if months else "in the month of the first order"
    return f"revenue per customer is {money(last['revenue'], currency)} {when}"


def _payback_clause(value: pd.DataFrame, name: str, cost: float, currency: str) -> str:
    if np.isnan(cost):
        return ""
    measure, back = payback_measure(value), payback_month(value, cost)
    spent = f"; the {name} of {money(cost, currency)}"
    if back is None:
        return f"{spent} has not yet been paid back by the {measure}"
    when = f"within {_count(back, 'month')}" if back else "in the month of the first order"
    return f"{spent} is paid back by the {measure} {when}"


def retained(mean: pd.DataFrame, sizes: pd.Series, base: str) -> str:
    """Retention of `base` in months 1, 3, 6 and 12, as far as enough cohorts have been observed.

    Example:
        >>> mean = pd.DataFrame({"month_index": [1, 3], "retention": [0.2, 0.1], "cohorts": [5, 4]})
        >>> text.retained(mean, pd.Series([40, 60]), "all buyers")
        '20.0% of all buyers ordered in month 1 and 10.0% in month 3.'
    """
    enough = mean[mean["cohorts"] >= min(FEW_COHORTS, mean["cohorts"].max())] if len(mean) else mean
    shares = enough.set_index("month_index")["retention"]
    observed = {index: percent(shares[index]) for index in (1, 3, 6, 12) if index in shares.index}
    if not observed:
        return f"No cohort of {base} has a complete month after its own."
    first, *later = observed.items()
    parts = [f"{first[1]} of {base} ordered in month {first[0]}"]
    parts += [f"{share} in month {index}" for index, share in later]
    listed = " and ".join([", ".join(parts[:-1]), parts[-1]]) if later else parts[0]
    if sizes.median() >= FEW_CUSTOMERS:
        return f"{listed}."
    typical = _count(sizes.median(), "customer")
    return f"{listed}. A typical cohort has {typical}, so single rows are noisy; read the average."


def earlier_customers(months: pd.DataFrame, currency: str) -> str:
    """Share of the last complete month's revenue from customers of earlier months.

    Example:
        >>> months = pd.DataFrame({"month": ["2025-06-01"], "revenue": [400.0], "earlier_share": [0.25]})
        >>> text.earlier_customers(months, "USD")
        'In Jun 2025, the last complete month, 25.0% of $400.00 came from customers of earlier months.'
    """
    if months.empty:
        return "No month with an order is complete yet."
    last = months.iloc[-1]
    if np.isnan(last["earlier_share"]):
        return f"In {month(last['month'])}, the last complete month, there were no sales."
    part = f"{percent(last['earlier_share'])} of {money(last['revenue'], currency)}"
    return f"In {month(last['month'])}, the last complete month, {part} came from customers of earlier months."


def truncated(first: pd.DataFrame, since: pd.Timestamp, first_day: pd.Timestamp) -> str:
    """The first cohorts that the averages leave out because the data may begin later than the shop.

    Args:
        first: Rows of the question first_order_cohorts.
        since: From cohorts.first_whole.
        first_day: First day of the data.

    Example:
        >>> first = pd.DataFrame({"cohort": pd.to_datetime(["2025-01-01", "2025-02-01"])})
        >>> text.truncated(first, pd.Timestamp("2025-02-01"), pd.Timestamp("2025-01-10"))
        'The averages leave out the cohort of Jan 2025: the data begin on Jan 10, 2025, so customers who had ordered
        before look new in it.'
    """
    left_out = sorted(cohort for cohort in pd.to_datetime(first["cohort"]).unique() if cohort < since)
    if first.empty:
        return "There is no cohort yet."
    if not left_out:
        return f"No cohort is left out of the averages; the data begin on {day(first_day)}."
    many = f"{month(left_out[0])} to {month(left_out[-1])}"
    which = f"cohort of {month(left_out[0])}" if len(left_out) == 1 else f"cohorts of {many}"
    them = "it" if len(left_out) == 1 else "them"
    why = f"the data begin on {day(first_day)}, so customers who had ordered before look new in {them}"
    return f"The averages leave out the {which}: {why}."


def payback(value: pd.DataFrame, costs: pd.DataFrame, currency: str) -> str:
    """Paid and blended customer acquisition cost, and the month in which each is paid back.

    Example:
        >>> value = pd.DataFrame({"month_index": [0, 1], "revenue": [30.0, 35.0], "margin": [9.0, 11.0]})
        >>> costs = pd.DataFrame({"channel": ["social", None], "spend": [50.0, 0.0], "new_customers": [2, 3]})
        >>> text.payback(value, costs, "USD")
        '$50.00 of marketing spend is $25.00 for each of the 2 customers won by campaigns (paid CAC) and $10.00 for
        each of all 5 new customers (blended CAC). The margin per customer has not reached the paid CAC yet ($11.00
        after 1 month) and reaches the blended CAC in month 1 after the first order.'
    """
    if value.empty:
        return "No cohort has a complete month yet, so revenue per customer is unknown."
    spend, new = costs["spend"].sum(), costs["new_customers"].sum()
    if not spend:
        revenue = _revenue_clause(value, currency)
        return f"No marketing spend is recorded, so there is no acquisition cost to compare with; {revenue}."
    if not new:
        return f"Marketing spend is {money(spend, currency)}, but there is no customer yet."
    cost, won = acquisition_costs(costs), costs.loc[costs["channel"].notna(), "new_customers"].sum()
    blended = f"{money(cost[BLENDED], currency)} for each of all {_count(new, 'new customer')} ({BLENDED})"
    paid = f"{money(cost[PAID], currency)} for each of the {_count(won, 'customer')} won by campaigns ({PAID}) and "
    unknown = "" if won else " No customer is recorded as won by a campaign, so there is no paid CAC."
    basis = (
        "" if payback_measure(value) == "margin" else " (revenue is used because the cost of some products is unknown)"
    )
    reached = [_reached(value, name, one, currency) for name, one in cost.items() if not np.isnan(one)]
    spent = f"{money(spend, currency)} of marketing spend is {paid if won else ''}{blended}.{unknown}"
    return f"{spent} The {payback_measure(value)} per customer {' and '.join(reached)}{basis}."


def _reached(value: pd.DataFrame, name: str, cost: float, currency: str) -> str:
    measure, back, last = payback_measure(value), payback_month(value, cost), value.iloc[-1]
    if back is None:
        reached = f"{money(last[measure], currency)} after {_count(last['month_index'], 'month')}"
        return f"has not reached the {name} yet ({reached})"
    when = f"in month {back} after the first order" if back else "in the month of the first order"
    return f"reaches the {name} {when}"


def lifetime_value(summary: Mapping[str, float], currency: str) -> str:
    """Mean and median revenue per buyer, and the share of the top tenth.

    Example:
        >>> summary = {"buyers": 40, "mean_revenue": 38.0, "median_revenue": 30.0}
        >>> text.lifetime_value(summary | {"top_tenth_from": 90.0, "top_tenth_share": 0.25}, "USD")
        'The mean revenue of 40 buyers is $38.00, with a median of $30.00. The top tenth ($90.00 or more) holds
        25.0% of all revenue.'
    """
    if not summary["buyers"]:
        return "There are no buyers yet."
    if summary["buyers"] == 1:
        return f"The only buyer has a revenue of {money(summary['revenue'], currency)}."
    mean, median = (money(summary[name], currency) for name in ("mean_revenue", "median_revenue"))
    averages = f"The mean revenue of {integer(summary['buyers'])} buyers is {mean}, with a median of {median}"
    if summary["buyers"] < 10 or np.isnan(summary["top_tenth_share"]):
        return f"{averages}."
    threshold, share = money(summary["top_tenth_from"], currency), percent(summary["top_tenth_share"])
    return f"{averages}. The top tenth ({threshold} or more) holds {share} of all revenue."


def second_orders(curve: pd.DataFrame, repeat_rate: float) -> str:
    """Days until a quarter and half of the buyers order again on another day, compared with the naive repeat rate.

    Example:
        >>> curve = cohorts.second_orders(pd.DataFrame({"days": [5, 40], "returned": [True, False], "buyers": [1, 3]}))
        >>> text.second_orders(curve, 0.2)
        'A quarter of the buyers order again within 5 days of the first order, half have not yet: 25.0% within the
        40 days observed. The naive repeat rate of 20.0% is too low: it counts recent first buyers as lost.'
    """
    if curve.empty:
        return "There are no buyers yet."
    quarter, half, last = days_until(curve, 0.25), days_until(curve, 0.5), curve.iloc[-1]
    observed = f"{percent(last['share'])} within the {_count(last['day'], 'day')} observed"
    if np.isnan(quarter):
        return f"Fewer than a quarter of the buyers have ordered again: {observed}."
    rest = f"half have not yet: {observed}" if np.isnan(half) else f"half within {_count(half, 'day')}"
    return (
        f"A quarter of the buyers order again within {_count(quarter, 'day')} of the first order, {rest}. "
        f"The naive repeat rate of {percent(repeat_rate)} is too low: it counts recent first buyers as lost."
    )


def churned(rates: pd.DataFrame, gaps: Mapping[str, float], churn_days: int) -> str:
    """Churn rate with this report's window, its range over other windows, and the longest usual gap between orders.

    Example:
        >>> rates = pd.DataFrame({"churn_days": [90], "churn_rate": [0.6], "observed_buyers": [40]})
        >>> text.churned(rates, {"gaps": 0}, 90)
        '60.0% of 40 buyers have not ordered for 90 days and count as churned in this report.'
    """
    chosen = rates[rates["churn_days"] == churn_days].iloc[0]
    if not chosen["observed_buyers"]:
        return f"No buyer has been observed for {_count(churn_days, 'day')}, so churn cannot be measured yet."
    rate, buyers = percent(chosen["churn_rate"]), _count(chosen["observed_buyers"], "buyer")
    verdict = (
        f"{rate} of {buyers} have not ordered for {_count(churn_days, 'day')} and count as churned in this report."
    )
    return f"{verdict}{_windows_sentence(rates.dropna(subset=['churn_rate']))}{_gaps_sentence(gaps)}"


def _windows_sentence(rates: pd.DataFrame) -> str:
    if len(rates) < 2:
        return ""
    days, shares = rates["churn_days"], rates["churn_rate"]
    return f" Windows of {days.min()} to {days.max()} days give {percent(shares.min())} to {percent(shares.max())}."


def _gaps_sentence(gaps: Mapping[str, float]) -> str:
    if gaps["gaps"] < FEW_GAPS:
        return ""
    longest = _count(gaps["ninth_decile_days"], "day")
    return (
        f" 90% of the {integer(gaps['gaps'])} gaps between two orders are {longest} or shorter: a much shorter window "
        "would count late customers as churned."
    )
