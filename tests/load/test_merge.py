"""Exports that are appended in any order give the shop that one export of all orders gives."""

import itertools
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from lib import catalog, db, load
from lib.data.origin import Origin, write_origin
from lib.data.parquet import read_table
from lib.db import schema
from tests.conftest import ask, fingerprint
from tests.own_files import given, imported, key, shop, write

HEADER = [
    "Name", "Email", "Phone", "Financial Status", "Fulfillment Status", "Currency", "Subtotal", "Created at",
    "Cancelled at", "Refunded Amount", "Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem sku",
    "Lineitem discount", "Billing Name", "Billing City", "Billing Country", "Shipping City", "Shipping Country",
]  # fmt: skip
ORDER = {
    "Email": "ada@example.com", "Financial Status": "paid", "Currency": "USD", "Billing Name": "Ada",
    "Billing City": "Reno", "Billing Country": "US", "Lineitem quantity": "1", "Lineitem name": "Mug",
    "Lineitem price": "5.00", "Lineitem sku": "MUG", "Subtotal": "5.00",
}  # fmt: skip
HEAD = {"Email", "Financial Status", "Currency", "Billing Name", "Billing City", "Billing Country", "Subtotal"}
VERSIONS = " UNION ALL ".join(
    f"SELECT '{name}', count(*), sum(hashtext(ROW(xmin, ctid, t.*)::text)::bigint) FROM {name} AS t"
    for name in catalog.tables()
)
Rows = list[dict[str, str]]
Export = Callable[[Rows], Path]


@pytest.fixture
def database(empty_database: sa.URL) -> sa.URL:
    with db.transaction() as connection:
        schema.create(connection)
    return empty_database


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """A function that imports rows of a Shopify export; the folder of its tables."""
    numbers = itertools.count()

    def made(rows: Rows) -> Path:
        path = tmp_path / f"export {next(numbers)}.csv"
        pd.DataFrame(rows, columns=HEADER).to_csv(path, index=False)
        return folder_of(path, "shopify")

    return made


def folder_of(path: Path, source: str, **changes: object) -> Path:
    """The tables of an imported file."""
    found = imported(path, source, **changes)
    assert found.faults() == []
    write_origin(found.folder, Origin("imported", str(path), source))
    return found.folder


def order(day: str, name: str, **more: str) -> dict[str, str]:
    """The only row of an order on a day of 2025, at noon."""
    return ORDER | {"Name": name, "Created at": f"2025-{day} 12:00:00 +0000"} | more


def row(name: str, **more: str) -> dict[str, str]:
    """A further row of an order."""
    return {column: value for column, value in ORDER.items() if column not in HEAD} | {"Name": name} | more


def state(*folders: Path) -> str:
    """Fingerprint of a database into which nothing but these folders was appended, one after another."""
    ask("TRUNCATE users, products, marketing_campaigns, daily_kpis CASCADE")
    for folder in folders:
        load.append(folder, as_of="2025-07-01")
    return fingerprint()


def both_orders(one: Path, other: Path) -> str:
    """Fingerprint after two appends in either order, which must be equal; appending them again changes nothing."""
    forwards = state(one, other)
    assert state(other, one) == forwards
    versions = ask(VERSIONS)
    for folder in (one, other):
        assert (load.append(folder, as_of="2025-07-01").tables[["inserted", "updated"]] == 0).all(axis=None)
    assert ask(VERSIONS) == versions
    return forwards


def test_the_example_of_two_months(database: sa.URL, tmp_path: Path) -> None:
    """June refunds an order of May, and one of the customers returns."""
    may, june = (given(f"cases/shopify_append_{month}.csv", tmp_path) for month in ("may", "june"))
    header, first, *_ = may.read_text().splitlines()
    whole = tmp_path / "whole.csv"
    whole.write_text("\n".join([header, first, *june.read_text().splitlines()[1:], ""]))
    both = both_orders(folder_of(may, "shopify"), folder_of(june, "shopify"))
    assert ask("SELECT count(*), sum(total_amount) FROM orders") == [(3, Decimal("110.00"))]
    assert ask("SELECT sum(amount) FROM refunds") == [(Decimal("50.00"),)]
    assert ask("SELECT signup_date::text FROM users WHERE email = 'a@example.com'") == [("2025-05-10",)]
    assert both == state(folder_of(whole, "shopify"))


