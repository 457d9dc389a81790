"""The shop's calendar of demand: season and trend as exposure, time that runs as fast as existing customers buy."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from lib.analysis.clv.models import BgNbd

__all__ = ["Calendar", "fit_calendar"]

YEAR = 365.25
ROUNDS = 2  # of fitting the models in the exposure, and the exposure by the models
LEAST_HISTORY = 0.75 * YEAR  # days: before, season, trend and dropout look alike
SEASON_SPREAD, TREND_SPREAD = 0.15, 0.10  # prior standard deviations of the season, and of the trend per year, in logs
NEWTON_STEPS = 8


@dataclass(frozen=True)
class Calendar:
    """Exposure from the first day of the data to the end of each day; its unit is a mean day of the history.

    clock: cumulative exposure at the end of each day, beginning with 0 before the first; the future after the past.
    past: Number of days with data.
    """

    clock: np.ndarray
    past: int

    @classmethod
    def even(cls, past: int, ahead: int) -> Self:
        """The calendar of days that are all alike."""
        return cls(np.arange(past + ahead + 1.0), past)

    def exposed(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The customers with recency and age in exposure instead of days."""
        age = customers["age"].to_numpy(dtype=int)
        first = np.maximum(self.past - age, 1)
        last = np.minimum(first + customers["recency"].to_numpy(dtype=int), self.past)
        recency, age = self.clock[last] - self.clock[first], self.clock[self.past] - self.clock[first]
        return customers.assign(recency=recency.round(6), age=age.round(6))

    def ahead(self, days: float) -> float:
        """Exposure of the next days."""
        then = np.interp(self.past + days, np.arange(len(self.clock)), self.clock)
        return float(then - self.clock[self.past])


def fit_calendar(customers: pd.DataFrame, daily: pd.DataFrame, ahead: int) -> tuple[BgNbd, Calendar]:
    """Fit season and trend of repeat purchases together with the BG/NBD model in the exposure that they give.

    The repeat purchases of a day are compared with those that the model expects from the first purchases before it; a
    quasi-Poisson regression of their ratio on a yearly wave and a trend, shrunk towards none, is the new exposure.

    Args:
        customers: frequency, recency and age in days, at least one with a repeat purchase.
        daily: date, active_customers and new_customers of each day of the history, in order.
        ahead: Days to extend the calendar by.
    """
    known = daily.set_index("date")[["active_customers", "new_customers"]].astype(float)
    past = int(customers["age"].max()) + 1
    begun = known.index[known["new_customers"].to_numpy() > 0][0]
    known = known.reindex(pd.date_range(begun, periods=past), fill_value=0.0)
    first, repeats = known["new_customers"].to_numpy(), (known["active_customers"] - known["new_customers"]).to_numpy()
    calendar = Calendar.even(past, ahead)
    orders = BgNbd.fit(calendar.exposed(customers))
    regressors = _regressors(known.index[0], past, ahead)
    for _ in range(ROUNDS if past >= LEAST_HISTORY else 0):
        expected = _expected_repeats(orders, first, calendar.clock[: past + 1])
        speed = np.exp(regressors @ _regression(repeats, expected, regressors[:past]))
        clock = np.cumsum(speed) / speed[:past].mean()
        calendar = Calendar(np.append(0.0, clock), past)
        orders = BgNbd.fit(calendar.exposed(customers))
    return orders, calendar


def _regressors(first_day: pd.Timestamp, past: int, ahead: int) -> np.ndarray:
    """Columns of the trend in years before now, which ends now, and of the yearly wave, each times its prior spread."""
    days = np.arange(past + ahead)
    years = (days - past + 1) / YEAR
    turn = 2 * np.pi * (days + first_day.day_of_year) / YEAR
    trend = np.minimum(years, 0)[:, None] * TREND_SPREAD
    wave = np.column_stack([np.cos(turn), np.sin(turn)]) * SEASON_SPREAD
    return np.column_stack([trend, wave])


def _expected_repeats(orders: BgNbd, first: np.ndarray, clock: np.ndarray) -> np.ndarray:
    """Expected repeat purchases of each day per unit of exposure, from the first purchases of the days before."""
    grid = np.linspace(0, clock[-1], 2 * len(clock))
    mean = orders.expected_of_new(grid)
    buyers = np.flatnonzero(first)
    ages = np.maximum(clock[None, :] - clock[buyers + 1][:, None], 0)
    total = first[buyers] @ np.interp(ages.ravel(), grid, mean).reshape(ages.shape)
    return np.diff(total) / np.diff(clock)


def _regression(repeats: np.ndarray, expected: np.ndarray, regressors: np.ndarray) -> np.ndarray:
    """Coefficients of log(repeats / expected) by penalised quasi-Poisson regression with standard normal priors."""
    used = expected > 0
    y, m, x = repeats[used], expected[used], np.column_stack([np.ones(used.sum()), regressors[used]])
    penalty = np.diag([0.0, *np.ones(x.shape[1] - 1)])
    found = np.zeros(x.shape[1])
    found[0] = np.log(max(y.sum(), 1) / m.sum())
    for _ in range(NEWTON_STEPS):
        mean = m * np.exp(x @ found)
        dispersion = max(((y - mean) ** 2 / mean).sum() / max(len(y) - len(found), 1), 1.0)
        gradient = x.T @ (y - mean) / dispersion - penalty @ found
        curvature = (x * mean[:, None]).T @ x / dispersion + penalty
        found = found + np.linalg.solve(curvature, gradient)
    return found[1:]
