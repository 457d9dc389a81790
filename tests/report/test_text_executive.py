"""Tests of the executive report's sentences."""

from datetime import date

import pandas as pd
import pytest

from lib.analysis.periods import Period
from lib.analysis.revenue import Driver
from lib.report.text import comparison, executive

MAY = Period(date(2025, 5, 1), date(2025, 6, 1), date(2025, 4, 1), date(2025, 5, 1))


@pytest.mark.parametrize(
    ("now", "before", "points", "words"),
    [
        (110, 100, False, "+10.0% vs May"),
        (90, 100, False, "-10.0% vs May"),
        (100, 100, False, "unchanged from May"),
        (100.04, 100, False, "unchanged from May"),
        (100, 0, False, ""),
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


def test_the_headline_compares_revenue_with_two_spans() -> None:
    now, previous, year_earlier = ({"revenue": revenue, "orders": 1} for revenue in (110.0, 100.0, 0.0))
    assert executive.headline(MAY, now, previous, year_earlier, None, "USD") == (
        "Revenue from May 1, 2025 to May 31, 2025 was $110.00 from 1 completed order: +10.0% vs the previous period, "
        "no revenue in the same days a year earlier to compare with."
    )


def test_the_main_driver_in_words() -> None:
    assert executive.driver(Driver("country", "Malta", 30.0, 0.5), "USD") == (
        "The country Malta contributed most to the change: +$30, 50.0% of it."
    )
    offset = "Gains and losses offset each other; the largest "
    assert executive.driver(Driver("channel", "mail", 124.0, 21.2), "USD") == f"{offset}gain came from mail (+$124)."
    assert executive.driver(Driver("channel", "mail", -124.0, 2.0), "USD") == f"{offset}loss came from mail (-$124)."
    assert executive.driver(None, "USD") == ""


def test_the_target_in_words() -> None:
    assert executive.target(50, 50, 200, "USD") == "Revenue reached 25.0% of the $200.00 target."
    assert executive.target(50, 100, 200, "USD").endswith("; at the current rate the period will end at 50.0%.")


def test_the_largest_step_of_a_bridge_in_words() -> None:
    steps = pd.DataFrame(
        {"step": ["previous", "volume", "mix"], "amount": [90.0, 5.0, -6.0], "total": [True, False, False]}
    )
    assert executive.largest_step(steps, "USD") == "Mix contributed most: -$6."
    assert executive.largest_step(steps.assign(amount=0.0), "USD") == "Nothing changed."
