"""Seasonal ARIMA, with the holidays that have been seen before as regressors."""

import numpy as np
import pandas as pd

from lib.forecast.fitting import fallback, fit
from lib.forecast.simulation import PATHS, Past, Simulation, recent, season

__all__ = ["arima"]

# Exact gradients and a search that ends at the optimum: on the way to it, the processor decides the second digit.
CLOSE = {"maxiter": 1_000, "optim_score": "approx", "pgtol": 1e-6, "factr": 1e3}


def arima(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """SARIMAX(1,0,1)(0,1,1) of a week; futures let past one-step errors run through the model's impulse responses."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX  # a second to import, and only here

    scale = past.series.std()  # values near 1 and a variance solved for, not searched: a third of the time
    known, coming = _regressors(past, ahead)
    values = (past.series / scale).reset_index(drop=True)
    order = {"order": (1, 0, 1), "seasonal_order": (0, 1, 1, max(season(past.series), 2))}
    found = fit(SARIMAX(values, exog=known, concentrate_scale=True, **order), **CLOSE)
    if found is None:
        return fallback("ARIMA", past, ahead, rng)
    point = scale * found.forecast(len(ahead), exog=coming).to_numpy()
    errors = scale * found.resid.to_numpy()[found.loglikelihood_burn :]
    shocks = rng.choice(recent(errors, season(past.series)), (PATHS, len(ahead)))
    return Simulation(point, point + shocks @ _spread(found, len(ahead)))


def _spread(found: object, horizon: int) -> np.ndarray:
    """How an error of a day (row) moves the days after it (columns)."""
    response = np.asarray(found.impulse_responses(horizon)).ravel()  # statsmodels 0.15 has no answer to 0 steps
    return np.array([np.pad(response[: horizon - day], (day, 0)) for day in range(horizon)])


def _regressors(past: Past, ahead: pd.DatetimeIndex) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """A column of 0 and 1 per holiday of the coming days that the past has seen, for the past and for those days."""
    then, coming = (past.holidays.reindex(days).reset_index(drop=True) for days in (past.series.index, ahead))
    names = sorted(set(then.dropna()) & set(coming.dropna()))
    if not names:
        return None, None
    known, due = (pd.DataFrame({name: (days == name).astype(float) for name in names}) for days in (then, coming))
    return known, due.set_axis(range(len(then), len(then) + len(due)))
