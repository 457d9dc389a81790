"""Tests of the models, the ensemble and the published forecast: known answers, guard, edge cases, determinism."""

import ast
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from lib.analysis import forecast as package
from lib.analysis.forecast import (
    ENSEMBLE,
    MODELS,
    SEASONAL_NAIVE,
    WEEKDAY_AVERAGE,
    Backtest,
    Past,
    Simulation,
    backtest,
    daily_series,
    forecast,
    simulate,
    statistical,
)
from lib.analysis.forecast import models as table
from lib.analysis.forecast.backtest import Window, naive_scale
from lib.analysis.forecast.models import COMPONENTS, PROFILES, combine, random_stream, simulate_all
from lib.analysis.forecast.publishing import untested
from lib.analysis.forecast.simulation import PATHS, recent_errors
from lib.analysis.forecast.statistical import fit, log_likelihood
from lib.errors import UsageError
from tests.series import days, noise, past, shop_like

BOUNDS = ["lower_95", "lower_80", "forecast", "upper_80", "upper_95"]
SIMPLE = {name: MODELS[name] for name in (SEASONAL_NAIVE, WEEKDAY_AVERAGE)}
OUR_MODELS = [SEASONAL_NAIVE, WEEKDAY_AVERAGE, "ETS", "log ETS", "ARIMA", "Theta", *PROFILES]
FITTED = ["ETS", "log ETS", "ARIMA", "Theta"]


@pytest.fixture(scope="module")
def shop() -> Past:
    return past(shop_like(200))


@pytest.fixture(scope="module")
def tested(shop: Past) -> Backtest:
    return backtest(shop, 30, origins=2)


