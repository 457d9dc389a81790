"""Factors of the combined forecast: growth, the season of the year, and holidays with closed days."""

import numpy as np
import pandas as pd

from lib.analysis.forecast.simulation import LOG_OFFSET, Floats, Past, dates

__all__ = ["GROWTH", "HOLIDAYS", "YEARLY", "factors"]

GROWTH, YEARLY, HOLIDAYS = "growth", "the season of the year", "holidays"
GROWTH_DAYS = 420  # whose trend is the growth
GROWTH_WEEKS = 40  # of history; in fewer, a season of the year looks like growth
LEVEL_WEEKS = 1.5  # before the end of the history, where the level of the ensemble lies
DAMPING = 0.5  # of growth: on real series all of it is too much, none is too little for a shop that grows
CLEAR_T = 2.0  # t value of a trend that is none
MOST_GROWTH = 0.3  # within a horizon, up or down, in logarithms
YEAR = 365.25  # days
YEARS = 2  # of history, for a yearly season
HARMONICS = 3  # of the yearly season; the fourth made it less accurate on real series
STRENGTH = 0.5  # of the yearly season: the full factor is as accurate on average, but far off where the season changes
REFERENCE = 14  # last days, whose place in the year the level of the forecast has
WEEKS_AROUND = 9  # whose median is the usual revenue of a weekday
NOISE = 2.5  # robust standard deviations; an effect within them is none
STRONGEST = (-2.5, 1.5)  # effect of a holiday, in logarithms
BLACK_FRIDAY = (23, 29)  # of November, the day after the fourth Thursday; the sales end on the Monday after it
RARELY_CLOSED = 0.05  # share of days without sales up to which such a day is a closed one
CLOSED_DAYS = 3  # in a row, which are closed on the same dates of the next year


def factors(past: Past, ahead: pd.DatetimeIndex) -> dict[str, Floats]:
    """Factors of each day ahead: GROWTH, YEARLY and HOLIDAYS, 1 where the history has no such effect.

    Whether they are used is decided by the backtest.
    """
    if ahead.empty or past.is_constant:
        return {name: np.ones(len(ahead)) for name in (GROWTH, YEARLY, HOLIDAYS)}
    return {GROWTH: _growth(past, len(ahead)), YEARLY: _yearly(past, ahead), HOLIDAYS: _holidays(past, ahead)}


def _growth(past: Past, horizon: int) -> Floats:
    """Factor of each open day ahead: half the trend of the last GROWTH_DAYS days, less what noise explains of it.

    Most components repeat the level of the last weeks, and a growing shop is beyond it when the horizon comes. The
    trend is the slope of the logarithms of whole weeks; its standard error allows for autocorrelated errors.
    """
    means = past.recent(GROWTH_DAYS).weeks.mean(axis=1).clip(min=0)
    if len(means) < GROWTH_WEEKS or not means.any():
        return np.ones(horizon)
    logs, weeks = np.log(np.maximum(means, LOG_OFFSET * means.mean())), np.arange(len(means)) - (len(means) - 1) / 2
    slope = weeks @ logs / (weeks @ weeks)
    rest = logs - logs.mean() - slope * weeks
    variance = rest @ rest / (len(rest) - 2) / (weeks @ weeks)
    carried = float(np.clip(rest[1:] @ rest[:-1] / max(rest @ rest, 1e-12), 0, 0.95))
    explained = CLEAR_T**2 * variance * (1 + carried) / (1 - carried) / max(slope**2, 1e-12)
    weeks_ahead = LEVEL_WEEKS + (np.arange(horizon) + 1) / past.season
    logs_ahead = np.clip(DAMPING * slope * max(0.0, 1 - explained) * weeks_ahead, -MOST_GROWTH, MOST_GROWTH)
    return np.asarray(np.exp(logs_ahead))


