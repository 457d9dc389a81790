"""Takes a series apart: the trend, the rhythm of the week, the rhythm of the year."""

import calendar

import numpy as np
import pandas as pd

from lib.forecast.simulation import WEEK, Past, season

__all__ = ["trend", "week", "year"]

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
