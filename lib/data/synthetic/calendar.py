"""The calendar of demand: known factors of weekday, hour, season, holidays, trend, anomalies; clocks and shop time."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.data.synthetic.arrays import DAY, instant_array, stream
from lib.data.synthetic.shop import Shop

__all__ = [
    "HOURS",
    "WEEKDAYS",
    "Anomaly",
    "Clock",
    "Holiday",
    "anomalies",
    "day_factors",
    "growth",
    "holidays",
    "instants",
    "second_of_day",
    "share_of_day",
]

WEEKDAYS = (1.10, 1.02, 0.98, 1.02, 1.12, 0.66, 1.10)  # Monday first; their mean is 1
HOURS = (2, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8, 8, 9, 10, 11, 11, 9, 6, 4)  # of the shop's clocks
HOUR_EDGES = np.concatenate([[0.0], np.cumsum(HOURS) / np.sum(HOURS)])  # cumulative share of a day's demand, by hour
HOUR_STARTS = np.arange(25) * 3600  # seconds
YEAR_SWING, YEAR_PEAK = 0.12, 340  # cosine over the year, highest in early December
TREND = 0.30  # relative increase of demand per customer from the start to the end of the history
GROWTH = 2.0  # relative increase of sign-ups per day from the start to the end of the history
LAUNCH, LAUNCH_DAYS = 0.5, 30  # relative extra sign-ups at the opening, decaying exponentially with this mean
HOLIDAYS = {  # name: month, day, factor
    "New Year's Day": (1, 1, 0.6),
    "Valentine's Day": (2, 14, 1.3),
    "Christmas Eve": (12, 24, 0.6),
    "Christmas Day": (12, 25, 0.4),
    "Boxing Day": (12, 26, 1.3),
}
SALE_DAYS = {"Black Friday": 2.3, "Black Saturday": 1.6, "Black Sunday": 1.6, "Cyber Monday": 2.0}  # consecutive days
ANOMALIES = {  # kind: days, factor of orders, factor of visits
    "outage": (1, 0.15, 0.15),
    "flash_sale": (1, 2.5, 2.0),
    "tracking_gap": (3, 1.0, 0.0),  # orders continue, visits without an order are not recorded
}
SHORTEST_WITH_ANOMALIES = 90  # days of history


@dataclass(frozen=True)
class Holiday:
    """A holiday: name, day counted from 1970-01-01, and factor of demand."""

    name: str
    day: int
    factor: float


@dataclass(frozen=True)
class Anomaly:
    """A planted anomaly: first and last day, counted from 1970-01-01, and factors of orders and visits."""

    kind: str
    first_day: int
    last_day: int
    orders: float
    visits: float


def holidays(shop: Shop) -> list[Holiday]:
    """The holidays of the history, by day; none without seasons."""
    if not shop.seasons:
        return []
    dates = pd.DatetimeIndex(shop.days.astype("datetime64[D]"))
    found: list[tuple[str, np.ndarray, float]] = []  # name, on which days of the history, factor
    for name, (month, day, factor) in HOLIDAYS.items():
        found.append((name, (dates.month == month) & (dates.day == day), factor))
    for later, (name, factor) in enumerate(SALE_DAYS.items()):
        # Black Friday is the day after the fourth Thursday of November: between the 23rd and the 29th.
        friday = dates - pd.Timedelta(days=later)
        late_november = (friday.month == 11) & (friday.day >= 23) & (friday.day <= 29)
        found.append((name, late_november & (friday.day_of_week == 4), factor))
    dated = [Holiday(name, int(day), factor) for name, here, factor in found for day in shop.days[here]]
    return sorted(dated, key=lambda holiday: holiday.day)


def anomalies(shop: Shop) -> list[Anomaly]:
    """An outage, a flash sale and a tracking gap on ordinary days, one per third of the last 60 % of the history."""
    if not shop.seasons or shop.history_days < SHORTEST_WITH_ANOMALIES:
        return []
    rng = stream(shop, "anomalies")
    taken = {holiday.day + shift for holiday in holidays(shop) for shift in (-2, -1, 0)}
    later = np.array_split(shop.days[int(0.4 * shop.history_days) : -10], 3)
    found = []
    for kind, third in zip(rng.permutation(list(ANOMALIES)).tolist(), later, strict=True):
        length, orders, visits = ANOMALIES[kind]
        first = int(rng.choice([day for day in third[2:-2].tolist() if day not in taken]))
        found.append(Anomaly(kind, first, first + length - 1, orders, visits))
    return found


def day_factors(shop: Shop) -> np.ndarray:
    """Demand of each day: weekday x season x holiday x trend, with mean 1; without anomalies and campaigns."""
    if not shop.seasons:
        return np.ones(shop.history_days)
    factors = np.array(WEEKDAYS)[(shop.days + 3) % 7] * np.linspace(1, 1 + TREND, shop.history_days)
    factors *= 1 + YEAR_SWING * np.cos(2 * np.pi * (shop.days - YEAR_PEAK) / 365.25)
    for holiday in holidays(shop):
        factors[holiday.day - shop.days[0]] *= holiday.factor
    return factors / factors.mean()


@cache
def growth(shop: Shop) -> np.ndarray:
    """Share of the sign-ups on each day of the history: growth and launch, times the calendar."""
    age = np.arange(shop.history_days)
    perday = 1 + GROWTH * age / shop.history_days + LAUNCH * np.exp(-age / LAUNCH_DAYS)
    perday *= day_factors(shop)
    return perday / perday.sum()


def share_of_day(seconds: np.ndarray | float) -> np.ndarray | float:
    """Cumulative share of a day's demand at a second of the day."""
    return np.interp(seconds, HOUR_STARTS, HOUR_EDGES)


