"""Looks ahead: a daily series goes in; a forecast with intervals, and the proof of it on the series' past, come out."""

import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from lib.errors import UsageError

__all__ = [
    "MODELS",
    "Forecast",
    "Simulation",
    "backtest",
    "daily_series",
    "forecast",
    "holdout",
    "predict",
    "simulate",
    "trend",
]

WEEK = 7
SHORTEST_HISTORY = 56  # days; eight weeks are the least that a model with a weekly pattern is fitted on
PATHS = 1_000  # simulated futures per forecast
LEVELS = (80, 95)  # percent
BASELINE, DEFAULT = "seasonal naive", "ETS"
CLOSE = {"maxiter": 1_000, "pgtol": 1e-8, "factr": 1e3}  # a search that ends near the optimum, not on the way to it


@dataclass(frozen=True)
class Simulation:
    """What a model says: the expected value of each coming day, simulated futures (paths x days), a note on the fit."""

    point: np.ndarray
    paths: np.ndarray
    note: str = ""


@dataclass(frozen=True)
class Forecast:
    """The published forecast: per day (frame) and for the whole horizon, with the reason for the choice of model."""

    model: str
    frame: pd.DataFrame
    total: float
    total_80: tuple[float, float]
    total_95: tuple[float, float]
    reason: str


def daily_series(daily: pd.DataFrame, as_of: date) -> pd.Series:
    """Revenue per day from the first day with revenue to the day before as_of; days without a row are 0."""
    dates = pd.to_datetime(daily["date"]).astype("datetime64[us]")
    revenue = pd.Series(daily["revenue"].to_numpy(dtype=float), index=pd.DatetimeIndex(dates)).groupby(level=0).sum()
    revenue = revenue[revenue.index < pd.Timestamp(as_of)]
    sold = revenue[revenue != 0] if revenue.any() else revenue
    first = sold.index.min() if len(sold) else pd.Timestamp(as_of)
    life = pd.date_range(first, pd.Timestamp(as_of), freq="D", inclusive="left", name="date", unit="us")
    return revenue.reindex(life, fill_value=0.0).rename("revenue")


def forecast(series: pd.Series, horizon: int = 30, *, scores: pd.DataFrame | None = None, seed: int = 42) -> Forecast:
    """The next `horizon` days by ETS, or by seasonal naive where ETS has not earned it (`scores`: of backtest)."""
    _refuse_no_days(horizon)
    if series.empty:
        nothing = _frame(Simulation(np.empty(0), np.empty((1, 0))), series.index)
        return Forecast("none", nothing, 0.0, (0.0, 0.0), (0.0, 0.0), "No forecast, since no day has had revenue yet.")
    model, reason = _choose(series, backtest(series, horizon, seed=seed) if scores is None else scores)
    simulation = simulate(model, series, horizon, rng=_stream(seed, model))
    frame = _frame(simulation, _days_after(series, horizon))
    total = float(frame["forecast"].sum())
    return Forecast(model, frame, total, *_total_intervals(simulation, total), f"{reason}{simulation.note}")


def _choose(series: pd.Series, scores: pd.DataFrame) -> tuple[str, str]:
    """Name of the model to publish and the reason, a sentence."""
    if len(series) < SHORTEST_HISTORY:
        return (
            BASELINE,
            f"Seasonal naive, since history is {len(series)} of the {SHORTEST_HISTORY} days {DEFAULT} needs.",
        )
    if _is_constant(series):
        return BASELINE, f"Seasonal naive, since every day so far brought the same {series.iloc[0]:,.2f}."
    if scores.empty:
        return BASELINE, f"Seasonal naive, since {len(series)} days of history are too few to test {DEFAULT} on."
    ours, simple = scores.loc[DEFAULT], scores.loc[BASELINE]
    tests = f"{int(ours['windows'])} test{'s' if ours['windows'] > 1 else ''} on the past"
    if not ours["mase"] < simple["mase"]:
        return BASELINE, f"Seasonal naive, since {DEFAULT} did not beat it in {tests}."
    return DEFAULT, f"{DEFAULT}, whose error in {tests} was {ours['skill']:.0%} below that of seasonal naive."


def _total_intervals(simulation: Simulation, total: float) -> list[tuple[float, float]]:
    """Intervals of the horizon's total, from the totals of the paths: days move together, so bounds do not add up."""
    totals = simulation.paths.sum(axis=1)
    return [tuple(float(bound) for bound in _bounds(totals, level, total)) for level in LEVELS]


