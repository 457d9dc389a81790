"""Rolling-origin backtest: every model forecasts windows of the past it has not seen, and is scored on them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from lib.analysis.forecast.factors import GROWTH, HOLIDAYS, YEARLY, factors
from lib.analysis.forecast.models import (
    AVERAGE_WEEKS,
    ENSEMBLE,
    SEASONAL_NAIVE,
    WEEKDAY_AVERAGE,
    check_horizon,
    simulate_all,
)
from lib.analysis.forecast.simulation import LEVELS, SHORTEST_HISTORY, Floats, Past, Simulation, dates, width_factor

__all__ = [
    "Backtest", "Window", "backtest", "coverage", "mase", "naive_scale", "pinball", "smape", "total_error", "wape",
]  # fmt: skip

ORIGINS, STEP = 8, 28  # windows, and the days between two of them: whole weeks
MEASURES = (
    "mase", "wape", "smape", "pinball", "total_error", "bias", "coverage_80", "coverage_95", "total_inside_80",
)  # fmt: skip
SKILLS = {"skill": SEASONAL_NAIVE, "skill_weekday": WEEKDAY_AVERAGE}  # with the model that each compares to
NOMINAL = (*range(10, 100, 10), 95)  # percent, of the intervals whose calibration is shown
CONFIDENCE = 0.95  # of the one-sided test in gains()
# A factor is used from this t value of its gains on, in at least this number of windows in which it matters: on real
# series those of the calendar then made 78 % of the windows more accurate. Growth is used unless the windows refute it:
# without it the totals of a growing shop are too low, by less than a backtest can prove.
EARNED_T = {GROWTH: -1.5, YEARLY: 1.5, HOLIDAYS: 1.5}
EARNED_WINDOWS = 3
STABLE_T = 3.0  # of a bias that is corrected; weaker ones were not there in the next window of real series
QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)  # of the pinball loss
# Gain of a perfect forecast of pure noise, the mean, over each simple model: the errors of seasonal naive have twice
# the variance of the noise, those of an average of eight weeks 9/8 of it.
NOISE_GAINS = {
    SEASONAL_NAIVE: 1 - (1 / 2) ** 0.5,
    WEEKDAY_AVERAGE: 1 - (AVERAGE_WEEKS / (AVERAGE_WEEKS + 1)) ** 0.5,
}


@dataclass(frozen=True)
class Window:
    """One backtest window.

    Attributes:
        observed: revenue per open day of the window.
        simulations: the output of each model for these days, from the days before them.
        scale: naive_scale of the training days.
        factors: growth and calendar factors of these days, from the days before them.
    """

    observed: pd.Series
    simulations: dict[str, Simulation]
    scale: float
    factors: Mapping[str, Floats] = field(default_factory=dict)

    @cached_property
    def errors(self) -> dict[str, Floats]:
        """The scaled errors of each model."""
        return {model: one.scaled_errors(self.observed.to_numpy()) for model, one in self.simulations.items()}

    def mase(self, model: str) -> float:
        """MASE of the model in this window."""
        return mase(self.observed.to_numpy(), self.simulations[model].predicted, self.scale)


@dataclass(frozen=True)
class Backtest:
    """The windows of a series, the latest first; intervals are calibrated on the other windows.

    Attributes:
        windows: in each, the ensemble is multiplied by the factors that the other windows have earned.
        earned: names of the factors that all windows together have earned.
    """

    windows: tuple[Window, ...]
    earned: tuple[str, ...] = ()

    def calibrated(self, model: str, number: int) -> Simulation:
        """The model's simulation in that window, widened by the factor of all other windows."""
        return self.windows[number].simulations[model].widened(self.width_factor(model, leave_out=number))

    def width_factor(self, model: str, leave_out: int | None = None) -> float:
        """The factor that the windows, except one of them, give for the model's intervals."""
        return width_factor([window.errors[model] for n, window in enumerate(self.windows) if n != leave_out])

    def scores(self) -> pd.DataFrame:
        """Accuracy of each model over the windows, the smallest mase first.

        Returns:
            A frame indexed by model: means over the windows of mase, wape, smape, pinball, total_error (the
            functions below), bias (of the total: 0.1 is predicted 10 % too high), coverage_80 and coverage_95 (share of
            days inside the interval), total_inside_80 (share of windows whose total was); skill and skill_weekday (1 -
            mase / mase of seasonal naive, of the weekday average); wins (windows in which it had the smallest mase),
            windows, fallbacks (fits that failed).
        """
        rows = self.by_window
        by_model = rows.groupby("model", sort=False)
        means = by_model[list(MEASURES)].mean()
        skills = {name: 1 - means["mase"] / (means["mase"].get(simple) or np.nan) for name, simple in SKILLS.items()}
        scaled = rows.dropna(subset="mase")
        winners = scaled.loc[scaled.groupby("window")["mase"].idxmin(), "model"]
        wins = pd.Series(winners).value_counts().reindex(means.index, fill_value=0)
        counts = {"wins": wins, "windows": by_model.size(), "fallbacks": by_model["fallbacks"].sum()}
        return means.assign(**skills, **counts).sort_values("mase", kind="stable")

    @cached_property
    def by_window(self) -> pd.DataFrame:
        """One row per window and model with the measures of scores()."""
        rows = [
            {"model": model, "window": number, **_measures(window, self.calibrated(model, number))}
            for number, window in enumerate(self.windows)
            for model in window.simulations
        ]
        return pd.DataFrame(rows, columns=["model", "window", *MEASURES, "fallbacks"])

    def gains(self, model: str, simple: str) -> tuple[float, bool]:
        """How much better a model is than one of the two simple models.

        Returns:
            The share by which its mean mase is lower, and whether that is significantly more than the gain on pure
            noise (NOISE_GAINS): one-sided t-test of the windows' differences; never with fewer than two windows.
        """
        scaled = [window for window in self.windows if window.scale]
        ours, theirs = (np.array([window.mase(name) for window in scaled]) for name in (model, simple))
        gain = float(1 - ours.mean() / theirs.mean()) if len(ours) and theirs.mean() else np.nan
        excess = theirs * (1 - NOISE_GAINS[simple]) - ours
        if len(excess) < 2 or np.ptp(excess) == 0:
            return gain, False
        return gain, bool(stats.ttest_1samp(excess, 0, alternative="greater").pvalue < 1 - CONFIDENCE)

    def correction(self, model: str) -> float:
        """Factor that takes a stable bias out of the model's forecast: 1 unless it is clear in the windows.

        exp(mean logarithm of observed / predicted total), less what noise explains (STABLE_T standard errors).
        """
        totals = [(window.observed.sum(), window.simulations[model].predicted.sum()) for window in self.windows]
        logs = np.array([np.log(a / b) for a, b in totals if min(a, b) > 0])
        if len(logs) < EARNED_WINDOWS or not logs.any():
            return 1.0
        explained = STABLE_T**2 * logs.var(ddof=1) / len(logs) / logs.mean() ** 2
        return float(np.exp(logs.mean() * max(0.0, 1 - explained)))

    def calibration(self, model: str) -> pd.DataFrame:
        """Nominal and observed coverage of the model's intervals.

        Returns:
            The columns nominal and observed: share of days expected inside the interval, and found inside it.
        """
        tests = [self.calibrated(model, n).central_level(w.observed.to_numpy()) for n, w in enumerate(self.windows)]
        levels = np.concatenate([np.empty(0), *tests])
        shares = [float((levels <= level / 100).mean()) if len(levels) else np.nan for level in NOMINAL]
        return pd.DataFrame({"nominal": np.array(NOMINAL) / 100, "observed": shares})

    def predictions(self, *models: str) -> pd.DataFrame:
        """Predictions of the models for the days of the windows, the latest where windows overlap.

        Returns:
            A frame indexed by date: the bounds of the first model's intervals (lower_80 ...), observed, and a column
            per model. Without windows it has no rows, and the same columns.
        """
        if not self.windows:
            bounds = [f"{side}_{level}" for level in LEVELS for side in ("lower", "upper")]
            no_days = pd.DatetimeIndex([], name="date")
            return pd.DataFrame(columns=[*bounds, "observed", *models], index=no_days, dtype=float)
        tables = [
            self.calibrated(models[0], number)
            .interval_frame(dates(window.observed))
            .drop(columns="forecast")
            .assign(observed=window.observed, **{name: window.simulations[name].predicted for name in models})
            for number, window in enumerate(self.windows)
        ]
        table = pd.concat(tables)
        return table[~table.index.duplicated()].sort_index()


