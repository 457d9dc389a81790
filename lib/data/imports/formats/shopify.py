"""Shopify's order export: one row per item; values of the order are in its first row only."""

import pyarrow as pa

from lib.catalog import Column
from lib.data.imports.dialect import Dialect
from lib.data.imports.format import Format
from lib.data.imports.store import Store
from lib.util.countries import name

__all__ = ["FORMAT"]

STATUSES = (
    "authorized", "expired", "paid", "partially_paid", "partially_refunded", "pending", "refunded", "unpaid", "voided",
)  # fmt: skip
LINES = (
    Column("name", "text", "Name of the order.", most_characters=100),
    Column("email", "text", "E-mail address.", optional=True, personal=True, form="email", most_characters=254),
    Column("financial_status", "text", "State of the payment.", optional=True, one_of=STATUSES),
    Column("fulfillment_status", "text", "State of the fulfillment.", optional=True, most_characters=100),
    Column("currency", "text", "Currency of the amounts.", optional=True, most_characters=3),
    Column("subtotal", "money", "Sum of the rows after discounts, without shipping.", optional=True, least=0),
    Column("created_at", "timestamptz", "Instant of the order.", optional=True),
    Column("cancelled_at", "timestamptz", "Instant of the cancellation.", optional=True),
    Column("quantity", "integer", "Units.", above=0),
    Column("item_name", "text", "Name of the product.", most_characters=500),
    Column("item_price", "money", "Price per unit before discounts.", least=0),
    Column("item_sku", "text", "SKU of the product.", optional=True, most_characters=255),
    Column("item_discount", "money", "Discount of the row.", optional=True, least=0),
    Column("billing_name", "text", "Name of the customer.", optional=True, personal=True, most_characters=200),
    Column("billing_city", "text", "City of the customer.", optional=True, most_characters=100),
    Column("billing_country", "char2", "Country of the customer.", optional=True),
    Column("shipping_city", "text", "City shipped to.", optional=True, most_characters=100),
    Column("shipping_country", "char2", "Country shipped to.", optional=True),
)
REJECTING = (
    "head_lacks", "other_currency", "second_head", "discount_exceeds_price", "no_list_price", "incomplete_order",
    "subtotal_differs", "incomplete_order",
)  # fmt: skip


def _compare(store: Store, _: Dialect, currency: str) -> None:
    store.run("key_of_text")
    for step in REJECTING:
        store.run(f"shopify/{step}", {"currency": currency} if step == "other_currency" else None)
    for view in ("customers", "priced"):
        store.run(f"shopify/{view}")
    codes = [row["code"] for row in store.rows("shopify/countries") if row["code"]]
    names = [name(code) for code in codes]
    store.add_rows(
        "country_names", pa.table({"code": pa.array(codes, pa.string()), "name": pa.array(names, pa.string())})
    )


FORMAT = Format("shopify", {"lines": LINES}, ("products", "users", "orders", "order_items"), _compare)