def backtest(series: pd.Series, horizon: int = 30, *, origins: int = 4, step: int = 28, seed: int = 42) -> pd.DataFrame:
    """One row per model, the mean over rolling origins: mase, wape, total_error, coverage_80, coverage_95, skill.

    mase: MAE over the MAE of seasonal naive within the training days. wape: sum of absolute errors over sum of values.
    total_error: absolute error of the horizon's total over that total. coverage: share of days inside the interval.
    skill: 1 - mase over the mase of seasonal naive. windows: origins used; fallbacks: of these, fits that failed.
    Empty where the history is too short for one window after 56 days of training.
    """
    columns = ["mase", "wape", "total_error", *(f"coverage_{level}" for level in LEVELS), "fallbacks"]
    rows = [
        {"model": model, **_score(train, actual, simulate(model, train, horizon, rng=_stream(seed, model)))}
        for train, actual in _windows(series, horizon, origins, step)
        for model in MODELS
    ]
    by_model = pd.DataFrame(rows, columns=["model", *columns]).groupby("model", sort=False)
    scores = by_model[columns].mean().assign(fallbacks=by_model["fallbacks"].sum(), windows=by_model.size())
    baseline = scores["mase"].get(BASELINE, np.nan)
    return scores.assign(skill=1 - scores["mase"] / (baseline or np.nan))


def _windows(series: pd.Series, horizon: int, origins: int, step: int) -> Iterator[tuple[pd.Series, pd.Series]]:
    """Training days and the `horizon` days after them, the latest first."""
    _refuse_no_days(horizon)
    for end in range(len(series) - horizon, SHORTEST_HISTORY - 1, -step)[:origins]:
        yield series.iloc[:end], series.iloc[end : end + horizon]