def backtest(past: Past, horizon: int = 30, *, origins: int = ORIGINS, step: int = STEP, seed: int = 42) -> Backtest:
    """Backtest all models on the last days of a series.

    Args:
        past: the series; each window keeps at least eight weeks of it as training data.
        horizon: days of a window.
        origins: most windows; a short history has fewer.
        step: days between the starts of two windows.
        seed: of the simulated paths.

    Raises:
        UsageError: a horizon below 1.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-01-01", "2025-06-30")})
        >>> past = forecast.daily_series(sales.assign(revenue=sales["date"].dt.day + 50), "2025-07-01").past()
        >>> forecast.backtest(past, 30, origins=1).predictions("ETS").columns.tolist()
        ['lower_80', 'upper_80', 'lower_95', 'upper_95', 'observed', 'ETS']
    """
    check_horizon(horizon)
    windows = [_window(past, day, horizon, seed) for day in _origins(past, horizon, origins, step)]
    others = [[other for other in windows if other is not window] for window in windows]
    with_factors = [_with_factors(window, _earned(rest)) for window, rest in zip(windows, others, strict=True)]
    return Backtest(tuple(with_factors), _earned(windows))


def _earned(windows: Sequence[Window]) -> tuple[str, ...]:
    """The factors that the ensemble is multiplied by, given its accuracy with and without them in these windows."""
    found = []
    for name in windows[0].factors if windows else ():
        affected = [window for window in windows if (window.factors[name] != 1).any()]
        gains = np.array([_gain(window, name) for window in affected])
        if len(gains) >= EARNED_WINDOWS and gains.mean() > EARNED_T[name] * gains.std(ddof=1) / len(gains) ** 0.5:
            found.append(name)
    return tuple(found)


