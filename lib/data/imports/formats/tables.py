"""The workbook's own layout: a folder with one file per table, under the catalog's names or those of the mapping."""

from lib.catalog import Table, tables
from lib.data.imports.dialect import Dialect
from lib.data.imports.formats import Format
from lib.data.imports.store import Store

__all__ = ["SIX_TABLES"]

OWN = {name: table for name, table in tables().items() if not table.mart}
STRIKES = {  # what is particular to a table, after its keys: queries in lib/sql/imports/tables
    "orders": ("orders_before_signup",),
    "events": ("events_before_signup", "session_of_two_customers", "purchase_differs", "purchased_twice"),
}
WHOLE_ORDERS = ("total_differs", "no_purchase")
PARTS_OF_ORDERS = ("order_items", "events")


def _compare(store: Store, dialect: Dialect, _: str) -> None:
    """Strike lines by other lines, parents first; then orders by what is left of them, and the rest of those."""
    store.run(f"key_of_{dialect.keys}")
    there = [table for table in OWN.values() if store.holds(f"all_{table.name}")]
    for table in there:
        _strike_duplicates(store, table)
        _strike_orphans(store, table)
        for name in STRIKES.get(table.name, ()):
            store.run(f"tables/{name}")
    for name in WHOLE_ORDERS:
        store.run(f"tables/{name}")
    for table in there:
        if table.name in PARTS_OF_ORDERS:
            _strike_orphans(store, table)


def _strike_duplicates(store: Store, table: Table) -> None:
    store.run("duplicates", source=table.name, column=table.key, value=table.key)
    for column in table.columns:
        if column.unique:
            store.run("duplicates", source=table.name, column=column.name, value=f"lower({column.name})")


def _strike_orphans(store: Store, table: Table) -> None:
    for column in table.columns:
        if column.references:
            parent = OWN[column.references]
            store.run("orphans", source=table.name, column=column.name, parent=parent.name, key=parent.key)


SIX_TABLES = Format(
    "tables",
    {name: table.columns for name, table in OWN.items()},
    tuple(OWN),
    _compare,
    optional=("marketing_campaigns", "events"),
)
