"""Append to the live tables: insert new rows and update changed ones by key, in one transaction."""

from contextlib import ExitStack
from datetime import date
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from lib.catalog import tables
from lib.data.imports.returns import match_returns
from lib.data.origin import SYNTHETIC, Origin, read_origin, refuse_loss, refuse_other, refuse_other_units
from lib.data.synthetic.shards import read_generation_plan
from lib.data.workers import Engine
from lib.db import schema
from lib.db.connection import begin, begin_resolved, connect, run, sql
from lib.db.locks import hold
from lib.db.watchdog import connection_watchdog
from lib.load import checks, shards
from lib.load.copy import copy_rejects, copy_rows, count_rejects, parquet_files
from lib.load.marts import MARTS, clear_scores, create_sessions, selection
from lib.load.merge import create_added, delete_missing, files_newer, merge, merge_newer
from lib.load.result import Load, Stopwatch, loaded_origin, record_origin, row_counts
from lib.load.swap import STAGING, staging

__all__ = ["append"]

TABLES = [name for name, table in tables().items() if not table.mart]
# Formats whose customers and products are tables, not values of orders; "" is a synthetic shop.
OWN_TABLES = ("", "tables")


def append(
    folder: Path,
    *,
    as_of: date | str,
    sales_basis: str = "placed",
    run_id: str = "by hand",
    engine: Engine | None = None,
    replace_shop: bool = False,
) -> Load:
    """Insert the rows of the Parquet files of `folder`, update older rows of the same key, and keep all others.

    Exports may be appended in any order. An order never returns to an earlier state (pending, shipped, completed,
    refunded, cancelled) and has the items of its latest one. Customers and products have the values of their latest
    order; known values are never replaced by empty ones or placeholders, nor the first sign-up by a later one. Other
    rows are as new as the last order of their files. Appending the same files again changes nothing, not even
    updated_at, except that any load clears the predictions.

    Limits: A value that a customer's or product's latest order in a file lacks counts as that order's, although it is
    from an earlier one. Of files with the same last order, tables of your own that are appended later replace the
    values; of exports, the greater values are kept. A credit note stays with the sale that its own file matched it
    with, even if another file has a later one. Rows are never deleted, except the items that a later state of their
    order lacks, and what an import added for refunds that another file has: the guest of an order stays, without it,
    when a later export names the customer.

    Args:
        folder: Has a Parquet file per table, or a generation plan, whose rows are generated and loaded by `engine`.
        as_of: Report date, the first day that is not in the data.
        sales_basis: `placed` or `completed`, as in the database: which orders are sales.
        run_id: Recorded with check results and rejected rows.
        engine: Where the shards of a generation plan are generated.
        replace_shop: Allow that rows of a synthetic shop are added to an imported one.

    Raises:
        UsageError: The database holds an imported shop, and `folder` a synthetic one, or the shop has another
            time zone, currency or sales basis. Nothing is changed.
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
        with begin(connection, "loader"):
            present = _refuse_other(connection, origin, sales_basis, replace_shop=replace_shop)
        if plan:
            stack.enter_context(staging(connection))
            with watch.part("copy"):
                shards.fill(connection, plan, engine or Engine(), run_id)
        stack.enter_context(begin_resolved(connection, "loader"))
        with watch.part("copy"):
            rows = {name: _copy_added(connection, name, paths.get(name)) for name in TABLES}
            newer = files_newer(connection, latest_wins=origin.format in OWN_TABLES)
            changes = {name: {"rows": rows[name], **merge_newer(connection, name, newer)} for name in TABLES}
            if origin.format not in OWN_TABLES:
                _match_credit_notes(connection)
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
            record_origin(connection, origin, sales_basis, run_id)
    return Load(_counts(changes), results, history, count_rejects(folder), watch.seconds, watch.parts)


def _refuse_other(connection: sa.Connection, origin: Origin, sales_basis: str, *, replace_shop: bool) -> Origin:
    """Raise the errors of `append` on the shop in the database; where it comes from."""
    schema.refuse_drift(connection, require_all=True)
    present = loaded_origin(connection)
    refuse_other_units(present, origin)
    basis = str(connection.execute(sa.text("SELECT sales_basis()")).scalar_one())
    if basis != sales_basis:
        refuse_other("sales_basis", basis, sales_basis)
    if origin == SYNTHETIC:
        refuse_loss(present, origin, "the database", replace_shop=replace_shop)
    return present


def _copy_added(connection: sa.Connection, table: str, paths: list[Path] | None) -> int:
    """Copy the rows of the files, or of the staging schema without files, into a temporary table; how many."""
    added, columns = create_added(connection, table), ", ".join(tables()[table].column_names)
    if paths:
        rows = copy_rows(connection, table, paths, into=added)
    else:
        statement = f"INSERT INTO {added} ({columns}) SELECT {columns} FROM {STAGING}.{table}"  # noqa: S608 - names of the catalog
        rows = connection.exec_driver_sql(statement).rowcount
    run(connection, f"ALTER TABLE {added} ADD PRIMARY KEY ({tables()[table].key}); ANALYZE {added}")
    return rows


def _match_credit_notes(connection: sa.Connection) -> None:
    """Match the credit notes without an order with sales of other files, as an import does with those of its own."""
    rows = map(dict, connection.execute(sa.text(sql("load/returnable"))).mappings())
    for _, group in groupby(rows, itemgetter("user_id", "product_id")):
        for credit in match_returns(group):
            connection.execute(sa.text(sql("load/match_credit")), credit)


def _rebuild(connection: sa.Connection, mart: str) -> dict[str, int]:
    """Compute a mart again and write only the rows that differ; rows, inserted, updated."""
    added, columns = create_added(connection, mart), ", ".join(tables()[mart].column_names)
    rows = connection.exec_driver_sql(f"INSERT INTO {added} ({columns}) {selection(mart)}").rowcount
    run(connection, f"ALTER TABLE {added} ADD PRIMARY KEY ({tables()[mart].key}); ANALYZE {added}")
    delete_missing(connection, mart)
    return {"rows": rows, **merge(connection, mart)}


def _counts(changes: dict[str, dict[str, int]]) -> pd.DataFrame:
    """One row per table: table, kind, rows, inserted, updated, unchanged."""
    found = row_counts({table: change["rows"] for table, change in changes.items()})
    for kind in ("inserted", "updated"):
        found[kind] = [changes[name][kind] for name in found["table"]]
    return found.assign(unchanged=found["rows"] - found["inserted"] - found["updated"])
