"""Rows added to the live tables: inserted or updated by key, in one transaction, with marts and checks."""

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
    """Insert the rows of the Parquet files of `folder`, or update those of the same key that differ; the rest stays.

    Where the folder has a plan instead, `engine` makes the rows and loads them beside the tables first, in parts.
    Once more with the same files changes nothing, not even updated_at, but for predictions, which any load empties.
    Raises DataError when a file is missing or a rule is broken, DatabaseError when another run is loading or the server
    gives up; then nothing is changed.
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
            rows = {name: _put_beside(connection, name, paths.get(name)) for name in TABLES}
            marts.note(connection)
            changes = {name: {"rows": rows[name], **_merge(connection, name, f"added_{name}")} for name in TABLES}
        with watch.part("marts"):
            gather_visits(connection)
            marts.note_after(connection)
            changes |= {mart: _renew(connection, mart) for mart in MARTS}
            empty_scores(connection)
        with watch.part("checks"):
            results = checks.checks(connection, as_of)
            if marts.stale(results):
                changes |= _renew_all(connection, changes)
                results = checks.checks(connection, as_of)
            past = checks.record(results, rejects.count(folder), run_id)
            checks.refuse_errors(results)
        rejects.keep(connection, folder, run_id, instead=False)
    return Load(_told(changes), results, past, rejects.count(folder), watch.seconds, watch.parts)


def _put_beside(connection: sa.Connection, table: str, paths: list[Path] | None) -> int:
    """Put the rows of the files, or of the schema STAGING, beside the table, but for those it has; rows in all."""
    added, columns = f"added_{table}", ", ".join(tables()[table].column_names)
    run(connection, f"CREATE TEMPORARY TABLE {added} (LIKE public.{table} INCLUDING DEFAULTS) ON COMMIT DROP")
    if paths:
        rows = copy_rows(connection, table, paths, into=added)
    else:
        made = f"INSERT INTO {added} ({columns}) SELECT {columns} FROM {STAGING}.{table}"  # noqa: S608 - of the catalog
        rows = connection.exec_driver_sql(made).rowcount
    run(connection, f"ALTER TABLE {added} ADD PRIMARY KEY ({tables()[table].key}); ANALYZE {added}")
    run(connection, _statement("load/remove_unchanged", table, added))
    run(connection, f"ANALYZE {added}")
    return rows


def _renew(connection: sa.Connection, mart: str) -> dict[str, int]:
    """Make the touched rows of the mart beside the present ones and merge them into it; rows that are no more go."""
    made = f"added_{mart}"
    run(connection, f"CREATE TEMPORARY TABLE {made} (LIKE public.{mart} INCLUDING DEFAULTS) ON COMMIT DROP")
    marts.write_rows(connection, mart, made)
    run(connection, f"ANALYZE {made}")
    key, listed = tables()[mart].key, marts.LISTS[mart]
    run(connection, sql("load/remove_gone").format(table=mart, added=made, key=key, touched=listed))
    merged = _merge(connection, mart, made)
    run(connection, f"DROP TABLE {made}")
    return {"rows": connection.execute(sa.text(f"SELECT count(*) FROM public.{mart}")).scalar_one(), **merged}  # noqa: S608


def _renew_all(connection: sa.Connection, changes: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Make the marts anew over everything; what became of their rows, with the changes so far."""
    marts.note_all(connection)
    found = {mart: _renew(connection, mart) for mart in MARTS}
    kinds = ("inserted", "updated")
    return {mart: new | {kind: new[kind] + changes[mart][kind] for kind in kinds} for mart, new in found.items()}


def _merge(connection: sa.Connection, table: str, added: str) -> dict[str, int]:
    """Insert what is new, update what differs, leave what is the same; how many of each."""
    return dict(connection.execute(sa.text(_statement("load/merge", table, added))).mappings().one())


def _statement(name: str, table: str, added: str) -> str:
    """The statement of a file for a table and the rows beside it."""
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


def _told(changes: dict[str, dict[str, int]]) -> pd.DataFrame:
    """The counts of rows with what became of them."""
    told = counts({table: change["rows"] for table, change in changes.items()})
    found = told.assign(**{kind: [changes[name][kind] for name in told["table"]] for kind in ("inserted", "updated")})
    return found.assign(unchanged=found["rows"] - found["inserted"] - found["updated"])
