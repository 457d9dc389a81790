"""Connections to a server that stops answering are closed; a slow server is waited for."""

import importlib
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from lib import db, load
from lib.db import watchdog as module
from lib.db.watchdog import connection_watchdog
from lib.errors import DatabaseError
from tests.conftest import ask, fingerprint
from tests.proxy import StallingProxy, stalling_proxy


@pytest.fixture
def fast_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watchdog that probes often; two seconds is the shortest connect_timeout of libpq."""
    for name, value in {"PROBE_EVERY_S": 0.2, "PROBE_TIMEOUT_S": 2, "FAILED_PROBES": 1}.items():
        monkeypatch.setattr(module, name, value)


@pytest.fixture
def stalling(demo_database: sa.URL, configure, fast_probes: None) -> StallingProxy:
    """The demo database behind a proxy that can stop forwarding."""
    with stalling_proxy(demo_database.host, demo_database.port) as proxy:
        behind = demo_database.set(drivername="postgresql", port=proxy.port)
        configure(DATABASE_URL=behind.render_as_string(hide_password=False))
        yield proxy
        db.engine().dispose()


def test_slow_statement_is_waited_for(demo_database: sa.URL, fast_probes: None) -> None:
    with connection_watchdog(), db.transaction() as connection:
        assert connection.execute(sa.text("SELECT pg_sleep(1)")).rowcount == 1


def test_wait_for_a_stopped_server_ends(stalling: StallingProxy) -> None:
    with (
        pytest.raises(
            DatabaseError, match=r"has not answered for .* s, so its connections were closed: .*\. Check the server"
        ),
        connection_watchdog(),
        db.transaction() as connection,
    ):
        threading.Timer(0.3, stalling.stall).start()
        connection.execute(sa.text("SELECT pg_sleep(1)"))


def test_connection_is_watched_from_its_first_query(stalling: StallingProxy, demo_folder: Path) -> None:
    with db.transaction() as pooled:
        assert pooled.execute(sa.text("SELECT 1")).scalar() == 1
    sa.event.listen(db.engine(), "connect", lambda *_: stalling.stall(), insert=True)
    with pytest.raises(DatabaseError, match="has not answered"):
        load.append(demo_folder, as_of="2025-07-01")


@pytest.mark.parametrize("step", ["hold", "copy_rows", "build", "swap"])
def test_load_from_a_stopped_server_ends(
    stalling: StallingProxy, demo_database: sa.URL, demo_folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = fingerprint()
    replacing = importlib.import_module("lib.load.replace")
    original = getattr(replacing, step)

    def stalled(*arguments: object, **named: object) -> object:
        stalling.stall()
        return original(*arguments, **named)

    monkeypatch.setattr(replacing, step, stalled)
    started = time.monotonic()
    with pytest.raises(DatabaseError, match="has not answered"):
        load.replace(demo_folder, as_of="2025-07-01")
    assert time.monotonic() - started < 10
    monkeypatch.setenv("DATABASE_URL", demo_database.set(drivername="postgresql").render_as_string(hide_password=False))
    assert fingerprint() == before


def test_refused_connection_counts_as_an_answer(closed_port: int, server: sa.URL) -> None:
    assert module._answers({"host": "localhost", "port": closed_port, "dbname": "shop"})
    assert module._answers({"host": server.host, "port": server.port, "user": "nobody", "dbname": "none"})


def test_connection_stays_open_after_the_block(demo_database: sa.URL, fast_probes: None) -> None:
    with db.connect() as before:
        with connection_watchdog(), db.connect() as inside:
            assert inside.execute(sa.text("SELECT 1")).scalar() == 1
        assert before.execute(sa.text("SELECT 1")).scalar() == 1
    assert ask("SELECT 1") == [(1,)]
