"""Tests of the words of the forecast: what is said of a total, of the tests, of the intervals, of holidays."""

import numpy as np
import pandas as pd
import pytest

from lib.analysis.forecast import Backtest, Forecast, Group, daily_series
from lib.analysis.forecast.backtest import Window
from lib.report.text import forecast
from tests.analysis.test_forecast_backtest import even
from tests.series import days


def history(values: object) -> object:
    series = days(values, "2024-01-01")
    return daily_series(series.reset_index(), pd.Timestamp("2024-01-01") + pd.Timedelta(days=len(series)))


def ahead(total: float, first: str, n: int = 10) -> Forecast:
    index = pd.date_range(first, periods=n, name="date", unit="us")
    frame = pd.DataFrame({"forecast": np.full(n, total / n)}, index=index)
    return Forecast("combination", frame, total, (total - 50, total + 50), (0, total), True, "It has proved itself.")


def test_the_headline_has_total_interval_changes_and_reason() -> None:
    """400 days: ten of the last bring 10 each, those of the year before 5, the rest 7."""
    values = np.full(400, 7.0)
    values[-10:] = 10
    values[36:46] = 5
    text = forecast.headline(ahead(120, "2025-02-04"), history(values), "USD")
    assert text == (
        "The next 10 days are expected to bring $120; with a chance of 80 in 100 it will be between $70 and $170. "
        "That is 20% more than in the last 10 days and 140% more than in the same days of the year before. "
        "It has proved itself."
    )


def test_a_change_that_cannot_be_known_is_not_told() -> None:
    text = forecast.headline(ahead(120, "2024-01-09"), history([5.0] * 8), "USD")
    assert "That is" not in text


def test_without_a_forecast_the_headline_says_why() -> None:
    nothing = Forecast("none", pd.DataFrame(), 0, (0, 0), (0, 0), False, "No day has had revenue yet.")
    assert forecast.headline(nothing, history([]), "USD") == "There is no forecast. No day has had revenue yet."


COUNTRIES = pd.DataFrame({"country_code": [None, "DE", "US"], "revenue": [9.0, 5.0, 8.0]})


def test_holidays_are_those_of_the_country_with_most_revenue() -> None:
    marked = forecast.holidays(COUNTRIES, history([5.0] * 180), 30)
    assert marked[pd.Timestamp("2024-07-04")] == "Independence Day"
    text = forecast.holidays_ahead(ahead(1, "2024-06-29"), marked)
    assert text == "Holidays of the shop's main country in these days: Independence Day (Jul 4, 2024)."
    assert forecast.holidays_ahead(ahead(1, "2024-07-10"), marked).startswith("No public holiday")


@pytest.mark.parametrize(("countries", "values"), [(COUNTRIES.head(1), [5.0] * 9), (COUNTRIES, [])])
def test_no_country_or_no_history_has_no_holidays(countries: pd.DataFrame, values: list) -> None:
    assert forecast.holidays(countries, history(values), 30).empty


def trials(n: int) -> Backtest:
    """n tests of two days, 28 days apart, in which ETS was right and seasonal naive off by 40."""
    starts = [f"{day:%Y-%m-%d}" for day in pd.date_range("2025-01-06", periods=n, freq="28D")]
    said = {"ETS": even(100, 2), "seasonal naive": even(140, 2)}
    return Backtest(tuple(Window(days([100, 100], start), said, 10.0) for start in reversed(starts)))


def test_the_table_names_the_best_of_each_measure() -> None:
    found = forecast.scores(trials(4)).set_index("model")
    assert found.loc["ETS", "best_at"] == "mase, wape, smape, pinball, total error"
    assert found.loc["seasonal naive", "best_at"] == ""
    assert found.loc["ETS", "won"] == 4


def test_evidence_tells_how_many_tests_and_who_won() -> None:
    assert forecast.evidence(trials(4)) == (
        "4 tests, beginning between Jan 6, 2025 and Mar 31, 2025; ETS won the most of them, 4."
    )
    assert forecast.evidence(trials(1)).endswith("Fewer than four tests say little: the history allows no more.")
    assert forecast.evidence(trials(0)).startswith("The history is too short to test a model on")


def test_belief_tells_how_often_the_truth_was_inside() -> None:
    assert forecast.belief(trials(4), "ETS") == (
        "In the tests 100% of the days lay inside the 80 % interval and 100% of the days lay inside the 95 % interval; "
        "the total lay inside its 80 % interval in 4 of 4."
    )
    assert forecast.belief(trials(0), "ETS").startswith("No test has shown yet")


def test_parts_have_a_row_each_and_whole_figures_in_their_fans() -> None:
    group = Group("Books", history([5.4] * 100), ahead(120.6, "2024-04-10"))
    assert forecast.parts([group]).iloc[0].tolist() == ["Books", 120.6, 70.6, 170.6, "combination"]
    name, before, coming = forecast.fans([group], days=3)[0]
    assert (name, before["revenue"].tolist(), coming["forecast"].tolist()[:2]) == ("Books", [5, 5, 5], [12, 12])
