"""Tests of the cohort report's sentences, also for shops with few orders."""

import numpy as np
import pandas as pd
import pytest

from lib.analysis import cohorts
from lib.report.text import cohort as text
from lib.report.text import guests
from tests.analysis.test_cohorts import COSTS

VALUE = pd.DataFrame({"month_index": [0, 1, 2], "revenue": [20.0, 25.0, 30.0], "margin": [6.0, 8.0, 15.0]})
CURVE = cohorts.second_orders(pd.DataFrame({"days": [10, 100], "returned": [True, False], "buyers": [1, 3]}))
YOUNG = cohorts.second_orders(pd.DataFrame({"days": [0], "returned": [False], "buyers": [2]}))
NO_BUYERS, NO_VALUE = CURVE.head(0), VALUE.head(0)
FREE = COSTS.assign(spend=0.0)
MEAN = pd.DataFrame({"month_index": [0, 1, 2, 3], "cohorts": [4, 4, 3, 3], "retention": [0.5, 0.3, 0.2, 0.25]})
GAPS = {"gaps": 20, "ninth_decile_days": 111}


RETURNED = "25.0% of buyers order again within 90 days of their first order"
TWO_MONTHS = "revenue per customer is $30.00 within 2 months"


@pytest.mark.parametrize(
    ("value", "costs", "expected"),
    [
        (VALUE, COSTS, f"{TWO_MONTHS}; the paid CAC of $21.00 has not yet been paid back by the margin; the blended "
         "CAC of $14.00 is paid back by the margin within 2 months."),
        (VALUE, COSTS.assign(channel=None), f"{TWO_MONTHS}; the blended CAC of $14.00 is paid back by the margin "
         "within 2 months."),
        (VALUE, FREE, f"{TWO_MONTHS}."),
        (NO_VALUE, COSTS, "no calendar month is complete yet."),
    ],
)  # fmt: skip
def test_headline(value: pd.DataFrame, costs: pd.DataFrame, expected: str) -> None:
    assert text.headline(CURVE, value, costs, "USD") == f"{RETURNED}; {expected}"


def test_headline_of_a_shop_with_few_orders() -> None:
    assert text.headline(YOUNG, NO_VALUE, COSTS, "USD").endswith("too early to measure repeat purchases of 2 buyers.")
    assert text.headline(NO_BUYERS, NO_VALUE, COSTS, "USD") == "There are no orders yet, so there is no cohort."


def test_truncated_cohorts_are_named() -> None:
    first = pd.DataFrame({"cohort": pd.to_datetime(["2025-01-01", "2025-02-01", "2025-03-01"]).repeat(2)})
    day = pd.Timestamp("2025-01-20")
    assert text.truncated(first, pd.Timestamp("2025-03-01"), day) == (
        "The averages leave out the cohorts of Jan 2025 to Feb 2025: the data begin on Jan 20, 2025, so customers who "
        "had ordered before look new in them."
    )
    none = "No cohort is left out of the averages; the data begin on Jan 20, 2025."
    assert text.truncated(first, pd.Timestamp("2025-01-01"), day) == none
    assert text.truncated(first.head(0), pd.Timestamp.min, pd.NaT) == "There is no cohort yet."


def test_retained_lists_months_observed_for_enough_cohorts() -> None:
    sizes = pd.Series([40, 50])
    expected = "30.0% of all ordered in month 1 and 25.0% in month 3."
    assert text.retained(MEAN, sizes, "all") == expected
    assert text.retained(MEAN.assign(cohorts=[4, 4, 3, 2]), sizes, "all") == expected.replace(
        " and 25.0% in month 3", ""
    )


def test_retained_notes_small_cohorts_and_missing_months() -> None:
    assert text.retained(MEAN, pd.Series([1, 1]), "all").endswith(
        "A typical cohort has 1 customer, so single rows are noisy; read the average."
    )
    nothing = "No cohort of all has a complete month after its own."
    assert [text.retained(m, pd.Series([5]), "all") for m in (MEAN.head(1), MEAN.head(0))] == [nothing] * 2


