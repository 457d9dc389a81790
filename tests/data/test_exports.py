"""Tests of exports with known truth: the synthetic shop in each layout loads with its orders, items and refunds."""

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from lib import db, load
from lib.data.imports.rejects import Policy
from lib.data.parquet import write_tables as write_table_files
from lib.db import schema
from lib.run.presets import preset_for
from tests.conftest import fingerprint
from tests.exports import (
    LAYOUTS,
    Line,
    returns,
    shop_tables,
    shop_tables_with_visitors,
    sold_lines,
    write_companions,
    write_export,
    write_tables,
)
from tests.own_files import AS_OF, AUTO, Found, imported

pytestmark = pytest.mark.slow  # imports of whole exports

NAMESPACE = uuid.UUID("12850252-e6dc-4b12-88c7-a202b1da15dd")
COMPLETED: dict[str, str] = dict.fromkeys(("pending", "shipped", "cancelled", "refunded"), "completed")


@dataclass(frozen=True)
class Truth:
    """Content of an export: prefix of the order numbers, states, rows that are sold, and the customer of a row."""

    number: str = ""
    states: Callable[[Line], str] = lambda line: line.status
    customer: Callable[[Line], str] = lambda line: line.customer
    sold: Callable[[Line], bool] = lambda _: True
    whole_refunds: bool = True


TRUTHS = {
    "lines": Truth(),
    "online_retail": Truth(states=lambda _: "completed", whole_refunds=False),
    "online_retail_ii": Truth(states=lambda _: "completed", whole_refunds=False),
    "etsy": Truth(states=lambda _: "completed", whole_refunds=False),
    "amazon": Truth(
        "058-", states=lambda x: "pending" if x.status == "pending" else "shipped", customer=lambda x: x.order,
        sold=lambda x: x.status != "cancelled", whole_refunds=False,
    ),
    "superstore": Truth("CA-2025-", states=lambda _: "completed", whole_refunds=False),
    "northwind": Truth(states=lambda _: "completed", whole_refunds=False),
    "olist": Truth(states=lambda x: "completed" if x.status == "refunded" else x.status),
    "woocommerce": Truth(states=lambda x: {"shipped": "completed"}.get(x.status, x.status), customer=lambda x: x.email),
    "shopify": Truth("#", customer=lambda x: x.email),
}  # fmt: skip


def test_every_layout_has_a_truth_and_enough_orders() -> None:
    assert TRUTHS.keys() == LAYOUTS.keys()
    assert len({line.order for line in sold_lines()}) >= 300


@pytest.fixture(scope="module", params=TRUTHS)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Found]:
    folder = tmp_path_factory.mktemp(request.param)
    policy = Policy("USD", 0.0, "reject")
    return request.param, imported(write_export(request.param, folder), request.param, as_of=AS_OF, policy=policy)


def order_key(number: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"order\x1f{number}"))


def test_every_row_is_loaded(shop: tuple[str, Found]) -> None:
    name, found = shop
    (counts,) = found.imported.lines.to_dict("records")
    rows = sum(len(LAYOUTS[name].rows(line)) for line in sold_lines())
    rows += len(list(returns())) if LAYOUTS[name].has_returns else 0
    assert (counts["read"], counts["loaded"], counts["rejected"], counts["duplicates"]) == (rows, rows, 0, 0)
    assert found.imported.refusal == ""


def test_orders_have_their_totals_days_and_states(shop: tuple[str, Found]) -> None:
    name, found = shop
    truth, expected = TRUTHS[name], {}
    credited = Counter[str]()
    for line in returns() if LAYOUTS[name].has_returns else ():
        credited[line.order] -= line.total
    for line in filter(truth.sold, sold_lines()):
        state = "refunded" if credited[line.order] == line.subtotal else truth.states(line)
        expected[order_key(truth.number + line.order)] = (line.subtotal, line.date.date(), state)
    orders = found.table("orders")
    days = orders["order_date"].dt.date
    rows = zip(orders["total_amount"], days, orders["status"], strict=True)
    assert dict(zip(orders["order_id"], rows, strict=True)) == expected


def test_items_have_their_units_and_amounts(shop: tuple[str, Found]) -> None:
    name, found = shop
    truth = TRUTHS[name]
    expected = Counter(
        (order_key(truth.number + row.order), row.quantity, row.total)
        for line in filter(truth.sold, sold_lines())
        for row in LAYOUTS[name].rows(line)
    )
    items = found.table("order_items")
    amounts = (items["quantity"] * items["price_at_time"]).map(lambda amount: round(amount, 2))
    assert Counter(zip(items["order_id"], items["quantity"], amounts, strict=True)) == expected
    assert found.table("products")["product_id"].nunique() == len({x.sku for x in filter(truth.sold, sold_lines())})


def test_refunds_add_up(shop: tuple[str, Found]) -> None:
    name, found = shop
    truth = TRUTHS[name]
    parts = -sum((line.total for line in returns()), Decimal(0)) if LAYOUTS[name].has_returns else Decimal(0)
    firsts = [line for line in sold_lines() if line.first and truth.whole_refunds]
    whole = sum(
        (
            x.subtotal if truth.states(x) in ("cancelled", "refunded") else x.refund * (name == "shopify")
            for x in firsts
        ),
        Decimal(0),
    )
    assert found.table("refunds")["amount"].sum() == parts + whole


def test_customers_are_recognised(shop: tuple[str, Found]) -> None:
    name, found = shop
    truth = TRUTHS[name]
    assert len(found.table("users")) == len({truth.customer(line) for line in filter(truth.sold, sold_lines())})


