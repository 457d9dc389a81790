"""Tests of the measures, the intervals and the backtest, on series solved by hand."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from lib.analysis.forecast import Backtest, Simulation, backtest, scores
from lib.analysis.forecast import models as table
from lib.analysis.forecast.backtest import Window
from lib.analysis.forecast.simulation import frame, reach, stretch, total_interval, within
from tests.series import days, past, shop_like


@pytest.fixture
def simple_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the models whose answer is known by thought; the combination is the weekday mean then."""
    monkeypatch.setattr(table, "MODELS", {name: table.MODELS[name] for name in ("seasonal naive", "weekday mean")})


def certain(*values: float) -> Simulation:
    """One future, the same as the point."""
    return Simulation(np.array(values, dtype=float), np.array([values], dtype=float))


def even(point: float, horizon: int = 1, reach: float = 100) -> Simulation:
    """201 futures spread evenly from point - reach to point + reach, all days of a future alike."""
    paths = np.repeat(point + np.linspace(-reach, reach, 201)[:, None], horizon, axis=1)
    return Simulation(np.full(horizon, float(point)), paths)


# The measures


ACTUAL, SAID = np.array([10.0, 0.0, 30.0]), np.array([12.0, 0.0, 24.0])


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        (scores.mase(ACTUAL, SAID, 4.0), 8 / 3 / 4),
        (scores.wape(ACTUAL, SAID), 8 / 40),
        (scores.smape(ACTUAL, SAID), (2 * 2 / 22 + 0 + 2 * 6 / 54) / 3),
        (scores.total_error(ACTUAL, SAID), 4 / 40),
    ],
)
def test_a_measure_by_hand(measure: float, value: float) -> None:
    assert measure == pytest.approx(value)


def test_pinball_of_a_certain_forecast_by_hand() -> None:
    """Short by 10: the loss is 10 q at each quantile; the mean of the five is 0.5, twice that is 1; the scale is 4."""
    assert scores.pinball(np.array([30.0]), certain(20), 4.0) == pytest.approx(10 / 4)


def test_pinball_of_an_even_spread_by_hand() -> None:
    """Quantiles at 5, 20, 100, 180, 195; what came is 100: losses 95 q, 80 q, 0, 80 (1 - q), 95 (1 - q)."""
    wanted = 2 * (95 * 0.025 + 80 * 0.1 + 0 + 80 * 0.1 + 95 * 0.025) / 5
    assert scores.pinball(np.array([100.0]), even(100), 1.0) == pytest.approx(wanted)


def test_coverage_counts_the_days_inside() -> None:
    bounds = frame(even(100, 4), days([0] * 4).index)
    assert bounds.iloc[0].tolist() == pytest.approx([100, 20, 180, 5, 195])
    assert scores.coverage(np.array([25, 190, 10, 200]), bounds) == {"coverage_80": 0.25, "coverage_95": 0.75}


def test_the_scale_is_the_change_from_week_to_week() -> None:
    assert scores.naive_scale(days([10] * 7 + [12] * 7 + [9] * 7)) == pytest.approx((2 + 3) / 2)


@pytest.mark.parametrize("measure", [scores.wape, scores.total_error])
def test_nothing_sold_has_no_relative_error(measure: object) -> None:
    assert np.isnan(measure(np.zeros(3), np.ones(3)))


# Intervals


def test_bounds_are_clipped_at_zero_and_hold_the_point() -> None:
    low = frame(even(50), days([0]).index).iloc[0]
    assert low[["lower_80", "lower_95"]].tolist() == [0, 0]
    outside = frame(Simulation(np.array([500.0]), even(50).paths), days([0]).index).iloc[0]
    assert outside["upper_80"] == 500


def test_the_total_of_days_that_move_together_is_as_wide_as_their_sum() -> None:
    assert total_interval(even(100, 3), 80) == pytest.approx((60, 540))


def test_the_total_of_independent_days_is_narrower_than_their_sum() -> None:
    rng = np.random.default_rng(1)
    apart = Simulation(np.full(30, 100.0), 100 + rng.normal(0, 10, (4_000, 30)))
    low, high = total_interval(apart, 80)
    assert high - low == pytest.approx(2 * 1.2816 * 10 * 30**0.5, rel=0.05)


def test_reach_is_one_at_the_bound() -> None:
    found = reach(np.array([180.0, 5.0, 100.0]), even(100, 3))
    assert found[0] == pytest.approx([1, 95 / 80, 0])
    assert found[1] == pytest.approx([80 / 95, 1, 0])


def test_the_stretch_is_half_way_to_what_the_tests_ask_for() -> None:
    assert stretch([]) == 1
    assert stretch([np.full((2, 10), 2.0)]) == 1.5
    assert stretch([np.full((2, 10), 50.0)]) == 3


def test_stretched_futures_keep_their_centre() -> None:
    wide = even(100).stretched(2)
    assert (wide.paths.min(), wide.paths.max(), wide.point[0]) == (-100, 300, 100)


def test_the_smallest_interval_that_holds_a_day() -> None:
    assert within(np.array([100.0]), even(100))[0] == pytest.approx(0, abs=0.01)
    assert within(np.array([180.0]), even(100))[0] == pytest.approx(0.8, abs=0.01)
    assert within(np.array([0.0]), even(100))[0] == pytest.approx(1, abs=0.01)


