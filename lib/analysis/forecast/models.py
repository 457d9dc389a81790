"""The forecast models by name: two simple models, the statistical ones, and the ensemble of them."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pandas as pd

from lib.analysis.forecast.simulation import PATHS, RECENT_WEEKS, WEEK, Floats, Past, Simulation
from lib.analysis.forecast.statistical import arima, ets, lightgbm, log_ets, prophet, theta
from lib.errors import UsageError

__all__ = [
    "AVERAGE_WEEKS", "ENSEMBLE", "MODELS", "SEASONAL_NAIVE", "WEEKDAY_AVERAGE",
    "check_horizon", "combine", "random_stream", "simulate", "simulate_all",
]  # fmt: skip

SEASONAL_NAIVE, WEEKDAY_AVERAGE, ENSEMBLE = "seasonal naive", "8-week weekday average", "ensemble"
AVERAGE_WEEKS = 8
# The smoothing models make similar errors, so they share one vote; otherwise they would outvote the others.
COMPONENTS = (("ETS", "log ETS", "Theta"), ("ARIMA",), (WEEKDAY_AVERAGE,))
# A renamed model keeps its random stream, so that a seed gives the same numbers as before.
STREAM_NAMES = {WEEKDAY_AVERAGE: "weekday mean"}


def seasonal_naive(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """Each day as one week earlier; paths accumulate week-on-week changes of the past."""
    weeks = _weeks(past)
    if len(weeks) < 2:
        return _from_few_days(past, len(ahead), rng)
    changes = np.diff(weeks, axis=0)
    steps = _week_blocks(changes, len(ahead), rng).cumsum(axis=1)
    return _from_weeks(weeks[-1], steps, len(ahead))


def _from_few_days(past: Past, horizon: int, rng: np.random.Generator) -> Simulation:
    """Under two weeks of history: the last week, or the mean without one; errors are deviations from the mean."""
    values, length = past.series.to_numpy(), past.season
    week = values[-length:] if len(values) >= WEEK else np.full(length, values.mean())
    noise = rng.choice(values - values.mean(), (PATHS, -(-horizon // length), length))
    return _from_weeks(week, noise, horizon)


def weekday_average(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """Each day as the mean of its last eight weekdays; paths add the past errors of that rule, in whole weeks."""
    weeks = pd.DataFrame(_weeks(past))
    errors = (weeks - weeks.rolling(AVERAGE_WEEKS, min_periods=1).mean().shift()).iloc[1:].to_numpy()
    means = weeks.tail(AVERAGE_WEEKS).mean().to_numpy()
    return _from_weeks(means, _week_blocks(errors, len(ahead), rng), len(ahead))


def _weeks(past: Past) -> Floats:
    """The whole weeks of open days that end with the last day: weeks x days."""
    values, length = past.series.to_numpy(), past.season
    return np.asarray(values[len(values) % length :].reshape(-1, length))


def _week_blocks(errors: Floats, horizon: int, rng: np.random.Generator) -> Floats:
    """Recent weeks of errors, drawn whole to keep the correlation within a week: paths x weeks x days of a week."""
    recent = errors[-RECENT_WEEKS:]
    centred = recent - recent.mean()
    return np.asarray(centred[rng.integers(0, len(centred), (PATHS, -(-horizon // errors.shape[1])))])


def _from_weeks(week: Floats, errors: Floats, horizon: int) -> Simulation:
    point = np.tile(week, errors.shape[1])[:horizon]
    return Simulation(point, point + errors.reshape(PATHS, -1)[:, :horizon])


Model = Callable[[Past, pd.DatetimeIndex, np.random.Generator], Simulation | None]
MODELS: dict[str, Model] = {
    SEASONAL_NAIVE: seasonal_naive,
    WEEKDAY_AVERAGE: weekday_average,
    "ETS": ets,
    "log ETS": log_ets,
    "ARIMA": arima,
    "Theta": theta,
}
OPTIONAL: dict[str, Model] = {"prophet": prophet, "lightgbm": lightgbm}
MODELS |= {name: model for name, model in OPTIONAL.items() if find_spec(name)}


def simulate(model: str, past: Past, horizon: int, *, seed: int = 42) -> Simulation:
    """Simulate the next `horizon` days with a model, or with seasonal naive where the model cannot be fitted.

    Args:
        model: one of MODELS.
        past: the training data.
        horizon: days ahead, at least 1; closed days get no forecast.
        seed: the same seed gives the same paths.

    Raises:
        UsageError: unknown model, or a horizon below 1.
    """
    if model not in MODELS:
        raise UsageError(f"unknown forecast model {model!r}; expected one of {', '.join(MODELS)}.")
    check_horizon(horizon)
    rng, ahead = random_stream(seed, STREAM_NAMES.get(model, model)), past.days_ahead(horizon)
    if ahead.empty:  # for 0 steps, statsmodels 0.15 writes past the end of an array
        return Simulation(np.empty(0), np.empty((PATHS, 0)))
    if past.is_plain:
        return seasonal_naive(past, ahead, rng)
    with np.errstate(all="ignore"):  # the likelihood of a pattern without errors has the logarithm of 0
        found = MODELS[model](past, ahead, rng)
    if found is None or not (np.isfinite(found.point).all() and np.isfinite(found.paths).all()):
        return replace(seasonal_naive(past, ahead, rng), is_fallback=True)
    return found


def random_stream(seed: int, name: str) -> np.random.Generator:
    """A random generator per model name, independent of the draws of other models."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()),)))


def check_horizon(horizon: int) -> None:
    """Raise UsageError for a horizon below 1."""
    if horizon < 1:
        raise UsageError(f"horizon: {horizon} days; expected at least 1.")


def simulate_all(past: Past, horizon: int, *, seed: int = 42) -> dict[str, Simulation]:
    """Simulate the next `horizon` days with the ensemble and with each model, by name."""
    simulations = {model: simulate(model, past, horizon, seed=seed) for model in MODELS}
    return {ENSEMBLE: combine(simulations), **simulations}


def combine(simulations: Mapping[str, Simulation]) -> Simulation:
    """The ensemble: per day the median of smoothing (itself a median of three), ARIMA and the weekday average.

    Its paths are those of all these models, recentred on that median. Models whose fit failed are left out.
    """
    fitted = {name: one for name, one in simulations.items() if not one.is_fallback}
    groups = [[fitted[name] for name in group if name in fitted] for group in COMPONENTS]
    medians = [np.median([one.point for one in group], axis=0) for group in groups if group]
    point = np.maximum(np.median(medians, axis=0), 0.0)
    return Simulation(point, np.concatenate([one.paths - one.point + point for group in groups for one in group]))
