"""Decomposition of a series into trend, weekday and month effects, and detection of anomalies.

All of it counts open days only: a `Past` leaves out the weekdays on which the shop is closed.
"""

import calendar
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.analysis.forecast.history import holiday_near
from lib.analysis.forecast.simulation import LOG_OFFSET, SHORTEST_HISTORY, WEEK, Past, dates
from lib.formatting import percent

__all__ = ["Anomalies", "anomalies", "month_effects", "trend", "weekday_effects"]

MONTH, YEAR = 4 * WEEK, 52 * WEEK  # whole weeks, so that every weekday has the same weight
WEEKDAY_WEEKS = 26  # weeks that the weekday effects are averaged over
THRESHOLD = 3.5  # robust standard deviations (1.4826 x median absolute deviation): the rule of Iglewicz and Hoaglin
MAX_SHARE = 0.03  # of the days; more would be the shop's habit
STL_SEASONAL, STL_TREND = 35, 29  # days of the smoothers; shorter ones would absorb an anomaly into the season
RARE_EMPTY = 0.02  # share of days without sales up to which such a day can be an anomaly
MOSTLY_EMPTY = 1 / 3  # share of days without sales beyond which the logarithms are mostly gaps


def trend(past: Past) -> pd.DataFrame:
    """One row per open day: date, revenue and trend.

    trend is the centred mean of four weeks; at both ends of the series the mean of those of its days that exist.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-06-01", "2025-06-30"), "revenue": 100.0})
        >>> forecast.trend(forecast.daily_series(sales, "2025-07-01").past()).tail(1)
                 date  revenue  trend
        29 2025-06-30    100.0  100.0
    """
    means = past.series.rolling(_open_days(past, MONTH), center=True, min_periods=1).mean()
    return pd.DataFrame({"revenue": past.series, "trend": means}).rename_axis("date").reset_index()


def weekday_effects(past: Past) -> pd.DataFrame:
    """One row per open weekday: weekday (`Mon`) and effect (0.1: 10 % above the mean).

    effect is the mean of the weekday / mean of all open days - 1, over the last half year; NaN without sales.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-06-02", "2025-06-29")})
        >>> sales["revenue"] = 100.0 + 70 * (sales["date"].dt.day_name() == "Sunday")
        >>> forecast.weekday_effects(forecast.daily_series(sales, "2025-06-30").past()).round(3).tail(2)
          weekday  effect
        5     Sat  -0.091
        6     Sun   0.545
    """
    last = past.series.tail(WEEKDAY_WEEKS * past.season)
    means = last.groupby(dates(last).day_of_week).mean()
    effects = (means / last.mean() - 1) if last.any() else means * np.nan
    names = [calendar.day_abbr[day] for day in effects.index]
    return pd.DataFrame({"weekday": names, "effect": effects.to_numpy()})


def month_effects(past: Past) -> pd.DataFrame:
    """One row per calendar month: month (`Jan`) and effect (0.1: 10 % above the mean of the months).

    The classical ratio to moving average: four-week mean / centred mean of 52 weeks, averaged by calendar month and
    divided by the mean of the months. Empty for less than two years minus two weeks: the first and the last half year
    have no centred mean, and less than a whole year of ratios cannot be separated from growth.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2023-01-01", "2024-12-31")})
        >>> sales["revenue"] = 100.0 + 50 * (sales["date"].dt.month == 12)
        >>> forecast.month_effects(forecast.daily_series(sales, "2025-01-01").past()).round(2).tail(2)
           month  effect
        10   Nov    0.01
        11   Dec    0.33
    """
    level = past.series.rolling(_open_days(past, YEAR), center=True).mean()
    means = past.series.rolling(_open_days(past, MONTH), center=True, min_periods=1).mean()
    ratios = (means / level).dropna()
    ratios = ratios[np.isfinite(ratios)]
    if len(ratios) < _open_days(past, YEAR - WEEK):
        return pd.DataFrame({"month": pd.Series(dtype="str"), "effect": pd.Series(dtype=float)})
    by_month = ratios.groupby(dates(ratios).month).mean()
    effects = by_month / by_month.mean() - 1
    names = [calendar.month_abbr[month] for month in effects.index]
    return pd.DataFrame({"month": names, "effect": effects.to_numpy()})


