"""Sales, returns and net sales by both sales bases: a shop of three customers whose figures are known by thought."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from lib import catalog, db, load
from lib.data import synthetic
from lib.data.parquet import write_tables
from lib.data.synthetic.fulfilment import completed_share
from lib.db import schema
from lib.errors import DataError, UsageError
from tests.conftest import ask
from tests.own_files import imported

ANN, BEN, GUEST = (str(UUID(int=number)) for number in (1, 2, 3))
MUG, RAMP = (str(UUID(int=number)) for number in (11, 12))  # the ramp has no cost
SHOP = {
    "users": [
        {"user_id": ANN, "email": "ann@example.com", "name": "Ann", "signup_date": "2025-05-01"},
        {"user_id": BEN, "email": "ben@example.com", "name": "Ben", "signup_date": "2025-05-02"},
        {
            "user_id": GUEST,
            "email": "g@no-email.invalid",
            "name": "Guest",
            "signup_date": "2025-06-03",
            "is_guest": True,
        },
    ],
    "products": [
        {"product_id": MUG, "name": "Mug", "price": 12, "cost": 4},
        {"product_id": RAMP, "name": "Ramp", "price": 100},
    ],
    "marketing_campaigns": [],
    "events": [],
}
# order: customer, day, status, lines of (product, units, price paid, discount)
ORDERS = {
    101: (ANN, "2025-05-31", "completed", [(MUG, 5, 10, 2)]),  # 50.00, of which two mugs come back in June
    102: (BEN, "2025-06-01", "refunded", [(RAMP, 1, 100, 0)]),  # 100.00, all of it back on June 4
    103: (BEN, "2025-06-02", "cancelled", [(MUG, 1, 12, 0)]),  # 12.00, cancelled on June 3
    104: (GUEST, "2025-06-03", "shipped", [(MUG, 3, 12, 0), (RAMP, 1, 64, 36)]),  # 100.00, 25.00 of it back on June 5
    105: (ANN, "2025-06-05", "pending", [(MUG, 1, 12, 0)]),  # 12.00
    106: (ANN, "2025-06-05", "completed", [(MUG, 1, 0, 12)]),  # a gift
}
REFUNDS = [  # customer, order, line of it, day, kind, units, amount
    (ANN, 101, 0, "2025-06-04", "refund", 2, 20),
    (BEN, 102, None, "2025-06-04", "refund", None, 100),
    (BEN, 103, None, "2025-06-03", "cancellation", None, 12),
    (GUEST, 104, None, "2025-06-05", "refund", None, 25),
    (ANN, None, None, "2025-06-06", "credit note", 1, 3),  # of an order that is not in the data
]
JUNE = {"start": "2025-06-01", "end": "2025-07-01"}


def key(*numbers: int) -> str:
    return str(UUID(int=int("".join(f"{number:03d}" for number in numbers))))


def frame(table: str, rows: list[dict[str, object]]) -> pd.DataFrame:
    """The rows as a frame of the table; what a row does not name is empty, or the default."""
    columns = {column.name: column for column in catalog.tables()[table].columns}
    full = [
        {
            name: row.get(name, False if column.type == "boolean" else 0 if name == "budget" else None)
            for name, column in columns.items()
        }
        for row in rows
    ]
    found = pd.DataFrame(full, columns=list(columns), dtype=object)
    for name, column in columns.items():
        if column.type in ("money", "unit_price"):
            found[name] = found[name].map(lambda value: None if value is None else Decimal(value))
        if column.type in ("date", "timestamptz"):
            found[name] = pd.to_datetime(found[name], utc=column.type == "timestamptz")
    return found


def shop(**changes: object) -> dict[str, pd.DataFrame]:
    """The shop; `changes` replace the statuses of orders, as in o103="completed", or all `refunds`."""
    orders, items = [], []
    for number, (user, day, status, lines) in ORDERS.items():
        total = sum(units * paid for _, units, paid, _ in lines)
        facts = {"order_id": key(number), "user_id": user, "order_date": f"{day} 12:00", "total_amount": total}
        orders.append(facts | {"status": changes.get(f"o{number}", status)})
        for place, (product, units, paid, discount) in enumerate(lines):
            line = {"order_item_id": key(number, place), "order_id": key(number), "product_id": product}
            items.append(line | {"quantity": units, "price_at_time": paid, "discount": discount})
    orders[3] |= {"shipping_amount": 9, "tax_amount": 20}
    orders[2] |= {"shipping_amount": 5, "cancelled_at": "2025-06-03 18:00"}
    orders[5] |= {"shipping_amount": 1, "cancelled_at": "2025-06-08 18:00"}
    refunds = [
        {
            "refund_id": key(900 + place), "user_id": user, "order_id": order and key(order),
            "order_item_id": None if line is None else key(order, line),
            "refund_date": f"{day} 18:00", "kind": kind, "quantity": units, "amount": amount,
        }
        for place, (user, order, line, day, kind, units, amount) in enumerate(changes.get("refunds", REFUNDS))
    ]  # fmt: skip
    rows = SHOP | {"orders": orders, "order_items": items, "refunds": refunds}
    return {table: frame(table, rows[table]) for table in rows}


@pytest.fixture
def loaded(empty_database: sa.URL, tmp_path: Path) -> Callable[..., load.Load]:
    """Loads the shop, changed, by a sales basis."""
    with db.transaction() as connection:
        schema.create(connection)

    def put(sales_basis: str = "placed", **changes: object) -> load.Load:
        write_tables(shop(**changes), tmp_path / "data")
        return load.replace(tmp_path / "data", as_of="2025-07-01", sales_basis=sales_basis)

    return put


def by_day(column: str) -> dict[str, float]:
    found = db.query(f"SELECT date, {column} AS value FROM daily_kpis WHERE {column} <> 0 ORDER BY date")
    return {str(day.date()): float(value) for day, value in zip(found["date"], found["value"], strict=True)}


def test_every_order_placed_is_a_sale_and_returns_subtract_on_their_day(loaded):
    loaded()
    assert by_day("gross_sales") == {
        "2025-05-31": 60, "2025-06-01": 100, "2025-06-02": 12, "2025-06-03": 136, "2025-06-05": 24,
    }  # fmt: skip
    assert by_day("discounts") == {"2025-05-31": 10, "2025-06-03": 36, "2025-06-05": 12}
    assert by_day("returns") == {"2025-06-03": 12, "2025-06-04": 120, "2025-06-05": 25, "2025-06-06": 3}
    assert by_day("revenue") == {
        "2025-05-31": 50, "2025-06-01": 100, "2025-06-02": 12, "2025-06-03": 88, "2025-06-04": -120,
        "2025-06-05": -13, "2025-06-06": -3,
    }  # fmt: skip
    assert by_day("orders") == dict.fromkeys(["2025-05-31", "2025-06-01", "2025-06-02", "2025-06-03", "2025-06-05"], 1)
    assert by_day("free_orders") == {"2025-06-05": 1}
    # A cancelled order takes its shipping back.
    assert by_day("shipping") == {"2025-06-02": 5, "2025-06-03": 4, "2025-06-05": 1}
    assert by_day("taxes") == {"2025-06-03": 20}
    assert by_day("cancelled_orders") == {"2025-06-03": 1}


@pytest.mark.parametrize("sales_basis", ["placed", "completed"])
def test_a_cancellation_in_parts_is_one_and_that_of_a_part_is_none(loaded, sales_basis):
    """Shipping is taken back once, on the day that the rest is cancelled, and of a gift on that of its cancellation."""
    parts = [
        (BEN, 103, None, day, "cancellation", None, amount) for day, amount in [("2025-06-03", 2), ("2025-06-07", 10)]
    ]
    of_a_part = (GUEST, 104, 0, "2025-06-04", "cancellation", 1, 12)
    loaded(sales_basis, o106="cancelled", refunds=[*REFUNDS[:2], *REFUNDS[3:], *parts, of_a_part])
    assert by_day("cancelled_orders") == {"2025-06-07": 1, "2025-06-08": 1}
    placed = {"2025-06-02": 5, "2025-06-03": 9, "2025-06-05": 1, "2025-06-07": -5, "2025-06-08": -1}
    assert by_day("shipping") == (placed if sales_basis == "placed" else {})


def test_units_and_costs_are_less_those_of_returns_whose_units_are_known(loaded):
    loaded()
    assert by_day("units") == {
        "2025-05-31": 5, "2025-06-01": 1, "2025-06-02": 1, "2025-06-03": 3, "2025-06-04": -3, "2025-06-05": 2,
        "2025-06-06": -1,
    }  # fmt: skip
    assert by_day("cost") == {"2025-05-31": 20, "2025-06-02": 4, "2025-06-03": 8, "2025-06-04": -8, "2025-06-05": 8}


def test_the_units_of_an_order_come_back_with_the_last_of_its_refunds(loaded):
    parts = [(BEN, 102, None, day, "refund", None, amount) for day, amount in [("2025-06-04", 40), ("2025-06-08", 60)]]
    loaded(refunds=[*parts, REFUNDS[2]])
    assert by_day("units") == {
        "2025-05-31": 5, "2025-06-01": 1, "2025-06-02": 1, "2025-06-03": 3, "2025-06-05": 2, "2025-06-08": -1,
    }  # fmt: skip


def test_completed_orders_alone_are_sales_by_the_other_basis(loaded):
    loaded("completed")
    assert db.sales_basis() == "completed"
    assert by_day("revenue") == {"2025-05-31": 50, "2025-06-04": -20, "2025-06-06": -3}
    assert by_day("orders") == {"2025-05-31": 1}
    assert db.read("guest_sales", as_of="2025-07-01").iloc[0].tolist() == [0, 0, 0]


def test_the_ladder_names_each_kind_of_return(loaded):
    loaded()
    ladder = db.read("sales_ladder", **JUNE).iloc[0].astype(float)
    assert ladder[["gross_sales", "discounts", "refunds", "cancellations", "credit_notes"]].tolist() == [
        272, 48, 145, 12, 3,
    ]  # fmt: skip
    assert ladder[["revenue", "shipping", "taxes", "total_sales"]].tolist() == [64, 10, 20, 94]


def test_statuses_are_those_of_the_orders_placed_in_the_period(loaded):
    loaded("completed")
    found = db.read("sales_by_status", **JUNE)
    assert dict(zip(found["status"], found["amount"].astype(float), strict=True)) == {
        "shipped": 100, "pending": 12, "cancelled": 12, "refunded": 100,
    }  # fmt: skip
    assert not found["counted"].any()


def test_net_sales_of_customers_countries_categories_and_products_add_up(loaded):
    loaded()
    of_customers = "SELECT name, revenue::float FROM customer_lifetime_value JOIN users USING (user_id)"
    assert dict(ask(of_customers)) == {"Ann": 39, "Ben": 0}
    for question in ("revenue_by_country", "revenue_by_category", "revenue_by_channel"):
        assert float(db.read(question, **JUNE)["revenue"].sum()) == pytest.approx(64), question
    # The refund of 25.00 is spread over mugs (36.00) and ramp (64.00).
    products = dict(ask("SELECT name, revenue::float FROM product_performance"))
    assert products == {"Mug": pytest.approx(50 - 20 + 36 - 9 + 12), "Ramp": pytest.approx(64 - 16)}


def test_the_bridge_leads_from_may_to_june(loaded):
    loaded()
    before = {"previous_start": "2025-05-01", "previous_end": "2025-06-01"}
    bridge = db.read("revenue_bridge", **JUNE, **before).iloc[0].astype(float)
    assert bridge[["previous_revenue", "returns", "revenue"]].tolist() == [50, -160, 64]
    assert bridge.drop("revenue").sum() == 64


def test_all_time_net_sales_are_those_of_orders_that_stay_less_partial_refunds(loaded):
    loaded()
    net, kept = ask(
        "SELECT (SELECT sum(revenue) FROM daily_kpis), sum(total_amount) FROM orders "
        "WHERE status IN ('completed', 'shipped', 'pending')"
    )[0]
    assert (float(net), float(kept)) == (114, 162)  # partial refunds: 20 + 25 + 3


def test_a_day_before_the_report_date_does_not_change_later(loaded):
    """The same shop as it was known on June 4: the refund of the guest's order and what came later are missing."""
    loaded(o105="pending", refunds=[row for row in REFUNDS if row[3] < "2025-06-04"], o102="completed")
    before = {day: value for day, value in by_day("revenue").items() if day < "2025-06-04"}
    loaded()
    assert {day: value for day, value in by_day("revenue").items() if day < "2025-06-04"} == before


