"""The forecast: metrics on series solved by hand, the guard, the edges, and the same numbers for the same seed."""

import ast
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

from lib import forecast as module
from lib.errors import UsageError
from lib.forecast import MODELS, backtest, daily_series, forecast, holdout, predict, simulate, trend

BOUNDS = ["lower_95", "lower_80", "forecast", "upper_80", "upper_95"]
SIMPLE = {name: MODELS[name] for name in ("seasonal naive", "weekday mean")}


def days(values, start="2025-01-06"):
    index = pd.date_range(start, periods=len(values), freq="D", name="date", unit="us")
    return pd.Series(np.asarray(values, dtype=float), index=index, name="revenue")


def shop_like(n, seed=1):
    """A level that wanders, a weekly pattern, noise."""
    rng = np.random.default_rng(seed)
    week = np.resize([1.0, 0.9, 0.9, 1.0, 1.2, 1.5, 1.3], n)
    return days((1_000 + rng.normal(0, 15, n).cumsum()) * week + rng.normal(0, 100, n))


@pytest.fixture(scope="module")
def shop():
    return shop_like(200)


@pytest.fixture(scope="module")
def published(shop):
    return forecast(shop, 30, scores=backtest(shop, 30, origins=1))


@pytest.fixture
def simple_models(monkeypatch):
    """Only the models whose answer is known by thought."""
    monkeypatch.setattr(module, "MODELS", SIMPLE)


# The series


def test_a_day_without_a_row_is_zero_and_days_from_as_of_on_are_dropped():
    daily = pd.DataFrame({"date": pd.to_datetime(["2025-01-03", "2025-01-01", "2025-01-06"]), "revenue": [3, 1, 9]})
    assert_series_equal(daily_series(daily, date(2025, 1, 6)), days([1, 0, 3, 0, 0], "2025-01-01"))


def test_life_begins_with_the_first_revenue():
    daily = pd.DataFrame({"date": pd.date_range("2025-01-01", periods=4), "revenue": [0, 0, 5, 6]})
    assert_series_equal(daily_series(daily, date(2025, 1, 5)), days([5, 6], "2025-01-03"))


def test_no_revenue_at_all_stays_a_series_of_zeros():
    daily = pd.DataFrame({"date": pd.date_range("2025-01-01", periods=3), "revenue": [0, 0, 0]})
    assert_series_equal(daily_series(daily, date(2025, 1, 5)), days([0, 0, 0, 0], "2025-01-01"))


def test_no_rows_give_an_empty_series():
    empty = daily_series(pd.DataFrame({"date": [], "revenue": []}), date(2025, 1, 5))
    assert (len(empty), empty.index.freqstr, empty.dtype) == (0, "D", float)


# The models


def test_seasonal_naive_continues_a_weekly_pattern_exactly():
    series = days(np.tile([1, 2, 3, 4, 5, 6, 7], 10))
    frame = predict("seasonal naive", series, 10)
    assert frame["forecast"].tolist() == [1, 2, 3, 4, 5, 6, 7, 1, 2, 3]
    for bound in BOUNDS:
        assert frame[bound].equals(frame["forecast"].rename(bound))


