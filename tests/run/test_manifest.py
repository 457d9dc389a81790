"""Tests of the record of a run: facts as plain JSON, a complete manifest without secrets, old runs pruned."""

import json
import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from lib.errors import OutputError, UsageError
from lib.run import manifest


def test_run_ids_sort_by_time(tmp_path: Path) -> None:
    names = [manifest.new_run_id(tmp_path) for _ in range(3)]
    assert names == sorted(set(names))
    assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z", names[0])


def test_run_ids_sort_by_time_where_the_clock_was_set_back(tmp_path: Path) -> None:
    for name in ("20990101T000000.000009Z", "interactive", "9999"):
        (tmp_path / name).mkdir()
    assert manifest.new_run_id(tmp_path) == "20990101T000000.000010Z"


def test_description_has_values_versions_and_no_path() -> None:
    found = manifest.describe("r1", "demo.yml", {"seed": 1}, "private server, PostgreSQL 18.4")
    assert (found["run_id"], found["params_file"], found["params"]) == ("r1", "demo.yml", {"seed": 1})
    assert found["database"] == "private server, PostgreSQL 18.4"
    assert set(found["versions"]) == {"python", *manifest.PACKAGES}


def test_manifest_is_written_atomically(tmp_path: Path) -> None:
    manifest.write(tmp_path, {"status": "completed", "title": "Läden"})
    assert json.loads((tmp_path / "run.json").read_text("utf-8")) == {"status": "completed", "title": "Läden"}
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_manifest_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(OutputError, match="run: File exists"):
        manifest.write(tmp_path / "run", {})


@pytest.mark.parametrize(("keep", "left"), [(0, []), (1, ["3"]), (2, ["2", "3"]), (9, ["1", "2", "3"])])
def test_only_the_last_runs_are_kept(keep: int, left: list[str], tmp_path: Path) -> None:
    for day in "123":
        (tmp_path / f"2025070{day}T000000.000000Z" / "reports").mkdir(parents=True)
    (tmp_path / "interactive").mkdir()
    manifest.prune(tmp_path, keep)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(f"2025070{d}T000000.000000Z" for d in left),
        "interactive",
    ]


def test_nothing_to_prune_before_the_first_run(tmp_path: Path) -> None:
    manifest.prune(tmp_path / "runs", 1)


def test_facts_are_written_to_the_folder_of_the_run(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBOOK_RUN", "20250701T000000.000000Z")
    manifest.record("03_load", rows=3)
    assert json.loads((own_folders / "runs/20250701T000000.000000Z/results/03_load.json").read_text()) == {"rows": 3}


def test_a_jupyterlab_session_has_its_own_folder(own_folders: Path) -> None:
    manifest.record("03_load", rows=1)
    manifest.record("03_load", rows=2)
    (file,) = (own_folders / "runs/interactive/results").iterdir()
    assert json.loads(file.read_text()) == {"rows": 2}


def test_numpy_numbers_become_numbers_and_nan_becomes_null(own_folders: Path) -> None:
    manifest.record(
        "x", n=np.int64(5), share=np.float64("nan"), list=[np.float32(0.5), float("inf")], day=date(2025, 7, 1)
    )
    text = (own_folders / "runs/interactive/results/x.json").read_text()
    assert json.loads(text) == {"n": 5, "share": None, "list": [0.5, None], "day": "2025-07-01"}


def test_a_folder_that_cannot_be_created_is_reported(own_folders: Path) -> None:
    own_folders.touch()
    with pytest.raises(OutputError, match=r"results: Not a directory"):
        manifest.record("x")


def test_results_are_read_by_step(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "03_load.json").write_text('{"rows": 5}')
    assert manifest.facts(tmp_path) == {"03_load": {"rows": 5}}
    assert manifest.facts(tmp_path / "gone") == {}


def completed(output: Path, run_id: str, **params: str) -> None:
    manifest.write(output / "runs" / run_id, {"run_id": run_id, "status": "completed", "params": params})


def test_parameters_that_follow_from_files_are_those_of_the_last_run_over_them(tmp_path: Path) -> None:
    asked = {"as_of": "auto", "currency": "EUR", "data": "/shop.csv"}
    with pytest.raises(UsageError, match="as_of: auto follows from your files, and the last run was not over them"):
        manifest.resolved(asked, tmp_path)
    completed(tmp_path, "20250201T060000Z", as_of="2025-02-01", currency="EUR", data="/shop.csv")
    assert manifest.resolved(asked, tmp_path) == asked | {"as_of": "2025-02-01"}
    completed(tmp_path, "20250301T060000Z", as_of="2025-03-01", currency="EUR", data="/other.csv")
    with pytest.raises(UsageError):
        manifest.resolved(asked, tmp_path)
