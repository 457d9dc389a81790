"""The UCI "Online Retail" layout: one line per article on an invoice, C before the number of a cancelled one."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lib.errors import DataError
from lib.sources.dialect import Dialect, dialect_of
from lib.sources.fields import (
    Fields,
    Parsed,
    country,
    country_codes,
    first_broken,
    instant,
    optional_text,
    price,
    required_text,
    whole_number,
)
from lib.sources.imported import Imported, as_tables, gaps, money
from lib.sources.keys import keys_of, uuids
from lib.sources.lines import read_lines
from lib.sources.rejects import REASONS as SHARED_REASONS
from lib.sources.rejects import faults_of, nothing_usable, rejects_of

__all__ = ["REASONS", "import_online_retail"]

MOST_CENTS = 10**12 - 1  # the database's money type
NO_EMAIL = "@no-email.invalid"
REASONS = SHARED_REASONS | {
    "zero_quantity": "a line needs at least one unit",
    "negative_quantity": "only an invoice whose number starts with C takes goods back",
    "conflicting_customer": "an earlier line of the same invoice names another customer",
}


def import_online_retail(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """The file as the tables of the catalog, refused lines and notes.

    Raises UsageError for a mapping or path that cannot be, DataError for a file that has no usable line.
    """
    dialect = dialect_of(mapping, FIELDS)
    read = read_lines(path, dialect, FIELDS)
    faults = pd.concat([read.faults, _conflicting(read.usable), _too_large(read.usable)])
    rejects = rejects_of(faults, path, dialect, REASONS)
    lines = read.usable.drop(rejects["line"], errors="ignore")
    if lines.empty:
        raise DataError(nothing_usable(path, rejects))
    shop = _shop(lines, dialect)
    notes = dict(read.notes + _decisions(lines, shop) + gaps(shop))
    return Imported(path.name, shop, rejects, len(lines) + len(rejects), len(lines), notes)


def _quantity(text: pd.DataFrame, name: str, dialect: Dialect) -> Parsed:
    """Whole units, above zero on every invoice: the minus of a cancelled one is dropped, its status says it."""
    found = whole_number(text, name, dialect)
    cancelled = _cancelled(text["invoice"])
    negative = found.cells < 0
    rules = first_broken({"zero_quantity": found.cells == 0, "negative_quantity": negative & ~cancelled})
    notes = found.notes | {f"{name}: made positive on a cancelled invoice": (negative & cancelled).sum()}
    return Parsed(found.cells.abs(), np.where(found.rules != "", found.rules, rules), notes)


def _cancelled(invoices: pd.Series) -> pd.Series:
    return invoices.str.startswith("C")


FIELDS: Fields = {
    "invoice": required_text,
    "product_code": required_text,
    "description": optional_text,
    "quantity": _quantity,
    "invoice_date": instant,
    "price": price,
    "customer": required_text,
    "country": country,
}


def _conflicting(lines: pd.DataFrame) -> pd.DataFrame:
    """Faults of the lines whose invoice began with another customer."""
    owners = lines.drop_duplicates("invoice").set_index("invoice")["customer"].astype("str")
    customers = lines["customer"].astype("str")
    other = customers[customers != lines["invoice"].map(owners).astype("str")]
    return faults_of(other.index, "customer", "conflicting_customer", other)


def _too_large(lines: pd.DataFrame) -> pd.DataFrame:
    """Faults of the lines at which the total of an invoice outgrows the database's money type."""
    # Floats are exact as far as the limit, and do not wrap around beyond it.
    amounts = lines["quantity"].astype(float) * lines["price"]
    large = lines[amounts.groupby(lines["invoice"]).cumsum() > MOST_CENTS]
    return faults_of(large.index, "quantity", "out_of_range", large["quantity"].astype("str"))


def _shop(lines: pd.DataFrame, dialect: Dialect) -> dict[str, pd.DataFrame]:
    """The six tables of the catalog from usable lines."""
    codes = country_codes(lines["country"].astype("str"), dialect)
    lines = lines.assign(
        user_id=keys_of("user", lines["customer"]),
        product_id=keys_of("product", lines["product_code"]),
        order_id=keys_of("order", lines["invoice"]),
        code=codes.where(codes != ""),
    )
    orders = _orders(lines)
    return as_tables(
        {
            "users": _users(lines, orders),
            "products": _products(lines),
            "orders": orders,
            "order_items": _order_items(lines),
        }
    )


