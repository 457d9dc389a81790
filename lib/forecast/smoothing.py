"""Exponential smoothing: ETS, ETS of logarithms, and the Theta method; errors of the past make the futures."""

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from lib.forecast.fitting import fallback, fit
from lib.forecast.simulation import PATHS, STARTED, Past, Simulation, recent, season

__all__ = ["ets", "log_ets", "theta"]

CLOSE = {"maxiter": 1_000, "pgtol": 1e-8, "factr": 1e3}  # a search that ends near the optimum, not on the way to it


def ets(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """Additive exponential smoothing with a weekly season, damped trend or none by AICc; bootstrapped errors."""
    return _smoothed(past.series, len(ahead), rng) or fallback("ETS", past, ahead, rng)


def log_ets(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """ETS of the logarithm of (sales + a tenth of the mean day), so that effects multiply; medians, carried back."""
    sales = past.series.clip(lower=0)
    start = STARTED * sales.mean()
    found = _smoothed(np.log(sales + start), len(ahead), rng) if start else None
    if found is None:
        return fallback("log ETS", past, ahead, rng)
    highest = np.log(10 * sales.max())  # a future of ten times the best day is the logarithm's, not the shop's
    point, paths = (np.exp(np.minimum(logs, highest)) - start for logs in (found.point, found.paths))
    return Simulation(point, paths)


def _smoothed(series: pd.Series, horizon: int, rng: np.random.Generator) -> Simulation | None:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel  # a second to import, and only here

    # First states to search for besides leave several optima, and the processor decides which one is found.
    options = {"error": "add", "seasonal": "add", "seasonal_periods": season(series)}
    options |= {"initialization_method": "heuristic"}
    trends = [{"trend": None}, {"trend": "add", "damped_trend": True}]
    fits = [fit(ETSModel(series.reset_index(drop=True), **options, **trend), **CLOSE) for trend in trends]
    fits = [found for found in fits if found is not None]
    if not fits:
        return None
    best = min(fits, key=lambda found: found.aicc)
    shocks = rng.choice(
        recent(best.resid.to_numpy(), season(series)), (horizon, PATHS)
    )  # centred, or the level drifts off
    paths = best.simulate(horizon, anchor="end", repetitions=PATHS, random_errors=shocks)
    return Simulation(best.forecast(horizon).to_numpy(), paths.to_numpy().T)


def theta(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """The Theta method: simple smoothing with half the slope of the line, on sales less their weekday's effect.

    Assimakopoulos and Nikolopoulos, Int. J. Forecasting 16 (2000). Its futures are those of simple smoothing, by
    bootstrapped errors: the intervals of statsmodels' ThetaModel hold 99 of 100 days where 80 are meant.
    """
    from statsmodels.tsa.forecasting.theta import ThetaModel
    from statsmodels.tsa.seasonal import seasonal_decompose

    series, length, horizon = past.series.reset_index(drop=True), season(past.series), len(ahead)
    effects = seasonal_decompose(series, period=length).seasonal.to_numpy()
    level = series - effects
    found = fit(ThetaModel(level, deseasonalize=False))
    if found is None:
        return fallback("Theta", past, ahead, rng)
    alpha = float(found.params["alpha"])
    point = found.forecast(horizon).to_numpy() + np.resize(effects[-length:], horizon)
    shocks = rng.choice(recent(_one_step_errors(level.to_numpy(), alpha), length), (PATHS, horizon))
    carried = np.cumsum(alpha * shocks, axis=1) - alpha * shocks  # what the errors of the days before left behind
    return Simulation(point, point + carried + shocks)


def _one_step_errors(level: np.ndarray, alpha: float) -> np.ndarray:
    """Errors of simple exponential smoothing from the day before, less their mean."""
    smoothed, _ = lfilter([alpha], [1, alpha - 1], level, zi=[(1 - alpha) * level[0]])
    return level[1:] - smoothed[:-1]