def _score(train: pd.Series, actual: pd.Series, simulation: Simulation) -> dict[str, float]:
    frame = _frame(simulation, actual.index)
    miss = (actual - frame["forecast"]).abs()
    total = actual.sum()
    return {
        "mase": _ratio(miss.mean(), train.diff(WEEK).abs().mean()),
        "wape": _ratio(miss.sum(), actual.abs().sum()),
        "total_error": _ratio(abs(total - frame["forecast"].sum()), abs(total)),
        **{f"coverage_{n}": actual.between(frame[f"lower_{n}"], frame[f"upper_{n}"]).mean() for n in LEVELS},
        "fallbacks": int(bool(simulation.note)),
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else np.nan


def holdout(series: pd.Series, horizon: int = 30, *, seed: int = 42) -> pd.DataFrame:
    """The last `horizon` days: what came (actual) beside what each model would have said the day before, by date."""
    for train, actual in _windows(series, horizon, 1, 1):
        said = {model: predict(model, train, horizon, seed=seed)["forecast"] for model in MODELS}
        return pd.DataFrame({"actual": actual, **said})
    return pd.DataFrame(columns=["actual", *MODELS], index=series.index[:0], dtype=float)


def predict(model: str, series: pd.Series, horizon: int = 30, *, seed: int = 42) -> pd.DataFrame:
    """The next `horizon` days by date: forecast, lower_80, upper_80, lower_95, upper_95; nothing below 0."""
    return _frame(simulate(model, series, horizon, rng=_stream(seed, model)), _days_after(series, horizon))


def simulate(model: str, series: pd.Series, horizon: int, *, rng: np.random.Generator) -> Simulation:
    """The model's word on the next days; seasonal naive's, with a note, where the series bears no model or no fit."""
    if model not in MODELS:
        raise UsageError(f"no model is called {model!r}; want one of {', '.join(MODELS)}")
    _refuse_no_days(horizon)  # asked for 0 days, statsmodels 0.15 writes past the end of an array
    if len(series) < SHORTEST_HISTORY or _is_constant(series):
        return _seasonal_naive(series, horizon, rng)
    return MODELS[model](series, horizon, rng)


def _is_constant(series: pd.Series) -> bool:
    return series.min() == series.max()


def _seasonal_naive(series: pd.Series, horizon: int, rng: np.random.Generator) -> Simulation:
    """Each day as a week before; a future departs from it by weeks of past week-on-week changes, added up."""
    weeks = _weeks(series)
    if len(weeks) < 2:
        return _last_days(series, horizon, rng)
    changes = np.diff(weeks, axis=0)
    steps = _week_blocks(changes - changes.mean(), horizon, rng).cumsum(axis=1)
    return _from_weeks(weeks[-1], steps, horizon)


def _last_days(series: pd.Series, horizon: int, rng: np.random.Generator) -> Simulation:
    """Less than two weeks: the last week where there is one, else the mean; futures err as days from the mean."""
    values = series.to_numpy()
    week = values[-WEEK:] if len(values) >= WEEK else np.full(WEEK, values.mean())
    noise = rng.choice(values - values.mean(), (PATHS, _weeks_ahead(horizon), WEEK))
    return _from_weeks(week, noise, horizon)


def _weekday_mean(series: pd.Series, horizon: int, rng: np.random.Generator) -> Simulation:
    """Each day as the mean of the last eight of its weekday; futures add weeks of that rule's past errors."""
    weeks = pd.DataFrame(_weeks(series))
    errors = (weeks - weeks.rolling(8, min_periods=1).mean().shift()).iloc[1:].to_numpy()
    return _from_weeks(weeks.tail(8).mean().to_numpy(), _week_blocks(errors - errors.mean(), horizon, rng), horizon)


def _weeks(series: pd.Series) -> np.ndarray:
    """Whole weeks up to the last day, one a row."""
    whole = len(series) // WEEK
    return series.to_numpy()[len(series) - WEEK * whole :].reshape(whole, WEEK)


def _week_blocks(errors: np.ndarray, horizon: int, rng: np.random.Generator) -> np.ndarray:
    """Past weeks of errors drawn whole, for days of a week err together: paths x weeks x 7."""
    return errors[rng.integers(0, len(errors), (PATHS, _weeks_ahead(horizon)))]


def _weeks_ahead(horizon: int) -> int:
    return -(-horizon // WEEK)


def _from_weeks(week: np.ndarray, errors: np.ndarray, horizon: int) -> Simulation:
    point = np.tile(week, _weeks_ahead(horizon))[:horizon]
    return Simulation(point, point + errors.reshape(PATHS, -1)[:, :horizon])


def _ets(series: pd.Series, horizon: int, rng: np.random.Generator) -> Simulation:
    """Additive exponential smoothing with a weekly season, damped trend or none by AICc; bootstrapped errors."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel  # a second to import, and only here

    # Ten first states to search for besides leave several optima, and the processor decides which one is found.
    season = {"error": "add", "seasonal": "add", "seasonal_periods": WEEK, "initialization_method": "heuristic"}
    trends = [{"trend": None}, {"trend": "add", "damped_trend": True}]
    fits = [_fit(ETSModel(series, **season, **trend), **CLOSE) for trend in trends]
    fits = [fit for fit in fits if fit is not None]
    if not fits:
        return _fallback("ETS", series, horizon, rng)
    best = min(fits, key=lambda fit: fit.aicc)
    shocks = rng.choice(best.resid - best.resid.mean(), (horizon, PATHS))  # centred, or the level drifts off
    paths = best.simulate(horizon, anchor="end", repetitions=PATHS, random_errors=shocks)
    return Simulation(best.forecast(horizon).to_numpy(), paths.to_numpy().T)


def _arima(series: pd.Series, horizon: int, rng: np.random.Generator) -> Simulation:
    """SARIMAX(1,0,1)(0,1,1)7; futures let past one-step errors run through the model's impulse responses."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX  # a second to import, and only here

    scale = series.std()  # values near 1 and a variance solved for, not searched: a third of the time
    model = SARIMAX(series / scale, order=(1, 0, 1), seasonal_order=(0, 1, 1, WEEK), concentrate_scale=True)
    fit = _fit(model, maxiter=200)
    if fit is None:
        return _fallback("ARIMA", series, horizon, rng)
    point = scale * fit.forecast(horizon).to_numpy()
    errors = scale * fit.resid.to_numpy()[fit.loglikelihood_burn :]
    shocks = rng.choice(errors - errors.mean(), (PATHS, horizon))
    response = np.asarray(fit.impulse_responses(horizon - 1)).ravel()
    spread = np.array([np.pad(response[: horizon - day], (day, 0)) for day in range(horizon)])
    return Simulation(point, point + shocks @ spread)


def _fit(model: object, **options: float) -> object | None:
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


def _fallback(model: str, series: pd.Series, horizon: int, rng: np.random.Generator) -> Simulation:
    simple = _seasonal_naive(series, horizon, rng)
    return Simulation(simple.point, simple.paths, f" The fit of {model} failed; these are the figures of {BASELINE}.")


MODELS: dict[str, Callable[[pd.Series, int, np.random.Generator], Simulation]] = {
    BASELINE: _seasonal_naive,
    "weekday mean": _weekday_mean,
    DEFAULT: _ets,
    "ARIMA": _arima,
}


def _frame(simulation: Simulation, days: pd.DatetimeIndex) -> pd.DataFrame:
    point = np.maximum(simulation.point, 0.0)
    columns = {"forecast": point}
    for level in LEVELS:
        columns[f"lower_{level}"], columns[f"upper_{level}"] = _bounds(simulation.paths, level, point)
    return pd.DataFrame(columns, index=days.rename("date"))


def _bounds(paths: np.ndarray, level: int, point: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """The quantiles that hold `level` percent of the paths, not below 0, widened to a point that lies outside."""
    tail = (1 - level / 100) / 2
    lower, upper = np.quantile(paths, [tail, 1 - tail], axis=0)
    return np.clip(lower, 0.0, point), np.maximum(upper, point)


def _days_after(series: pd.Series, horizon: int) -> pd.DatetimeIndex:
    return pd.date_range(series.index[-1], periods=horizon + 1, freq="D", unit="us")[1:]


def _stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()),)))


def _refuse_no_days(horizon: int) -> None:
    if horizon < 1:
        raise UsageError(f"horizon is {horizon} days; want at least 1")


def trend(series: pd.Series) -> pd.DataFrame:
    """date, revenue, and trend: the centred mean of 28 days, four whole weeks; at the ends of those there are."""
    means = series.rolling(4 * WEEK, center=True, min_periods=1).mean()
    return pd.DataFrame({"revenue": series, "trend": means}).rename_axis("date").reset_index()
