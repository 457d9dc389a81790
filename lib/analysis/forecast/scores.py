"""How good a forecast was: one function per measure, each of what came and what was said."""

import numpy as np
import pandas as pd

from lib.analysis.forecast.simulation import LEVELS, Simulation, season

__all__ = ["QUANTILES", "coverage", "mase", "naive_scale", "pinball", "smape", "total_error", "wape"]

QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)


def naive_scale(train: pd.Series) -> float:
    """Mean absolute difference of a day to a week before within the training days: the unit of MASE."""
    return float(train.diff(season(train)).abs().mean())


def mase(actual: np.ndarray, said: np.ndarray, scale: float) -> float:
    """Mean absolute scaled error (Hyndman and Koehler 2006): 1 is as wrong as seasonal naive is one day ahead."""
    return _ratio(np.abs(actual - said).mean(), scale)


def wape(actual: np.ndarray, said: np.ndarray) -> float:
    """Sum of the absolute errors over the sum of the values."""
    return _ratio(np.abs(actual - said).sum(), np.abs(actual).sum())


def smape(actual: np.ndarray, said: np.ndarray) -> float:
    """Mean of 2 |error| / (|actual| + |said|), from 0 to 2; a day on which both are 0 has no error."""
    both = np.abs(actual) + np.abs(said)
    return float(np.mean(np.where(both > 0, 2 * np.abs(actual - said) / np.where(both > 0, both, 1), 0.0)))


def total_error(actual: np.ndarray, said: np.ndarray) -> float:
    """Absolute error of the horizon's total over that total."""
    return _ratio(abs(actual.sum() - said.sum()), abs(actual.sum()))


def pinball(actual: np.ndarray, simulation: Simulation, scale: float) -> float:
    """Twice the mean pinball loss over QUANTILES, in units of `scale`: one number for point and interval."""
    said = np.maximum(np.quantile(simulation.paths, QUANTILES, axis=0), 0.0)
    weights, over = np.array(QUANTILES)[:, None], actual - said
    return _ratio(2 * np.maximum(weights * over, (weights - 1) * over).mean(), scale)


def coverage(actual: np.ndarray, frame: pd.DataFrame) -> dict[str, float]:
    """Share of the days inside the interval, for each of LEVELS."""
    return {
        f"coverage_{n}": float(((actual >= frame[f"lower_{n}"]) & (actual <= frame[f"upper_{n}"])).mean())
        for n in LEVELS
    }


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else np.nan
