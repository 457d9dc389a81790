"""Tests of the pages: they hold every output, load nothing, escape data, and are replaced atomically."""

import gzip
import json
import re
import shutil
from base64 import b64decode
from html import unescape
from pathlib import Path

import pytest
from nbformat import NotebookNode, v4, write

from lib import catalog
from lib.errors import OutputError, UsageError
from lib.report.pages import export, preview, write_dictionary, write_index
from lib.report.pages import page as pages
from lib.report.pages.front import headline

PLOTLY = "application/vnd.plotly.v1+json"
HOSTILE = ("<script>window.P_1=1</script>", "</script><img src=x onerror=window.P_2=1>", 'A & B <3 "q"')
COUNTRIES = ("SGP", "MLT", "BHR", "HKG", "USA", "RUS", "REU")


def figure(kind: str, alt: str, **trace) -> dict:
    layout = {"meta": {"alt": alt}, "height": 300, "geo": {"resolution": 50}} if kind == "choropleth" else {}
    return {"data": [{"type": kind, **trace}], "layout": {"meta": {"alt": alt}} | layout, "config": {}}


def shown(data: dict) -> NotebookNode:
    return v4.new_output("display_data", data=data)


def notebook(path: Path, *outputs: dict, heading: str = "# The shop") -> Path:
    words = v4.new_markdown_cell(f"{heading}\n\nIs it good?", id="words")
    code = v4.new_code_cell("hidden_code = 1", outputs=list(outputs), id="code")
    write(v4.new_notebook(cells=[words, code]), path)
    return path


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    bars = figure("bar", HOSTILE[1], x=list(HOSTILE), y=[3, 2, 1], text="\u2028")
    world = figure("choropleth", "map", locations=COUNTRIES, z=list(range(7)), locationmode="ISO-3")
    table = '<div class="table-scroll"><table class="data"><tr><td class="num">1</td></tr></table></div>'
    outputs = [{PLOTLY: bars, "text/plain": "b"}, {"text/html": table}, {PLOTLY: world}, {"text/plain": HOSTILE[0]}]
    return notebook(tmp_path / "04_executive.ipynb", *map(shown, outputs))


@pytest.fixture
def page(hostile: Path, tmp_path: Path) -> str:
    assert (
        export(hostile, tmp_path / "a.html", reports=[{"page": "04_executive.html"}, {"page": "05_cohort.html"}]) == 2
    )
    return (tmp_path / "a.html").read_text("utf-8")


def test_every_figure_of_the_notebook_is_in_the_page(hostile, page):
    held = hostile.read_text("utf-8").count(f'"{PLOTLY}"')
    assert held == page.count("<figure ") == page.count('role="img"') == 2


def test_a_template_that_drops_figures_is_an_error(hostile, tmp_path, monkeypatch):
    broken = shutil.copytree(pages.TEMPLATES, tmp_path / "template")
    source = (broken / "notebook.html.j2").read_text("utf-8")
    (broken / "notebook.html.j2").write_text(source.replace("plotly in output.data", "false"), "utf-8")
    monkeypatch.setattr(pages, "TEMPLATES", broken)
    with pytest.raises(OutputError, match="2 figures, its page would show 0; expected all of them"):
        export(hostile, tmp_path / "b.html")
    assert not (tmp_path / "b.html").exists()


def test_page_loads_nothing_by_its_security_policy(page):
    assert re.findall(r"""(?:src|srcset|href|action)\s*=\s*["']?(?:https?:)?//""", page) == []
    assert re.search(r"default-src 'none'.*script-src 'sha256-[^;]+' 'sha256-", unescape(page))
    assert "unsafe-eval" not in page
    assert len(page) < 2_600_000


def test_data_is_escaped(page):
    figures = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert [json.loads(text)["data"][0]["type"] for text in figures] == ["bar", "choropleth"]
    assert json.loads(figures[0])["data"][0]["x"] == list(HOSTILE)
    assert "window.P_1=1</script>" not in page
    assert "<img src=x" not in re.sub(r'aria-label="[^"]*"', "", page)


