"""Tests of the daily series: first day, missing days, closed weekdays, records that end early, notes, holidays."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_series_equal

from lib.analysis.forecast import daily_series
from tests.series import days, shop_like

AS_OF = date(2025, 1, 6)


def rows(series: pd.Series) -> pd.DataFrame:
    return series.rename_axis("date").reset_index()


def test_day_without_a_row_is_zero_and_days_from_as_of_on_are_dropped() -> None:
    daily = pd.DataFrame({"date": pd.to_datetime(["2025-01-03", "2025-01-01", "2025-01-06"]), "revenue": [3, 1, 9]})
    found = daily_series(daily, AS_OF)
    assert_series_equal(found.series, days([1, 0, 3, 0, 0], "2025-01-01"))
    (note,) = found.notes
    assert note.startswith("5 days of history, Jan 1, 2025 to Jan 5, 2025; 3 days without revenue count as zero ")
    assert note.endswith("(3 of them without a row).")


def test_rows_of_the_same_day_are_added_up() -> None:
    daily = pd.DataFrame({"date": pd.to_datetime(["2025-01-05", "2025-01-05"]), "revenue": [3, 4]})
    assert daily_series(daily, AS_OF).series.tolist() == [7]


def test_series_starts_with_the_first_revenue() -> None:
    daily = rows(days([0, 0, 5, 6], "2025-01-02"))
    assert_series_equal(daily_series(daily, AS_OF).series, days([5, 6], "2025-01-04"))


def test_no_revenue_at_all_stays_a_series_of_zeros() -> None:
    assert_series_equal(daily_series(rows(days([0, 0, 0], "2025-01-03")), AS_OF).series, days([0] * 3, "2025-01-03"))


def test_no_rows_give_an_empty_series_and_a_sentence() -> None:
    found = daily_series(pd.DataFrame({"date": [], "revenue": []}), AS_OF)
    assert (len(found.series), found.series.index.freqstr, found.series.dtype) == (0, "D", float)
    assert found.notes == ("No day has had revenue yet.",)


@pytest.mark.parametrize(("silent", "kept"), [(7, 47), (8, 39)])
def test_days_after_the_end_of_the_records_are_unknown(silent: int, kept: int) -> None:
    """A week without rows may be a week without sales; after more, the records ended during their last day."""
    found = daily_series(rows(days([5] * 40)), pd.Timestamp("2025-01-06") + pd.Timedelta(days=40 + silent))
    assert len(found.series) == kept
    assert any("The records end on Feb 14, 2025" in note for note in found.notes) == (silent == 8)


def closed_on_saturdays(weeks: int) -> pd.Series:
    return days(np.tile([5, 6, 7, 8, 9, 0, 4], weeks))


def test_weekday_without_any_sale_is_closed() -> None:
    found = daily_series(rows(closed_on_saturdays(8)), "2025-03-03")
    assert found.closed == (5,)
    assert "closed on Saturdays" in found.notes[-1]
    assert len(found.past().series) == 48


def test_days_ahead_leave_out_closed_saturdays() -> None:
    ahead = daily_series(rows(closed_on_saturdays(8)), "2025-03-03").past().days_ahead(14)
    assert len(ahead) == 12
    assert ahead[0] == pd.Timestamp("2025-03-03")
    assert 5 not in ahead.day_of_week


@pytest.mark.parametrize(
    "series", [closed_on_saturdays(7), days([5, 0, 0, 0, 0, 0, 0] * 10), closed_on_saturdays(9).replace({0: 1e-9})]
)
def test_short_or_sparse_history_has_no_closed_weekday(series: pd.Series) -> None:
    assert daily_series(rows(series), series.index[-1] + pd.Timedelta(days=1)).closed == ()


def test_input_is_not_changed() -> None:
    daily = rows(shop_like(60))
    before = daily.copy()
    daily_series(daily, "2025-02-01")
    pd.testing.assert_frame_equal(daily, before)
