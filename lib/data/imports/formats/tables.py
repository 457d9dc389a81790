"""The workbook's own layout: a folder with one file per table, with the catalog's column names or mapped ones."""

from lib.catalog import Table, tables
from lib.data.imports.dialect import Dialect
from lib.data.imports.format import Format
from lib.data.imports.store import Store

__all__ = ["FORMAT"]

OWN = {name: table for name, table in tables().items() if not table.mart}
REJECTING = {  # statements of lib/sql/imports/tables.sql for one table, after the checks of its keys
    "orders": ("orders_before_signup",),
    "events": ("events_before_signup", "session_of_two_customers", "purchase_differs", "purchased_twice"),
}
WHOLE_ORDERS = ("total_differs", "no_purchase")
CHILDREN_OF_ORDERS = ("order_items", "events")


def _compare(store: Store, dialect: Dialect, _: str) -> None:
    """Reject rows by other rows, parents first; then incomplete orders, and their remaining items and events."""
    store.run(f"key_of_{dialect.keys}")
    present = [table for table in OWN.values() if store.holds(f"all_{table.name}")]
    for table in present:
        _reject_duplicates(store, table)
        _reject_orphans(store, table)
        for name in REJECTING.get(table.name, ()):
            store.run(f"tables/{name}")
    for name in WHOLE_ORDERS:
        store.run(f"tables/{name}")
    for table in present:
        if table.name in CHILDREN_OF_ORDERS:
            _reject_orphans(store, table)


def _reject_duplicates(store: Store, table: Table) -> None:
    store.run("duplicates", source=table.name, column=table.key, value=table.key)
    for column in table.columns:
        if column.unique:
            store.run("duplicates", source=table.name, column=column.name, value=f"lower({column.name})")


def _reject_orphans(store: Store, table: Table) -> None:
    for column in table.columns:
        if column.references:
            parent = OWN[column.references]
            store.run("orphans", source=table.name, column=column.name, parent=parent.name, key=parent.key)


FORMAT = Format(
    "tables",
    {name: table.columns for name, table in OWN.items()},
    tuple(OWN),
    _compare,
    optional=("marketing_campaigns", "events"),
)
