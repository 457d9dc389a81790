"""The schema that a load is built in: made empty, gone at the end, and with it who still works for an ended load."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa

from lib import schema
from lib.database import begin, run
from lib.load import ledger

__all__ = ["STAGING", "staging"]

STAGING = "workbook_next"


@contextmanager
def staging(main: sa.Connection) -> Iterator[None]:
    """No schema STAGING, without what a killed run left there; it goes when the block ends, however it does.

    Only the connection that holds the lock may drop it: another one could meet the schema of the next run.
    """
    with begin(main, "owner"):
        schema.create_own(main)
        schema.refuse_drift(main)
        _drop(main)
    try:
        yield
    finally:
        if not main.invalidated:
            with suppress(sa.exc.DBAPIError), begin(main, "owner"):
                _drop(main)


def _drop(main: sa.Connection) -> None:
    """Drop the schema; workers that still load parts of an ended load would be waited for."""
    ledger.end_parts(main)
    run(main, f"DROP SCHEMA IF EXISTS {STAGING} CASCADE")
