"""The table of models, all of one signature, and the combination of them that is published."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec

import numpy as np
import pandas as pd

from lib.analysis.forecast.baselines import seasonal_naive, weekday_mean
from lib.analysis.forecast.simulation import PATHS, SHORTEST_HISTORY, Past, Simulation, days_ahead, is_constant, stream
from lib.analysis.forecast.statistical import arima, ets, fallback, lightgbm, log_ets, prophet, theta
from lib.errors import UsageError

__all__ = ["BASELINE", "COMBINATION", "MODELS", "RIVAL", "combine", "is_plain", "simulate", "simulate_all"]

BASELINE, RIVAL, COMBINATION = "seasonal naive", "weekday mean", "combination"
Model = Callable[[Past, pd.DatetimeIndex, np.random.Generator], Simulation]
MODELS: dict[str, Model] = {
    BASELINE: seasonal_naive,
    RIVAL: weekday_mean,
    "ETS": ets,
    "log ETS": log_ets,
    "ARIMA": arima,
    "Theta": theta,
}
EXTRAS: dict[str, Model] = {"prophet": prophet, "lightgbm": lightgbm}  # beside the others where they are installed
MODELS |= {name: model for name, model in EXTRAS.items() if find_spec(name)}
# The three ways of smoothing err together: they have one voice, or they would outvote the others.
FAMILIES = (("ETS", "log ETS", "Theta"), ("ARIMA",), (RIVAL,))


def is_plain(past: Past) -> bool:
    """Whether only seasonal naive can be asked: less than eight weeks, or every day the same."""
    short = past.series.empty or (past.end - past.series.index[0]).days < SHORTEST_HISTORY
    return short or is_constant(past.series)


def simulate(model: str, past: Past, horizon: int, *, seed: int = 42) -> Simulation:
    """The model's word on the next days; seasonal naive's where the series bears no model.

    Raises UsageError for an unknown model and for a horizon of no days.
    """
    if model not in MODELS:
        raise UsageError(f"no model is called {model!r}; want one of {', '.join(MODELS)}")
    refuse_no_days(horizon)
    rng, ahead = stream(seed, model), days_ahead(past, horizon)
    if not len(ahead):  # all closed; asked for 0 days, statsmodels 0.15 writes past the end of an array
        return Simulation(np.empty(0), np.empty((PATHS, 0)))
    if is_plain(past):
        return seasonal_naive(past, ahead, rng)
    with np.errstate(all="ignore"):  # a pattern without any error has the logarithm of 0 as its likelihood
        found = MODELS[model](past, ahead, rng)
    finite = np.isfinite(found.point).all() and np.isfinite(found.paths).all()
    return found if finite else fallback(model, past, ahead, rng)


def refuse_no_days(horizon: int) -> None:
    """Raise UsageError for a horizon below 1."""
    if horizon < 1:
        raise UsageError(f"horizon is {horizon} days; want at least 1")


def simulate_all(past: Past, horizon: int, *, seed: int = 42) -> dict[str, Simulation]:
    """The word of the combination, and of each model, by name."""
    said = {model: simulate(model, past, horizon, seed=seed) for model in MODELS}
    return {COMBINATION: combine(said), **said}


def combine(said: Mapping[str, Simulation]) -> Simulation:
    """The median of three voices, each day: smoothing (the median of its three), ARIMA, the mean of eight weeks.

    Its futures are those of all these models, moved to that median. A model whose fit failed has no voice.
    """
    families = [[said[name] for name in family if name in said and not said[name].note] for family in FAMILIES]
    voices = [np.median([one.point for one in family], axis=0) for family in families if family]
    point = np.maximum(np.median(voices, axis=0), 0.0)
    return Simulation(point, np.concatenate([one.paths - one.point + point for family in families for one in family]))
