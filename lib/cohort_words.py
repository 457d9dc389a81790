"""The sentences of the cohort report, made from its frames; each holds in a shop that is empty, tiny or very young."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lib.cohorts import acquisition_cost, earned_by, payback_month
from lib.display import integer, money, month, percent
from lib.survival import days_until, returned_within

__all__ = ["churned", "earlier_customers", "headline", "payback", "retained", "second_orders", "worth"]

HORIZONS = (90, 30, 7)  # days of the headline: the longest that somebody has been followed for
FEW = 30  # customers of a cohort under which one customer is more than three percent


def _some(number: float, one: str, many: str = "") -> str:
    """The number with its noun: `1 buyer`, `2 buyers`."""
    return f"{integer(number)} {one if round(number) == 1 else many or one + 's'}"


def headline(curve: pd.DataFrame, value: pd.DataFrame, costs: pd.DataFrame, currency: str) -> str:
    """Whether buyers come back, what a customer brings, and whether that pays for winning one."""
    if curve.empty:
        return "Nobody has bought yet, so there is no cohort to follow."
    horizon = next((days for days in HORIZONS if days <= curve["day"].iloc[-1]), None)
    if horizon is None:
        first = _some(curve["at_risk"].iloc[0], "buyer")
        return f"The first order lies less than {HORIZONS[-1]} days back: it is too early to tell whether {first} will return."
    back = f"{percent(returned_within(curve, horizon))} of buyers order again within {horizon} days of their first order"
    if value.empty:
        return f"{back}; no calendar month has ended since."
    return f"{back}; {_brought(value, currency)}{_against(value, acquisition_cost(costs), currency)}."


def _brought(value: pd.DataFrame, currency: str) -> str:
    last = value[value["month_index"] <= 6].iloc[-1]
    months = int(last["month_index"])
    when = f"within {_some(months, 'month')}" if months else "in the month of the first order"
    return f"a customer brings {money(last['revenue'], currency)} {when}"


def _against(value: pd.DataFrame, cost: float, currency: str) -> str:
    if np.isnan(cost):
        return ""
    what, back = earned_by(value), payback_month(value, cost)
    spent = f", and costs {money(cost, currency)} to win, which the {what}"
    if back is None:
        return f"{spent} has not yet earned back"
    return f"{spent} earns back {'at once' if back == 0 else 'within ' + _some(back, 'month')}"


def retained(mean: pd.DataFrame, sizes: pd.Series, whose: str) -> str:
    """Retention in the first, third, sixth and twelfth month, as far as they have been observed."""
    shares = mean.set_index("month_index")["retention"]
    seen = {index: percent(shares[index]) for index in (1, 3, 6, 12) if index in shares.index}
    if not seen:
        return f"No cohort of {whose} has been followed for a whole month after its own."
    later = [f"{share} in month {index}" for index, share in seen.items()]
    listed = ", ".join(later[:-1]) + (" and " if len(later) > 1 else "") + later[-1]
    doubt = f" With {_some(sizes.median(), 'customer')} in a typical cohort, single rows jump: read the mean."
    return f"Of {whose}, {listed} placed an order.{doubt if sizes.median() < FEW else ''}"


def earlier_customers(months: pd.DataFrame, currency: str) -> str:
    """Which share of the last whole month's revenue came from customers won before it."""
    if months.empty:
        return "No month with an order has ended yet."
    last = months.iloc[-1]
    if np.isnan(last["earlier_share"]):
        return f"In {month(last['month'])}, the last whole month, nothing was sold."
    share, revenue = percent(last["earlier_share"]), money(last["revenue"], currency)
    return f"In {month(last['month'])}, the last whole month, {share} of {revenue} came from customers of earlier months."


