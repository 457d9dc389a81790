"""Tests of revenue trends, segments and drivers, with results known by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from lib.analysis import periods, revenue
from lib.report import charts


def test_days_without_a_row_are_zero() -> None:
    frame = pd.DataFrame({"date": pd.to_datetime(["2025-01-02"]), "revenue": [5.0]})
    filled = revenue.days(frame, {"start": "2025-01-01", "end": "2025-01-04"})
    assert filled["revenue"].tolist() == [0, 5, 0]


def test_weekly_mean_starts_on_the_seventh_day() -> None:
    daily = pd.DataFrame({"date": pd.date_range("2025-01-01", periods=8), "revenue": range(8)})
    means = revenue.daily_trend(daily, {"start": date(2025, 1, 1)})["weekly_mean"]
    assert means.isna().sum() == 6
    assert means.tail(2).tolist() == [3, 4]


def segments(kind: str, **rows: tuple[float, float]) -> pd.DataFrame:
    """A frame of segments, given as name=(revenue, previous_revenue)."""
    current, previous = zip(*rows.values(), strict=True)
    return pd.DataFrame({kind: list(rows), "revenue": current, "previous_revenue": previous})


def test_a_bridge_begins_and_ends_with_totals() -> None:
    effects = {"previous_revenue": 10, "volume": 5, "price": -1, "mix": -2, "returns": 0, "revenue": 12}
    steps = revenue.bridge_steps(effects)
    assert steps["amount"].tolist() == [10, 5, -1, -2, 0, 12]
    assert steps["total"].tolist() == [True, False, False, False, False, True]
    assert steps["step"].tolist() == ["previous period", "volume", "price", "mix", "returns", "this period"]


def test_the_ladder_leads_from_gross_sales_to_the_contribution() -> None:
    ladder = {"gross_sales": 120, "discounts": 20, "refunds": 9, "cancellations": 1, "credit_notes": 0, "revenue": 90}
    costs = {"shipping": 60, "taxes": 40, "cost": 30, "campaign_spend": 5, "orders": 4}
    steps = revenue.ladder_steps(ladder | costs, 0.01, 0.25, 2)
    assert dict(zip(steps["step"], steps["amount"], strict=True)) == {
        "gross sales": 120, "discounts": -20, "refunds": -9, "cancellations": -1, "net sales": 90,
        "cost of goods": -30, "payment fees": -3, "fulfilment": -8, "campaigns": -5, "contribution": 44,
    }  # fmt: skip
    assert steps.loc[steps["total"], "step"].tolist() == ["gross sales", "net sales", "contribution"]


def test_a_ladder_without_known_costs_ends_with_net_sales() -> None:
    steps = revenue.ladder_steps({"gross_sales": 10, "revenue": 10})
    assert steps["step"].tolist() == ["gross sales", "net sales"]


def test_only_complete_weeks_and_months_are_summed() -> None:
    days = pd.DataFrame({"date": pd.date_range("2025-01-30", "2025-03-09"), "revenue": 1.0})
    assert revenue._complete_sums("MS", days).to_dict("list") == {
        "date": [pd.Timestamp("2025-02-01")],
        "revenue": [28.0],
    }
    weeks = revenue._complete_sums("W-MON", days)
    assert weeks["date"].iloc[[0, -1]].tolist() == [pd.Timestamp("2025-02-03"), pd.Timestamp("2025-03-03")]
    assert set(weeks["revenue"]) == {7.0}


def test_the_trend_compares_weekdays_with_weekdays_and_months_with_months() -> None:
    two, year = periods.two_years("2025-07-01"), periods.year_before("2025-07-01")
    dates = pd.date_range(two["start"], two["end"], inclusive="left")
    daily = pd.DataFrame({"date": dates, "revenue": dates.day_of_week.astype(float)})
    by_day, by_week, by_month = (
        trend(daily, year) for trend in (revenue.daily_trend, revenue.weekly_trend, revenue.monthly_trend)
    )
    assert by_week["year_before"].tail(50).tolist() == by_week["revenue"].tail(50).tolist()
    assert (len(by_day), len(by_month)) == (365, 12)
    assert by_day["weekly_mean"].tail(300).tolist() == by_day["year_before"].tail(300).tolist()
    june = pd.date_range("2024-06-01", "2024-06-30").day_of_week
    assert by_month["year_before"].iloc[-1] == june.to_numpy().sum()


def test_the_share_of_the_best_products_is_interpolated() -> None:
    curve = pd.DataFrame({"products": [0, 0.5, 1], "revenue": [0, 0.8, 1]})
    assert revenue.share_at(curve, 0.25) == 0.4
    assert np.isnan(revenue.share_at(curve.head(1), 0.25))


def test_a_concentration_curve_ranks_the_largest_first() -> None:
    curve = revenue.cumulative(pd.Series([0.0, 60, 10, 30]))
    assert revenue.share_at(curve, np.array([0, 0.25, 0.5, 1])) == pytest.approx([0, 0.6, 0.9, 1])
    assert np.isnan(revenue.share_at(revenue.cumulative(pd.Series([0.0, 0.0])), 0.2))
    assert np.isnan(revenue.share_at(revenue.cumulative(pd.Series([], dtype=float)), 0.2))


def test_annotations_are_campaigns_and_anomalies_by_first_day() -> None:
    sale = {"name": ["Sale"], "channel": ["mail"], "start_date": ["2025-03-02"], "end_date": ["2025-03-09"]}
    campaigns = pd.DataFrame(sale).astype({"start_date": "datetime64[us]", "end_date": "datetime64[us]"})
    anomalies = pd.DataFrame({"date": pd.to_datetime(["2024-12-31", "2025-03-01"]), "cause": ["x", "not known"]})
    bounds = {"start": "2025-01-01", "end": "2025-07-01"}
    found = revenue.annotations(campaigns, anomalies, bounds)
    assert found["name"].tolist() == ["anomaly: not known", "Sale"]
    assert found["end_date"].tolist() == [pd.Timestamp("2025-03-01"), pd.Timestamp("2025-03-09")]
    assert revenue.annotations(campaigns.head(0), anomalies.head(0), bounds).empty


def test_segments_of_the_previous_period_only_have_zero_revenue() -> None:
    now = pd.DataFrame({"channel": ["mail", "ads"], "orders": [2, 1], "revenue": [5.0, 9.0], "share": [0.4, 0.6]})
    before = pd.DataFrame({"channel": ["fair", "mail"], "orders": [1, 1], "revenue": [3.0, 4.0], "share": [0.4, 0.6]})
    found = revenue.with_previous(now, before)
    assert found["channel"].tolist() == ["ads", "mail", "fair"]
    assert found["revenue"].tolist() == [9, 5, 0]
    assert found["previous_revenue"].tolist() == [0, 4, 3]
    assert found["orders"].tolist() == [1, 2, 0]
    assert found["orders"].dtype == "int64"
    assert found["share"].isna().tolist() == [False, False, True]


def test_a_period_that_the_data_do_not_cover_is_not_compared() -> None:
    current = pd.DataFrame({"country": ["Malta"], "revenue": [5.0]})
    found = revenue.with_previous(current, current.head(0), comparable=False)
    assert found["previous_revenue"].isna().all()
    assert "bracket" not in repr(charts.compared(found, "country", unit="USD"))
    steps = revenue.bridge_steps({}, comparable=False)
    assert repr(charts.bridge(steps, "USD")) == "The data do not cover the previous period."


def test_days_begin_with_the_data() -> None:
    sales = pd.DataFrame({"date": pd.to_datetime(["2025-01-03"]), "revenue": [5.0]})
    bounds = {"start": date(2025, 1, 1), "end": date(2025, 1, 5)}
    assert revenue.days(sales, bounds)["revenue"].tolist() == [0, 0, 5, 0]
    assert revenue.days(sales, bounds, date(2025, 1, 3))["revenue"].tolist() == [5, 0]
    none = revenue.days(sales, bounds, pd.NaT)
    trends = (
        revenue.daily_trend(none, bounds),
        revenue.weekly_trend(none, bounds),
        revenue.monthly_trend(none, bounds),
    )
    assert [len(trend) for trend in (none, *trends)] == [0, 0, 0, 0]
