"""Tests of the accuracy measures, the prediction intervals and the backtest, on series solved by hand."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from lib.analysis.forecast import SEASONAL_NAIVE, WEEKDAY_AVERAGE, Backtest, Simulation, backtest
from lib.analysis.forecast import models as table
from lib.analysis.forecast.backtest import Window, coverage, mase, naive_scale, pinball, smape, total_error, wape
from lib.analysis.forecast.simulation import width_factor
from tests.series import days, past, shop_like


@pytest.fixture
def simple_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the models with a known answer; the ensemble is then their mean."""
    monkeypatch.setattr(table, "MODELS", {name: table.MODELS[name] for name in (SEASONAL_NAIVE, WEEKDAY_AVERAGE)})


def certain(*values: float) -> Simulation:
    """One path, equal to the point forecast."""
    return Simulation(np.array(values, dtype=float), np.array([values], dtype=float))


def even(point: float, horizon: int = 1, spread: float = 100) -> Simulation:
    """201 paths, evenly spaced from point - spread to point + spread, with the same value every day."""
    paths = np.repeat(point + np.linspace(-spread, spread, 201)[:, None], horizon, axis=1)
    return Simulation(np.full(horizon, float(point)), paths)


# The measures


OBSERVED, PREDICTED = np.array([10.0, 0.0, 30.0]), np.array([12.0, 0.0, 24.0])


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        (mase(OBSERVED, PREDICTED, 4.0), 8 / 3 / 4),
        (wape(OBSERVED, PREDICTED), 8 / 40),
        (smape(OBSERVED, PREDICTED), (2 * 2 / 22 + 0 + 2 * 6 / 54) / 3),
        (total_error(OBSERVED, PREDICTED), 4 / 40),
    ],
)
def test_measure_by_hand(measure: float, value: float) -> None:
    assert measure == pytest.approx(value)


def test_pinball_of_a_certain_forecast_by_hand() -> None:
    """10 too low: the loss is 10 q at each quantile q, their mean is 5, twice that is 10; the scale is 4."""
    assert pinball(np.array([30.0]), certain(20), 4.0) == pytest.approx(10 / 4)


def test_pinball_of_an_even_spread_by_hand() -> None:
    """Quantiles at 5, 20, 100, 180, 195; observed 100: losses 95 q, 80 q, 0, 80 (1 - q), 95 (1 - q)."""
    expected = 2 * (95 * 0.025 + 80 * 0.1 + 0 + 80 * 0.1 + 95 * 0.025) / 5
    assert pinball(np.array([100.0]), even(100), 1.0) == pytest.approx(expected)


def test_coverage_is_the_share_of_days_inside() -> None:
    bounds = even(100, 4).interval_frame(days([0] * 4).index)
    assert bounds.iloc[0].tolist() == pytest.approx([100, 20, 180, 5, 195])
    assert coverage(np.array([25, 190, 10, 200]), bounds) == {"coverage_80": 0.25, "coverage_95": 0.75}


def test_scale_is_the_mean_week_on_week_change() -> None:
    assert naive_scale(past([10] * 7 + [12] * 7 + [9] * 7)) == pytest.approx((2 + 3) / 2)


@pytest.mark.parametrize("measure", [wape, total_error])
def test_relative_error_without_sales_is_nan(measure: object) -> None:
    assert np.isnan(measure(np.zeros(3), np.ones(3)))


# Prediction intervals


def test_bounds_are_clipped_at_zero_and_include_the_point() -> None:
    low = even(50).interval_frame(days([0]).index).iloc[0]
    assert low[["lower_80", "lower_95"]].tolist() == [0, 0]
    outside = Simulation(np.array([500.0]), even(50).paths).interval_frame(days([0]).index).iloc[0]
    assert outside["upper_80"] == 500


def test_interval_of_correlated_days_is_as_wide_as_their_sum() -> None:
    assert even(100, 3).total_interval(80) == pytest.approx((60, 540))


def test_interval_of_independent_days_is_narrower_than_their_sum() -> None:
    rng = np.random.default_rng(1)
    apart = Simulation(np.full(30, 100.0), 100 + rng.normal(0, 10, (4_000, 30)))
    low, high = apart.total_interval(80)
    assert high - low == pytest.approx(2 * 1.2816 * 10 * 30**0.5, rel=0.05)


def test_scaled_error_is_one_at_the_bound() -> None:
    found = even(100, 3).scaled_errors(np.array([180.0, 5.0, 100.0]))
    assert found[0] == pytest.approx([1, 95 / 80, 0])
    assert found[1] == pytest.approx([80 / 95, 1, 0])


def test_width_factor_is_half_way_to_the_exact_one() -> None:
    assert width_factor([]) == 1
    assert width_factor([np.full((2, 10), 2.0)]) == 1.5
    assert width_factor([np.full((2, 10), 50.0)]) == 3


def test_widened_paths_keep_their_centre() -> None:
    wide = even(100).widened(2)
    assert (wide.paths.min(), wide.paths.max(), wide.point[0]) == (-100, 300, 100)


def test_level_of_the_smallest_interval_that_contains_a_day() -> None:
    assert even(100).central_level(np.array([100.0]))[0] == pytest.approx(0, abs=0.01)
    assert even(100).central_level(np.array([180.0]))[0] == pytest.approx(0.8, abs=0.01)
    assert even(100).central_level(np.array([0.0]))[0] == pytest.approx(1, abs=0.01)


