"""Tests of the decision what a run does with each step, on records of earlier runs made by hand."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from lib import db
from lib.errors import OutputError, UsageError
from lib.run import params, reuse
from lib.run.inputs import inputs
from lib.run.steps import discover

STEPS = discover()
NAMES = [step.name for step in STEPS]
VALUES = params.Params().values()
REAL_STATE = reuse.rows_state, reuse.predictions_state
STATE = {"rows": "r", "predictions": "p"}
REPORTS = ["04_executive", "05_cohort", "06_forecast", "08_customers"]


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """State of the database, which a test may change."""
    found = dict(STATE)
    monkeypatch.setattr(reuse, "rows_state", lambda: found.get("rows", ""))
    monkeypatch.setattr(reuse, "predictions_state", lambda: found.get("predictions", ""))
    return found


@pytest.fixture
def earlier(tmp_path: Path) -> reuse.Earlier:
    """A completed run of the demo with all its files."""
    known = inputs(STEPS, VALUES)
    folder = tmp_path / "runs" / "20250701T000000.000000Z"
    (folder / "reports").mkdir(parents=True)
    outcomes = []
    for step in STEPS:
        outcome = {"step": step.name, "status": "completed", "page": step.page, "inputs": known[step]}
        (folder / f"{step.name}.ipynb").write_text(step.name)
        (folder / "reports" / step.page).write_text(step.name)
        outcome["made"] = reuse.made(folder, step)
        outcomes.append(outcome | ({"predictions": "p"} if "predictions" in step.gives else {}))
    record = {"given": VALUES, "params_file": "demo.yml", "status": "completed", "database_state": "r"}
    (folder / "run.json").write_text(json.dumps(record | {"steps": outcomes}))
    found = reuse.latest(tmp_path)
    assert found is not None
    return found


def run(decisions: dict[str, reuse.Decision]) -> list[str]:
    """Names of the steps that run."""
    return [name for name, decision in decisions.items() if decision.action == "run"]


def decided(earlier: reuse.Earlier | None, **values: Any) -> dict[str, reuse.Decision]:
    return reuse.decide(STEPS, VALUES | values, earlier)


def test_without_an_earlier_run_all_steps_run(tmp_path: Path) -> None:
    assert reuse.latest(tmp_path) is None
    assert run(decided(None)) == NAMES


def test_an_unchanged_run_reuses_every_step(earlier: reuse.Earlier) -> None:
    found = decided(earlier)
    assert run(found) == []
    assert {decision.reason for decision in found.values()} == {f"unchanged since run {earlier.folder.name}"}


@pytest.mark.parametrize(
    ("name", "value", "names"),
    [
        ("period", "last_90_days", ["04_executive", "07_metabase"]),
        ("horizon_days", 14, ["06_forecast"]),
        ("margin", 0.5, ["08_customers"]),
        ("churn_days", 60, ["05_cohort", "07_metabase", "08_customers"]),
        ("seed", 7, NAMES),
        ("sales_basis", "completed", NAMES),
        ("load_mode", "append", NAMES),
        ("keep_runs", 3, []),
    ],
)
def test_a_changed_parameter_runs_the_steps_that_use_it(
    name: str, value: Any, names: list[str], earlier: reuse.Earlier
) -> None:
    assert sorted(run(decided(earlier, **{name: value}))) == sorted(names)


def test_other_rows_in_the_database_run_all_steps(earlier: reuse.Earlier, state: dict[str, str]) -> None:
    state["rows"] = "other"
    found = decided(earlier)
    assert run(found) == NAMES
    assert found["04_executive"].reason == "the database is not as the last run left it"
    state.clear()  # no shop, or no database
    assert run(decided(earlier)) == NAMES


def test_other_predictions_in_the_database_run_the_step_that_makes_them(
    earlier: reuse.Earlier, state: dict[str, str]
) -> None:
    state["predictions"] = "other"
    assert run(decided(earlier)) == ["08_customers"]


@pytest.mark.parametrize("name", ["05_cohort.ipynb", "reports/05_cohort.html"])
def test_a_step_whose_files_are_gone_or_were_edited_runs(name: str, earlier: reuse.Earlier) -> None:
    (earlier.folder / name).write_text("edited")
    assert run(decided(earlier)) == ["05_cohort"]
    (earlier.folder / name).unlink()
    found = decided(earlier)
    assert (run(found), found["05_cohort"].reason) == (["05_cohort"], "its files are gone or were edited")


def test_other_files_than_those_that_were_loaded_run_all_steps(earlier: reuse.Earlier, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.parquet").write_text("of a run that was killed before it loaded them")
    assert run(decided(earlier)) == NAMES
    with pytest.raises(UsageError, match=r"files of the last run are gone or were edited \(02_generate\)"):
        reuse.decide_for(["03_load"], STEPS, VALUES, earlier)


@pytest.mark.parametrize(
    ("alone", "old"),
    [("01_schema", NAMES), ("02_generate", NAMES), ("03_load", [*REPORTS, "07_metabase"]), ("05_cohort", [])],
)
def test_steps_older_than_the_data_that_they_read_run(alone: str, old: list[str], earlier: reuse.Earlier) -> None:
    for outcome in earlier.record["steps"]:
        if outcome["step"] != alone:
            outcome |= {"status": "kept", "run": "20250601T000000.000000Z"}
    assert sorted(run(decided(earlier))) == sorted(old)


def test_data_that_were_prepared_and_not_loaded_are_not_reported(earlier: reuse.Earlier) -> None:
    earlier.outcome(STEPS[2])["run"] = "20250601T000000.000000Z"
    with pytest.raises(UsageError, match="the last run prepared data that it did not load"):
        reuse.decide_for(["04_executive"], STEPS, VALUES, earlier)


def test_metabase_is_filled_in_every_run(earlier: reuse.Earlier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METABASE_URL", "http://127.0.0.1:3000")
    now = inputs(STEPS, VALUES)
    for step in STEPS:
        earlier.outcome(step)["inputs"] = now[step]
    found = decided(earlier)
    assert (run(found), found["07_metabase"].reason) == (["07_metabase"], "Metabase may have changed")


def test_a_run_that_was_killed_is_continued(earlier: reuse.Earlier, tmp_path: Path) -> None:
    record = earlier.record | {"status": "running", "steps": earlier.record["steps"][:4]}
    (earlier.folder / "run.json").unlink()
    (earlier.folder / "unfinished.json").write_text(json.dumps(record))
    found = reuse.latest(tmp_path)
    assert run(decided(found)) == NAMES[4:]


def test_a_failed_report_runs_again_and_its_page_is_still_that_of_the_run_before(earlier: reuse.Earlier) -> None:
    outcome = earlier.outcome(STEPS[4])
    outcome |= {"status": "failed", "run": "20250601T000000.000000Z"}
    assert run(decided(earlier)) == [STEPS[4].name]
    assert earlier.run_of(STEPS[4]) == "20250601T000000.000000Z"


def test_a_run_that_loaded_nothing_is_passed_over(earlier: reuse.Earlier, tmp_path: Path) -> None:
    failed = tmp_path / "runs" / "20250702T000000.000000Z"
    failed.mkdir()
    (failed / "run.json").write_text(json.dumps({"given": VALUES, "steps": [], "status": "failed"}))
    assert reuse.latest(tmp_path) == earlier
    assert reuse.latest(tmp_path, loaded=False) == reuse.Earlier(failed, json.loads((failed / "run.json").read_text()))


def test_a_record_that_was_cut_off_is_passed_over(earlier: reuse.Earlier, tmp_path: Path) -> None:
    broken = tmp_path / "runs" / "20250702T000000.000000Z"
    broken.mkdir()
    (broken / "run.json").write_text('{"given": {')
    assert reuse.latest(tmp_path) == earlier


def test_named_steps_run_and_the_others_keep_their_pages(earlier: reuse.Earlier) -> None:
    found = reuse.decide_for(["06_forecast"], STEPS, VALUES | {"horizon_days": 7, "period": "year_to_date"}, earlier)
    assert run(found) == ["06_forecast"]
    assert found["04_executive"].action == "keep"


@pytest.mark.parametrize(
    ("values", "rows", "words"),
    [
        ({"seed": 7}, "r", "the last run loaded other data (02_generate: seed changed)"),
        ({}, "other", "the database is not as the last run left it"),
    ],
)
def test_named_steps_are_refused_where_their_data_are_not_there(
    values: dict[str, Any], rows: str, words: str, earlier: reuse.Earlier, state: dict[str, str]
) -> None:
    state["rows"] = rows
    with pytest.raises(UsageError) as refused:
        reuse.decide_for(["06_forecast"], STEPS, VALUES | values, earlier)
    assert str(refused.value) == f"06_forecast: {words}. Run `make pipeline` without --only and --from first."
    with pytest.raises(UsageError, match="06_forecast: no run has loaded the data that they need"):
        reuse.decide_for(["06_forecast"], STEPS, VALUES, None)


def test_pages_and_results_are_taken_over(earlier: reuse.Earlier, tmp_path: Path) -> None:
    (earlier.folder / "results").mkdir()
    (earlier.folder / "results" / "05_cohort.json").write_text("{}")
    reuse.take_over([step for step in STEPS if step.name == "05_cohort"], earlier, tmp_path / "new")
    found = [str(path.relative_to(tmp_path / "new")) for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert sorted(found) == ["05_cohort.ipynb", "reports/05_cohort.html", "results/05_cohort.json"]


def test_pages_that_cannot_be_taken_over_are_an_error_and_leave_no_part(
    earlier: reuse.Earlier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_source: Path, target: Path) -> None:
        target.write_text("a par")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(reuse.shutil, "copyfile", full)
    with pytest.raises(OutputError, match=r"cannot write to .*05_cohort\.ipynb: No space left on device"):
        reuse.take_over([step for step in STEPS if step.name == "05_cohort"], earlier, tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(
    ("statement", "is_same"),
    [
        ("UPDATE orders SET status = status", True),
        ("CREATE VIEW public.mine AS SELECT 1", True),
        ("UPDATE workbook.shop SET time_zone = 'Asia/Tokyo'", False),
        ("DROP VIEW sales_summary", False),
        ("DROP TABLE workbook.rejects", False),
        ("DELETE FROM refunds", False),
        ("DROP TABLE orders CASCADE", False),
    ],
)
def test_a_change_of_the_database_by_hand_is_seen(statement: str, is_same: bool, demo_database: sa.URL) -> None:
    before = [state() for state in REAL_STATE]
    with db.transaction() as connection:
        connection.execute(sa.text(statement))
    assert before
    assert ([state() for state in REAL_STATE] == before) is is_same
