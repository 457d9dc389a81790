"""Tests of the factors: growth, the season of the year, holidays and closed days, and when a backtest earns them."""

import numpy as np
import pandas as pd
import pytest

from lib.analysis.forecast import ENSEMBLE, Simulation
from lib.analysis.forecast import factors as module
from lib.analysis.forecast.backtest import Backtest, Window, _earned
from lib.analysis.forecast.factors import GROWTH, HOLIDAYS, YEARLY
from tests.series import days, noise, past

FAIR = pd.Series("Fair", index=pd.to_datetime(["2023-03-15", "2024-03-14", "2025-03-13"]))


def factors(values: pd.Series, holidays: pd.Series | None = None, horizon: int = 30) -> dict[str, pd.Series]:
    known = past(values, holidays)
    ahead = known.days_ahead(horizon)
    return {name: pd.Series(found, ahead) for name, found in module.factors(known, ahead).items()}


def flat(n: int, start: str) -> pd.Series:
    """100 a day and noise of a few per cent."""
    return days(noise(n, 3).to_numpy() / 50 + 80, start)


def yearly(n: int) -> pd.Series:
    """A cosine of the year with a swing of a factor e^0.4 around 100."""
    values = days(np.zeros(n), "2022-01-01")
    angles = 2 * np.pi * (values.index.day_of_year - 196) / 365.25
    return 100 * np.exp(0.4 * np.cos(angles)) + values


def test_growth_is_half_the_trend_of_the_weeks() -> None:
    """0.2 % a day, from 10.5 days before the end on."""
    found = factors(days(1.002 ** np.arange(420)))[GROWTH]
    assert found.iloc[19] == pytest.approx(1.002 ** ((10.5 + 20) / 2), abs=0.0001)


@pytest.mark.parametrize("values", [noise(420, 1), days(1.002 ** np.arange(270)), days([0.0] * 420)])
def test_noise_and_short_histories_have_no_growth(values: pd.Series) -> None:
    assert factors(values)[GROWTH].tolist() == pytest.approx([1] * 30, abs=0.005)


def test_yearly_factor_is_half_the_change_since_the_last_days() -> None:
    """The series ends in mid-April, so a month later it is higher."""
    series = yearly(1_200)
    found = factors(series)[YEARLY]
    true = yearly(1_230).iloc[-30:]
    full = true / series.iloc[-14:].mean()
    assert found.to_numpy() == pytest.approx(np.sqrt(full.to_numpy()), rel=0.03)


def test_less_than_two_years_have_no_yearly_factor() -> None:
    assert (factors(yearly(700))[YEARLY] == 1).all()


def test_holiday_repeats_its_effect_of_the_years_before() -> None:
    series = flat(800, "2023-01-01")
    series[FAIR.index[:2]] *= 3
    found = factors(series, FAIR, 10)[HOLIDAYS]
    assert found["2025-03-13"] == pytest.approx(3, rel=0.15)
    assert (found.drop(pd.Timestamp("2025-03-13")) == 1).all()


def test_holiday_without_an_effect_beyond_noise_has_none() -> None:
    assert (factors(flat(800, "2023-01-01"), FAIR, 10)[HOLIDAYS] == 1).all()


def test_holiday_that_never_occurred_has_no_effect() -> None:
    assert (factors(flat(400, "2024-02-06"), FAIR[2:], 10)[HOLIDAYS] == 1).all()


def test_day_on_which_the_shop_always_closed_is_zero() -> None:
    """Closed on the holiday, and for four days in the summer."""
    series = flat(800, "2023-01-01")
    series[FAIR.index[:2]] = 0
    assert factors(series, FAIR, 10)[HOLIDAYS]["2025-03-13"] == 0
    summer = flat(560, "2023-02-01")
    summer["2023-08-20":"2023-08-23"] = 0
    assert (factors(summer, None, 30)[HOLIDAYS]["2024-08-20":"2024-08-23"] == 0).all()


def test_black_friday_is_a_sales_day_everywhere() -> None:
    series = flat(400, "2023-10-25")
    series["2023-11-24"] *= 2.5
    series["2023-11-27"] *= 2
    found = factors(series.loc[:"2024-11-20"])[HOLIDAYS]
    assert found[found != 1].index.tolist() == [pd.Timestamp("2024-11-29"), pd.Timestamp("2024-12-02")]


@pytest.mark.parametrize("week", [[5.0] * 7, [1, 2, 3, 4, 5, 6, 7]])
def test_every_factor_is_one_for_a_series_without_changes(week: list) -> None:
    found = factors(days(np.tile(week, 130), "2022-01-03"))
    assert all(by_day.to_numpy() == pytest.approx(1, abs=1e-9) for by_day in found.values())


def window(factor: float, observed: float = 200.0, name: str = HOLIDAYS) -> Window:
    """The ensemble predicts 100."""
    plain = Simulation(np.array([100.0]), np.array([[90.0], [110.0]]))
    return Window(days([observed]), {ENSEMBLE: plain}, 1.0, {name: np.array([factor])})


@pytest.mark.parametrize(
    ("factor", "observed", "earned"),
    [
        ([1.5, 1.6, 1.7], [200, 200, 200], (HOLIDAYS,)),
        ([0.5, 0.6, 0.7], [200, 200, 200], ()),
        ([1.5, 1.6, 0.5], [200, 200, 200], ()),
        ([1.5, 1.6, 1.0], [200, 200, 200], ()),  # the factor matters in two windows only
        ([], [], ()),
    ],
)
def test_factor_is_earned_by_gains_beyond_noise(factor: list, observed: list, earned: tuple) -> None:
    assert _earned([window(*pair) for pair in zip(factor, observed, strict=True)]) == earned


@pytest.mark.parametrize(("factor", "earned"), [([1.02, 0.99, 1.02], (GROWTH,)), ([0.9, 0.88, 0.91], ())])
def test_growth_is_used_unless_the_windows_refute_it(factor: list, earned: tuple) -> None:
    assert _earned([window(one, name=GROWTH) for one in factor]) == earned


def test_clear_bias_is_corrected_and_noise_is_not() -> None:
    """Observed twice the forecast each time: the correction is nearly 2; once twice and once half of it: none."""
    steady, noisy = [200.0, 202.0, 198.0], [200.0, 50.0, 110.0]
    clear, none = (Backtest(tuple(window(1.0, value) for value in values)) for values in (steady, noisy))
    assert clear.correction(ENSEMBLE) == pytest.approx(2, rel=0.01)
    assert none.correction(ENSEMBLE) == 1
    assert clear.by_window["bias"].mean() == pytest.approx(-0.5, rel=0.01)
