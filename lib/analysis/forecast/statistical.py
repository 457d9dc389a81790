"""Fits a model of statsmodels: one thread, and a search that does not converge is no fit."""

import logging
import warnings

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from threadpoolctl import threadpool_limits

from lib.analysis.forecast.baselines import seasonal_naive
from lib.analysis.forecast.simulation import PATHS, STARTED, WEEK, Past, Simulation, recent, season

__all__ = ["arima", "ets", "fallback", "fit", "lightgbm", "log_ets", "prophet", "theta"]


def fit(model: object, **options: object) -> object | None:
    """The fitted model, None where the search for its parameters fails."""
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    # The matrices are tiny: more than one thread makes a fit ten times slower.
    with warnings.catch_warnings(), threadpool_limits(1, "blas"):
        warnings.simplefilter("error", ConvergenceWarning)
        # Only the start of the search is meant; where it ends is checked by convergence.
        warnings.filterwarnings("ignore", "Non-(stationary|invertible) starting", UserWarning)
        try:
            return model.fit(disp=False, **options)
        except (ConvergenceWarning, np.linalg.LinAlgError):
            return None


def fallback(model: str, past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """Seasonal naive's figures, with a note that says so."""
    simple = seasonal_naive(past, ahead, rng)
    return Simulation(
        simple.point, simple.paths, f" The fit of {model} failed; these are the figures of seasonal naive."
    )


SMOOTHING_SEARCH = {
    "maxiter": 1_000,
    "pgtol": 1e-8,
    "factr": 1e3,
}  # a search that ends near the optimum, not on the way to it


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
    fits = [fit(ETSModel(series.reset_index(drop=True), **options, **trend), **SMOOTHING_SEARCH) for trend in trends]
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


# Exact gradients and a search that ends at the optimum: on the way to it, the processor decides the second digit.
ARIMA_SEARCH = {"maxiter": 1_000, "optim_score": "approx", "pgtol": 1e-6, "factr": 1e3}


def arima(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """SARIMAX(1,0,1)(0,1,1) of a week; futures let past one-step errors run through the model's impulse responses."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX  # a second to import, and only here

    scale = past.series.std()  # values near 1 and a variance solved for, not searched: a third of the time
    known, coming = _regressors(past, ahead)
    values = (past.series / scale).reset_index(drop=True)
    order = {"order": (1, 0, 1), "seasonal_order": (0, 1, 1, max(season(past.series), 2))}
    found = fit(SARIMAX(values, exog=known, concentrate_scale=True, **order), **ARIMA_SEARCH)
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
