"""Tests in a real browser: figures are drawn without a request, on any screen, in print and by keyboard."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe

from lib.data.parquet import read_table
from lib.report.pages import export, exporter, write_index
from lib.run.steps import discover
from tests.browser import Opened, chromium, drawn, launched, opened_in
from tests.report.test_pages import COUNTRIES, HOSTILE, PLOTLY, hostile, notebook, shown
from tests.runner import Ran

pytestmark = pytest.mark.slow

STEPS = [step.name for step in discover()]

__all__ = ["hostile"]

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
Open = Callable[..., AbstractContextManager[Opened]]


@pytest.fixture(scope="module")
def open_page() -> Iterator[Open]:
    """A function that opens a page; all pages of this module share one Chromium."""
    with launched() as browser:
        yield partial(opened_in, browser)


@pytest.fixture
def page(hostile: Path, tmp_path: Path) -> Path:
    export(hostile, tmp_path / "04_executive.html", reports=[{"page": f"0{n}_report.html"} for n in range(9)])
    return tmp_path / "04_executive.html"


def test_page_draws_all_figures_without_a_request(open_page, page):
    with open_page(page, viewport=DESKTOP) as (shown_page, requests, errors):
        assert drawn(shown_page) == shown_page.locator("figure.chart").count() == 2
        assert requests == [page.as_uri()]
        assert errors == []
        assert shown_page.locator(".choroplethlayer path").count() == len(COUNTRIES)
        outlines = shown_page.eval_on_selector_all(".choroplethlayer path", "all => all.map(p => p.getAttribute('d'))")
        assert all(outlines)
        assert shown_page.evaluate("Object.keys(window).filter(name => name.startsWith('P_'))") == []
        assert HOSTILE[0] in shown_page.inner_text("main")


def test_dark_page_has_light_text_and_prints(open_page, page, tmp_path):
    with open_page(page, viewport=DESKTOP, color_scheme="dark") as (shown_page, _, errors):
        colours = "e => [getComputedStyle(e).fill, getComputedStyle(document.body).color]"
        assert len(set(shown_page.eval_on_selector(".xtick text", colours))) == 1
        assert len(shown_page.pdf(path=tmp_path / "page.pdf", format="A4")) > 10_000
        assert errors == []


def test_phone_scrolls_vertically_only(open_page, page, tmp_path):
    write_index(
        tmp_path / "index.html", {"run_id": "r", "versions": {"x" * 80: "1"}}, [{"page": page.name, "title": "T"}]
    )
    for path, figures in ((page, 2), (tmp_path / "index.html", 0)):
        with open_page(path, viewport=PHONE, is_mobile=True, has_touch=True) as (shown_page, _, errors):
            assert drawn(shown_page) == figures
            assert shown_page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
            assert errors == []


def test_a_figure_that_cannot_be_drawn_shows_its_text_alternative(open_page, tmp_path):
    nowhere = {"type": "choropleth", "locations": ["TX"], "z": [1], "locationmode": "USA-states"}
    layouts = ({"meta": {"alt": "what it would show"}, "geo": {"scope": "usa"}}, {"meta": {"alt": "bars"}})
    figures = zip(([nowhere], [{"type": "bar", "y": [1]}]), layouts, strict=True)
    path = notebook(tmp_path / "n.ipynb", *(shown({PLOTLY: {"data": d, "layout": ly}}) for d, ly in figures))
    export(path, tmp_path / "n.html")
    with open_page(tmp_path / "n.html") as (shown_page, _, errors):
        assert drawn(shown_page) == 1
        assert shown_page.locator("figcaption").first.is_visible()
        assert any("cannot be drawn" in error for error in errors)


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_machine_without_chromium_skips_and_ci_fails(ci, outcome, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="installed"):
        chromium()


@pytest.mark.parametrize("step", STEPS)
def test_every_figure_of_a_real_run_is_drawn(open_page: Open, whole_run: Ran, step: str) -> None:
    path = whole_run.output / "reports" / f"{step}.html"
    cells = nbformat.read(whole_run.folder / f"{step}.ipynb", as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    with open_page(path, viewport=DESKTOP) as (page, requests, errors):
        assert drawn(page) == sum(PLOTLY in output.get("data", {}) for output in outputs)
        assert requests == [path.as_uri()]
        assert errors == []


@pytest.mark.parametrize("step", STEPS)
def test_every_figure_of_a_real_run_has_its_data(whole_run: Ran, step: str) -> None:
    held = exporter.figures(exporter.read_notebook(whole_run.folder / f"{step}.ipynb"))
    page = (whole_run.output / "reports" / f"{step}.html").read_text("utf-8")
    assert page.count('class="numbers"') == sum(bool(figure["data"]) for figure in held), "empty figures have no data"


def test_all_countries_of_a_real_run_are_on_the_map(open_page: Open, whole_run: Ran) -> None:
    countries = read_table(whole_run.output / "data", "users")["country_code"].nunique()
    with open_page(whole_run.output / "reports" / "04_executive.html", viewport=DESKTOP) as (page, _, _):
        assert page.locator(".choroplethlayer path").count() == countries


def test_the_front_page_of_a_real_run_links_every_report(open_page: Open, whole_run: Ran) -> None:
    path = whole_run.output / "reports" / "index.html"
    with open_page(path, viewport=DESKTOP) as (page, requests, errors):
        leads = page.eval_on_selector_all(".reports a", "all => all.map(a => a.href)")
        assert sorted(leads) == [(path.parent / f"{step}.html").as_uri() for step in sorted(STEPS)]
        assert (requests, errors) == ([path.as_uri()], [])


@pytest.fixture(scope="session")
def executive(whole_run: Ran) -> Path:
    """A page of a real run with a switch, figures of every kind and tables."""
    return whole_run.output / "reports" / "04_executive.html"


def test_a_switch_works_by_keyboard(open_page: Open, executive: Path) -> None:
    with open_page(executive, viewport=DESKTOP) as (page, _, errors):
        panels = page.locator(".switched .panel")
        assert [panel.is_visible() for panel in panels.all()] == [True, False, False]
        page.locator(".switch input").first.focus()
        page.keyboard.press("ArrowRight")
        assert [panel.is_visible() for panel in panels.all()] == [False, True, False]
        assert panels.nth(1).locator(".main-svg").first.bounding_box()["width"] > 800
        assert errors == []


def test_print_shows_every_panel(open_page: Open, executive: Path, tmp_path: Path) -> None:
    with open_page(executive, viewport=DESKTOP) as (page, _, errors):
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert all(panel.is_visible() for panel in page.locator(".switched .panel").all())
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator(".switched .panel").nth(2).is_hidden()
        assert errors == []


def test_the_theme_button_chooses_light_or_dark(open_page: Open, executive: Path) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    with open_page(executive, viewport=DESKTOP, color_scheme="dark") as (page, _, errors):
        dark = page.evaluate(colour)
        page.locator(".theme").focus()
        page.keyboard.press("Enter")
        assert page.evaluate(colour) == "rgb(255, 255, 255)" != dark
        assert page.locator(".theme").inner_text() == "Dark"
        page.reload()
        assert page.evaluate(colour) == "rgb(255, 255, 255)", "the choice is remembered"
        assert errors == []


def test_data_and_picture_of_a_figure_can_be_downloaded(open_page: Open, executive: Path, tmp_path: Path) -> None:
    with open_page(executive, viewport=DESKTOP, accept_downloads=True) as (page, _, errors):
        page.locator(".numbers summary").nth(2).click()
        with page.expect_download() as download:
            page.locator(".numbers .csv").nth(2).click()
        download.value.save_as(tmp_path / "numbers.csv")
        with page.expect_download() as download:
            page.locator(".numbers .png").nth(2).click()
        assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
        assert errors == []
    rows = pd.read_csv(tmp_path / "numbers.csv")
    assert list(rows.columns) == ["date", "7-day average", "previous year", "day"]
    assert len(rows) == 365


def test_formulas_in_downloaded_text_are_disarmed(open_page: Open, tmp_path: Path) -> None:
    drawn = {"data": [{"type": "bar", "y": [1]}], "layout": {"meta": {"alt": "bars"}}}
    drawn["layout"]["meta"]["numbers"] = {"columns": ["name", "n"], "data": [["=1+1", -1], ['a "b"', 2]]}
    export(notebook(tmp_path / "n.ipynb", shown({PLOTLY: drawn})), tmp_path / "n.html")
    with open_page(tmp_path / "n.html", accept_downloads=True) as (page, _, _):
        page.locator(".numbers summary").click()
        with page.expect_download() as download:
            page.locator(".csv").click()
        assert Path(download.value.path()).read_text("utf-8") == '"name","n"\n"\'=1+1",-1\n"a ""b""",2\n'