TRANSACTIONS = "Name,Kind,Gateway,Created At,Status,Amount,Currency\n"
REFUNDED = {  # fields of an order of 5.00, transactions -> refunds in the database
    "a part": (
        {"Financial Status": "partially_refunded", "Refunded Amount": "2.00"}, {"05-09": "2.00"},
        [("2025-05-09", Decimal("2.00"))],
    ),
    "a part, of which the transactions lack something": (
        {"Financial Status": "partially_refunded", "Refunded Amount": "3.00"}, {"05-09": "2.00"},
        [("2025-05-09", Decimal("1.00")), ("2025-05-09", Decimal("2.00"))],
    ),
    "all": (
        {"Financial Status": "refunded", "Refunded Amount": "5.00"}, {"05-09": "2.00", "06-09": "3.00"},
        [("2025-05-09", Decimal("2.00")), ("2025-06-09", Decimal("3.00"))],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "transactions", "expected"), REFUNDED.values(), ids=REFUNDED)
def test_a_refund_of_the_orders_and_of_their_transactions_counts_once(
    fields: dict[str, str], transactions: dict[str, str], expected: list[tuple[str, Decimal]],
    database: sa.URL, export: Export, tmp_path: Path,
) -> None:  # fmt: skip
    orders = [order("05-01", "#1", **fields)]
    folder = tmp_path / "with transactions"
    folder.mkdir()
    pd.DataFrame(orders, columns=HEADER).to_csv(folder / "orders.csv", index=False)
    rows = [f"#1,refund,manual,2025-{day} 12:00:00 +0000,success,{paid},USD" for day, paid in transactions.items()]
    (folder / "transactions.csv").write_text(TRANSACTIONS + "\n".join(rows) + "\n")
    alone, together = export(orders), folder_of(folder, "shopify")
    both = both_orders(alone, together)
    refunds = ask("SELECT shop_day(refund_date)::text, amount FROM refunds ORDER BY refund_date, amount")
    assert refunds == expected
    assert both == state(together)


# Rows of the file that is the older one, rows of the other, columns, and their values after both. A case has customers,
# products and orders of its own: `numbered` makes them so.
NAMELESS = {"Billing Name": ""}
HOMELESS = {"Billing City": "", "Billing Country": ""}
OSLO = {"Billing City": "Oslo", "Billing Country": "NO"}
PARTLY = {"Financial Status": "partially_refunded"}
POT = {"Lineitem name": "Pot", "Lineitem sku": "POT", "Lineitem price": "4.00"}
CASES = {
    "the first order is in one file": (
        [order("03-01", "#1")], [order("05-01", "#2")], "signup_date", "2025-03-01",
    ),
    "the customer has moved": (
        [order("03-01", "#1")], [order("05-01", "#2", **OSLO)], "country_code, country, city", "NO Norway Oslo",
    ),
    "the customer has another name and spelling of the address": (
        [order("03-01", "#1")], [order("05-01", "#2", **{"Billing Name": "Ada B", "Email": "ADA@example.com"})],
        "users.name, left(email, 3)", "Ada B ADA",
    ),
    "the later order has no name and no home": (
        [order("03-01", "#1")], [order("05-01", "#2", **NAMELESS | HOMELESS)],
        "users.name, country_code, country, city", "Ada US United States Reno",
    ),
    "the later order has no city": (
        [order("03-01", "#1")], [order("05-01", "#2", **{"Billing City": ""})], "country_code, city", "US Reno",
    ),
    "the later order has no city, and another country": (
        [order("03-01", "#1")], [order("05-01", "#2", **OSLO | {"Billing City": ""})],
        "country_code, country, city", "NO Norway",
    ),
    "only the earlier order lacks the name": (
        [order("03-01", "#1", **NAMELESS)], [order("05-01", "#2")], "users.name", "Ada",
    ),
    "no order has a name": (
        [order("03-01", "#1", **NAMELESS)], [order("05-01", "#2", **NAMELESS)], "left(users.name, 12)", "Customer ada",
    ),
    "two orders of the same time": (
        [order("03-01", "#1")], [order("03-01", "#2", **{"Billing Name": "Zoe"})], "signup_date", "2025-03-01",
    ),
    "the product has another name and price": (
        [order("03-01", "#1")], [order("05-01", "#2", **{"Lineitem name": "Cup", "Lineitem price": "5.50"})],
        "products.name, round(price, 2)", "Cup 5.50",
    ),
    "the product is given away later": (
        [order("03-01", "#1")],
        [order("05-01", "#2", **{"Lineitem name": "Gift", "Lineitem price": "0.00", "Subtotal": "0.00"})],
        "products.name, round(price, 2)", "Mug 5.00",
    ),
    "one file has the orders around the other's": (
        [order("03-01", "#1"), order("05-01", "#3", **{"Billing Name": "Ada C", "Lineitem price": "7.00"})],
        [order("04-01", "#2", **{"Billing Name": "Ada B", "Lineitem price": "6.00"})],
        "users.name, round(price, 2)", "Ada C 7.00",
    ),
    "the last order of one file has no home": (
        [order("03-01", "#1"), order("05-01", "#3", **HOMELESS)], [order("04-01", "#2", **OSLO)],
        "country_code, city", "NO Oslo",
    ),
    "an order is paid": (
        [order("03-01", "#1", **{"Financial Status": "pending"})], [order("03-01", "#1")], "status", "completed",
    ),
    "an order is cancelled after a refund": (
        [order("03-01", "#1", **{"Financial Status": "refunded"})],
        [order("03-01", "#1", **{"Financial Status": "refunded", "Cancelled at": "2025-03-09 12:00:00 +0000"})],
        "status", "cancelled",
    ),
    "an order is refunded, and its customer has moved": (
        [order("03-01", "#1")], [order("03-01", "#1", **{"Financial Status": "refunded"} | OSLO)],
        "status, city, shipping_city", "refunded Oslo Oslo",
    ),
    "more of an order is refunded": (
        [order("03-01", "#1", Subtotal="12.00", **PARTLY | {"Lineitem price": "12.00", "Refunded Amount": "9.00"})],
        [order("03-01", "#1", Subtotal="12.00", **PARTLY | {"Lineitem price": "12.00", "Refunded Amount": "10.00"})],
        "status, (SELECT round(sum(amount), 2) FROM refunds WHERE order_id = orders.order_id)", "completed 10.00",
    ),
    "an order loses one of its rows": (
        [order("03-01", "#1", **{"Financial Status": "pending", "Subtotal": "9.00"}), row("#1", **POT)],
        [order("03-01", "#1", **{"Financial Status": "pending", "Fulfillment Status": "fulfilled"}),
         order("03-02", "#2", **POT | {"Subtotal": "4.00"})],
        "status, round(total_amount, 2), products.name", "completed 4.00 Pot, shipped 5.00 Mug",
    ),
}  # fmt: skip


