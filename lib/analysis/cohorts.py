"""Re-shapes the answers about cohorts: matrices, weighted means over what has been observed, cost and payback."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

__all__ = [
    "Retention",
    "acquisition_cost",
    "complete",
    "costs_by_channel",
    "earned_by",
    "firm_windows",
    "mean_retention",
    "mean_value",
    "month_under_way",
    "payback_month",
    "retention",
    "retention_matrix",
    "revenue_by_month",
    "value_matrix",
]

FEW_BUYERS = 10  # a rate of fewer moves by more than a tenth with each of them


def complete(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells whose calendar month has ended."""
    return cells[cells["complete"].astype(bool)]


@dataclass(frozen=True)
class Retention:
    """Who came back: the matrix, the size of each cohort, the weighted mean, and the open month of each cohort."""

    matrix: pd.DataFrame
    sizes: pd.Series
    mean: pd.DataFrame
    under_way: pd.Series


def retention(cells: pd.DataFrame, as_of: date | str, since: int = 0) -> Retention:
    """Retention from month_index `since` on, of cohorts that have a complete month then."""
    shown = cells[cells["month_index"] >= since]
    matrix = retention_matrix(shown)
    sizes = shown.groupby("cohort")["cohort_size"].first()
    return Retention(matrix, sizes, mean_retention(shown), month_under_way(matrix.index, as_of))


def retention_matrix(cells: pd.DataFrame) -> pd.DataFrame:
    """Cohorts as rows, month_index as columns, customers / cohort_size as values; NaN where a month has not ended."""
    shares = cells.assign(retention=cells["customers"] / cells["cohort_size"])
    return shares.pivot_table(index="cohort", columns="month_index", values="retention")


def mean_retention(cells: pd.DataFrame) -> pd.DataFrame:
    """Retention by month_index over the cohorts observed then: sum of customers / sum of cohort_size; and how many."""
    sums = _observed(cells, "customers")
    return sums.assign(retention=sums["customers"] / sums["cohort_size"])


def _observed(cells: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Sums by month_index over the cohorts that have a cell there; an amount that is not known spoils its sum."""
    by_index = cells.groupby("month_index")
    sums = by_index[["cohort_size", *columns]].sum(skipna=False)
    return sums.assign(cohorts=by_index.size()).reset_index()


def month_under_way(cohorts: pd.Index, as_of: date | str) -> pd.Series:
    """By cohort the month_index of the month that has begun and not ended before `as_of`; no rows when none has."""
    now = pd.Timestamp(as_of)
    if now.day == 1:
        return pd.Series(index=cohorts[:0], dtype="int64")
    months = pd.DatetimeIndex(cohorts)
    return pd.Series(12 * (now.year - months.year) + now.month - months.month, index=cohorts, dtype="int64")


def value_matrix(cells: pd.DataFrame) -> pd.DataFrame:
    """Cohorts as rows, month_index as columns: revenue up to and with that month / cohort_size, of complete months."""
    spent = cells.assign(value=cells["revenue"] / cells["cohort_size"])
    return spent.pivot_table(index="cohort", columns="month_index", values="value").cumsum(axis="columns")


def mean_value(cells: pd.DataFrame) -> pd.DataFrame:
    """Revenue and margin per customer up to and with each month_index, over all cohorts.

    A month adds sum of revenue / sum of cohort_size over the cohorts observed in it, so that the line does not jump
    where a cohort drops out. margin is NaN from where it is not known.
    """
    sums = _observed(cells, "revenue", "margin")
    each = sums[["revenue", "margin"]].div(sums["cohort_size"], axis="index")
    return sums.assign(**each.cumsum(skipna=False))


def earned_by(value: pd.DataFrame) -> str:
    """The column that is held against the cost of acquisition: margin, or revenue where the margin is not known."""
    return "margin" if value["margin"].notna().all() else "revenue"


def acquisition_cost(costs: pd.DataFrame) -> float:
    """Spend of all channels / all new customers, those without a campaign included; NaN without spend or customers."""
    spend, customers = costs["spend"].sum(), costs["new_customers"].sum()
    return spend / customers if spend and customers else np.nan


def payback_month(value: pd.DataFrame, cost: float) -> int | None:
    """The first month_index at which what a customer has brought reaches the cost; None where it has not."""
    reached = value.loc[value[earned_by(value)] >= cost, "month_index"]
    return None if reached.empty else int(reached.iloc[0])


def costs_by_channel(costs: pd.DataFrame) -> pd.DataFrame:
    """The rows with words for a missing channel, then those of all campaigns together and of all customers."""
    by_campaign = costs[costs["channel"].notna()]
    named = costs.assign(channel=costs["channel"].fillna("no campaign"))
    sums = [_total(by_campaign, "all campaigns"), _total(costs, "all customers")]
    return pd.concat([named, pd.DataFrame(sums, columns=costs.columns)], ignore_index=True)


def _total(costs: pd.DataFrame, name: str) -> dict[str, object]:
    sums = costs[["spend", "signups", "new_customers"]].sum()
    return {"channel": name, **sums, "acquisition_cost": acquisition_cost(costs)}


def revenue_by_month(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per complete month: revenue, and earlier_share, that of customers won in an earlier month (NaN of 0)."""
    whole = complete(cells)
    earlier = whole["revenue"].where(whole["month_index"] > 0, 0.0)
    months = whole.assign(earlier=earlier).groupby("month", as_index=False)[["revenue", "earlier"]].sum()
    share = months["earlier"] / months["revenue"].where(months["revenue"] > 0)
    return months.drop(columns="earlier").assign(earlier_share=share)


def firm_windows(rates: pd.DataFrame, churn_days: int) -> pd.DataFrame:
    """Churn rates of windows with enough observed buyers, and that of this report's window in any case."""
    return rates[(rates["observed_buyers"] >= FEW_BUYERS) | (rates["churn_days"] == churn_days)]
