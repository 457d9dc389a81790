"""Distributed load: each task generates one shard and copies it, exactly once, even if workers fail.

Task engines sometimes run a task twice, when a worker is lost or believed lost. The rows of a shard and its ledger
entry are committed in one transaction, so a second run finds the shard loaded, and no shard is ever half loaded.
Rows of shards cannot be frozen as in `replace`, so transactions with an older snapshot do not see them.
"""

import socket
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from urllib.parse import urlsplit

import pyarrow as pa
import sqlalchemy as sa

from lib.catalog import arrow_schema
from lib.data.synthetic import block_tables, parent_tables
from lib.data.synthetic.plan import PARENTS, GenerationPlan, Shard, cached_plan
from lib.data.workers import Engine
from lib.data.workers import run as run_tasks
from lib.db import roles, schema
from lib.db.connection import begin, connect, run
from lib.db.url import external_url
from lib.db.watchdog import connection_watchdog
from lib.errors import DataError, UsageError
from lib.load.copy import BATCH_ROWS, ahead, copy_batches
from lib.load.distributed import ledger
from lib.load.swap import STAGING
from lib.settings import LOCAL_HOSTS

__all__ = ["fill", "load_part"]

BLOCK_TABLES = ["users", "orders", "order_items", "events"]


def fill(main: sa.Connection, plan: GenerationPlan, engine: Engine, run_id: str) -> dict[str, int]:
    """Create the tables in the staging schema and let the engine's workers fill them; returns rows by table.

    Raises:
        UsageError: The workers are on other machines, and the database is this machine's private server.
        DataError: Ledger, tables and plan disagree on the rows.
    """
    remote = _is_remote(engine)
    if remote and not external_url():
        raise UsageError(
            f"the workers at {engine.address} cannot reach the private PostgreSQL of this machine. Set DATABASE_URL "
            "to a server that all machines can reach, here and on the workers"
        )
    tasks = plan.shards()
    with begin(main, "owner"):
        ledger.open_plan(main, run_id, tasks[0].plan)
        schema.use(main, STAGING)
        schema.create_tables(main)
        _load_parents(main, tasks[0], run_id)
    for _ in run_tasks(engine, partial(_load_remote if remote else load_part, run_id), tasks):
        pass  # the ledger has the outcome of each shard
    with begin(main, "owner"):
        schema.use(main, STAGING)
        rows = _reconciled(main, plan, run_id)
        run(main, f"ANALYZE {', '.join(rows)}")
        roles.grant(main)
        roles.grant_use(main, STAGING)
    return rows


def _is_remote(engine: Engine) -> bool:
    """Whether the workers may run on other machines."""
    return bool(engine.address) and urlsplit(engine.address).hostname not in LOCAL_HOSTS


def _load_remote(run_id: str, shard: Shard) -> int:
    """`load_part` on another machine, whose environment must name the server: it must not start a private one."""
    if not external_url():
        raise UsageError(
            f"the worker at {socket.gethostname()} has no database. Start it with the DATABASE_URL of the run "
            "(`make dask-worker`)"
        )
    return load_part(run_id, shard)


def _load_parents(main: sa.Connection, shard: Shard, run_id: str) -> None:
    """Load the tables that all blocks share, as a separate shard."""
    tables = parent_tables(cached_plan(shard.counts, shard.shop))
    ledger.claim(main, run_id, PARENTS, shard.plan, list(tables))
    ledger.fill(main, run_id, PARENTS, _copy(main, [tables]))


def load_part(run_id: str, shard: Shard) -> int:
    """Generate the rows of a shard and copy them into the staging schema, unless they are loaded; returns rows copied.

    A task: it can run anywhere, twice, and be killed at any moment. The worker's environment names the database.

    Raises:
        DatabaseError: The load does not exist, or has another plan.
    """
    with connection_watchdog(), connect() as connection, begin(connection, "owner"):
        ledger.session_of(connection, run_id, shard.number)
        run(connection, f"SET LOCAL search_path = {STAGING}")
        if not ledger.claim(connection, run_id, shard.number, shard.plan, BLOCK_TABLES):
            return 0
        plan = cached_plan(shard.counts, shard.shop)
        rows = _copy(connection, ahead(block_tables(plan, block) for block in shard.blocks))
        ledger.fill(connection, run_id, shard.number, rows)
    return sum(rows.values())


def _copy(connection: sa.Connection, blocks: Iterable[Mapping[str, pa.Table]]) -> Counter[str]:
    """Copy the tables of each block in batches; returns rows by table."""
    rows: Counter[str] = Counter()
    for block in blocks:
        for name, table in block.items():
            typed = table.cast(arrow_schema(name))
            rows[name] += copy_batches(connection, name, typed.to_batches(BATCH_ROWS))
    return rows


def _reconciled(main: sa.Connection, plan: GenerationPlan, run_id: str) -> dict[str, int]:
    """Rows by table, after checking the ledger against the plan and the tables against the ledger."""
    found = ledger.rows(main, run_id)
    expected = {(name, part): rows for part, tables in enumerate(plan.rows) for name, rows in tables.items()}
    if differ := sorted(at for at in found.keys() | expected.keys() if found.get(at) != expected.get(at)):
        name, part = differ[0]
        raise DataError(
            f"{len(differ)} shards differ from the counts of 02_generate, such as shard {part} of {name}: "
            f"{found.get(differ[0])} rows; expected {expected.get(differ[0])}. Run again from 02_generate on."
        )
    rows: Counter[str] = Counter()
    for (name, _), n in found.items():
        rows[name] += n
    loaded = {name: main.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one() for name in rows}  # noqa: S608
    if loaded != rows:
        raise DataError(
            f"the tables have {loaded} rows; expected {dict(rows)} as in the ledger. "
            "The previously loaded data is unchanged. Run again."
        )
    return dict(rows)