def _yearly(past: Past, ahead: pd.DatetimeIndex) -> Floats:
    """Robust regression of the logarithms of weeks on a line and a Fourier series, compared with the last days."""
    if past.days < YEARS * YEAR:
        return np.ones(len(ahead))
    from statsmodels.robust.robust_linear_model import RLM

    days, season = _day_numbers(dates(past.series)), past.season
    whole = len(days) % season
    weeks = past.weeks.clip(min=0)
    means = (weeks.mean(axis=1) + np.median(weeks, axis=1)) / 2
    middles = days[whole:].reshape(-1, season).mean(axis=1)
    line = np.column_stack([np.ones(len(middles)), (middles - middles[-1]) / YEAR])
    logs = np.log(means + LOG_OFFSET * weeks.mean() + 1e-9)
    if np.ptp(logs) < 1e-9:  # RLM divides by the spread of the errors
        return np.ones(len(ahead))
    found = RLM(logs, np.hstack([line, _fourier(middles)])).fit(maxiter=30).params[2:]
    level = (_fourier(days[days >= days[-1] + 1 - REFERENCE]) @ found).mean()
    return np.asarray(np.exp(STRENGTH * (_fourier(_day_numbers(ahead)) @ found - level)))


def _day_numbers(days: pd.DatetimeIndex) -> Floats:
    return np.asarray((days - pd.Timestamp(2000, 1, 1)).days, dtype=float)


def _fourier(days: Floats) -> Floats:
    angles = 2 * np.pi / YEAR * days[:, None] * np.arange(1, HARMONICS + 1)
    return np.hstack([np.cos(angles), np.sin(angles)])


def _holidays(past: Past, ahead: pd.DatetimeIndex) -> Floats:
    """Effects of the same events in the past, less what noise explains; 0 on a day that was always closed."""
    events = _events(past, ahead)
    coming = events.reindex(ahead)
    known = events[events.isin(coming.dropna()) & events.index.isin(past.series.index)]
    if known.empty:
        return np.ones(len(ahead))
    effects = _effects(past)
    noise = NOISE * 1.4826 * float((effects - effects.median()).abs().median())
    grouped = effects[known.index].groupby(known)
    mean, count = grouped.mean(), grouped.count()
    kept = (1 - noise**2 / count / (mean**2).clip(lower=1e-12)).clip(lower=0)  # the non-negative garrote
    factors = (mean * kept).clip(*STRONGEST).map(np.exp)
    if _closes_rarely(past):
        factors[(past.series[known.index] <= 0).groupby(known).all()] = 0.0
    return np.asarray(coming.map(factors.to_dict()).astype(float).fillna(1.0), dtype=float)


def _effects(past: Past) -> pd.Series:
    """Logarithm of each day's revenue over the median of the same weekday in the weeks around it."""
    sales = past.series.clip(lower=0)
    offset = LOG_OFFSET * sales.mean() + 1e-9
    by_weekday = [days for _, days in sales.groupby(dates(sales).day_of_week)]
    usual = [days.rolling(WEEKS_AROUND, center=True, min_periods=1).median() for days in by_weekday]
    return ((sales + offset) / (pd.concat(usual).sort_index() + offset)).map(np.log)


def _closes_rarely(past: Past) -> bool:
    return bool((past.series <= 0).mean() <= RARELY_CLOSED)


def _events(past: Past, ahead: pd.DatetimeIndex) -> pd.Series:
    """Name of the event of each day, past or ahead: a holiday or the day next to it, a sales day, a closed date."""
    every = pd.date_range(past.series.index[0], ahead[-1], freq="D", unit="us")
    found: dict[pd.Timestamp, str] = {}
    if closed := _closed_dates(past) if _closes_rarely(past) else set():
        found |= {day: f"closed {day:%m-%d}" for day in every if f"{day:%m-%d}" in closed}
    first, last = BLACK_FRIDAY
    is_friday = (every.month == 11) & (every.day >= first) & (every.day <= last) & (every.day_of_week == 4)
    found |= {day + pd.Timedelta(days=n): f"Black Friday +{n}" for day in every[is_friday] for n in range(4)}
    for shift in (-1, 1, 0):  # the holiday itself last: it counts, not the day next to another one
        days = pd.DatetimeIndex(past.holidays.index) + pd.Timedelta(days=shift)
        found |= {day: f"{name} {shift:+d}" for day, name in zip(days, past.holidays, strict=True)}
    return pd.Series(found, dtype="str")


def _closed_dates(past: Past) -> set[str]:
    """Month and day of the days without sales, several in a row."""
    closed = past.series <= 0
    runs = closed.groupby((closed != closed.shift()).cumsum()).transform("size")
    return {f"{day:%m-%d}" for day in dates(closed)[closed & (runs >= CLOSED_DAYS)]}