@pytest.mark.parametrize(
    ("refunds", "check"),
    [
        ([*REFUNDS, (ANN, 101, None, "2025-06-09", "refund", None, 31)], "refunds_differ_from_status"),
        (REFUNDS[:1] + REFUNDS[2:], "refunds_differ_from_status"),  # a refunded order without its refund
        ([*REFUNDS, (ANN, 101, None, "2025-05-30", "refund", None, 1)], "refund_before_order"),
        ([*REFUNDS, (BEN, 101, None, "2025-06-09", "refund", None, 1)], "refund_of_another_order"),
    ],
)
def test_refunds_that_cannot_be_are_refused(loaded, refunds, check):
    with pytest.raises(DataError, match=check):
        loaded(refunds=refunds)


def test_an_append_by_another_basis_is_refused(loaded, tmp_path):
    loaded()
    with pytest.raises(
        UsageError, match=r"is placed, that of the new rows completed.*load_mode=append sales_basis=placed"
    ):
        load.append(tmp_path / "data", as_of="2025-07-01", sales_basis="completed")


def test_sales_and_returns_do_not_depend_on_customer_numbers(empty_database, tmp_path):
    """An Online Retail export with sales and credit notes, whole and without the number on every fourth invoice."""
    draw = np.random.default_rng(7)
    number = np.sort(draw.integers(1, 160, 600))
    is_credit = number % 5 == 0
    day = pd.Timestamp("2011-01-01") + pd.to_timedelta(number, "D")
    export = pd.DataFrame(
        {
            "InvoiceNo": np.where(is_credit, "C", "") + pd.Series(number).astype(str), "Description": "Thing",
            "StockCode": draw.choice(["A", "B", "C", "D"], 600), "InvoiceDate": day.strftime("%Y-%m-%d 10:00:00"),
            "Quantity": draw.integers(1, 9, 600) * np.where(is_credit, -1, 1), "Country": "France",
            "UnitPrice": draw.integers(0, 999, 600) / 100, "CustomerID": (number % 7 + 1).astype(str),
        }
    )  # fmt: skip
    cents = export["Quantity"] * (export["UnitPrice"] * 100).round()
    parts = {"gross_sales": cents.where(~is_credit, 0), "returns": -cents.where(is_credit, 0)}
    expected = pd.DataFrame(parts).groupby(day.rename("date")).sum() / 100
    with db.transaction() as connection:
        schema.create(connection)
    found = {}
    for name, numbers in {
        "whole": export["CustomerID"],
        "blank": export["CustomerID"].mask(number % 4 == 0, ""),
    }.items():
        export.assign(CustomerID=numbers).to_csv(tmp_path / f"{name}.csv", index=False)
        load.replace(imported(tmp_path / f"{name}.csv", "online_retail").folder, as_of="2011-07-01")
        days = db.read("daily_kpis", start="2011-01-01", end="2011-07-01").set_index("date")
        sums = days[["gross_sales", "returns"]].loc[expected.index]
        assert (sums.round(2) == expected).all(axis=None), name
        kpis = db.read("period_kpis", start="2011-01-01", end="2011-07-01").iloc[0]
        found[name] = (round(kpis["revenue"], 2), kpis["orders"])
        assert found[name][0] == round((expected["gross_sales"] - expected["returns"]).sum(), 2)
    assert found["whole"] == found["blank"]
    guests = db.read("guest_sales", as_of="2011-07-01").iloc[0]
    assert guests["orders"] == export["InvoiceNo"][(number % 4 == 0) & ~is_credit].nunique()


