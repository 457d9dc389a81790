"""Tests of the executive report's sentences."""

import pytest

from lib.report.text import executive


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (110, 100, "10.0% more than in May"),
        (90, 100, "10.0% less than in May"),
        (100, 100, "as much as in May"),
        (100, 0, "with nothing in May to compare with"),
        (float("nan"), 1, "with nothing in May to compare with"),
    ],
)
def test_a_change_in_words(now: float, before: float, words: str) -> None:
    assert executive.against(now, before, "May") == words


def test_the_cause_in_words() -> None:
    assert (
        executive.cause(("country", "Malta", 0.5))
        == "The largest part of the change comes from the country Malta: 50.0% of it."
    )
    assert executive.cause(("channel", "mail", 21.2)).startswith(
        "Parts of the shop moved against each other; the channel"
    )
    assert executive.cause(None) == ""


def test_the_target_in_words() -> None:
    assert executive.reached(50, 50, 200, "USD") == "25.0% of the target of $200.00 is reached."
    assert executive.reached(50, 100, 200, "USD").endswith("; at this rate the period ends at 50.0% of it.")