def numbered(rows: Rows, number: int) -> Rows:
    """The rows with other customers, products and orders."""
    return [
        cells
        | {"Name": f"{cells['Name']}-{number}", "Lineitem sku": f"{cells['Lineitem sku']}-{number}"}
        | {"Email": cells.get("Email", "").replace("@", f"-{number}@")}
        for cells in rows
    ]


def test_two_exports_in_either_order_equal_one(database: sa.URL, export: Export) -> None:
    """In one export of all orders, an order has its later state."""
    cases = [(numbered(one, n), numbered(other, n)) for n, (one, other, *_) in enumerate(CASES.values())]
    later = {cells["Name"] for _, other in cases for cells in other}
    ones, others = ([cells for case in cases for cells in case[side]] for side in (0, 1))
    both = both_orders(export(ones), export(others))
    assert {name: answer(n, columns) for n, (name, (*_, columns, _)) in enumerate(CASES.items())} == {
        name: expected for name, (*_, expected) in CASES.items()
    }
    assert both == state(export([cells for cells in ones if cells["Name"] not in later] + others))


def answer(number: int, columns: str) -> str:
    """The values of a case in the database."""
    return ask(
        f"SELECT string_agg(DISTINCT concat_ws(' ', {columns}), ', ') FROM users JOIN orders USING (user_id) "
        "JOIN order_items USING (order_id) JOIN products USING (product_id) WHERE lower(email) = :email",
        email=f"ada-{number}@example.com",
    )[0][0]


def test_of_two_states_that_are_as_new_the_same_is_kept(database: sa.URL, export: Export) -> None:
    both_orders(export([order("03-01", "#1")]), export([order("03-01", "#1", **{"Billing Name": "Zoe"})]))
    assert ask("SELECT name FROM users") == [("Zoe",)], "the greater one"


def test_an_export_keeps_values_that_it_does_not_have(database: sa.URL, export: Export) -> None:
    """A Shopify export has neither the category nor the cost of a product."""
    state(export([order("03-01", "#1")]))
    ask("UPDATE products SET category = 'Kitchen', cost = 2")
    load.append(export([order("05-01", "#2", **{"Lineitem price": "6.00"})]), as_of="2025-07-01")
    assert ask("SELECT category, cost, price FROM products") == [("Kitchen", Decimal("2.00"), Decimal("6.00"))]


