"""Re-shapes what the SQL files answer: changes, causes, running means, sums of weeks and months."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "bridge_steps",
    "by",
    "change",
    "days",
    "main_cause",
    "marks",
    "share_at",
    "trend",
    "with_previous",
    "with_weekly_mean",
    "with_year_before",
]


STEPS = {  # of a bridge, by the columns of revenue_bridge
    "previous_revenue": "the period before",
    "volume": "volume",
    "price": "price",
    "mix": "mix",
    "revenue": "this period",
}
TOTALS = ("previous_revenue", "revenue")
PARTS = ("country", "category", "channel")  # of revenue, by the questions revenue_by_*


def trend(daily: pd.DataFrame, year: Mapping[str, date]) -> dict[str, dict[str, Any]]:
    """What charts.lines takes to draw the revenue of `year` by day, week and month, each with the year before."""
    names = {"revenue": "this year", "year_before": "a year before"}
    by_day = with_year_before(with_weekly_mean(daily, "revenue"), "weekly_mean", year)
    weeks, months = (by(step, daily, ["revenue"]) for step in ("W-MON", "MS"))
    means = {"weekly_mean": "mean of 7 days", "year_before": "a year before"}
    return {
        "by day": {"frame": by_day, "x": "date", "series": means, "behind": {"revenue": "day"}},
        "by week": {"frame": with_year_before(weeks, "revenue", year), "x": "date", "series": names},
        "by month": {"frame": _with_month_before(months, year), "x": "date", "series": names},
    }


def _with_month_before(months: pd.DataFrame, year: Mapping[str, date]) -> pd.DataFrame:
    """The months of `year` with the revenue of the same month a year before as `year_before`."""
    earlier = months[["date", "revenue"]].assign(date=months["date"] + pd.DateOffset(years=1))
    joined = months.merge(earlier.rename(columns={"revenue": "year_before"}), on="date", how="left")
    return joined[joined["date"] >= pd.Timestamp(year["start"])].reset_index(drop=True)


def marks(campaigns: pd.DataFrame, odd_days: pd.DataFrame, bounds: Mapping[str, date]) -> pd.DataFrame:
    """name, start_date, end_date: campaigns, and the odd days (date, cause) within the bounds, by their first days."""
    start, end = (pd.Timestamp(bounds[name]) for name in ("start", "end"))
    within = odd_days[(odd_days["date"] >= start) & (odd_days["date"] < end)]
    names = "odd day: " + within["cause"].astype("str")
    odd = pd.DataFrame({"name": names, "start_date": within["date"], "end_date": within["date"]})
    shown = [frame for frame in (campaigns[list(odd.columns)], odd) if len(frame)]
    return pd.concat(shown or [odd]).sort_values("start_date", kind="stable", ignore_index=True)


def share_at(curve: pd.DataFrame, products: float) -> float:
    """Share of revenue that this share of the products brings, the best first; NaN where nothing sold."""
    return float(np.interp(products, curve["products"], curve["revenue"])) if len(curve) > 1 else np.nan


def days(frame: pd.DataFrame, bounds: dict[str, date]) -> pd.DataFrame:
    """One row for every day of the bounds, in order; days without a row are zero."""
    every = pd.date_range(bounds["start"], bounds["end"], inclusive="left", name="date")
    return frame.set_index("date").reindex(every, fill_value=0).reset_index()


def with_previous(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """The parts of revenue with their `previous_revenue`; parts that only the period before has are there with none.

    Both frames are answers of one of the questions revenue_by_*.
    """
    names = [name for name in ("country_code", *PARTS) if name in now]
    previous = before[[*names, "revenue"]].rename(columns={"revenue": "previous_revenue"})
    joined = now.merge(previous[previous["previous_revenue"] != 0], on=names, how="outer", sort=False)
    counts = [name for name in joined.select_dtypes("number") if name not in ("share", "gross_margin")]
    filled = joined.fillna(dict.fromkeys(counts, 0)).astype(now.dtypes.to_dict())
    return filled.sort_values("revenue", ascending=False, kind="stable", ignore_index=True)


def main_cause(parts: Mapping[str, pd.DataFrame]) -> tuple[str, str, float] | None:
    """Of the parts of revenue (kind -> frame of a name column, revenue, previous_revenue), what explains most.

    Kind, name, and its change as a share of the whole change, the nearest to all of it and not more where there is
    one; None where nothing changed or no kind has two parts.
    """
    causes = [_largest_change(kind, frame) for kind, frame in parts.items() if len(frame) > 1]
    found = [cause for cause in causes if cause]
    return max(found, key=lambda cause: (cause[2] <= 1, -abs(1 - cause[2])), default=None)


def _largest_change(kind: str, frame: pd.DataFrame) -> tuple[str, str, float] | None:
    changes = (frame["revenue"] - frame["previous_revenue"]).to_numpy()
    whole = round(changes.sum(), 2)
    if not whole:
        return None
    shares = changes / whole
    return kind, frame[kind].iloc[int(shares.argmax())], float(shares.max())


def bridge_steps(effects: Mapping[str, float]) -> pd.DataFrame:
    """step, amount, total: the rows of a bridge from the answer of revenue_bridge."""
    rows = [(label, float(effects[name]), name in TOTALS) for name, label in STEPS.items()]
    return pd.DataFrame(rows, columns=["step", "amount", "total"])


def with_year_before(daily: pd.DataFrame, column: str, bounds: Mapping[str, date]) -> pd.DataFrame:
    """The days of `bounds` with the column's value of the same weekday 52 weeks before as `year_before`.

    `daily` has the days of both years; 364 days, so that Mondays meet Mondays.
    """
    earlier = daily[["date", column]].assign(date=daily["date"] + pd.Timedelta(days=364))
    joined = daily.merge(earlier.rename(columns={column: "year_before"}), on="date", how="left")
    return joined[joined["date"] >= pd.Timestamp(bounds["start"])].reset_index(drop=True)


def by(step: str, daily: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Sums per calendar week (W-MON, named by its Monday) or month (MS); only those whose days are all there."""
    grouped = daily.set_index("date")[list(columns)].resample(step, closed="left", label="left")
    sums, days_there = grouped.sum(min_count=1), grouped.size()
    ends = sums.index + pd.tseries.frequencies.to_offset(step)
    whole = days_there.to_numpy() == (ends - sums.index).days.to_numpy()
    return sums[whole].reset_index()


def change(now: float, before: float) -> float:
    """Relative change, 0.1 for a tenth more; NaN where there was nothing before."""
    return now / before - 1 if before else np.nan


def with_weekly_mean(daily: pd.DataFrame, column: str) -> pd.DataFrame:
    """The frame with a column `weekly_mean`: mean of the day and the six before, NaN where there are fewer."""
    return daily.assign(weekly_mean=daily[column].rolling(7).mean())