def test_code_and_prompts_are_not_shown(page):
    assert "hidden_code" not in page
    assert "<title>The shop</title>" in page
    assert 'href="05_cohort.html">Cohort</a>' in page


def test_libraries_are_packed_only_where_a_figure_needs_them(page, tmp_path):
    export(notebook(tmp_path / "n.ipynb", shown({PLOTLY: figure("bar", "bars", y=[1])})), tmp_path / "n.html")
    export(notebook(tmp_path / "w.ipynb"), tmp_path / "w.html")
    plain, words = ((tmp_path / name).read_text("utf-8") for name in ("n.html", "w.html"))
    packed = [("plotly" in ids, "world" in ids) for ids in map(packed_ids, (page, plain, words))]
    assert packed == [(True, True), (True, False), (False, False)]


def packed_ids(page: str) -> set[str]:
    return set(re.findall(r'<script type="application/octet-stream" id="(\w+)">', page))


def test_pages_are_reproducible_byte_for_byte(hostile, page, tmp_path):
    export(hostile, tmp_path / "a.html", reports=[{"page": "04_executive.html"}, {"page": "05_cohort.html"}])
    assert (tmp_path / "a.html").read_text("utf-8") == page


def test_failed_notebook_shows_its_error(tmp_path):
    error = v4.new_output("error", ename="DataError", evalue="line 12: <b>x</b>", traceback=["secret frame"])
    export(notebook(tmp_path / "f.ipynb", error), tmp_path / "f.html")
    text = (tmp_path / "f.html").read_text("utf-8")
    assert "DataError: line 12: &lt;b&gt;x&lt;/b&gt;" in text
    assert "secret frame" not in text


def test_failed_write_leaves_the_page_unchanged(hostile, tmp_path, monkeypatch):
    old = tmp_path / "old.html"
    old.write_text("old", "utf-8")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OutputError, match="No space left"):
        export(hostile, old)
    assert old.read_text("utf-8") == "old"
    assert not list(tmp_path.glob(".old*"))


def test_unreadable_notebook_is_an_error(tmp_path):
    (tmp_path / "half.ipynb").write_text('{"cells": [', "utf-8")
    for name in ("half.ipynb", "none.ipynb"):
        with pytest.raises(UsageError, match=name):
            export(tmp_path / name, tmp_path / "a.html")


def test_index_escapes_values_and_keeps_the_order_of_the_reports(tmp_path):
    run = {"run_id": HOSTILE[0], "params": {"shop": {"name": HOSTILE[1]}}, "finished_at": "2025-11-23T00:43:12+00:00"}
    names = ["04_executive.html", "05_cohort.html", "01_schema.html"]
    write_index(tmp_path / "index.html", run, [{"page": name, "title": HOSTILE[2]} for name in names])
    text = (tmp_path / "index.html").read_text("utf-8")
    assert "<img" not in text
    assert "<script>window" not in text
    assert "shop.name" in text
    assert "Nov 23, 2025, 00:43 UTC" in text
    assert re.findall(r'<li><a href="([^"]+)"', text) == names


def past(errors: int, warnings: int) -> dict:
    counts = {"broken_errors": errors, "broken_warnings": warnings, "rejected_lines": 3}
    return {"run_id": "r", "checked_at": "2025-11-23T00:43:12+00:00", **counts}


def test_index_lists_failed_checks_first_and_the_check_history(tmp_path):
    checks = [
        {"check": name, "meaning": "m", "severity": severity, "failed": failed, "sample": sample}
        for name, severity, failed, sample in (
            ("kept", "error", 0, None),
            ("doubtful", "warning", 2, "(1) (<2>)"),
            ("wrong", "error", 1, "(3)"),
        )
    ]
    run = {"run_id": "r", "checks": checks, "history": [past(0, 1), past(1, 1), past(0, 0)]}
    write_index(tmp_path / "index.html", run, [])
    text = (tmp_path / "index.html").read_text("utf-8")
    assert re.findall(r'row">(kept|doubtful|wrong)<', text) == ["wrong", "doubtful", "kept"]
    assert "warning: 2 rows, such as (1) (&lt;2&gt;)" in text
    assert "the last 3 loads, the latest on the right; the highest column stands for 2." in text
    assert 'oldest first: 1 2 0"' in text
    assert re.findall(r"height:([\d.]+)%", text) == ["0.0", "50.0", "50.0", "50.0", "0.0", "0.0"]
    write_index(tmp_path / "index.html", run | {"history": [past(0, 0)] * 2}, [])
    assert "No check failed in the last 2 loads." in (tmp_path / "index.html").read_text("utf-8")


