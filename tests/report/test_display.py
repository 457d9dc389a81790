"""Tests of what notebooks show: numbers as people read them, everything escaped."""

import re

import pandas as pd
import pytest

from lib import formatting
from lib.report import display

HOSTILE = '<script>alert(1)</script> & "q"'


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (display.money(1234.5, "USD"), "$1,234.50"),
        (display.money(-1234.5, "GBP"), "-£1,234.50"),
        (display.money(1234.5, "EUR", digits=False), "€1,234"),
        (display.money(1234.0, "JPY"), "¥1,234"),
        (display.money(float("nan"), "USD"), formatting.NOT_KNOWN),
        (display.integer(1234567), "1,234,567"),
        (display.decimal(1.005), "1.00"),
        (display.precise(0.24259), "0.243"),
        (display.precise(float("nan")), display.NOT_KNOWN),
        (display.percent(0.1234), "12.3%"),
        (display.percent(float("nan")), formatting.NOT_KNOWN),
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
    assert repr(shown).split() == ["a", "b", "orders", formatting.NOT_KNOWN, "yes", formatting.NOT_KNOWN]


def test_an_empty_table_says_so() -> None:
    shown = display.table(pd.DataFrame({"name": []}))
    assert repr(shown) == "no rows"
    assert "no rows" in shown._repr_html_()


def test_a_sentence_is_escaped_on_a_page_and_plain_elsewhere() -> None:
    shown = display.sentence(HOSTILE)
    assert "<script>" not in shown._repr_html_()
    assert repr(shown) == HOSTILE


MONTHS = pd.DataFrame({"repeat_rate": [0.1, None, 0.3], "refunded_amount": [1.0, 2.0, 3.0]})


def test_key_figures_say_value_change_and_meaning() -> None:
    now, before = {"repeat_rate": 0.5, "refunded_amount": 3.0}, {"repeat_rate": 0.25, "refunded_amount": 2.0}
    meanings = {"repeat_rate": "share of <old> customers", "refunded_amount": "given back"}
    shown = display.key_figures(now, before, MONTHS, meanings, "USD")
    assert repr(shown).splitlines() == [
        "repeat rate: 50.0%, +25.0 points on 25.0% before; share of <old> customers",
        "refunded amount: $3.00, +50.0% on $2.00 before; given back",
    ]
    html = shown._repr_html_()
    assert "share of &lt;old&gt; customers" in html
    assert re.findall(r'card-change (\w*)"', html) == ["good", "bad"], "a higher refund is no good news"
    assert html.count('<svg class="sparkline"') == 2
    assert 'aria-label="repeat rate of the last 3 whole months: from 10.0% to 30.0%"' in html


def test_a_key_figure_without_anything_before() -> None:
    shown = display.key_figures(
        {"revenue": 3.0}, {"revenue": 0.0}, pd.DataFrame({"revenue": [3.0]}), {"revenue": "x"}, "USD"
    )
    assert repr(shown) == "revenue: $3.00, $0.00 before; x"
    assert "<svg" not in shown._repr_html_(), "one month has no course"


def test_a_course_is_drawn_on_a_page_and_set_in_blocks_elsewhere() -> None:
    shown = display.table(pd.DataFrame({"name": [HOSTILE], "trend": [[0.0, 7.0, 3.5]]}))
    assert '<polyline points="0.0,24.0 50.0,0.0 100.0,12.0 "/>' in shown._repr_html_()
    assert repr(shown).split()[-1] == "▁█▅"


def test_an_address_in_a_link_column_can_be_followed_and_nothing_else_can() -> None:
    links = ['https://example.com/?a=1&b="2"', "javascript:alert(1)", ""]
    html = display.table(pd.DataFrame({"link": links, "name": ["http://example.com"] * 3}))._repr_html_()
    assert html.count("<a ") == 1
    assert '<a href="https://example.com/?a=1&amp;b=&#34;2&#34;">' in html
