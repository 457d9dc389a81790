"""Tests of the measurements: all sides load the same rows, ratios point the right way, figures are merged by name."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from lib import db, load, settings
from lib.analysis import clv, segments
from lib.analysis.forecast import ENSEMBLE, SEASONAL_NAIVE, WEEKDAY_AVERAGE
from lib.data import acquire
from lib.data.synthetic import Counts
from lib.errors import DataError
from lib.load.marts import MARTS, build, create_sessions
from lib.run import params
from lib.run.steps import discover
from tests.bench import __main__ as bench
from tests.bench import customers, forecasting, holdouts, largest, loading, rivals, scaling
from tests.bench.figures import FIGURES
from tests.bench.generating import take
from tests.bench.own_files import write_invoices
from tests.bench.running import pipeline_figures
from tests.bench.watching import Seen, run_apart
from tests.conftest import fingerprint

pytestmark = pytest.mark.slow

STEPS = [step.name for step in discover()]

WAYS = ("load_whole_s", "load_s", "floor_s", "psql_copy_s", "adbc_s", "to_sql_s", "to_sql_multi_s", "execute_values_s")
LOAD = loading.load_figures(
    1_000,
    dict(zip(WAYS, ([4], [2], [1], [9, 10, 90], [8], [40], [20], [30]), strict=True)),
    [{"marts": 1, "checks": 2}],
)
FULL = [Seen(20, 0, 3_000_000), Seen(30, 0, 5_000_000), Seen(31, 0, 1)]
PIPELINE = pipeline_figures(
    {"demo": [Seen(9, 0, 0)], "full": FULL},
    [Seen(2, 0, 0)],
    [Seen(4, 0, 0)],
    {"demo": [Seen(12, 0, 0)], "full": [Seen(60, 0, 10_000_000)]},
)
SCALE = scaling.scale_figures(
    {
        "plain": [({"rows": 9, "seconds": 9}, Seen(0, 9_000_000, 0))],
        "pool": [({"rows": 9, "seconds": s}, Seen(0, 9_000_000, 0)) for s in (2, 4, 5)],
        "dask": [({"rows": 9, "seconds": s}, Seen(0, 9_000_000, 0)) for s in (3, 3, 7)],
        "own": [({"rows": 9, "seconds": 9}, Seen(0, p * 1_000_000, 0)) for p in (1, 5, 4)],
    }
)
LARGE = largest.large_figures(
    {"started_at": 100, "ended": 140, "copy_s": 55, "seconds": 90, "items": 2, "rows": 7},
    Seen(0, 9_000_000, 0, [(99, 9_000_000), (105, 1_000_000), (115, 4_000_000), (135, 5_000_000), (141, 8_000_000)]),
)


def test_a_slower_dask_has_an_overhead_above_zero() -> None:
    assert SCALE["scale_dask_overhead"] == pytest.approx(0.4)
    assert (SCALE["scale_rows_per_s"], SCALE["scale_worker_peak_mb"]) == (3, 5)


def test_growth_of_workers_while_copying_is_distinguished() -> None:
    assert LARGE["scale_large_growth"] == pytest.approx(0.25)
    assert (LARGE["scale_large_peak_mb"], LARGE["scale_large_s"], LARGE["scale_large_rows"]) == (9, 90, 7)


def test_a_faster_load_has_a_ratio_above_one() -> None:
    assert (LOAD["load_ratio_psql_copy"], LOAD["load_ratio_psql_copy_whole"]) == (5, 2.5)
    assert (LOAD["load_ratio_to_sql"], LOAD["load_ratio_adbc"], LOAD["load_ratio_execute_values"]) == (10, 4, 15)
    assert (LOAD["load_ratio_floor"], LOAD["load_rows_per_s"]) == (0.5, 250)


def test_runs_count_by_their_median_and_memory_by_its_peak() -> None:
    assert (PIPELINE["pipeline_demo_s"], PIPELINE["pipeline_full_s"]) == (9, 30)
    assert (PIPELINE["pipeline_unchanged_s"], PIPELINE["pipeline_changed_period_s"]) == (2, 4)
    assert (PIPELINE["pipeline_demo_ratio_before"], PIPELINE["pipeline_full_ratio_before"]) == (0.75, 0.5)
    assert (PIPELINE["pipeline_peak_mb"], PIPELINE["pipeline_peak_ratio_before"]) == (5, 0.5)


def test_a_reader_is_blocked_by_what_it_waits_beyond_its_patience() -> None:
    assert loading.blocked_ms([1, 4.9, 5, 7, 25.5]) == 22.5


def test_every_figure_says_what_it_measures() -> None:
    assert {*LOAD, *PIPELINE} <= set(FIGURES)
    others = {name for name in FIGURES if name not in {*LOAD, *PIPELINE}}
    assert others == {
        "reader_blocked_ms", "load_cost_ratio_10m_1m", "load_peak_mb_10m", "load_peak_mb_1m", "generate_rows_per_s",
        "generate_ratio_faker", "generate_peak_mb_10m", "generate_peak_mb_30m", "generate_cost_ratio_10m_1m",
        "own_csv_s", "own_csv_lines_per_s", "own_csv_ratio_parquet", "own_csv_cost_ratio_5m_540k", *SCALE, *LARGE,
        "own_csv_peak_mb_540k", "own_csv_peak_mb_5m",
        "forecast_oracle_ratio", "forecast_shop_cov80", "forecast_shop_total_cov80", "forecast_shop_bias",
        "forecast_live_bias", "forecast_planted_found", *FORECAST,
        *(f"clv_{what}_{size}" for what in ("fit_s", "score_s", "peak_mb") for size in customers.SIZES),
        *(f"clv_interval_cpu_s_{size}" for size in customers.SIZES),
        *(f"clv_{what}_{days}" for what in ("cov80", "group_cov80", "bias") for days in holdouts.HORIZONS),
        "churn_decile_error", "clusters_false", "clusters_found", "customers_notebook_s_100k", "scale_cut_link_s",
    }  # fmt: skip


def windows(name: str, is_revenue: bool, cpu_s: float, *mases: tuple[float, float, float]) -> forecasting.Tested:
    """Windows with the mase of the ensemble, of seasonal naive and of the weekday average."""
    models = (ENSEMBLE, SEASONAL_NAIVE, WEEKDAY_AVERAGE)
    rows = [{"model": model, "mase": mase} for three in mases for model, mase in zip(models, three, strict=True)]
    measures = {"total_error": 0.05, "coverage_80": 0.8, "coverage_95": 0.9, "total_inside_80": 0.75}
    return forecasting.Tested(name, is_revenue, pd.DataFrame(rows).assign(**measures), cpu_s)


FORECAST = forecasting.figures(
    [windows("sales", True, 2.0, (1, 4, 2), (1, 1, 2)), windows("visits", False, 3.0, (9, 1, 1))]
)


def test_forecast_is_compared_with_both_simple_models_over_revenue() -> None:
    assert pytest.approx(
        {
            "forecast_relmase": 0.5, "forecast_wins": 0.5, "forecast_rel_weekday_mean": 0.5,
            "forecast_total_error": 0.05, "forecast_cov80": 0.8, "forecast_cov95": 0.9, "forecast_cpu_s": 3,
            "forecast_total_cov80": 0.75,
        }
    ) == FORECAST  # fmt: skip


def test_given_series_are_read(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("date,shop,web,note\n2025-01-01,5,1,a\n2025-01-03,6,2,b\n")
    found = forecasting.read_series(path)
    assert {name: history.series.tolist() for name, history in found.items()} == {"shop": [5, 0, 6], "web": [1, 0, 2]}


@pytest.mark.parametrize(
    ("text", "word"), [("day,value\n1,2\n", "not a CSV file"), ("date\n2025-01-01\n", "no column")]
)
def test_file_without_series_is_an_error(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "own.csv").write_text(text)
    with pytest.raises(DataError, match=word):
        forecasting.read_series(tmp_path / "own.csv")


def test_figures_are_merged_by_name(tmp_path: Path) -> None:
    path = tmp_path / "output" / "bench.json"
    bench.merge(path, {"a": 1.23456, "b": 2})
    bench.merge(path, {"b": 3})
    assert json.loads(path.read_text()) == {"a": 1.235, "b": 3}


@pytest.fixture
def written(demo_database: sa.URL, demo_folder: Path, tmp_path: Path) -> Path:
    """The sample shop's Parquet files with the files that the other ways load."""
    for path in demo_folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    rivals.write_csv(tmp_path)
    rivals.write_binary(tmp_path)
    return tmp_path