def test_headline_reflects_the_run():
    check = {"check": "c", "meaning": "m", "severity": "error", "failed": 0}
    tables = [{"table": "orders", "read": 5, "loaded": 5}]
    good = {"status": "completed", "checks": [check], "tables": tables}
    assert headline(good) == ("good", "The run completed without problems: 5 rows loaded, 1 check passed.")
    rejected = {"lines_read": 7, "rejects": [{"file": "f", "rule": "r", "lines": 2}]}
    assert headline(good | rejected) == ("warn", "The run completed: 2 of 7 rows of your files were rejected.")
    assert headline(good | {"status": "stopped"})[0] == "bad"
    warning = check | {"failed": 1, "severity": "warning"}
    assert headline(good | {"checks": [warning]}) == ("warn", "The run completed: 1 check gave a warning.")
    assert headline(good | {"checks": [check | {"failed": 1}] * 2}) == (
        "bad",
        "The run completed, but 2 checks failed: read the checks before the reports.",
    )
    load = {"step": "03_load", "status": "completed"}
    kept = [load, {"step": "05_cohort", "status": "kept", "run": "1", "title": "C"}]
    assert headline(good | {"run_id": "2", "steps": kept}) == (
        "warn",
        "The data were loaded, but these pages are of an earlier load: “C”. Run `make pipeline`.",
    )
    assert headline(good | {"run_id": "2", "steps": [load | {"run": "1"}, kept[1]]})[0] == "good"
    stopped = {"status": "failed", "steps": [{"step": "03_load", "title": "Load", "status": "failed"}]}
    assert "stopped at “Load”" in headline(stopped)[1]
    assert "stopped at “Load”: 2 rows of your files were rejected, see below." in headline(stopped | rejected)[1]


def test_rejected_rows_say_where_why_and_what_to_do(tmp_path):
    rejects = [
        {
            "file": "<b>.csv",
            "rule": "not_positive",
            "lines": 30,
            "amount": 1234.5,
            "rejected_with_parent": False,
            "example": "line 3: <script>",
        }
    ]
    rejects += [
        {
            "file": "f.csv",
            "rule": "fk.user_id",
            "lines": 2,
            "amount": 0.0,
            "rejected_with_parent": True,
            "example": "line 4",
        }
    ]
    example = {
        "file": "f.csv",
        "line": 17,
        "column": "price",
        "value": "<i>",
        "reason": "wanted more",
        "rejected_with_parent": False,
    }
    files = [{"file": "f.csv", "read": 900, "loaded": 868, "rejected": 32, "duplicates": 0}]
    run = {"run_id": "r", "status": "completed", "lines_read": 900, "files": files, "rejects": rejects}
    write_index(tmp_path / "index.html", run | {"examples": [example] * 20}, [])
    text = (tmp_path / "index.html").read_text("utf-8")
    assert "30 rows break a rule, and 2 rows are rejected with their parent" in text
    assert "12 more are in <code>output/rejects</code>" in text
    assert "&lt;script&gt;" in text and "&lt;i&gt;" in text and "<script>" not in text.partition("</script>")[2]
    assert "wanted more" in text
    assert ">1,234.50<" in text


def test_front_page_shows_how_the_files_are_written(tmp_path: Path) -> None:
    row = {"file": "f.csv", "setting": "dates", "read as": "%d/%m/%Y", "from what": "all dates of a sample"}
    agree = "9 of 9 dates; 9 of 9 dates read both ways"
    decision = {"file": "f.csv", "column": "Lineitem name", "note": "a gift card; not sold", "cases": 1_234}
    run = {"run_id": "r", "status": "completed", "recognised": [row | {"rows that agree": agree}]}
    run |= {"decisions": [decision]}
    write_index(tmp_path / "index.html", run, [])
    text = (tmp_path / "index.html").read_text("utf-8")
    assert all(words in text for words in ("How your files are written", "%d/%m/%Y", agree))
    assert all(words in text for words in ("Decisions about your rows", "a gift card; not sold", "1,234"))
    assert '<td data-head="setting:">dates</td>' in text  # a narrow page has no row of headings


