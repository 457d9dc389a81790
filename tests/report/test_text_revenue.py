"""Tests of the sentences on revenue, past and forecast: headlines, drivers, data preparation, backtest, segments."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from lib.analysis.changes import Driver
from lib.analysis.forecast import Backtest, Forecast, History, Segment, daily_series, holidays_of_main_country
from lib.analysis.forecast.backtest import Window
from lib.analysis.periods import Period
from lib.analysis.revenue import ladder_steps
from lib.report import charts
from lib.report.text import beyond_noise, comparison
from lib.report.text import revenue as text
from tests.analysis.test_forecast_backtest import even
from tests.series import days

MAY = Period(date(2025, 5, 1), date(2025, 6, 1), date(2025, 4, 1), date(2025, 5, 1))


@pytest.mark.parametrize(
    ("now", "before", "points", "words"),
    [
        (110, 100, False, "+10.0% vs May"),
        (90, 100, False, "-10.0% vs May"),
        (100, 100, False, "unchanged from May"),
        (100.04, 100, False, "unchanged from May"),
        (100, 0, False, ""),
        (100, -50, False, ""),
        (float("nan"), 1, False, ""),
        (0.25, 0.2, True, "+5.0 points vs May"),
        (0.0, 0.2, True, "-20.0 points vs May"),
        (0.1, 0.0, True, "+10.0 points vs May"),
        (0.2, 0.2, True, "unchanged from May"),
        (0.2, float("nan"), True, ""),
    ],
)
def test_a_comparison_in_words(now: float, before: float, points: bool, words: str) -> None:
    assert comparison(now, before, "May", points=points) == words


@pytest.mark.parametrize(
    ("words", "lower", "upper", "clear", "points", "expected"),
    [
        ("+33.3% vs May", 0.2, 0.5, True, False, "+33.3% vs May"),
        ("", 0.2, 0.5, False, False, ""),
        ("unchanged from May", -0.2, 0.2, False, False, "unchanged from May"),
        ("+9.3% vs 118", -0.14, 0.4, False, False, "within the noise of 118 (+9.3%, 95 % interval -14.0% to +40.0%)"),
        (
            "-1.0 points vs 20.0%", -0.05, 0.03, False, True,
            "within the noise of 20.0% (-1.0 points, 95 % interval -5.0 points to +3.0 points)",
        ),
        (
            "+100.0% vs 1", float("nan"), float("nan"), False, False,
            "too few orders to tell a change from noise (+100.0% vs 1)",
        ),
    ],
)  # fmt: skip
def test_a_change_within_the_noise_is_not_called_one(
    words: str, lower: float, upper: float, clear: bool, points: bool, expected: str
) -> None:
    assert beyond_noise(words, {"lower": lower, "upper": upper, "clear": clear}, points=points) == expected


def change(relative: float, *, clear: bool = True) -> pd.DataFrame:
    noise = {"change": relative, "lower": relative - 0.3, "upper": relative + 0.3, "clear": clear}
    return pd.DataFrame(noise, index=["revenue"])


NOW = {"revenue": 110.0, "orders": 1}
NO_DRIVER = "No segment changed beyond its noise, so there is no clear driver."


def test_the_headline_compares_revenue_with_two_spans() -> None:
    said = "Revenue from May 1, 2025 to May 31, 2025 was $110.00 from 1 order: "
    spans = (change(0.5), change(float("nan"), clear=False))
    driver = Driver("country", "Malta", 30.0, 0.5)
    more = text.headline(MAY, NOW, *spans, driver, "USD", date(2024, 5, 1), "2025-06-01").removeprefix(said)
    assert more == (
        "+50.0% vs the previous period, no revenue in the same days a year earlier to compare with. The country Malta "
        "contributed most to the change: +$30, 50.0% of it."
    )


def test_the_headline_does_not_call_noise_a_change() -> None:
    spans = (change(0.1, clear=False), change(0.1, clear=False))
    found = text.headline(MAY, NOW, *spans, None, "USD", date(2024, 5, 1), "2025-06-01")
    assert "within the noise of the previous period (+10.0%, 95 % interval -20.0% to +40.0%)" in found
    assert found.endswith(NO_DRIVER)


def test_the_headline_compares_with_whole_spans_only() -> None:
    driver, spans = Driver("country", "Malta", 30.0, 0.5), (change(0.5), change(0.5))
    later = text.headline(MAY, NOW, *spans, None, "USD", date(2024, 5, 2), "2025-06-01")
    assert later.endswith(
        "order: +50.0% vs the previous period, not compared with a year earlier, since the data begin on "
        f"May 2, 2024. {NO_DRIVER}"
    )
    latest = text.headline(MAY, NOW, *spans, driver, "USD", date(2025, 4, 2), "2025-06-01")
    assert latest.endswith("order: it is not compared with earlier days, since the data begin on Apr 2, 2025.")
    open_yet = text.headline(MAY, NOW, *spans, driver, "USD", date(2024, 5, 1), "2025-05-20")
    assert open_yet.endswith("with earlier days, since the orders from May 20, 2025 on are not all completed yet.")


def test_maturity_in_words() -> None:
    assert text.maturity("2025-07-01", "2025-07-01") == "All days before Jul 1, 2025 have all their sales."
    assert text.maturity("2025-06-30", "2025-07-01").startswith("The day before Jul 1, 2025 is left out, since its")


def test_orders_that_are_not_sales_are_named() -> None:
    statuses = pd.DataFrame({"status": ["shipped", "pending"], "orders": [2, 1], "amount": [9.0, 1.0]})
    assert text.not_counted(statuses.assign(counted=True), "USD").startswith("All of them are sales")
    assert text.not_counted(statuses.assign(counted=False), "USD").startswith(
        "2 shipped orders of $9.00 and 1 pending order of $1.00 are not counted, since"
    )
    assert text.not_counted(statuses.assign(counted=True).head(0), "USD") == "No order was placed in the period."


def test_the_contribution_in_words() -> None:
    none = {"gross_sales": 9.0, "revenue": 9.0, "costed_revenue": 0.0}
    assert text.contribution(ladder_steps(none), none, "USD") == "No cost is known, so the contribution is not either."
    lost = none | {"revenue": -1.0, "cost": 2.0}
    assert text.contribution(ladder_steps(lost), lost, "USD") == "The contribution is -$3.00."


def test_total_sales_in_words() -> None:
    assert text.total_sales({"shipping": 0, "taxes": 0, "total_sales": 9}, "USD").startswith(
        "The data have no shipping"
    )


def test_the_main_driver_in_words() -> None:
    assert text.driver(Driver("country", "Malta", 30.0, 0.5), "USD") == (
        "The country Malta contributed most to the change: +$30, 50.0% of it."
    )
    offset = "Gains and losses offset each other; the largest "
    assert text.driver(Driver("channel", "mail", 124.0, 21.2), "USD") == f"{offset}gain came from mail (+$124)."
    assert text.driver(Driver("channel", "mail", -124.0, 2.0), "USD") == f"{offset}loss came from mail (-$124)."
    assert text.driver(Driver("channel", "mail", -9.0, float("nan")), "USD") == f"{offset}loss came from mail (-$9)."
    assert text.driver(None, "USD") == NO_DRIVER


def test_the_target_in_words() -> None:
    assert text.target(50, 50, 200, "USD") == "Revenue reached 25.0% of the $200.00 target."
    assert text.target(50, 100, 200, "USD").endswith("; at the current rate the period will end at 50.0%.")
    assert text.target(50, 50, None, "USD").startswith("Revenue was $50.00. The parameter revenue_target sets a target")


def test_the_largest_step_of_a_bridge_in_words() -> None:
    steps = pd.DataFrame(
        {"step": ["previous", "volume", "mix"], "amount": [90.0, 5.0, -6.0], "total": [True, False, False]}
    )
    assert text.largest_step(steps, "USD", None, clear=True) == "Mix contributed most: -$6."
    assert text.largest_step(steps, "USD", None, clear=False).startswith("The whole change is within the noise")
    assert text.largest_step(steps.assign(amount=0.0), "USD", None, clear=True) == "Nothing changed."
    assert text.largest_step(steps.head(0), "USD", date(2025, 4, 20), clear=True) == (
        "No comparison: both periods must lie in the data, which begin on Apr 20, 2025, with all their sales known."
    )


# The forecast


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
    found = text.forecast_headline(ahead(120, "2025-02-04"), history(values), "USD")
    assert found == (
        "The 10 days from Feb 4, 2025 are expected to bring $120 (80 % prediction interval $70 to $170), "
        "+20.0% vs the last 10 days and +140.0% vs the same days of the previous year. "
        "It beat seasonal naive."
    )


def test_unknown_change_is_left_out() -> None:
    found = text.forecast_headline(ahead(120, "2024-01-09"), history([5.0] * 8), "USD")
    assert found == (
        "The 10 days from Jan 9, 2024 are expected to bring $120 (80 % prediction interval $70 to $170). "
        "It beat seasonal naive."
    )


def test_headline_without_a_forecast_says_why() -> None:
    nothing = Forecast("none", pd.DataFrame(), 0, (0, 0), "No day has had revenue yet.")
    assert (
        text.forecast_headline(nothing, history([]), "USD")
        == "A forecast is not possible yet. No day has had revenue yet."
    )


COUNTRIES = pd.DataFrame({"country_code": [None, "DE", "US"], "revenue": [9.0, 5.0, 8.0]})


def test_holidays_are_those_of_the_country_with_most_revenue() -> None:
    past = history([5.0] * 180)
    marked = holidays_of_main_country(COUNTRIES, past, 30)
    assert marked[pd.Timestamp("2024-07-04")] == "Independence Day"
    found = text.data_preparation(past, ahead(1, "2024-06-29"), marked)
    assert found.startswith("180 days of history, Jan 1, 2024 to Jun 28, 2024; 0 days without revenue count as zero. ")
    assert found.endswith("Upcoming public holidays in the shop's main country: Independence Day (Jul 4, 2024).")
    assert "No public holiday" in text.data_preparation(past, ahead(1, "2024-07-10"), marked)


@pytest.mark.parametrize(("countries", "values"), [(COUNTRIES.head(1), [5.0] * 9), (COUNTRIES, [])])
def test_no_country_or_no_history_has_no_holidays(countries: pd.DataFrame, values: list) -> None:
    assert holidays_of_main_country(countries, history(values), 30).empty


def windows(n: int) -> Backtest:
    """n windows of two days, 28 days apart, in which ETS is exact and seasonal naive has an error of 40."""
    starts = [f"{day:%Y-%m-%d}" for day in pd.date_range("2025-01-06", periods=n, freq="28D")]
    simulations = {"ETS": even(100, 2), "seasonal naive": even(140, 2)}
    return Backtest(tuple(Window(days([100, 100], start), simulations, 10.0) for start in reversed(starts)))


def test_score_table_names_the_best_model_of_each_measure() -> None:
    found = text.score_table(windows(4)).set_index("model")
    assert found.loc["ETS", "best_at"] == "mase, wape, smape, pinball, total error"
    assert found.loc["seasonal naive", "best_at"] == ""
    assert found.loc["ETS", "wins"] == 4


def test_backtest_summary_has_windows_and_winner() -> None:
    assert text.backtest_summary(windows(4)) == (
        "4 backtest windows, starting between Jan 6, 2025 and Mar 31, 2025: ETS had the most wins, 4."
    )
    assert text.backtest_summary(windows(1)).endswith(
        "Fewer than 4 windows are weak evidence; the history allows no more."
    )
    assert text.backtest_summary(windows(0)).startswith("The history is too short for a backtest")


def test_coverage_is_reported_for_days_and_totals() -> None:
    assert text.coverage(windows(4), "ETS") == (
        "In the backtest the 80 % interval covered 100% of the days and the 95 % interval 100%; "
        "the total lay inside its 80 % interval in 4 of 4."
    )
    assert text.coverage(windows(0), "ETS").startswith("The coverage of the prediction intervals is unknown")


def test_every_column_of_the_scores_is_defined() -> None:
    defined = " ".join(text.score_definitions()["metric"]).lower()
    columns = text.score_table(windows(4)).columns.drop("model")
    assert [
        name for name in columns if name.replace("_", " ").removesuffix(" 95").removesuffix(" 80") not in defined
    ] == []


def test_table_and_chart_of_segments_have_the_same_total() -> None:
    """Days of 12.06 would add up to 120, and not to 120.6, if they were rounded before."""
    segment = Segment("Books", history([5.4] * 100), ahead(120.6, "2024-04-10"))
    assert text.segment_table([segment]).iloc[0].tolist() == ["Books", 120.6, 70.6, 170.6, "ensemble"]
    figure = charts.segment_forecasts([segment], "USD")
    assert figure.layout.meta["alt"] == "Forecast of 1 segment, predicted revenue in total: Books $121."
    days = pd.DataFrame(figure.layout.meta["numbers"]["data"], columns=figure.layout.meta["numbers"]["columns"])
    assert days["forecast"].sum() == pytest.approx(120.6)
    assert sum(figure.data[2].y[1:]) == pytest.approx(120.6)


def test_summary_names_model_and_history() -> None:
    assert text.summary(ahead(1, "2024-04-10"), history([5.0] * 100)) == (
        "Model: ensemble; days forecast: 10; days of history: 100."
    )


def test_free_orders_are_counted_apart() -> None:
    assert text.free_orders(0) == "No order of the period has an amount of 0."
    assert text.free_orders(1).startswith("1 order of amount 0, such as gifts, ")
    assert text.free_orders(1200).startswith("1,200 orders of amount 0, ")
