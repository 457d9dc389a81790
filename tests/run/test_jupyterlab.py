"""JupyterLab for real: a browser runs the copies of a shop, asks questions, edits, and finds the edits again."""

import csv
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, sync_playwright

from lib import load
from lib.data.acquire import Policy, acquire
from lib.report.charts.figure import MIME
from lib.run import manifest, params
from tests.browser import FLAGS, chromium
from tests.conftest import git
from tests.runner import until

pytestmark = pytest.mark.slow

TOKEN = "for-this-test-only"
APP = "window.jupyterapp"
INJECTED = 2  # place of the cell with the run's parameters
BOOK = f"{APP}.shell.currentWidget.content"
READY = f"""() => {{
  const shown = {APP}?.shell?.currentWidget;
  return shown?.content?.model?.cells?.length > 0 && shown?.sessionContext?.session?.kernel?.status === 'idle';
}}"""


@pytest.fixture
def retail(tmp_path: Path) -> Path:
    """An export in pounds of 2011: twelve months with two invoices of two lines each week."""
    path = tmp_path / "retail.csv"
    header = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(header)
        for number in range(104):
            day = date(2010, 12, 10) + timedelta(days=3.5 * number)
            for item, price in (("85123A", "2.55"), ("71053", "3.39")):
                line = [536365 + number, item, f"PRODUCT {item}", 6, f"{day} 10:00:00", price]
                rows.writerow([*line, 17850 + number % 9, "United Kingdom"])
    return path


def finish_run(project: Path, run_id: str, name: str, values: dict[str, Any]) -> None:
    folder = project / "output" / "runs" / run_id
    folder.mkdir(parents=True)
    manifest.write(folder, {"run_id": run_id, "status": "completed", "params_file": f"{name}.yml", "params": values})


