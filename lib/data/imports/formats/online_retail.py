"""The UCI "Online Retail" layout: one row per product on an invoice; numbers of cancelled invoices start with C."""

import pyarrow as pa

from lib.catalog import Column
from lib.data.imports.dialect import Dialect
from lib.data.imports.format import Format
from lib.data.imports.store import Store
from lib.util.countries import code

__all__ = ["FORMAT"]

LINES = (
    Column("invoice", "text", "Number of the invoice.", most_characters=100),
    Column("product_code", "text", "Number of the article.", most_characters=100),
    Column("description", "text", "Name of the article.", optional=True, most_characters=500),
    Column("quantity", "integer", "Units."),
    Column("invoice_date", "timestamptz", "Instant of the invoice."),
    Column("price", "money", "Price per unit.", above=0),
    Column("customer", "text", "Number of the customer.", most_characters=100),
    Column("country", "text", "English name of the customer's country.", optional=True, most_characters=100),
)
REJECTING = ("signs", "unknown_country", "conflicting_customer", "too_large")


def _compare(store: Store, dialect: Dialect, _: str) -> None:
    store.run("key_of_text")
    names = [row["name"] for row in store.rows("online_retail/countries")]
    codes = [dialect.countries.get(name.casefold(), code(name)) for name in names]
    store.add_rows(
        "country_codes", pa.table({"name": pa.array(names, pa.string()), "code": pa.array(codes, pa.string())})
    )
    for name in REJECTING:
        store.run(f"online_retail/{name}")


FORMAT = Format("online_retail", {"lines": LINES}, ("products", "users", "orders", "order_items"), _compare)
