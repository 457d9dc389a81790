"""Any flat file with one row per order line; rows with negative units or a negative line total are returns."""

import re
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from lib.catalog import TYPES, Column
from lib.data.imports.database import StagingDatabase
from lib.data.imports.formats import Format, RowKey
from lib.data.imports.mapping import STATES, ReadOptions
from lib.data.imports.returns import match_returns
from lib.data.imports.rules import WEIGHED
from lib.util.countries import alpha3, code, name

__all__ = ["FORMAT"]

LINES = (
    Column("order", "text", "Number of the order.", most_characters=100),
    Column("product", "text", "Number of the product.", most_characters=255),
    Column("product_name", "text", "Name of the product.", optional=True, most_characters=500),
    Column("category", "text", "Category of the product.", optional=True, most_characters=200),
    Column("quantity", "integer", "Units; negative ones are returned.", unit=WEIGHED),
    Column("order_date", "timestamptz", "Time of the order; of a return its own time."),
    Column("unit_price", "unit_price", "Price per unit.", optional=True, least=0),
    Column("line_total", "unit_price", "Amount of the row; a negative one is refunded.", optional=True),
    Column("discount", "unit_price", "Discount of the row, an amount or a share.", optional=True),
    Column("customer", "text", "Number of the customer.", optional=True, most_characters=100),
    Column("email", "text", "E-mail address.", optional=True, personal=True, form="email", most_characters=254),
    Column("status", "text", "State of the order or of the row.", optional=True, most_characters=100),
    Column("country", "text", "English name or code of the country.", optional=True, most_characters=100),
    Column("currency", "text", "Currency of the amounts.", optional=True, most_characters=3),
    Column("shipping", "money", "Shipping charged.", optional=True),
    Column("tax", "money", "Taxes on top of the amounts.", optional=True),
    Column("channel", "text", "Channel of the order.", optional=True, most_characters=100),
)
RETURNS = pa.schema({"line": pa.int64(), "sale_line": pa.int64(), "amount": TYPES["total"].arrow})


def _compare(database: StagingDatabase, options: ReadOptions, currency: str) -> None:
    mapped = {row["field"] for row in database.rows("mapped")}
    database.run("key_of_text")
    database.add_rows("settings", pa.Table.from_pylist([_settings(options, mapped)]))
    _look_up(database, options)
    amounts = {"line_total", "discount"} if options.discount_is.startswith("amount") else {"line_total"}
    for column in sorted(amounts & mapped) if not options.round_amounts else ():
        database.run("too_many_decimals", {"currency": currency}, source="lines", column=column, condition="true")
    rules = {"unknown_status": "status", "unknown_country": "country", "other_currency": "currency"}
    if database.rows("missing"):
        database.run("totals_below")
    database.run("figures")
    for rule in ("broken_rows", *(rule for rule, field in rules.items() if field in mapped)):
        database.run(rule, {"currency": currency}, source="lines", condition="true")
    for column, value in {"customer": "customer", "email": "lower(email)"}.items():
        if column in mapped:
            database.run("conflicting_customer", column=column, value=value)
    database.run("paid_rows")
    database.run("order_heads")
    if database.rows("large_orders"):
        database.run("too_large")
        database.run("order_heads")
    for view in ("items", "codes", "priced"):
        database.run(view)
    database.run("parts")
    rows = (row for batch in database.batches("returnable") for row in batch.to_pylist())
    found = [each for _, group in groupby(rows, itemgetter("user_id", "code")) for each in match_returns(group)]
    database.add_rows("returns", pa.Table.from_pylist(found, RETURNS))
    database.run("refunded")


def _settings(options: ReadOptions, mapped: set[str]) -> dict[str, Any]:
    return {
        "prefix": options.credit_note_prefix,
        "is_rate": not options.discount_is.startswith("amount"),
        "whole": 100 if options.discount_is.startswith("percent") else 1,
        "is_included": options.discount_is.endswith("included"),
        "per_row": options.charges_of == "row",
        "has_discount": "discount" in mapped,
        "has_number": "product" in mapped,
        "has_price": "unit_price" in mapped,
        "has_status": "status" in mapped,
    }


def _look_up(database: StagingDatabase, options: ReadOptions) -> None:
    """Views of the words for countries and states in the file, with what they mean."""
    names = [row["name"] for row in database.rows("countries")]
    codes = {n: options.countries.get(n.casefold(), code(n) or (n if alpha3(n) else None)) for n in names}
    countries = [{"name": n, "code": found, "country": name(n) or n} for n, found in codes.items()]
    columns = dict.fromkeys(("name", "code", "country"), pa.string())
    database.add_rows("country_codes", pa.Table.from_pylist(countries, pa.schema(columns)))
    known = {_folded(word): ours for word, ours in (dict(zip(STATES, STATES, strict=True)) | options.statuses).items()}
    words = [row["word"] for row in database.rows("status_words")]
    database.add_lookup("statuses", {word: known.get(_folded(word)) for word in words}, "word", "status")


def _folded(word: str) -> str:
    """A word for a state in one spelling: `On hold`, `on_hold` and `on-hold` are equal."""
    return re.sub(r"[\s_-]+", "-", word.casefold())


FORMAT = Format(
    {"lines": LINES},
    _compare,
    either=(("product", "product_name"), ("unit_price", "line_total")),
    measured="quantity",
    row_key=RowKey('"order"', "coalesce(product, product_name)", "order_date"),
    amounts={"lines": "abs(coalesce(line_total, quantity * unit_price))"},
)
