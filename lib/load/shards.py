"""Load a synthetic shop where it is generated: each task generates one shard and copies it, with its ledger entry.

Every task scheduler runs a task twice now and then, for example when it loses a worker or wrongly believes so. The rows
of a shard and its ledger entry are one transaction, so a second run finds the shard loaded, and never half of it.
Unlike the rows of files, those of shards are not frozen, because their tables were created in another transaction: a
snapshot taken before the load does not see them.
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
from lib.data.synthetic.shards import PARENTS, GenerationPlan, Shard, cached_plan
from lib.data.workers import Engine
from lib.data.workers import run as run_tasks
from lib.db import roles, schema
from lib.db.connection import begin, connect, run
from lib.db.url import external_url
from lib.db.watchdog import connection_watchdog
from lib.errors import DataError, UsageError
from lib.load import ledger
from lib.load.copy import BATCH_ROWS, copy_batches
from lib.load.swap import STAGING
from lib.settings import LOCAL_HOSTS
from lib.util.ahead import ahead

__all__ = ["BLOCK_TABLES", "fill", "load_shard"]

BLOCK_TABLES = ["users", "orders", "order_items", "refunds", "events"]


def fill(main: sa.Connection, plan: GenerationPlan, engine: Engine, run_id: str) -> dict[str, int]:
    """Create the tables in the staging schema, still without keys, and have the workers of the engine fill them.

    Args:
        main: Holds the workbook's lock, without a transaction.
        plan: The shop and its shards.
        engine: Where the tasks run.
        run_id: Identifies the load in the ledger.

    Returns:
        Rows by table.

    Raises:
        UsageError: The workers are on other machines and cannot reach the private server of this one.
        DataError: The numbers of rows in the ledger, the tables and the plan differ.
    """
    remote = bool(engine.address) and urlsplit(engine.address).hostname not in LOCAL_HOSTS
    if remote and not external_url():
        raise UsageError(
            f"the workers at {engine.address} cannot reach the private PostgreSQL of this machine. Set DATABASE_URL "
            "to a server that all machines can reach, here and on the workers."
        )
    tasks = plan.shards()
    with begin(main, "owner"):
        ledger.open_plan(main, run_id, tasks[0].plan)
        schema.use(main, STAGING)
        schema.create_tables(main)
        _load_parents(main, tasks[0], run_id)
    for _ in run_tasks(engine, partial(_load_remote if remote else load_shard, run_id), tasks):
        pass  # the ledger has the results
    with begin(main, "owner"):
        schema.use(main, STAGING)
        rows = _reconciled(main, plan, run_id)
        run(main, f"ANALYZE {', '.join(rows)}")
        roles.grant(main)
        roles.grant_use(main, STAGING)
    return rows


def _load_parents(main: sa.Connection, shard: Shard, run_id: str) -> None:
    """Load the tables that all blocks share, as a shard of their own."""
    tables = parent_tables(cached_plan(shard.counts, shard.shop))
    ledger.claim(main, run_id, PARENTS, shard.plan, list(tables))
    ledger.record(main, run_id, PARENTS, _copy(main, [tables]))


def _load_remote(run_id: str, shard: Shard) -> int:
    """`load_shard` on another machine, which must have a DATABASE_URL instead of starting a private server."""
    if not external_url():
        raise UsageError(
            f"the worker at {socket.gethostname()} has no database. Start it with the DATABASE_URL of the run in its "
            "environment (`make dask-worker`)."
        )
    return load_shard(run_id, shard)


def load_shard(run_id: str, shard: Shard) -> int:
    """Generate the rows of a shard and copy them into the staging schema, unless they are there already.

    A task: it may run anywhere, more than once, and be killed at any moment. The worker's environment names the server.

    Returns:
        Number of rows copied.

    Raises:
        DatabaseError: No such load is in progress, or it has another plan.
    """
    with connection_watchdog(), connect() as connection, begin(connection, "owner"):
        ledger.prepare_session(connection, run_id, shard.number)
        run(connection, f"SET LOCAL search_path = {STAGING}")
        if not ledger.claim(connection, run_id, shard.number, shard.plan, BLOCK_TABLES):
            return 0
        plan = cached_plan(shard.counts, shard.shop)
        rows = _copy(connection, ahead(block_tables(plan, block) for block in shard.blocks))
        ledger.record(connection, run_id, shard.number, rows)
    return sum(rows.values())


def _copy(connection: sa.Connection, blocks: Iterable[Mapping[str, pa.Table]]) -> Counter[str]:
    """Copy the tables of each block in batches; rows by table."""
    rows: Counter[str] = Counter()
    for block in blocks:
        for name, table in block.items():
            typed = table.cast(arrow_schema(name))
            rows[name] += copy_batches(connection, name, typed.to_batches(BATCH_ROWS))
    return rows


def _reconciled(main: sa.Connection, plan: GenerationPlan, run_id: str) -> dict[str, int]:
    """Rows by table; raises DataError if the plan, the ledger and the tables differ."""
    found = ledger.rows(main, run_id)
    expected = {(name, shard): rows for shard, tables in enumerate(plan.rows) for name, rows in tables.items()}
    if differ := sorted(at for at in found.keys() | expected.keys() if found.get(at) != expected.get(at)):
        name, shard = differ[0]
        raise DataError(
            f"{len(differ)} shards differ from the counts of 02_generate, such as shard {shard} of {name}: "
            f"{found.get(differ[0])} rows; expected {expected.get(differ[0])}. Run again from 02_generate on."
        )
    rows: Counter[str] = Counter()
    for (name, _), count in found.items():
        rows[name] += count
    present = {name: main.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one() for name in rows}  # noqa: S608 - names of the catalog
    if present != rows:
        raise DataError(
            f"the tables have {present} rows; expected {dict(rows)} as in the ledger. "
            "The previously loaded data is unchanged. Run again."
        )
    return dict(rows)
