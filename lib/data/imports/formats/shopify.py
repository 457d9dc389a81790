"""Shopify's order export: one row per item; the order's own fields are only in the first row of each order."""

from lib.catalog import Column
from lib.data.imports.formats import Format
from lib.data.imports.mapping import ReadOptions
from lib.data.imports.staging import StagingDatabase
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
    Column("created_at", "timestamptz", "Time of the order.", optional=True),
    Column("cancelled_at", "timestamptz", "Time of the cancellation.", optional=True),
    Column("quantity", "integer", "Units.", above=0),
    Column("item_name", "text", "Name of the product.", most_characters=500),
    Column("item_price", "money", "Price per unit before discounts.", least=0),
    Column("item_sku", "text", "Number of the product.", optional=True, most_characters=255),
    Column("item_discount", "money", "Discount of the row.", optional=True, least=0),
    Column("billing_name", "text", "Name of the customer.", optional=True, personal=True, most_characters=200),
    Column("billing_city", "text", "City of the customer.", optional=True, most_characters=100),
    Column("billing_country", "char2", "Country of the customer.", optional=True),
    Column("shipping_city", "text", "City shipped to.", optional=True, most_characters=100),
    Column("shipping_country", "char2", "Country shipped to.", optional=True),
)


def _compare(database: StagingDatabase, _: ReadOptions, currency: str) -> None:
    database.run("key_of_text")
    database.run("head_lacks")
    database.run("other_currency", {"currency": currency})
    for rule in ("second_head", "discount_exceeds_price", "incomplete_order"):
        database.run(rule)
    database.run("subtotal_differs")  # compares whole orders only
    database.run("incomplete_order")  # the other rows of the orders that it rejected
    codes = [row["code"] for row in database.rows("countries") if row["code"]]
    database.add_lookup("country_names", {code: name(code) for code in codes}, "code", "name")
    database.add_lookup("calling_codes", {code: calling_code(code) for code in codes}, "country", "prefix")
    database.run("phone_of")
    database.run("customers")
    database.run("priced")


FORMAT = Format({"lines": LINES}, _compare)
