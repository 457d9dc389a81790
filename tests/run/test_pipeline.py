"""Tests of the whole pipeline, from an empty database to its reports, and of refusals before a notebook starts."""

import base64
import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from lib import db, load
from lib.errors import DatabaseError
from lib.run import params, pipeline, running
from lib.run.steps import discover
from tests import runner
from tests.conftest import CANARY
from tests.runner import Ran

STEPS = [step.name for step in discover()]
PAGES = [f"{step}.html" for step in STEPS]


def test_a_whole_run_completes_and_prints_plain_lines(whole_run: Ran) -> None:
    lines = whole_run.process.stdout.splitlines()
    assert (whole_run.process.returncode, whole_run.process.stderr) == (0, "")
    assert re.fullmatch(r"run \S+ with demo.yml: external server, PostgreSQL [\d.]+", lines[0])
    told, last = lines[1 : len(STEPS) + 1], lines[len(STEPS) + 1 :]
    assert sorted(line.split()[1] for line in told) == sorted(STEPS)
    assert all(re.match(rf"\d/{len(STEPS)}  \w+ +completed in \d+\.\d s", line) for line in told)
    assert re.search(r"03_load .+, [\d,]+ rows, [\d,]+ rows/s$", whole_run.process.stdout, re.MULTILINE)
    assert last == [f"open '{whole_run.output}/reports/index.html'", "explore in JupyterLab: make lab"]


def test_every_step_has_its_page_and_each_is_small(whole_run: Ran) -> None:
    reports = whole_run.output / "reports"
    assert sorted(path.name for path in reports.iterdir()) == sorted([*PAGES, "dictionary.html", "index.html"])
    assert all(5_000 < path.stat().st_size < 4_000_000 for path in reports.iterdir())


@pytest.mark.parametrize("step", ["04_executive", "05_cohort", "06_forecast", "08_customers"])
def test_every_section_of_the_demo_speaks(whole_run: Ran, step: str) -> None:
    page = (whole_run.output / "reports" / f"{step}.html").read_text("utf-8")
    assert re.findall(r"no rows|too few|cannot be (?:estimated|detected)|not calibrated", page) == []


def test_pages_link_to_one_another(whole_run: Ran) -> None:
    for name in [*PAGES, "index.html"]:
        links = set(re.findall(r'<a\b[^>]*\bhref="([^"#]+)"', (whole_run.output / "reports" / name).read_text("utf-8")))
        assert links >= {*PAGES} - {name}, name


def test_manifest_is_complete(whole_run: Ran) -> None:
    run = whole_run.manifest
    assert (run["run_id"], run["status"], run["params_file"]) == (whole_run.folder.name, "completed", "demo.yml")
    assert run["params"] == params.Params().values()
    assert [(step["step"], step["status"], step["page"]) for step in run["steps"]] == [
        (step, "completed", f"{step}.html") for step in STEPS
    ]
    assert all(step["seconds"] > 0 and step["title"] for step in run["steps"])
    assert run["seconds"] < sum(step["seconds"] for step in run["steps"])
    assert run["started_at"] < run["finished_at"]


