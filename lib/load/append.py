"""Append rows to the live tables: upsert by key in one transaction, with marts and checks."""

from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from lib.catalog import tables
from lib.data.synthetic.plan import read_generation_plan
from lib.data.workers import Engine
from lib.db import schema
from lib.db.connection import begin_resolved, connect, run, sql
from lib.db.locks import hold
from lib.db.watchdog import connection_watchdog
from lib.load import checks, marts, rejects
from lib.load.copy import copy_rows, files_of
from lib.load.distributed import shards
from lib.load.marts import MARTS, gather_visits
from lib.load.result import Load, Stopwatch, counts
from lib.load.scores import empty_scores
from lib.load.swap import STAGING, staging

__all__ = ["append"]

TABLES = [name for name, table in tables().items() if not table.mart]


def append(folder: Path, *, as_of: date | str, run_id: str = "by hand", engine: Engine | None = None) -> Load:
    """Insert the rows of the Parquet files in `folder`, or update rows with the same key that differ.

    Appending the same files again changes no row, not even updated_at, except predictions, which any load empties.

    Args:
        folder: The Parquet files, or the generation plan of a shop that is generated while it is loaded.
        as_of: First day that is not in the reports.
        run_id: Under which rejects and results of the checks are recorded.
        engine: Where the shards of a generation plan are generated.

    Returns:
        Rows by table with the counts inserted, updated and unchanged, results of the checks and timings.

    Raises:
        DataError: A file is missing or a check of severity error fails. As after any error, no row is changed.
        DatabaseError: Another run is loading, or the server reports an error.
    """
    watch, plan = Stopwatch(), read_generation_plan(folder)
    paths = {} if plan else files_of(folder)
    with connection_watchdog(), connect() as connection, hold(connection), ExitStack() as stack:
        if plan:
            stack.enter_context(staging(connection))
            with watch.part("copy"):
                shards.fill(connection, plan, engine or Engine(), run_id)
        stack.enter_context(begin_resolved(connection, "loader"))
        schema.refuse_drift(connection, require_all=True)
        with watch.part("copy"):
            rows = {name: _stage_rows(connection, name, paths.get(name)) for name in TABLES}
            marts.note_affected(connection)
            changes = {name: {"rows": rows[name], **_merge(connection, name, f"added_{name}")} for name in TABLES}
        with watch.part("marts"):
            gather_visits(connection)
            marts.note_affected_after_merge(connection)
            changes |= {mart: _rebuild(connection, mart) for mart in MARTS}
            empty_scores(connection)
        with watch.part("checks"):
            results = checks.run_all(connection, as_of)
            if marts.stale(results):
                changes |= _rebuild_all(connection, changes)
                results = checks.run_all(connection, as_of)
            past = checks.record(results, rejects.count(folder), run_id)
            checks.refuse_errors(results)
        rejects.keep(connection, folder, run_id, replace=False)
    return Load(_table_of(changes), results, past, rejects.count(folder), watch.seconds, watch.parts)


def _stage_rows(connection: sa.Connection, table: str, paths: list[Path] | None) -> int:
    """Copy the rows of the files, or of the schema STAGING, to the temporary table added_<table>, without rows that the
    table already has; returns the number of all rows.
    """
    added, columns = f"added_{table}", ", ".join(tables()[table].column_names)
    run(connection, f"CREATE TEMPORARY TABLE {added} (LIKE public.{table} INCLUDING DEFAULTS) ON COMMIT DROP")
    if paths:
        rows = copy_rows(connection, table, paths, into=added)
    else:
        statement = f"INSERT INTO {added} ({columns}) SELECT {columns} FROM {STAGING}.{table}"  # noqa: S608 - of the catalog
        rows = connection.exec_driver_sql(statement).rowcount
    run(connection, f"ALTER TABLE {added} ADD PRIMARY KEY ({tables()[table].key}); ANALYZE {added}")
    run(connection, _statement("load/remove_unchanged", table, added))
    run(connection, f"ANALYZE {added}")
    return rows


def _rebuild(connection: sa.Connection, mart: str) -> dict[str, int]:
    """Rebuild the affected rows of a mart in a temporary table, merge them, and delete obsolete ones."""
    rebuilt = f"added_{mart}"
    run(connection, f"CREATE TEMPORARY TABLE {rebuilt} (LIKE public.{mart} INCLUDING DEFAULTS) ON COMMIT DROP")
    marts.write_affected(connection, mart, rebuilt)
    run(connection, f"ANALYZE {rebuilt}")
    key, affected = tables()[mart].key, marts.AFFECTED[mart]
    run(connection, sql("load/remove_obsolete").format(table=mart, added=rebuilt, key=key, affected=affected))
    merged = _merge(connection, mart, rebuilt)
    run(connection, f"DROP TABLE {rebuilt}")
    return {"rows": connection.execute(sa.text(f"SELECT count(*) FROM public.{mart}")).scalar_one(), **merged}  # noqa: S608


def _rebuild_all(connection: sa.Connection, changes: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Rebuild all rows of the marts; returns the changes of this and the earlier rebuild together."""
    marts.note_all(connection)
    rebuilt = {mart: _rebuild(connection, mart) for mart in MARTS}
    kinds = ("inserted", "updated")
    return {mart: new | {kind: new[kind] + changes[mart][kind] for kind in kinds} for mart, new in rebuilt.items()}


def _merge(connection: sa.Connection, table: str, added: str) -> dict[str, int]:
    """Upsert the added rows; returns the numbers of inserted and updated rows."""
    return dict(connection.execute(sa.text(_statement("load/merge", table, added))).mappings().one())


def _statement(name: str, table: str, added: str) -> str:
    """The statement of a file, for a table and the rows added to it."""
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


def _table_of(changes: dict[str, dict[str, int]]) -> pd.DataFrame:
    """Rows by table with the numbers inserted, updated and unchanged."""
    rows = counts({table: change["rows"] for table, change in changes.items()})
    for kind in ("inserted", "updated"):
        rows[kind] = [changes[name][kind] for name in rows["table"]]
    return rows.assign(unchanged=rows["rows"] - rows["inserted"] - rows["updated"])