def test_discounts_and_charges_are_read(shop: tuple[str, Found]) -> None:
    name, found = shop
    items, orders = found.table("order_items"), found.table("orders")
    if name not in ("online_retail", "online_retail_ii", "woocommerce", "olist"):
        off = sum(line.off for line in filter(TRUTHS[name].sold, sold_lines()))
        assert round(sum(items["discount"] * items["quantity"]), 1) == round(off, 1)
    if "online" not in name and name != "superstore":
        firsts = (line for line in filter(TRUTHS[name].sold, sold_lines()) if line.first)
        assert orders["shipping_amount"].sum() == sum(line.shipping for line in firsts)


def test_the_database_has_every_cent(shop: tuple[str, Found], empty_database: sa.URL) -> None:
    name, found = shop
    with db.transaction() as connection:
        schema.create(connection)
    load.replace(found.folder, as_of=str(AS_OF))
    with db.transaction(read_only=True) as connection:
        sums = connection.execute(sa.text(LOADED)).one()
    sold = list(filter(TRUTHS[name].sold, sold_lines()))
    assert sums == (len({x.order for x in sold}), sum(x.total for x in sold), found.table("refunds")["amount"].sum())


LOADED = """
SELECT count(*), sum(total_amount), (SELECT coalesce(sum(amount), 0) FROM refunds)
FROM orders
"""


def test_a_folder_of_tables_is_loaded_as_it_is(tmp_path: Path, empty_database: sa.URL) -> None:
    """Recognised without params; the database equals that of the tables themselves. Some sessions have no customer."""
    folder, truth = write_tables(tmp_path / "shop"), shop_tables_with_visitors()
    assert preset_for(folder).stem == "own_files"
    found = imported(folder, as_of=AS_OF, policy=Policy("USD", 0.0, "reject"), **AUTO)
    counts = found.imported.lines.set_index("file")
    assert counts["read"].to_dict() == {f"{name}.csv": len(frame) for name, frame in truth.items()}
    assert (counts["loaded"].equals(counts["read"]), counts["rejected"].sum()) == (True, 0)
    assert truth["events"]["user_id"].isna().sum() > 100
    with db.transaction() as connection:
        schema.create(connection)
    loaded = []
    write_table_files(truth, tmp_path / "truth")
    for data in (tmp_path / "truth", found.folder):
        load.replace(data, as_of=str(AS_OF), replace_shop=True)
        with db.transaction(read_only=True) as connection:
            sums = connection.execute(sa.text(LOADED)).one()
        loaded.append((fingerprint(), sums))
    assert loaded[0] == loaded[1]
    orders, refunds = truth["orders"], truth["refunds"]
    assert loaded[0][1] == (len(orders), orders["total_amount"].sum(), refunds["amount"].sum())


@pytest.fixture(scope="module")
def whole_shop(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Shopify's orders with the customers, products and transactions next to them."""
    folder = tmp_path_factory.mktemp("whole")
    write_export("shopify", folder)
    write_companions(folder)
    return imported(folder, "shopify", as_of=AS_OF, policy=Policy("USD", 0.0, "reject"))


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    """The sorted rows of these columns."""
    texts = frame[list(columns)].astype({name: str for name in columns if frame[name].dtype.kind == "M"})
    return sorted(texts.itertuples(index=False, name=None))


def test_every_row_of_the_companions_is_loaded(whole_shop: Found) -> None:
    counts = whole_shop.imported.lines
    assert sorted(counts["file"]) == [
        "customers_export.csv",
        "products_export.csv",
        "shopify.csv",
        "transactions_export.csv",
    ]
    assert counts["read"].tolist() == counts["loaded"].tolist()
    assert counts["rejected"].sum() == counts["duplicates"].sum() == 0


def test_products_are_those_of_the_shop(whole_shop: Found) -> None:
    columns = ("name", "category", "price", "cost", "stock_quantity")
    assert rows(whole_shop.table("products"), *columns) == rows(shop_tables()["products"], *columns)


def test_customers_with_orders_are_those_of_the_shop(whole_shop: Found) -> None:
    users = shop_tables()["users"]
    users = users[users["user_id"].isin(shop_tables()["orders"]["user_id"])]
    columns = ("email", "name", "country_code", "country", "city")
    assert rows(whole_shop.table("users"), *columns) == rows(users, *columns)


def test_refunds_have_their_dates_kinds_and_amounts(whole_shop: Found) -> None:
    columns = ("refund_date", "kind", "amount")
    assert rows(whole_shop.table("refunds"), *columns) == rows(shop_tables()["refunds"], *columns)


def test_the_database_has_the_costs_to_the_cent(whole_shop: Found, empty_database: sa.URL) -> None:
    """The units of an order that is cancelled or refunded as a whole come back; those of a part are not known."""
    with db.transaction() as connection:
        schema.create(connection)
    load.replace(whole_shop.folder, as_of=str(AS_OF))
    with db.transaction(read_only=True) as connection:
        sums = connection.execute(sa.text("SELECT sum(costed_revenue), sum(cost), sum(returns) FROM daily_kpis")).one()
    costs = shop_tables()["products"].set_index("name")["cost"]
    kept = sum(x.quantity * costs[x.product] for x in sold_lines() if x.status not in ("cancelled", "refunded"))
    refunded = shop_tables()["refunds"]["amount"].sum()
    assert sums == (sum(line.total for line in sold_lines()) - refunded, kept, refunded)