@pytest.mark.parametrize(
    ("name", "scheme"),
    [*((name, "light") for name in ("index", "dictionary", *STEPS)), ("index", "dark"), ("04_executive", "dark")],
)
def test_pages_have_no_serious_accessibility_violation(open_page: Open, whole_run: Ran, name: str, scheme: str) -> None:
    path = whole_run.output / "reports" / f"{name}.html"
    with open_page(path, viewport=DESKTOP, color_scheme=scheme) as (page, _, _):
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        serious = [rule for rule in found if rule["impact"] in ("serious", "critical")]
        assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in serious] == []


@pytest.fixture
def long_table(tmp_path: Path) -> Path:
    rows = [("b", "1.00"), ("a", "-2.50"), ("c", "\u2013"), *((f"d{n:02}", f"{n},000.00") for n in range(12))]
    body = "".join(f'<tr><td>{name}</td><td class="num">{value}</td></tr>' for name, value in rows)
    head = '<thead><tr><th>Name</th><th class="num">Sales</th></tr></thead>'
    table = f'<div class="table-scroll"><table class="data">{head}<tbody>{body}</tbody></table></div>'
    export(notebook(tmp_path / "n.ipynb", shown({"text/html": table})), tmp_path / "n.html")
    return tmp_path / "n.html"


