"""Append to the live tables: insert new rows and update changed ones by key, in one transaction."""

from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from lib.catalog import tables
from lib.data.origin import SYNTHETIC, read_origin, refuse_loss, refuse_other_zone
from lib.data.synthetic.shards import read_generation_plan
from lib.data.workers import Engine
from lib.db import schema
from lib.db.connection import begin_resolved, connect, run, sql
from lib.db.locks import hold
from lib.db.watchdog import connection_watchdog
from lib.load import checks, shards
from lib.load.copy import copy_rejects, copy_rows, count_rejects, parquet_files
from lib.load.marts import MARTS, clear_scores, create_sessions, selection
from lib.load.result import Load, Stopwatch, loaded_origin, record_origin, row_counts
from lib.load.swap import STAGING, staging

__all__ = ["append"]

TABLES = [name for name, table in tables().items() if not table.mart]


def append(
    folder: Path,
    *,
    as_of: date | str,
    run_id: str = "by hand",
    engine: Engine | None = None,
    replace_shop: bool = False,
) -> Load:
    """Insert the rows of the Parquet files of `folder`, or update those of the same key that differ; keep all others.

    Appending the same files again changes nothing, not even updated_at, except that any load clears the predictions.

    Args:
        folder: Has a Parquet file per table, or a generation plan, whose rows are generated and loaded by `engine`.
        as_of: Report date, the first day that is not in the data.
        run_id: Recorded with check results and rejected rows.
        engine: Where the shards of a generation plan are generated.
        replace_shop: Allow that rows of a synthetic shop are added to an imported one.

    Raises:
        UsageError: The database holds an imported shop, and `folder` a synthetic one, or the shop's days are those of
            another time zone. Nothing is changed.
        DataError: A file is missing or a rule is broken. Nothing is changed.
        DatabaseError: Another run is loading, or PostgreSQL reports an error. Nothing is changed.

    Example:
        >>> loaded = load.append(settings.output_folder() / "data", as_of="2025-07-01")
        >>> loaded.tables.columns.tolist()
        ['table', 'kind', 'rows', 'inserted', 'updated', 'unchanged']
    """
    watch, plan, origin = Stopwatch(), read_generation_plan(folder), read_origin(folder)
    paths = {} if plan else parquet_files(folder)
    with connection_watchdog(), connect() as connection, hold(connection), ExitStack() as stack:
        if plan:
            stack.enter_context(staging(connection))
            with watch.part("copy"):
                shards.fill(connection, plan, engine or Engine(), run_id)
        stack.enter_context(begin_resolved(connection, "loader"))
        schema.refuse_drift(connection, require_all=True)
        present = loaded_origin(connection)
        refuse_other_zone(present, origin)
        if origin == SYNTHETIC:
            refuse_loss(present, origin, "the database", replace_shop=replace_shop)
        with watch.part("copy"):
            changes = {name: _append_rows(connection, name, paths.get(name)) for name in TABLES}
        with watch.part("marts"):
            clear_scores(connection)
            create_sessions(connection)
            changes |= {mart: _rebuild(connection, mart) for mart in MARTS}
        with watch.part("checks"):
            results = checks.run_all(connection, as_of)
            history = checks.record(results, count_rejects(folder), run_id)
            checks.refuse_errors(results)
        copy_rejects(connection, folder, run_id, replace=False)
        if present == SYNTHETIC:
            record_origin(connection, origin, run_id)
    return Load(_counts(changes), results, history, count_rejects(folder), watch.seconds, watch.parts)


def _append_rows(connection: sa.Connection, table: str, paths: list[Path] | None) -> dict[str, int]:
    """Merge the rows of the files, or of the staging schema without files, into a table; rows, inserted, updated."""
    added, columns = _create_added(connection, table), ", ".join(tables()[table].column_names)
    if paths:
        rows = copy_rows(connection, table, paths, into=added)
    else:
        statement = f"INSERT INTO {added} ({columns}) SELECT {columns} FROM {STAGING}.{table}"  # noqa: S608 - names of the catalog
        rows = connection.exec_driver_sql(statement).rowcount
    return {"rows": rows, **_merge(connection, table, added)}


def _rebuild(connection: sa.Connection, mart: str) -> dict[str, int]:
    """Compute a mart again and write only the rows that differ; rows, inserted, updated."""
    added, columns = _create_added(connection, mart), ", ".join(tables()[mart].column_names)
    rows = connection.exec_driver_sql(f"INSERT INTO {added} ({columns}) {selection(mart)}").rowcount
    run(connection, _statement("load/delete_missing", mart, added))
    return {"rows": rows, **_merge(connection, mart, added)}


def _create_added(connection: sa.Connection, table: str) -> str:
    """Create a temporary table for the new rows of a table; its name."""
    added = f"added_{table}"
    run(connection, f"CREATE TEMPORARY TABLE {added} (LIKE public.{table} INCLUDING DEFAULTS) ON COMMIT DROP")
    return added


def _merge(connection: sa.Connection, table: str, added: str) -> dict[str, int]:
    """Insert the new rows and update those that differ; how many of each.

    Rows that equal the present ones are deleted first, because ON CONFLICT would lock, and so write, each of them.
    """
    run(connection, f"ALTER TABLE {added} ADD PRIMARY KEY ({tables()[table].key}); ANALYZE {added}")
    run(connection, _statement("load/delete_unchanged", table, added))
    run(connection, f"ANALYZE {added}")
    return dict(connection.execute(sa.text(_statement("load/merge", table, added))).mappings().one())


def _statement(name: str, table: str, added: str) -> str:
    """A .sql file with the names of a table and of its added rows."""
    names, key = tables()[table].column_names, tables()[table].key
    return sql(name).format(
        table=table,
        added=added,
        key=key,
        columns=", ".join(names),
        changes=", ".join(f"{name} = excluded.{name}" for name in names if name != key),
        present_columns=", ".join(f"present.{name}" for name in names),
        new_columns=", ".join(f"excluded.{name}" for name in names),
        added_columns=", ".join(f"added.{name}" for name in names),
    )


def _counts(changes: dict[str, dict[str, int]]) -> pd.DataFrame:
    """One row per table: table, kind, rows, inserted, updated, unchanged."""
    found = row_counts({table: change["rows"] for table, change in changes.items()})
    for kind in ("inserted", "updated"):
        found[kind] = [changes[name][kind] for name in found["table"]]
    return found.assign(unchanged=found["rows"] - found["inserted"] - found["updated"])
