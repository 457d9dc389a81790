"""Cohorts: retention, value against acquisition cost, and time to the second order, over observed months and days."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

__all__ = [
    "BLENDED", "PAID", "Retention", "acquisition_costs", "complete", "costs_by_channel", "days_until", "first_whole",
    "mean_retention", "mean_value", "measurable_windows", "month_under_way", "payback_measure", "payback_month",
    "retention", "retention_matrix", "returned_within", "revenue_by_month", "second_orders", "value_matrix",
]  # fmt: skip

FEW_BUYERS = 10  # with fewer buyers, each changes a rate by more than a tenth
NORMAL_95 = 1.959963984540054
PAID, BLENDED = "paid CAC", "blended CAC"
DIGITS = 9  # of exponentials, equal on any processor


def complete(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells whose calendar month is complete.

    Example:
        >>> cells = pd.DataFrame({"month": ["2025-06", "2025-07"], "complete": [True, False]})
        >>> cohorts.complete(cells)["month"].tolist()
        ['2025-06']
    """
    return cells[cells["complete"].astype(bool)]


def first_whole(
    cells: pd.DataFrame, first_day: date | pd.Timestamp, signups: pd.DataFrame | None, gap_days: float
) -> pd.Timestamp:
    """The first cohort that is not left-truncated: its customers had most likely not ordered before the data begin.

    Where the data begin later than the shop, existing customers look new at their first order in the data, until
    nine tenths of them have ordered: the ninth decile of the gaps between orders. The data begin with the shop only if
    sign-ups are known and none is from a month before the first order. At most half of the cohorts are left out.

    Args:
        cells: Rows of the question first_order_cohorts.
        first_day: First day of the data.
        signups: Rows of the question cohort_retention; None if sign-ups are not known apart from orders.
        gap_days: Ninth decile of the days between orders; NaN without any.

    Example:
        >>> months = pd.to_datetime(["2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"])
        >>> cohorts.first_whole(pd.DataFrame({"cohort": months}), pd.Timestamp("2025-01-01"), None, gap_days=40)
        Timestamp('2025-03-01 00:00:00')
    """
    known = pd.DatetimeIndex(sorted(pd.to_datetime(cells["cohort"]).unique()))
    if known.empty:
        return pd.Timestamp.min
    if signups is not None and pd.to_datetime(signups["cohort"]).min() >= known[0]:
        return known[0]
    until = pd.Timestamp(first_day) + pd.Timedelta(days=1 if pd.isna(gap_days) else max(gap_days, 1))
    truncated = min(int((known < until).sum()), len(known) // 2)
    return known[truncated]


@dataclass(frozen=True)
class Retention:
    """Retention of cohorts.

    matrix: cohorts x month_index, see `retention_matrix`. sizes: customers by cohort. mean: see `mean_retention`.
    under_way: month_index of the incomplete month by cohort.
    """

    matrix: pd.DataFrame
    sizes: pd.Series
    mean: pd.DataFrame
    under_way: pd.Series


def retention(cells: pd.DataFrame, as_of: date | str, since: int = 0) -> Retention:
    """Retention from month_index `since` on, of cohorts with a complete month there.

    Example:
        >>> cells = pd.DataFrame({"cohort": pd.Timestamp("2025-05-01"), "month_index": [0, 1], "customers": [10, 4]})
        >>> cohorts.retention(cells.assign(cohort_size=10), "2025-07-01").mean[["month_index", "retention"]]
           month_index  retention
        0            0        1.0
        1            1        0.4
    """
    shown = cells[cells["month_index"] >= since]
    matrix = retention_matrix(shown)
    sizes = shown.groupby("cohort")["cohort_size"].first()
    return Retention(matrix, sizes, mean_retention(shown), month_under_way(matrix.index, as_of))


def retention_matrix(cells: pd.DataFrame) -> pd.DataFrame:
    """Cohorts as rows, month_index as columns, customers / cohort_size as values; NaN for incomplete months."""
    shares = cells.assign(retention=cells["customers"] / cells["cohort_size"])
    return shares.pivot_table(index="cohort", columns="month_index", values="retention")


def mean_retention(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per month_index over the cohorts observed there: retention = customers / cohort_size, and cohorts."""
    sums = _observed(cells, "customers")
    return sums.assign(retention=sums["customers"] / sums["cohort_size"])


def _observed(cells: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Sums by month_index over the cohorts observed in that month; an unknown amount makes its sum NaN."""
    by_index = cells.groupby("month_index")
    sums = by_index[["cohort_size", *columns]].sum(skipna=False)
    return sums.assign(cohorts=by_index.size()).reset_index()


def month_under_way(cohorts: pd.Index, as_of: date | str) -> pd.Series:
    """month_index of the month in progress at `as_of`, by cohort; no rows on the first of a month."""
    now = pd.Timestamp(as_of)
    if now.day == 1:
        return pd.Series(index=cohorts[:0], dtype="int64")
    months = pd.DatetimeIndex(cohorts)
    return pd.Series(12 * (now.year - months.year) + now.month - months.month, index=cohorts, dtype="int64")


def value_matrix(cells: pd.DataFrame) -> pd.DataFrame:
    """Cohorts x month_index: cumulative revenue up to that month / cohort_size, complete months only.

    Example:
        >>> cells = pd.DataFrame({"cohort": "2025-05", "month_index": [0, 1], "revenue": [300, 50], "cohort_size": 10})
        >>> cohorts.value_matrix(cells)
        month_index     0     1
        cohort
        2025-05      30.0  35.0
    """
    spent = cells.assign(value=cells["revenue"] / cells["cohort_size"])
    return spent.pivot_table(index="cohort", columns="month_index", values="value").cumsum(axis="columns")


def mean_value(cells: pd.DataFrame) -> pd.DataFrame:
    """Cumulative revenue and margin per customer by month_index, over all cohorts.

    Each month adds revenue / cohort_size summed over the cohorts observed in it, so that the line does not jump where
    a cohort ends. margin is NaN from the first month with unknown costs.

    Example:
        >>> cells = pd.DataFrame({"month_index": [0, 1], "cohort_size": 10, "revenue": [300, 50], "margin": [90, 20]})
        >>> cohorts.mean_value(cells)[["month_index", "revenue", "margin"]]
           month_index  revenue  margin
        0            0     30.0     9.0
        1            1     35.0    11.0
    """
    sums = _observed(cells, "revenue", "margin")
    each = sums[["revenue", "margin"]].div(sums["cohort_size"], axis="index")
    return sums.assign(**each.cumsum(skipna=False))


def payback_measure(value: pd.DataFrame) -> str:
    """The column compared with the acquisition cost: margin, or revenue if the margin is unknown."""
    return "margin" if value["margin"].notna().all() else "revenue"


def acquisition_costs(costs: pd.DataFrame) -> dict[str, float]:
    """Spend of all campaigns / customers won by campaigns (paid CAC), and / all new customers (blended CAC).

    NaN without spend or customers.

    Example:
        >>> costs = pd.DataFrame({"channel": ["social", None], "spend": [600.0, 0.0], "new_customers": [20, 10]})
        >>> cohorts.acquisition_costs(costs)
        {'paid CAC': 30.0, 'blended CAC': 20.0}
    """
    won = costs.loc[costs["channel"].notna(), "new_customers"].sum()
    return {PAID: _each(costs["spend"].sum(), won), BLENDED: _each(costs["spend"].sum(), costs["new_customers"].sum())}


def _each(spend: float, customers: float) -> float:
    return float(spend / customers) if spend and customers else np.nan


def payback_month(value: pd.DataFrame, cost: float) -> int | None:
    """The first month_index in which cumulative value per customer reaches the cost; None if it has not."""
    reached = value.loc[value[payback_measure(value)] >= cost, "month_index"]
    return None if reached.empty else int(reached.iloc[0])


def costs_by_channel(costs: pd.DataFrame) -> pd.DataFrame:
    """The rows per channel, followed by those of the paid CAC (all campaigns) and the blended CAC (all customers).

    Example:
        >>> costs = pd.DataFrame({"channel": ["social", None], "spend": [600.0, 0.0], "signups": [30, 20]})
        >>> costs = costs.assign(new_customers=[20, 10], acquisition_cost=[30.0, None])
        >>> cohorts.costs_by_channel(costs)[["channel", "new_customers", "acquisition_cost"]]
               channel  new_customers  acquisition_cost
        0       social           20.0              30.0
        1  no campaign           10.0               NaN
        2     paid CAC           20.0              30.0
        3  blended CAC           30.0              20.0
    """
    by_campaign = costs[costs["channel"].notna()]
    named = costs.assign(channel=costs["channel"].fillna("no campaign"))
    sums = [_total(by_campaign, PAID), _total(costs, BLENDED)]
    return pd.concat([named, pd.DataFrame(sums, columns=costs.columns)], ignore_index=True)


def _total(costs: pd.DataFrame, name: str) -> dict[str, object]:
    sums = costs[["spend", "signups", "new_customers"]].sum()
    return {"channel": name, **sums, "acquisition_cost": _each(sums["spend"], sums["new_customers"])}


def revenue_by_month(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per month: revenue, and earlier_share, the share of it from customers of earlier months (NaN of 0).

    Example:
        >>> cells = pd.DataFrame({"month": ["2025-06", "2025-06"], "month_index": [0, 1], "revenue": [300.0, 100.0]})
        >>> cohorts.revenue_by_month(cells)
             month  revenue  earlier_share
        0  2025-06    400.0           0.25
    """
    earlier = cells["revenue"].where(cells["month_index"] > 0, 0.0)
    months = cells.assign(earlier=earlier).groupby("month", as_index=False)[["revenue", "earlier"]].sum()
    share = months["earlier"] / months["revenue"].where(months["revenue"] > 0)
    return months.drop(columns="earlier").assign(earlier_share=share)


def measurable_windows(rates: pd.DataFrame, churn_days: int) -> pd.DataFrame:
    """Churn rates of the windows with enough observed buyers, and of this report's window in any case.

    Example:
        >>> rates = pd.DataFrame({"churn_days": [30, 90, 365], "observed_buyers": [80, 60, 2]})
        >>> cohorts.measurable_windows(rates, 90)["churn_days"].tolist()
        [30, 90]
    """
    return rates[(rates["observed_buyers"] >= FEW_BUYERS) | (rates["churn_days"] == churn_days)]


def second_orders(durations: pd.DataFrame) -> pd.DataFrame:
    """Share of buyers with a second order by days since the first, with censoring (Kaplan and Meier 1958).

    Args:
        durations: days, returned (False: observed for this long without a second order), buyers (number).

    Returns:
        One row per observed day: day, share = 1 - S (Kaplan-Meier), lower and upper (pointwise 95 % interval of
        log(-log S), which stays within 0 and 1: Kalbfleisch and Prentice 2002, 1.4), at_risk. No rows without buyers.

    Example:
        >>> durations = pd.DataFrame({"days": [1, 2], "returned": [True, False], "buyers": [1, 3]})
        >>> cohorts.second_orders(durations)[["day", "share", "at_risk"]]
           day  share  at_risk
        0    0   0.00        4
        1    1   0.25        4
        2    2   0.25        3
    """
    if durations.empty:
        return pd.DataFrame(columns=["day", "share", "lower", "upper", "at_risk"], dtype="float64")
    curve = _kaplan_meier(durations)
    followed = pd.RangeIndex(int(durations["days"].max()) + 1, name="day")
    ended = durations.groupby("days")["buyers"].sum().reindex(followed, fill_value=0).cumsum().shift(fill_value=0)
    every = curve.reindex(followed).ffill().fillna({"share": 0.0, "lower": 0.0, "upper": 0.0})
    return every.assign(at_risk=durations["buyers"].sum() - ended).reset_index()


def _kaplan_meier(durations: pd.DataFrame) -> pd.DataFrame:
    """share, lower and upper by the days with a second order or a censored buyer."""
    from statsmodels.duration.survfunc import SurvfuncRight  # a second to import, and only this needs it

    # One entry per buyer: with weights statsmodels 0.15 returns another standard error (of log S).
    days, returned = (durations[name].to_numpy().repeat(durations["buyers"]) for name in ("days", "returned"))
    fit = SurvfuncRight(days, returned.astype("int64"))
    alive, error = np.asarray(fit.surv_prob), np.asarray(fit.surv_prob_se)
    inside = (alive > 0) & (alive < 1)  # the logarithms are undefined at 0 and 1
    safe = np.where(inside, alive, 0.5)
    width = np.where(inside, NORMAL_95 * error / (safe * np.abs(np.log(safe))), 0.0)
    bounds = {"lower": 1 - alive ** np.exp(-width), "upper": 1 - alive ** np.exp(width)}
    return pd.DataFrame({"share": 1 - alive, **bounds}, index=fit.surv_times).round(DIGITS)


def returned_within(curve: pd.DataFrame, days: int) -> float:
    """Share with a second order within this many days; NaN if no buyer has been observed for this long."""
    reached = curve.loc[curve["day"] == days, "share"]
    return float(reached.iloc[0]) if len(reached) else np.nan


def days_until(curve: pd.DataFrame, share: float) -> float:
    """The first day by which this share has a second order; NaN if it has not."""
    reached = curve.loc[curve["share"] >= share, "day"]
    return float(reached.iloc[0]) if len(reached) else np.nan
