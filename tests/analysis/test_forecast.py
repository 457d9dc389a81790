"""Tests of the models, their combination and what is published: by thought, the guard, the edges, determinism."""

import ast
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from lib.analysis import forecast as package
from lib.analysis.forecast import (
    COMBINATION,
    MODELS,
    Backtest,
    Past,
    Simulation,
    backtest,
    daily_series,
    forecast,
    simulate,
)
from lib.analysis.forecast import models as table
from lib.analysis.forecast.models import combine, simulate_all
from lib.analysis.forecast.publishing import untested
from lib.analysis.forecast.scores import naive_scale
from lib.analysis.forecast.simulation import PATHS, days_ahead, recent, stream
from lib.analysis.forecast.statistical import _regressors, fit
from lib.errors import UsageError
from tests.series import days, noise, past, shop_like

BOUNDS = ["lower_95", "lower_80", "forecast", "upper_80", "upper_95"]
SIMPLE = {name: MODELS[name] for name in ("seasonal naive", "weekday mean")}
OWN = ["seasonal naive", "weekday mean", "ETS", "log ETS", "ARIMA", "Theta"]
FITTED = ["ETS", "log ETS", "ARIMA", "Theta"]


@pytest.fixture(scope="module")
def shop() -> Past:
    return past(shop_like(200))


@pytest.fixture(scope="module")
def tested(shop: Past) -> Backtest:
    return backtest(shop, 30, origins=2)


@pytest.fixture
def simple_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the models whose answer is known by thought; the combination is the weekday mean then."""
    monkeypatch.setattr(table, "MODELS", SIMPLE)


# The models


def test_seasonal_naive_continues_a_weekly_pattern_exactly() -> None:
    simulation = simulate("seasonal naive", past(np.tile([1, 2, 3, 4, 5, 6, 7], 10)), 10)
    assert simulation.point.tolist() == [1, 2, 3, 4, 5, 6, 7, 1, 2, 3]
    assert (simulation.paths == simulation.point).all()


def test_the_weekday_mean_is_that_of_the_last_eight_weeks() -> None:
    assert simulate("weekday mean", past(np.repeat([100, 1, 2, 3, 4, 5, 6, 7, 8], 7)), 3).point.tolist() == [4.5] * 3


@pytest.mark.parametrize("model", OWN)
def test_the_simulated_futures_centre_on_the_forecast(model: str, shop: Past) -> None:
    simulation = simulate(model, shop, 28, seed=5)
    assert simulation.paths.shape == (PATHS, 28)
    assert simulation.paths.mean() == pytest.approx(simulation.point.mean(), rel=0.03)
    assert simulation.note == ""


@pytest.mark.parametrize("model", OWN)
def test_the_same_seed_gives_the_same_numbers(model: str, shop: Past) -> None:
    first, again, other = (simulate(model, shop, 7, seed=seed).paths for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("model", FITTED)
def test_the_models_follow_a_weekly_pattern(model: str) -> None:
    week = np.tile([11, 12, 13, 14, 15, 16, 70], 18)[:120] + np.random.default_rng(0).normal(0, 0.1, 120)
    assert simulate(model, past(week), 7).point.tolist() == pytest.approx([12, 13, 14, 15, 16, 70, 11], abs=0.3)


@pytest.mark.parametrize("model", FITTED)
def test_a_shop_closed_on_sundays_has_a_week_of_six_days(model: str) -> None:
    week = np.tile([11, 12, 13, 14, 15, 46, 0], 18) * (1 + np.random.default_rng(0).normal(0, 0.005, 126))
    frame = days(week).rename_axis("date").reset_index()
    opened = daily_series(frame, days(week).index[-1] + pd.Timedelta(days=1)).past()
    assert simulate(model, opened, 7).point.tolist() == pytest.approx([11, 12, 13, 14, 15, 46], rel=0.02)


def test_errors_are_those_of_the_last_quarter() -> None:
    """A shop that has grown errs by larger amounts than it did."""
    errors = recent(np.r_[np.full(500, 1.0), np.tile([10.0, -10.0], 50)], 7)
    assert len(errors) == 91
    assert errors.mean() == pytest.approx(0)
    assert np.abs(errors).min() > 9


def test_arima_intervals_agree_with_the_formula(shop: Past) -> None:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    scale = shop.series.std()
    found = fit(SARIMAX((shop.series / scale).to_numpy(), order=(1, 0, 1), seasonal_order=(0, 1, 1, 7)), maxiter=200)
    paths = simulate("ARIMA", shop, 30, seed=5).paths
    assert paths.std(axis=0) == pytest.approx(scale * found.get_forecast(30).se_mean, rel=0.2)


def test_a_search_that_does_not_converge_is_a_failed_fit(shop: Past) -> None:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    assert fit(ETSModel(shop.series, seasonal="add", seasonal_periods=7), maxiter=1) is None


@pytest.mark.parametrize(("argument", "works"), [("rng", True), ("random_state", False)])
def test_statsmodels_takes_its_random_numbers_by_this_name(argument: str, works: bool, shop: Past) -> None:
    """Renamed in 0.15; what is simulated here is given its errors, so that no hidden stream is drawn from."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    fitted = ETSModel(shop.series, seasonal="add", seasonal_periods=7, initialization_method="heuristic").fit(disp=0)
    options = {argument: np.random.default_rng(1)}
    if works:
        first, again = (
            fitted.simulate(3, anchor="end", **{argument: np.random.default_rng(1)}).to_numpy() for _ in range(2)
        )
        assert np.array_equal(first, again)
    else:
        with pytest.raises(TypeError):
            fitted.simulate(3, anchor="end", **options)


