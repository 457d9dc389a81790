"""The UCI "Online Retail" export: one row per item of an invoice or credit note, whose number is C and digits."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from lib.catalog import TYPES, Column
from lib.data.imports.formats import Format
from lib.data.imports.mapping import ReadOptions
from lib.data.imports.staging import StagingDatabase
from lib.util.countries import code

__all__ = ["FORMAT"]

LINES = (
    Column("invoice", "text", "Number of the invoice.", most_characters=100),
    Column("product_code", "text", "Number of the product.", most_characters=100),
    Column("description", "text", "Name of the product.", optional=True, most_characters=500),
    Column("quantity", "integer", "Units."),
    Column("invoice_date", "timestamptz", "Time of the invoice."),
    Column("price", "unit_price", "Price per unit.", least=0),
    Column("customer", "text", "Number of the customer.", optional=True, most_characters=100),
    Column("country", "text", "English name of the customer's country.", optional=True, most_characters=100),
)
RETURNS = pa.schema({"line": pa.int64(), "invoice": pa.string(), "repeat": pa.int64(), "amount": TYPES["total"].arrow})


def _compare(database: StagingDatabase, options: ReadOptions, _: str) -> None:
    database.run("key_of_text")
    database.run("is_credit_note")
    names = [row["name"] for row in database.rows("countries")]
    codes = {name: options.countries.get(name.casefold(), code(name)) for name in names}
    database.add_lookup("country_codes", codes, "name", "code")
    for rule in ("signs", "unknown_country", "conflicting_customer", "too_large"):
        database.run(rule)
    database.run("invoices")
    database.run("items")
    rows = (row for batch in database.batches("returnable") for row in batch.to_pylist())
    found = [each for _, group in groupby(rows, itemgetter("customer", "product_code")) for each in _returns(group)]
    database.add_rows("returns", pa.Table.from_pylist(found, RETURNS))


def _returns(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Line and amount of each credit, with the latest earlier sale of which enough units and amount remain, if any."""
    sales: list[dict[str, Any]] = []
    for row in rows:
        if row["is_sale"]:
            sales.append(row)
            continue
        covering = (s for s in reversed(sales) if s["quantity"] >= row["quantity"] and s["amount"] >= row["amount"])
        if sale := next(covering, None):
            sale["quantity"] -= row["quantity"]
            sale["amount"] -= row["amount"]
            yield row | {"invoice": sale["invoice"], "repeat": sale["repeat"]}


FORMAT = Format({"lines": LINES}, _compare)