# The backtest


def test_metrics_of_a_jump_by_hand(simple_models: None) -> None:
    """Ten weeks of 10 with one week of 12 in training, then 11 a day: every error is 1 and the scale is 2 x 14/63."""
    series = past([10] * 28 + [12] * 7 + [10] * 35 + [11] * 7)
    naive = backtest(series, 7, origins=1).scores().loc["seasonal naive"]
    assert naive["mase"] == pytest.approx(1 / (2 * 14 / 63))
    assert naive["wape"] == naive["total_error"] == pytest.approx(1 / 11)
    assert naive["skill"] == 0


def test_the_weekday_means_skill_by_hand(simple_models: None) -> None:
    """Weeks alternate 10 and 20: naive misses by 10, the mean of eight by 5."""
    found = backtest(past(np.repeat([10, 20] * 6, 7)), 7, origins=2, step=7).scores()
    assert found.loc["weekday mean", "skill"] == pytest.approx(0.5)
    assert found.loc["seasonal naive", "skill_weekday"] == pytest.approx(-1)
    assert found["windows"].tolist() == [2, 2, 2]


@pytest.mark.parametrize(("n", "windows"), [(85, 0), (86, 1), (114, 2), (170, 4), (400, 8)])
def test_short_histories_have_fewer_windows(n: int, windows: int, simple_models: None) -> None:
    tested = backtest(past(shop_like(n)), 30)
    assert len(tested.windows) == windows
    assert tested.scores()["windows"].tolist() == [windows] * (3 if windows else 0)
    assert [window.actual.index[-1] for window in tested.windows[:1]] == list(shop_like(n).index[-1:])[:windows]


def test_a_window_sees_only_its_past(simple_models: None) -> None:
    series = shop_like(100)
    changed = series.where(series.index < series.index[70], 1e6)
    first, other = (backtest(past(one), 30).told("weekday mean")["weekday mean"] for one in (series, changed))
    assert first.equals(other)


def test_a_window_is_stretched_by_the_others_only() -> None:
    """Right in one test, far out in the other: the first is stretched by the second and the other way round."""
    right, wrong = (Window(days([came]), {"ETS": even(100)}, 1.0) for came in (100.0, 260.0))
    tested = Backtest((right, wrong))
    far = (1 + (160 / 80 + 160 / 95) / 2) / 2
    assert tested.stretched("ETS", 0).paths.max() == pytest.approx(100 + 100 * far)
    assert tested.stretched("ETS", 1).paths.max() == pytest.approx(150)


def test_what_was_told_is_the_latest_where_tests_overlap(simple_models: None) -> None:
    told = backtest(past(np.repeat(range(1, 13), 7)), 14, origins=2, step=7).told("seasonal naive")
    assert told["actual"].tolist() == list(np.repeat([10, 11, 12], 7))
    assert told["seasonal naive"].tolist() == list(np.repeat([9, 10, 10], 7))


def test_nothing_was_told_without_tests() -> None:
    none, some = (backtest(past(shop_like(n)), 7, origins=1).told("ETS") for n in (60, 70))
    assert none.empty
    assert none.columns.tolist() == some.columns.tolist()


def test_calibration_by_hand() -> None:
    """Four days at distances 0, 30, 70 and 120 of an even spread of 100: a half within 50 %, a quarter never."""
    window = Window(days([100, 130, 170, 220]), {"ETS": even(100, 4)}, 1.0)
    found = Backtest((window,)).calibration("ETS").set_index("nominal")["observed"]
    assert found.loc[[0.1, 0.5, 0.8, 0.95]].tolist() == [0.25, 0.5, 0.75, 0.75]


def twelve(ours: list[float], theirs: list[float]) -> Backtest:
    """Tests of one day in which the models missed by these amounts."""
    pairs = zip(ours, theirs, strict=True)
    return Backtest(
        tuple(Window(days([100.0]), {"ETS": certain(100 + a), "weekday mean": certain(100 + b)}, 1.0) for a, b in pairs)
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "gain", "sure"),
    [
        ([8, 9, 8, 9], [10, 11, 10, 11], 8 / 42, True),
        ([9.6, 10.4, 9.6, 10.4], [10, 11, 10, 11], 2 / 42, False),  # no more than the mean of eight loses on noise
        ([2, 20, 2, 10], [10, 11, 10, 11], 8 / 42, False),  # now better, now worse
        ([8], [10], 0.2, False),
    ],
)
def test_a_gain_is_sure_only_beyond_noise(ours: list, theirs: list, gain: float, sure: bool) -> None:
    assert twelve(ours, theirs).gains("ETS", "weekday mean") == (pytest.approx(gain), sure)


def test_the_same_seed_gives_the_same_scores() -> None:
    first, again = (backtest(past(shop_like(120)), 30, origins=1).scores() for _ in range(2))
    assert_frame_equal(first, again)


def test_the_winner_is_counted(simple_models: None) -> None:
    found = backtest(past(np.repeat([10, 20] * 6, 7)), 7, origins=2, step=7).scores()
    assert found["won"].sum() == 2
    assert found.loc["seasonal naive", "won"] == 0
    assert pd.api.types.is_integer_dtype(found["won"])
