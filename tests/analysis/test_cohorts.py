"""Tests of cohorts and second orders by hand: unobserved cells are NaN, means are weighted by size, days censored."""

import numpy as np
import pandas as pd
import pytest

from lib.analysis import cohorts

# Two customers of January and one of February, observed until mid-March.
CELLS = pd.DataFrame(
    [
        ("2025-01-01", 2, "2025-01-01", 0, 2, 20.0, 8.0, True),
        ("2025-01-01", 2, "2025-02-01", 1, 1, 10.0, 4.0, True),
        ("2025-01-01", 2, "2025-03-01", 2, 0, 0.0, 0.0, False),
        ("2025-02-01", 1, "2025-02-01", 0, 1, 40.0, 10.0, True),
        ("2025-02-01", 1, "2025-03-01", 1, 1, 5.0, 1.0, False),
    ],
    columns=["cohort", "cohort_size", "month", "month_index", "customers", "revenue", "margin", "complete"],
).astype({"cohort": "datetime64[us]", "month": "datetime64[us]"})
WHOLE = cohorts.complete(CELLS)
COSTS = pd.DataFrame(
    {
        "channel": ["email", "social", None],
        "spend": [30.0, 12.0, 0.0],
        "signups": [2, 1, 4],
        "new_customers": [2, 0, 1],
        "acquisition_cost": [15.0, np.nan, np.nan],
    }
)


def test_an_incomplete_month_has_no_cell() -> None:
    assert WHOLE["month_index"].tolist() == [0, 1, 0]


def test_a_missing_cell_is_not_zero() -> None:
    matrix = cohorts.retention_matrix(WHOLE)
    assert matrix.loc["2025-01-01"].tolist() == [1.0, 0.5]
    assert np.isnan(matrix.loc["2025-02-01", 1])


def test_mean_retention_weighs_by_size_over_observed_cells() -> None:
    mean = cohorts.mean_retention(WHOLE)
    assert mean["retention"].tolist() == [1.0, 0.5], "an unobserved cell filled with 0 would give 1/3"
    assert mean["cohorts"].tolist() == [2, 1]
    assert mean["cohort_size"].tolist() == [3, 2]


def test_retention_can_begin_after_month_0() -> None:
    kept = cohorts.retention(WHOLE, "2025-03-15", since=1)
    assert kept.matrix.columns.tolist() == [1]
    assert kept.sizes.tolist() == [2], "the cohort of February has no complete month after its own"
    assert kept.under_way.tolist() == [2]


@pytest.mark.parametrize(("as_of", "months"), [("2025-03-15", [2, 1]), ("2025-03-01", []), ("2026-01-02", [12, 11])])
def test_the_month_under_way(as_of: str, months: list[int]) -> None:
    assert cohorts.month_under_way(cohorts.retention_matrix(WHOLE).index, as_of).tolist() == months


def test_value_is_cumulative_per_customer() -> None:
    matrix = cohorts.value_matrix(WHOLE)
    assert matrix.loc["2025-01-01"].tolist() == [10.0, 15.0]
    assert np.isnan(matrix.loc["2025-02-01", 1])


def test_mean_value_adds_the_revenue_of_observed_cohorts() -> None:
    value = cohorts.mean_value(WHOLE)
    assert value["revenue"].tolist() == [60 / 3, 60 / 3 + 10 / 2]
    assert value["margin"].tolist() == [18 / 3, 18 / 3 + 4 / 2]
    assert cohorts.payback_measure(value) == "margin"


def test_an_unknown_margin_is_not_zero() -> None:
    value = cohorts.mean_value(WHOLE.assign(margin=[8.0, np.nan, 10.0]))
    assert value["margin"].isna().tolist() == [False, True]
    assert cohorts.payback_measure(value) == "revenue"


def test_cost_and_payback() -> None:
    assert cohorts.acquisition_costs(COSTS) == {"paid CAC": 42 / 2, "blended CAC": 42 / 3}
    assert [cohorts.payback_month(cohorts.mean_value(WHOLE), cost) for cost in (6.0, 7.0, 14.0)] == [0, 1, None]


@pytest.mark.parametrize("column", ["spend", "new_customers"])
def test_without_spend_or_customers_there_is_no_cost(column: str) -> None:
    assert np.isnan(list(cohorts.acquisition_costs(COSTS.assign(**{column: 0})).values())).all()


def test_costs_by_channel_end_with_totals() -> None:
    table = cohorts.costs_by_channel(COSTS).set_index("channel")
    assert table.index.tolist() == ["email", "social", "no campaign", "paid CAC", "blended CAC"]
    assert table.loc["paid CAC"].tolist() == [42, 3, 2, 21]
    assert table.loc["blended CAC"].tolist() == [42, 7, 3, 14]


FOUR = pd.DataFrame({"cohort": pd.to_datetime(["2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"])})


