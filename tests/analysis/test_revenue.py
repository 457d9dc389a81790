"""Tests of the re-shaping: gaps that stay gaps, answers known by head."""

import numpy as np
import pandas as pd

from lib.analysis import periods
from lib.analysis import revenue as metrics
from lib.report.text import executive


def test_change_needs_something_before() -> None:
    assert metrics.change(3, 2) == 0.5
    assert np.isnan(metrics.change(3, 0))


def test_days_without_a_row_are_zero() -> None:
    frame = pd.DataFrame({"date": pd.to_datetime(["2025-01-02"]), "revenue": [5.0]})
    filled = metrics.days(frame, {"start": "2025-01-01", "end": "2025-01-04"})
    assert filled["revenue"].tolist() == [0, 5, 0]


def test_weekly_mean_starts_on_the_seventh_day() -> None:
    means = metrics.with_weekly_mean(pd.DataFrame({"revenue": range(8)}), "revenue")["weekly_mean"]
    assert means.isna().sum() == 6
    assert means.tail(2).tolist() == [3, 4]


def parts(kind: str, **rows: tuple[float, float]) -> pd.DataFrame:
    """name=(revenue, previous_revenue)."""
    revenue, previous = zip(*rows.values(), strict=True)
    return pd.DataFrame({kind: list(rows), "revenue": revenue, "previous_revenue": previous})


def test_the_main_cause_explains_most_but_not_more_than_all() -> None:
    countries = parts("country", malta=(50.0, 20.0), chad=(60.0, 50.0))
    channels = parts("channel", mail=(70.0, 10.0), ads=(40.0, 60.0))
    assert metrics.main_cause({"country": countries, "channel": channels}) == ("country", "malta", 0.75)
    assert metrics.main_cause({"channel": channels}) == ("channel", "mail", 1.5)


def test_nothing_has_no_cause() -> None:
    assert metrics.main_cause({"country": parts("country", malta=(1.0, 1.0), chad=(2.0, 2.0))}) is None
    assert metrics.main_cause({"country": parts("country", malta=(9.0, 1.0))}) is None, "one part explains nothing"


def test_a_bridge_begins_and_ends_with_totals() -> None:
    effects = {"previous_revenue": 10, "volume": 5, "price": -1, "mix": -2, "revenue": 12}
    steps = metrics.bridge_steps(effects)
    assert steps["amount"].tolist() == [10, 5, -1, -2, 12]
    assert steps["total"].tolist() == [True, False, False, False, True]
    assert executive.largest_step(steps) == "The largest step is volume, upwards."
    assert executive.largest_step(steps.assign(amount=0.0)) == "Nothing changed."


def test_only_whole_weeks_and_months_are_summed() -> None:
    days = pd.DataFrame({"date": pd.date_range("2025-01-30", "2025-03-09"), "revenue": 1.0})
    assert metrics.by("MS", days, ["revenue"]).to_dict("list") == {
        "date": [pd.Timestamp("2025-02-01")],
        "revenue": [28.0],
    }
    weeks = metrics.by("W-MON", days, ["revenue"])
    assert weeks["date"].iloc[[0, -1]].tolist() == [pd.Timestamp("2025-02-03"), pd.Timestamp("2025-03-03")]
    assert set(weeks["revenue"]) == {7.0}


def test_the_trend_compares_weekdays_with_weekdays_and_months_with_months() -> None:
    two, year = periods.two_years("2025-07-01"), periods.year_before("2025-07-01")
    dates = pd.date_range(two["start"], two["end"], inclusive="left")
    trend = metrics.trend(pd.DataFrame({"date": dates, "revenue": dates.day_of_week.astype(float)}), year)
    by_day, by_month = trend["by day"]["frame"], trend["by month"]["frame"]
    assert (len(by_day), len(by_month)) == (365, 12)
    assert by_day["weekly_mean"].tail(300).tolist() == by_day["year_before"].tail(300).tolist()
    june = pd.date_range("2024-06-01", "2024-06-30").day_of_week
    assert by_month["year_before"].iloc[-1] == june.to_numpy().sum()


def test_the_share_of_the_best_is_read_off_the_curve() -> None:
    curve = pd.DataFrame({"products": [0, 0.5, 1], "revenue": [0, 0.8, 1]})
    assert metrics.share_at(curve, 0.25) == 0.4
    assert np.isnan(metrics.share_at(curve.head(1), 0.25))


def test_campaigns_and_odd_days_are_marked_by_their_first_days() -> None:
    sale = {"name": ["Sale"], "channel": ["mail"], "start_date": ["2025-03-02"], "end_date": ["2025-03-09"]}
    campaigns = pd.DataFrame(sale).astype({"start_date": "datetime64[us]", "end_date": "datetime64[us]"})
    odd = pd.DataFrame({"date": pd.to_datetime(["2024-12-31", "2025-03-01"]), "cause": ["x", "not known"]})
    bounds = {"start": "2025-01-01", "end": "2025-07-01"}
    found = metrics.marks(campaigns, odd, bounds)
    assert found["name"].tolist() == ["odd day: not known", "Sale"]
    assert found["end_date"].tolist() == [pd.Timestamp("2025-03-01"), pd.Timestamp("2025-03-09")]
    assert metrics.marks(campaigns.head(0), odd.head(0), bounds).empty


def test_parts_that_only_the_period_before_has_are_there_with_none() -> None:
    now = pd.DataFrame({"channel": ["mail", "ads"], "orders": [2, 1], "revenue": [5.0, 9.0], "share": [0.4, 0.6]})
    before = pd.DataFrame({"channel": ["fair", "mail"], "orders": [1, 1], "revenue": [3.0, 4.0], "share": [0.4, 0.6]})
    found = metrics.with_previous(now, before)
    assert found["channel"].tolist() == ["ads", "mail", "fair"]
    assert found["revenue"].tolist() == [9, 5, 0]
    assert found["previous_revenue"].tolist() == [0, 4, 3]
    assert found["orders"].tolist() == [1, 2, 0]
    assert found["orders"].dtype == "int64"
    assert found["share"].isna().tolist() == [False, False, True]
