"""The ledger of a distributed load: each shard is recorded in the transaction of its rows, so it loads exactly once."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
import tenacity

from lib.db.connection import run, sql
from lib.db.locks import lock_timed_out
from lib.errors import DatabaseError

__all__ = ["claim", "fill", "open_plan", "rows", "session_of", "terminate_workers"]

NAME = "workbook part"  # prefix of application_name in sessions that load shards
NAME_LENGTH = 63  # bytes of application_name that PostgreSQL keeps
# If a claim blocks longer than this, terminate the session that holds it: Dask has declared its worker dead, frozen or
# disconnected, or it would not have scheduled the shard again.
LOCK_TIMEOUT = "10s"
IDLE_TIMEOUT = "60s"  # between two batches of a shard, in its transaction
TRIES = 3


def open_plan(connection: sa.Connection, run_id: str, plan: Mapping[str, Any]) -> None:
    """Start the ledger of a load; earlier ones are deleted, so that workers of an ended load are refused."""
    run(connection, "DELETE FROM workbook.load_plans")
    statement = "INSERT INTO workbook.load_plans (run_id, plan) VALUES (:run_id, CAST(:plan AS jsonb))"
    connection.execute(sa.text(statement), {"run_id": run_id, "plan": json.dumps(plan)})


def session_of(connection: sa.Connection, run_id: str, part: int) -> None:
    """Name the session after its shard and set its time-outs, until the transaction ends."""
    run(connection, f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    run(connection, f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_TIMEOUT}'")
    name = {"name": _name(run_id, part)}
    connection.execute(sa.text("SELECT set_config('application_name', :name, true)"), name)


def _name(run_id: str, part: int) -> str:
    return f"{NAME} {part} of {run_id}".encode()[:NAME_LENGTH].decode(errors="ignore")


def claim(connection: sa.Connection, run_id: str, part: int, plan: Mapping[str, Any], tables: list[str]) -> bool:
    """Claim a shard in the ledger; returns False if it is already loaded.

    Raises:
        DatabaseError: The load does not exist in this database, or has another plan.
    """
    retry = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lock_timed_out),
        stop=tenacity.stop_after_attempt(TRIES),
        before_sleep=lambda _: terminate_workers(connection, _name(run_id, part)),
        reraise=True,
    )
    return bool(retry(_try_claim, connection, run_id, part, plan, tables))


def _try_claim(connection: sa.Connection, run_id: str, part: int, plan: Mapping[str, Any], tables: list[str]) -> bool:
    with connection.begin_nested():
        _refuse_other(connection, run_id, plan)
        bound = {"run_id": run_id, "part": part, "tables": tables}
        free = connection.execute(sa.text(sql("load/claim_part")), bound).scalar_one()
    return bool(free == len(tables))


def _refuse_other(connection: sa.Connection, run_id: str, plan: Mapping[str, Any]) -> None:
    found = connection.execute(sa.text(sql("load/plan_of")), {"run_id": run_id}).scalar()
    if found is None:
        raise DatabaseError(
            f"no load {run_id} is in progress in this database: the load has ended, or the DATABASE_URL of the worker "
            "differs from that of the run"
        )
    if found != plan:
        differ = sorted(name for name in found.keys() | plan.keys() if found.get(name) != plan.get(name))
        raise DatabaseError(
            f"the shard belongs to another plan than the load {run_id}: {', '.join(differ)} differ. "
            "Install the same version of the workbook on all workers and run again"
        )


def fill(connection: sa.Connection, run_id: str, part: int, rows_by_table: Mapping[str, int]) -> None:
    """Record the row counts of a claimed shard."""
    bound = [{"run_id": run_id, "part": part, "table": table, "rows": rows} for table, rows in rows_by_table.items()]
    connection.execute(sa.text(sql("load/fill_part")), bound)


def rows(connection: sa.Connection, run_id: str) -> dict[tuple[str, int], int]:
    """Row counts in the ledger, by table and shard."""
    found = connection.execute(sa.text(sql("load/ledger")), {"run_id": run_id})
    return {(row.table_name, row.part): row.rows for row in found}


def terminate_workers(connection: sa.Connection, name: str = f"{NAME} %") -> None:
    """Terminate sessions that load shards, all of them or those with this name; their rows are rolled back."""
    with connection.begin_nested() as savepoint:
        # Terminating a session needs the role that owns it: drop back to the login role.
        run(connection, "SET LOCAL ROLE NONE")
        connection.execute(sa.text(sql("load/terminate_workers")), {"pattern": name})
        savepoint.rollback()  # restores the role
