"""Tests of the days of a report, with results known from the calendar."""

from datetime import date

import pandas as pd
import pytest

from lib.analysis import periods
from lib.errors import UsageError


@pytest.mark.parametrize(
    ("name", "as_of", "days"),
    [
        ("last_30_days", "2025-03-31", ("2025-03-01", "2025-03-31", "2025-01-30", "2025-03-01")),
        ("last_month", "2025-03-31", ("2025-02-01", "2025-03-01", "2025-01-01", "2025-02-01")),
        ("last_month", "2025-01-01", ("2024-12-01", "2025-01-01", "2024-11-01", "2024-12-01")),
        ("month_to_date", "2025-03-10", ("2025-03-01", "2025-03-10", "2025-02-01", "2025-02-10")),
        ("month_to_date", "2025-03-31", ("2025-03-01", "2025-03-31", "2025-02-01", "2025-03-01")),
        ("month_to_date", "2025-03-01", ("2025-02-01", "2025-03-01", "2025-01-01", "2025-01-29")),
        ("year_to_date", "2025-03-10", ("2025-01-01", "2025-03-10", "2024-01-01", "2024-03-09")),
        ("last_90_days", "2025-03-31", ("2024-12-31", "2025-03-31", "2024-10-02", "2024-12-31")),
    ],
)
def test_period(name: str, as_of: str, days: tuple[str, ...]) -> None:
    span = periods.period(name, as_of)
    assert tuple(str(d) for d in (*span.bounds.values(), *span.previous_bounds.values())) == days


def test_an_unknown_period_is_refused() -> None:
    with pytest.raises(UsageError, match=r"period is 'last_moth' \(did you mean last_month\?\); expected"):
        periods.period("last_moth", "2025-03-31")


@pytest.mark.parametrize("as_of", ["soon", "2025-13-01", None])
def test_a_report_date_that_is_not_a_day_is_refused(as_of: str) -> None:
    for days in (periods.year_before, periods.two_years):
        with pytest.raises(UsageError, match=f"as_of is {as_of!r}; expected a day"):
            days(as_of)
    with pytest.raises(UsageError, match=f"as_of is {as_of!r}; expected a day"):
        periods.period("last_month", as_of)


def test_a_period_is_written_with_its_first_and_last_day() -> None:
    assert str(periods.period("last_month", "2025-03-31")) == "Feb 1, 2025 to Feb 28, 2025"


def test_the_year_before_as_of() -> None:
    assert [str(day) for day in periods.year_before("2025-03-01").values()] == ["2024-03-01", "2025-03-01"]


def test_the_year_before_has_the_same_days() -> None:
    span = periods.period("last_month", "2025-03-10")
    assert [str(day) for day in span.year_before.values()] == ["2024-02-01", "2024-03-01"]
    assert list(span.both) == ["start", "end", "previous_start", "previous_end"]


@pytest.mark.parametrize(
    ("name", "rate"), [("last_month", 90), ("month_to_date", 310), ("year_to_date", 90 / 68 * 365)]
)
def test_the_run_rate_extends_to_the_end_of_the_calendar_period(name: str, rate: float) -> None:
    span = periods.period(name, "2025-03-10")
    assert periods.run_rate(90, name, span) == pytest.approx(rate)


@pytest.mark.parametrize(("first_day", "covered"), [("2025-04-01", True), ("2025-04-02", False), (None, False)])
def test_a_period_is_covered_if_the_data_begin_by_its_first_day(first_day: str | None, covered: bool) -> None:
    april = {"start": date(2025, 4, 1), "end": date(2025, 5, 1)}
    assert periods.covers(pd.Timestamp(first_day) if first_day else None, april) is covered
