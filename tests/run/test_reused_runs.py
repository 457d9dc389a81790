"""Tests of runs after a run: what is reused, continued, chosen, and what a failed report leaves. Whole runs."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from lib.run.steps import discover
from tests.runner import Ran, pipeline, running, until

pytestmark = pytest.mark.slow

STEPS = [step.name for step in discover()]


@pytest.fixture
def again(whole_run: Ran, tmp_path: Path) -> Iterator[Ran]:
    """A copy of the output of a completed run; its database is used, but not changed."""
    shutil.copytree(whole_run.output, tmp_path / "output")
    yield whole_run._replace(output=tmp_path / "output")


def outcomes(text: str) -> dict[str, str]:
    """First word on the outcome of each step."""
    return dict(re.findall(r"^\d/\d  (\w+) +(\w+)", text, re.MULTILINE))


def newest(output: Path) -> Path:
    return max((output / "runs").iterdir())


def record_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "run.json").read_text("utf-8"), parse_constant=int)  # NaN is not JSON


def test_an_unchanged_run_reuses_every_step(again: Ran) -> None:
    pages = {path.name: path.read_bytes() for path in (again.output / "reports").iterdir() if path.stem != "index"}
    done = pipeline(output=again.output, url=again.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert outcomes(done.stdout) == dict.fromkeys(STEPS, "reused")
    assert {name: (again.output / "reports" / name).read_bytes() for name in pages} == pages
    front = (again.output / "reports" / "index.html").read_text("utf-8")
    assert f"reused from run {again.folder.name}" in front
    assert front.count('<svg class="thumbnail"') >= 4
    record = record_of(newest(again.output))
    assert (record["status"], record["tables"]) == ("completed", again.manifest["tables"])


def test_a_changed_period_runs_only_what_uses_it_and_a_dry_run_runs_nothing(again: Ran) -> None:
    chosen = ("--set", "period=last_90_days")
    before = sorted(again.output.rglob("*"))
    planned = pipeline("--dry-run", *chosen, output=again.output, url=again.url)
    assert sorted(again.output.rglob("*")) == before
    assert re.findall(r"^(\w+) +run +(.+)", planned.stdout, re.MULTILINE) == [
        ("04_executive", "period changed"),
        ("07_metabase", "period changed"),
    ]
    done = pipeline(*chosen, output=again.output, url=again.url)
    found = outcomes(done.stdout)
    assert [name for name in STEPS if found[name] == "completed"] == ["04_executive", "07_metabase"]
    earlier = again.folder / "reports" / "04_executive.html"
    assert (again.output / "reports" / "04_executive.html").read_bytes() != earlier.read_bytes()


def test_a_chosen_step_runs_and_the_others_keep_their_pages(again: Ran) -> None:
    done = pipeline("--only", "05_cohort", output=again.output, url=again.url)
    assert outcomes(done.stdout) == dict.fromkeys(STEPS, "kept") | {"05_cohort": "completed"}
    done = pipeline("--from", "07_metabase", output=again.output, url=again.url)
    assert outcomes(done.stdout) == dict.fromkeys(STEPS, "kept") | {"07_metabase": "completed"}


def completed(record: Path) -> list[str]:
    """The steps of a run in progress that have completed: one that only runs has the status of a failed one."""
    return [step["step"] for step in json.loads(record.read_text("utf-8"))["steps"] if step["status"] == "completed"]


def test_a_killed_run_is_resumed_with_its_parameters(again: Ran) -> None:
    chosen = ("--set", "horizon_days=14", "--set", "churn_days=60")
    with running(*chosen, output=again.output, url=again.url) as process:
        record = until(lambda: list(again.output.glob("runs/*/unfinished.json")))[0]
        until(lambda: "05_cohort" in completed(record), seconds=120)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = pipeline("--resume", "--set", "cell_timeout_s=900", output=again.output, url=again.url)
    assert (done.returncode, done.stderr) == (0, "")
    found = outcomes(done.stdout)
    assert (found["03_load"], found["05_cohort"], found["07_metabase"]) == ("reused", "reused", "completed")
    assert (
        json.loads((newest(again.output) / "run.json").read_text("utf-8"), parse_constant=int)["params"]["horizon_days"]
        == 14
    )


def test_a_run_that_was_killed_in_its_first_step_is_the_one_to_resume(again: Ran) -> None:
    with running("--set", "seed=77", output=again.output, url=again.url) as process:
        until(lambda: list(again.output.glob("runs/*/unfinished.json")))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    planned = pipeline("--resume", "--dry-run", output=again.output, url=again.url)
    assert planned.stdout.startswith("01_schema      run    02_generate: seed changed")


def test_a_completed_run_is_not_resumed(again: Ran) -> None:
    done = pipeline("--resume", output=again.output, url=again.url)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: --resume: the last run, {again.folder.name}, completed. Run `make pipeline`; steps that are "
        "unchanged do not run again\n"
    )


def test_resume_takes_no_other_shop(tmp_path: Path) -> None:
    done = pipeline("--resume", "--params", "full", output=tmp_path / "output")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --resume takes PARAMS and DATA of the last run.")


@pytest.mark.parametrize("option", ["--only", "--from"])
def test_an_unknown_step_is_refused(option: str, tmp_path: Path) -> None:
    done = pipeline(option, "05_cohorts", output=tmp_path / "output")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "error: unknown step '05_cohorts' (did you mean 05_cohort?); expected one of 01_schema"
    )


@contextmanager
def broken(notebook: Path) -> Iterator[None]:
    """The notebook with an error in its last cell of code."""
    text = notebook.read_text("utf-8")
    book = json.loads(text)
    last = [cell for cell in book["cells"] if cell["cell_type"] == "code"][-1]
    last["source"] = "raise ValueError('no figures today')"
    notebook.write_text(json.dumps(book), "utf-8")
    yield
    notebook.write_text(text, "utf-8")


def test_a_failed_report_holds_no_other_back(project: Path, empty_database: sa.URL) -> None:
    for name in ("06_forecast", "08_customers"):
        (project / "notebooks" / f"{name}.ipynb").unlink()  # they take time and are not the point
    command = [sys.executable, "-m", "lib.run.pipeline", "--params", "sample", "--set", "workers=1"]
    reports = project / "output" / "reports"

    def run() -> tuple[int, str, dict[str, str]]:
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr, outcomes(done.stdout)

    with broken(project / "notebooks" / "05_cohort.ipynb"):
        code, words, found = run()
    assert (code, words.count("\n")) == (1, 1), words
    assert words.startswith("error: 05_cohort failed at “")
    assert "ValueError: no figures today" in words
    assert found == dict.fromkeys(found, "completed") | {"05_cohort": "failed"}
    assert "no figures today" in (reports / "05_cohort.html").read_text("utf-8")
    assert "failed; the other reports are complete." in (reports / "index.html").read_text("utf-8")

    code, words, found = run()
    assert (code, words, found) == (0, "", dict.fromkeys(found, "reused") | {"05_cohort": "completed"})
    page = (reports / "05_cohort.html").read_bytes()
    with broken(project / "notebooks" / "05_cohort.ipynb"):
        assert run()[0] == 1
    assert (reports / "05_cohort.html").read_bytes() == page
    front = (reports / "index.html").read_text("utf-8")
    assert "failed, and its page is of an earlier run; the other reports are complete." in front

    with broken(project / "notebooks" / "05_cohort.ipynb"):
        subprocess.run([*command, "--only", "04_executive"], cwd=project, capture_output=True, check=True)
        assert run()[2]["05_cohort"] == "failed"  # its inputs are unchanged, but it has not completed with them
