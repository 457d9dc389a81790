"""The advisory lock that allows one load at a time, and the sessions that block a lock on a table."""

import contextlib
from collections.abc import Iterator, Sequence

import psycopg2.errors
import sqlalchemy as sa

from lib.db.connection import begin, run, sql
from lib.errors import DatabaseError

__all__ = ["blockers", "hold", "lock", "lock_timed_out"]

LOCK = {"name": "shop-analytics-workbook"}


def lock(connection: sa.Connection) -> None:
    """Take the workbook's lock until the transaction ends.

    Raises:
        DatabaseError: Another run holds the lock; the message names its session and since when.
    """
    _take_lock(connection, "SELECT pg_try_advisory_xact_lock(hashtext(:name), 0)", local=True)


@contextlib.contextmanager
def hold(connection: sa.Connection) -> Iterator[None]:
    """Hold the workbook's lock for the block, across several transactions of this connection.

    The lock is lost with the connection, so everything it protects must use the same one.

    Raises:
        DatabaseError: Another run holds the lock; the message names its session and since when.
    """
    with begin(connection):
        _take_lock(connection, "SELECT pg_try_advisory_lock(hashtext(:name), 0)", local=False)
    try:
        yield
    finally:
        # If unlocking fails, the end of the session releases the lock; finished work must not be reported as failed.
        if not connection.invalidated:
            with contextlib.suppress(sa.exc.DBAPIError), begin(connection):
                connection.execute(sa.text("SELECT pg_advisory_unlock(hashtext(:name), 0)"), LOCK)
                run(connection, "RESET application_name")


def _take_lock(connection: sa.Connection, statement: str, *, local: bool) -> None:
    if connection.execute(sa.text(statement), LOCK).scalar():
        connection.execute(sa.text(sql("schema/lock_since")), {"local": local})
        return
    holder = connection.execute(sa.text(sql("schema/lock_holder")), LOCK).first()
    session = f"{holder.application_name} (server process {holder.pid})" if holder else "a run that has just begun"
    raise DatabaseError(f"another run is loading: {session}. Wait until it has finished, then run again.")


def lock_timed_out(error: BaseException) -> bool:
    """Whether the error means that a lock was not granted within lock_timeout."""
    return isinstance(error, sa.exc.OperationalError) and isinstance(error.orig, psycopg2.errors.LockNotAvailable)


def blockers(connection: sa.Connection, relations: Sequence[str]) -> str:
    """The sessions that hold a lock on one of the relations, as text: `psql (server process 42)`."""
    rows = connection.execute(sa.text(sql("schema/lock_blockers")), {"relations": list(relations)})
    return ", ".join(f"{row.application_name} (server process {row.pid})" for row in rows) or "other sessions"
