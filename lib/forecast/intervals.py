"""Intervals from simulated futures: of each day, of the total, and how far to stretch them by what the past showed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lib.forecast.simulation import LEVELS, Simulation

__all__ = ["frame", "reach", "stretch", "total_interval", "within"]

LEAST, MOST = 0.5, 3.0  # a few windows shall not blow an interval up, nor make it vanish


def frame(simulation: Simulation, days: pd.DatetimeIndex) -> pd.DataFrame:
    """By date: forecast, lower_80, upper_80, lower_95, upper_95; nothing below 0."""
    point = np.maximum(simulation.point, 0.0)
    columns = {"forecast": point}
    for level in LEVELS:
        columns[f"lower_{level}"], columns[f"upper_{level}"] = _bounds(simulation.paths, level, point)
    return pd.DataFrame(columns, index=days.rename("date"))


def total_interval(simulation: Simulation, level: int) -> tuple[float, float]:
    """Interval of the horizon's total, from the totals of the futures: days move together, so bounds do not add up."""
    total = np.maximum(simulation.point, 0.0).sum()
    lower, upper = _bounds(simulation.paths.sum(axis=1), level, total)
    return float(lower), float(upper)


def _bounds(paths: np.ndarray, level: int, point: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """The quantiles that hold `level` percent of the paths, not below 0, widened to a point that lies outside."""
    tail = (1 - level / 100) / 2
    lower, upper = np.quantile(paths, [tail, 1 - tail], axis=0)
    return np.clip(lower, 0.0, point), np.maximum(upper, point)


def reach(actual: np.ndarray, simulation: Simulation) -> np.ndarray:
    """Distance of each day from its forecast in units of the interval's on that side: levels x days, 1 at the bound."""
    tails = [tail for level in LEVELS for tail in ((1 - level / 100) / 2, (1 + level / 100) / 2)]
    bounds = np.abs(np.quantile(simulation.paths - simulation.point, tails, axis=0))
    error = actual - simulation.point
    width = np.where(error > 0, bounds[1::2], bounds[::2])
    return np.abs(error) / np.maximum(width, 1e-9 * (1 + np.abs(simulation.point)))


def stretch(reaches: Sequence[np.ndarray]) -> float:
    """How far to stretch the futures: half way from 1 to what would have made the intervals of these tests right.

    Each test is a result of reach(); without any the factor is 1. Half way, since what a few windows ask for is itself
    uncertain: the average of the model's own width and the one that fits the tests was best on real series.
    """
    if not reaches:
        return 1.0
    wanted = [np.quantile(days, level / 100) for days, level in zip(np.hstack(reaches), LEVELS, strict=True)]
    return float(np.clip((1 + np.mean(wanted)) / 2, LEAST, MOST))


def within(actual: np.ndarray, simulation: Simulation) -> np.ndarray:
    """For each day the smallest central interval of the futures that holds what came, 0 to 1."""
    below = (simulation.paths < actual).mean(axis=0)
    equal = (simulation.paths == actual).mean(axis=0)
    return np.abs(2 * below + equal - 1)
