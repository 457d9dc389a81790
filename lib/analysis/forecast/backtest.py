"""Asks every model to forecast parts of the past that it has not seen, and scores what it said."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from lib.analysis.forecast import scores
from lib.analysis.forecast.baselines import MEAN_WEEKS
from lib.analysis.forecast.models import BASELINE, RIVAL, refuse_no_days, simulate_all
from lib.analysis.forecast.simulation import (
    LEVELS,
    SHORTEST_HISTORY,
    Past,
    Simulation,
    frame,
    reach,
    stretch,
    total_interval,
    within,
)

__all__ = ["ORIGINS", "STEP", "Backtest", "Window", "backtest"]

ORIGINS, STEP = 8, 28  # windows, and the days between two of them: whole weeks
NOMINAL = (*range(10, 100, 10), 95)  # percent
SURE = 0.95  # one-sided; a gain is told as one where chance would show it in one of twenty cases
# What a perfect forecast of pure noise, its mean, gains: the errors of last week have twice the variance of the noise,
# those of a mean of eight weeks 9/8 of it.
FROM_NOISE = {BASELINE: 1 - (1 / 2) ** 0.5, RIVAL: 1 - (MEAN_WEEKS / (MEAN_WEEKS + 1)) ** 0.5}


@dataclass(frozen=True)
class Window:
    """What came in the days of one test, what each model had said, and the scale of the training days (naive_scale)."""

    actual: pd.Series
    said: dict[str, Simulation]
    scale: float

    @cached_property
    def reaches(self) -> dict[str, np.ndarray]:
        """How far what came lay from what each model said, in units of its intervals."""
        return {model: reach(self.actual.to_numpy(), one) for model, one in self.said.items()}


@dataclass(frozen=True)
class Backtest:
    """The tests of a series, the latest first; every model's futures are stretched by what the other tests show."""

    windows: tuple[Window, ...]

    def stretched(self, model: str, number: int) -> Simulation:
        """What the model said in that test, stretched by all the others."""
        others = [window for other, window in enumerate(self.windows) if other != number]
        return self.windows[number].said[model].stretched(_stretch(others, model))

    def stretch(self, model: str) -> float:
        """The factor by which all tests would stretch the model's futures."""
        return _stretch(self.windows, model)

    def scores(self) -> pd.DataFrame:
        """One row per model, means over the windows, the smallest mase first.

        mase, wape, smape, pinball, total_error: see the module `scores`. coverage_80, coverage_95: share of days inside
        the interval; total_inside_80: share of windows whose total was. skill, skill_weekday: 1 - mase over that of
        seasonal naive, of the weekday mean. won: windows with the smallest mase of all; fallbacks: fits that failed.
        """
        rows = self.by_window
        found = rows.groupby("model", sort=False)[list(MEASURES)].mean()
        scaled = rows.dropna(subset="mase")
        best = scaled.loc[scaled.groupby("window")["mase"].idxmin(), "model"]
        counts = {"won": pd.Series(best).value_counts(), "windows": rows.groupby("model").size()}
        counts |= {"fallbacks": rows.groupby("model")["fallbacks"].sum()}
        counted = {name: values.reindex(found.index, fill_value=0).astype(int) for name, values in counts.items()}
        skills = {name: 1 - found["mase"] / (found["mase"].get(over) or np.nan) for name, over in OVER.items()}
        return found.assign(**skills, **counted).sort_values("mase", kind="stable")

    @cached_property
    def by_window(self) -> pd.DataFrame:
        """One row per window and model with the measures of scores()."""
        rows = [
            {"model": model, "window": number, **_measures(window, self.stretched(model, number))}
            for number, window in enumerate(self.windows)
            for model in window.said
        ]
        return pd.DataFrame(rows, columns=["model", "window", *MEASURES, "fallbacks"])

    def gains(self, model: str, over: str) -> tuple[float, bool]:
        """Share by which the model's mase is below that of `over`, and whether it is more than noise would give.

        A one-sided t-test of the windows' differences at SURE, after what is gained on pure noise (FROM_NOISE); with
        one window nothing can be told.
        """
        scaled = [window for window in self.windows if window.scale]
        ours, theirs = (np.array([self._mase(window, name) for window in scaled]) for name in (model, over))
        gain = float(1 - ours.mean() / theirs.mean()) if len(ours) and theirs.mean() else np.nan
        more = theirs * (1 - FROM_NOISE[over]) - ours
        if len(more) < 2 or np.ptp(more) == 0:
            return gain, False
        return gain, bool(stats.ttest_1samp(more, 0, alternative="greater").pvalue < 1 - SURE)

    @staticmethod
    def _mase(window: Window, model: str) -> float:
        return scores.mase(window.actual.to_numpy(), np.maximum(window.said[model].point, 0.0), window.scale)

    def calibration(self, model: str) -> pd.DataFrame:
        """nominal and observed: the share of days meant to lie inside the interval, and the share that did."""
        tests = [within(w.actual.to_numpy(), self.stretched(model, n)) for n, w in enumerate(self.windows)]
        reached = np.concatenate([np.empty(0), *tests])
        shares = [float((reached <= level / 100).mean()) if len(reached) else np.nan for level in NOMINAL]
        return pd.DataFrame({"nominal": np.array(NOMINAL) / 100, "observed": shares})

    def told(self, *models: str) -> pd.DataFrame:
        """By date: actual, what each model would have said (the latest where tests overlap), and the first's band."""
        parts = [
            frame(self.stretched(models[0], number), window.actual.index)
            .drop(columns="forecast")
            .assign(actual=window.actual, **{name: np.maximum(window.said[name].point, 0.0) for name in models})
            for number, window in enumerate(self.windows)
        ]
        if not parts:
            bounds = [f"{side}_{level}" for level in LEVELS for side in ("lower", "upper")]
            none = pd.DatetimeIndex([], name="date")
            return pd.DataFrame(columns=[*bounds, "actual", *models], index=none, dtype=float)
        every = pd.concat(parts)
        return every[~every.index.duplicated()].sort_index()


