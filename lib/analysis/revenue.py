"""Revenue by day, week and month, by segment, and what drove its change."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "annotations",
    "bridge_steps",
    "cumulative",
    "daily_trend",
    "days",
    "ladder_steps",
    "mask_previous",
    "monthly_trend",
    "share_at",
    "weekly_trend",
    "with_previous",
]  # fmt: skip

SAME_WEEKDAY = pd.Timedelta(weeks=52)  # a year back such that Mondays meet Mondays
STEPS = {  # label of each bridge step, by column of the question revenue_bridge
    "previous_revenue": "previous period",
    "volume": "volume",
    "price": "price",
    "mix": "mix",
    "returns": "returns",
    "revenue": "this period",
}
TOTALS = ("previous_revenue", "revenue")
SUBTRACTED = {  # label of each step from gross to net sales, by column of the question sales_ladder
    "discounts": "discounts",
    "refunds": "refunds",
    "cancellations": "cancellations",
    "credit_notes": "credit notes",
}
NAMES = ("country_code", "country", "category", "channel")  # columns that name a segment in the questions revenue_by_*
SHARES = ("share", "gross_margin")


def days(frame: pd.DataFrame, bounds: Mapping[str, date], first_day: date | None = None) -> pd.DataFrame:
    """One row per day of the bounds from `first_day` on, in order; days without a row are zero.

    Args:
        frame: date and measures, zero on the days that it lacks.
        bounds: start and end of the days.
        first_day: First day of the data; NaT if there are none: then no day is known. By default all days are.

    Example:
        >>> daily = pd.DataFrame({"date": pd.to_datetime(["2025-06-28", "2025-06-30"]), "revenue": [100.0, 50.0]})
        >>> revenue.days(daily, {"start": "2025-06-28", "end": "2025-07-01"})
                date  revenue
        0 2025-06-28    100.0
        1 2025-06-29      0.0
        2 2025-06-30     50.0
    """
    start, end = pd.Timestamp(bounds["start"]), pd.Timestamp(bounds["end"])
    if first_day is not None:
        start = end if pd.isna(first_day) else max(start, pd.Timestamp(first_day))
    every = pd.date_range(start, end, inclusive="left", name="date")
    return frame.set_index("date").reindex(every, fill_value=0).reset_index()


def _complete_sums(step: str, daily: pd.DataFrame) -> pd.DataFrame:
    """Revenue per calendar week (W-MON, dated on its Monday) or month (MS); only complete ones."""
    grouped = daily.set_index("date")[["revenue"]].resample(step, closed="left", label="left")
    sums = grouped.sum()
    starts = pd.DatetimeIndex(sums.index)
    is_complete = grouped.size().to_numpy() == (starts.shift(1) - starts).days.to_numpy()
    return sums[is_complete].reset_index()


def daily_trend(daily: pd.DataFrame, year: Mapping[str, date]) -> pd.DataFrame:
    """The days of `year` with `weekly_mean` and, as `year_before`, that of the same weekday 52 weeks earlier.

    Args:
        daily: date and revenue of every day of `year` and of the year before it, see periods.two_years.
        year: Bounds of the days to return.

    Returns:
        date, revenue, weekly_mean (mean of the day and the six before it), year_before.

    Example:
        >>> daily = pd.DataFrame({"date": pd.date_range("2023-07-01", "2025-06-30"), "revenue": 10.0})
        >>> revenue.daily_trend(daily, periods.year_before("2025-07-01")).tail(1)
                  date  revenue  weekly_mean  year_before
        364 2025-06-30     10.0         10.0         10.0
    """
    return _with_year_before(daily.assign(weekly_mean=daily["revenue"].rolling(7).mean()), "weekly_mean", year)


def weekly_trend(daily: pd.DataFrame, year: Mapping[str, date]) -> pd.DataFrame:
    """Revenue of the complete weeks of `year` and, as `year_before`, of the weeks 52 weeks earlier; see daily_trend.

    Example:
        >>> daily = pd.DataFrame({"date": pd.date_range("2023-07-01", "2025-06-30"), "revenue": 10.0})
        >>> revenue.weekly_trend(daily, periods.year_before("2025-07-01")).tail(1)
                 date  revenue  year_before
        51 2025-06-23     70.0         70.0
    """
    return _with_year_before(_complete_sums("W-MON", daily), "revenue", year)


def monthly_trend(daily: pd.DataFrame, year: Mapping[str, date]) -> pd.DataFrame:
    """Revenue of the complete months of `year` and, as `year_before`, of the same months a year earlier.

    Example:
        >>> daily = pd.DataFrame({"date": pd.date_range("2023-07-01", "2025-06-30"), "revenue": 10.0})
        >>> revenue.monthly_trend(daily, periods.year_before("2025-07-01")).tail(1)
                 date  revenue  year_before
        11 2025-06-01    300.0        300.0
    """
    return _with_year_before(_complete_sums("MS", daily), "revenue", year, pd.DateOffset(years=1))


def _with_year_before(
    frame: pd.DataFrame, column: str, year: Mapping[str, date], back: pd.Timedelta | pd.DateOffset = SAME_WEEKDAY
) -> pd.DataFrame:
    earlier = pd.DataFrame({"date": frame["date"] + back, "year_before": frame[column]})
    joined = frame.merge(earlier, on="date", how="left")
    joined.attrs = frame.attrs
    return joined[joined["date"] >= pd.Timestamp(year["start"])].reset_index(drop=True)


def annotations(campaigns: pd.DataFrame, anomalies: pd.DataFrame, bounds: Mapping[str, date]) -> pd.DataFrame:
    """Campaigns, and the anomalies within the bounds, for charts over time.

    Args:
        campaigns: name, start_date, end_date.
        anomalies: date, cause.
        bounds: start and end of the days of the chart.

    Returns:
        name, start_date, end_date, by start_date.

    Example:
        >>> days = pd.to_datetime(["2025-06-02", "2025-06-20"])
        >>> campaigns = pd.DataFrame({"name": "Summer sale", "start_date": days[:1], "end_date": days[1:]})
        >>> anomalies = pd.DataFrame({"date": days[1:], "cause": "not known"})
        >>> revenue.annotations(campaigns, anomalies, periods.year_before("2025-07-01"))["name"].tolist()
        ['Summer sale', 'anomaly: not known']
    """
    start, end = pd.Timestamp(bounds["start"]), pd.Timestamp(bounds["end"])
    within = anomalies[(anomalies["date"] >= start) & (anomalies["date"] < end)]
    names = "anomaly: " + within["cause"].astype("str")
    found = pd.DataFrame({"name": names, "start_date": within["date"], "end_date": within["date"]})
    shown = [frame for frame in (campaigns[list(found.columns)], found) if len(frame)]
    return pd.concat(shown or [found]).sort_values("start_date", kind="stable", ignore_index=True)


def mask_previous(frame: pd.DataFrame, comparable: bool) -> pd.DataFrame:
    """The frame with NaN as previous_revenue if the data do not cover the previous period wholly.

    Example:
        >>> channels = pd.DataFrame({"channel": ["email"], "revenue": [80.0], "previous_revenue": [50.0]})
        >>> revenue.mask_previous(channels, comparable=False)
          channel  revenue  previous_revenue
        0   email     80.0               NaN
    """
    return frame if comparable else frame.assign(previous_revenue=np.nan)


def with_previous(current: pd.DataFrame, previous: pd.DataFrame, comparable: bool = True) -> pd.DataFrame:
    """The segments of a period with their `previous_revenue`, by revenue; includes segments without revenue now.

    Args:
        current: The rows of one of the questions revenue_by_* for the period.
        previous: Those for the previous period.
        comparable: Whether the data cover the previous period wholly; else previous_revenue is NaN.

    Example:
        >>> june = pd.DataFrame({"channel": ["email", "social"], "revenue": [80.0, 20.0]})
        >>> may = pd.DataFrame({"channel": ["email"], "revenue": [50.0]})
        >>> revenue.with_previous(june, may)
          channel  revenue  previous_revenue
        0   email     80.0              50.0
        1  social     20.0               0.0
    """
    if not comparable:
        return mask_previous(current, comparable)
    names = [name for name in NAMES if name in current]
    earlier = previous[[*names, "revenue"]].rename(columns={"revenue": "previous_revenue"})
    joined = current.merge(earlier[earlier["previous_revenue"] != 0], on=names, how="outer", sort=False)
    amounts = [name for name in joined.select_dtypes("number") if name not in SHARES]
    filled = joined.fillna(dict.fromkeys(amounts, 0)).astype(current.dtypes.to_dict())
    return filled.sort_values("revenue", ascending=False, kind="stable", ignore_index=True)


def bridge_steps(effects: Mapping[str, float], comparable: bool = True) -> pd.DataFrame:
    """The rows of a bridge chart (step, amount, total) from the row of the question revenue_bridge.

    Without rows if the data do not cover the previous period wholly: then it is not `comparable`.

    Example:
        >>> effects = {"previous_revenue": 900.0, "volume": 150.0, "price": -20.0, "mix": 10.0}
        >>> effects |= {"returns": 0.0, "revenue": 1040.0}
        >>> revenue.bridge_steps(effects).head(2)
                      step  amount  total
        0  previous period   900.0   True
        1           volume   150.0  False
    """
    rows = [(label, float(effects[column]), column in TOTALS) for column, label in STEPS.items() if comparable]
    return pd.DataFrame(rows, columns=["step", "amount", "total"])


def ladder_steps(
    ladder: Mapping[str, float],
    payment_fee_rate: float = 0,
    payment_fee_fixed: float = 0,
    fulfilment_cost_per_order: float = 0,
) -> pd.DataFrame:
    """The rows of a bridge chart (step, amount, total) from gross sales to net sales, and on to the contribution.

    Steps of amount 0 are left out, and so is the contribution if no cost at all is known.

    Args:
        ladder: The row of the question sales_ladder.
        payment_fee_rate: Share of what the customers were charged: sales before returns, shipping and taxes.
        payment_fee_fixed: Currency per order.
        fulfilment_cost_per_order: Currency per order.

    Example:
        >>> sold = {"gross_sales": 100.0, "discounts": 10.0, "refunds": 20.0, "revenue": 70.0, "cost": 40.0}
        >>> revenue.ladder_steps(sold | {"orders": 5}, fulfilment_cost_per_order=1)["amount"].tolist()
        [100.0, -10.0, -20.0, 70.0, -40.0, -5.0, 25.0]
    """
    known = {name: float(value) for name, value in ladder.items()}
    get = known.get
    charged = get("gross_sales", 0) - get("discounts", 0) + get("shipping", 0) + get("taxes", 0)
    costs = {
        "cost of goods": get("cost", 0),
        "payment fees": charged * payment_fee_rate + get("orders", 0) * payment_fee_fixed,
        "fulfilment": get("orders", 0) * fulfilment_cost_per_order,
        "campaigns": get("campaign_spend", 0),
    }
    net, spent = known["revenue"], sum(costs.values())
    rows = [("gross sales", known["gross_sales"], True)]
    rows += [(label, -get(column, 0), False) for column, label in SUBTRACTED.items() if get(column, 0)]
    rows += [("net sales", net, True)]
    rows += [(label, -amount, False) for label, amount in costs.items() if amount]
    rows += [("contribution", net - spent, True)] if spent else []
    return pd.DataFrame(rows, columns=["step", "amount", "total"])


def cumulative(values: pd.Series) -> pd.DataFrame:
    """Concentration curve of the values: share of items, the largest first, and the share of the total they hold."""
    held = np.append(0, np.sort(values.to_numpy(dtype=float))[::-1].cumsum())
    shares = held / held[-1] if held[-1] > 0 else np.nan
    return pd.DataFrame({"items": np.linspace(0, 1, len(held)), "share": shares})


def share_at(curve: pd.DataFrame, items: float | np.ndarray) -> Any:
    """Share of the total that this share of the items brings, the largest first; NaN without a total.

    Args:
        curve: Cumulative shares of the items and of the total from 0 to 1 in its first two columns; see the question
            product_concentration.
        items: A share from 0 to 1, or several.

    Example:
        >>> curve = pd.DataFrame({"products": [0.0, 0.5, 1.0], "revenue": [0.0, 0.8, 1.0]})
        >>> display.percent(revenue.share_at(curve, 0.5))
        '80.0%'
    """
    known = curve.iloc[:, :2].dropna().to_numpy()
    return np.interp(items, *known.T) if len(known) > 1 else items * np.nan