def payback(value: pd.DataFrame, costs: pd.DataFrame, currency: str) -> str:
    """What winning a customer has cost, and after how many months that is earned back."""
    if value.empty:
        return "No cohort has a whole month yet: what a customer brings cannot be told."
    cost = acquisition_cost(costs)
    if not costs["spend"].sum():
        return f"No marketing spend is recorded, so there is no cost to hold against: {_brought(value, currency)}."
    if np.isnan(cost):
        return f"{money(costs['spend'].sum(), currency)} was spent on marketing and no customer has bought yet."
    known = "" if earned_by(value) == "margin" else " (the cost of some goods sold is not known, so revenue is taken)"
    return (
        f"{money(costs['spend'].sum(), currency)} of marketing for {_some(costs['new_customers'].sum(), 'new customer')} is "
        f"{money(cost, currency)} for each. {_paid(value, cost, currency)}{known}."
    )


def _paid(value: pd.DataFrame, cost: float, currency: str) -> str:
    what, back, last = earned_by(value), payback_month(value, cost), value.iloc[-1]
    if back is None:
        reached = money(last[what], currency)
        return f"The {what} per customer has not reached that: it is {reached} after {_some(last['month_index'], 'month')}"
    if back == 0:
        return f"The {what} per customer reaches that in the month of the first order"
    return f"The {what} per customer reaches that in month {back} after the first order"


def worth(summary: Mapping[str, float], currency: str) -> str:
    """What a buyer has brought on average and in the middle, and how much the top tenth brought."""
    if not summary["buyers"]:
        return "Nobody has bought yet."
    if summary["buyers"] == 1:
        return f"The one buyer has brought {money(summary['revenue'], currency)}."
    mean, middle = (money(summary[name], currency) for name in ("mean_revenue", "median_revenue"))
    halves = f"{integer(summary['buyers'])} buyers have brought {mean} on average, half of them {middle} or less"
    if summary["buyers"] < 10 or np.isnan(summary["top_tenth_share"]):
        return f"{halves}."
    from_, share = money(summary["top_tenth_from"], currency), percent(summary["top_tenth_share"])
    return f"{halves}. The top tenth, from {from_} on, brought {share} of all revenue."


def second_orders(curve: pd.DataFrame, repeat_rate: float) -> str:
    """How long until a quarter and half of the buyers order again, and what a plain share would have said."""
    if curve.empty:
        return "Nobody has bought yet."
    spoken = [_reached(curve, share, words) for share, words in ((0.25, "a quarter"), (0.5, "half"))]
    told = "; ".join(part for part in spoken if part) or f"nobody has within {_some(curve['day'].iloc[-1], 'day')}"
    plain = f"the plain share of buyers with a second order, {percent(repeat_rate)}"
    return f"Ordered again: {told}. {plain.capitalize()}, counts those who have only just bought as if they never would."


def _reached(curve: pd.DataFrame, share: float, words: str) -> str:
    days, last = days_until(curve, share), curve.iloc[-1]
    if not np.isnan(days):
        return f"{words} of the buyers within {_some(days, 'day')} of the first order"
    if share == 0.25 and not last["share"]:
        return ""
    return f"{words} not yet: {percent(last['share'])} within the {_some(last['day'], 'day')} followed"


def churned(rates: pd.DataFrame, gaps: Mapping[str, float], churn_days: int) -> str:
    """The churn rate by this report's window, how far it moves with the window, and what the gaps between orders say."""
    chosen = rates.set_index("churn_days").loc[churn_days]
    if not chosen["observed_buyers"]:
        return f"No buyer has been followed for {_some(churn_days, 'day')}, so nobody can count as churned yet."
    known = rates.dropna(subset=["churn_rate"])["churn_rate"]
    rate, buyers = percent(chosen["churn_rate"]), _some(chosen["observed_buyers"], "buyer")
    moved = f" Other windows give {percent(known.min())} to {percent(known.max())}." if len(known) > 1 else ""
    usual = (
        f" Nine tenths of the {_some(gaps['gaps'], 'gap')} between two orders are {_some(gaps['ninth_decile_days'], 'day')} "
        "or shorter: a much smaller window counts as lost who is only late."
        if gaps["gaps"]
        else ""
    )
    return f"{rate} of {buyers} have not ordered for {churn_days} days: churned by this report's definition.{moved}{usual}"
