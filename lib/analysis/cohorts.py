"""Cohorts: retention and value matrices, means weighted by size over observed months, acquisition cost and payback."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

__all__ = [
    "Retention",
    "acquisition_cost",
    "complete",
    "costs_by_channel",
    "mean_retention",
    "mean_value",
    "measurable_windows",
    "month_under_way",
    "payback_measure",
    "payback_month",
    "retention",
    "retention_matrix",
    "revenue_by_month",
    "value_matrix",
]

FEW_BUYERS = 10  # with fewer buyers, each changes a rate by more than a tenth


def complete(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells whose calendar month is complete."""
    return cells[cells["complete"].astype(bool)]


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
    """Retention from month_index `since` on, of cohorts with a complete month there."""
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
    """Cohorts x month_index: cumulative revenue up to that month / cohort_size, complete months only."""
    spent = cells.assign(value=cells["revenue"] / cells["cohort_size"])
    return spent.pivot_table(index="cohort", columns="month_index", values="value").cumsum(axis="columns")


def mean_value(cells: pd.DataFrame) -> pd.DataFrame:
    """Cumulative revenue and margin per customer by month_index, over all cohorts.

    Each month adds revenue / cohort_size summed over the cohorts observed in it, so that the line does not jump where
    a cohort ends. margin is NaN from the first month with unknown costs.
    """
    sums = _observed(cells, "revenue", "margin")
    each = sums[["revenue", "margin"]].div(sums["cohort_size"], axis="index")
    return sums.assign(**each.cumsum(skipna=False))


def payback_measure(value: pd.DataFrame) -> str:
    """The column compared with the acquisition cost: margin, or revenue if the margin is unknown."""
    return "margin" if value["margin"].notna().all() else "revenue"


def acquisition_cost(costs: pd.DataFrame) -> float:
    """Spend of all channels / all new customers, with or without a campaign; NaN without spend or customers."""
    spend, customers = costs["spend"].sum(), costs["new_customers"].sum()
    return spend / customers if spend and customers else np.nan


def payback_month(value: pd.DataFrame, cost: float) -> int | None:
    """The first month_index in which cumulative value per customer reaches the cost; None if it has not."""
    reached = value.loc[value[payback_measure(value)] >= cost, "month_index"]
    return None if reached.empty else int(reached.iloc[0])


def costs_by_channel(costs: pd.DataFrame) -> pd.DataFrame:
    """The rows per channel, followed by totals of all campaigns and of all customers."""
    by_campaign = costs[costs["channel"].notna()]
    named = costs.assign(channel=costs["channel"].fillna("no campaign"))
    sums = [_total(by_campaign, "all campaigns"), _total(costs, "all customers")]
    return pd.concat([named, pd.DataFrame(sums, columns=costs.columns)], ignore_index=True)


def _total(costs: pd.DataFrame, name: str) -> dict[str, object]:
    sums = costs[["spend", "signups", "new_customers"]].sum()
    return {"channel": name, **sums, "acquisition_cost": acquisition_cost(costs)}


def revenue_by_month(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per complete month: revenue, and earlier_share, the share of customers of earlier months (NaN of 0)."""
    whole = complete(cells)
    earlier = whole["revenue"].where(whole["month_index"] > 0, 0.0)
    months = whole.assign(earlier=earlier).groupby("month", as_index=False)[["revenue", "earlier"]].sum()
    share = months["earlier"] / months["revenue"].where(months["revenue"] > 0)
    return months.drop(columns="earlier").assign(earlier_share=share)


def measurable_windows(rates: pd.DataFrame, churn_days: int) -> pd.DataFrame:
    """Churn rates of the windows with enough observed buyers, and of this report's window in any case."""
    return rates[(rates["observed_buyers"] >= FEW_BUYERS) | (rates["churn_days"] == churn_days)]
