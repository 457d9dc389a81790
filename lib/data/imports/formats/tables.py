"""The workbook's own tables: a folder with one file per table, under the catalog's names or those of the mapping."""

from dataclasses import replace

from lib.catalog import Column, Table, tables
from lib.data.imports.database import StagingDatabase
from lib.data.imports.formats import Format
from lib.data.imports.mapping import ReadOptions

__all__ = ["FORMAT"]

TABLES = {name: table for name, table in tables().items() if not table.mart}
DERIVED = {("orders", "user_id"), ("refunds", "user_id"), ("refunds", "refund_date")}  # of a guest, or of the order
TIMES = {"orders": "order_date", "events": "event_timestamp"}  # must not precede the customer's sign-up


def _compare(database: StagingDatabase, options: ReadOptions, _: str) -> None:
    """Reject rows table by table, parents first; then orders by their remaining items and events, and their rows."""
    database.run(f"key_of_{options.keys}")
    database.run("added_refund_key")
    present = [table for table in TABLES.values() if database.has_rows(f"all_{table.name}")]
    for table in present:
        _reject_duplicates(database, table)
        _reject_orphans(database, table)
        if table.name in TIMES:
            database.run("before_signup", source=table.name, column=TIMES[table.name])
    for rule in ("session_of_two_customers", "purchase_differs", "purchased_twice", "total_differs", "no_purchase"):
        database.run(rule)
    for table in present:
        if table.name in ("order_items", "refunds", "events"):
            _reject_orphans(database, table)
    database.run("refunds_of_orders")
    for rule in ("refund_contradicts", "refund_exceeds_order"):
        database.run(rule)
    database.run("refunds_missing")


def _reject_duplicates(database: StagingDatabase, table: Table) -> None:
    database.run("duplicates", source=table.name, column=table.key, value=table.key)
    for column in table.columns:
        if column.unique:
            database.run("duplicates", source=table.name, column=column.name, value=f"lower({column.name})")


def _reject_orphans(database: StagingDatabase, table: Table) -> None:
    for column in table.columns:
        if column.references:
            parent = TABLES[column.references]
            database.run("orphans", source=table.name, column=column.name, parent=parent.name, key=parent.key)


def _columns(table: Table) -> tuple[Column, ...]:
    """The columns of a file: those of its table, of which some may be empty."""
    return tuple(
        replace(c, optional=c.optional or c.constant_default or (table.name, c.name) in DERIVED) for c in table.columns
    )


FORMAT = Format(
    {name: _columns(table) for name, table in TABLES.items()},
    _compare,
    optional=("marketing_campaigns", "refunds", "events"),
    amounts={"orders": "total_amount"},
)