@pytest.mark.parametrize(
    ("value", "costs", "expected"),
    [
        (VALUE, COSTS, "$42.00 of marketing spend is $21.00 for each of the 2 customers won by campaigns (paid CAC) "
         "and $14.00 for each of all 3 new customers (blended CAC). The margin per customer has not reached the paid "
         "CAC yet ($15.00 after 2 months) and reaches the blended CAC in month 2 after the first order."),
        (VALUE.assign(margin=np.nan), COSTS.assign(channel=None), "$42.00 of marketing spend is $14.00 for each of "
         "all 3 new customers (blended CAC). No customer is recorded as won by a campaign, so there is no paid CAC. "
         "The revenue per customer reaches the blended CAC in the month of the first order (revenue is used because "
         "the cost of some products is unknown)."),
        (VALUE, FREE, "No marketing spend is recorded, so there is no acquisition cost to compare with; "
         f"{TWO_MONTHS}."),
        (NO_VALUE, COSTS, "No cohort has a complete month yet, so revenue per customer is unknown."),
    ],
)  # fmt: skip
def test_payback(value: pd.DataFrame, costs: pd.DataFrame, expected: str) -> None:
    assert text.payback(value, costs, "USD") == expected


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        ([("2025-06-01", 80.0, 0.25)], "In Jun 2025, the last complete month, 25.0% of $80.00 came from customers "
         "of earlier months."),
        ([("2025-06-01", 0.0, np.nan)], "In Jun 2025, the last complete month, there were no sales."),
        ([], "No month with an order is complete yet."),
    ],
)  # fmt: skip
def test_earlier_customers(months: list[tuple], expected: str) -> None:
    frame = pd.DataFrame(months, columns=["month", "revenue", "earlier_share"])
    assert text.earlier_customers(frame, "USD") == expected


def test_lifetime_value_has_a_top_tenth_from_ten_buyers_on() -> None:
    summary = {"buyers": 10, "revenue": 100.0, "mean_revenue": 10.0, "median_revenue": 8.0}
    summary |= {"top_tenth_from": 40.0, "top_tenth_share": 0.4}
    averages = "The mean revenue of 10 buyers is $10.00, with a median of $8.00"
    assert (
        text.lifetime_value(summary, "USD") == f"{averages}. The top tenth ($40.00 or more) holds 40.0% of all revenue."
    )
    assert text.lifetime_value(summary | {"top_tenth_share": np.nan}, "USD") == f"{averages}."
    assert text.lifetime_value(summary | {"buyers": 1}, "USD") == "The only buyer has a revenue of $100.00."
    assert text.lifetime_value(summary | {"buyers": 0}, "USD") == "There are no buyers yet."


def test_second_orders() -> None:
    quarter = "A quarter of the buyers order again within 10 days of the first order, half"
    assert text.second_orders(CURVE, 0.2).startswith(
        f"{quarter} have not yet: 25.0% within the 100 days observed. The naive"
    )
    both = cohorts.second_orders(
        pd.DataFrame({"days": [10, 20, 30], "returned": [True, True, False], "buyers": [1, 1, 2]})
    )
    assert text.second_orders(both, 0.5).startswith(
        f"{quarter} within 20 days. The naive repeat rate of 50.0% is too low"
    )
    few = "Fewer than a quarter of the buyers have ordered again: 0.0% within the 0 days observed."
    assert text.second_orders(YOUNG, 0.0) == few
    assert text.second_orders(NO_BUYERS, np.nan) == "There are no buyers yet."


def test_churned_compares_windows() -> None:
    rates = pd.DataFrame({"churn_days": [30, 90], "observed_buyers": [50, 40], "churn_rate": [0.75, 0.5]})
    expected = "50.0% of 40 buyers have not ordered for 90 days and count as churned in this report."
    assert text.churned(rates, GAPS, 90) == (
        f"{expected} Windows of 30 to 90 days give 50.0% to 75.0%. 90% of the 20 gaps between two orders are 111 days "
        "or shorter: a much shorter window would count late customers as churned."
    )
    assert text.churned(rates.tail(1), {"gaps": 0, "ninth_decile_days": np.nan}, 90) == expected
    none = rates.assign(observed_buyers=0, churn_rate=np.nan)
    assert text.churned(none, GAPS, 90).startswith("No buyer has been observed for 90 days")


def test_guests() -> None:
    assert guests({"orders": 2, "revenue": 50.0, "share": 0.455}, "USD") == (
        "Guests placed 2 orders of $50.00 (45.5% of revenue), which this report leaves out: nothing follows a guest "
        "over time."
    )
    assert guests({"orders": 1, "revenue": 5.0, "share": 0.1}, "USD").startswith("Guests placed 1 order of $5.00")
    assert guests({"orders": 0, "revenue": 0.0, "share": 0.0}, "USD").startswith("No order is from a guest")
    credited = guests({"orders": 0, "revenue": -5.0, "share": -0.1}, "USD")
    assert credited.startswith("Guests returned $5.00 (-10.0% of revenue) of older orders, which")
