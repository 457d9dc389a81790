"""The workbook's lock: one run at a time, its holder is named, and it is released with the holder's session."""

import pytest
import sqlalchemy as sa

from lib import db
from lib.db import locks
from lib.errors import DatabaseError
from tests.conftest import ask

HELD = (
    r"another run is loading: workbook pid \d+ since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    r" \(server process {pid}\)\. Wait"
)


def test_lock_is_held_until_the_transaction_ends(empty_database: sa.URL) -> None:
    with db.transaction() as first:
        locks.lock(first)
        locks.lock(first)
        pid = first.execute(sa.text("SELECT pg_backend_pid()")).scalar()
        with pytest.raises(DatabaseError, match=HELD.format(pid=pid)), db.transaction() as second:
            locks.lock(second)
    with db.transaction() as third:
        locks.lock(third)


def test_lock_can_be_held_across_transactions(empty_database: sa.URL) -> None:
    with db.connect() as first:
        with locks.hold(first):
            with db.begin(first):
                pid = first.execute(sa.text("SELECT pg_backend_pid()")).scalar()
            with pytest.raises(DatabaseError, match=HELD.format(pid=pid)), db.transaction() as second:
                locks.lock(second)
        with db.begin(first):
            name = first.execute(sa.text("SELECT current_setting('application_name')")).scalar()
    assert " since " not in name
    with db.transaction() as third:
        locks.lock(third)


def test_lock_is_released_when_the_connection_is_lost(empty_database: sa.URL) -> None:
    with pytest.raises(DatabaseError, match="PostgreSQL reported"), db.connect() as first, locks.hold(first):
        with db.begin(first):
            pid = first.execute(sa.text("SELECT pg_backend_pid()")).scalar()
        ask("SELECT pg_terminate_backend(:pid, 5000)", pid=pid)
        with db.begin(first):
            db.run(first, "SELECT 1")
    with db.transaction() as third:
        locks.lock(third)


def test_blocking_sessions_are_named(demo_database: sa.URL) -> None:
    with db.transaction() as reader, db.transaction() as asking:
        pid = reader.execute(sa.text("SELECT pg_backend_pid() FROM orders LIMIT 1")).scalar()
        assert f"(server process {pid})" in locks.blockers(asking, ["public.orders", "public.users"])
        assert locks.blockers(asking, ["public.users"]) == "other sessions"
