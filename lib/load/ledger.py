"""The ledger of a distributed load: records each shard in the transaction of its rows, so it is loaded exactly once."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
import tenacity

from lib.db.connection import run, sql
from lib.db.locks import lock_timed_out
from lib.errors import DatabaseError

__all__ = ["claim", "open_plan", "prepare_session", "record", "rows", "terminate_sessions"]

NAME = "workbook shard"  # start of the application_name of sessions that load shards
NAME_LENGTH = 63  # bytes of an application_name that PostgreSQL keeps
# If a claim blocks longer than this, terminate the session that holds it: Dask has declared its worker dead (frozen or
# cut off), or it would not have given the shard to another one.
LOCK_TIMEOUT = "10s"
IDLE_TIMEOUT = "60s"  # for the next rows of a shard, in an open transaction
TRIES = 3


def open_plan(connection: sa.Connection, run_id: str, plan: Mapping[str, Any]) -> None:
    """Start the ledger of a load. Earlier ledgers are deleted, so workers that still load shards of them are refused.

    Args:
        connection: In a transaction.
        run_id: Identifies the load.
        plan: The facts that all its shards share, as JSON types.
    """
    run(connection, "DELETE FROM workbook.load_plans")
    statement = "INSERT INTO workbook.load_plans (run_id, plan) VALUES (:run_id, CAST(:plan AS jsonb))"
    connection.execute(sa.text(statement), {"run_id": run_id, "plan": json.dumps(plan)})


def prepare_session(connection: sa.Connection, run_id: str, shard: int) -> None:
    """Name the session after the shard and set its timeouts, until the transaction ends."""
    run(connection, f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    run(connection, f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_TIMEOUT}'")
    name = {"name": _session_name(run_id, shard)}
    connection.execute(sa.text("SELECT set_config('application_name', :name, true)"), name)


def _session_name(run_id: str, shard: int) -> str:
    return f"{NAME} {shard} of {run_id}".encode()[:NAME_LENGTH].decode(errors="ignore")


def claim(connection: sa.Connection, run_id: str, shard: int, plan: Mapping[str, Any], tables: list[str]) -> bool:
    """Enter the tables of a shard in the ledger; another session that claims it waits until this transaction ends.

    If that takes longer than LOCK_TIMEOUT, the waiting session terminates the one that holds the claim.

    Returns:
        Whether its rows must be loaded now; if not, another transaction has loaded them.

    Raises:
        DatabaseError: No such load is in progress in this database, or it has another plan.
    """
    retry = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lock_timed_out),
        stop=tenacity.stop_after_attempt(TRIES),
        before_sleep=lambda _: terminate_sessions(connection, _session_name(run_id, shard)),
        reraise=True,
    )
    return retry(_try_claim, connection, run_id, shard, plan, tables)


def _try_claim(connection: sa.Connection, run_id: str, shard: int, plan: Mapping[str, Any], tables: list[str]) -> bool:
    with connection.begin_nested():
        _refuse_other_plan(connection, run_id, plan)
        bound = {"run_id": run_id, "shard": shard, "tables": tables}
        claimed = connection.execute(sa.text(sql("load/claim_shard")), bound).scalar_one()
    return bool(claimed == len(tables))


def _refuse_other_plan(connection: sa.Connection, run_id: str, plan: Mapping[str, Any]) -> None:
    found = connection.execute(sa.text(sql("load/load_plan")), {"run_id": run_id}).scalar()
    if found is None:
        raise DatabaseError(
            f"no load {run_id} is in progress in this database: it has ended, or the worker's DATABASE_URL differs "
            "from that of the run. Set the same DATABASE_URL for the run and its workers."
        )
    if found != plan:
        differ = sorted(name for name in found.keys() | plan.keys() if found.get(name) != plan.get(name))
        raise DatabaseError(
            f"the shard has another plan than the load {run_id}: {', '.join(differ)} differ. "
            "Install the same version of the workbook on all workers, then run again."
        )


def record(connection: sa.Connection, run_id: str, shard: int, rows_by_table: Mapping[str, int]) -> None:
    """Record the numbers of rows of a claimed shard."""
    bound = [{"run_id": run_id, "shard": shard, "table": table, "rows": rows} for table, rows in rows_by_table.items()]
    connection.execute(sa.text(sql("load/record_shard")), bound)


def rows(connection: sa.Connection, run_id: str) -> dict[tuple[str, int], int]:
    """Recorded numbers of rows, by table and shard."""
    found = connection.execute(sa.text(sql("load/ledger")), {"run_id": run_id})
    return {(row.table_name, row.shard): row.rows for row in found}


def terminate_sessions(connection: sa.Connection, name: str = f"{NAME} %") -> None:
    """Terminate the sessions that load shards, all or those of this name; PostgreSQL rolls their rows back."""
    with connection.begin_nested() as savepoint:
        # pg_terminate_backend requires the role that owns the session, so drop back to the login role.
        run(connection, "SET LOCAL ROLE NONE")
        connection.execute(sa.text(sql("load/terminate_sessions")), {"pattern": name})
        savepoint.rollback()  # restores the role
