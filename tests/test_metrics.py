"""Tests of the re-shaping: periods by calendar, gaps that stay gaps, answers known by head."""

import numpy as np
import pandas as pd
import pytest

from lib import metrics


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
    span = metrics.period(name, as_of)
    assert tuple(str(d) for d in (*span.bounds.values(), *span.previous_bounds.values())) == days


def test_a_period_reads_with_both_its_days() -> None:
    assert str(metrics.period("last_month", "2025-03-31")) == "1 February 2025 to 28 February 2025"


def test_change_needs_something_before() -> None:
    assert metrics.change(3, 2) == 0.5
    assert np.isnan(metrics.change(3, 0))


def test_days_without_a_row_are_zero() -> None:
    frame = pd.DataFrame({"date": pd.to_datetime(["2025-01-02"]), "revenue": [5.0]})
    filled = metrics.days(frame, {"start": "2025-01-01", "end": "2025-01-04"})
    assert filled["revenue"].tolist() == [0, 5, 0]


def test_weekly_mean_starts_on_the_seventh_day() -> None:
    means = metrics.with_weekly_mean(pd.DataFrame({"revenue": range(8)}), "revenue")["weekly_mean"]
    assert means.isna().sum() == 6
    assert means.tail(2).tolist() == [3, 4]


def test_a_year_before() -> None:
    assert [str(day) for day in metrics.year_before("2025-03-01").values()] == ["2024-03-01", "2025-03-01"]
