"""Tests of the last step of the pipeline: what it shows, and that its failure leaves the steps before it good."""

from pathlib import Path

import nbformat
import sqlalchemy as sa

from lib.report.pages import export
from lib.run import notebook
from lib.run.steps import NOTEBOOKS, discover
from tests.conftest import CANARY
from tests.fake_metabase import API_KEY, FakeMetabase
from tests.metabase.test_publishing import MADE, QUESTIONS, VALUES
from tests.runner import Ran, pipeline

STEPS = [step.name for step in discover()]


def shown(path: Path) -> str:
    """All that the cells of an executed notebook show, as text."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return "\n".join(out.data["text/plain"] for cell in cells for out in cell.outputs if "data" in out)


def test_the_notebook_shows_what_it_planned_and_what_it_did(
    site: FakeMetabase, tmp_path: Path, own_folders: Path
) -> None:
    notebook.prepare()
    target = tmp_path / "07_metabase.ipynb"
    values = VALUES | {"cell_timeout_s": 60}
    notebook.execute(NOTEBOOKS / "07_metabase.ipynb", target, values, lambda *_: None)
    text = shown(target)
    assert f"To do: create {MADE}." in text
    assert f"{site.url}/dashboard/" in text
    assert export(target, tmp_path / "07_metabase.html") == 0
    assert (len(site.cards), len(site.dashboards)) == (QUESTIONS, 1)
    written = [path for folder in (tmp_path, own_folders) for path in folder.rglob("*") if path.is_file()]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in written]
    assert len(texts) > 3
    assert not [text for text in texts if CANARY in text or API_KEY in text]


def test_a_failure_has_its_exit_code_and_leaves_the_reports_good(
    site: FakeMetabase, empty_database: sa.URL, tmp_path: Path
) -> None:
    url = empty_database.set(drivername="postgresql").render_as_string(hide_password=False)
    done = pipeline(
        "--params", "sample", output=tmp_path, url=url, METABASE_URL=site.url, METABASE_API_KEY="mb_CANARY_wrong"
    )
    assert done.returncode == 5
    assert done.stderr == (
        "error: 07_metabase failed at “Plan”: Metabase rejects METABASE_API_KEY (401). Create a new one "
        "in its admin settings\n"
    )
    manifest = Ran(tmp_path, url, done).manifest
    assert [step["status"] for step in manifest["steps"]] == ["completed"] * (len(STEPS) - 1) + ["failed"]
    pages = {path.stem for path in (tmp_path / "reports").glob("*.html")}
    assert pages == {"dictionary", "index", *STEPS}, "no page links to one that is not there"
    assert "“Metabase” failed; the other reports are complete." in (tmp_path / "reports" / "index.html").read_text(
        encoding="utf-8"
    )
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in texts if "CANARY_wrong" in text]