@contextmanager
def jupyterlab(project: Path, port: int) -> Iterator[str]:
    """Run `make lab`'s command in the project; its address."""
    options = ["--no-browser", "--expose-app-in-browser", f"--IdentityProvider.token={TOKEN}", f"--port={port}"]
    command = [sys.executable, "-m", "lib.run.lab", *options]
    address = f"http://127.0.0.1:{port}"
    with (project / "lab.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=project, stdout=log, stderr=log, start_new_session=True)
    try:
        until(lambda: answers(address), 60)
        yield address
    finally:
        process.terminate()
        process.wait(30)
        (project / "lab.log").unlink()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/api").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def opened(address: str, path: str) -> Iterator[tuple[Page, list[str]]]:
    """A notebook in JupyterLab with its kernel, and the addresses of other machines that the browser asked."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
        outside: list[str] = []
        page.on("request", lambda asked: asked.url.startswith((address, "data:", "blob:")) or outside.append(asked.url))
        page.goto(f"{address}/lab/tree/{path}?token={TOKEN}")
        page.wait_for_function(READY, timeout=60_000)
        yield page, outside
        browser.close()


@contextmanager
def workbench(project: Path, port: int, name: str) -> Iterator[tuple[Page, list[str]]]:
    """Start JupyterLab and open one of the copies, as in `opened`."""
    with jupyterlab(project, port) as address, opened(address, f"output/lab/{name}") as shown:
        yield shown


def run_all(page: Page) -> list[dict[str, Any]]:
    """Run all cells; the notebook's cells with their outputs."""
    page.evaluate(f"{APP}.commands.execute('notebook:run-all-cells')")
    cells = page.evaluate(f"{BOOK}.model.toJSON()")["cells"]
    errors = [output for cell in cells for output in cell.get("outputs", []) if output["output_type"] == "error"]
    assert errors == []
    return cells


def text_of(cells: list[dict[str, Any]]) -> str:
    return str([output for cell in cells for output in cell.get("outputs", [])])


def figures_of(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The plotly figures among the outputs that have traces; a figure without any says in words why it is empty."""
    data = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return [figure for figure in (bundle.get(MIME) for bundle in data) if figure and figure["data"]]


def values_of(figure: dict[str, Any]) -> bool:
    """Whether each trace has values."""
    return all(any(trace.get(key) for key in ("x", "y", "z", "value", "values")) for trace in figure["data"])


def edit(page: Page, source: str) -> None:
    """Replace the parameters that `make lab` injected."""
    page.evaluate(f"source => {BOOK}.model.cells.get({INJECTED}).sharedModel.setSource(source)", source)


def add_cell(page: Page, source: str) -> None:
    page.evaluate(
        f"source => {BOOK}.model.sharedModel.insertCell({BOOK}.model.cells.length, {{cell_type: 'code', source}})",
        source,
    )


def test_an_analyst_works_in_the_shop_of_the_last_run(
    project: Path, retail: Path, demo_database: sa.URL, closed_port: int
) -> None:
    finish_run(project, "20260101T000000.000000Z", "demo", params.load(params.find("demo")).values())
    with workbench(project, closed_port, "demo/04_executive.ipynb") as (page, outside):
        cells = run_all(page)
        assert "$" in text_of(cells)
        assert outside == []
        place = next(n for n, cell in enumerate(cells) if "key_figures" in "".join(cell["source"]))
        page.evaluate(f"{BOOK}.scrollToItem({place}, 'start')")
        sparkline = page.locator(".jp-OutputArea .sparkline").first.bounding_box()
        assert 50 < sparkline["width"] < 400
        assert sparkline["height"] < 80
        card = page.locator(".jp-OutputArea .card").first.bounding_box()
        assert 150 < card["width"] < 500
        assert card["height"] < 300
        place = next(n for n, cell in enumerate(cells) if "country_map" in "".join(cell["source"]))
        page.evaluate(f"{BOOK}.scrollToItem({place}, 'start')")
        page.wait_for_selector(".choroplethlayer path", state="attached", timeout=30_000)
        assert outside == []

    values = params.load(params.find("online_retail"), [f"data={retail}", "as_of=2011-12-09"]).values()
    policy = Policy(values["currency"], values["max_reject_share"], values["on_bad_rows"])
    how = {"seed": 1, "as_of": values["as_of"], "workers": 1, "output": project / "output", "policy": policy}
    acquire(values["generate"], values["mapping"], str(retail), **how)
    load.replace(project / "output" / "data", as_of=values["as_of"])
    finish_run(project, "20260102T000000.000000Z", "online_retail", values)
    with workbench(project, closed_port, "online_retail-retail/04_executive.ipynb") as (page, outside):
        shown = text_of(run_all(page))
        assert "£" in shown
        assert "2011" in shown
        assert "£0.00 in 0" not in shown
        add_cell(page, "from lib.db import query\nquery('select count(*) as orders from orders')")
        add_cell(page, "import plotly.express as px\ncharts.own(px.bar(x=['a'], y=[1]), 'My bar.')")
        assert "Sep 10, 2011" not in shown
        edit(page, "# my edit\ncurrency, period, as_of = 'GBP', 'last_90_days', '2011-12-09'")
        cells = run_all(page)
        assert "from Sep 10, 2011 to Dec 8, 2011" in text_of(cells)
        assert all(values_of(figure) for figure in figures_of(cells))
        assert "104" in text_of(cells[-2:-1])
        assert "My bar." in text_of(cells[-1:])
        page.evaluate(f"{BOOK}.scrollToItem({len(cells) - 1}, 'end')")
        page.wait_for_selector(".jp-Cell:last-child .barlayer path", state="attached", timeout=30_000)
        page.evaluate(f"{APP}.commands.execute('docmanager:save')")
        assert outside == []
    with workbench(project, closed_port, "online_retail-retail/04_executive.ipynb") as (page, _):
        assert "# my edit" in str(page.evaluate(f"{BOOK}.model.toJSON()")["cells"][INJECTED]["source"])
    assert git(project, "status", "--short") == ""