def marked(*names: str) -> pd.Series:
    return pd.Series(
        ["Fair", *names], index=pd.to_datetime(["2025-02-10", "2025-07-28", "2025-07-30"])[: len(names) + 1]
    )


def test_a_holiday_is_a_regressor_only_when_it_was_seen_before() -> None:
    known = past(shop_like(200), marked("Fair", "Feast"))
    before, coming = _regressors(known, days_ahead(known, 30))
    assert before.columns.tolist() == coming.columns.tolist() == ["Fair"]
    assert (before["Fair"].sum(), coming["Fair"].sum()) == (1, 1)
    assert _regressors(past(shop_like(200), marked("Feast")), days_ahead(known, 30)) == (None, None)


def test_arima_learns_what_a_holiday_does() -> None:
    series = shop_like(200)
    series.iloc[[30, 90, 150]] += 2_000
    names = pd.Series("Fair", index=[*series.index[[30, 90, 150]], pd.Timestamp("2025-08-01")])
    with_it, without = (simulate("ARIMA", past(series, known), 14).point for known in (names, None))
    assert (with_it - without)[7] == pytest.approx(2_000, rel=0.2)


# The combination


def said(value: float, note: str = "") -> Simulation:
    point = np.full(2, float(value))
    return Simulation(point, np.vstack([point - 1, point + 1]), note)


def test_smoothing_has_one_voice_of_three() -> None:
    """Three smoothers at 1, 2, 9 say 2; ARIMA says 5, the mean of eight weeks 7: the median is ARIMA's 5."""
    voices = {"ETS": said(1), "log ETS": said(2), "Theta": said(9), "ARIMA": said(5), "weekday mean": said(7)}
    combined = combine({**voices, "seasonal naive": said(100)})
    assert combined.point.tolist() == [5, 5]
    assert combined.paths.shape == (10, 2)
    assert set(combined.paths.ravel()) == {4, 6}


def test_a_model_whose_fit_failed_has_no_voice() -> None:
    voices = {"ETS": said(1, "failed"), "log ETS": said(2), "Theta": said(4), "ARIMA": said(50, "failed")}
    assert combine({**voices, "weekday mean": said(7)}).point.tolist() == [5, 5]