@pytest.mark.parametrize(
    ("first_day", "signups", "gap", "since"),
    [
        ("2025-01-01", None, np.nan, "2025-02-01"),
        ("2025-01-28", None, 3, "2025-02-01"),
        ("2025-01-28", None, 6, "2025-03-01"),
        ("2025-01-01", None, 300, "2025-03-01"),
        ("2025-01-10", "2024-06-01", 10, "2025-02-01"),
        ("2025-01-10", "2025-01-01", 10, "2025-01-01"),
    ],
    ids=[
        "no gaps",
        "one month",
        "two months",
        "at most half",
        "signed up before the data",
        "the data begin with the shop",
    ],
)
def test_left_truncated_first_cohorts(first_day: str, signups: str | None, gap: float, since: str) -> None:
    known = signups and pd.DataFrame({"cohort": pd.to_datetime([signups, "2025-03-01"])})
    assert cohorts.first_whole(FOUR, pd.Timestamp(first_day), known, gap) == pd.Timestamp(since)


def test_a_single_cohort_is_kept() -> None:
    assert cohorts.first_whole(FOUR.head(1), pd.Timestamp("2025-01-01"), None, 30.0) == pd.Timestamp("2025-01-01")
    assert cohorts.first_whole(FOUR.head(0), pd.NaT, None, np.nan) == pd.Timestamp.min, "nothing is left out"


def test_revenue_of_earlier_customers() -> None:
    months = cohorts.revenue_by_month(WHOLE)
    assert months["revenue"].tolist() == [20, 50]
    assert months["earlier_share"].tolist() == [0, 0.2]
    assert np.isnan(cohorts.revenue_by_month(WHOLE.assign(revenue=0.0))["earlier_share"]).all()


def test_windows_with_few_buyers_are_left_out_except_the_chosen_one() -> None:
    rates = pd.DataFrame({"churn_days": [30, 60, 90], "observed_buyers": [10, 9, 1]})
    assert cohorts.measurable_windows(rates, 90)["churn_days"].tolist() == [30, 90]


def test_an_empty_shop_has_empty_frames() -> None:
    none = CELLS.head(0)
    kept = cohorts.retention(none, "2025-03-15")
    assert kept.matrix.empty
    assert kept.mean.empty
    assert kept.under_way.empty
    assert cohorts.value_matrix(none).empty
    assert cohorts.mean_value(none).empty
    assert cohorts.revenue_by_month(none).empty


# The time to the second order

# Eight buyers: second orders on days 0 (one), 2 (two) and 5 (one); censored on days 2 (one) and 7 (three).
DURATIONS = pd.DataFrame(
    {"days": [0, 2, 2, 5, 7], "returned": [True, False, True, True, False], "buyers": [1, 1, 2, 1, 3]}
)


def test_shares_by_hand() -> None:
    curve = cohorts.second_orders(DURATIONS)
    alive = [7 / 8, 7 / 8, 7 / 8 * 5 / 7, 7 / 8 * 5 / 7, 7 / 8 * 5 / 7, *[7 / 8 * 5 / 7 * 3 / 4] * 3]
    assert curve["day"].tolist() == list(range(8))
    assert curve["share"].tolist() == pytest.approx([1 - s for s in alive])
    assert curve["at_risk"].tolist() == [8, 7, 7, 4, 4, 4, 3, 3]


def test_the_interval_by_hand() -> None:
    """Greenwood's variance of S = 7/8 is S^2 / (8 x 7); on the scale of log(-log S) it is divided by (S log S)^2."""
    first = cohorts.second_orders(DURATIONS).iloc[0]
    width = 1.959964 * np.sqrt(1 / 56) / abs(np.log(7 / 8))
    assert first["lower"] == pytest.approx(1 - (7 / 8) ** np.exp(-width), abs=1e-6)
    assert first["upper"] == pytest.approx(1 - (7 / 8) ** np.exp(width), abs=1e-6)


def test_one_row_per_buyer_gives_the_same_curve() -> None:
    single = DURATIONS.loc[DURATIONS.index.repeat(DURATIONS["buyers"])].assign(buyers=1)
    pd.testing.assert_frame_equal(cohorts.second_orders(single), cohorts.second_orders(DURATIONS))


def test_shares_beyond_the_observed_days_are_nan() -> None:
    curve = cohorts.second_orders(DURATIONS)
    assert cohorts.returned_within(curve, 2) == pytest.approx(3 / 8)
    assert np.isnan(cohorts.returned_within(curve, 8))
    assert cohorts.days_until(curve, 0.5) == 5
    assert np.isnan(cohorts.days_until(curve, 0.6))


def test_censored_buyers_are_not_counted_as_lost() -> None:
    """The naive share of second orders is 4 of 8; with censoring it is 17 of 32."""
    assert cohorts.second_orders(DURATIONS)["share"].iloc[-1] == pytest.approx(17 / 32)


@pytest.mark.parametrize(("returned", "share"), [(True, 1.0), (False, 0.0)])
def test_one_buyer_on_the_first_day(returned: bool, share: float) -> None:
    curve = cohorts.second_orders(pd.DataFrame({"days": [0], "returned": [returned], "buyers": [1]}))
    assert curve.to_dict("records") == [{"day": 0, "share": share, "lower": share, "upper": share, "at_risk": 1}]


def test_no_buyers_give_no_curve() -> None:
    curve = cohorts.second_orders(DURATIONS.head(0))
    assert list(curve.columns) == ["day", "share", "lower", "upper", "at_risk"]
    assert np.isnan(cohorts.returned_within(curve, 0))
    assert np.isnan(cohorts.days_until(curve, 0.5))
