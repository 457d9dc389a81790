"""Input and output of every model: the past of a series, and simulated futures with their prediction intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = [
    "FEWEST_DAYS", "LEVELS", "LOG_OFFSET", "PATHS", "RECENT_WEEKS", "SHORTEST_HISTORY", "WEEK",
    "Floats", "Past", "Simulation", "dates", "recent_errors", "width_factor",
]  # fmt: skip

WEEK = 7
FEWEST_DAYS = 14  # of history; fewer say nothing about the next days
SHORTEST_HISTORY = 56  # days; a model with a weekly pattern needs at least eight weeks
PATHS = 1_000  # simulated futures per model
LEVELS = (80, 95)  # percent, of the prediction intervals
LOG_OFFSET = 0.1  # of the mean day, added before taking logarithms, so that a day without sales has one
RECENT_WEEKS = 13  # errors grow with the shop, so they are drawn from the last quarter only
NARROWEST, WIDEST = 0.5, 3.0  # limits of width_factor: a few windows are weak evidence

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Past:
    """The training data of a model.

    Attributes:
        series: revenue per open day, indexed by date; weekdays on which the shop is closed are left out.
        end: first day after the series.
        holidays: names of public holidays by date, of the past and of the days ahead.
    """

    series: pd.Series
    end: pd.Timestamp
    holidays: pd.Series = field(default_factory=lambda: pd.Series(dtype="str", index=pd.DatetimeIndex([])))

    @property
    def season(self) -> int:
        """Open days in a week: 7, or fewer for a shop that is closed on some weekdays."""
        return max(len(dates(self.series).day_of_week.unique()), 1)

    @property
    def days(self) -> int:
        """Days of history, closed ones included."""
        return 0 if self.series.empty else (self.end - self.series.index[0]).days

    @property
    def is_constant(self) -> bool:
        """Whether every day has the same revenue."""
        return bool(self.series.min() == self.series.max())

    @property
    def is_plain(self) -> bool:
        """Whether only seasonal naive applies: under eight weeks of history, or every day the same."""
        return self.days < SHORTEST_HISTORY or self.is_constant

    def until(self, end: pd.Timestamp) -> "Past":
        """The past as it was known on the morning of `end`."""
        return Past(self.series[self.series.index < end], end, self.holidays)

    @property
    def weeks(self) -> Floats:
        """Revenue of the whole weeks of open days that end with the last day: weeks x days."""
        values, length = self.series.to_numpy(), self.season
        return np.asarray(values[len(values) % length :].reshape(-1, length))

    def recent(self, days: int) -> "Past":
        """The last `days` days of the past."""
        return replace(self, series=self.series[self.series.index >= self.end - pd.Timedelta(days=days)])

    def days_ahead(self, horizon: int) -> pd.DatetimeIndex:
        """The open days among the `horizon` days from `end` on."""
        days = pd.date_range(self.end, periods=horizon, freq="D", unit="us", name="date")
        if len(self.series) < WEEK:
            return days
        return days[days.day_of_week.isin(dates(self.series).day_of_week.unique())]


@dataclass(frozen=True)
class Simulation:
    """The output of a model.

    Attributes:
        point: expected revenue of each open day ahead.
        paths: simulated futures, PATHS x days.
        is_fallback: the fit failed, and these are the figures of seasonal naive.
    """

    point: Floats
    paths: Floats
    is_fallback: bool = False

    @property
    def predicted(self) -> Floats:
        """The point forecast as it is published and scored: never below 0."""
        return np.maximum(self.point, 0.0)

    def scaled(self, factors: Floats) -> "Simulation":
        """The same simulation with the revenue of each day multiplied by its factor."""
        return replace(self, point=self.point * factors, paths=self.paths * factors)

    def widened(self, factor: float) -> "Simulation":
        """The same simulation with every path `factor` times as far from the point forecast."""
        return replace(self, paths=self.point + factor * (self.paths - self.point))

    def interval_frame(self, days: pd.DatetimeIndex) -> pd.DataFrame:
        """Point forecast and prediction intervals per day, never below 0.

        Returns:
            A frame indexed by date with the columns forecast, lower_80, upper_80, lower_95, upper_95.
        """
        columns = {"forecast": self.predicted}
        for level in LEVELS:
            columns[f"lower_{level}"], columns[f"upper_{level}"] = _bounds(self.paths, level, self.predicted)
        return pd.DataFrame(columns, index=days.rename("date"))

    def total_interval(self, level: int) -> tuple[float, float]:
        """Prediction interval of the horizon's total.

        Taken from the totals of the simulated paths: days are correlated, so daily bounds must not be added.
        """
        total = self.predicted.sum(keepdims=True)
        lower, upper = _bounds(self.paths.sum(axis=1, keepdims=True), level, total)
        return float(lower[0]), float(upper[0])

    def scaled_errors(self, observed: Floats) -> Floats:
        """Absolute error of each day in units of the interval's width on that side: levels x days, 1 at the bound."""
        tails = [tail for level in LEVELS for tail in ((1 - level / 100) / 2, (1 + level / 100) / 2)]
        bounds = np.abs(np.quantile(self.paths - self.point, tails, axis=0))
        error = observed - self.point
        width = np.where(error > 0, bounds[1::2], bounds[::2])
        return np.asarray(np.abs(error) / np.maximum(width, 1e-9 * (1 + np.abs(self.point))))

    def central_level(self, observed: Floats) -> Floats:
        """For each day, the level (0 to 1) of the smallest central interval that contains the observed value."""
        below = (self.paths < observed).mean(axis=0)
        equal = (self.paths == observed).mean(axis=0)
        return np.asarray(np.abs(2 * below + equal - 1))


def _bounds(paths: Floats, level: int, point: Floats) -> tuple[Floats, Floats]:
    """Central quantiles that contain `level` percent of the paths, clipped at 0 and widened to include the point."""
    tail = (1 - level / 100) / 2
    lower, upper = np.quantile(paths, [tail, 1 - tail], axis=0)
    return np.clip(lower, 0.0, point), np.maximum(upper, point)


def dates(series: pd.Series) -> pd.DatetimeIndex:
    """The index of a daily series."""
    return pd.DatetimeIndex(series.index)


def recent_errors(errors: Floats, length: int) -> Floats:
    """The errors of the last RECENT_WEEKS weeks of `length` days, centred so that simulated paths do not drift."""
    last = errors[-RECENT_WEEKS * length :]
    return np.asarray(last - last.mean(axis=0))


def width_factor(errors: Sequence[Floats]) -> float:
    """Factor by which to widen the paths so that the intervals fit the backtest windows better.

    It lies half way between 1 and the factor that would have made the intervals of these windows exact: a few windows
    are weak evidence, and half way was best on real series.

    Args:
        errors: one result of Simulation.scaled_errors per window; without any the factor is 1.
    """
    if not errors:
        return 1.0
    exact = [np.quantile(days, level / 100) for days, level in zip(np.hstack(errors), LEVELS, strict=True)]
    return float(np.clip((1 + np.mean(exact)) / 2, NARROWEST, WIDEST))
