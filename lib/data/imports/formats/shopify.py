"""Shopify's exports: orders with one row per item, whose first row has the order's own fields; customers, products and
transactions next to them."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from lib.catalog import Column
from lib.data.imports.database import StagingDatabase
from lib.data.imports.formats import Format, RowKey
from lib.data.imports.mapping import ReadOptions
from lib.util.countries import calling_code, name

__all__ = ["FORMAT"]

STATUSES = (
    "authorized", "expired", "paid", "partially_paid", "partially_refunded", "pending", "refunded", "unpaid", "voided",
)  # fmt: skip
LINES = (
    Column("name", "text", "Name of the order.", most_characters=100),
    Column("email", "text", "E-mail address.", optional=True, personal=True, form="email", most_characters=254),
    Column("phone", "text", "Telephone number.", optional=True, personal=True, most_characters=100),
    Column("financial_status", "text", "State of the payment.", optional=True, one_of=STATUSES),
    Column("fulfillment_status", "text", "State of the shipment.", optional=True, most_characters=100),
    Column("currency", "text", "Currency of the amounts.", optional=True, most_characters=3),
    Column("subtotal", "money", "Sum of the items after discounts, without shipping.", optional=True, least=0),
    Column("discount_amount", "money", "Discounts of the order, with those of its rows.", optional=True, least=0),
    Column("discount_code", "text", "Code of the discount.", optional=True, most_characters=255),
    Column("shipping", "money", "Shipping charged.", optional=True, least=0),
    Column("taxes", "money", "Taxes.", optional=True, least=0),
    Column("duties", "money", "Import duties.", optional=True, least=0),
    Column("total", "money", "Amount paid, with shipping, taxes and tip.", optional=True, least=0),
    Column("refunded_amount", "money", "Amount refunded, possibly with shipping and taxes.", optional=True, least=0),
    Column("created_at", "timestamptz", "Time of the order.", optional=True),
    Column("cancelled_at", "timestamptz", "Time of the cancellation.", optional=True),
    Column("quantity", "integer", "Units.", above=0),
    Column("item_name", "text", "Name of the product.", most_characters=500),
    Column("item_price", "unit_price", "Price per unit before discounts.", least=0),
    Column("item_sku", "text", "Number of the product.", optional=True, most_characters=255),
    Column("item_discount", "money", "Discount of the row.", optional=True, least=0),
    Column("item_fulfillment_status", "text", "State of the row's shipment.", optional=True, most_characters=100),
    Column("billing_name", "text", "Name of the customer.", optional=True, personal=True, most_characters=200),
    Column("billing_city", "text", "City of the customer.", optional=True, most_characters=100),
    Column("billing_country", "char2", "Country of the customer.", optional=True),
    Column("shipping_city", "text", "City shipped to.", optional=True, most_characters=100),
    Column("shipping_country", "char2", "Country shipped to.", optional=True),
    Column("source", "text", "Channel of the order.", optional=True, most_characters=100),
    Column("id", "text", "Number of the order in the database of Shopify.", optional=True, most_characters=100),
)
CUSTOMERS = (
    Column("first_name", "text", "First name.", optional=True, personal=True, most_characters=100),
    Column("last_name", "text", "Last name.", optional=True, personal=True, most_characters=99),
    Column("email", "text", "E-mail address.", optional=True, personal=True, form="email", most_characters=254),
    Column("phone", "text", "Telephone number.", optional=True, personal=True, most_characters=100),
    Column("city", "text", "Home city.", optional=True, most_characters=100),
    Column("country", "char2", "Home country.", optional=True),
    Column("total_orders", "integer", "Orders so far.", optional=True, least=0),
    Column("signed_up_at", "timestamptz", "Time of the sign-up.", optional=True),
)
PRODUCTS = (
    Column("handle", "text", "Name of the product in addresses: its variants have the same.", most_characters=255),
    Column("title", "text", "Name of the product, in its first row.", optional=True, most_characters=255),
    Column("type", "text", "Category, in the first row.", optional=True, most_characters=200),
    Column("category", "text", "Path in Shopify's taxonomy, in the first row.", optional=True, most_characters=1000),
    Column("gift_card", "boolean", "Whether it is a gift card, in the first row.", optional=True),
    Column("state", "text", "active, draft or archived, in the first row.", optional=True, most_characters=50),
    *(
        Column(
            f"option{number}", "text", "Option of the variant, such as a colour.", optional=True, most_characters=255
        )
        for number in (1, 2, 3)
    ),
    Column("sku", "text", "Number of the variant.", optional=True, most_characters=255),
    Column("price", "unit_price", "List price; empty in a further row for a picture.", optional=True, least=0),
    Column("cost", "unit_price", "Cost of goods per unit.", optional=True, least=0),
    Column(
        "tracker", "text", "App that counts the stock; empty if it is not counted.", optional=True, most_characters=100
    ),
    Column("stock", "integer", "Units on hand; negative if more were sold.", optional=True),
)
TRANSACTIONS = (
    Column(
        "order_number", "text", "Number of the order in the database of Shopify.", optional=True, most_characters=100
    ),
    Column("name", "text", "Name of the order.", most_characters=100),
    Column("kind", "text", "sale, authorization, capture, void, refund or change.", most_characters=100),
    Column("gateway", "text", "Way of payment.", optional=True, most_characters=255),
    Column("created_at", "timestamptz", "Time of the transaction."),
    Column("status", "text", "success, failure, pending or error.", most_characters=100),
    Column("amount", "money", "Amount."),
    Column("currency", "text", "Currency of the amount.", optional=True, most_characters=3),
)
NEWER = (
    "discount_amount", "discount_code", "duties", "id", "item_discount", "item_fulfillment_status", "phone",
    "refunded_amount", "shipping", "source", "taxes", "total",
    "city", "country", "signed_up_at", "type", "category", "gift_card", "state", "option1", "option2", "option3", "sku",
    "cost", "tracker", "stock", "order_number", "gateway",
)  # fmt: skip
ROWS = {  # what a row of a companion is about: the same in two rows is a duplicate or a contradiction
    "customers": "lower(email)",
    "products": "if(price IS NULL, NULL, row(handle, option1, option2, option3, sku)::VARCHAR)",
    "transactions": "row(name, kind, gateway, created_at, status, amount)::VARCHAR",
}
KEYS = {"customers": "email", "products": "handle", "transactions": "name"}
VIEWS = (
    "variants", "gift_cards", "goods", "order_customers", "orders_placed", "known_customers", "paid_back", "refunded",
    "priced", "parts", "sold_products", "product_variants",
)  # fmt: skip
MOST_SUMS = 10_000  # of the rows of an order: beyond, too many subsets for one to be an explanation


def _compare(database: StagingDatabase, _: ReadOptions, currency: str) -> None:
    database.run("key_of_text")
    database.run("added_refund_key")
    for source, row in ROWS.items():
        database.run("duplicates", source=source, column=KEYS[source], value=row)
    database.run("renamed")
    database.run("order_rows")
    database.run("head_lacks")
    database.run("other_currency", {"currency": currency}, source="lines", condition="subtotal IS NOT NULL")
    database.run("other_currency", {"currency": currency}, source="transactions", condition="true")
    for rule in ("second_head", "discount_exceeds_price", "incomplete_order"):
        database.run(rule)
    database.run("subtotal_differs")  # compares whole orders only
    database.run("incomplete_order")  # the other rows of the orders that it rejected
    codes = [row["code"] for row in database.rows("countries") if row["code"]]
    database.add_lookup("country_names", {code: name(code) for code in codes}, "code", "name")
    database.add_lookup("calling_codes", {code: calling_code(code) for code in codes}, "country", "prefix")
    database.run("phone_of")
    database.add_rows("not_goods", pa.table({"line": pa.array(_not_goods(database), pa.int64())}))
    for view in VIEWS:
        database.run(view)


def _not_goods(database: StagingDatabase) -> list[int]:
    """Lines of the rows that no subtotal contains: tips, and rows removed from their order."""
    rows = (row for batch in database.batches("unexplained_rows") for row in batch.to_pylist())
    return [line for _, order in groupby(rows, itemgetter("name")) for line in _not_goods_of(list(order))]


def _not_goods_of(rows: list[dict[str, Any]]) -> list[int]:
    """Lines of the rows of an order that are not in its subtotal; none if its figures do not single them out."""
    first = rows[0]
    marked = [row for row in rows if row["is_marked"]]
    attempts = [(marked, target) for target in first["targets"]] + [(rows, first["unexplained"])]
    found = (_only_subset(candidates, target) for candidates, target in attempts if target)
    return next((lines for lines in found if 0 < len(lines) < first["rows_of_order"]), [])


def _only_subset(rows: Iterable[dict[str, Any]], target: Decimal) -> list[int]:
    """Lines of the only subset of the rows whose amounts sum to `target`; empty if there is none, or several.

    Equal rows of a product are interchangeable: the last of them are taken.
    """
    subsets: dict[Decimal, list[list[int]]] = {Decimal(0): [[]]}
    for (_, _, amount), equal in groupby(rows, itemgetter("product", "quantity", "amount")):
        lines = [row["line"] for row in equal]
        sums: dict[Decimal, list[list[int]]] = {}
        for taken in range(len(lines) + 1):
            for reached, known in subsets.items():
                if reached + taken * amount <= target:
                    more = [subset + lines[len(lines) - taken :] for subset in known]
                    sums[reached + taken * amount] = (sums.get(reached + taken * amount, []) + more)[:2]
        subsets = sums
        if len(subsets) > MOST_SUMS:
            return []
    found = subsets.get(target, [])
    return found[0] if len(found) == 1 else []


ID = "last_value(id IGNORE NULLS) OVER (PARTITION BY name, part_of(line) ORDER BY line)"  # only first rows have it

FORMAT = Format(
    {"lines": LINES},
    _compare,
    companions={"customers": CUSTOMERS, "products": PRODUCTS, "transactions": TRANSACTIONS},
    newer=NEWER,
    row_key=RowKey(f"name || coalesce({ID}, '')", "coalesce(item_sku, item_name)", "created_at"),
    amounts={"lines": "quantity * item_price"},
)