RIVALS = {
    "psql": rivals.psql_copy,
    "ADBC": rivals.adbc,
    "to_sql": lambda folder: rivals.to_sql(rivals.frames(folder)),
    "to_sql multi": lambda folder: rivals.to_sql(rivals.frames(folder), method="multi", chunksize=100),
    "execute_values": lambda folder: rivals.execute_values(rivals.frames(folder)),
}


@pytest.mark.parametrize("way", RIVALS)
def test_every_way_loads_the_rows_that_we_load(written: Path, way: str) -> None:
    before, rows = fingerprint(), rivals.count()
    rivals.empty()
    assert rivals.count() == 0
    RIVALS[way](written)
    assert rivals.count() == rows
    with db.transaction() as connection:
        create_sessions(connection)
        db.run(connection, f"TRUNCATE {', '.join(MARTS)}")
        for mart in MARTS:
            build(connection, mart)
    assert fingerprint() == before


def test_the_floor_has_the_same_rows_keys_and_indexes(written: Path) -> None:
    rivals.floor(written)
    with db.transaction() as connection:
        shapes = [connection.execute(sa.text(SHAPE), {"schema": name}).all() for name in ("public", rivals.FLOOR)]
        counts = [
            [connection.execute(sa.text(f"SELECT count(*) FROM {schema}.{name}")).scalar() for name in rivals.NAMES]
            for schema in ("public", rivals.FLOOR)
        ]
    assert shapes[0] == shapes[1]
    assert counts[0] == counts[1]


