"""What every model takes and gives: the past of a series, and simulated futures."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

__all__ = [
    "LEVELS",
    "PATHS",
    "RECENT_WEEKS",
    "SHORTEST_HISTORY",
    "STARTED",
    "WEEK",
    "Past",
    "Simulation",
    "days_ahead",
    "frame",
    "is_constant",
    "reach",
    "recent",
    "season",
    "stream",
    "stretch",
    "total_interval",
    "within",
]

WEEK = 7
SHORTEST_HISTORY = 56  # days; eight weeks are the least that a model with a weekly pattern is fitted on
PATHS = 1_000  # simulated futures per model
LEVELS = (80, 95)  # percent
STARTED = 0.1  # of the mean day, added before a logarithm, so that a day without sales has one
RECENT_WEEKS = 13  # a growing shop errs by larger amounts than it used to: errors are drawn from the last quarter


@dataclass(frozen=True)
class Past:
    """A series of days without the weekdays on which the shop is closed; `end` is the first day not in it.

    holidays: their names, of the past and of the days ahead, by day.
    """

    series: pd.Series
    end: pd.Timestamp
    holidays: pd.Series = field(default_factory=lambda: pd.Series(dtype="str", index=pd.DatetimeIndex([])))

    def until(self, end: pd.Timestamp) -> "Past":
        """The days before `end`."""
        return Past(self.series[self.series.index < end], end, self.holidays)


@dataclass(frozen=True)
class Simulation:
    """What a model says: the expected value of each coming day, simulated futures (paths x days), a note on the fit."""

    point: np.ndarray
    paths: np.ndarray
    note: str = ""

    def stretched(self, factor: float) -> "Simulation":
        """The same with every future `factor` times as far from the expected values."""
        return Simulation(self.point, self.point + factor * (self.paths - self.point), self.note)


def season(series: pd.Series) -> int:
    """Days after which a weekday returns: 7, less in a shop that is closed on some weekdays."""
    return max(series.index.day_of_week.nunique(), 1)


def days_ahead(past: Past, horizon: int) -> pd.DatetimeIndex:
    """Those of the `horizon` days from `past.end` on whose weekday is in the series."""
    days = pd.date_range(past.end, periods=horizon, freq="D", unit="us", name="date")
    known = past.series.index.day_of_week.unique() if len(past.series) >= WEEK else range(WEEK)
    return days[days.day_of_week.isin(known)]


def is_constant(series: pd.Series) -> bool:
    """Whether every day brought the same."""
    return bool(series.min() == series.max())


def recent(errors: np.ndarray, length: int) -> np.ndarray:
    """The errors of the last RECENT_WEEKS weeks of `length` days, less their mean: or futures would drift off."""
    last = errors[-RECENT_WEEKS * length :]
    return last - last.mean(axis=0)


def stream(seed: int, name: str) -> np.random.Generator:
    """Random numbers of the model called `name`, whatever others draw."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()),)))


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