def test_what_needs_attention_stands_before_the_details(tmp_path: Path) -> None:
    reject = {
        "file": "f.csv",
        "rule": "blank",
        "lines": 1,
        "amount": 0.0,
        "rejected_with_parent": False,
        "example": "x",
    }
    check = {"check": "c", "meaning": "m", "failed": 1, "severity": "error", "sample": ""}
    row = {"file": "f.csv", "setting": "dates", "read as": "", "from what": "", "rows that agree": ""}
    run = {
        "run_id": "r",
        "status": "completed",
        "lines_read": 9,
        "rejects": [reject],
        "examples": [],
        "checks": [check],
    }
    run |= {"recognised": [row], "tables": [{"table": "users", "read": 1, "loaded": 1}]}
    write_index(tmp_path / "index.html", run, [])
    text = (tmp_path / "index.html").read_text("utf-8")
    headings = re.findall('<h2 id="[^"]*">(?:<a [^>]*>)?(.*?)(?:</a>)?</h2>', text)
    assert headings == ["Rejected rows", "Failed checks", "Rows", "How your files are written"]
    assert '<details><summary><h2 id="how-your-files-are-written">How your files are written' in text


def test_links_of_the_menu_to_missing_pages_are_removed(page: str) -> None:
    without = pages.without_links(page, ["05_cohort.html"])
    assert 'href="05_cohort.html"' in page
    assert 'href="05_cohort.html"' not in without
    assert without.count("<figure ") == 2
    assert 'href="04_executive.html"' in without


def test_packed_libraries_unpack():
    assert gzip.decompress(b64decode(pages.packed_plotly())).decode() == pages.plotly_code()
    world = json.loads(gzip.decompress(b64decode(pages.packed_world())))
    codes = [country["id"] for country in world["objects"]["countries"]["geometries"] if country["id"]]
    assert set(COUNTRIES) < set(codes)
    assert len(codes) == len(set(codes)) == 243


def switched(label: str) -> NotebookNode:
    return v4.new_output("display_data", data={PLOTLY: figure("bar", label, y=[1])}, metadata={"switch": label})


def test_charts_of_a_switch_become_its_panels(tmp_path):
    outputs = [switched("by <day>"), switched("by week"), shown({PLOTLY: figure("bar", "alone", y=[1])})]
    export(notebook(tmp_path / "n.ipynb", *outputs), tmp_path / "n.html")
    text = (tmp_path / "n.html").read_text("utf-8")
    assert (text.count('<div class="panel">'), text.count('type="radio"')) == (2, 2)
    assert "by &lt;day&gt;" in text
    assert text.count(" checked>") == 1


def test_data_of_a_figure_is_a_table(tmp_path):
    drawn = figure("bar", "bars", y=[1])
    rows = [[HOSTILE[0], 1234.5], ["2025-06-30", None]]
    drawn["layout"]["meta"]["numbers"] = {"columns": ["first_name", "n"], "data": rows}
    export(notebook(tmp_path / "n.ipynb", shown({PLOTLY: drawn})), tmp_path / "n.html")
    text = (tmp_path / "n.html").read_text("utf-8")
    table = text[text.index('<details class="numbers">') :]
    assert '<th scope="col">first name</th>' in table
    assert '<td class="num">1,234.50</td>' in table
    assert "<td>Jun 30, 2025</td>" in table
    assert "&lt;script&gt;window.P_1=1" in table


