"""The days of a report: a period by its name, the previous period, the last twelve months."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

import pandas as pd

from lib.errors import UsageError
from lib.formatting import day
from lib.util.similar import did_you_mean
from lib.util.zones import known_day

__all__ = [
    "Period", "PeriodName", "comparable", "covers", "is_mature", "period", "run_rate", "two_years", "year_before",
]  # fmt: skip

PeriodName = Literal["last_30_days", "last_90_days", "last_month", "month_to_date", "year_to_date"]
NAMES = get_args(PeriodName)


@dataclass(frozen=True)
class Period:
    """The days from `start` up to, not including, `end`, and the previous period that they are compared with."""

    start: date
    end: date
    previous_start: date
    previous_end: date

    @property
    def bounds(self) -> dict[str, date]:
        """The period as the parameters of a question."""
        return {"start": self.start, "end": self.end}

    @property
    def previous_bounds(self) -> dict[str, date]:
        """The previous period as the parameters of a question."""
        return {"start": self.previous_start, "end": self.previous_end}

    @property
    def both(self) -> dict[str, date]:
        """The period and the previous one as the parameters of a question that compares them."""
        return self.bounds | {"previous_start": self.previous_start, "previous_end": self.previous_end}

    @property
    def year_before(self) -> dict[str, date]:
        """The same days a year earlier as the parameters of a question."""
        return {name: (pd.Timestamp(day) - pd.DateOffset(years=1)).date() for name, day in self.bounds.items()}

    @property
    def with_year_before(self) -> dict[str, date]:
        """The period and the same days a year earlier as the parameters of a question that compares them."""
        earlier = self.year_before
        return self.bounds | {"previous_start": earlier["start"], "previous_end": earlier["end"]}

    def __str__(self) -> str:
        """`Jun 1, 2025 to Jun 30, 2025`, both days included."""
        last = self.end - timedelta(days=1)
        return f"{day(self.start)} to {day(last)}"


def period(name: str, as_of: date | str) -> Period:
    """The period called `name` that ends at or before `as_of`.

    Args:
        name: last_30_days or last_90_days, compared with as many days before them; last_month, compared with the month
            before it; month_to_date or year_to_date, compared with as many days from the start of the previous month
            or year.
        as_of: The first day without data; never part of the period.

    Raises:
        UsageError: No period has this name, or `as_of` is not a day.

    Example:
        >>> str(periods.period("last_month", "2025-07-15"))
        'Jun 1, 2025 to Jun 30, 2025'
    """
    if name not in NAMES:
        raise UsageError(f"period is {name!r}{did_you_mean(name, NAMES)}; expected one of {', '.join(NAMES)}.")
    now = _day(as_of)
    if name in ("last_30_days", "last_90_days"):
        length = pd.Timedelta(days=int(name.split("_")[1]))
        return _period(now - length, now, now - 2 * length, now - length)
    month, this_month = pd.DateOffset(months=1), now.replace(day=1)
    if name == "last_month":
        return _period(this_month - month, this_month, this_month - 2 * month, this_month - month)
    step = month if name == "month_to_date" else pd.DateOffset(years=1)
    yesterday = now - pd.Timedelta(days=1)  # on the first of a month, month_to_date is the whole previous month
    start = yesterday.replace(day=1) if name == "month_to_date" else yesterday.replace(month=1, day=1)
    previous = start - step
    return _period(start, now, previous, min(previous + (now - start), start))


def _day(as_of: date | str) -> pd.Timestamp:
    return pd.Timestamp(known_day(as_of, "as_of"))


def _period(*bounds: pd.Timestamp) -> Period:
    return Period(*(bound.date() for bound in bounds))


def covers(first_day: date | pd.Timestamp | None, bounds: Mapping[str, date]) -> bool:
    """Whether data that begin on `first_day` cover the days of `bounds` wholly; not without data.

    Example:
        >>> span = periods.period("last_month", "2025-07-01")
        >>> periods.covers(pd.Timestamp("2025-05-20"), span.previous_bounds)
        False
    """
    return bool(pd.notna(first_day) and pd.Timestamp(first_day) <= pd.Timestamp(bounds["start"]))


def comparable(span: Period, first_day: date | pd.Timestamp | None, mature_until: date | pd.Timestamp) -> bool:
    """Whether a period and the one before lie wholly in the data, and all their sales are known: like with like.

    Args:
        span: The period.
        first_day: First day of the data.
        mature_until: From the question mature_until.

    Example:
        >>> span = periods.period("last_month", "2025-07-01")
        >>> periods.comparable(span, pd.Timestamp("2025-01-01"), pd.Timestamp("2025-06-20"))
        False
    """
    return covers(first_day, span.previous_bounds) and is_mature(span, mature_until)


def is_mature(span: Period, mature_until: date | pd.Timestamp | str) -> bool:
    """Whether all sales of the days of a period are known: they end by the first day that is not mature."""
    return bool(pd.Timestamp(span.end) <= pd.Timestamp(mature_until))


def year_before(as_of: date | str) -> dict[str, date]:
    """The twelve months before `as_of` as the parameters of a question.

    Example:
        >>> periods.year_before("2025-07-01")
        {'start': datetime.date(2024, 7, 1), 'end': datetime.date(2025, 7, 1)}
    """
    end = _day(as_of)
    return {"start": (end - pd.DateOffset(years=1)).date(), "end": end.date()}


def two_years(as_of: date | str) -> dict[str, date]:
    """The twelve months before `as_of` with the same weekdays 52 weeks earlier, as the parameters of a question.

    Example:
        >>> display.day(periods.two_years("2025-07-01")["start"])
        'Jul 3, 2023'
    """
    end = _day(as_of)
    return {"start": (end - pd.DateOffset(years=1) - pd.Timedelta(days=364)).date(), "end": end.date()}


def run_rate(revenue: float, name: str, span: Period) -> float:
    """Revenue expected at the end of the calendar month or year, at the mean rate of its days so far.

    Args:
        revenue: Revenue of the period.
        name: Name of the period; only month_to_date and year_to_date continue, others keep their revenue.
        span: The period.

    Example:
        >>> span = periods.period("month_to_date", "2025-06-16")
        >>> round(periods.run_rate(500.0, "month_to_date", span))
        1000
    """
    ends = {"month_to_date": pd.DateOffset(months=1), "year_to_date": pd.DateOffset(years=1)}
    if name not in ends:
        return revenue
    start = pd.Timestamp(span.start)
    return revenue / (span.end - span.start).days * ((start + ends[name]) - start).days
