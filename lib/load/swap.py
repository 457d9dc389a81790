"""The staging schema of a load, and the swap of its tables into `public`, keeping what users added there."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa
import tenacity

from lib.catalog import tables
from lib.db import schema
from lib.db.connection import begin, run, sql
from lib.db.locks import blockers, lock_timed_out
from lib.errors import DatabaseError
from lib.load.distributed import ledger

__all__ = ["STAGING", "refuse_obstacles", "staging", "swap", "take_over_additions"]

STAGING = "workbook_next"
LOCK_TIMEOUT = "100ms"  # below deadlock_timeout, so that no reader becomes the victim of a deadlock
GIVE_UP_SECONDS = 60


@contextmanager
def staging(main: sa.Connection) -> Iterator[None]:
    """Drop the staging schema before and after the block; leftover worker sessions are terminated.

    Only the connection that holds the lock may drop it: another one could drop the schema of the next run.
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
    """Drop the schema, after terminating workers that still load shards of an ended load and would block the drop."""
    ledger.terminate_workers(main)
    run(main, f"DROP SCHEMA IF EXISTS {STAGING} CASCADE")


def refuse_obstacles(connection: sa.Connection) -> None:
    """Raise DatabaseError if users added objects to the tables that new tables cannot take over; names them."""
    found = [row.obstacle for row in _rows(connection, "obstacles", tables=_present(connection))]
    if found:
        raise DatabaseError(
            f"replacing the tables would lose {', '.join(found)}. "
            "Drop these, or append rows instead of replacing them with load_mode: append"
        )


def take_over_additions(connection: sa.Connection, schema: str) -> None:
    """Add the indexes, triggers and constraints that users added to the tables of `public` to those of `schema`."""
    for row in _rows(connection, "additions", schema=schema, tables=list(tables())):
        run(connection, row.statement)


def swap(connection: sa.Connection, schema: str) -> None:
    """Drop the tables of `public` and move those of `schema` there; visible to all when the transaction commits.

    Raises:
        DatabaseError: The locks are not available within GIVE_UP_SECONDS; names the sessions that hold them.
    """
    retry = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lock_timed_out),
        stop=tenacity.stop_after_delay(GIVE_UP_SECONDS),
        wait=tenacity.wait_random_exponential(multiplier=0.05, max=2),
        reraise=True,
    )
    try:
        retry(_try_swap, connection, schema)
    except sa.exc.OperationalError as error:
        if not lock_timed_out(error):
            raise
        raise DatabaseError(
            f"the tables could not be swapped within {GIVE_UP_SECONDS} s because of {_blockers(connection)}. "
            "End these sessions and run again; no row was changed"
        ) from error


def _try_swap(connection: sa.Connection, schema: str) -> None:
    """Take all locks at once or none, then swap: waiting while holding locks would cause deadlocks."""
    with connection.begin_nested():
        run(connection, f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        old = _present(connection)
        if old:
            run(connection, f"LOCK TABLE {', '.join(old)} IN ACCESS EXCLUSIVE MODE")
        views = _rows(connection, "dependent_views", tables=old)
        grants = _rows(connection, "grants", relations=old + [view.name for view in views])
        owners = _rows(connection, "owners", tables=old, schema=schema)
        drop_views = [f"DROP {view.kind} {view.name}" for view in reversed(views)]
        drop_tables = [f"DROP TABLE {', '.join(old)}"] if old else []
        moves = [f"ALTER TABLE {schema}.{name} SET SCHEMA public" for name in tables()]
        run(connection, "; ".join([*drop_views, *drop_tables, *moves]))
        for table in owners:
            run(connection, f"ALTER TABLE {table.name} OWNER TO {table.owner}")
        for view in views:
            _recreate(connection, view)
        for grant in grants:
            run(connection, f"GRANT {grant.privilege} ON {grant.name} TO {grant.grantee}{grant.option}")


def _present(connection: sa.Connection) -> list[str]:
    names = [f"public.{name}" for name in tables()]
    found = connection.execute(sa.text("SELECT to_regclass(name) FROM unnest(:names) AS name"), {"names": names})
    return [name for name, there in zip(names, found.scalars(), strict=True) if there]


def _blockers(connection: sa.Connection) -> str:
    old = _present(connection)
    views = [view.name for view in _rows(connection, "dependent_views", tables=old)]
    return blockers(connection, old + views)


def _rows(connection: sa.Connection, name: str, **bound: list[str] | str) -> list[sa.Row[Any]]:
    return list(connection.execute(sa.text(sql(f"swap/{name}")), bound))


def _recreate(connection: sa.Connection, view: sa.Row[Any]) -> None:
    owner = connection.dialect.identifier_preparer.quote(view.owner)
    run(connection, f"CREATE {view.kind} {view.name}{view.options} AS {view.definition}")
    run(connection, f"ALTER {view.kind} {view.name} OWNER TO {owner}")
    for statement in view.followed_by:
        run(connection, statement)