def test_preview_has_the_question_and_a_thumbnail_of_the_first_figure(tmp_path):
    line = {
        "data": [{"type": "scatter", "mode": "lines", "x": ["2025-01-01", "2025-01-03"], "y": [0, 2]}],
        "layout": {},
    }
    packed = {"type": "bar", "y": {"dtype": "f8", "bdata": "AAAAAAAA8D8AAAAAAAAAQA=="}}
    outputs = shown({PLOTLY: figure("indicator", "g")}), shown({PLOTLY: line})
    found = preview(notebook(tmp_path / "a.ipynb", *outputs))
    assert found["question"] == "Is it good?"
    assert '<polyline points="3.0,69.0 157.0,3.0"' in found["thumbnail"]
    assert preview(notebook(tmp_path / "b.ipynb", shown({PLOTLY: {"data": [packed]}})))["thumbnail"].count("<rect") == 2
    assert preview(notebook(tmp_path / "c.ipynb"))["thumbnail"] == ""


def test_thumbnail_of_a_heatmap_keeps_its_gaps(tmp_path):
    matrix = figure("heatmap", "m", z=[[1.0, None], [0.5, 0.0]])
    assert preview(notebook(tmp_path / "m.ipynb", shown({PLOTLY: matrix})))["thumbnail"].count("<rect") == 3


def test_the_dictionary_has_every_column_with_its_rules(tmp_path):
    write_dictionary(tmp_path / "d.html", [])
    text = (tmp_path / "d.html").read_text("utf-8")
    for table in catalog.tables().values():
        section = text[text.index(f'id="{table.name}"') :].partition("</table>")[0]
        assert re.findall(r"<code>(\w+)</code>", section) == table.column_names
    assert "unique; personal" in text


def written(tmp_path: Path, *cells: NotebookNode, note: str = "") -> str:
    write(v4.new_notebook(cells=list(cells)), tmp_path / "n.ipynb")
    export(tmp_path / "n.ipynb", tmp_path / "n.html", note=note)
    return (tmp_path / "n.html").read_text("utf-8").partition("<main")[2].partition("</main>")[0]


def text_cell(source: str) -> NotebookNode:
    return v4.new_markdown_cell(source, id=f"m{len(source)}")


def result(*outputs: dict) -> NotebookNode:
    return v4.new_code_cell("", outputs=list(map(shown, outputs)), id=f"c{len(outputs)}")


def test_the_first_sentence_of_a_section_stands_above_its_figure(tmp_path: Path) -> None:
    bars, takeaway = {PLOTLY: figure("bar", "bars", y=[1])}, {"text/html": '<p class="sentence">Sales rose.</p>'}
    page = written(tmp_path, text_cell("## Sales\n\nBy day."), result(bars, takeaway))
    places = [page.index(words) for words in ("Sales</a></h2>", "Sales rose.", "By day.", "<figure")]
    assert places == sorted(places)
    after = written(tmp_path, text_cell("## Sales"), text_cell("Once more:"), result(bars, takeaway))
    assert after.index("<figure") < after.index("Sales rose."), "a sentence on later text stays below it"


def test_the_line_below_the_title_has_period_time_zone_and_definitions(tmp_path: Path) -> None:
    cells = text_cell("# Shop\n\nIs it good?\n\nRevenue is net."), text_cell("## Sales")
    zone = {"text/html": '<p class="note">Days are those of the shop&#39;s time zone, UTC.</p>'}
    page = written(tmp_path, *cells, result(zone), note="Data to June; days in UTC.")
    line = page[page.index("<details") : page.index("</details>")]
    assert "Data to June; days in UTC." in line
    assert "Revenue is net." in line
    assert "time zone" not in page
    assert "time zone" in written(tmp_path, *cells, result(zone))


def test_only_the_first_sentence_of_a_long_text_is_unfolded(tmp_path: Path) -> None:
    page = written(tmp_path, text_cell(f"## Sales\n\nThe *line* is sales. Then {'more ' * 40}."))
    assert "<summary>The <em>line</em> is sales. <span>More</span></summary>" in page
    assert "<summary>" not in written(tmp_path, text_cell(f"## Sales\n\nThe *line is. Sales* {'more ' * 40}."))


@pytest.mark.parametrize("heading", ["# The shop", "No title."])
def test_a_page_has_its_note_once_with_and_without_a_title(heading, tmp_path):
    export(notebook(tmp_path / "n.ipynb", heading=heading), tmp_path / "n.html", note="Data to June.")
    assert (tmp_path / "n.html").read_text("utf-8").count("Data to June.") == 1