MEASURES = (
    "mase", "wape", "smape", "pinball", "total_error", "coverage_80", "coverage_95", "total_inside_80",
)  # fmt: skip
OVER = {"skill": BASELINE, "skill_weekday": RIVAL}


def backtest(past: Past, horizon: int = 30, *, origins: int = ORIGINS, step: int = STEP, seed: int = 42) -> Backtest:
    """Tests on the last days, at most `origins`, `step` days apart; fewer where the history is short.

    Each has at least eight weeks to learn from. Raises UsageError for a horizon of no days.
    """
    refuse_no_days(horizon)
    return Backtest(tuple(_test(past, day, horizon, seed) for day in _origins(past, horizon, origins, step)))


def _origins(past: Past, horizon: int, origins: int, step: int) -> Iterator[pd.Timestamp]:
    """First days of the windows, the latest first."""
    for number in range(origins if len(past.series) else 0):
        day = past.end - pd.Timedelta(days=horizon + number * step)
        is_long = (day - past.series.index[0]).days >= SHORTEST_HISTORY
        if is_long and len(_coming(past, day, horizon)):  # a short window may have closed days only
            yield day


def _coming(past: Past, day: pd.Timestamp, horizon: int) -> pd.Series:
    return past.series[day : day + pd.Timedelta(days=horizon - 1)]


def _test(past: Past, day: pd.Timestamp, horizon: int, seed: int) -> Window:
    train = past.until(day)
    return Window(
        _coming(past, day, horizon), simulate_all(train, horizon, seed=seed), scores.naive_scale(train.series)
    )


def _stretch(windows: list[Window] | tuple[Window, ...], model: str) -> float:
    return stretch([window.reaches[model] for window in windows])


def _measures(window: Window, simulation: Simulation) -> dict[str, float]:
    actual, said = window.actual.to_numpy(), np.maximum(simulation.point, 0.0)
    low, high = total_interval(simulation, 80)
    return {
        "mase": scores.mase(actual, said, window.scale),
        "wape": scores.wape(actual, said),
        "smape": scores.smape(actual, said),
        "pinball": scores.pinball(actual, simulation, window.scale),
        "total_error": scores.total_error(actual, said),
        **scores.coverage(actual, frame(simulation, window.actual.index)),
        "total_inside_80": float(low <= actual.sum() <= high),
        "fallbacks": int(bool(simulation.note)),
    }
