"""Tests of recorded results: plain JSON in the folder of the run."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from lib.errors import OutputError
from lib.run import results


def test_facts_are_written_to_the_folder_of_the_run(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBOOK_RUN", "20250701T000000.000000Z")
    results.record("03_load", rows=3)
    assert json.loads((own_folders / "runs/20250701T000000.000000Z/results/03_load.json").read_text()) == {"rows": 3}


def test_a_jupyterlab_session_has_its_own_folder(own_folders: Path) -> None:
    results.record("03_load", rows=1)
    results.record("03_load", rows=2)
    (file,) = (own_folders / "runs/interactive/results").iterdir()
    assert json.loads(file.read_text()) == {"rows": 2}


def test_numpy_numbers_become_numbers_and_nan_becomes_null(own_folders: Path) -> None:
    results.record(
        "x", n=np.int64(5), share=np.float64("nan"), list=[np.float32(0.5), float("inf")], day=date(2025, 7, 1)
    )
    text = (own_folders / "runs/interactive/results/x.json").read_text()
    assert json.loads(text) == {"n": 5, "share": None, "list": [0.5, None], "day": "2025-07-01"}


def test_a_folder_that_cannot_be_created_is_reported(own_folders: Path) -> None:
    own_folders.touch()
    with pytest.raises(OutputError, match=r"results: Not a directory"):
        results.record("x")


def test_results_are_read_by_step(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "03_load.json").write_text('{"rows": 5}')
    assert results.read(tmp_path) == {"03_load": {"rows": 5}}
    assert results.read(tmp_path / "gone") == {}