def test_the_weekday_mean_is_that_of_the_last_eight_weeks():
    series = days(np.repeat([100, 1, 2, 3, 4, 5, 6, 7, 8], 7))
    assert predict("weekday mean", series, 3)["forecast"].tolist() == [4.5, 4.5, 4.5]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_gives_ordered_bounds_from_zero_up_on_the_days_ahead(model, shop):
    frame = predict(model, shop, 30)
    assert (frame[BOUNDS].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert (frame >= 0).all(axis=None)
    assert frame.index.equals(pd.date_range("2025-07-25", periods=30, unit="us"))


@pytest.mark.parametrize("model", MODELS)
def test_the_simulated_futures_centre_on_the_forecast(model, shop):
    simulation = simulate(model, shop, 28, rng=np.random.default_rng(5))
    assert simulation.paths.shape == (module.PATHS, 28)
    assert simulation.paths.mean() == pytest.approx(simulation.point.mean(), rel=0.03)
    assert simulation.note == ""


@pytest.mark.parametrize("model", MODELS)
def test_the_same_seed_gives_the_same_numbers(model, shop):
    assert_frame_equal(predict(model, shop, 7, seed=3), predict(model, shop, 7, seed=3))
    paths = [simulate(model, shop, 7, rng=np.random.default_rng(seed)).paths for seed in (3, 4)]
    assert not np.array_equal(*paths)


@pytest.mark.parametrize("model", ["ETS", "ARIMA"])
def test_the_models_follow_a_weekly_pattern(model):
    series = (
        shop_like(120) * 0 + np.tile([1, 2, 3, 4, 5, 6, 70], 18)[:120] + np.random.default_rng(0).normal(0, 0.1, 120)
    )
    assert predict(model, series, 7)["forecast"].tolist() == pytest.approx([2, 3, 4, 5, 6, 70, 1], abs=0.3)


def test_arima_intervals_agree_with_the_formula(shop):
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    scale = shop.std()
    fit = module._fit(SARIMAX(shop / scale, order=(1, 0, 1), seasonal_order=(0, 1, 1, 7)), maxiter=200)
    paths = simulate("ARIMA", shop, 30, rng=np.random.default_rng(5)).paths
    assert paths.std(axis=0) == pytest.approx(scale * fit.get_forecast(30).se_mean.to_numpy(), rel=0.15)


def test_a_fit_that_fails_falls_back_and_says_so(shop, monkeypatch):
    monkeypatch.setattr(module, "_fit", lambda model, **options: None)
    simulation = simulate("ETS", shop, 7, rng=np.random.default_rng(5))
    assert simulation.point.tolist() == shop.tail(7).tolist()
    assert "The fit of ETS failed" in simulation.note


def test_a_search_that_does_not_converge_is_a_failed_fit(shop):
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    assert module._fit(ETSModel(shop, seasonal="add", seasonal_periods=7), maxiter=1) is None


# The backtest


def test_metrics_of_a_jump_by_hand(simple_models):
    """Ten weeks of 10 with one week of 12 in training, then 11 a day: every error is 1 and the scale is 2 x 14/63."""
    series = days([10] * 28 + [12] * 7 + [10] * 35 + [11] * 7)
    naive = backtest(series, 7, origins=1).loc["seasonal naive"]
    assert naive["mase"] == pytest.approx(1 / (2 * 14 / 63))
    assert naive["wape"] == naive["total_error"] == pytest.approx(1 / 11)
    assert naive["skill"] == 0


def test_the_weekday_means_skill_by_hand(simple_models):
    """Weeks alternate 10 and 20: naive misses by 10, the mean of eight by 5."""
    scores = backtest(days(np.repeat([10, 20] * 6, 7)), 7, origins=2, step=7)
    assert scores.loc["weekday mean", "skill"] == pytest.approx(0.5)
    assert scores["windows"].tolist() == [2, 2]


def test_coverage_counts_the_days_inside(simple_models):
    series = days(np.r_[np.tile([10, 12], 35), np.full(3, 11), np.full(4, 99)])
    scores = backtest(series, 7, origins=1)
    assert scores.loc["weekday mean", ["coverage_80", "coverage_95"]].tolist() == pytest.approx([3 / 7, 3 / 7])


@pytest.mark.parametrize(("n", "windows"), [(85, 0), (86, 1), (114, 2), (170, 4), (400, 4)])
def test_short_histories_have_fewer_windows(n, windows, simple_models):
    scores = backtest(shop_like(n), 30)
    assert scores["windows"].tolist() == [windows] * (2 if windows else 0)
    assert scores.columns.tolist() == backtest(shop_like(200), 30).columns.tolist()


def test_a_window_sees_only_its_past(simple_models):
    series = shop_like(100)
    changed = series.where(series.index < series.index[70], 1e6)
    assert_frame_equal(holdout(series, 30).drop(columns="actual"), holdout(changed, 30).drop(columns="actual"))


def test_the_holdout_sets_the_models_beside_what_came(shop):
    frame = holdout(shop, 14)
    assert frame.columns.tolist() == ["actual", *MODELS]
    assert frame["actual"].tolist() == shop.tail(14).tolist()
    assert not frame.isna().any(axis=None)


def test_a_holdout_of_a_short_history_is_empty():
    assert holdout(shop_like(60), 30).columns.tolist() == ["actual", *MODELS]


# What is published


def test_ets_is_published_where_it_earned_it(published):
    assert published.model == "ETS"
    assert published.reason.startswith("ETS, whose error in 1 test on the past was ")
    assert len(published.frame) == 30


def test_the_total_and_its_intervals_come_from_paths(published):
    assert published.total == pytest.approx(published.frame["forecast"].sum())
    assert (
        published.total_95[0] < published.total_80[0] < published.total < published.total_80[1] < published.total_95[1]
    )
    assert (
        published.total_80[1] - published.total_80[0]
        < (published.frame["upper_80"] - published.frame["lower_80"]).sum()
    )


def test_the_forecast_is_the_same_twice(shop, published):
    again = forecast(shop, 30, scores=backtest(shop, 30, origins=1))
    assert_frame_equal(again.frame, published.frame)
    assert (again.total_80, again.reason) == (published.total_80, published.reason)


def test_the_guard_publishes_the_simple_model(shop):
    scores = pd.DataFrame({"mase": [1.0, 1.0], "windows": 4, "skill": 0.0}, index=["seasonal naive", "ETS"])
    guarded = forecast(shop, 7, scores=scores)
    assert guarded.model == "seasonal naive"
    assert guarded.reason == "Seasonal naive, since ETS did not beat it in 4 tests on the past."
    assert guarded.frame["forecast"].tolist() == shop.tail(7).tolist()


def test_a_perfect_weekly_pattern_is_continued_exactly():
    published = forecast(days(np.tile([1, 2, 3, 4, 5, 6, 7], 18)), 14)
    assert published.frame["forecast"].tolist() == pytest.approx([1, 2, 3, 4, 5, 6, 7] * 2)


@pytest.mark.parametrize("n", [7, 8, 13, 14, 20, 55])
def test_under_eight_weeks_seasonal_naive_is_published(n):
    published = forecast(shop_like(n), 30)
    assert published.model == "seasonal naive"
    assert published.reason == f"Seasonal naive, since history is {n} of the 56 days ETS needs."
    assert published.frame["forecast"].iloc[0] == shop_like(n).iloc[-7]


def test_eight_weeks_without_a_test_are_not_enough():
    assert "60 days of history are too few to test ETS on" in forecast(shop_like(60), 30).reason


@pytest.mark.parametrize(
    ("values", "total", "word"),
    [
        ([0] * 100, 0, "the same 0.00"),
        ([5] * 100, 150, "the same 5.00"),
        ([7], 210, "history is 1 of"),
        ([1, 3], 60, "2 of"),
    ],
)
def test_flat_and_tiny_series_get_a_sentence(values, total, word):
    published = forecast(days(values), 30)
    assert word in published.reason
    assert published.total == total
    assert published.frame.notna().all(axis=None)


def test_an_empty_series_gets_an_empty_frame_and_a_sentence():
    published = forecast(days([]), 30)
    assert (published.model, len(published.frame), published.total) == ("none", 0, 0)
    assert published.frame.columns.tolist() == predict("ETS", days([1]), 1).columns.tolist()
    assert published.reason == "No forecast, since no day has had revenue yet."


@pytest.mark.parametrize("gap", [slice(20, 60), slice(110, 150), slice(0, 90)])
def test_a_series_with_a_gap_gets_finite_figures(gap):
    values = shop_like(150).to_numpy(copy=True)
    values[gap] = 0
    published = forecast(days(values), 30)
    assert np.isfinite(published.frame).all(axis=None)
    assert (published.frame[BOUNDS].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)


def test_sparse_sales_never_go_below_zero():
    rng = np.random.default_rng(2)
    published = forecast(days(rng.poisson(0.3, 150) * 80.0), 30)
    assert (published.frame >= 0).all(axis=None)
    assert 0 <= published.total_95[0] <= published.total <= published.total_95[1]


# Trend and refusals


def test_the_trend_smooths_the_week_away():
    frame = trend(days(np.tile([1, 2, 3, 4, 5, 6, 7], 10)))
    assert frame.columns.tolist() == ["date", "revenue", "trend"]
    assert frame["trend"].iloc[20:50].tolist() == pytest.approx([4] * 30)
    assert frame["trend"].notna().all()


def test_the_trend_of_nothing_is_nothing():
    assert trend(days([])).columns.tolist() == ["date", "revenue", "trend"]


@pytest.mark.parametrize("look", [forecast, backtest, holdout, lambda s, h: predict("ETS", s, h)])
def test_a_horizon_of_no_days_is_refused(look, shop):
    with pytest.raises(UsageError, match="horizon is 0 days; want at least 1"):
        look(shop, 0)


def test_an_unknown_model_is_refused(shop):
    with pytest.raises(UsageError, match="no model is called 'prophet'; want one of seasonal naive"):
        predict("prophet", shop, 7)


# Limits


def test_two_years_take_less_than_ten_seconds_of_cpu():
    series = shop_like(730)
    start = time.process_time()
    forecast(series, 30)
    assert time.process_time() - start < 10


def test_statsmodels_is_imported_where_models_are_fitted_only_and_late():
    root = Path(module.__file__).parent
    users = [path for path in root.rglob("*.py") if "from statsmodels" in path.read_text(encoding="utf-8")]
    assert sorted(path.name for path in users) == ["forecast.py", "survival.py"]
    top = [node for path in users for node in ast.parse(path.read_text(encoding="utf-8")).body]
    assert not any("statsmodels" in ast.dump(node) for node in top if isinstance(node, ast.Import | ast.ImportFrom))
