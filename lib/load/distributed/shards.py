"""Rows made where they are loaded: tasks that each make a part of the shop and COPY it beside its ledger, once.

Every engine of tasks runs a task twice now and then: when a worker is lost, or is only thought to be. Rows, ledger and
commit of a part are one transaction, so that the second time finds it done, and half of it is never there.
A reader of an old snapshot is not catered for: the rows of parts cannot be frozen as those of `replacing` are.
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
    """Make the bare tables in the schema STAGING and let the engine's workers fill them; rows by table.

    Raises UsageError for workers elsewhere and a private server here, DataError when ledger, tables and
    plan do not have the same rows, and what the tasks raise.
    """
    elsewhere = _is_elsewhere(engine)
    if elsewhere and not external_url():
        raise UsageError(
            f"the workers at {engine.address} cannot reach this machine's private PostgreSQL: name a server that all "
            "machines reach with DATABASE_URL, here and where the workers run"
        )
    parts = plan.shards()
    with begin(main, "owner"):
        ledger.open_plan(main, run_id, parts[0].plan)
        schema.use(main, STAGING)
        schema.create_tables(main)
        _load_parents(main, parts[0], run_id)
    for _ in run_tasks(engine, partial(_load_elsewhere if elsewhere else load_part, run_id), parts):
        pass  # what became of a part is asked of the ledger
    with begin(main, "owner"):
        schema.use(main, STAGING)
        rows = _reconciled(main, plan, run_id)
        run(main, f"ANALYZE {', '.join(rows)}")
        roles.grant(main)
        roles.grant_use(main, STAGING)
    return rows


def _is_elsewhere(engine: Engine) -> bool:
    """Whether the workers may be on other machines than this one."""
    return bool(engine.address) and urlsplit(engine.address).hostname not in LOCAL_HOSTS


def _load_elsewhere(run_id: str, part: Shard) -> int:
    """`load_part` on a machine that is told by its own environment which server; it must not begin a private one."""
    if not external_url():
        raise UsageError(
            f"the worker at {socket.gethostname()} knows no database: start it with the DATABASE_URL of the run in its "
            "environment (`make dask-worker`)"
        )
    return load_part(run_id, part)


def _load_parents(main: sa.Connection, part: Shard, run_id: str) -> None:
    """The tables that all blocks share, as a part of its own."""
    tables = parent_tables(cached_plan(part.counts, part.shop))
    ledger.claim(main, run_id, PARENTS, part.plan, list(tables))
    ledger.fill(main, run_id, PARENTS, _copy(main, [tables]))


def load_part(run_id: str, part: Shard) -> int:
    """Make the rows of a part and COPY them into the tables of the schema STAGING, unless they are there; rows copied.

    A task: it may run anywhere, twice, and be killed at any moment. The address of the database is the worker's own.
    Raises DatabaseError when there is no such load, or one of another plan.
    """
    with connection_watchdog(), connect() as connection, begin(connection, "owner"):
        ledger.session_of(connection, run_id, part.number)
        run(connection, f"SET LOCAL search_path = {STAGING}")
        if not ledger.claim(connection, run_id, part.number, part.plan, BLOCK_TABLES):
            return 0
        plan = cached_plan(part.counts, part.shop)
        rows = _copy(connection, ahead(block_tables(plan, block) for block in part.blocks))
        ledger.fill(connection, run_id, part.number, rows)
    return sum(rows.values())


def _copy(connection: sa.Connection, blocks: Iterable[Mapping[str, pa.Table]]) -> Counter[str]:
    """COPY the tables of each block, some rows at a time; rows by table."""
    rows: Counter[str] = Counter()
    for block in blocks:
        for name, table in block.items():
            typed = table.cast(arrow_schema(name))
            rows[name] += copy_batches(connection, name, typed.to_batches(BATCH_ROWS))
    return rows


def _reconciled(main: sa.Connection, plan: GenerationPlan, run_id: str) -> dict[str, int]:
    """Rows by table, when the ledger has what the plan expects of every part, and each table what the ledger has."""
    found = ledger.rows(main, run_id)
    expected = {(name, part): rows for part, tables in enumerate(plan.rows) for name, rows in tables.items()}
    if differ := sorted(at for at in found.keys() | expected.keys() if found.get(at) != expected.get(at)):
        name, part = differ[0]
        raise DataError(
            f"{len(differ)} parts have other rows than 02_generate counted, such as part {part} of {name}: "
            f"{found.get(differ[0])} instead of {expected.get(differ[0])}; run again from 02_generate on"
        )
    rows = Counter()
    for (name, _), n in found.items():
        rows[name] += n
    there = {name: main.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one() for name in rows}  # noqa: S608
    if there != rows:
        raise DataError(f"the tables hold {there}, the ledger of the load {dict(rows)}; run again, the old data stay")
    return dict(rows)
