"""Takes a series apart: the trend, the rhythm of the week, the rhythm of the year."""

import calendar
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.analysis.forecast.history import near
from lib.analysis.forecast.simulation import SHORTEST_HISTORY, STARTED, WEEK, Past, is_constant, season
from lib.formatting import percent

__all__ = ["Anomalies", "anomalies", "trend", "week", "year"]

MONTH, YEAR = 4 * WEEK, 52 * WEEK  # whole weeks, so that every weekday counts alike
WEEKS_SHOWN = 26
NAMES = [name[:3] for name in calendar.day_name]


def trend(past: Past) -> pd.DataFrame:
    """date, revenue, and trend: the centred mean of four whole weeks; at the ends of those days there are."""
    means = past.series.rolling(_days(past, MONTH), center=True, min_periods=1).mean()
    return pd.DataFrame({"revenue": past.series, "trend": means}).round(2).rename_axis("date").reset_index()


def week(past: Past) -> pd.DataFrame:
    """weekday and effect: the mean of that weekday over the mean of all open days, of the last half year, less 1."""
    last = past.series.tail(WEEKS_SHOWN * season(past.series))
    means = last.groupby(last.index.day_of_week).mean()
    effects = (means / last.mean() - 1) if last.any() else means * np.nan
    return pd.DataFrame({"weekday": [NAMES[day] for day in effects.index], "effect": effects.round(3).to_numpy()})


def year(past: Past) -> pd.DataFrame:
    """month and effect: four-week means over the centred mean of 52 weeks, less 1, averaged by calendar month.

    The classical ratio to moving average. No rows where there are less than two years, but for two weeks: half a year
    at each end has no centred mean, and what is seen of less than a whole year cannot be told from growth.
    """
    around = past.series.rolling(_days(past, YEAR), center=True).mean()
    ratios = (past.series.rolling(_days(past, MONTH), center=True, min_periods=1).mean() / around).dropna()
    ratios = ratios[np.isfinite(ratios)]
    if len(ratios) < _days(past, YEAR - WEEK):
        return pd.DataFrame({"month": pd.Series(dtype="str"), "effect": pd.Series(dtype=float)})
    effects = ratios.groupby(ratios.index.month).mean()
    effects = effects / effects.mean() - 1
    return pd.DataFrame(
        {"month": [calendar.month_abbr[at] for at in effects.index], "effect": effects.round(3).to_numpy()}
    )


def _days(past: Past, days: int) -> int:
    """Open days in so many days."""
    return days // WEEK * season(past.series)


FAR = 3.5  # in units of 1.4826 times the median absolute deviation: Iglewicz and Hoaglin's rule
MOST = 0.03  # of the days; more than that would be the shop's habit
SEASONAL, TREND = 35, 29  # days of the smoothers: a short one would take an odd day for the season
RARE = 0.02  # of the days without sales; where there are more, such a day is nothing odd
THIN = 1 / 3  # of the days without sales; the logarithms of such a series are mostly gaps


@dataclass(frozen=True)
class Anomalies:
    """days: date, revenue, usual, change (0.5 is half more), cause, `not known` too; words: what can be seen at all."""

    days: pd.DataFrame
    words: str


def anomalies(past: Past, causes: pd.Series | None = None) -> Anomalies:
    """Open days far off a robust STL of the logarithms, at most MOST of them, those farthest off, by date.

    causes: names by day, beside the holidays of the past.
    """
    series = past.series
    reason = _cannot_tell(series)
    if reason:
        return Anomalies(_table(series.head(0), series.head(0), past, causes), reason)
    usual, scores, spread = _distances(series)
    news = scores if _empty(series) <= RARE else scores[series > 0]
    far = news[news.abs() > FAR].abs().nlargest(int(MOST * len(series))).index.sort_values()
    low, high = np.exp(-FAR * spread) - 1, np.exp(FAR * spread) - 1
    below, above = percent(-low, 0), percent(high, 0)
    told = f"A day stands out here when it is about {below} below or {above} above what is usual for it."
    return Anomalies(_table(series[far], usual[far], past, causes), told)


def _cannot_tell(series: pd.Series) -> str:
    """Why no day of the series can be called odd; empty where some can."""
    if len(series) < SHORTEST_HISTORY or is_constant(series):
        return "The history is too short or too even to tell odd days."
    if _empty(series) > THIN:
        return f"Nothing was sold on {percent(_empty(series), 0)} of the days: too many to tell odd days from chance."
    return ""


def _empty(series: pd.Series) -> float:
    """Share of the days without sales."""
    return float((series <= 0).mean())


def _distances(series: pd.Series) -> tuple[pd.Series, pd.Series, float]:
    """What is usual on each day, its distance in robust standard deviations, and one of those, in logarithms."""
    from statsmodels.tsa.seasonal import STL

    sales = series.clip(lower=0)
    start = STARTED * sales.mean()
    logs = np.log(sales + start)
    found = STL(logs.to_numpy(), period=max(season(series), 2), seasonal=SEASONAL, trend=TREND, robust=True).fit()
    rest = pd.Series(found.resid, index=series.index)
    rest -= rest.median()
    spread = float(1.4826 * rest.abs().median())
    usual = np.exp(logs - rest) - start
    return usual.clip(lower=0), rest / max(spread, 1e-9), spread


def _table(days: pd.Series, usual: pd.Series, past: Past, causes: pd.Series | None) -> pd.DataFrame:
    known = causes if causes is not None else pd.Series(dtype="str")
    named = [known.get(day) or near(day, past.holidays) or "not known" for day in days.index]
    change = days / usual.where(usual > 0) - 1
    columns = {"revenue": days.round(2), "usual": usual.round(2), "change": change.round(3)}
    return pd.DataFrame(columns).assign(cause=pd.array(named, dtype="str")).rename_axis("date").reset_index()
