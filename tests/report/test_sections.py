"""Tests of ids and the table of contents: they are stable, unique, and escaped."""

from lib.report.pages.sections import linked, slug

FIGURE = '<figure class="chart">'


def test_sections_and_figures_have_ids_from_their_titles() -> None:
    html, contents = linked(f"<h2>Revenue &amp; <em>trend</em></h2>{FIGURE}{FIGURE}<h2>Churn</h2>{FIGURE}")
    assert contents == [("revenue-trend", "Revenue &amp; trend"), ("churn", "Churn")]
    ids = [part.partition('"')[0] for part in html.split(' id="')[1:]]
    assert ids == ["revenue-trend", "revenue-trend-figure", "revenue-trend-figure-2", "churn", "churn-figure"]
    assert html.count('class="anchor" href="#') == 5


def test_ids_are_unique_and_those_of_the_frame_stay_free() -> None:
    html = '<h2>Sales</h2><h2>Sales</h2><h2>World</h2><h2 id="passed">Passed: 3</h2><h2>?</h2>'
    assert [name for name, _ in linked(html).contents] == ["sales", "sales-2", "world-2", "passed", "section"]


def test_a_heading_in_a_summary_has_no_link() -> None:
    assert linked("<summary><h2>Rows</h2></summary>").html == '<summary><h2 id="rows">Rows</h2></summary>'


def test_a_slug_has_no_markup() -> None:
    assert slug('<b>"A" & B</b>') == "b-a-b-b"
