"""Tests of the list of the last runs."""

from pathlib import Path

import pytest

from lib.run import manifest, status

RUN = {"started_at": "2025-07-01T06:00:00+00:00", "params_file": "demo.yml", "given": {}}
LOAD = {"step": "03_load", "status": "completed", "rows": 26181}


def test_runs_are_listed_the_latest_first(tmp_path: Path) -> None:
    failed = {"step": "05_cohort", "status": "failed", "error": "05_cohort failed at “Churn”: no rows", "rows": None}
    reused = {"step": "04_executive", "status": "reused", "rows": None}
    manifest.write(
        tmp_path / "runs" / "20250701T060000Z", RUN | {"status": "completed", "seconds": 26.04, "steps": [LOAD]}
    )
    manifest.write(
        tmp_path / "runs" / "20250702T060000Z",
        RUN | {"status": "failed", "seconds": 7, "steps": [LOAD, reused, failed]},
    )
    manifest.write(
        tmp_path / "runs" / "20250703T060000Z", RUN | {"status": "running", "steps": []}, manifest.UNFINISHED
    )
    (tmp_path / "runs" / "20250704T060000Z").mkdir()
    manifest.write(tmp_path / "runs" / "20250705T060000Z", RUN)
    (tmp_path / "runs" / "20250705T060000Z" / "run.json").write_text("{")  # cut off
    assert list(status.runs(tmp_path)) == [
        ["2025-07-01 06:00:00", "demo.yml", "killed, or still running", "", "", "", ""],
        [
            "2025-07-01 06:00:00", "demo.yml", "failed", "26,181", "1 ran, 1 reused", "7.0",
            "05_cohort failed at “Churn”: no rows",
        ],
        ["2025-07-01 06:00:00", "demo.yml", "completed", "26,181", "1 ran", "26.0", ""],
    ]  # fmt: skip


def test_an_unknown_params_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert status.main(["--params", "dem"]) == 2
    assert "error: unknown params file 'dem' (did you mean demo?)" in capsys.readouterr().err
