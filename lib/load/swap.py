"""The staging schema that a load is built in, and the swap of its tables with those of `public`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa
import tenacity

from lib.catalog import tables
from lib.db import schema, views
from lib.db.connection import begin, run, sql
from lib.db.locks import blockers, lock_timed_out
from lib.errors import DatabaseError
from lib.load import ledger

__all__ = ["STAGING", "copy_additions", "refuse_obstacles", "staging", "swap"]

STAGING = "workbook_next"
LOCK_TIMEOUT = "100ms"  # shorter than deadlock_timeout, so that no reader is chosen as the victim of a deadlock
GIVE_UP_SECONDS = 60


@contextmanager
def staging(main: sa.Connection) -> Iterator[None]:
    """Drop the staging schema at entry and exit; terminate the sessions of workers that still load into it.

    Only the connection that holds the workbook's lock may drop it: another one could hit the schema of the next run.
    """
    with begin(main, "owner"):
        schema.create_workbook_schema(main)
        schema.refuse_drift(main)
        _drop(main)
    try:
        yield
    finally:
        if not main.invalidated:
            with suppress(sa.exc.DBAPIError), begin(main, "owner"):
                _drop(main)


def _drop(main: sa.Connection) -> None:
    """Drop the schema, without waiting for workers that still load shards of a load that has ended."""
    ledger.terminate_sessions(main)
    run(main, f"DROP SCHEMA IF EXISTS {STAGING} CASCADE")


def refuse_obstacles(connection: sa.Connection) -> None:
    """Raise DatabaseError if people added something to the tables that new tables cannot get: policies, rules, ..."""
    found = [row.obstacle for row in _rows(connection, "obstacles", tables=_present(connection))]
    if found:
        raise DatabaseError(
            f"replacing the tables would lose {', '.join(found)}. "
            "Drop these, or append rows instead of replacing them with load_mode: append."
        )


def copy_additions(connection: sa.Connection) -> None:
    """Create in the staging schema the indexes, triggers and constraints that people added to the old tables."""
    for row in _rows(connection, "additions", schema=STAGING, tables=list(tables())):
        run(connection, row.statement)


def swap(connection: sa.Connection) -> None:
    """Drop the tables of `public` and move the staged ones there; visible to all when the transaction commits.

    Views that depend on them, owners and permissions are restored.

    Raises:
        DatabaseError: The locks were not granted within a minute; the message names the sessions that block them.
    """
    retry = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lock_timed_out),
        stop=tenacity.stop_after_delay(GIVE_UP_SECONDS),
        wait=tenacity.wait_random_exponential(multiplier=0.05, max=2),
        reraise=True,
    )
    try:
        retry(_try_swap, connection)
    except sa.exc.OperationalError as error:
        if not lock_timed_out(error):
            raise
        raise DatabaseError(
            f"cannot swap in the new tables: no lock within {GIVE_UP_SECONDS} s because of {_blockers(connection)}; "
            "nothing was changed. End those sessions and run again."
        ) from error


def _try_swap(connection: sa.Connection) -> None:
    """Swap in a savepoint, so that a retry starts without locks: holding some while waiting for others can deadlock."""
    with connection.begin_nested():
        run(connection, f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        old = _present(connection)
        if old:
            run(connection, f"LOCK TABLE {', '.join(old)} IN ACCESS EXCLUSIVE MODE")
        grants = views.take_grants(connection, old)
        owners = _rows(connection, "owners", tables=old, schema=STAGING)
        with views.set_aside(connection, old):
            drop_tables = [f"DROP TABLE {', '.join(old)}"] if old else []
            moves = [f"ALTER TABLE {STAGING}.{name} SET SCHEMA public" for name in tables()]
            run(connection, "; ".join([*drop_tables, *moves]))
            for table in owners:
                run(connection, f"ALTER TABLE {table.name} OWNER TO {table.owner}")
        for statement in grants:
            run(connection, statement)


def _present(connection: sa.Connection) -> list[str]:
    """Those of our tables that exist in `public`."""
    names = [f"public.{name}" for name in tables()]
    found = connection.execute(sa.text("SELECT to_regclass(name) FROM unnest(:names) AS name"), {"names": names})
    return [name for name, present in zip(names, found.scalars(), strict=True) if present]


def _blockers(connection: sa.Connection) -> str:
    old = _present(connection)
    return blockers(connection, old + [view.name for view in views.dependents(connection, old)])


def _rows(connection: sa.Connection, name: str, **bound: list[str] | str) -> list[sa.Row[Any]]:
    """Rows of lib/sql/swap/<name>.sql."""
    return list(connection.execute(sa.text(sql(f"swap/{name}")), bound))
