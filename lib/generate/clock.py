"""Shop time: a clock per country that runs as fast as demand is high, so that a Poisson process in it has all seasons.

An event of rate 1 per day of shop time has the known intensity in calendar time (time change of a Poisson process;
Daley and Vere-Jones 2003, theorem 7.4.I). It equals thinning, without candidates that are thrown away.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lib.generate.calendar import second_of_day, share_of_day
from lib.generate.streams import Ladder
from lib.generate.values import DAY

__all__ = ["Clock"]


@dataclass(frozen=True)
class Clock:
    """What the clocks show at each midnight: `midnights` has a row per country and a column per day and one more."""

    first_day: int
    midnights: np.ndarray

    @classmethod
    def running_at(cls, first_day: int, speeds: np.ndarray) -> "Clock":
        """Clocks of which one runs at speeds[country, day] days of shop time per day."""
        return cls(first_day, np.concatenate([np.zeros((len(speeds), 1)), np.cumsum(speeds, axis=1)], axis=1))

    @property
    def end(self) -> np.ndarray:
        """What the clock of each country shows at as_of."""
        return self.midnights[:, -1]

    @property
    def middays(self) -> np.ndarray:
        """What the clocks show half-way through the demand of each day."""
        return (self.midnights[:, :-1] + self.midnights[:, 1:]) / 2

    @cached_property
    def _far(self) -> float:
        """More than any clock shows."""
        return self.midnights.max() + 1

    @cached_property
    def _line(self) -> Ladder:
        """One long line: the clocks one behind the other."""
        return Ladder((self.midnights + self._far * np.arange(len(self.midnights))[:, None]).ravel())

    def read(self, country: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        """What the clock of a country shows at an instant, in seconds from 1970-01-01."""
        day = seconds // DAY - self.first_day
        before, after = self.midnights[country, day], self.midnights[country, day + 1]
        return before + (after - before) * share_of_day(seconds % DAY)

    def seconds(self, country: np.ndarray, shown: np.ndarray) -> np.ndarray:
        """The instant, in seconds from 1970-01-01, at which the clock of a country shows so much."""
        width = self.midnights.shape[1]
        place = self._line.find(shown + self._far * country) - 1 - country * width
        day = np.clip(place, 0, width - 2)
        before, after = self.midnights[country, day], self.midnights[country, day + 1]
        share = np.clip((shown - before) / np.where(after > before, after - before, 1), 0, 1)
        return (self.first_day + day) * DAY + second_of_day(share)
