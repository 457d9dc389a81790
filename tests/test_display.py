"""Tests of what notebooks show: numbers as people read them, everything escaped."""

import pandas as pd
import pytest

from lib import display

HOSTILE = '<script>alert(1)</script> & "q"'


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (display.money(1234.5, "USD"), "$1,234.50"),
        (display.money(-1234.5, "GBP"), "-£1,234.50"),
        (display.money(1234.5, "EUR", digits=False), "€1,234"),
        (display.money(1234.0, "JPY"), "¥1,234"),
        (display.money(float("nan"), "USD"), display.NOT_KNOWN),
        (display.integer(1234567), "1,234,567"),
        (display.decimal(1.005), "1.00"),
        (display.precise(0.24259), "0.243"),
        (display.precise(float("nan")), display.NOT_KNOWN),
        (display.percent(0.1234), "12.3%"),
        (display.percent(float("nan")), display.NOT_KNOWN),
        (display.signed_percent(0.05), "+5.0%"),
        (display.signed_percent(-0.05), "-5.0%"),
        (display.signed_percent(float("nan")), "nothing to compare with"),
        (display.day("2025-06-01"), "Jun 1, 2025"),
    ],
)
def test_numbers_read_as_people_write_them(shown: str, text: str) -> None:
    assert shown == text


def test_a_table_escapes_names_and_sets_numbers_to_the_right() -> None:
    html = display.table(pd.DataFrame({"name": [HOSTILE], "refunded_amount": [2.5]}))._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert '<th class="num">refunded amount</th>' in html
    assert '<td class="num">$2.50</td>' in html


def test_a_table_writes_gaps_yes_and_no() -> None:
    shown = display.table(pd.DataFrame({"a": [None], "b": [True], "orders": [float("nan")]}))
    assert repr(shown).split() == ["a", "b", "orders", display.NOT_KNOWN, "yes", display.NOT_KNOWN]


def test_an_empty_table_says_so() -> None:
    shown = display.table(pd.DataFrame({"name": []}))
    assert repr(shown) == "no rows"
    assert "no rows" in shown._repr_html_()


def test_a_sentence_is_escaped_on_a_page_and_plain_elsewhere() -> None:
    shown = display.sentence(HOSTILE)
    assert "<script>" not in shown._repr_html_()
    assert repr(shown) == HOSTILE


def test_cards_hold_both_periods() -> None:
    shown = display.compare({"repeat_rate": 0.5}, {"repeat_rate": 0.25}, ["repeat_rate"], "USD")
    assert repr(shown) == "repeat rate: 50.0% (25.0% before)"
    assert '<div class="card-value">50.0%</div>' in shown._repr_html_()