def _orders(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per invoice: date, customer and country of its first line, total of all."""
    first = lines.drop_duplicates("invoice").astype({"order_id": "str", "user_id": "str"})
    totals = (lines["quantity"] * lines["price"]).groupby(lines["invoice"], observed=True).sum()
    return pd.DataFrame(
        {
            "order_id": first["order_id"],
            "user_id": first["user_id"],
            "order_date": first["invoice_date"],
            "status": np.where(_cancelled(first["invoice"]), "cancelled", "completed"),
            "total_amount": money(first["invoice"].map(totals)),
            "shipping_country_code": first["code"],
        }
    )


def _users(lines: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """One row per customer: signed up with the first invoice, at home where the latest line says."""
    seen = lines[["user_id", "customer", "invoice_date", "country", "code"]].sort_values("invoice_date", kind="stable")
    users = seen.drop_duplicates("user_id", keep="last").astype({"user_id": "str", "customer": "str", "country": "str"})
    signup = orders.groupby("user_id")["order_date"].min().dt.tz_localize(None).dt.normalize()
    plain = users["customer"].str.fullmatch("[a-z0-9._-]{1,64}")
    return pd.DataFrame(
        {
            "user_id": users["user_id"],
            "email": users["customer"].where(plain, users["user_id"]) + NO_EMAIL,
            "name": "Customer " + users["customer"],
            "country_code": users["code"],
            "country": users["country"].where(users["country"] != ""),
            "signup_date": users["user_id"].map(signup),
        }
    ).sort_values(["signup_date", "name"])


def _products(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per stock code: its most frequent description (ties: C order) and the latest price it was sold at."""
    seen = lines[["product_id", "product_code", "invoice_date", "price"]].assign(sold=~_cancelled(lines["invoice"]))
    latest = seen.sort_values(["sold", "invoice_date"], kind="stable").drop_duplicates("product_id", keep="last")
    products = latest.astype({"product_id": "str", "product_code": "str"}).sort_values("product_code")
    return pd.DataFrame(
        {
            "product_id": products["product_id"],
            "name": products["product_id"].map(_descriptions(lines)).astype("str").fillna(products["product_code"]),
            "price": money(products["price"]),
        }
    )


def _descriptions(lines: pd.DataFrame) -> pd.Series:
    """The most frequent description of each product that has one."""
    told = lines[lines["description"] != ""].groupby(["product_id", "description"], observed=True).size()
    told = told.reset_index(name="lines").astype({"product_id": "str", "description": "str"})
    told = told.sort_values(["lines", "description"], ascending=[False, True])
    return told.drop_duplicates("product_id").set_index("product_id")["description"]


def _order_items(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per line; the key counts the repeats of an article on its invoice, not lines, which may move."""
    repeats = lines.groupby(["order_id", "product_id"], observed=True, sort=False).cumcount()
    return pd.DataFrame(
        {
            "order_item_id": uuids("item", lines["invoice"], lines["product_code"], map(str, repeats)),
            "order_id": lines["order_id"],
            "product_id": lines["product_id"],
            "quantity": lines["quantity"],
            "price_at_time": money(lines["price"]),
            "discount": money(lines["price"] * 0),
        }
    )


def _decisions(lines: pd.DataFrame, shop: dict[str, pd.DataFrame]) -> Counter:
    """What the importer had to decide, as the number of cases by what was decided."""
    several = {
        "orders: lines with different instants; the first line's is kept": ["invoice", "invoice_date"],
        "users: several countries; the latest line's is kept": ["customer", "country"],
        "products: several descriptions; the most frequent is kept": ["product_code", "description"],
    }
    counts = {words: _ambiguous(lines[columns]) for words, columns in several.items()}
    described = lines.loc[lines["description"] != "", "product_code"].nunique()
    repeated = lines.duplicated(["invoice", "product_code", "quantity", "price", "invoice_date"])
    return Counter(
        counts
        | {
            "products: no description; named by the stock code": len(shop["products"]) - described,
            "products: list price unknown; the latest price it was sold at stands in": len(shop["products"]),
            "order_items: list price unknown; the discount is 0.00": len(shop["order_items"]),
            "order_items: repeats of an identical line, kept": repeated.sum(),
            "orders: cancelled; the source does not say which order they take back": (
                (shop["orders"]["status"] == "cancelled").sum()
            ),
            f"users: no e-mail; an unreachable placeholder (…{NO_EMAIL}) stands in": len(shop["users"]),
        }
    )


def _ambiguous(pairs: pd.DataFrame) -> int:
    """How many values of the first column come with several of the second."""
    keys = pairs.drop_duplicates().iloc[:, 0]
    return keys[keys.duplicated()].nunique()
