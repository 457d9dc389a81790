"""Two models of libraries that the workbook does not need; beside the others where they are installed."""

import logging
import warnings

import numpy as np
import pandas as pd

from lib.forecast.simulation import PATHS, WEEK, Past, Simulation, recent, season

__all__ = ["lightgbm", "prophet"]

AGES = (1, 2, 3, 4, 8)  # weeks back from the origin: the values that the trees see
TREES = 200
OPTIONS = {
    "objective": "quantile", "alpha": 0.5, "num_leaves": 15, "learning_rate": 0.05,
    "num_threads": 1, "deterministic": True, "verbosity": -1,
}  # fmt: skip


def prophet(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """Prophet with its own defaults and futures, and the holidays as its regressors."""
    from prophet import Prophet

    logging.getLogger("cmdstanpy").setLevel(logging.WARNING)
    known = past.holidays.rename("holiday").rename_axis("ds").reset_index() if len(past.holidays) else None
    model = Prophet(uncertainty_samples=PATHS, holidays=known)
    coming = pd.DataFrame({"ds": ahead})
    np.random.seed(int(rng.integers(2**31)))  # noqa: NPY002 - Prophet draws from numpy's one global stream
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Prophet 1.5 uses what pandas 3.1 will drop
        model.fit(past.series.rename("y").rename_axis("ds").reset_index(), seed=int(rng.integers(2**31)))
        point = model.predict(coming)["yhat"].to_numpy()
        return Simulation(point, model.predictive_samples(coming)["yhat"].T)


def lightgbm(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """Boosted trees of the weekday and of past weeks, asked for each day ahead; futures add recent errors."""
    from lightgbm import Dataset, train

    length = season(past.series)
    values, scale = past.series.to_numpy(), max(past.series.mean(), 1e-9)
    steps = np.arange(1, len(ahead) + 1)
    origins = np.arange(max(AGES) * length, len(values) - len(steps))
    seen = np.concatenate([_features(values / scale, origin, steps, length) for origin in origins])
    came = np.concatenate([values[origin + steps - 1] / scale for origin in origins])
    model = train({**OPTIONS, "seed": int(rng.integers(2**31))}, Dataset(seen, came), num_boost_round=TREES)
    point = scale * model.predict(_features(values / scale, len(values), steps, length))
    errors = scale * (came - model.predict(seen)).reshape(len(origins), len(steps))
    blocks = recent(errors, WEEK)
    return Simulation(point, point + blocks[rng.integers(0, len(blocks), PATHS)])


def _features(values: np.ndarray, origin: int, steps: np.ndarray, length: int) -> np.ndarray:
    """Per day ahead of the origin: the step, the same weekday and the weekly mean of some weeks before the origin."""
    same = [values[origin - age * length + (steps - 1) % length] for age in AGES]
    means = [np.full(len(steps), values[origin - age * length : origin].mean()) for age in AGES]
    return np.column_stack([steps, (origin + steps) % length, *same, *means])
