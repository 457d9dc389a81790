"""Distributed load: the same rows on every engine and in shards of any size, exactly once even if workers fail."""

import json
import signal
import threading
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from lib import db, load
from lib.data.synthetic import SAMPLE_COUNTS, SAMPLE_SHOP, Counts, Shop, plan_shop
from lib.data.synthetic.shards import GenerationPlan, count_shop, read_generation_plan, shards_of, write_shop
from lib.data.synthetic.shop import BLOCK_USERS
from lib.data.workers import Engine
from lib.db import schema
from lib.db.locks import hold
from lib.errors import DatabaseError, DataError, UsageError
from lib.load import ledger, shards
from lib.load.swap import STAGING, staging
from tests.cluster import MILLION, cluster, load_and_fail, load_without_ledger, worker_processes
from tests.conftest import _own_database, _use, ask, fingerprint
from tests.runner import until

pytestmark = pytest.mark.slow

AS_OF = "2025-01-01"
SHOP = Shop(as_of=date(2025, 1, 1), history_days=200)
COUNTS = Counts(marketing_campaigns=3, users=16 * BLOCK_USERS + 1, products=40, orders=6_000, events=60_000)
HERE, TWO, DASK = Engine(workers=1), Engine(workers=2), Engine("dask", workers=1)


@pytest.fixture(scope="module")
def own_database(server: sa.URL) -> Iterator[sa.URL]:
    """A database for this module, with empty tables."""
    with pytest.MonkeyPatch.context() as patch:
        for address in _own_database(server, patch, "template1"):
            with db.transaction() as connection:
                schema.create(connection)
            yield address


