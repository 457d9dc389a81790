"""All rows replaced: built in a schema of its own, over two connections, checked, and swapped in at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import chain
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from lib.catalog import tables
from lib.data.synthetic.plan import read_generation_plan
from lib.data.workers import Engine
from lib.db import roles, schema
from lib.db.connection import begin, begin_resolved, connect, run, transaction
from lib.db.locks import hold
from lib.db.watchdog import connection_watchdog
from lib.load import checks, rejects
from lib.load.copy import copy_rows, files_of
from lib.load.distributed import shards
from lib.load.marts import MARTS, build, gather_visits
from lib.load.result import Load, Stopwatch, counts
from lib.load.swap import STAGING, refuse_obstacles, staging, swap, take_over_additions

__all__ = ["replace"]


def replace(folder: Path, *, as_of: date | str, run_id: str = "by hand", engine: Engine | None = None) -> Load:
    """Load the Parquet files of `folder` in place of all rows; readers see the old rows until all is checked.

    Where the folder has a plan instead, `engine` makes the rows and loads them, part by part.
    Raises DataError when a file is missing or a rule is broken, DatabaseError when another run is loading, a table
    differs from the catalog, or the server gives up; then the old rows stay, and nothing else.
    """
    watch, plan = Stopwatch(), read_generation_plan(folder)
    paths = {} if plan else files_of(folder)
    with connection_watchdog(), connect() as main, hold(main), staging(main):
        with begin(main, "owner"):
            refuse_obstacles(main)
        with watch.part("copy"):
            rows = shards.fill(main, plan, engine or Engine(), run_id) if plan else _fill(main, paths)
        rows, results = _build_all(main, watch, rows, as_of)
        past = checks.record(results, rejects.count(folder), run_id)
        checks.refuse_errors(results)
        with watch.part("swap"), begin_resolved(main):
            swap(main, STAGING)
            rejects.keep(main, folder, run_id, instead=True)
    return Load(counts(rows), results, past, rejects.count(folder), watch.seconds, watch.parts)


def _fill(main: sa.Connection, paths: dict[str, list[Path]]) -> dict[str, int]:
    """Make the bare tables and fill the six; rows by table."""
    with begin(main, "owner"):
        schema.use(main, STAGING)
        schema.create_tables(main)
        rows = {name: copy_rows(main, name, files, frozen=True) for name, files in paths.items()}
        run(main, f"ANALYZE {', '.join(paths)}")
    return rows


def _build_all(
    main: sa.Connection, watch: Stopwatch, rows: dict[str, int], as_of: date | str
) -> tuple[dict[str, int], pd.DataFrame]:
    """Keys and indexes by this connection, marts by another at the same time, and checks by whichever is free.

    Gives rows by table, and the results of the checks.
    """
    late, others = checks.names()
    waiting = iter(others)
    with ThreadPoolExecutor(1) as second:
        derived = second.submit(_derive, watch, as_of, chain(late, waiting))
        with watch.part("keys"), begin(main, "owner"):
            schema.use(main, STAGING)
            schema.build_keys(main, [name for name in tables() if name not in MARTS])
        with begin(main, "owner"):
            schema.use(main, STAGING)
            found = checks.run_checks(main, as_of, waiting)
        made, more = derived.result()
    with watch.part("mart keys"), begin(main, "owner"):
        schema.use(main, STAGING)
        schema.build_keys(main, MARTS)
        schema.promote_keys(main)
        schema.describe(main, like="public")
        roles.grant(main)
    with begin(main):
        take_over_additions(main, STAGING)
    return rows | made, checks.sorted_results([found, more])


def _derive(watch: Stopwatch, as_of: date | str, wanted: Iterator[str]) -> tuple[dict[str, int], pd.DataFrame]:
    """Make the marts and run the wanted checks, over a connection of its own."""
    with transaction("owner") as connection:
        schema.use(connection, STAGING)
        with watch.part("marts"):
            gather_visits(connection)
            run(connection, f"TRUNCATE {', '.join(MARTS)}")
            rows = {mart: build(connection, mart) for mart in MARTS}
            run(connection, f"ANALYZE {', '.join(MARTS)}")
        with watch.part("checks"):
            return rows, checks.run_checks(connection, as_of, wanted)