# The backtest


def test_metrics_of_a_jump_by_hand(simple_models: None) -> None:
    """Ten weeks of 10 with one week of 12 in training, then 11 a day: every error is 1 and the scale is 2 x 14/63."""
    series = past([10] * 28 + [12] * 7 + [10] * 35 + [11] * 7)
    naive = backtest(series, 7, origins=1).scores().loc[SEASONAL_NAIVE]
    assert naive["mase"] == pytest.approx(1 / (2 * 14 / 63))
    assert naive["wape"] == naive["total_error"] == pytest.approx(1 / 11)
    assert naive["skill"] == 0


def test_skill_of_the_weekday_average_by_hand(simple_models: None) -> None:
    """Weeks alternate between 10 and 20: the error of seasonal naive is 10, of the weekday average 5."""
    found = backtest(past(np.repeat([10, 20] * 6, 7)), 7, origins=2, step=7).scores()
    assert found.loc[WEEKDAY_AVERAGE, "skill"] == pytest.approx(0.5)
    assert found.loc[SEASONAL_NAIVE, "skill_weekday"] == pytest.approx(-1)
    assert found["windows"].tolist() == [2, 2, 2]


@pytest.mark.parametrize(("n", "windows"), [(85, 0), (86, 1), (114, 2), (170, 4), (400, 8)])
def test_short_histories_have_fewer_windows(n: int, windows: int, simple_models: None) -> None:
    tested = backtest(past(shop_like(n)), 30)
    assert len(tested.windows) == windows
    assert tested.scores()["windows"].tolist() == [windows] * (3 if windows else 0)
    assert [window.observed.index[-1] for window in tested.windows[:1]] == list(shop_like(n).index[-1:])[:windows]


def test_window_is_forecast_from_its_past_only(simple_models: None) -> None:
    series = shop_like(100)
    changed = series.where(series.index < series.index[70], 1e6)
    first, other = (backtest(past(one), 30).predictions(WEEKDAY_AVERAGE)[WEEKDAY_AVERAGE] for one in (series, changed))
    assert first.equals(other)


def test_window_is_calibrated_on_the_other_windows() -> None:
    """No error in one window, a large one in the other: each gets the factor of the other."""
    right, wrong = (Window(days([value]), {"ETS": even(100)}, 1.0) for value in (100.0, 260.0))
    tested = Backtest((right, wrong))
    far = (1 + (160 / 80 + 160 / 95) / 2) / 2
    assert tested.calibrated("ETS", 0).paths.max() == pytest.approx(100 + 100 * far)
    assert tested.calibrated("ETS", 1).paths.max() == pytest.approx(150)


def test_latest_prediction_counts_where_windows_overlap(simple_models: None) -> None:
    found = backtest(past(np.repeat(range(1, 13), 7)), 14, origins=2, step=7).predictions(SEASONAL_NAIVE)
    assert found["observed"].tolist() == list(np.repeat([10, 11, 12], 7))
    assert found[SEASONAL_NAIVE].tolist() == list(np.repeat([9, 10, 10], 7))


def test_predictions_are_empty_without_windows() -> None:
    none, some = (backtest(past(shop_like(n)), 7, origins=1).predictions("ETS") for n in (60, 70))
    assert none.empty
    assert none.columns.tolist() == some.columns.tolist()


def test_calibration_by_hand() -> None:
    """Four days 0, 30, 70 and 120 from the centre of an even spread of 100: half of them within 50 %."""
    window = Window(days([100, 130, 170, 220]), {"ETS": even(100, 4)}, 1.0)
    found = Backtest((window,)).calibration("ETS").set_index("nominal")["observed"]
    assert found.loc[[0.1, 0.5, 0.8, 0.95]].tolist() == [0.25, 0.5, 0.75, 0.75]


def one_day_windows(ours: list[float], theirs: list[float]) -> Backtest:
    """Windows of one day with these errors of ETS and of the weekday average."""
    pairs = zip(ours, theirs, strict=True)
    return Backtest(
        tuple(
            Window(days([100.0]), {"ETS": certain(100 + a), WEEKDAY_AVERAGE: certain(100 + b)}, 1.0) for a, b in pairs
        )
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "gain", "is_significant"),
    [
        ([8, 9, 8, 9], [10, 11, 10, 11], 8 / 42, True),
        ([9.6, 10.4, 9.6, 10.4], [10, 11, 10, 11], 2 / 42, False),  # no more than on pure noise
        ([2, 20, 2, 10], [10, 11, 10, 11], 8 / 42, False),  # better in one window, worse in the next
        ([8], [10], 0.2, False),
    ],
)
def test_gain_is_significant_only_beyond_noise(ours: list, theirs: list, gain: float, is_significant: bool) -> None:
    assert one_day_windows(ours, theirs).gains("ETS", WEEKDAY_AVERAGE) == (pytest.approx(gain), is_significant)


def test_same_seed_gives_the_same_scores() -> None:
    first, again = (backtest(past(shop_like(120)), 30, origins=1).scores() for _ in range(2))
    assert_frame_equal(first, again)


def test_wins_are_counted(simple_models: None) -> None:
    found = backtest(past(np.repeat([10, 20] * 6, 7)), 7, origins=2, step=7).scores()
    assert found["wins"].sum() == 2
    assert found.loc[SEASONAL_NAIVE, "wins"] == 0
    assert pd.api.types.is_integer_dtype(found["wins"])