def _gain(window: Window, name: str) -> float:
    """How much less the ensemble errs with a factor: logarithm of its daily errors' ratio, for growth of the total."""
    observed, plain = window.observed.to_numpy(), window.simulations[ENSEMBLE]
    without, with_it = (observed - one.predicted for one in (plain, plain.scaled(window.factors[name])))
    if name == GROWTH:
        return float(abs(without.sum()) - abs(with_it.sum()))
    least = 1e-9 * (1 + np.abs(observed).mean())
    return float(np.log(max(np.abs(without).mean(), least) / max(np.abs(with_it).mean(), least)))


def _with_factors(window: Window, names: Sequence[str]) -> Window:
    ensemble = window.simulations[ENSEMBLE]
    for name in names:
        ensemble = ensemble.scaled(window.factors[name])
    return replace(window, simulations=window.simulations | {ENSEMBLE: ensemble})


def _origins(past: Past, horizon: int, origins: int, step: int) -> Iterator[pd.Timestamp]:
    """First days of the windows, the latest first."""
    for number in range(origins if len(past.series) else 0):
        day = past.end - pd.Timedelta(days=horizon + number * step)
        is_long = (day - past.series.index[0]).days >= SHORTEST_HISTORY
        if is_long and len(_observed(past, day, horizon)):  # a short window may consist of closed days
            yield day


def _observed(past: Past, day: pd.Timestamp, horizon: int) -> pd.Series:
    return past.series[day : day + pd.Timedelta(days=horizon - 1)]


def _window(past: Past, day: pd.Timestamp, horizon: int, seed: int) -> Window:
    train = past.until(day)
    simulations = simulate_all(train, horizon, seed=seed)
    observed = _observed(past, day, horizon)
    return Window(observed, simulations, naive_scale(train), factors(train, dates(observed)))


def _measures(window: Window, simulation: Simulation) -> dict[str, float]:
    observed, predicted = window.observed.to_numpy(), simulation.predicted
    low, high = simulation.total_interval(80)
    return {
        "mase": mase(observed, predicted, window.scale),
        "wape": wape(observed, predicted),
        "smape": smape(observed, predicted),
        "pinball": pinball(observed, simulation, window.scale),
        "total_error": total_error(observed, predicted),
        "bias": _ratio(predicted.sum() - observed.sum(), abs(observed.sum())),
        **coverage(observed, simulation.interval_frame(dates(window.observed))),
        "total_inside_80": float(low <= observed.sum() <= high),
        "fallbacks": int(simulation.is_fallback),
    }


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
