"""Tests of the number formats: locales, and kinds of columns."""

import pandas as pd
import pytest

from lib import catalog, formatting, kpis, settings
from lib.report import charts


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers as in Germany."""
    monkeypatch.setenv("WORKBOOK_LOCALE", "en_DE")


@pytest.mark.usefixtures("german")
def test_separators_and_order_follow_the_locale() -> None:
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
def test_digit_groups_follow_the_locale(locale: str, crores: str) -> None:
    with settings.use_locale(locale):
        assert formatting.integer(12345678) == crores
    assert formatting.integer(12345678) == "12,345,678"


@pytest.mark.usefixtures("german")
def test_figures_format_numbers_by_the_same_locale() -> None:
    frame = pd.DataFrame({"day": pd.to_datetime(["2025-01-01", "2025-01-02"]), "revenue": [1234.0, 2345.0]})
    chart = charts.lines(frame, "day", {"revenue": "revenue"}, unit="EUR")
    assert chart.layout.separators == ",."
    assert (chart.layout.yaxis.tickprefix, chart.layout.yaxis.ticksuffix) == ("", "\xa0€")
    assert "%{y:,.0f}\xa0€" in chart.data[-1].hovertemplate
    assert "2.345\xa0€ on 2 Jan 2025" in chart.layout.meta["alt"]


def test_an_axis_has_the_currency_where_amounts_have_it() -> None:
    assert formatting.around_money("USD") == ("$", "")
    assert formatting.separators() == ".,"


@pytest.mark.parametrize(
    ("column", "values", "kind"),
    [
        ("avg_order_value", [1.5], "money"),
        ("total_amount", [1.5], "money"),
        ("churn_risk", [0.5], "percent"),
        ("predicted_orders", [0.5], "decimal"),
        ("signups", [1.0, None], "integer"),
        ("new_count", [1, 2], "integer"),
        ("new_ratio", [0.5, None], "decimal"),
        ("new_day", pd.to_datetime(["2025-01-01", None]), "day"),
        ("new_flag", [True, False], "yes/no"),
        ("new_text", ["a", None], "text"),
        ("user_id", ["a"], "text"),
    ],
)
def test_a_column_is_written_by_its_declared_kind_or_else_its_dtype(column: str, values: list, kind: str) -> None:
    assert formatting.kind_of(column, pd.Series(values)) == kind
    assert kind in formatting.writers("USD")


def test_each_declared_kind_can_be_written() -> None:
    columns = {name for table in catalog.tables().values() for name in table.column_names}
    columns |= set(kpis.registry()) | {name for names in formatting.COMPUTED.values() for name in names}
    assert {formatting.kind_of(name) for name in columns} <= set(formatting.writers("USD"))


def test_no_computed_column_repeats_a_declaration() -> None:
    declared = {name for table in catalog.tables().values() for name in table.column_names} | set(kpis.registry())
    computed = [name for names in formatting.COMPUTED.values() for name in names]
    assert len(computed) == len(set(computed))
    assert not declared & set(computed)


def test_parameters_keep_their_significant_digits() -> None:
    assert formatting.significant(0.00568269123) == "0.00568269"
    assert formatting.significant(1234.5) == "1,234.5"
    assert formatting.significant(float("nan")) == formatting.NOT_KNOWN
