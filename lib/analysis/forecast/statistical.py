"""Models fitted by libraries: exponential smoothing, Theta and ARIMA of statsmodels; optionally Prophet and LightGBM.

Each takes the past, the open days ahead and a random generator, and returns None if the fit fails.
The libraries are imported inside the functions, because importing one takes about a second.
"""

import logging
import warnings
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.signal import lfilter
from threadpoolctl import ThreadpoolController

from lib.analysis.forecast.simulation import LOG_OFFSET, PATHS, WEEK, Floats, Past, Simulation, recent_errors

__all__ = ["arima", "ets", "fit", "lightgbm", "log_ets", "log_likelihood", "prophet", "theta"]

# Both searches must end at the optimum: on the way to it, rounding in the processor changes the second digit.
SMOOTHING_SEARCH = {"maxiter": 1_000, "pgtol": 1e-8, "factr": 1e3}
ARIMA_SEARCH = {"maxiter": 1_000, "optim_score": "approx", "pgtol": 1e-6, "factr": 1e3}
MOST_SMEARING = 2.0
LARGEST_AR = 1 - 1e-9
LAGS = (1, 2, 3, 4, 8)  # weeks before the origin that LightGBM gets as features
TREES = 200
TREE_OPTIONS = {
    "objective": "quantile", "alpha": 0.5, "num_leaves": 15, "learning_rate": 0.05,
    "num_threads": 1, "deterministic": True, "verbosity": -1,
}  # fmt: skip


def fit(model: Any, **options: Any) -> Any | None:
    """The fitted statsmodels model, or None if the search for its parameters does not converge."""
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    # The matrices are tiny: more than one thread makes a fit ten times slower.
    with warnings.catch_warnings(), _thread_pools().limit(limits=1, user_api="blas"):
        warnings.simplefilter("error", ConvergenceWarning)
        # It concerns the start of the search only; convergence is checked at its end.
        warnings.filterwarnings("ignore", "Non-(stationary|invertible) starting", UserWarning)
        try:
            return model.fit(disp=False, **options)
        except (ConvergenceWarning, np.linalg.LinAlgError):
            return None


@cache
def _thread_pools() -> ThreadpoolController:
    """The libraries with threads; finding them takes 10 ms."""
    return ThreadpoolController()