@pytest.mark.slow
def test_the_last_mature_day_has_the_level_that_it_will_keep(empty_database, tmp_path):
    """Completed orders of ten shops, whose true share of orders that stay completed is known at every age."""
    with db.transaction() as connection:
        schema.create(connection)
    left = []
    for seed in range(10):
        counts = synthetic.Counts(0, 900, 20, 4000, 24_000)
        write_tables(synthetic.generate_shop(counts, synthetic.Shop(seed=seed)), tmp_path / "data")
        load.replace(tmp_path / "data", as_of="2025-07-01", sales_basis="completed")
        mature = pd.Timestamp(db.read("mature_until", as_of="2025-07-01")["mature_until"].item())
        age = (pd.Timestamp("2025-07-01") - mature).days + 0.5  # of the orders of the last mature day
        left.append(float(completed_share(np.array(age)) / completed_share(np.array(1e4))))
    assert abs(np.mean(left) - 1) < 0.02, left


def test_every_day_is_mature_where_orders_placed_are_sales(loaded):
    loaded()
    assert str(db.read("mature_until", as_of="2025-06-06")["mature_until"].item().date()) == "2025-06-06"


def test_days_with_unfinished_orders_are_not_mature(loaded):
    loaded("completed")
    assert str(db.read("mature_until", as_of="2025-06-06")["mature_until"].item().date()) < "2025-06-04"