def tables_of(folder: Path, **changes: list[dict[str, str]]) -> Path:
    """The tables of the small shop of tests/own_files.py with other rows."""
    found = imported(write(folder, shop() | changes), as_of=pd.Timestamp("2025-07-01").date())
    assert found.faults() == []
    write_origin(found.folder, Origin("imported", str(folder), "tables"))
    return found.folder


def test_tables_of_your_own_are_as_new_as_their_last_order(database: sa.URL, tmp_path: Path) -> None:
    """Cleo, who never orders, moves; Ada becomes a customer after an order as a guest; the mug gets dearer."""
    rows = shop()
    ada, ben, cleo = rows["users"]
    mug, *others = rows["products"]
    third = {"order_id": key("c", 3), "order_date": "2025-05-01T10:00:00Z", "user_id": key("a", 2)}
    orders = [*rows["orders"], rows["orders"][1] | third]
    item = rows["order_items"][1] | {"order_item_id": key("d", 3), "order_id": key("c", 3)}
    new = {
        "users": [ada | {"is_guest": "false", "signup_date": "2025-01-20"}, ben, cleo | {"city": "Oslo"}],
        "products": [mug | {"price": "12.00", "category": ""}, *others],
    }
    old = {"users": [ada | {"is_guest": "true"}, ben, cleo | {"city": "Reno", "country": "United States"}]}
    before = tables_of(tmp_path / "before", **old)
    after = tables_of(tmp_path / "after", **new, orders=orders, order_items=[*rows["order_items"], item])
    both_orders(before, after)
    assert ask("SELECT city, country FROM users WHERE name = 'cleo'") == [("Oslo", "United States")]
    assert ask("SELECT is_guest, signup_date::text FROM users WHERE name = 'ada'") == [(False, "2025-01-10")]
    assert ask("SELECT price, category FROM products WHERE name = 'Mug'") == [(Decimal("12.00"), "Kitchen")]


def test_tables_of_your_own_may_be_corrected(database: sa.URL, tmp_path: Path) -> None:
    """Of files with the same last order, those appended last replace the values, here by a smaller one."""
    rows = shop()
    cheap = [product | {"price": "10.00", "cost": "3.00"} for product in rows["products"]]
    dear = [product | {"cost": "4.00"} for product in rows["products"]]
    state(tables_of(tmp_path / "dear", products=dear), tables_of(tmp_path / "cheap", products=cheap))
    assert ask("SELECT DISTINCT cost FROM products") == [(Decimal("3.00"),)]


RETAIL = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
SALES = [
    "100,MUG,Mug,5,2011-03-01 09:00:00,2.00,1,France",
    "101,MUG,Mug,2,2011-03-05 09:00:00,2.00,1,France",
    "102,POT,Pot,1,2011-03-06 09:00:00,8.00,1,France",
    "103,MUG,Mug,9,2011-03-07 09:00:00,2.00,2,France",
]
CREDITS = [
    "C200,MUG,Mug,-2,2011-04-01 09:00:00,2.00,1,France",  # all of 101
    "C201,MUG,Mug,-4,2011-04-02 09:00:00,1.50,1,France",  # of 100, which is earlier, since 101 has nothing left
    "C202,MUG,Mug,-4,2011-04-03 09:00:00,2.00,1,France",  # no sale has four units left
    "C203,JAR,Jar,-1,2011-04-04 09:00:00,3.00,2,France",  # sold before the data begin
    "C204,POT,Pot,-1,2011-04-05 09:00:00,8.00,,France",  # of a guest
    "104,POT,Pot,2,2011-04-06 09:00:00,8.00,2,France",
]


def test_a_credit_note_finds_the_sale_of_another_file(database: sa.URL, tmp_path: Path) -> None:
    """Each file is a month: two exports appended in either order equal both at once."""
    folders = []
    for name, rows in {"march": SALES, "april": CREDITS, "both": SALES + CREDITS}.items():
        (tmp_path / f"{name}.csv").write_text("\n".join([RETAIL, *rows, ""]))
        folders.append(folder_of(tmp_path / f"{name}.csv", "online_retail"))
    assert both_orders(*folders[:2]) == state(folders[2])
    found = ask("SELECT amount, order_date::date::text, status FROM refunds LEFT JOIN orders USING (order_id)")
    known = [(amount, day, status) for amount, day, status in found if day]
    assert sorted(known) == [(Decimal(4), "2011-03-05", "refunded"), (Decimal(6), "2011-03-01", "completed")]
    assert len(found) == 5


REFUND = {"refund_id": key("f", 1), "order_id": key("c", 1), "kind": "refund", "refund_date": "2025-03-01T08:00:00Z"}


