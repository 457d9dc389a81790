"""Locks: the workbook's own, so that one run loads at a time, and waiting briefly for tables that others hold."""

import contextlib
from collections.abc import Iterator, Sequence

import psycopg2.errors
import sqlalchemy as sa

from lib.db.connection import begin, run, sql
from lib.errors import DatabaseError

__all__ = ["blockers", "hold", "lock", "not_had"]

LOCK = {"name": "shop-analytics-workbook"}


def lock(connection: sa.Connection) -> None:
    """Take the workbook's lock until the transaction ends; raises DatabaseError, naming who loads since when."""
    _take_lock(connection, "SELECT pg_try_advisory_xact_lock(hashtext(:name), 0)", local=True)


@contextlib.contextmanager
def hold(connection: sa.Connection) -> Iterator[None]:
    """The workbook's lock for the block, over several transactions of the connection; raises as `lock` does.

    A lost connection loses the lock: what follows must stay on this one.
    """
    with begin(connection):
        _take_lock(connection, "SELECT pg_try_advisory_lock(hashtext(:name), 0)", local=False)
    try:
        yield
    finally:
        # Whatever hinders this, the end of the session frees the lock; what was done must not count as failed for it.
        if not connection.invalidated:
            with contextlib.suppress(sa.exc.DBAPIError), begin(connection):
                connection.execute(sa.text("SELECT pg_advisory_unlock(hashtext(:name), 0)"), LOCK)
                run(connection, "RESET application_name")


def _take_lock(connection: sa.Connection, statement: str, *, local: bool) -> None:
    if connection.execute(sa.text(statement), LOCK).scalar():
        connection.execute(sa.text(sql("schema/lock_since")), {"local": local})
        return
    holder = connection.execute(sa.text(sql("schema/lock_holder")), LOCK).first()
    who = f"{holder.application_name} (server process {holder.pid})" if holder else "one that has just begun"
    raise DatabaseError(f"another run is loading: {who}; wait until it has ended, then run again")


def not_had(error: BaseException) -> bool:
    """Whether the error means that a lock could not be had within lock_timeout."""
    return isinstance(error, sa.exc.OperationalError) and isinstance(error.orig, psycopg2.errors.LockNotAvailable)


def blockers(connection: sa.Connection, relations: Sequence[str]) -> str:
    """The sessions that hold a lock on one of the relations, in words."""
    rows = connection.execute(sa.text(sql("schema/lock_blockers")), {"relations": list(relations)})
    return ", ".join(f"{row.application_name} (server process {row.pid})" for row in rows) or "other sessions"
