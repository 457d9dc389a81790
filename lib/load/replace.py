"""Replace all rows: build the tables in a staging schema over two connections, check them, and swap them in."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
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
from lib.load.checks import Check
from lib.load.copy import copy_rows, files_of
from lib.load.distributed import shards
from lib.load.marts import MARTS, build, gather_visits
from lib.load.result import Load, Stopwatch, counts
from lib.load.swap import STAGING, refuse_obstacles, staging, swap, take_over_additions

__all__ = ["replace"]


def replace(folder: Path, *, as_of: date | str, run_id: str = "by hand", engine: Engine | None = None) -> Load:
    """Replace all rows by those of the Parquet files in `folder`; readers see the old rows until the swap.

    Args:
        folder: The Parquet files, or the generation plan of a shop that is generated while it is loaded.
        as_of: First day that is not in the reports.
        run_id: Under which rejects and results of the checks are recorded.
        engine: Where the shards of a generation plan are generated.

    Returns:
        Rows by table, results of the checks and timings.

    Raises:
        DataError: A file is missing or a check of severity error fails. Like after any error, the old rows remain.
        DatabaseError: Another run is loading, a table differs from the catalog, or the server reports an error.
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
            rejects.keep(main, folder, run_id, replace=True)
    return Load(counts(rows), results, past, rejects.count(folder), watch.seconds, watch.parts)


def _fill(main: sa.Connection, paths: dict[str, list[Path]]) -> dict[str, int]:
    """Create the tables without keys and copy the six files; returns rows by table."""
    with begin(main, "owner"):
        schema.use(main, STAGING)
        schema.create_tables(main)
        rows = {name: copy_rows(main, name, files, frozen=True) for name, files in paths.items()}
        run(main, f"ANALYZE {', '.join(paths)}")
    return rows


def _build_all(
    main: sa.Connection, watch: Stopwatch, rows: dict[str, int], as_of: date | str
) -> tuple[dict[str, int], pd.DataFrame]:
    """Build keys and indexes, then check the tables; meanwhile build and check the marts in a second connection.

    Returns rows by table, marts included, and the results of all checks.
    """
    of_tables, of_derived = checks.by_source()
    with ThreadPoolExecutor(1) as second:
        derived = second.submit(_derive, watch, as_of, of_derived)
        with watch.part("keys"), begin(main, "owner"):
            schema.use(main, STAGING)
            schema.build_keys(main, [name for name in tables() if name not in MARTS])
        with begin(main, "owner"):
            schema.use(main, STAGING)
            results = checks.run_checks(main, as_of, of_tables)
        mart_rows, mart_results = derived.result()
    with watch.part("mart keys"), begin(main, "owner"):
        schema.use(main, STAGING)
        schema.build_keys(main, MARTS)
        schema.promote_keys(main)
        schema.describe(main, like="public")
        roles.grant(main)
    with begin(main):
        take_over_additions(main, STAGING)
    return rows | mart_rows, checks.sorted_results([results, mart_results])


def _derive(watch: Stopwatch, as_of: date | str, due: list[Check]) -> tuple[dict[str, int], pd.DataFrame]:
    """Build the marts and run the checks that need them, in a separate connection."""
    with transaction("owner") as connection:
        schema.use(connection, STAGING)
        with watch.part("marts"):
            gather_visits(connection)
            run(connection, f"TRUNCATE {', '.join(MARTS)}")
            rows = {mart: build(connection, mart) for mart in MARTS}
            run(connection, f"ANALYZE {', '.join(MARTS)}")
        with watch.part("checks"):
            return rows, checks.run_checks(connection, as_of, due)