@pytest.mark.parametrize(
    ("status", "amount", "kept"), [("refunded", "10.00", []), ("completed", "4.00", [("2025-02-01", 6)])]
)
def test_a_refund_replaces_what_an_import_added_for_it(
    database: sa.URL, tmp_path: Path, status: str, amount: str, kept: list[tuple[str, int]]
) -> None:
    """One file says that the order of 10.00 is refunded, the other has a refund of it."""
    first, second = shop()["orders"]
    added = tables_of(tmp_path / "added", orders=[first | {"status": "refunded"}, second])
    real = tables_of(
        tmp_path / "real", orders=[first | {"status": status}, second], refunds=[REFUND | {"amount": amount}]
    )
    both_orders(added, real)
    refunds = ask("SELECT left(refund_date::text, 10), amount FROM refunds ORDER BY refund_date")
    assert refunds == [*kept, ("2025-03-01", Decimal(amount))]
    assert ask("SELECT status FROM orders ORDER BY total_amount LIMIT 1") == [("refunded",)]


def test_a_placeholder_never_replaces_an_address(database: sa.URL, tmp_path: Path) -> None:
    ada, *others = shop()["users"]
    nameless = ada | {"email": f"{ada['user_id']}@no-email.invalid", "name": "Customer 17850"}
    state(tables_of(tmp_path / "one"), tables_of(tmp_path / "other", users=[nameless, *others]))
    assert ask("SELECT name FROM users WHERE email = 'ada@example.com'") == [("ada",)]


def exported(shop: dict[str, pd.DataFrame], seed: int) -> pd.DataFrame:
    """The orders of a shop as a Shopify export, in which names, homes and prices change, and some lack."""
    draw = np.random.default_rng(seed)
    orders = shop["orders"].merge(shop["users"][["user_id", "email", "name"]], on="user_id").reset_index(names="number")
    month = orders["order_date"].dt.strftime("%m")
    known = draw.random(len(orders)) > 0.2
    country = draw.choice(["US", "NO", "FR"], len(orders))
    status = {"completed": "paid", "shipped": "pending", "pending": "pending", "cancelled": "voided"}
    heads = pd.DataFrame(
        {
            "order_id": orders["order_id"],
            "Name": "#" + orders["number"].astype(str),
            "Email": orders["email"].mask(draw.random(len(orders)) < 0.1, ""),
            "Financial Status": orders["status"].replace(status),
            "Fulfillment Status": np.where(orders["status"] == "shipped", "fulfilled", ""),
            "Currency": "USD",
            "Created at": orders["order_date"].dt.strftime("%Y-%m-%d %H:00:00 +0000"),
            "Billing Name": np.where(known, orders["name"] + " " + month, ""),
            "Billing City": np.where(known, "City " + country, ""),
            "Billing Country": np.where(known, country, ""),
        }
    )
    rows = shop["order_items"].merge(shop["products"][["product_id", "name"]], on="product_id")
    rows = rows.merge(heads[["order_id", "Name", "Created at"]], on="order_id")
    price = draw.integers(1, 30, len(rows)) * (draw.random(len(rows)) > 0.1)
    rows = rows.assign(price=price, subtotal=rows["quantity"] * price)
    first = ~rows["order_id"].duplicated()
    subtotal = rows.groupby("order_id")["subtotal"].transform("sum").astype(str)
    lines = pd.DataFrame(
        {
            "Name": rows["Name"],
            "order_id": rows["order_id"].where(first),
            "Subtotal": subtotal.where(first, ""),
            "Lineitem quantity": rows["quantity"],
            "Lineitem name": rows["name"] + " of " + rows["Created at"].str[:7],
            "Lineitem sku": rows["product_id"].str[:8],
            "Lineitem price": price,
        }
    )
    return lines.merge(heads.drop(columns="Name"), on="order_id", how="left").reindex(columns=HEADER)


@pytest.mark.parametrize("seed", range(3))
def test_random_halves_in_either_order_equal_the_whole(
    database: sa.URL, demo_folder: Path, tmp_path: Path, seed: int
) -> None:
    names = [name for name, table in catalog.tables().items() if not table.mart]
    whole = exported({name: read_table(demo_folder, name) for name in names}, seed)
    numbers = whole["Name"].unique()
    chosen = whole["Name"].isin(np.random.default_rng(seed).choice(numbers, len(numbers) // 2, replace=False))
    folders = []
    for name, rows in {"one": whole[chosen], "other": whole[~chosen], "whole": whole}.items():
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
        folders.append(folder_of(tmp_path / f"{name}.csv", "shopify"))
    assert both_orders(*folders[:2]) == state(folders[2])
