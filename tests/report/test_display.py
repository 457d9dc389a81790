"""Tests of sentences, cards and tables: formatted values, everything escaped."""

import re

import pandas as pd
import pytest

from lib import formatting, kpis
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
        (formatting.precise(0.24259), "0.243"),
        (formatting.precise(float("nan")), formatting.NOT_KNOWN),
        (display.percent(0.1234), "12.3%"),
        (display.percent(float("nan")), formatting.NOT_KNOWN),
        (formatting.signed_percent(0.05), "+5.0%"),
        (formatting.signed_percent(-0.05), "-5.0%"),
        (formatting.signed_percent(0), "+0.0%"),
        (display.day("2025-06-01"), "Jun 1, 2025"),
    ],
)
def test_values_are_formatted(shown: str, text: str) -> None:
    assert shown == text


def test_a_table_escapes_names_and_aligns_numbers_right() -> None:
    html = display.table(pd.DataFrame({"name": [HOSTILE], "refunded_amount": [2.5]}))._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert '<th class="num">Refunded amount</th>' in html
    assert '<td class="num">$2.50</td>' in html


def test_a_table_writes_missing_values_and_booleans() -> None:
    shown = display.table(pd.DataFrame({"a": [None], "b": [True], "orders": [float("nan")]}))
    assert repr(shown).split() == ["a", "b", "orders", formatting.NOT_KNOWN, "yes", formatting.NOT_KNOWN]


def test_a_table_has_the_labels_of_its_rows() -> None:
    sales = pd.DataFrame({"country": ["ES", "FR", "FR"], "hour": [9, 9, 10], "orders": [1, 2, 3]}, index=[7, 8, 9])
    assert repr(display.table(sales)).split()[:4] == ["country", "hour", "orders", "ES"]
    wide = sales.pivot_table(index="country", columns="hour", values="orders", aggfunc="sum")
    html = display.table(wide)._repr_html_()
    assert ["<th>Country</th>" in html, '<th class="num">10</th>' in html, "<td>ES</td>" in html] == [True] * 3
    both = sales.pivot_table(index=["country", "hour"], values=["orders"], aggfunc=["min", "max"])
    assert '<th class="num">Min orders</th>' in display.table(both)._repr_html_()
    assert repr(display.table(sales[["orders"]].sum().to_frame("total"))).split() == ["total", "orders", "6"]


def test_an_empty_table_says_so() -> None:
    shown = display.table(pd.DataFrame({"name": []}))
    assert repr(shown) == "no rows"
    assert "no rows" in shown._repr_html_()


def test_tables_shows_those_with_rows_or_a_sentence() -> None:
    rows, none = pd.DataFrame({"file": ["<a>.csv"], "lines": [1200]}), pd.DataFrame({"file": []})
    shown = display.tables({"Rows per file": rows, "Notes": none}, "Nothing was imported.")
    assert repr(shown).splitlines()[0] == "Rows per file"
    assert "1,200" in repr(shown) and "&lt;a&gt;.csv" in shown._repr_html_()
    assert not any("Notes" in text or "Nothing" in text for text in (repr(shown), shown._repr_html_()))
    assert repr(display.tables({"Notes": none}, "Nothing was imported.")) == "Nothing was imported."


def test_a_sentence_is_escaped_in_html_only() -> None:
    shown = display.sentence(HOSTILE)
    assert "<script>" not in shown._repr_html_()
    assert repr(shown) == HOSTILE


REGISTRY = {
    "repeat_rate": kpis.Kpi("repeat_rate", "Repeat rate", "share of <old> customers", "percent", "1"),
    "refunded_amount": kpis.Kpi("refunded_amount", "Refunded amount", "given back", "money", "1", less_is_better=True),
}
MONTHS = pd.DataFrame({"repeat_rate": [0.1, None, 0.3], "refunded_amount": [1.0, 2.0, 3.0]})


def test_key_figures_have_value_change_and_definition() -> None:
    now, before = {"repeat_rate": 0.5, "refunded_amount": 3.0}, {"repeat_rate": 0.25, "refunded_amount": 2.0}
    shown = display.key_figures(now, before, MONTHS, "USD", registry=REGISTRY)
    assert repr(shown).splitlines() == [
        "Repeat rate: 50.0%, +25.0 points vs 25.0%; share of <old> customers",
        "Refunded amount: $3.00, +50.0% vs $2.00; given back",
    ]
    html = shown._repr_html_()
    assert "share of &lt;old&gt; customers" in html
    assert re.findall(r'card-change (\w*)"', html) == ["good", "bad"], "more refunds are bad news"
    assert html.count('<svg class="sparkline"') == 2
    assert 'aria-label="Repeat rate of the last 3 whole months: from 10.0% to 30.0%"' in html


def test_a_change_of_a_key_figure_within_the_noise_has_no_colour() -> None:
    registry = {"orders": kpis.Kpi("orders", "Orders", "x", "integer", "1")}
    noise = pd.DataFrame({"change": 0.093, "lower": -0.14, "upper": 0.4, "clear": False}, index=["orders"])
    months = pd.DataFrame({"orders": [129]})
    shown = display.key_figures({"orders": 129}, {"orders": 118}, months, "USD", noise, registry)
    assert repr(shown) == "Orders: 129, within the noise of 118 (+9.3%, 95 % interval -14.0% to +40.0%); x"
    assert 'card-change "' in shown._repr_html_()


def test_a_key_figure_without_a_previous_value() -> None:
    registry = {"revenue": kpis.Kpi("revenue", "Revenue", "x", "money", "sum(revenue)")}
    shown = display.key_figures(
        {"revenue": 3.0}, {"revenue": 0.0}, pd.DataFrame({"revenue": [3.0]}), "USD", registry=registry
    )
    assert repr(shown) == "Revenue: $3.00, previously $0.00; x"
    assert "<svg" not in shown._repr_html_(), "one month has no sparkline"


def test_headings_spell_acronyms() -> None:
    columns = ["mase", "smape", "rfm_segment", "skill_weekday", "avg_order_value", "avg_age", "product_id"]
    assert [display.heading(column) for column in columns] == [
        "MASE", "sMAPE", "RFM segment", "Skill weekday", "Average order value", "Average age", "Product ID",
    ]  # fmt: skip


def test_a_table_writes_an_unknown_column_by_its_dtype_or_the_kind_given() -> None:
    frame = pd.DataFrame({"new_count": [1234], "new_ratio": [0.25], "new_amount": [2.0]})
    assert repr(display.table(frame, "EUR", new_amount="money")).split()[3:] == ["1,234", "0.25", "€2.00"]


def test_a_trend_is_a_sparkline_in_html_and_blocks_in_text() -> None:
    shown = display.table(pd.DataFrame({"name": [HOSTILE], "trend": [[0.0, 7.0, 3.5]]}))
    assert 'points="0.0,24.0 50.0,0.0 100.0,12.0 "/>' in shown._repr_html_()
    assert repr(shown).split()[-1] == "▁█▅"


def test_only_web_addresses_in_a_link_column_become_links() -> None:
    links = ['https://example.com/?a=1&b="2"', "javascript:alert(1)", ""]
    html = display.table(pd.DataFrame({"link": links, "name": ["http://example.com"] * 3}))._repr_html_()
    assert html.count("<a ") == 1
    assert '<a href="https://example.com/?a=1&amp;b=&#34;2&#34;">' in html


def test_tab_offers_only_what_notebooks_call() -> None:
    assert dir(display) == sorted(display.__all__)
