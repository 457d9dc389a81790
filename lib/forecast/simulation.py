"""What every model takes and gives: the past of a series, and simulated futures."""

import zlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

__all__ = [
    "LEVELS", "PATHS", "RECENT_WEEKS", "SHORTEST_HISTORY", "STARTED", "WEEK", "Past", "Simulation",
    "days_ahead", "is_constant", "recent", "season", "stream",
]  # fmt: skip

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