def test_manifest_counts_what_is_in_the_database(whole_run: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", whole_run.url)
    run = whole_run.manifest
    with db.transaction(read_only=True) as connection:
        count = {
            row["table"]: connection.execute(sa.text(f"SELECT count(*) FROM {row['table']}")).scalar()
            for row in run["tables"]
        }
    db.engine().dispose()
    assert count == {row["table"]: row["loaded"] for row in run["tables"]}
    assert sum(count.values()) == next(step["rows"] for step in run["steps"] if step["step"] == "03_load")
    assert len(run["checks"]) > 5
    assert not any(check["failed"] for check in run["checks"] if check["severity"] == "error")


def test_every_step_records_its_results(whole_run: Ran) -> None:
    told = {path.stem: json.loads(path.read_text("utf-8")) for path in (whole_run.folder / "results").iterdir()}
    assert sorted(told) == sorted(STEPS)
    assert told["07_metabase"]["state"].startswith("Skipped: METABASE_URL is not set")


def test_no_temporary_file_is_left(whole_run: Ran) -> None:
    assert sorted(path.name for path in whole_run.folder.iterdir()) == sorted(
        [*(f"{step}.ipynb" for step in STEPS), "exports", "reports", "results", "run.json"]
    )
    assert list(whole_run.output.rglob("*.tmp")) == []


@pytest.mark.parametrize("shift", range(3))
def test_no_file_contains_the_password(whole_run: Ran, shift: int) -> None:
    start = CANARY.partition("@")[0].encode()
    in_base64 = base64.b64encode(b"\0" * shift + start)[4 if shift else 0 : -4]
    forms = [start, quote(CANARY, safe="").encode(), in_base64]
    files = [path for path in whole_run.output.rglob("*") if path.is_file()]
    assert len(files) > 30
    assert [path for path in files if any(form in path.read_bytes() for form in forms)] == []
    assert not any(form.decode() in whole_run.process.stdout for form in forms)


def refused(*arguments: str, output: Path, url: str = "") -> tuple[int, str]:
    """Exit code and message of a run that starts no notebook."""
    done = runner.pipeline(*arguments, output=output, url=url)
    assert done.stdout == ""
    assert not (output / "runs").exists()
    assert not (output / "data").exists()
    return done.returncode, done.stderr


EARLY = {"first_day": "2020-01-01", "last_day": "2020-01-31", "as_of": "2020-02-01", "currency": "USD"}


@pytest.mark.parametrize(
    ("load_mode", "as_of", "span"),
    [
        ("replace", "auto", "Jan 31, 2020; reports as of Feb 1, 2020; days in UTC; every order placed counts."),
        ("append", "auto", "Jun 30, 2025; reports as of Jul 1, 2025; days in UTC; every order placed counts."),
        ("append", "2025-06-01", "Jun 30, 2025; reports as of Jun 1, 2025; days in UTC; every order placed counts."),
    ],
)
def test_an_append_of_an_older_file_reports_on_the_whole_shop(
    demo_database: sa.URL, tmp_path: Path, load_mode: str, as_of: str, span: str
) -> None:
    (tmp_path / "results").mkdir()
    facts = EARLY if as_of == "auto" else EARLY | {"as_of": as_of}
    (tmp_path / "results" / "02_generate.json").write_text(json.dumps(facts))
    values = params.Params().values() | {"load_mode": load_mode, "as_of": as_of}
    this = running.Run(tmp_path, {"params": values}, None, ())
    running._take_from_files(this)
    assert running._span(this) == f"Data from Jan 1, 2020 to {span}"


def test_misspelt_setting_is_refused_before_anything_is_written(own_folders: Path) -> None:
    code, words = refused("--set", "ordes=5", output=own_folders)
    assert code == 2
    assert words.startswith("error: --set: unknown parameter 'ordes' (did you mean generate.orders?). params/demo.yml")
    assert not own_folders.exists()


def test_every_wrong_value_is_reported_with_its_line(own_folders: Path) -> None:
    code, words = refused("--set", "orders=few", "--set", "currency=XQZ", output=own_folders)
    assert code == 2
    assert [line.partition(": ")[0] for line in words.splitlines()] == ["error", "error"]


def test_traceback_is_shown_on_request_only(own_folders: Path) -> None:
    code, words = refused("--set", "ordes=5", "--debug", output=own_folders)
    assert (code, words.startswith("Traceback"), "error: --set:" in words) == (2, True, True)


def test_missing_params_file_is_refused(own_folders: Path) -> None:
    code, words = refused("--params", "ful", output=own_folders)
    assert (code, words[:64]) == (2, "error: unknown params file 'ful' (did you mean full?); expected ")


def test_missing_data_file_is_refused(own_folders: Path) -> None:
    code, words = refused("--params", "online_retail", "--data", "gone = 1.csv", output=own_folders)
    assert code == 2
    assert re.fullmatch(r"error: no file /.+/gone = 1.csv; expected the export of your shop: .+\n", words)


def test_wrong_password_is_refused_at_once_and_not_shown(empty_database: sa.URL, own_folders: Path) -> None:
    url = empty_database.set(drivername="postgresql", password="wr0ng:@").render_as_string(hide_password=False)
    code, words = refused(output=own_folders, url=url)
    assert code == 4
    assert re.fullmatch(r"error: cannot connect to PostgreSQL at .+\. Check DATABASE_URL or .+\n", words)
    assert "wr0ng" not in words


def test_missing_database_is_refused(server: sa.URL, own_folders: Path) -> None:
    url = server.set(drivername="postgresql", database="workbook_none").render_as_string(hide_password=False)
    code, words = refused(output=own_folders, url=url)
    assert (code, 'database "workbook_none" does not exist' in words) == (4, True)


def test_unresponsive_server_is_reported_after_a_timeout(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.db.connection.STARTING_UP_SECONDS", 0.3)
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone@127.0.0.1:9/shop")
    with pytest.raises(DatabaseError, match=r"at 127\.0\.0\.1:9/shop as someone: .*Connection refused\. Check"):
        pipeline.run(params.find("demo"), params.Params().values())
    assert [path.name for path in own_folders.iterdir()] == [".run.lock"]


def test_output_that_is_a_file_is_reported(own_folders: Path) -> None:
    own_folders.touch()
    code, words = refused(output=own_folders)
    assert (code, words.count("\n"), words[: words.index(":", 7)]) == (1, 1, f"error: cannot write to {own_folders}")


def test_help_names_the_options() -> None:
    text = runner.pipeline("--help", output=Path("unused")).stdout
    assert all(option in text for option in ("--params", "--data", "--set", "--debug"))


def test_fingerprint_on_the_page_equals_that_of_the_database(whole_run: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", whole_run.url)
    with db.transaction(read_only=True) as connection:
        found = load.fingerprint(connection)
    db.engine().dispose()
    assert found in (whole_run.output / "reports" / "03_load.html").read_text("utf-8")
