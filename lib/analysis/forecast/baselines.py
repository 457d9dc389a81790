"""The simple models, which any other has to beat: last week again, and the mean of eight weeks."""

import numpy as np
import pandas as pd

from lib.analysis.forecast.simulation import PATHS, RECENT_WEEKS, WEEK, Past, Simulation, season

__all__ = ["MEAN_WEEKS", "seasonal_naive", "weekday_mean"]

MEAN_WEEKS = 8


def seasonal_naive(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """Each day as a week before; a future departs from it by weeks of past week-on-week changes, added up."""
    weeks = _weeks(past.series)
    if len(weeks) < 2:
        return _last_days(past.series, len(ahead), rng)
    changes = np.diff(weeks, axis=0)
    steps = _week_blocks(changes, len(ahead), rng).cumsum(axis=1)
    return _from_weeks(weeks[-1], steps, len(ahead))


def _last_days(series: pd.Series, horizon: int, rng: np.random.Generator) -> Simulation:
    """Less than two weeks: the last week where there is one, else the mean; futures err as days from the mean."""
    values, length = series.to_numpy(), season(series)
    week = values[-length:] if len(values) >= WEEK else np.full(length, values.mean())
    noise = rng.choice(values - values.mean(), (PATHS, -(-horizon // length), length))
    return _from_weeks(week, noise, horizon)


def weekday_mean(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """Each day as the mean of the last eight of its weekday; futures add weeks of that rule's past errors."""
    weeks = pd.DataFrame(_weeks(past.series))
    errors = (weeks - weeks.rolling(MEAN_WEEKS, min_periods=1).mean().shift()).iloc[1:].to_numpy()
    means = weeks.tail(MEAN_WEEKS).mean().to_numpy()
    return _from_weeks(means, _week_blocks(errors, len(ahead), rng), len(ahead))


def _weeks(series: pd.Series) -> np.ndarray:
    """Whole weeks of open days up to the last day, one a row."""
    length = season(series)
    whole = len(series) // length
    return series.to_numpy()[len(series) - length * whole :].reshape(whole, length)


def _week_blocks(errors: np.ndarray, horizon: int, rng: np.random.Generator) -> np.ndarray:
    """Recent weeks of errors drawn whole, for days of a week err together: paths x weeks x days of a week."""
    drawn = errors[-RECENT_WEEKS:]
    drawn = drawn - drawn.mean()
    return drawn[rng.integers(0, len(drawn), (PATHS, -(-horizon // errors.shape[1])))]


def _from_weeks(week: np.ndarray, errors: np.ndarray, horizon: int) -> Simulation:
    point = np.tile(week, errors.shape[1])[:horizon]
    return Simulation(point, point + errors.reshape(PATHS, -1)[:, :horizon])