@pytest.fixture
def ready(own_database: sa.URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings name the module's database."""
    _use(monkeypatch, own_database)
    yield
    db.engine().dispose()


@pytest.fixture(scope="module")
def scheduler(own_database: sa.URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a scheduler with two worker processes for the module's database."""
    with pytest.MonkeyPatch.context() as patch:
        _use(patch, own_database)
        with cluster(tmp_path_factory.mktemp("cluster"), 2) as address:
            yield address


@pytest.fixture
def two_workers(ready: None, scheduler: str) -> Engine:
    """A running Dask cluster with two workers."""
    return Engine("dask", scheduler, 2)


def planned(folder: Path, counts: Counts = COUNTS, shop: Shop = SHOP, part_blocks: int = 1) -> Path:
    """Write the generation plan of the shop; its folder."""
    count_shop(counts, shop, folder, HERE, part_blocks)
    return folder


def fingerprint_from_files(folder: Path, counts: Counts = COUNTS, shop: Shop = SHOP, workers: int = 1) -> str:
    """Fingerprint of the shop when it is loaded from Parquet files."""
    write_shop(plan_shop(counts, shop), folder / "files", workers)
    load.replace(folder / "files", as_of=shop.as_of)
    return fingerprint()


def rows() -> dict[str, int]:
    """Number of rows by table."""
    return {name: ask(f"SELECT count(*) FROM {name}")[0][0] for name in ("users", "orders", "order_items", "events")}


def test_rows_do_not_depend_on_engine_and_shard_size(two_workers: Engine, tmp_path: Path) -> None:
    known = fingerprint_from_files(tmp_path)
    for engine, part_blocks, parts in ((TWO, 6, 3), (HERE, 1, 17), (two_workers, 6, 3), (two_workers, 1, 17)):
        planned(tmp_path / "plan", part_blocks=part_blocks)
        done = load.replace(tmp_path / "plan", as_of=AS_OF, run_id="a run", engine=engine)
        assert fingerprint() == known
        assert done.tables.set_index("table")["rows"].loc["orders"] == rows()["orders"]
        assert ask("SELECT max(part) FROM workbook.load_ledger WHERE run_id = 'a run'") == [(parts,)]


def test_sample_shop_is_the_same_on_dask(ready: None, tmp_path: Path) -> None:
    known = fingerprint_from_files(tmp_path, SAMPLE_COUNTS, SAMPLE_SHOP)
    made = count_shop(SAMPLE_COUNTS, SAMPLE_SHOP, tmp_path / "plan", DASK)
    told = write_shop(plan_shop(SAMPLE_COUNTS, SAMPLE_SHOP), tmp_path / "files", 1)
    assert made.written["rows"].equals(told.written["rows"])
    assert made.truth == told.truth
    assert all(frame.equals(told.profile[name]) for name, frame in made.profile.items())
    load.replace(tmp_path / "plan", as_of="2025-07-01", engine=DASK)
    assert fingerprint() == known


def test_a_million_rows_are_the_same_on_dask(two_workers: Engine, tmp_path: Path) -> None:
    known = fingerprint_from_files(tmp_path, MILLION, workers=2)
    done = load.replace(planned(tmp_path / "plan", MILLION), as_of=AS_OF, engine=two_workers)
    assert done.rows > 950_000
    assert fingerprint() == known


def test_a_generation_plan_is_appended(ready: None, tmp_path: Path) -> None:
    known = fingerprint_from_files(tmp_path)
    ask("DELETE FROM events; UPDATE orders SET shipping_city = 'elsewhere'")
    done = load.append(planned(tmp_path / "plan"), as_of=AS_OF, engine=TWO).tables.set_index("table")
    assert fingerprint() == known
    assert done.loc["events", "inserted"] == done.loc["events", "rows"]
    assert done.loc["orders", ["inserted", "updated"]].tolist() == [0, rows()["orders"]]
    assert ask("SELECT to_regnamespace(:name)", name=STAGING) == [(None,)]


# Failing workers.

FAILURES = [
    (signal.SIGKILL, "before the commit"),
    (signal.SIGKILL, "after the commit"),
    (signal.SIGSTOP, "before the commit"),
]


def test_rows_load_exactly_once_when_workers_fail(
    two_workers: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = fingerprint_from_files(tmp_path)
    planned(tmp_path / "plan")
    for number, (failure, moment) in enumerate(FAILURES):
        mark = tmp_path / f"mark {number}"
        with monkeypatch.context() as patch:
            patch.setattr(shards, "load_shard", partial(load_and_fail, failure, moment, mark))
            load.replace(tmp_path / "plan", as_of=AS_OF, engine=two_workers)
        assert mark.exists()
        assert fingerprint() == known


def test_without_a_ledger_rows_load_twice(two_workers: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that the test above can fail."""
    planned(tmp_path / "plan")
    monkeypatch.setattr(shards, "load_shard", partial(load_without_ledger, tmp_path / "mark"))
    monkeypatch.setattr(shards, "_reconciled", lambda main, *_: _counted(main))
    with pytest.raises(DataError, match="users breaks a rule: could not create unique index"):
        load.replace(tmp_path / "plan", as_of=AS_OF, engine=two_workers)
    assert COUNTED["users"] == COUNTS.users + BLOCK_USERS


COUNTED: dict[str, int] = {}


def _counted(main: sa.Connection) -> dict[str, int]:
    for name in ("users", "orders", "order_items", "events"):
        COUNTED[name] = main.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one()
    return COUNTED


def test_a_worker_killed_during_the_load_changes_nothing(two_workers: Engine, tmp_path: Path) -> None:
    known = fingerprint_from_files(tmp_path)
    planned(tmp_path / "plan")
    loading = threading.Thread(
        daemon=True,
        target=load.replace,
        args=(tmp_path / "plan",),
        kwargs={"as_of": AS_OF, "run_id": "a", "engine": two_workers},
    )
    loading.start()
    until(lambda: ask("SELECT count(*) > 8 FROM workbook.load_ledger WHERE run_id = 'a'")[0][0])
    worker_processes()[0].kill()
    loading.join()
    assert fingerprint() == known
    expected = read_generation_plan(tmp_path / "plan").rows
    found = ask("SELECT part, table_name, rows FROM workbook.load_ledger WHERE run_id = 'a'")
    assert {(part, name): n for part, name, n in found} == {
        (part, name): n for part, tables in enumerate(expected) for name, n in tables.items()
    }


# The ledger alone.


@pytest.fixture
def opened(ready: None, tmp_path: Path) -> Iterator[GenerationPlan]:
    """A load in progress that has no shard yet."""
    planned(tmp_path / "plan", part_blocks=6)
    known = read_generation_plan(tmp_path / "plan")
    with db.connect() as main, hold(main), staging(main):
        with db.begin(main, "owner"):
            ledger.open_plan(main, "a run", known.shards()[0].plan)
            schema.use(main, STAGING)
            schema.create_tables(main)
        yield known


def test_a_shard_is_loaded_once(opened: GenerationPlan) -> None:
    first, second, _ = opened.shards()
    assert shards.load_shard("a run", first) == sum(opened.rows[1].values())
    assert shards.load_shard("a run", first) == 0
    assert shards.load_shard("a run", second) == sum(opened.rows[2].values())
    assert ask(f"SELECT count(*) FROM {STAGING}.users") == [(12 * BLOCK_USERS,)]


def test_a_shard_of_another_plan_or_load_is_refused(opened: GenerationPlan) -> None:
    shard = opened.shards()[0]
    others = shards_of(COUNTS, Shop(seed=7, as_of=SHOP.as_of, history_days=200), opened.blocks, generator=1)
    with pytest.raises(DatabaseError, match=r"another plan than the load a run: generator, shop differ\. Install"):
        shards.load_shard("a run", others[0])
    with pytest.raises(DatabaseError, match=r"no load another run is in progress .* differs from that of the run"):
        shards.load_shard("another run", shard)
    assert ask(f"SELECT count(*) FROM {STAGING}.users") == [(0,)]


def test_worker_frozen_during_copy_is_terminated(opened: GenerationPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frozen machine still acknowledges packets, and no timeout of the server ends a COPY that waits for data."""
    monkeypatch.setattr(ledger, "LOCK_TIMEOUT", "200ms")
    shard, started, thawed, errors = opened.shards()[0], threading.Event(), threading.Event(), []

    class Frozen:
        def read(self, _: int) -> bytes:
            started.set()
            thawed.wait()
            return b""

    def freeze() -> None:
        with pytest.raises(DatabaseError) as gave_up, db.transaction("owner") as connection:
            ledger.prepare_session(connection, "a run", 1)
            ledger.claim(connection, "a run", 1, shard.plan, shards.BLOCK_TABLES)
            with connection.connection.cursor() as cursor:
                cursor.copy_expert(f"COPY {STAGING}.users (email) FROM STDIN", Frozen())
        errors.append(str(gave_up.value))

    frozen = threading.Thread(target=freeze, daemon=True)
    frozen.start()
    started.wait()
    assert shards.load_shard("a run", shard) == sum(opened.rows[1].values())
    thawed.set()
    frozen.join()
    assert "PostgreSQL reported" in errors[0]


def test_a_ledger_that_differs_from_the_plan_is_refused(ready: None, tmp_path: Path) -> None:
    path = planned(tmp_path / "plan", part_blocks=6) / "generation_plan.json"
    known = json.loads(path.read_text())
    known["rows"][2]["orders"] += 1
    path.write_text(json.dumps(known))
    with pytest.raises(DataError, match="1 shards differ from the counts of 02_generate, such as shard 2 of orders"):
        load.replace(tmp_path / "plan", as_of=AS_OF, engine=HERE)
    assert ask("SELECT to_regnamespace(:name)", name=STAGING) == [(None,)]


def test_tables_that_differ_from_the_ledger_are_refused(
    ready: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(tmp_path / "plan", part_blocks=6)
    counts = ledger.rows

    def with_a_row_missing(main: sa.Connection, run_id: str) -> dict[tuple[str, int], int]:
        db.run(main, f"DELETE FROM {STAGING}.events WHERE ctid = (SELECT min(ctid) FROM {STAGING}.events)")
        return counts(main, run_id)

    monkeypatch.setattr(ledger, "rows", with_a_row_missing)
    with pytest.raises(DataError, match=r"the tables have .* expected .* as in the ledger.*data is unchanged"):
        load.replace(tmp_path / "plan", as_of=AS_OF, engine=HERE)


def test_remote_workers_need_a_server_that_they_can_reach(
    ready: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(tmp_path / "plan", SAMPLE_COUNTS, SAMPLE_SHOP)
    monkeypatch.setattr(shards, "external_url", lambda: None)
    with pytest.raises(UsageError, match="cannot reach the private PostgreSQL of this machine"):
        load.replace(tmp_path / "plan", as_of=AS_OF, engine=Engine("dask", "tls://10.0.0.5:8786"))


def test_a_remote_worker_without_database_url_starts_no_server(own_folders: Path) -> None:
    shard = shards_of(COUNTS, SHOP, [range(1)])[0]
    with pytest.raises(UsageError, match=r"has no database\. Start it with the DATABASE_URL of the run"):
        shards._load_remote("a run", shard)
    assert not (own_folders / "postgres").exists()


def test_a_plan_of_another_generator_version_is_refused(ready: None, tmp_path: Path) -> None:
    path = planned(tmp_path / "plan", part_blocks=6) / "generation_plan.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"generator": 1}))
    with pytest.raises(DataError, match=r"version 1 of the generator.*Run 02_generate again"):
        load.replace(tmp_path / "plan", as_of=AS_OF)
