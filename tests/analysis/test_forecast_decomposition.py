"""Tests of anomalies, holidays, the decomposition of a series, and the forecasts of segments."""

import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from lib.analysis.forecast import (
    anomalies,
    backtest,
    daily_series,
    forecast,
    forecast_segments,
    holidays_of,
    month_effects,
    trend,
    untested,
    weekday_effects,
)
from lib.analysis.forecast.history import holiday_near
from tests.bench.forecasting import daily_revenue
from tests.series import days, past, shop_like

FIRST, LAST = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-12-31")


# Anomalies


def steady(n: int, spread: float = 0.05) -> pd.Series:
    """A weekly pattern without trend, with noise of this share of the day."""
    week = np.resize([1.0, 0.9, 0.9, 1.0, 1.2, 1.5, 1.3], n)
    return days(1_000 * week * np.exp(np.random.default_rng(1).normal(0, spread, n)))


@pytest.mark.parametrize("factor", [0.0, 0.3, 2.5])
def test_single_anomaly_is_found(factor: float) -> None:
    series = steady(300)
    series.iloc[200] *= factor
    found = anomalies(past(series)).days.set_index("date")
    assert found["change"].abs().idxmax() == series.index[200]
    assert found.loc[series.index[200], "change"] == pytest.approx(factor - 1, abs=0.3)
    assert found.loc[series.index[200], "cause"] == "not known"


def test_planted_anomalies_are_found() -> None:
    """The outage and the flash sale of a synthetic shop with 115 orders a day."""
    revenue, _, plan = daily_revenue(42_000, 84_000, 200, 1, date(2025, 7, 1))
    found = set(anomalies(daily_series(revenue, plan.shop.as_of).past()).days["date"])
    planted = {pd.Timestamp(np.datetime64(int(one.first_day), "D")) for one in plan.anomalies if one.orders != 1}
    assert len(planted) == 2
    assert planted <= found


def test_at_most_three_percent_of_days_are_anomalies() -> None:
    series = shop_like(200)
    series.iloc[::20] *= 3
    assert len(anomalies(past(series)).days) == 6


def test_noise_gives_few_anomalies() -> None:
    assert len(anomalies(past(steady(300))).days) <= 6


def test_summary_has_the_size_of_a_detectable_anomaly() -> None:
    seen = [
        re.search(r"about (\d+)% below or (\d+)% above", anomalies(past(steady(300, by))).summary) for by in (0.02, 0.2)
    ]
    (low, high), (lower, higher) = ([int(number) for number in one.groups()] for one in seen)
    assert low < 10 < lower
    assert high < 10 < higher


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([5] * 100, "same revenue every day"),
        (range(20), "too short"),
        ([], "too short"),
        ([9, 0] * 50, "50% of the days have no sales"),
    ],
)
def test_summary_says_why_no_anomaly_can_be_detected(values: object, word: str) -> None:
    found = anomalies(past(list(values)))
    assert word in found.summary
    assert found.days.columns.tolist() == ["date", "revenue", "expected_revenue", "change", "cause"]
    assert found.days.empty


def test_day_without_sales_is_not_an_anomaly_where_many_are_empty() -> None:
    series = steady(300)
    series.iloc[::12] = 0
    assert not (anomalies(past(series)).days["revenue"] == 0).any()


def test_known_cause_is_named() -> None:
    series = steady(300)
    series.iloc[[100, 150]] *= 0.2
    names = pd.Series(["Fair", "Feast"], index=[series.index[100], series.index[151]])
    found = anomalies(past(series, names)).days.set_index("date")["cause"]
    assert found[series.index[[100, 150]]].tolist() == ["Fair", "day before Feast"]


# Holidays


def test_holidays_have_english_names_by_day() -> None:
    found = holidays_of("DE", FIRST, LAST)
    assert found[pd.Timestamp("2025-10-03")] == "German Unity Day"
    assert found.index.is_monotonic_increasing


@pytest.mark.parametrize("country", [None, "", "XX", "nan"])
def test_unknown_country_has_no_holidays(country: str | None) -> None:
    assert holidays_of(country, FIRST, LAST).empty