def ets(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation | None:
    """Additive exponential smoothing with a weekly season; damped trend or none, by AICc; bootstrapped errors."""
    return _smoothed(past.series, past.season, len(ahead), rng)


def log_ets(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation | None:
    """ETS of log(sales + a tenth of the mean day), so that effects multiply; the point is a mean, not a median.

    The back-transformed median is multiplied by the mean of exp(error) of the first week ahead: the smearing estimate
    of Duan, J. Amer. Statist. Assoc. 78 (1983). The errors of later weeks accumulate and would let it explode.
    """
    sales = past.series.clip(lower=0)
    offset = LOG_OFFSET * sales.mean()
    found = _smoothed(np.log(sales + offset), past.season, len(ahead), rng) if offset else None
    if found is None:
        return None
    highest = np.log(10 * sales.max())  # beyond ten times the best day, a path is an artefact of the logarithm
    point, paths = (np.exp(np.minimum(logs, highest)) for logs in (found.point, found.paths))
    smearing = (paths[:, : past.season].mean(axis=0) / point[: past.season]).mean()
    return Simulation(point * np.clip(smearing, 1, MOST_SMEARING) - offset, paths - offset)


def _smoothed(series: pd.Series, season: int, horizon: int, rng: np.random.Generator) -> Simulation | None:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    # Estimating the initial states too has several optima, and rounding in the processor decides which is found.
    common: dict[str, Any] = {"error": "add", "seasonal": "add", "initialization_method": "heuristic"}
    trends: list[dict[str, Any]] = [{"trend": None}, {"trend": "add", "damped_trend": True}]
    values = series.reset_index(drop=True)
    models = [ETSModel(values, seasonal_periods=season, **common, **trend) for trend in trends]
    fits = [found for model in models if (found := fit(model, **SMOOTHING_SEARCH)) is not None]
    if not fits:
        return None
    best = min(fits, key=lambda found: float(found.aicc))
    shocks = rng.choice(recent_errors(best.resid.to_numpy(), season), (horizon, PATHS))
    paths = best.simulate(horizon, anchor="end", repetitions=PATHS, random_errors=shocks)
    return Simulation(best.forecast(horizon).to_numpy(), paths.to_numpy().T)


def theta(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation | None:
    """The Theta method: simple smoothing with half the slope of the line, on sales less the weekday's effect.

    Assimakopoulos and Nikolopoulos, Int. J. Forecasting 16 (2000). The paths are those of simple smoothing with
    bootstrapped errors: the 80 % intervals of statsmodels' ThetaModel cover 99 % of the days.
    """
    from statsmodels.tsa.forecasting.theta import ThetaModel
    from statsmodels.tsa.seasonal import seasonal_decompose

    series, horizon = past.series.reset_index(drop=True), len(ahead)
    effects = seasonal_decompose(series, period=past.season).seasonal.to_numpy()
    level = series - effects
    found = fit(ThetaModel(level, deseasonalize=False))
    if found is None:
        return None
    alpha = float(found.params["alpha"])
    point = found.forecast(horizon).to_numpy() + np.resize(effects[-past.season :], horizon)
    errors = _one_step_errors(level.to_numpy(), alpha)
    shocks = rng.choice(recent_errors(errors, past.season), (PATHS, horizon))
    carried = np.cumsum(alpha * shocks, axis=1) - alpha * shocks  # effect of the earlier shocks on the level
    return Simulation(point, point + carried + shocks)


def _one_step_errors(level: Floats, alpha: float) -> Floats:
    """One-step-ahead errors of simple exponential smoothing."""
    smoothed, _ = lfilter([alpha], [1, alpha - 1], level, zi=[(1 - alpha) * level[0]])
    return np.asarray(level[1:] - smoothed[:-1])


def arima(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation | None:
    """SARIMAX(1,0,1)(0,1,1) with a weekly season; paths propagate past one-step errors by the impulse responses."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    scale = past.series.std()  # values near 1 and a variance that is solved for take a third of the time
    values = (past.series / scale).reset_index(drop=True)
    season = max(past.season, 2)
    orders = {"order": (1, 0, 1), "seasonal_order": (0, 1, 1, season), "concentrate_scale": True}
    search = SARIMAX(values, simple_differencing=True, **orders)
    search.ssm.loglike = partial(log_likelihood, search.ssm)
    parameters = fit(search, return_params=True, **ARIMA_SEARCH)
    if parameters is None:
        return None
    found = SARIMAX(values, **orders).filter(parameters, cov_type="none")
    point = scale * found.forecast(len(ahead)).to_numpy()
    errors = scale * found.resid.to_numpy()[found.loglikelihood_burn :]
    shocks = rng.choice(recent_errors(errors, past.season), (PATHS, len(ahead)))
    return Simulation(point, point + shocks @ _propagation(found, season, len(ahead)))


def log_likelihood(model: Any, **_options: Any) -> Any:
    """Log-likelihood of an ARMA(1, q) at its best variance, in a tenth of the time of the Kalman filter.

    The innovations algorithm: Brockwell and Davis, Time Series: Theory and Methods (1991), section 8.7.

    Args:
        model: a state space model of statsmodels that holds the differenced series and the parameters.
    """
    from statsmodels.tsa.innovations.arma_innovations import arma_innovations

    # Near the border the search rounds to 1, for which there is no stationary likelihood.
    autoregressive = np.clip(model["transition"][:1, 0], -LARGEST_AR, LARGEST_AR)
    moving_average = model["selection"][1:, 0]
    errors, variances = arma_innovations(model.endog[0] - model["obs_intercept"][0], autoregressive, moving_average)
    variance = (errors**2 / variances).mean()
    return -(len(errors) * (np.log(2 * np.pi * variance) + 1) + np.log(variances).sum()) / 2


def _propagation(found: Any, season: int, horizon: int) -> Floats:
    """How an error on one day (row) moves the days from then on (columns): MA / (AR x seasonal difference)."""
    differenced = np.convolve(found.polynomial_reduced_ar, [1, *[0] * (season - 1), -1])
    response = lfilter(found.polynomial_reduced_ma, differenced, np.eye(1, horizon)[0])
    return np.array([np.pad(response[: horizon - day], (day, 0)) for day in range(horizon)])


def prophet(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """Prophet with its own defaults and paths, and the holidays as its regressors."""
    from prophet import Prophet

    logging.getLogger("cmdstanpy").setLevel(logging.WARNING)
    known = past.holidays.rename("holiday").rename_axis("ds").reset_index() if len(past.holidays) else None
    model = Prophet(uncertainty_samples=PATHS, holidays=known)
    coming = pd.DataFrame({"ds": ahead})
    np.random.seed(int(rng.integers(2**31)))  # noqa: NPY002 - Prophet draws from numpy's one global stream
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Prophet 1.5 uses functions that pandas 3.1 drops
        model.fit(past.series.rename("y").rename_axis("ds").reset_index(), seed=int(rng.integers(2**31)))
        point = model.predict(coming)["yhat"].to_numpy()
        return Simulation(point, model.predictive_samples(coming)["yhat"].T)


def lightgbm(past: Past, ahead: pd.DatetimeIndex, rng: np.random.Generator) -> Simulation:
    """Boosted trees of the weekday and of past weeks, one prediction per day ahead; paths add recent errors."""
    from lightgbm import Dataset, train

    values, scale = past.series.to_numpy(), max(past.series.mean(), 1e-9)
    steps = np.arange(1, len(ahead) + 1)
    origins = range(max(LAGS) * past.season, len(values) - len(steps))
    features = np.concatenate([_features(values / scale, origin, steps, past.season) for origin in origins])
    observed = np.concatenate([values[origin + steps - 1] / scale for origin in origins])
    model = train(
        {**TREE_OPTIONS, "seed": int(rng.integers(2**31))}, Dataset(features, observed), num_boost_round=TREES
    )
    point = scale * model.predict(_features(values / scale, len(values), steps, past.season))
    errors = scale * (observed - model.predict(features)).reshape(len(origins), len(steps))
    blocks = recent_errors(errors, WEEK)
    return Simulation(point, point + blocks[rng.integers(0, len(blocks), PATHS)])


def _features(values: Floats, origin: int, steps: npt.NDArray[np.int_], season: int) -> Floats:
    """Per day ahead: the step, the weekday, and for each of LAGS that week's same weekday and the mean since then."""
    same = [values[origin - lag * season + (steps - 1) % season] for lag in LAGS]
    means = [np.full(len(steps), values[origin - lag * season : origin].mean()) for lag in LAGS]
    return np.column_stack([steps, (origin + steps) % season, *same, *means])
