"""Tests of formats: the same value as people of several places write it."""

from collections.abc import Iterator

import pandas as pd
import pytest

from lib import formatting
from lib.report import charts


@pytest.fixture
def german() -> Iterator[None]:
    """Numbers as in Germany, until the test ends."""
    formatting.use_locale("en_DE")
    yield
    formatting.use_locale("en_US")


@pytest.mark.usefixtures("german")
def test_a_locale_has_its_own_signs_and_order() -> None:
    assert formatting.money(1234.5, "EUR") == "1.234,50\xa0€"
    assert formatting.money(-1234.4, "EUR", digits=False) == "-1.234\xa0€"
    assert formatting.integer(1234567) == "1.234.567"
    assert formatting.decimal(1234.567) == "1.234,57"
    assert formatting.percent(0.1251) == "12,5\xa0%"
    assert formatting.percent(0.1251, 0) == "13\xa0%"
    assert formatting.signed_percent(0) == "+0,0\xa0%"
    assert formatting.month("2025-06-01") == "Jun 2025"


@pytest.mark.parametrize(
    ("locale", "crores"), [("en_US", "12,345,678"), ("en_IN", "1,23,45,678"), ("fr_FR", "12\u202f345\u202f678")]
)
def test_groups_of_digits_are_those_of_the_locale(locale: str, crores: str) -> None:
    formatting.use_locale(locale)
    try:
        assert formatting.integer(12345678) == crores
    finally:
        formatting.use_locale("en_US")


@pytest.mark.usefixtures("german")
def test_figures_write_their_own_numbers_in_the_same_way() -> None:
    frame = pd.DataFrame({"day": pd.to_datetime(["2025-01-01", "2025-01-02"]), "revenue": [1234.0, 2345.0]})
    chart = charts.lines(frame, "day", {"revenue": "revenue"}, unit="EUR")
    assert chart.layout.separators == ",."
    assert (chart.layout.yaxis.tickprefix, chart.layout.yaxis.ticksuffix) == ("", "\xa0€")
    assert "%{y:,.0f}\xa0€" in chart.data[-1].hovertemplate
    assert "2.345\xa0€ on 2 Jan 2025" in chart.layout.meta["alt"]


def test_a_currency_before_its_amount_stands_before_it_on_an_axis_too() -> None:
    assert formatting.around_money("USD") == ("$", "")
    assert formatting.separators() == ".,"
