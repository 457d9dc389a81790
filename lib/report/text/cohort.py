"""The sentences of the cohort report, made from its frames; each holds in a shop that is empty, tiny or very young."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lib.analysis.cohorts import acquisition_cost, earned_by, payback_month
from lib.analysis.survival import days_until, returned_within
from lib.formatting import integer, money, month, percent

__all__ = ["churned", "earlier_customers", "headline", "payback", "retained", "second_orders", "worth"]

HORIZONS = (90, 30, 7)  # days of the headline: the longest that somebody has been followed for
FEW_COHORTS = 3  # a mean over fewer tells of these cohorts, not of time
FEW_GAPS = 10  # between orders: fewer have no tenths
FEW_CUSTOMERS = 30  # of a cohort: of fewer, each is more than three percent


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
        return (
            f"The first order lies less than {HORIZONS[-1]} days back: too early to tell whether {first} will return."
        )
    share = percent(returned_within(curve, horizon))
    back = f"{share} of buyers order again within {horizon} days of their first order"
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
    return f"{spent} earns back {'within ' + _some(back, 'month') if back else 'in the month of the first order'}"


def retained(mean: pd.DataFrame, sizes: pd.Series, whose: str) -> str:
    """Retention in the first, third, sixth and twelfth month, as far as enough cohorts have been observed then."""
    firm = mean[mean["cohorts"] >= min(FEW_COHORTS, mean["cohorts"].max())] if len(mean) else mean
    shares = firm.set_index("month_index")["retention"]
    seen = {index: percent(shares[index]) for index in (1, 3, 6, 12) if index in shares.index}
    if not seen:
        return f"No cohort of {whose} has been followed for a whole month after its own."
    first, *later = seen.items()
    listed = [
        f"{first[1]} placed an order in month {first[0]}",
        *(f"{share} in month {index}" for index, share in later),
    ]
    told = " and ".join([", ".join(listed[:-1]), listed[-1]] if later else listed)
    doubt = f" With {_some(sizes.median(), 'customer')} in a typical cohort, single rows jump: read the mean."
    return f"Of {whose}, {told}.{doubt if sizes.median() < FEW_CUSTOMERS else ''}"


def earlier_customers(months: pd.DataFrame, currency: str) -> str:
    """Which share of the last whole month's revenue came from customers won before it."""
    if months.empty:
        return "No month with an order has ended yet."
    last = months.iloc[-1]
    if np.isnan(last["earlier_share"]):
        return f"In {month(last['month'])}, the last whole month, nothing was sold."
    part = f"{percent(last['earlier_share'])} of {money(last['revenue'], currency)}"
    return f"In {month(last['month'])}, the last whole month, {part} came from customers of earlier months."


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
    spent = f"{money(costs['spend'].sum(), currency)} of marketing"
    won = _some(costs["new_customers"].sum(), "new customer")
    return f"{spent} for {won} is {money(cost, currency)} for each. {_paid(value, cost, currency)}{known}."


def _paid(value: pd.DataFrame, cost: float, currency: str) -> str:
    what, back, last = earned_by(value), payback_month(value, cost), value.iloc[-1]
    if back is None:
        reached = f"{money(last[what], currency)} after {_some(last['month_index'], 'month')}"
        return f"The {what} per customer has not reached that: it is {reached}"
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
    quarter, half, last = days_until(curve, 0.25), days_until(curve, 0.5), curve.iloc[-1]
    followed = f"{percent(last['share'])} within the {_some(last['day'], 'day')} followed"
    if np.isnan(quarter):
        return f"Fewer than a quarter of the buyers have ordered again: {followed}."
    then = f"half not yet: {followed}" if np.isnan(half) else f"half within {_some(half, 'day')}"
    plain = f"The plain share of buyers with a second order, {percent(repeat_rate)}"
    return (
        f"A quarter of the buyers have ordered again within {_some(quarter, 'day')} of the first order, {then}. "
        f"{plain}, counts those who have only just bought as if they never would."
    )


def churned(rates: pd.DataFrame, gaps: Mapping[str, float], churn_days: int) -> str:
    """The churn rate by this report's window, how far it moves with that, and how long gaps between orders are."""
    chosen = rates.set_index("churn_days").loc[churn_days]
    if not chosen["observed_buyers"]:
        return f"No buyer has been followed for {_some(churn_days, 'day')}, so nobody can count as churned yet."
    rate, buyers = percent(chosen["churn_rate"]), _some(chosen["observed_buyers"], "buyer")
    verdict = (
        f"{rate} of {buyers} have not ordered for {_some(churn_days, 'day')}: churned by this report's definition."
    )
    return f"{verdict}{_other_windows(rates.dropna(subset=['churn_rate']))}{_usual_gaps(gaps)}"


def _other_windows(rates: pd.DataFrame) -> str:
    if len(rates) < 2:
        return ""
    days, shares = rates["churn_days"], rates["churn_rate"]
    return f" Windows of {days.min()} to {days.max()} days give {percent(shares.min())} to {percent(shares.max())}."


def _usual_gaps(gaps: Mapping[str, float]) -> str:
    if gaps["gaps"] < FEW_GAPS:
        return ""
    usual, longest = f"the {integer(gaps['gaps'])} gaps between two orders", _some(gaps["ninth_decile_days"], "day")
    return f" Nine tenths of {usual} are {longest} or shorter: a much smaller window counts as lost who is only late."
