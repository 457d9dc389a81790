"""Tests of the copies for JupyterLab: the run's parameters, edits kept, a start page with links."""

import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lib.errors import UsageError
from lib.run import lab, params
from lib.run.steps import NOTEBOOKS, discover
from lib.settings import PROJECT

INJECTED = "injected-parameters"  # papermill's tag


def demo(**changes: Any) -> lab.Shop:
    return lab.Shop("demo", params.Params().values() | changes, "notebooks with the parameters of demo.yml")


def edit(path: Path, text: str) -> None:
    book = nbformat.read(path, as_version=4)
    book.cells[-1].source = text
    nbformat.write(book, path)


def last_cell(path: Path) -> str:
    return nbformat.read(path, as_version=4).cells[-1].source


def test_copies_have_the_parameters_and_no_outputs(tmp_path: Path) -> None:
    lab.prepare(demo(currency="GBP"), tmp_path)
    book = nbformat.read(tmp_path / "04_executive.ipynb", as_version=4)
    injected = next(cell for cell in book.cells if INJECTED in cell.metadata.get("tags", []))
    assert 'currency = "GBP"' in injected.source
    assert all(not cell.outputs for cell in book.cells if cell.cell_type == "code")


def test_edited_parameters_are_checked(tmp_path: Path) -> None:
    copies = [nbformat.read(copy.path, as_version=4) for copy in lab.prepare(demo(), tmp_path)]
    cells = [cell.source for book in copies for cell in book.cells if INJECTED in cell.metadata.get("tags", [])]
    for source in cells:
        exec(source, {})  # noqa: S102
    [forecast] = [source for source in cells if "horizon_days" in source]
    with pytest.raises(UsageError, match=r"^parameters: horizon_days is 0: .* greater than or equal to 1$"):
        exec(forecast.replace("horizon_days = 30", "horizon_days = 0"), {})  # noqa: S102


def test_every_notebook_has_a_copy_and_a_link(tmp_path: Path) -> None:
    lab.prepare(demo(), tmp_path)
    page = (tmp_path / "start.md").read_text("utf-8")
    assert {path.name for path in tmp_path.glob("*.ipynb")} == {path.name for path in NOTEBOOKS.glob("*.ipynb")}
    assert all(f"[{step.title}]({step.name}.ipynb)" in page for step in discover())
    assert f"make report NOTEBOOK={os.path.relpath(tmp_path / 'mine.ipynb', PROJECT)}`" in page


def test_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    lab.prepare(demo(), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.ipynb")}
    lab.prepare(demo(), tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.ipynb")} == before


def test_outputs_of_an_unedited_copy_are_kept(tmp_path: Path) -> None:
    lab.prepare(demo(), tmp_path)
    path = tmp_path / "04_executive.ipynb"
    book = nbformat.read(path, as_version=4)
    next(cell for cell in book.cells if cell.cell_type == "code").execution_count = 7
    nbformat.write(book, path)
    lab.prepare(demo(), tmp_path)
    assert "7" in [str(cell.get("execution_count")) for cell in nbformat.read(path, as_version=4).cells]


def test_an_unedited_copy_gets_new_parameters(tmp_path: Path) -> None:
    lab.prepare(demo(), tmp_path)
    lab.prepare(demo(currency="EUR"), tmp_path)
    assert 'currency = "EUR"' in (tmp_path / "04_executive.ipynb").read_text("utf-8").replace('\\"', '"')
    assert not list(tmp_path.glob("*_2.ipynb"))


def test_an_edited_copy_is_kept_and_a_newer_one_is_put_next_to_it(tmp_path: Path) -> None:
    lab.prepare(demo(), tmp_path)
    path = tmp_path / "04_executive.ipynb"
    edit(path, "my own words")
    lab.prepare(demo(), tmp_path)
    assert not (tmp_path / "04_executive_2.ipynb").exists()  # it is of the present template and parameters
    lab.prepare(demo(currency="EUR"), tmp_path)
    edit(tmp_path / "04_executive_2.ipynb", "more words")
    lab.prepare(demo(currency="JPY"), tmp_path)
    assert [last_cell(path), last_cell(tmp_path / "04_executive_2.ipynb")] == ["my own words", "more words"]
    assert (tmp_path / "04_executive_3.ipynb").exists()
    assert "You edited `04_executive_2.ipynb`, and it is unchanged." in (tmp_path / "start.md").read_text("utf-8")


def finished(output: Path, run_id: str, status: str, **changes: Any) -> None:
    folder = output / "runs" / run_id
    folder.mkdir(parents=True)
    run = {"run_id": run_id, "status": status, "params_file": "mine.yml", "params": params.Params().values() | changes}
    (folder / "run.json").write_text(json.dumps(run))


def test_the_last_completed_run_is_prepared(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished(own_folders, "20260101T000000.000000Z", "completed", currency="GBP")
    finished(own_folders, "20260102T000000.000000Z", "failed", currency="EUR")
    assert lab.main(["--prepare"]) == 0
    assert "run 20260101T000000.000000Z" in capsys.readouterr().out
    assert "amounts in GBP" in (own_folders / "lab" / "mine" / "start.md").read_text("utf-8")


def test_without_a_run_the_demo_is_prepared(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lab.main(["--prepare"]) == 0
    assert "no completed run, so notebooks with the parameters of demo.yml" in capsys.readouterr().out
    assert (own_folders / "lab" / "demo" / "start.md").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--params", "dmo"], "unknown params file 'dmo' (did you mean demo?)"),
        (["--set", "horizon_days=0"], "horizon_days is 0"),
    ],
)
def test_a_wrong_shop_is_refused(
    own_folders: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert lab.main(["--prepare", *arguments]) == 2
    assert reason in capsys.readouterr().err


def test_a_run_of_another_version_is_refused(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished(own_folders, "20260101T000000.000000Z", "completed", colour="red")
    assert lab.main(["--prepare"]) == 2
    assert "parameters of another version of the workbook" in capsys.readouterr().err


def test_shops_of_files_have_their_own_folders(tmp_path: Path) -> None:
    mapping = params.Mapping(format="lines")
    found = params.Params(data=str(tmp_path / "orders export.csv.gz"), mapping=mapping)
    assert lab._named("shopify", found, "").name == "shopify-orders-export"