def test_a_long_table_is_folded_on_screen_only(open_page: Open, long_table: Path) -> None:
    count = "rows => rows.filter(row => row.checkVisibility()).length"
    with open_page(long_table, viewport=DESKTOP) as (page, _, errors):
        assert page.eval_on_selector_all("tbody tr", count) == 10
        page.emulate_media(media="print")
        assert page.eval_on_selector_all("tbody tr", count) == 15
        page.emulate_media(media="screen")
        page.get_by_role("button", name="Show all 15 rows").press("Enter")
        assert page.eval_on_selector_all("tbody tr", count) == 15
        assert errors == []


def test_a_table_is_sorted_by_keyboard(open_page: Open, long_table: Path) -> None:
    with open_page(long_table, viewport=DESKTOP) as (page, _, errors):
        names = page.locator("tbody td:first-child")
        page.get_by_role("button", name="Sales").press("Enter")
        assert page.locator("th[aria-sort=descending]").inner_text().strip() == "Sales"
        assert [names.nth(place).text_content() for place in (0, 1, -1)] == ["d11", "d10", "c"]
        page.get_by_role("button", name="Sales").press("Enter")
        assert [names.nth(place).text_content() for place in (0, -1)] == ["a", "c"], "missing values are last"
        page.get_by_role("button", name="Name").press("Enter")
        assert page.locator("[aria-sort]").count() == 1
        assert [names.nth(place).text_content() for place in (0, 1)] == ["a", "b"]
        assert errors == []


def test_the_contents_mark_the_section_in_view(open_page: Open, tmp_path: Path) -> None:
    tall = "\n\n".join(f"## {name}\n\n{'line<br>' * 60}" for name in ("One", "Two", "Three"))
    export(notebook(tmp_path / "n.ipynb", heading=f"# Shop\n\nGood?\n\n{tall}"), tmp_path / "n.html")
    with open_page(tmp_path / "n.html", viewport=DESKTOP) as (page, _, errors):
        current = page.locator(".contents [aria-current=true]")
        assert current.inner_text() == "One"
        page.locator(".contents a").nth(1).press("Enter")
        page.locator(".contents [aria-current=true]", has_text="Two").wait_for()
        assert page.url.endswith("#two")
        assert errors == []
