"""The ledger of a load in parts: which part is there, written with its rows, so that none is there twice or half."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
import tenacity

from lib.db.connection import run, sql
from lib.db.locks import lock_timed_out
from lib.errors import DatabaseError

__all__ = ["claim", "end_parts", "fill", "open_plan", "rows", "session_of"]

NAME = "workbook part"  # the beginning of the names of sessions that load parts
NAME_LENGTH = 63  # bytes that PostgreSQL keeps of a session's name
# Who waits for so long for a part that somebody else has claimed ends that session: it is that of a worker whom Dask
# has given up, frozen or cut off, or else the part would not have been asked for again.
LOCK_TIMEOUT = "10s"
IDLE_TIMEOUT = "60s"  # for the next rows of a part, in an open transaction
TRIES = 3


def open_plan(connection: sa.Connection, run_id: str, plan: Mapping[str, Any]) -> None:
    """Begin the ledger of a load, empty; the earlier ones go, so that whoever still loads parts of them is refused."""
    run(connection, "DELETE FROM workbook.load_plans")
    statement = "INSERT INTO workbook.load_plans (run_id, plan) VALUES (:run_id, CAST(:plan AS jsonb))"
    connection.execute(sa.text(statement), {"run_id": run_id, "plan": json.dumps(plan)})


def session_of(connection: sa.Connection, run_id: str, part: int) -> None:
    """Make this the session of a part until the transaction ends: named after it, and not waiting for ever."""
    run(connection, f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    run(connection, f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_TIMEOUT}'")
    name = {"name": _name(run_id, part)}
    connection.execute(sa.text("SELECT set_config('application_name', :name, true)"), name)


def _name(run_id: str, part: int) -> str:
    return f"{NAME} {part} of {run_id}".encode()[:NAME_LENGTH].decode(errors="ignore")


def claim(connection: sa.Connection, run_id: str, part: int, plan: Mapping[str, Any], tables: list[str]) -> bool:
    """Write the part's tables into the ledger, when it is not there yet: whether its rows are to be loaded now.

    Raises DatabaseError when there is no such load here, or when it goes by another plan.
    """
    retry = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lock_timed_out),
        stop=tenacity.stop_after_attempt(TRIES),
        before_sleep=lambda _: end_parts(connection, _name(run_id, part)),
        reraise=True,
    )
    return retry(_try_claim, connection, run_id, part, plan, tables)


def _try_claim(connection: sa.Connection, run_id: str, part: int, plan: Mapping[str, Any], tables: list[str]) -> bool:
    with connection.begin_nested():
        _refuse_other(connection, run_id, plan)
        bound = {"run_id": run_id, "part": part, "tables": tables}
        free = connection.execute(sa.text(sql("load/claim_part")), bound).scalar_one()
    return free == len(tables)


def _refuse_other(connection: sa.Connection, run_id: str, plan: Mapping[str, Any]) -> None:
    found = connection.execute(sa.text(sql("load/plan_of")), {"run_id": run_id}).scalar()
    if found is None:
        raise DatabaseError(
            f"this database knows of no load {run_id} that is under way: the load has ended, or the worker's "
            "DATABASE_URL names another database than that of the run"
        )
    if found != plan:
        differ = sorted(name for name in found.keys() | plan.keys() if found.get(name) != plan.get(name))
        raise DatabaseError(
            f"the part is of another plan than the load {run_id}: {', '.join(differ)} differ; "
            "let all workers have the same version of the workbook, and run again"
        )


def fill(connection: sa.Connection, run_id: str, part: int, rows_by_table: Mapping[str, int]) -> None:
    """Write down the rows of a claimed part."""
    bound = [{"run_id": run_id, "part": part, "table": table, "rows": rows} for table, rows in rows_by_table.items()]
    connection.execute(sa.text(sql("load/fill_part")), bound)


def rows(connection: sa.Connection, run_id: str) -> dict[tuple[str, int], int]:
    """Rows that the ledger has, by table and part."""
    found = connection.execute(sa.text(sql("load/ledger")), {"run_id": run_id})
    return {(row.table_name, row.part): row.rows for row in found}


def end_parts(connection: sa.Connection, name: str = f"{NAME} %") -> None:
    """End the sessions that load parts, all of them or those of this name; their rows go with them."""
    with connection.begin_nested() as aside:
        run(connection, "SET LOCAL ROLE NONE")  # only who logged in may end what the same one began elsewhere
        connection.execute(sa.text(sql("load/end_parts")), {"pattern": name})
        aside.rollback()  # and the role is again what it was
