"""The UCI "Online Retail" export: one row per item of an invoice; the number of a cancellation starts with C."""

from lib.catalog import Column
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
    Column("price", "money", "Price per unit.", least=0),
    Column("customer", "text", "Number of the customer.", optional=True, most_characters=100),
    Column("country", "text", "English name of the customer's country.", optional=True, most_characters=100),
)


def _compare(database: StagingDatabase, options: ReadOptions, _: str) -> None:
    database.run("key_of_text")
    names = [row["name"] for row in database.rows("countries")]
    codes = {name: options.countries.get(name.casefold(), code(name)) for name in names}
    database.add_lookup("country_codes", codes, "name", "code")
    for rule in ("signs", "unknown_country", "conflicting_customer", "too_large"):
        database.run(rule)
    database.run("invoices")


FORMAT = Format({"lines": LINES}, _compare)
