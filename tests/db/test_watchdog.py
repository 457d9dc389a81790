"""A server that falls silent is given up; one that is only slow is not."""

import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from lib import db, load
from lib.db import watchdog as module
from lib.db.watchdog import lifeline
from lib.errors import DatabaseError
from tests.conftest import ask, fingerprint
from tests.proxy import StallingProxy, stalling_proxy


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lifeline that asks often; two seconds is the least that libpq waits for an answer."""
    for name, value in {"ASK_EVERY_S": 0.2, "PATIENCE_S": 2, "SILENCES": 1}.items():
        monkeypatch.setattr(module, name, value)


@pytest.fixture
def stalling(demo_database: sa.URL, configure, hasty: None) -> StallingProxy:
    """The demo database behind a proxy that can fall silent."""
    with stalling_proxy(demo_database.host, demo_database.port) as proxy:
        behind = demo_database.set(drivername="postgresql", port=proxy.port)
        configure(DATABASE_URL=behind.render_as_string(hide_password=False))
        yield proxy
        db.engine().dispose()


def test_a_slow_answer_is_waited_for(demo_database: sa.URL, hasty: None) -> None:
    with lifeline(), db.transaction() as connection:
        assert connection.execute(sa.text("SELECT pg_sleep(1)")).rowcount == 1


def test_a_wait_for_a_silent_server_ends(stalling: StallingProxy) -> None:
    with (
        pytest.raises(DatabaseError, match=r"has not answered for .* s, so the connection was given up; look at"),
        lifeline(),
        db.transaction() as connection,
    ):
        threading.Timer(0.3, stalling.stall).start()
        connection.execute(sa.text("SELECT pg_sleep(1)"))


def test_a_connection_is_watched_from_its_first_question(stalling: StallingProxy, demo_folder: Path) -> None:
    with db.transaction() as pooled:
        assert pooled.execute(sa.text("SELECT 1")).scalar() == 1
    sa.event.listen(db.engine(), "connect", lambda *_: stalling.stall(), insert=True)
    with pytest.raises(DatabaseError, match="has not answered"):
        load.append(demo_folder, as_of="2025-07-01")


@pytest.mark.parametrize("step", ["hold", "copy_rows", "build", "swap"])
def test_a_load_from_a_silent_server_ends(
    stalling: StallingProxy, demo_database: sa.URL, demo_folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = fingerprint()
    replacing = load.replacing
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


def test_a_refusal_is_an_answer(closed_port: int, server: sa.URL) -> None:
    assert module._answers({"host": "localhost", "port": closed_port, "dbname": "shop"})
    assert module._answers({"host": server.host, "port": server.port, "user": "nobody", "dbname": "none"})


def test_a_connection_lives_on_when_the_block_has_ended(demo_database: sa.URL, hasty: None) -> None:
    with db.connect() as before:
        with lifeline(), db.connect() as inside:
            assert inside.execute(sa.text("SELECT 1")).scalar() == 1
        assert before.execute(sa.text("SELECT 1")).scalar() == 1
    assert ask("SELECT 1") == [(1,)]