@pytest.mark.slow
def test_net_sales_of_past_days_are_the_same_sixty_days_later(empty_database, tmp_path):
    """A synthetic shop, and the same shop as it was known sixty days earlier: without what happened since."""
    now, then = synthetic.generate_shop(), pd.Timestamp("2025-05-02", tz="UTC")
    orders = now["orders"][now["orders"]["order_date"] < then]
    refunds = now["refunds"][now["refunds"]["refund_date"] < then]
    of_orders = refunds.groupby("order_id")["amount"].sum().reindex(orders["order_id"]).to_numpy()
    whole = of_orders == orders["total_amount"].to_numpy()
    cancelled = orders["cancelled_at"] < then
    status = np.select([cancelled, whole], ["cancelled", "refunded"], "shipped")
    earlier = {
        "orders": orders.assign(status=status, cancelled_at=orders["cancelled_at"].where(cancelled)),
        "order_items": now["order_items"].merge(orders[["order_id"]]),
        "refunds": refunds,
        "users": now["users"][now["users"]["signup_date"] < then.tz_localize(None)],
        "events": now["events"][now["events"]["event_timestamp"] < then],
    }
    found = []
    with db.transaction() as connection:
        schema.create(connection)
    for shop_then, as_of in ((now | earlier, "2025-05-02"), (now, "2025-07-01")):
        write_tables(shop_then, tmp_path / "data")
        load.replace(tmp_path / "data", as_of=as_of)
        days = db.read("daily_kpis", start="2024-01-01", end="2025-05-02")
        days = days[["date", "gross_sales", "discounts", "returns", "revenue"]]
        found.append(days[(days["gross_sales"] != 0) | (days["returns"] != 0)].reset_index(drop=True))
    assert (found[0]["returns"] > 0).sum() > 5
    assert found[0].equals(found[1])
