"""Tests of the sentences of the forecast report: headline, data preparation, backtest, coverage, segments."""

import numpy as np
import pandas as pd
import pytest

from lib.analysis.forecast import Backtest, Forecast, History, Segment, daily_series, holidays_of_main_country
from lib.analysis.forecast.backtest import Window
from lib.report import charts
from lib.report.text import forecast
from tests.analysis.test_forecast_backtest import even
from tests.series import days


def history(values: object) -> History:
    series = days(values, "2024-01-01")
    return daily_series(series.reset_index(), pd.Timestamp("2024-01-01") + pd.Timedelta(days=len(series)))


def ahead(total: float, first: str, n: int = 10) -> Forecast:
    index = pd.date_range(first, periods=n, name="date", unit="us")
    columns = ("forecast", "lower_80", "upper_80", "lower_95", "upper_95")
    frame = pd.DataFrame({name: np.full(n, total / n) for name in columns}, index=index)
    return Forecast("ensemble", frame, total, (total - 50, total + 50), "It beat seasonal naive.")


def test_headline_has_total_interval_changes_and_reason() -> None:
    """The last ten of 400 days bring 10 each, those of the previous year 5, the rest 7."""
    values = np.full(400, 7.0)
    values[-10:] = 10
    values[36:46] = 5
    text = forecast.headline(ahead(120, "2025-02-04"), history(values), "USD")
    assert text == (
        "The next 10 days are expected to bring $120 (80 % prediction interval $70 to $170), "
        "+20.0% vs the last 10 days and +140.0% vs the same days of the previous year. "
        "It beat seasonal naive."
    )


def test_unknown_change_is_left_out() -> None:
    text = forecast.headline(ahead(120, "2024-01-09"), history([5.0] * 8), "USD")
    assert (
        text
        == "The next 10 days are expected to bring $120 (80 % prediction interval $70 to $170). It beat seasonal naive."
    )


def test_headline_without_a_forecast_says_why() -> None:
    nothing = Forecast("none", pd.DataFrame(), 0, (0, 0), "No day has had revenue yet.")
    assert (
        forecast.headline(nothing, history([]), "USD") == "A forecast is not possible yet. No day has had revenue yet."
    )


COUNTRIES = pd.DataFrame({"country_code": [None, "DE", "US"], "revenue": [9.0, 5.0, 8.0]})


def test_holidays_are_those_of_the_country_with_most_revenue() -> None:
    past = history([5.0] * 180)
    marked = holidays_of_main_country(COUNTRIES, past, 30)
    assert marked[pd.Timestamp("2024-07-04")] == "Independence Day"
    text = forecast.data_preparation(past, ahead(1, "2024-06-29"), marked)
    assert text.startswith("180 days of history, Jan 1, 2024 to Jun 28, 2024; 0 days without revenue count as zero. ")
    assert text.endswith("Upcoming public holidays in the shop's main country: Independence Day (Jul 4, 2024).")
    assert "No public holiday" in forecast.data_preparation(past, ahead(1, "2024-07-10"), marked)


@pytest.mark.parametrize(("countries", "values"), [(COUNTRIES.head(1), [5.0] * 9), (COUNTRIES, [])])
def test_no_country_or_no_history_has_no_holidays(countries: pd.DataFrame, values: list) -> None:
    assert holidays_of_main_country(countries, history(values), 30).empty


def windows(n: int) -> Backtest:
    """n windows of two days, 28 days apart, in which ETS is exact and seasonal naive has an error of 40."""
    starts = [f"{day:%Y-%m-%d}" for day in pd.date_range("2025-01-06", periods=n, freq="28D")]
    simulations = {"ETS": even(100, 2), "seasonal naive": even(140, 2)}
    return Backtest(tuple(Window(days([100, 100], start), simulations, 10.0) for start in reversed(starts)))


def test_score_table_names_the_best_model_of_each_measure() -> None:
    found = forecast.score_table(windows(4)).set_index("model")
    assert found.loc["ETS", "best_at"] == "mase, wape, smape, pinball, total error"
    assert found.loc["seasonal naive", "best_at"] == ""
    assert found.loc["ETS", "wins"] == 4


def test_backtest_summary_has_windows_and_winner() -> None:
    assert forecast.backtest_summary(windows(4)) == (
        "4 backtest windows, starting between Jan 6, 2025 and Mar 31, 2025: ETS had the most wins, 4."
    )
    assert forecast.backtest_summary(windows(1)).endswith(
        "Fewer than 4 windows are weak evidence; the history allows no more."
    )
    assert forecast.backtest_summary(windows(0)).startswith("The history is too short for a backtest")


def test_coverage_is_reported_for_days_and_totals() -> None:
    assert forecast.coverage(windows(4), "ETS") == (
        "In the backtest the 80 % interval covered 100% of the days and the 95 % interval 100%; "
        "the total lay inside its 80 % interval in 4 of 4."
    )
    assert forecast.coverage(windows(0), "ETS").startswith("The coverage of the prediction intervals is unknown")


def test_every_column_of_the_scores_is_defined() -> None:
    defined = " ".join(forecast.score_definitions()["metric"]).lower()
    columns = forecast.score_table(windows(4)).columns.drop("model")
    assert [
        name for name in columns if name.replace("_", " ").removesuffix(" 95").removesuffix(" 80") not in defined
    ] == []


def test_table_and_chart_of_segments_have_the_same_total() -> None:
    """Days of 12.06 would add up to 120, and not to 120.6, if they were rounded before."""
    segment = Segment("Books", history([5.4] * 100), ahead(120.6, "2024-04-10"))
    assert forecast.segment_table([segment]).iloc[0].tolist() == ["Books", 120.6, 70.6, 170.6, "ensemble"]
    figure = charts.segment_forecasts([segment], "USD")
    assert figure.layout.meta["alt"] == "Forecast of 1 segment, predicted revenue in total: Books $121."
    days = pd.DataFrame(figure.layout.meta["numbers"]["data"], columns=figure.layout.meta["numbers"]["columns"])
    assert days["forecast"].sum() == pytest.approx(120.6)
    assert sum(figure.data[2].y[1:]) == pytest.approx(120.6)


def test_summary_names_model_and_history() -> None:
    assert forecast.summary(ahead(1, "2024-04-10"), history([5.0] * 100)) == (
        "Model: ensemble; days forecast: 10; days of history: 100."
    )
