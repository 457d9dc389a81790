"""Tests of the measurements: both sides load the same rows, ratios point the right way, figures are merged by name."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from lib import database, load
from lib.pipeline import NOTEBOOKS, STEPS
from tests import bench
from tests.bench import Cost

LOAD = bench.load_figures(1_000, ours=[Cost(2, 3)], theirs=[Cost(6, 9)], extras=[0.5])
PIPELINE = bench.pipeline_figures([(2, 8), (4, 8), (6, 7)], full=[(20, 3_000_000), (30, 5_000_000), (31, 1)])


def test_a_faster_load_has_a_ratio_above_one() -> None:
    assert (LOAD["load_ratio_psql_copy"], LOAD["load_cpu_ratio_psql_copy"]) == (3, 3)
    assert (LOAD["load_ratio_psql_copy_same_work"], LOAD["load_rows_per_s"]) == (4, 500)


def test_runs_count_by_their_median_and_memory_by_its_peak() -> None:
    assert (PIPELINE["pipeline_demo_ratio_imports"], PIPELINE["pipeline_full_s"]) == (2, 30)
    assert PIPELINE["pipeline_peak_mb"] == 5


def test_every_figure_says_what_it_measures() -> None:
    generated = {name for name in bench.FIGURES if name.startswith("generate_")}
    assert {*LOAD, *generated, *PIPELINE} == set(bench.FIGURES)


def test_figures_are_merged_by_name(tmp_path: Path) -> None:
    path = tmp_path / "output" / "bench.json"
    bench.merge(path, {"a": 1.23456, "b": 2})
    bench.merge(path, {"b": 3})
    assert json.loads(path.read_text()) == {"a": 1.235, "b": 3}


def test_psql_copies_the_rows_that_we_load(demo_database: sa.URL, demo_folder: Path, tmp_path: Path) -> None:
    bench._write_csv(tmp_path)
    before = _fingerprint()
    bench._empty()
    assert bench._count() == 0
    bench._copy_csv(tmp_path)
    with database.transaction() as connection:
        for mart in ("daily_kpis", "customer_lifetime_value"):
            load._build(connection, mart)
    assert _fingerprint() == before


def _fingerprint() -> str:
    with database.transaction(read_only=True) as connection:
        return load.fingerprint(connection)


def test_only_what_psql_does_not_do_is_told_apart(demo_database: sa.URL, demo_folder: Path) -> None:
    with bench._seconds_in(("ANALYZE ",)) as seconds:
        load.replace(demo_folder, as_of="2025-07-01")
    assert len(seconds) == 2
    assert all(second > 0 for second in seconds)


@pytest.mark.parametrize("step", STEPS)
def test_a_notebook_has_an_import_cell(step: str) -> None:
    assert bench._import_cell(NOTEBOOKS / f"{step}.ipynb").startswith("from lib import ")


def test_an_unknown_part_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "lod"])
    with pytest.raises(SystemExit, match="2"):
        bench.main()
    assert "no part 'lod'; there are load, generate, pipeline" in capsys.readouterr().err