def second_of_day(shares: np.ndarray) -> np.ndarray:
    """Second of the day at which a cumulative share of the day's demand is reached."""
    return np.minimum(np.interp(shares, HOUR_EDGES, HOUR_STARTS), DAY - 1).astype(np.int64)


def instants(shop: Shop, seconds: np.ndarray) -> pa.Array:
    """UTC timestamps of times of day on the shop's clocks, given in seconds from 1970-01-01 00:00 on them.

    Later times are later instants, on the same day of the shop: the orders of an hour that the clocks skip share the
    hour after it with its own, those of an hour that comes twice are spread over both.
    """
    if shop.time_zone == "UTC":
        return instant_array(seconds)
    first, last = int(shop.days[0]) * DAY, int(shop.days[-1]) * DAY
    return instant_array(np.interp(seconds, *_clock(shop.time_zone, first - 2 * DAY, last + 3 * DAY)))


@cache
def _clock(time_zone: str, start: int, end: int) -> tuple[list[int], list[int]]:
    """Times on a zone's clocks and their instants, from start to end in UTC; between two of them both pass evenly."""
    shown, instants = [start + _offset(time_zone, start)], [start]
    for day in range(start, end, DAY):
        before, after = _offset(time_zone, day), _offset(time_zone, day + DAY)
        if after == before:
            continue
        width, change = abs(after - before), day + _change(time_zone, day, after)
        if after > before:  # the clocks skip `width`: it and the time after it pass while the latter passes
            shown += [change + before, change + after + width]
            instants += [change, change + width]
        else:  # the clocks show `width` twice
            shown += [change + after, change + before]
            instants += [change - width, change + width]
    return [*shown, end + _offset(time_zone, end)], [*instants, end]


def _offset(time_zone: str, instant: int) -> int:
    """Seconds by which the clocks of a zone are ahead of UTC."""
    local = datetime.fromtimestamp(instant, ZoneInfo(time_zone)).replace(tzinfo=UTC)
    return int(local.timestamp()) - instant


def _change(time_zone: str, day: int, offset: int) -> int:
    """Seconds from the start of a day in UTC until the clocks of a zone have an offset."""
    return bisect_left(range(DAY), True, key=lambda second: _offset(time_zone, day + second) == offset)


@dataclass(frozen=True)
class Clock:
    """Shop time per country: it runs as fast as demand is high, so a Poisson process in it follows the calendar.

    midnights[country, day]: shop time at the start of each day, with one more column for the end of the last day.
    """

    first_day: int
    midnights: np.ndarray

    @classmethod
    def running_at(cls, first_day: int, speeds: np.ndarray) -> "Clock":
        """The clock of speeds[country, day], in days of shop time per day."""
        return cls(first_day, np.concatenate([np.zeros((len(speeds), 1)), np.cumsum(speeds, axis=1)], axis=1))

    @property
    def end(self) -> np.ndarray:
        """Shop time of each country at as_of."""
        return self.midnights[:, -1]

    @property
    def middays(self) -> np.ndarray:
        """Shop time half-way through the demand of each day, by country."""
        return (self.midnights[:, :-1] + self.midnights[:, 1:]) / 2

    @cached_property
    def _offset(self) -> float:
        """Distance between the clocks of two countries on one common axis: more than any clock shows."""
        return float(self.midnights.max() + 1)

    @cached_property
    def _axis(self) -> np.ndarray:
        """The midnights of all countries on one rising axis, so that one search serves them all."""
        return (self.midnights + self._offset * np.arange(len(self.midnights))[:, None]).ravel()

    def read(self, country: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        """Shop time of a country at an instant, given in seconds from 1970-01-01."""
        day = seconds // DAY - self.first_day
        before, after = self.midnights[country, day], self.midnights[country, day + 1]
        return before + (after - before) * share_of_day(seconds % DAY)

    def seconds(self, country: np.ndarray, shop_time: np.ndarray) -> np.ndarray:
        """Instant, in seconds from 1970-01-01, of a shop time of a country."""
        width = self.midnights.shape[1]
        position = np.searchsorted(self._axis, shop_time + self._offset * country, side="right") - 1
        day = np.clip(position - country * width, 0, width - 2)
        before, after = self.midnights[country, day], self.midnights[country, day + 1]
        share = np.clip((shop_time - before) / np.where(after > before, after - before, 1), 0, 1)
        return (self.first_day + day) * DAY + second_of_day(share)