def test_a_fit_that_fails_falls_back_and_says_so(shop: Past, tested: Backtest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.analysis.forecast.statistical.fit", lambda model, **options: None)
    simulation = simulate("ARIMA", shop, 7)
    assert simulation.point.tolist() == shop.series.tail(7).tolist()
    assert "The fit of ARIMA failed" in simulation.note
    assert forecast(shop, tested, 7).reason.endswith(" Without ARIMA, whose fit failed.")


# What is published


def test_the_combination_is_published_where_it_earned_it(shop: Past, tested: Backtest) -> None:
    published = forecast(shop, tested, 30)
    assert (published.model, published.earned) == (COMBINATION, True)
    assert published.reason.startswith("In 2 tests on the past its error was ")
    assert published.frame.columns.tolist() == [*BOUNDS_OF_FRAME, "ETS", "ARIMA"]
    assert published.frame.index.equals(pd.date_range("2025-07-25", periods=30, unit="us"))
    assert (published.frame[BOUNDS].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)


BOUNDS_OF_FRAME = ["forecast", "lower_80", "upper_80", "lower_95", "upper_95"]


def test_the_total_and_its_intervals_come_from_paths(shop: Past, tested: Backtest) -> None:
    published = forecast(shop, tested, 30)
    assert published.total == pytest.approx(published.frame["forecast"].sum())
    (low_80, high_80), (low_95, high_95) = published.total_80, published.total_95
    assert low_95 < low_80 < published.total < high_80 < high_95
    assert high_80 - low_80 < (published.frame["upper_80"] - published.frame["lower_80"]).sum()


def test_the_forecast_is_the_same_twice(shop: Past, tested: Backtest) -> None:
    first, again = (forecast(shop, backtest(shop, 30, origins=2), 30) for _ in range(2))
    assert_frame_equal(first.frame, again.frame)
    assert (first.total_80, first.reason) == (again.total_80, again.reason)


def worse_than_last_week(better: str) -> Backtest:
    """A test in which the combination was wrong by 4 a day, seasonal naive by 2 and the weekday mean by 1 or 3."""
    actual = days([10.0] * 7)
    other = 11 if better == "weekday mean" else 13
    spoken = {COMBINATION: said(14), "seasonal naive": said(12), "weekday mean": said(other)}
    wide = {name: Simulation(np.full(7, one.point[0]), np.tile(one.paths[:, :1], 7)) for name, one in spoken.items()}
    return Backtest((package.backtest.__globals__["Window"](actual, wide, 1.0),))


@pytest.mark.parametrize(
    ("better", "words"),
    [("seasonal naive", "repeats last week"), ("weekday mean", "is the mean of the last eight weeks, by weekday")],
)
def test_the_guard_publishes_the_better_simple_model_and_says_so(better: str, words: str, shop: Past) -> None:
    guarded = forecast(shop, worse_than_last_week(better), 7)
    assert (guarded.model, guarded.earned) == (better, False)
    assert (
        guarded.reason
        == f"The forecast {words}: the combination of models did no better than last week in 1 test on the past."
    )
    assert guarded.frame["forecast"].tolist() == pytest.approx(simulate(better, shop, 7).point.tolist())


def test_no_skill_is_claimed_where_there_is_none() -> None:
    """Pure noise: any mean beats last week, and no model can beat the mean of eight weeks."""
    published = [
        forecast(past(noise(250, seed)), backtest(past(noise(250, seed)), 30, origins=4), 30) for seed in (1, 2, 3)
    ]
    for one in published:
        assert "no more than on pure noise" in one.reason or "no skill" in one.reason


def test_a_perfect_weekly_pattern_is_continued_exactly() -> None:
    series = past(np.tile([1, 2, 3, 4, 5, 6, 7], 18))
    published = forecast(series, backtest(series, 14, origins=1), 14)
    assert published.frame["forecast"].tolist() == pytest.approx([1, 2, 3, 4, 5, 6, 7] * 2)


@pytest.mark.parametrize("n", [7, 8, 13, 14, 20, 55])
def test_under_eight_weeks_seasonal_naive_is_published(n: int) -> None:
    published = forecast(past(shop_like(n)), backtest(past(shop_like(n))), 30)
    assert published.model == "seasonal naive"
    assert published.reason == f"The forecast repeats last week: history has {n} of the 56 days that a model needs."
    assert published.frame["forecast"].iloc[0] == shop_like(n).iloc[-7]


def test_eight_weeks_without_a_test_are_not_enough() -> None:
    series = past(shop_like(60))
    assert "60 days of history are too few" in forecast(series, backtest(series), 30).reason


@pytest.mark.parametrize(
    ("values", "total", "word"),
    [
        ([0] * 100, 0, "the same 0.00"),
        ([5] * 100, 150, "the same 5.00"),
        ([7], 210, "has 1 of"),
        ([1, 3], 60, "has 2 of"),
    ],
)
def test_flat_and_tiny_series_get_a_sentence(values: list[float], total: float, word: str) -> None:
    published = forecast(past(values), backtest(past(values)), 30)
    assert word in published.reason
    assert published.total == total
    assert published.frame.notna().all(axis=None)


def test_an_empty_series_gets_an_empty_frame_and_a_sentence() -> None:
    published = forecast(past([]), backtest(past([])), 30)
    assert (published.model, len(published.frame), published.total) == ("none", 0, 0)
    assert published.frame.columns.tolist() == BOUNDS_OF_FRAME
    assert published.reason == "No day has had revenue yet."


@pytest.mark.parametrize("gap", [slice(20, 60), slice(110, 150), slice(0, 90)])
def test_a_series_with_a_gap_gets_finite_figures(gap: slice) -> None:
    values = shop_like(150).to_numpy(copy=True)
    values[gap] = 0
    published = forecast(past(values), backtest(past(values), 30, origins=1), 30)
    assert np.isfinite(published.frame).all(axis=None)
    assert (published.frame[BOUNDS].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)


def test_sparse_sales_never_go_below_zero() -> None:
    series = past(np.random.default_rng(2).poisson(0.3, 150) * 80.0)
    published = forecast(series, backtest(series, 30, origins=1), 30)
    assert (published.frame >= 0).all(axis=None)
    assert 0 <= published.total_95[0] <= published.total <= published.total_95[1]


@pytest.mark.parametrize(("n", "model"), [(100, "weekday mean"), (20, "seasonal naive")])
def test_a_thin_series_gets_a_plain_forecast(n: int, model: str) -> None:
    assert untested(past(shop_like(n)), 7).model == model


def test_a_closed_day_is_in_the_frame_as_zero() -> None:
    week = days(np.tile([5, 6, 7, 8, 9, 0, 4], 20) * np.random.default_rng(1).uniform(0.9, 1.1, 140))
    closed = daily_series(week.rename_axis("date").reset_index(), "2025-05-26").past()
    frame = forecast(closed, backtest(closed, 14, origins=1), 14).frame
    assert len(frame) == 14
    assert (frame[frame.index.day_of_week == 5] == 0).all(axis=None)
    assert (frame["forecast"] > 0).sum() == 12


def test_a_horizon_of_closed_days_brings_nothing() -> None:
    week = days(np.tile([5, 6, 7, 8, 9, 4, 0], 20) * np.random.default_rng(1).uniform(0.9, 1.1, 140)).iloc[:-1]
    closed = daily_series(week.rename_axis("date").reset_index(), "2025-05-25").past()
    published = forecast(closed, backtest(closed, 1, origins=2), 1)
    assert (published.total, published.total_80, len(published.frame)) == (0, (0, 0), 1)


def test_a_pattern_without_any_error_is_continued() -> None:
    """Its likelihood is infinite: a fit that ends in no number is a failed one."""
    series = past([9, 0, 0, 0, 0, 0, 0] * 20)
    assert forecast(series, backtest(series, 7, origins=1), 7).frame["forecast"].tolist() == [9, 0, 0, 0, 0, 0, 0]


# Refusals and limits


@pytest.mark.parametrize(
    "look",
    [backtest, lambda series, h: simulate("ETS", series, h), lambda series, h: forecast(series, Backtest(()), h)],
)
def test_a_horizon_of_no_days_is_refused(look: object, shop: Past) -> None:
    with pytest.raises(UsageError, match="horizon is 0 days; want at least 1"):
        look(shop, 0)


def test_an_unknown_model_is_refused(shop: Past) -> None:
    with pytest.raises(UsageError, match="no model is called 'oracle'; want one of seasonal naive"):
        simulate("oracle", shop, 7)


def test_statsmodels_is_imported_here_only_and_late() -> None:
    root = Path(package.__file__).parent
    users = [path for path in root.parent.rglob("*.py") if "from statsmodels" in path.read_text(encoding="utf-8")]
    assert {path.parent for path in users if path.name != "survival.py"} == {root}
    tops = [node for path in users for node in ast.parse(path.read_text(encoding="utf-8")).body]
    assert not any("statsmodels" in ast.dump(node) for node in tops if isinstance(node, ast.Import | ast.ImportFrom))


@pytest.mark.parametrize("extra", ["prophet", "lightgbm"])
def test_an_extra_model_is_in_the_table_where_it_is_installed(extra: str, shop: Past) -> None:
    assert (extra in MODELS) == bool(find_spec(extra))
    if extra not in MODELS:
        pytest.skip(f"{extra} is not installed; it comes with `pip install -e .[forecast]`")
    simulation = simulate(extra, shop, 14)
    assert simulation.paths.shape[1] == len(simulation.point) == 14
    assert simulation.point.mean() == pytest.approx(shop.series.tail(28).mean(), rel=0.3)


def test_all_models_are_asked_with_a_stream_of_their_own(shop: Past, simple_models: None) -> None:
    assert list(simulate_all(shop, 7)) == [COMBINATION, *SIMPLE]
    assert stream(1, "ETS").random() != stream(1, "ARIMA").random()
    assert naive_scale(days([1, 2, 3, 4, 5, 6, 7, 2])) == 1