SHAPE = """
SELECT replace(indexdef, schemaname || '.', '') FROM pg_indexes WHERE schemaname = :schema
UNION ALL
SELECT conname FROM pg_constraint WHERE connamespace = CAST(:schema AS regnamespace) AND contype = 'f'
ORDER BY 1
"""


def test_ours_without_marts_and_checks_has_all_else(demo_database: sa.URL, demo_folder: Path) -> None:
    before = rivals.count()
    loading._without_marts_and_checks(demo_folder)
    assert rivals.count() == before
    assert load.replace(demo_folder, as_of="2025-07-01").checks["check"].size >= 25, "and the next load is whole again"


def test_a_reader_polls_in_a_process_of_its_own(demo_database: sa.URL, demo_folder: Path) -> None:
    assert 0 <= loading._reader_waits(demo_folder) < 10_000


def test_a_load_is_seen_from_outside(demo_database: sa.URL, demo_folder: Path, own_folders: Path) -> None:
    own_folders.mkdir()
    (own_folders / "data").symlink_to(demo_folder)
    done, seen = run_apart("tests.bench.loading.load_here()")
    assert done["rows"] > 1_000
    assert seen.seconds > done["seconds"]
    assert 50e6 < seen.peak <= seen.peak_of_all < 1e9


def test_a_share_of_a_shop_is_taken(own_folders: Path) -> None:
    assert take("sample", times=2).written.set_index("table").loc["users", "rows"] == 200


def test_an_unknown_part_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "lod"], cwd=settings.PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no part 'lod'; there are load, own-files, generate, pipeline" in done.stderr


def test_the_invoices_have_one_unusable_line_in_a_hundred(tmp_path: Path) -> None:
    write_invoices(tmp_path / "invoices.csv", 250)
    chosen = params.load(params.find("online_retail"), [f"data={tmp_path / 'invoices.csv'}"]).values()
    policy = acquire.Policy("GBP", 0.05, "reject")
    taken = acquire.acquire(
        chosen["generate"], chosen["mapping"], chosen["data"], seed=1, as_of="auto", workers=1,
        output=tmp_path, policy=policy,
    )  # fmt: skip
    assert taken.lines[["read", "loaded", "rejected"]].iloc[0].tolist() == [250, 248, 2]


def test_histories_of_synthetic_orders_by_hand() -> None:
    days = pd.to_datetime(["2025-01-01", "2025-01-01", "2025-01-05", "2025-02-01", "2025-01-03"])
    orders = pd.DataFrame({"user_id": list("aaaab"), "date": days, "revenue": [1.0, 2, 5, 7, 9], "channel": "email"})
    sold = holdouts.Sold(orders, days[0], pd.Timestamp("2025-03-01"))
    found = sold.history("2025-01-11", "2025-03-01").set_index("user_id").loc["a"]
    assert found[["orders", "frequency", "recency", "age", "days_since_last"]].tolist() == [3, 1, 4, 9, 6]
    assert found[["revenue", "monetary_value", "later_orders", "later_revenue"]].tolist() == [8, 4, 1, 7]
    daily = sold.daily(pd.Timestamp("2025-01-06"))
    assert daily["active_customers"].tolist() == [1, 0, 1, 0, 1]
    assert daily["new_customers"].tolist() == [1, 0, 1, 0, 0]


def test_a_small_shop_is_judged_by_its_held_out_orders() -> None:
    sold = holdouts.Sold.drawn(1, Counts(10, 300, 50, 1_500, 13_500), 900)
    rows = pd.DataFrame(holdouts.judged(sold, seed=1))
    totals = rows[rows["kind"] == "total"]
    assert totals["horizon"].value_counts().to_dict() == {"90d": 2, "365d": 2}
    assert totals["error"].abs().max() < 1


def test_planted_groups_are_clusters() -> None:
    assert segments.cluster(holdouts.planted_groups(3), seed=1).verdict.startswith("3 clusters")


def test_the_models_are_measured_on_customers_without_warnings(own_folders: Path) -> None:
    frame = customers.drawn(3_000)
    model = clv.fit_models(frame)
    assert not model.warnings
    assert customers.scored(model, frame).notna().all(axis=None)
    spent, seen = run_apart("tests.bench.customers.fit_here(500)")
    assert set(spent) == {"fit", "score", "interval"}
    assert seen.seconds > spent["fit"] + spent["score"]
