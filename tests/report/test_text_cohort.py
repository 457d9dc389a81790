"""Tests of the cohort report's sentences: what they say, and what they say where there is little to say."""

import numpy as np
import pandas as pd
import pytest

from lib.analysis import survival
from lib.report.text import cohort as words
from tests.analysis.test_cohorts import COSTS

VALUE = pd.DataFrame({"month_index": [0, 1, 2], "revenue": [20.0, 25.0, 30.0], "margin": [6.0, 8.0, 15.0]})
CURVE = survival.returns(pd.DataFrame({"days": [10, 100], "returned": [True, False], "buyers": [1, 3]}))
YOUNG = survival.returns(pd.DataFrame({"days": [0], "returned": [False], "buyers": [2]}))
NOBODY, NO_VALUE = CURVE.head(0), VALUE.head(0)
FREE = COSTS.assign(spend=0.0)
MEAN = pd.DataFrame({"month_index": [0, 1, 2, 3], "cohorts": [4, 4, 3, 3], "retention": [0.5, 0.3, 0.2, 0.25]})
GAPS = {"gaps": 20, "ninth_decile_days": 111}


BACK = "25.0% of buyers order again within 90 days of their first order"
TWO_MONTHS = "a customer brings $30.00 within 2 months"


@pytest.mark.parametrize(
    ("value", "costs", "told"),
    [
        (VALUE, COSTS, f"{TWO_MONTHS}, and costs $14.00 to win, which the margin earns back within 2 months."),
        (VALUE, COSTS.assign(spend=1.0), f"{TWO_MONTHS}, and costs $1.00 to win, which the margin earns back in the "
         "month of the first order."),
        (VALUE.head(1), COSTS, "a customer brings $20.00 in the month of the first order, and costs $14.00 to win, "
         "which the margin has not yet earned back."),
        (VALUE, FREE, f"{TWO_MONTHS}."),
        (NO_VALUE, COSTS, "no calendar month has ended since."),
    ],
)  # fmt: skip
def test_headline(value: pd.DataFrame, costs: pd.DataFrame, told: str) -> None:
    assert words.headline(CURVE, value, costs, "USD") == f"{BACK}; {told}"


def test_headline_of_a_shop_with_little_to_tell() -> None:
    assert words.headline(YOUNG, NO_VALUE, COSTS, "USD").endswith("too early to tell whether 2 buyers will return.")
    assert words.headline(NOBODY, NO_VALUE, COSTS, "USD") == "Nobody has bought yet, so there is no cohort to follow."


def test_retained_names_months_that_enough_cohorts_have_seen() -> None:
    sizes = pd.Series([40, 50])
    told = "Of all, 30.0% placed an order in month 1 and 25.0% in month 3."
    assert words.retained(MEAN, sizes, "all") == told
    assert words.retained(MEAN.assign(cohorts=[4, 4, 3, 2]), sizes, "all") == told.replace(" and 25.0% in month 3", "")


def test_retained_warns_of_small_cohorts_and_of_none() -> None:
    assert words.retained(MEAN, pd.Series([1, 1]), "all").endswith(
        "With 1 customer in a typical cohort, single rows jump: read the mean."
    )
    nothing = "No cohort of all has been followed for a whole month after its own."
    assert [words.retained(m, pd.Series([5]), "all") for m in (MEAN.head(1), MEAN.head(0))] == [nothing] * 2


@pytest.mark.parametrize(
    ("value", "costs", "told"),
    [
        (VALUE, COSTS.assign(spend=6.0), "$18.00 of marketing for 3 new customers is $6.00 for each. The margin per "
         "customer reaches that in the month of the first order."),
        (VALUE, COSTS, "$42.00 of marketing for 3 new customers is $14.00 for each. The margin per customer reaches "
         "that in month 2 after the first order."),
        (VALUE.assign(margin=np.nan), COSTS.assign(spend=50.0), "$150.00 of marketing for 3 new customers is $50.00 "
         "for each. The revenue per customer has not reached that: it is $30.00 after 2 months (the cost of some goods "
         "sold is not known, so revenue is taken)."),
        (VALUE, FREE, f"No marketing spend is recorded, so there is no cost to hold against: {TWO_MONTHS}."),
        (NO_VALUE, COSTS, "No cohort has a whole month yet: what a customer brings cannot be told."),
    ],
)  # fmt: skip
def test_payback(value: pd.DataFrame, costs: pd.DataFrame, told: str) -> None:
    assert words.payback(value, costs, "USD") == told


@pytest.mark.parametrize(
    ("months", "told"),
    [
        ([("2025-06-01", 80.0, 0.25)], "In Jun 2025, the last whole month, 25.0% of $80.00 came from customers of "
         "earlier months."),
        ([("2025-06-01", 0.0, np.nan)], "In Jun 2025, the last whole month, nothing was sold."),
        ([], "No month with an order has ended yet."),
    ],
)  # fmt: skip
def test_earlier_customers(months: list[tuple], told: str) -> None:
    frame = pd.DataFrame(months, columns=["month", "revenue", "earlier_share"])
    assert words.earlier_customers(frame, "USD") == told


def test_worth_names_a_top_tenth_where_there_are_ten() -> None:
    summary = {"buyers": 10, "revenue": 100.0, "mean_revenue": 10.0, "median_revenue": 8.0}
    summary |= {"top_tenth_from": 40.0, "top_tenth_share": 0.4}
    half = "10 buyers have brought $10.00 on average, half of them $8.00 or less"
    assert words.worth(summary, "USD") == f"{half}. The top tenth, from $40.00 on, brought 40.0% of all revenue."
    assert words.worth(summary | {"top_tenth_share": np.nan}, "USD") == f"{half}."
    assert words.worth(summary | {"buyers": 1}, "USD") == "The one buyer has brought $100.00."
    assert words.worth(summary | {"buyers": 0}, "USD") == "Nobody has bought yet."


def test_second_orders_tells_how_far_it_got() -> None:
    quarter = "A quarter of the buyers have ordered again within 10 days of the first order, half"
    assert words.second_orders(CURVE, 0.2).startswith(
        f"{quarter} not yet: 25.0% within the 100 days followed. The plain"
    )
    both = survival.returns(pd.DataFrame({"days": [10, 20, 30], "returned": [True, True, False], "buyers": [1, 1, 2]}))
    assert words.second_orders(both, 0.5).startswith(
        f"{quarter} within 20 days. The plain share of buyers with a second"
    )
    few = "Fewer than a quarter of the buyers have ordered again: 0.0% within the 0 days followed."
    assert words.second_orders(YOUNG, 0.0) == few
    assert words.second_orders(NOBODY, np.nan) == "Nobody has bought yet."


def test_churned_names_its_window_and_what_others_say() -> None:
    rates = pd.DataFrame({"churn_days": [30, 90], "observed_buyers": [50, 40], "churn_rate": [0.75, 0.5]})
    told = "50.0% of 40 buyers have not ordered for 90 days: churned by this report's definition."
    assert words.churned(rates, GAPS, 90) == (
        f"{told} Windows of 30 to 90 days give 50.0% to 75.0%. Nine tenths of the 20 gaps between two orders are 111 "
        "days or shorter: a much smaller window counts as lost who is only late."
    )
    assert words.churned(rates.tail(1), {"gaps": 0, "ninth_decile_days": np.nan}, 90) == told
    none = rates.assign(observed_buyers=0, churn_rate=np.nan)
    assert words.churned(none, GAPS, 90).startswith("No buyer has been followed for 90 days")