@pytest.mark.parametrize(
    ("day", "words"), [("07-04", "Fair"), ("07-03", "day before Fair"), ("07-05", "day after Fair"), ("07-06", "")]
)
def test_day_next_to_a_holiday_is_named(day: str, words: str) -> None:
    assert holiday_near(pd.Timestamp(f"2025-{day}"), pd.Series("Fair", index=[pd.Timestamp("2025-07-04")])) == words


# Decomposition


def test_trend_removes_the_weekly_pattern() -> None:
    found = trend(past(np.tile([1, 2, 3, 4, 5, 6, 7], 10)))
    assert found.columns.tolist() == ["date", "revenue", "trend"]
    assert found["trend"].iloc[20:50].tolist() == pytest.approx([4] * 30)
    assert found["trend"].notna().all()


def test_weekday_effect_compares_with_the_mean_day() -> None:
    found = weekday_effects(past(np.tile([1, 1, 1, 1, 1, 1, 8], 10)))
    assert found["weekday"].tolist() == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert found["effect"].tolist() == [-0.5] * 6 + [3]


def test_month_effects_are_separated_from_growth() -> None:
    """Revenue that doubles in the second year, and more in December."""
    series = days(np.linspace(100, 200, 1_100), "2022-01-01")
    series[series.index.month == 12] *= 1.5
    found = month_effects(past(series)).set_index("month")["effect"]
    assert found.idxmax() == "Dec"
    assert found["Dec"] == pytest.approx(0.4, abs=0.08)
    assert found.drop(["Dec", "Nov", "Jan"]).abs().max() < 0.08


def test_less_than_two_years_have_no_month_effects() -> None:
    assert month_effects(past(shop_like(700))).empty


@pytest.mark.parametrize("component", [trend, weekday_effects, month_effects])
def test_components_of_an_empty_series_are_empty(component: object) -> None:
    assert component(past([])).empty


# Segments


def test_largest_segments_are_forecast_over_the_days_of_the_shop() -> None:
    whole = shop_like(120)
    shares = {f"segment {number}": share for number, share in enumerate([0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])}
    rows = pd.concat(
        [(share * whole).rename("revenue").reset_index().assign(segment=name) for name, share in shares.items()]
    )
    history = daily_series(whole.reset_index(), whole.index[-1] + pd.Timedelta(days=1))
    ahead = forecast(history.past(), backtest(history.past(), 14, origins=1), 14)
    segments = forecast_segments(rows.reset_index(drop=True), "segment", history, ahead)
    assert [segment.name for segment in segments] == [*(f"segment {number}" for number in range(6)), "all others"]
    assert segments[0].forecast.frame.index[0] == history.series.index[-1] + pd.Timedelta(days=1)
    assert segments[0].forecast.total == pytest.approx(1.5 * segments[1].forecast.total, rel=0.01)
    frames, every = [segment.forecast.frame for segment in segments], ahead.frame[list(segments[0].forecast.frame)]
    assert_frame_equal(sum(frame["forecast"] for frame in frames).to_frame(), ahead.frame[["forecast"]])
    assert np.allclose(sum(segment.forecast.paths for segment in segments), ahead.paths)
    assert all((frame <= every + 1e-6).all(axis=None) for frame in frames)
    assert all(one.forecast.total == pytest.approx(one.forecast.frame["forecast"].sum()) for one in segments)


def test_sparse_segment_gets_a_simple_model() -> None:
    whole = shop_like(120)
    history = daily_series(whole.reset_index(), whole.index[-1] + pd.Timedelta(days=1))
    rows = whole[whole.index.day_of_week == 1].rename("revenue").reset_index().assign(segment="tiny")
    found = forecast_segments(rows, "segment", history, untested(history.past(), 14))[0].forecast
    assert found.reason == "Sales are too sparse to backtest a model."


def test_shop_without_sales_has_no_segments() -> None:
    history = daily_series(pd.DataFrame({"date": [], "revenue": []}), "2025-01-05")
    empty = pd.DataFrame({"date": pd.to_datetime([]), "segment": pd.Series([], dtype="str"), "revenue": []})
    assert forecast_segments(empty, "segment", history, untested(history.past())) == []