def _open_days(past: Past, days: int) -> int:
    """Number of open days in this number of days, which is a multiple of a week."""
    return days // WEEK * past.season


@dataclass(frozen=True)
class Anomalies:
    """Days whose revenue is far from the expected revenue.

    Attributes:
        days: one row per anomaly: date, revenue, expected_revenue, change (0.5: 50 % more than expected), cause (a
            holiday on that day, the day before or the day after; else `not known`).
        summary: a sentence on the size of a detectable anomaly, or on why none can be detected.
    """

    days: pd.DataFrame
    summary: str


def anomalies(past: Past) -> Anomalies:
    """Detect anomalies: the open days with the largest residuals of a robust STL decomposition of log revenue.

    A residual counts above THRESHOLD robust standard deviations; at most the share MAX_SHARE of the days are anomalies.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-01-01", "2025-06-30")})
        >>> sales["revenue"] = 100.0 + sales["date"].dt.day % 5 + 400 * (sales["date"] == "2025-06-11")
        >>> forecast.anomalies(forecast.daily_series(sales, "2025-07-01").past()).days[["date", "revenue", "cause"]]
                date  revenue      cause
        0 2025-06-11    501.0  not known
    """
    series = past.series
    reason = _why_undetectable(past)
    if reason:
        return Anomalies(_table(series.head(0), series.head(0), past), reason)
    expected, scores, spread = _robust_scores(past)
    candidates = scores if _empty_share(series) <= RARE_EMPTY else scores[series > 0]
    far = candidates[candidates.abs() > THRESHOLD].abs().nlargest(int(MAX_SHARE * len(series))).index.sort_values()
    below, above = 1 - np.exp(-THRESHOLD * spread), np.exp(THRESHOLD * spread) - 1
    limits = f"about {percent(below, 0)} below or {percent(above, 0)} above the expected revenue"
    return Anomalies(_table(series[far], expected[far], past), f"A day counts as an anomaly from {limits}.")


def _why_undetectable(past: Past) -> str:
    """Why no day of the series can be called an anomaly; empty if some can."""
    if len(past.series) < SHORTEST_HISTORY or past.is_constant:
        return "Anomalies cannot be detected: the history is too short or has the same revenue every day."
    if _empty_share(past.series) > MOSTLY_EMPTY:
        empty = percent(_empty_share(past.series), 0)
        return f"Anomalies cannot be detected: {empty} of the days have no sales, too many to tell them from chance."
    return ""


def _empty_share(series: pd.Series) -> float:
    """Share of the days without sales."""
    return float((series <= 0).mean())


def _robust_scores(past: Past) -> tuple[pd.Series, pd.Series, float]:
    """Expected revenue per day, residual in robust standard deviations, and that standard deviation of log revenue."""
    from statsmodels.tsa.seasonal import STL

    sales = past.series.clip(lower=0)
    offset = LOG_OFFSET * sales.mean()
    logs = np.log(sales + offset)
    period = max(past.season, 2)
    found = STL(logs.to_numpy(), period=period, seasonal=STL_SEASONAL, trend=STL_TREND, robust=True).fit()
    rest = pd.Series(found.resid, index=sales.index)
    rest -= rest.median()
    spread = float(1.4826 * rest.abs().median())
    expected = np.exp(logs - rest) - offset
    return expected.clip(lower=0), rest / max(spread, 1e-9), spread


def _table(days: pd.Series, expected: pd.Series, past: Past) -> pd.DataFrame:
    named = [holiday_near(day, past.holidays) or "not known" for day in days.index]
    change = days / expected.where(expected > 0) - 1
    columns = {"revenue": days, "expected_revenue": expected, "change": change, "cause": pd.array(named, dtype="str")}
    return pd.DataFrame(columns, index=days.index).rename_axis("date").reset_index()