@pytest.fixture
def simple_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the models with a known answer; the ensemble is then their mean."""
    monkeypatch.setattr(table, "MODELS", SIMPLE)


# The models


def test_seasonal_naive_continues_a_weekly_pattern_exactly() -> None:
    simulation = simulate(SEASONAL_NAIVE, past(np.tile([1, 2, 3, 4, 5, 6, 7], 10)), 10)
    assert simulation.point.tolist() == [1, 2, 3, 4, 5, 6, 7, 1, 2, 3]
    assert (simulation.paths == simulation.point).all()


def test_weekday_average_covers_the_last_eight_weeks() -> None:
    assert simulate(WEEKDAY_AVERAGE, past(np.repeat([100, 1, 2, 3, 4, 5, 6, 7, 8], 7)), 3).point.tolist() == [4.5] * 3


@pytest.mark.parametrize("model", OUR_MODELS)
def test_paths_are_centred_on_the_point_forecast(model: str, shop: Past) -> None:
    simulation = simulate(model, shop, 28, seed=5)
    assert simulation.paths.shape == (PATHS, 28)
    assert simulation.paths.mean() == pytest.approx(simulation.point.mean(), rel=0.03)
    assert not simulation.is_fallback


@pytest.mark.parametrize("model", OUR_MODELS)
def test_same_seed_gives_the_same_paths(model: str, shop: Past) -> None:
    first, again, other = (simulate(model, shop, 7, seed=seed).paths for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("model", FITTED)
def test_models_follow_a_weekly_pattern(model: str) -> None:
    week = np.tile([11, 12, 13, 14, 15, 16, 70], 18)[:120] + np.random.default_rng(0).normal(0, 0.1, 120)
    assert simulate(model, past(week), 7).point.tolist() == pytest.approx([12, 13, 14, 15, 16, 70, 11], abs=0.3)


@pytest.mark.parametrize("model", FITTED)
def test_shop_closed_on_sundays_has_a_six_day_season(model: str) -> None:
    week = np.tile([11, 12, 13, 14, 15, 46, 0], 18) * (1 + np.random.default_rng(0).normal(0, 0.005, 126))
    frame = days(week).rename_axis("date").reset_index()
    opened = daily_series(frame, days(week).index[-1] + pd.Timedelta(days=1)).past()
    assert simulate(model, opened, 7).point.tolist() == pytest.approx([11, 12, 13, 14, 15, 46], rel=0.02)


def test_errors_are_drawn_from_the_last_quarter() -> None:
    """Errors grow with the shop: the last 13 weeks have errors of 10, earlier ones of 1."""
    errors = recent_errors(np.r_[np.full(500, 1.0), np.tile([10.0, -10.0], 50)], 7)
    assert len(errors) == 91
    assert errors.mean() == pytest.approx(0)
    assert np.abs(errors).min() > 9


def test_arima_intervals_match_the_closed_form(shop: Past) -> None:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    scale = shop.series.std()
    found = fit(SARIMAX((shop.series / scale).to_numpy(), order=(1, 0, 1), seasonal_order=(0, 1, 1, 7)), maxiter=200)
    paths = simulate("ARIMA", shop, 30, seed=5).paths
    assert paths.std(axis=0) == pytest.approx(scale * found.get_forecast(30).se_mean, rel=0.2)


def test_search_without_convergence_is_a_failed_fit(shop: Past) -> None:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    assert fit(ETSModel(shop.series, seasonal="add", seasonal_periods=7), maxiter=1) is None


@pytest.mark.parametrize(("argument", "works"), [("rng", True), ("random_state", False)])
def test_statsmodels_takes_its_generator_as_rng(argument: str, works: bool, shop: Past) -> None:
    """The argument was renamed in 0.15; our models pass random_errors instead, which avoids a hidden stream."""
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


def test_the_likelihood_of_the_search_is_that_of_the_kalman_filter(shop: Past) -> None:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    holiday = (np.arange(len(shop.series)) % 365 == 100).astype(float)
    orders = {"order": (1, 0, 1), "seasonal_order": (0, 1, 1, 7), "concentrate_scale": True}
    model = SARIMAX(shop.series.to_numpy() / 100, exog=holiday, simple_differencing=True, **orders)
    for parameters in ([-0.6, 0.3, 0.2, -0.7], [2.0, -0.8, 0.7, 0.1]):
        filtered = model.loglike(np.array(parameters))
        assert log_likelihood(model.ssm) == pytest.approx(filtered, abs=1e-6)


def test_the_likelihood_exists_at_the_border_of_stationarity(shop: Past) -> None:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    model = SARIMAX(shop.series.to_numpy(), order=(1, 0, 1), enforce_stationarity=False, concentrate_scale=True)
    model.update(np.array([1.0, 0.5]))
    assert np.isfinite(log_likelihood(model.ssm))


def test_weekday_profile_is_the_level_of_the_last_weeks_times_the_usual_share() -> None:
    """Mondays bring twice as much as other days; the weeks bring 56, and twice that in the last two weeks."""
    week = np.array([2, 1, 1, 1, 1, 1, 1])
    series = past(np.r_[np.tile(7 * week, 10), np.tile(14 * week, 2)])
    two, four = (simulate(f"weekday profile, {weeks} weeks", series, 7).point for weeks in (2, 4))
    assert two.tolist() == pytest.approx(14 * week)
    assert four.tolist() == pytest.approx(10.5 * week)


def test_profile_of_sparse_sales_is_not_zero() -> None:
    series = past(np.tile([9.0] + [0.0] * 13, 10))
    assert simulate("weekday profile, 4 weeks", series, 14).point.sum() == pytest.approx(9)


def test_log_ets_predicts_the_mean_of_skewed_days() -> None:
    """Lognormal days with a median of 100 and a mean of 100 exp(0.5)."""
    series = past(100 * np.exp(np.random.default_rng(1).normal(0, 1, 400)))
    assert simulate("log ETS", series, 28).point.mean() == pytest.approx(series.series.tail(91).mean(), rel=0.2)


def test_models_are_fitted_to_the_last_420_days() -> None:
    longer = past(shop_like(500))
    recent = past(shop_like(500).iloc[-420:])
    assert simulate("Theta", longer, 7).point.tolist() == simulate("Theta", recent, 7).point.tolist()


# The ensemble


def around(value: float, *, is_fallback: bool = False) -> Simulation:
    """Two days with a point forecast of `value` and paths one below and one above it."""
    point = np.full(2, float(value))
    return Simulation(point, np.vstack([point - 1, point + 1]), is_fallback)


def test_ensemble_is_the_mean_of_the_middle_third() -> None:
    """Nine components at 1, 2, 3, 4, 5, 9, 10, 11 and 900: the mean of 4, 5 and 9 is 6."""
    values = dict(zip(COMPONENTS, (900, 2, 3, 4, 5, 9, 10, 11, 1), strict=True))
    combined = combine({name: around(value) for name, value in values.items()} | {"other": around(-100)})
    assert combined.point.tolist() == [6, 6]
    assert set(combined.paths.ravel()) <= {value + shift for value in values.values() for shift in (-1, 1)}


def test_ensemble_has_as_many_paths_as_a_model(shop: Past) -> None:
    assert simulate_all(shop, 7)[ENSEMBLE].paths.shape == (PATHS, 7)


def test_failed_fit_is_left_out_of_the_ensemble() -> None:
    components = {"ETS": around(1, is_fallback=True), "log ETS": around(2), "Theta": around(8)}
    assert combine({SEASONAL_NAIVE: around(5), **components}).point.tolist() == [5, 5]


def test_failed_fit_falls_back_to_seasonal_naive_and_is_named(
    shop: Past, tested: Backtest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    fails = lambda model, **options: None if isinstance(model, SARIMAX) else fit(model, **options)  # noqa: E731
    monkeypatch.setattr(statistical, "fit", fails)
    simulation = simulate("ARIMA", shop, 7)
    assert simulation.point.tolist() == shop.series.tail(7).tolist()
    assert simulation.is_fallback
    assert forecast(shop, tested, 7).reason.endswith(" The ensemble is without ARIMA, which could not be fitted.")


# The published forecast


def test_ensemble_is_published_where_it_beats_seasonal_naive(shop: Past, tested: Backtest) -> None:
    published = forecast(shop, tested, 30)
    assert (published.model, published.earned) == (ENSEMBLE, True)
    assert published.reason.startswith("In 2 backtest windows the MASE of the ensemble was ")
    assert published.frame.columns.tolist() == [*BOUNDS_OF_FRAME, "ETS", "ARIMA"]
    assert published.frame.index.equals(pd.date_range("2025-07-25", periods=30, unit="us"))
    assert (published.frame[BOUNDS].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)


BOUNDS_OF_FRAME = ["forecast", "lower_80", "upper_80", "lower_95", "upper_95"]


def test_earned_factors_multiply_the_ensemble_and_are_named(shop: Past, tested: Backtest) -> None:
    """A holiday doubled the revenue twice before, and comes back in eight days."""
    series = shop.series.copy()
    series.iloc[[30, 90]] *= 2
    fair = past(series, pd.Series("Fair", [*series.index[[30, 90]], pd.Timestamp("2025-08-01")]))
    with_it, without = (forecast(fair, replace(tested, earned=earned), 14) for earned in (("holidays",), ()))
    assert with_it.reason.endswith(" It includes the effects of holidays, tested in the same windows.")
    ratio = with_it.frame["forecast"] / without.frame["forecast"]
    assert ratio["2025-08-01"] == pytest.approx(2, rel=0.15)
    assert ratio.drop(pd.Timestamp("2025-08-01")).tolist() == [1] * 13


def test_interval_of_the_total_comes_from_paths(shop: Past, tested: Backtest) -> None:
    published = forecast(shop, tested, 30)
    assert published.total == pytest.approx(published.frame["forecast"].sum())
    low_80, high_80 = published.total_80
    assert low_80 < published.total < high_80
    assert high_80 - low_80 < (published.frame["upper_80"] - published.frame["lower_80"]).sum()


def test_forecast_is_reproducible(shop: Past, tested: Backtest) -> None:
    first, again = (forecast(shop, backtest(shop, 30, origins=2), 30) for _ in range(2))
    assert_frame_equal(first.frame, again.frame)
    assert (first.total_80, first.reason) == (again.total_80, again.reason)


def worse_than_seasonal_naive(better: str) -> Backtest:
    """A window with errors per day of 4 (ensemble), 2 (seasonal naive) and 1 or 3 (weekday average)."""
    observed = days([10.0] * 7)
    other = 11 if better == WEEKDAY_AVERAGE else 13
    points = {ENSEMBLE: around(14), SEASONAL_NAIVE: around(12), WEEKDAY_AVERAGE: around(other)}
    wide = {name: Simulation(np.full(7, one.point[0]), np.tile(one.paths[:, :1], 7)) for name, one in points.items()}
    return Backtest((Window(observed, wide, 1.0),))


@pytest.mark.parametrize(
    ("better", "words"),
    [(SEASONAL_NAIVE, "seasonal naive (last week)"), (WEEKDAY_AVERAGE, "the 8-week weekday average")],
)
def test_guard_publishes_the_better_simple_model_and_says_so(better: str, words: str, shop: Past) -> None:
    guarded = forecast(shop, worse_than_seasonal_naive(better), 7)
    assert (guarded.model, guarded.earned) == (better, False)
    assert guarded.reason == f"The forecast is {words}: the ensemble did not beat seasonal naive in 1 backtest window."
    assert guarded.frame["forecast"].tolist() == pytest.approx(simulate(better, shop, 7).point.tolist())


@pytest.mark.slow
def test_no_skill_is_claimed_on_pure_noise() -> None:
    """Any mean beats seasonal naive on noise, and no model can beat the weekday average."""
    published = [
        forecast(past(noise(250, seed)), backtest(past(noise(250, seed)), 30, origins=4), 30) for seed in (1, 2, 3)
    ]
    for one in published:
        assert "not distinguishable from noise" in one.reason or "no skill" in one.reason


def test_perfect_weekly_pattern_is_continued_exactly() -> None:
    series = past(np.tile([1, 2, 3, 4, 5, 6, 7], 18))
    published = forecast(series, backtest(series, 14, origins=1), 14)
    assert published.frame["forecast"].tolist() == pytest.approx([1, 2, 3, 4, 5, 6, 7] * 2)


@pytest.mark.parametrize("n", [14, 20, 55])
def test_under_eight_weeks_seasonal_naive_is_published(n: int) -> None:
    published = forecast(past(shop_like(n)), backtest(past(shop_like(n))), 30)
    assert published.model == SEASONAL_NAIVE
    assert published.reason == (
        f"The forecast is seasonal naive (last week): the history has {n} of the 56 days that a model needs."
    )
    assert published.frame["forecast"].iloc[0] == shop_like(n).iloc[-7]


@pytest.mark.parametrize("n", [14, 20, 55])
def test_under_eight_weeks_intervals_are_at_least_as_wide_as_the_noise(n: int) -> None:
    """80 % of independent normal days lie within 1.28 standard deviations."""
    series = noise(n, 1)
    frame = forecast(past(series), backtest(past(series)), 30).frame
    assert ((frame["upper_80"] - frame["lower_80"]) > 0.85 * 2 * 1.28 * series.std()).all()


@pytest.mark.parametrize("publish", [lambda days: forecast(days, backtest(days), 30), lambda days: untested(days, 30)])
@pytest.mark.parametrize(("n", "days"), [(1, "1 day"), (2, "2 days"), (13, "13 days")])
def test_under_two_weeks_nothing_is_forecast(publish: object, n: int, days: str) -> None:
    published = publish(past(shop_like(n)))
    assert (published.model, len(published.frame), published.total) == ("none", 0, 0)
    assert published.reason == f"The history has {days}; a forecast needs 14."


def test_history_too_short_for_a_window_gets_seasonal_naive() -> None:
    series = past(shop_like(60))
    assert "60 days of history are too few for a backtest" in forecast(series, backtest(series), 30).reason


@pytest.mark.parametrize(
    ("values", "total", "word"),
    [
        ([0] * 100, 0, "the same revenue, 0.00"),
        ([5] * 100, 150, "the same revenue, 5.00"),
        ([1, 3] * 7, 64, "has 14 of the 56"),
    ],
)
def test_flat_and_tiny_series_get_a_sentence(values: list[float], total: float, word: str) -> None:
    published = forecast(past(values), backtest(past(values)), 30)
    assert word in published.reason
    assert published.total == total
    assert published.frame.notna().all(axis=None)


def test_empty_series_gets_an_empty_frame_and_a_sentence() -> None:
    published = forecast(past([]), backtest(past([])), 30)
    assert (published.model, len(published.frame), published.total) == ("none", 0, 0)
    assert published.frame.columns.tolist() == BOUNDS_OF_FRAME
    assert published.reason == "No day has had revenue yet."


@pytest.mark.parametrize("gap", [slice(20, 60), slice(110, 150), slice(0, 90)])
def test_series_with_a_gap_gets_finite_values(gap: slice) -> None:
    values = shop_like(150).to_numpy(copy=True)
    values[gap] = 0
    published = forecast(past(values), backtest(past(values), 30, origins=1), 30)
    assert np.isfinite(published.frame).all(axis=None)
    assert (published.frame[BOUNDS].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)


def test_forecast_of_sparse_sales_is_never_negative() -> None:
    series = past(np.random.default_rng(2).poisson(0.3, 150) * 80.0)
    published = forecast(series, backtest(series, 30, origins=1), 30)
    assert (published.frame >= 0).all(axis=None)
    assert 0 <= published.total_80[0] <= published.total <= published.total_80[1]


@pytest.mark.parametrize(("n", "model"), [(100, WEEKDAY_AVERAGE), (20, SEASONAL_NAIVE)])
def test_sparse_series_gets_a_simple_model(n: int, model: str) -> None:
    assert untested(past(shop_like(n)), 7).model == model


def test_closed_day_has_a_forecast_of_zero() -> None:
    week = days(np.tile([5, 6, 7, 8, 9, 0, 4], 20) * np.random.default_rng(1).uniform(0.9, 1.1, 140))
    closed = daily_series(week.rename_axis("date").reset_index(), "2025-05-26").past()
    frame = forecast(closed, backtest(closed, 14, origins=1), 14).frame
    assert len(frame) == 14
    assert (frame[frame.index.day_of_week == 5] == 0).all(axis=None)
    assert (frame["forecast"] > 0).sum() == 12


def test_horizon_of_closed_days_has_a_total_of_zero() -> None:
    week = days(np.tile([5, 6, 7, 8, 9, 4, 0], 20) * np.random.default_rng(1).uniform(0.9, 1.1, 140)).iloc[:-1]
    closed = daily_series(week.rename_axis("date").reset_index(), "2025-05-25").past()
    published = forecast(closed, backtest(closed, 1, origins=2), 1)
    assert (published.total, published.total_80, len(published.frame)) == (0, (0, 0), 1)


@pytest.mark.slow
def test_pattern_without_errors_is_continued() -> None:
    """Its likelihood is infinite, and a fit with NaN or infinite values counts as failed."""
    series = past([9, 0, 0, 0, 0, 0, 0] * 20)
    assert forecast(series, backtest(series, 7, origins=1), 7).frame["forecast"].tolist() == [9, 0, 0, 0, 0, 0, 0]


# Errors and limits


@pytest.mark.parametrize(
    "call",
    [backtest, lambda series, h: simulate("ETS", series, h), lambda series, h: forecast(series, Backtest(()), h)],
)
def test_horizon_below_one_day_is_an_error(call: object, shop: Past) -> None:
    with pytest.raises(UsageError, match="horizon: 0 days; expected at least 1"):
        call(shop, 0)


def test_unknown_model_is_an_error(shop: Past) -> None:
    with pytest.raises(UsageError, match="unknown forecast model 'oracle'; expected one of seasonal naive"):
        simulate("oracle", shop, 7)


def test_statsmodels_is_imported_in_this_package_only_and_inside_functions() -> None:
    root = Path(package.__file__).parent
    users = [path for path in root.parent.rglob("*.py") if "from statsmodels" in path.read_text(encoding="utf-8")]
    assert {path.parent for path in users if path.name != "cohorts.py"} == {root}
    tops = [node for path in users for node in ast.parse(path.read_text(encoding="utf-8")).body]
    assert not any("statsmodels" in ast.dump(node) for node in tops if isinstance(node, ast.Import | ast.ImportFrom))


@pytest.mark.parametrize("extra", ["prophet", "lightgbm"])
def test_optional_model_is_listed_if_it_is_installed(extra: str, shop: Past) -> None:
    assert (extra in MODELS) == bool(find_spec(extra))
    if extra not in MODELS:
        pytest.skip(f"{extra} is not installed; it comes with `pip install -e .[forecast]`")
    simulation = simulate(extra, shop, 14)
    assert simulation.paths.shape[1] == len(simulation.point) == 14
    assert simulation.point.mean() == pytest.approx(shop.series.tail(28).mean(), rel=0.3)


def test_each_model_draws_from_its_own_stream(shop: Past, simple_models: None) -> None:
    assert list(simulate_all(shop, 7)) == [ENSEMBLE, *SIMPLE]
    assert random_stream(1, "ETS").random() != random_stream(1, "ARIMA").random()
    assert naive_scale(past([1, 2, 3, 4, 5, 6, 7, 2])) == 1
