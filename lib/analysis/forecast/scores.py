"""Accuracy measures of a forecast: one function per measure, each of observed and predicted values."""

import numpy as np
import pandas as pd

from lib.analysis.forecast.simulation import LEVELS, Floats, Past, Simulation

__all__ = ["QUANTILES", "coverage", "mase", "naive_scale", "pinball", "smape", "total_error", "wape"]

QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)


def naive_scale(train: Past) -> float:
    """Mean absolute week-on-week change within the training days: the unit of MASE."""
    return float(train.series.diff(train.season).abs().mean())


def mase(observed: Floats, predicted: Floats, scale: float) -> float:
    """Mean absolute scaled error (Hyndman and Koehler 2006): 1 is the error of seasonal naive on the training days."""
    return _ratio(np.abs(observed - predicted).mean(), scale)


def wape(observed: Floats, predicted: Floats) -> float:
    """Weighted absolute percentage error: sum of the absolute errors / sum of the observed values."""
    return _ratio(np.abs(observed - predicted).sum(), np.abs(observed).sum())


def smape(observed: Floats, predicted: Floats) -> float:
    """Symmetric MAPE: mean of 2 |error| / (|observed| + |predicted|), 0 to 2; 0 for a day on which both are 0."""
    both = np.abs(observed) + np.abs(predicted)
    return float(np.mean(np.where(both > 0, 2 * np.abs(observed - predicted) / np.where(both > 0, both, 1), 0.0)))


def total_error(observed: Floats, predicted: Floats) -> float:
    """Absolute error of the horizon's total / the observed total."""
    return _ratio(abs(observed.sum() - predicted.sum()), abs(observed.sum()))


def pinball(observed: Floats, simulation: Simulation, scale: float) -> float:
    """Twice the mean pinball loss over QUANTILES, in units of `scale`: scores point and interval together."""
    predicted = np.maximum(np.quantile(simulation.paths, QUANTILES, axis=0), 0.0)
    levels, error = np.array(QUANTILES)[:, None], observed - predicted
    return _ratio(2 * np.maximum(levels * error, (levels - 1) * error).mean(), scale)


def coverage(observed: Floats, frame: pd.DataFrame) -> dict[str, float]:
    """Share of the days inside the interval, for each of LEVELS."""
    return {
        f"coverage_{n}": float(((observed >= frame[f"lower_{n}"]) & (observed <= frame[f"upper_{n}"])).mean())
        for n in LEVELS
    }


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else np.nan
