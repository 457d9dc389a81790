"""Fixtures: every test has its own server, database and folders; the user's stay untouched, which is checked."""

import copy
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from lib import db, load, metabase, settings
from lib.catalog import tables
from lib.data import acquire, synthetic
from lib.data.origin import Origin, write_origin
from lib.data.parquet import read_table, write_tables
from lib.db import private, schema
from lib.run import notebook, params
from tests.fake_metabase import API_KEY, FakeMetabase, serving
from tests.runner import Ran, pipeline

notebook.skip_slow_import()
# A server to test against instead of the private one: databases named workbook_test_* are created and dropped there.
TEST_SERVER = "WORKBOOK_TEST_DATABASE_URL"
RETAIL = settings.PROJECT.parent / "shared" / "data" / "online_retail_300_customers.csv.gz"
PASSWORD = "p@ss:/#%w"  # each of its special characters has a meaning in a URL
ENCODED = "p%40ss%3A%2F%23%25w"
NAMES = (f"workbook_test_{secrets.token_hex(6)}" for _ in count())  # unique even if this module is imported twice
# A password that is easy to find where it leaks, and that needs quoting in a URL.
CANARY = "CANARY_9f3@:/#%w"
# Polling intervals of the Metabase client in tests.
SHORT_WAITS = {"client.RETRY_FIRST_S": 0.01, "session.POLL_S": 0.02, "warehouse.POLL_S": 0.02}


