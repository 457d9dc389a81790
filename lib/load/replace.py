"""Replace all rows: build new tables in a staging schema over two connections, check them, and swap them in."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from itertools import chain
from pathlib import Path
from queue import Empty, SimpleQueue

import pandas as pd
import sqlalchemy as sa

from lib.catalog import tables
from lib.data.origin import read_origin, refuse_loss
from lib.data.synthetic.shards import read_generation_plan
from lib.data.workers import Engine
from lib.db import roles, schema
from lib.db.connection import assume, begin, begin_resolved, connect, run, transaction
from lib.db.locks import hold
from lib.db.watchdog import connection_watchdog
from lib.load import checks, shards
from lib.load.checks import Check
from lib.load.copy import copy_rejects, copy_rows, count_rejects, parquet_files
from lib.load.marts import MARTS, build, create_sessions
from lib.load.result import Load, Stopwatch, loaded_origin, record_origin, row_counts
from lib.load.swap import STAGING, copy_additions, refuse_obstacles, staging, swap

__all__ = ["replace"]


def replace(
    folder: Path,
    *,
    as_of: date | str,
    sales_basis: str = "placed",
    run_id: str = "by hand",
    engine: Engine | None = None,
    replace_shop: bool = False,
) -> Load:
    """Replace all rows by those of `folder`; readers see the old rows until the new ones are checked and swapped in.

    Args:
        folder: Has a Parquet file per table, or a generation plan, whose rows are generated and loaded by `engine`, and
            the record of the shop's time zone and currency, whose days and decimals the marts and reports have then.
        as_of: Report date, the first day that is not in the data.
        sales_basis: `placed`: every order placed is a sale; `completed`: completed orders only.
        run_id: Recorded with check results and rejected rows.
        engine: Where the shards of a generation plan are generated.
        replace_shop: Allow that an imported shop is replaced by another shop.

    Raises:
        UsageError: The database holds an imported shop, and `folder` another one. The old rows stay.
        DataError: A file is missing or a rule is broken. The old rows stay.
        DatabaseError: Another run is loading, a table differs from the catalog, or PostgreSQL reports an error. The
            old rows stay.

    Example:
        >>> loaded = load.replace(settings.output_folder() / "data", as_of="2025-07-01")
        >>> loaded.tables["table"].head(3).tolist()
        ['products', 'marketing_campaigns', 'users']
    """
    watch, plan, origin = Stopwatch(), read_generation_plan(folder), read_origin(folder)
    paths = {} if plan else parquet_files(folder)
    with connection_watchdog(), connect() as main, hold(main), staging(main):
        with begin(main, "owner"):
            refuse_obstacles(main)
            refuse_loss(loaded_origin(main), origin, "the database", replace_shop=replace_shop)
        with watch.part("copy"):
            rows = shards.fill(main, plan, engine or Engine(), run_id) if plan else _fill(main, paths)
        with begin(main, "owner"):
            schema.use(main, STAGING)
            schema.create_functions(main, origin.time_zone, origin.currency, sales_basis)
        mart_rows, results = _build_and_check(main, watch, as_of)
        _finish_tables(main, watch)
        history = checks.record(results, count_rejects(folder), run_id)
        checks.refuse_errors(results)
        with watch.part("swap"), begin_resolved(main):
            swap(main)
            copy_rejects(main, folder, run_id, replace=True)
            record_origin(main, origin, sales_basis, run_id)
            assume(main, "owner")
            schema.create_functions(main, origin.time_zone, origin.currency, sales_basis)
    return Load(row_counts(rows | mart_rows), results, history, count_rejects(folder), watch.seconds, watch.parts)


def _fill(main: sa.Connection, paths: dict[str, list[Path]]) -> dict[str, int]:
    """Create the tables without keys and copy the files into them; rows by table."""
    with begin(main, "owner"):
        schema.use(main, STAGING)
        schema.create_tables(main)
        rows = {name: copy_rows(main, name, files, frozen=True) for name, files in paths.items()}
        run(main, f"ANALYZE {', '.join(paths)}")
    return rows


def _build_and_check(main: sa.Connection, watch: Stopwatch, as_of: date | str) -> tuple[dict[str, int], pd.DataFrame]:
    """Build keys and, at the same time over a second connection, marts; then both connections run checks.

    Checks that need marts or sessions run on the second connection, which has them before it commits. The others wait
    in a queue: each connection takes the next one as soon as it is free.

    Returns:
        Rows by mart, and the results of all checks.
    """
    of_tables, of_marts = checks.by_source()
    queue: SimpleQueue[Check] = SimpleQueue()
    for check in of_tables:
        queue.put(check)
    with ThreadPoolExecutor(1) as executor:
        second = executor.submit(_build_marts_and_check, watch, as_of, of_marts, queue)
        with watch.part("keys"), begin(main, "owner"):
            schema.use(main, STAGING)
            schema.build_keys(main, [name for name in tables() if name not in MARTS])
        with begin(main, "owner"):
            schema.use(main, STAGING)
            results = checks.run_checks(main, as_of, _taken_from(queue))
        mart_rows, mart_results = second.result()
    return mart_rows, checks.sorted_results([results, mart_results])


def _build_marts_and_check(
    watch: Stopwatch, as_of: date | str, of_marts: list[Check], queue: "SimpleQueue[Check]"
) -> tuple[dict[str, int], pd.DataFrame]:
    """Build the marts and run checks over a connection of its own; rows by mart, and the results."""
    with transaction("owner") as connection:
        schema.use(connection, STAGING)
        with watch.part("marts"):
            create_sessions(connection)
            run(connection, f"TRUNCATE {', '.join(MARTS)}")
            rows = {mart: build(connection, mart) for mart in MARTS}
            run(connection, f"ANALYZE {', '.join(MARTS)}")
        with watch.part("checks"):
            return rows, checks.run_checks(connection, as_of, chain(of_marts, _taken_from(queue)))


def _taken_from(queue: "SimpleQueue[Check]") -> Iterator[Check]:
    """The checks in the queue, each removed when its turn comes; the other connection gets those that remain."""
    with suppress(Empty):
        while True:
            yield queue.get_nowait()


def _finish_tables(main: sa.Connection, watch: Stopwatch) -> None:
    """Add the keys of the marts, comments, permissions, and the additions of people to the old tables."""
    with watch.part("mart keys"), begin(main, "owner"):
        schema.use(main, STAGING)
        schema.build_keys(main, MARTS)
        schema.promote_keys(main)
        schema.describe(main, like="public")
        roles.grant(main)
    with begin(main):
        copy_additions(main)
