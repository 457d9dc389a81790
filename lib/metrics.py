"""Re-shapes what the SQL files answer: periods, changes, running means."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

__all__ = [
    "Period",
    "change",
    "days",
    "period",
    "with_weekly_mean",
    "year_before",
]


@dataclass(frozen=True)
class Period:
    """Days from `start` up to, not including, `end`, and the days before it to compare with."""

    start: date
    end: date
    previous_start: date
    previous_end: date

    @property
    def bounds(self) -> dict[str, date]:
        """The period as the bound values of a question."""
        return {"start": self.start, "end": self.end}

    @property
    def previous_bounds(self) -> dict[str, date]:
        """The period before as the bound values of a question."""
        return {"start": self.previous_start, "end": self.previous_end}

    def __str__(self) -> str:
        """`1 June 2025 to 30 June 2025`, both days included."""
        last = self.end - timedelta(days=1)
        return f"{self.start.day} {self.start:%B %Y} to {last.day} {last:%B %Y}"


def period(name: str, as_of: date | str) -> Period:
    """The period called `name` that ends at or before `as_of`; the day of `as_of` itself is never part of it.

    last_30_days and last_90_days compare with as many days before; last_month with the month before; month_to_date
    and year_to_date with as many days from the start of the month or year before.
    """
    now = pd.Timestamp(as_of)
    if name in ("last_30_days", "last_90_days"):
        length = pd.Timedelta(days=int(name.split("_")[1]))
        return _period(now - length, now, now - 2 * length, now - length)
    month = now.replace(day=1)
    if name == "last_month":
        return _period(
            month - pd.DateOffset(months=1), month, month - pd.DateOffset(months=2), month - pd.DateOffset(months=1)
        )
    step = pd.DateOffset(months=1) if name == "month_to_date" else pd.DateOffset(years=1)
    yesterday = now - pd.Timedelta(days=1)  # on the first of a month the period to date is all of the month before
    start = yesterday.replace(day=1) if name == "month_to_date" else yesterday.replace(month=1, day=1)
    previous = start - step
    return _period(start, now, previous, min(previous + (now - start), start))


def _period(*bounds: pd.Timestamp) -> Period:
    return Period(*(bound.date() for bound in bounds))


def year_before(as_of: date | str) -> dict[str, date]:
    """Bounds of the twelve months that end before `as_of`."""
    end = pd.Timestamp(as_of)
    return {"start": (end - pd.DateOffset(years=1)).date(), "end": end.date()}


def days(frame: pd.DataFrame, bounds: dict[str, date]) -> pd.DataFrame:
    """One row for every day of the bounds, in order; days without a row are zero."""
    every = pd.date_range(bounds["start"], bounds["end"], inclusive="left", name="date")
    return frame.set_index("date").reindex(every, fill_value=0).reset_index()


def change(now: float, before: float) -> float:
    """Relative change, 0.1 for a tenth more; NaN where there was nothing before."""
    return now / before - 1 if before else np.nan


def with_weekly_mean(daily: pd.DataFrame, column: str) -> pd.DataFrame:
    """The frame with a column `weekly_mean`: mean of the day and the six before, NaN where there are fewer."""
    return daily.assign(weekly_mean=daily[column].rolling(7).mean())