# One without clock changes, one of the south, and offsets of half hours.
ZONES = ("UTC", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland", "America/St_Johns", "Europe/London")


# A test that uses one of these needs a server.
SLOW_FIXTURES = {"server", "retail_folder", "zoned_shop", "whole_run", "fake", "browser"}
# These files share the run of `whole_run`, so one worker runs all of them.
ON_THE_WHOLE_RUN = ("tests/load/test_faults.py", "tests/report/test_browser.py", "tests/run/test_pipeline.py")
# Files that take long, the longest first: they begin early, so that no worker is left alone with one of them.
LONG = (
    *ON_THE_WHOLE_RUN,
    "tests/run/test_notebooks.py",
    "tests/load/test_cut_link.py",
    "tests/run/test_jupyterlab.py",
    "tests/load/test_chaos.py",
    "tests/load/test_distributed.py",
    "tests/data/test_tables_format.py",
    "tests/data/test_synthetic.py",
    "tests/data/test_workers.py",
    "tests/metabase/test_metabase_notebook.py",
    "tests/db/test_private.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests slow by their fixtures; others that start a process have the marker themselves. Long files first."""
    for item in items:
        if SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    places = {file: place for place, file in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(LONG)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With --dist loadfile, the files on the whole run count as one file."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "whole run" if file in ON_THE_WHOLE_RUN else file

    return Scheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def _person_untouched() -> Iterator[None]:
    """Fails the session when a test changed a file of the project's own `output` or `.env`."""
    before = _state()
    yield
    assert _state() == before, "a test wrote into the project's output/ or .env"


def _state() -> dict[str, int]:
    """Modification times of these files, except those that a running private server writes."""
    output = settings.PROJECT / "output"
    files = [*output.glob("*"), *output.glob("[!p]*/**/*"), settings.PROJECT / ".env"]
    return {str(path): path.stat().st_mtime_ns for path in files if path.exists()}


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The output folder of this test; no `.env` is read and no database is configured."""
    for name in (
        "DATABASE_URL",
        "DB_HOST",
        "DB_PORT",
        "DB_NAME",
        "DB_USER",
        "DB_PASSWORD",
        "DB_SSLMODE",
        "METABASE_URL",
        "METABASE_API_KEY",
        "METABASE_USER",
        "METABASE_PASSWORD",
        "METABASE_SETUP",
        "METABASE_ALLOW_PLAINTEXT",
        "METABASE_DB_HOST",
        "METABASE_DB_PORT",
        "METABASE_DB_USER",
        "METABASE_DB_PASSWORD",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("WORKBOOK_RUN", raising=False)
    monkeypatch.setenv("WORKBOOK_ENV_FILE", "")
    monkeypatch.setenv("WORKBOOK_OUTPUT", str(tmp_path / "output"))
    return tmp_path / "output"


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch):
    """A function that sets the given settings."""
    return lambda **values: [monkeypatch.setenv(name, str(value)) for name, value in values.items()]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project with its own output, under git."""
    folder = tmp_path / "project"
    for name in git(settings.PROJECT, "ls-files").splitlines():
        if (settings.PROJECT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(settings.PROJECT / name, folder / name)
    git(folder, "init")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-m", "all")
    monkeypatch.setenv("WORKBOOK_OUTPUT", str(folder / "output"))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def closed_port() -> int:
    """A port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def ask(statement: str, **bound: object) -> list:
    """Rows of a statement, run in its own transaction."""
    with db.transaction() as connection:
        result = connection.execute(sa.text(statement), bound)
        return result.all() if result.returns_rows else []


def fingerprint() -> str:
    """Fingerprint of the current database."""
    with db.transaction(read_only=True) as connection:
        return load.fingerprint(connection)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.URL]:
    """A PostgreSQL for this session: its own, or the one that WORKBOOK_TEST_DATABASE_URL names."""
    if given := os.environ.get(TEST_SERVER):
        yield sa.make_url(given).set(drivername="postgresql+psycopg2")
        return
    folder = tmp_path_factory.mktemp("server")
    a = private.start(folder, fsync=False)
    yield sa.URL.create("postgresql+psycopg2", a.user, a.password, a.host, a.port, a.dbname)
    private.reset(folder)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The six Parquet files of the sample shop (params/sample.yml)."""
    folder = tmp_path_factory.mktemp("sample")
    write_tables(synthetic.generate_shop(), folder)
    return folder


@pytest.fixture(scope="session")
def loaded_template(server: sa.URL, demo_folder: Path) -> Iterator[str]:
    """Name of a template database with the sample shop."""
    yield from _template(server, demo_folder, "2025-07-01")


@pytest.fixture(scope="session")
def zoned_shop(server: sa.URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], tuple[Path, str]]]:
    """A function that gives the files of the demo shop in a time zone, and the read-only database with them."""
    with ExitStack() as stack:

        @cache
        def made(time_zone: str) -> tuple[Path, str]:
            folder = tmp_path_factory.mktemp("zoned")
            write_tables(synthetic.generate_shop(shop=synthetic.Shop(time_zone=time_zone)), folder)
            write_origin(folder, Origin("synthetic", time_zone=time_zone))
            return folder, stack.enter_context(contextmanager(_read_only)(server, folder, "2025-07-01"))

        yield made


@pytest.fixture
def zoned_folder(
    server: sa.URL, zoned_shop: Callable[[str], tuple[Path, str]], monkeypatch: pytest.MonkeyPatch, time_zone: str
) -> Iterator[Path]:
    """The files of the demo shop in the test's `time_zone`; the settings point to a read-only database with them."""
    folder, database = zoned_shop(time_zone)
    yield from (folder for _ in _shared_database(server, monkeypatch, database))


@pytest.fixture(scope="session")
def guests_folder(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo shop in which every fourth customer is a guest and every fifth order is free."""
    shop = {name: read_table(demo_folder, name) for name, table in tables().items() if not table.mart}
    users, orders, items = shop["users"], shop["orders"], shop["order_items"]
    free = items["order_id"].isin(orders["order_id"][::5])
    refunds, unpaid = shop["refunds"], orders.index % 5 == 0
    folder = tmp_path_factory.mktemp("guests")
    changed = {
        "users": users.assign(is_guest=users.index % 4 == 0),
        "orders": orders.assign(total_amount=orders["total_amount"].mask(unpaid, Decimal("0.00"))),
        "refunds": refunds[~refunds["order_id"].isin(orders.loc[unpaid, "order_id"])],
        "order_items": items.assign(price_at_time=items["price_at_time"].mask(free, Decimal("0.00"))),
    }
    write_tables(shop | changed, folder)
    return folder


@pytest.fixture(scope="session")
def guests_shop(server: sa.URL, guests_folder: Path) -> Iterator[str]:
    """Name of a read-only database with the shop of guests_folder."""
    yield from _read_only(server, guests_folder, "2025-07-01")


@pytest.fixture
def guests_database(server: sa.URL, guests_shop: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.URL]:
    """A read-only database with the shop of guests_folder; the settings point to it."""
    yield from _shared_database(server, monkeypatch, guests_shop)


@pytest.fixture(scope="session")
def retail_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Parquet files of a real shop's export; skips the test if the export is absent."""
    if not RETAIL.exists():
        pytest.skip(f"no data of a real shop: {RETAIL.name} is not next to the project")
    folder = tmp_path_factory.mktemp("retail")
    values = params.load(params.find("online_retail"), [f"data={RETAIL}"]).values()
    policy = acquire.Policy(values["currency"], values["max_reject_share"], values["on_bad_rows"])
    how = {"seed": 1, "as_of": str(values["as_of"]), "workers": 1, "output": folder, "policy": policy}
    acquire.acquire(values["generate"], values["mapping"], str(RETAIL), **how)
    return folder / "data"


@pytest.fixture(scope="session")
def retail_shop(server: sa.URL, retail_folder: Path) -> Iterator[str]:
    """Name of a read-only database with a real shop."""
    yield from _read_only(server, retail_folder, "2011-12-09")


@pytest.fixture
def retail_database(server: sa.URL, retail_shop: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.URL]:
    """A read-only database with a real shop; the settings point to it."""
    yield from _shared_database(server, monkeypatch, retail_shop)


@pytest.fixture
def empty_database(server: sa.URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.URL]:
    """A new database without tables; the settings point to it."""
    yield from _own_database(server, monkeypatch, "template1")


@pytest.fixture
def demo_database(server: sa.URL, loaded_template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.URL]:
    """A database with the sample shop; the settings point to it."""
    yield from _own_database(server, monkeypatch, loaded_template)


@pytest.fixture(scope="session")
def whole_run(server: sa.URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """The demo pipeline, run once from an empty database to its reports, by a role without special permissions."""
    name, output = next(NAMES), tmp_path_factory.mktemp("whole run") / "output"
    _administer(server, f"CREATE ROLE {name} LOGIN PASSWORD '{CANARY}'")
    _administer(server, f"CREATE DATABASE {name} OWNER {name}")
    address = server.set(drivername="postgresql", username=name, password=CANARY, database=name)
    url = address.render_as_string(hide_password=False)
    yield Ran(output, url, pipeline(output=output, url=url))
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")
    _administer(server, f"DROP ROLE {name}")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMetabase]:
    """A fake Metabase; the settings have its URL and a valid API key. Waits are short."""
    for name, seconds in SHORT_WAITS.items():
        monkeypatch.setattr(f"lib.metabase.{name}", seconds)
    with serving() as fake:
        monkeypatch.setenv("METABASE_URL", fake.url)
        monkeypatch.setenv("METABASE_API_KEY", API_KEY)
        yield fake


@pytest.fixture(scope="session")
def metabase_database(server: sa.URL, loaded_template: str) -> Iterator[sa.URL]:
    """A database with the sample shop and the permissions of the roles, for Metabase to read."""
    name = next(NAMES)
    _copy_database(server, loaded_template, name)
    with pytest.MonkeyPatch.context() as patch:
        _use(patch, server.set(database=name))
        with db.transaction() as connection:
            schema.create(connection)
        db.engine().dispose()
    yield server.set(database=name)
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")
    _administer(server, "DROP ROLE IF EXISTS workbook_metabase")


@pytest.fixture
def site(fake: FakeMetabase, metabase_database: sa.URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMetabase]:
    """The fake Metabase, empty, and settings that point to the sample shop's database.

    No test may send a key that the real server does not know: it would drop it silently.
    """
    _use(monkeypatch, metabase_database)
    monkeypatch.setenv("METABASE_DB_PASSWORD", CANARY)
    yield fake
    assert fake.dropped == []


@pytest.fixture(scope="session")
def publication(metabase_database: sa.URL, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """State of the fake Metabase after the sample shop was published once, and the requests it received."""
    with pytest.MonkeyPatch.context() as patch, serving() as fake:
        _use(patch, metabase_database)
        patch.setenv("WORKBOOK_OUTPUT", str(tmp_path_factory.mktemp("publication")))
        told = {"METABASE_URL": fake.url, "METABASE_API_KEY": API_KEY, "METABASE_DB_PASSWORD": CANARY}
        for name, value in told.items():
            patch.setenv(name, value)
        for name, seconds in SHORT_WAITS.items():
            patch.setattr(f"lib.metabase.{name}", seconds)
        metabase.apply(params.load(params.find("sample")).values())
        db.engine().dispose()
        return {name: copy.deepcopy(value) for name, value in vars(fake).items() if name != "url"}


@pytest.fixture
def published(site: FakeMetabase, publication: dict[str, Any]) -> FakeMetabase:
    """The fake Metabase after the sample shop was published, with an empty list of requests."""
    vars(site).update(copy.deepcopy(publication) | {"requests": []})
    return site


@pytest.fixture
def role(server: sa.URL) -> Iterator[str]:
    """A role that can log in with PASSWORD; request it before the database that grants it something."""
    name = f"{next(NAMES)}_role"
    _administer(server, f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    yield name
    _administer(server, f"DROP ROLE {name}")


def _template(server: sa.URL, folder: Path, as_of: str) -> Iterator[str]:
    name = next(NAMES)
    _copy_database(server, "template1", name)
    with pytest.MonkeyPatch.context() as patch:
        _use(patch, server.set(database=name))
        with db.transaction() as connection:
            schema.create(connection)
        load.replace(folder, as_of=as_of)
        db.engine().dispose()
    yield name
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _own_database(server: sa.URL, monkeypatch: pytest.MonkeyPatch, template: str) -> Iterator[sa.URL]:
    name = next(NAMES)
    _copy_database(server, template, name)
    address = server.set(database=name)
    _use(monkeypatch, address)
    yield address
    db.engine().dispose()
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _read_only(server: sa.URL, folder: Path, as_of: str) -> Iterator[str]:
    for name in _template(server, folder, as_of):
        _administer(server, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        yield name


def _shared_database(server: sa.URL, monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[sa.URL]:
    address = server.set(database=name)
    _use(monkeypatch, address)
    yield address
    db.engine().dispose()


def _copy_database(server: sa.URL, template: str, name: str) -> None:
    # Copying the files takes a sixth of the CPU time of the default strategy, which logs every page.
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")


def _use(patch: pytest.MonkeyPatch, address: sa.URL) -> None:
    patch.setenv("WORKBOOK_ENV_FILE", "")
    patch.setenv("DATABASE_URL", address.set(drivername="postgresql").render_as_string(hide_password=False))


def _administer(server: sa.URL, statement: str) -> None:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
