"""Marts after an append equal those built from all tables, and unchanged rows are not written."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from lib import catalog, db, load
from lib.data import parquet
from lib.load.marts import MARTS, create_sessions, selection
from tests.conftest import ask

NAMES = [name for name, table in catalog.tables().items() if not table.mart]
NEW = "00000000-0000-4000-8000-00000000000a"
Shop = dict[str, pd.DataFrame]


@pytest.fixture
def shop(demo_folder: Path) -> Shop:
    """The frames of the sample shop, for a test to modify."""
    return {name: parquet.read_table(demo_folder, name) for name in NAMES}


def differences() -> dict[str, int]:
    """Number of rows of each mart that differ from a full build."""
    found = {}
    with db.transaction("loader") as connection:
        create_sessions(connection)
        for mart in MARTS:
            columns = ", ".join(catalog.tables()[mart].column_names)
            present, built = f"SELECT {columns} FROM {mart}", f"SELECT {columns} FROM ({selection(mart)}) AS built"
            either = f"(({present}) EXCEPT ({built})) UNION ALL (({built}) EXCEPT ({present}))"
            found[mart] = connection.execute(sa.text(f"SELECT count(*) FROM ({either}) AS either")).scalar_one()
    return found


def completed(shop: Shop) -> pd.DataFrame:
    """Completed orders by time."""
    return shop["orders"][shop["orders"]["status"] == "completed"].sort_values("order_date")


def events_of(shop: Shop, orders: pd.DataFrame) -> pd.DataFrame:
    """The events of the orders."""
    return shop["events"][shop["events"]["order_id"].isin(orders["order_id"])]


def earlier_first_order(shop: Shop) -> Shop:
    """A customer's second order moves before the first one, to the day of the sign-up."""
    orders = completed(shop)
    second = orders[orders["user_id"].duplicated()].head(1)
    day = shop["users"].set_index("user_id").loc[second["user_id"].item(), "signup_date"]
    moved = second.assign(order_date=pd.Timestamp(day, tz="UTC") + pd.Timedelta(hours=23, minutes=59))
    return {"orders": moved.astype(second.dtypes)}


def another_customer(shop: Shop) -> Shop:
    """The last order of a customer with several moves to a customer without orders."""
    users = shop["users"].sort_values("signup_date")
    without = users[~users["user_id"].isin(shop["orders"]["user_id"])].head(1)
    orders = completed(shop)
    return {"orders": orders[orders["user_id"].duplicated()].tail(1).assign(user_id=without["user_id"].item())}


def refund(shop: Shop) -> Shop:
    kept = completed(shop)
    orders = kept[~kept["order_id"].isin(shop["refunds"]["order_id"])].head(3).assign(status="refunded")
    rows = orders[["user_id", "order_id", "order_date", "total_amount"]]
    refunds = rows.rename(columns={"order_date": "refund_date", "total_amount": "amount"}).reindex(
        columns=shop["refunds"].columns
    )
    refunds = refunds.assign(refund_id=orders["order_id"], kind="refund", order_item_id=None, quantity=pd.NA)
    return {"orders": orders, "refunds": refunds.astype(shop["refunds"].dtypes)}


def larger_item(shop: Shop) -> Shop:
    """One more unit of a product, and the order's total with it."""
    order = completed(shop).iloc[[5]]
    line = shop["order_items"][shop["order_items"]["order_id"] == order["order_id"].item()].head(1)
    total = order["total_amount"].item() + line["price_at_time"].item()
    dear = {"order_items": line.assign(quantity=line["quantity"] + 1)}
    return dear | {"orders": order.assign(total_amount=pd.Series([total], order.index, order["total_amount"].dtype))}


def cost(shop: Shop) -> Shop:
    """All products cost one cent, and some had no cost before."""
    products = shop["products"]
    return {
        "products": products.assign(cost=pd.Series([Decimal("0.01")] * len(products), dtype=products["cost"].dtype))
    }


def other_stock(shop: Shop) -> Shop:
    """A change that no mart depends on."""
    return {"products": shop["products"].assign(stock_quantity=7)}


def later_sign_up(shop: Shop) -> Shop:
    """A customer without orders or events signs up days after all others, which leaves empty days in between."""
    last = shop["users"].tail(1).assign(user_id=NEW, email="new@example.com", signup_date=pd.Timestamp("2025-06-30"))
    return {"users": last.astype(shop["users"].dtypes)}


def moved_session(shop: Shop) -> Shop:
    """A session without an order moves to another day, and another one gets a new session_id."""
    sessions = shop["events"][~shop["events"]["session_id"].isin(events_of(shop, shop["orders"])["session_id"])]
    one = sessions[sessions["session_id"] == sessions["session_id"].iloc[-1]]
    two = sessions[sessions["session_id"] == sessions["session_id"].iloc[0]]
    moved = one.assign(event_timestamp=one["event_timestamp"] + pd.Timedelta(days=1))
    return {"events": pd.concat([moved, two.assign(session_id=NEW)])}


APPENDED: list[Callable[[Shop], Shop]] = [
    earlier_first_order, another_customer, refund, larger_item, cost, other_stock, later_sign_up, moved_session,
]  # fmt: skip


@pytest.mark.parametrize("change", APPENDED)
def test_marts_after_append_equal_a_full_build(
    demo_database: sa.URL, shop: Shop, tmp_path: Path, change: Callable[[Shop], Shop]
) -> None:
    before = ask("SELECT (SELECT count(*) FROM daily_kpis), (SELECT max(updated_at) FROM daily_kpis)")
    changed = change(shop)
    if "orders" in changed:  # with the last order, so that the files are as new as the rows that they change
        last = shop["orders"].sort_values("order_date").tail(1)
        changed["orders"] = pd.concat([changed["orders"], last]).drop_duplicates("order_id")
        kept = shop["order_items"].merge(last[["order_id"]])
        changed["order_items"] = pd.concat([changed.get("order_items", kept.head(0)), kept])
    parquet.write_tables({name: shop[name].head(0) for name in NAMES} | changed, tmp_path)
    done = load.append(tmp_path, as_of="2025-07-02").tables.set_index("table")
    assert differences() == dict.fromkeys(MARTS, 0)
    affected = done.loc["daily_kpis", ["inserted", "updated"]].sum()
    assert (affected == 0) == (change is other_stock)
    assert ask("SELECT count(*) FROM daily_kpis WHERE updated_at > :before", before=before[0][1]) == [(affected,)]


def test_sessions_without_a_customer_are_sessions(demo_database: sa.URL, shop: Shop, tmp_path: Path) -> None:
    """A visitor looks at a product, another one buys: both on a day with sessions of customers."""
    query = "SELECT sum(sessions), sum(converted_sessions), sum(active_customers) FROM daily_kpis"
    ((sessions, converted, active),) = ask(query)
    visited = shop["events"].query("event_type == 'session_start'").head(2).assign(user_id=None, visitor_id="v")
    visited = visited.assign(event_id=[NEW, NEW[:-1] + "9"], session_id=[NEW, NEW[:-1] + "9"])
    visited["event_type"] = ["product_view", "purchase"]
    parquet.write_tables({name: shop[name].head(0) for name in NAMES} | {"events": visited}, tmp_path)
    load.append(tmp_path, as_of="2025-07-01")
    assert ask(query) == [(sessions + 2, converted + 1, active)]
    assert differences() == dict.fromkeys(MARTS, 0)
    load.append(tmp_path, as_of="2025-07-01")
    assert ask("SELECT count(*) FROM events WHERE user_id IS NULL AND visitor_id = 'v'") == [(2,)]


def test_first_and_last_days_follow_the_data(demo_database: sa.URL, shop: Shop, tmp_path: Path) -> None:
    """After rows were changed by hand, an append rebuilds the marts, and their days span the orders."""
    ask("TRUNCATE events, refunds; UPDATE users SET signup_date = '2025-03-01'")
    ask("UPDATE orders SET order_date = '2025-03-01', status = 'completed'")
    few = {name: shop[name].head(0) for name in NAMES}
    order = completed(shop).head(1)

    def dated(day: str) -> list[tuple]:
        moved = order.assign(order_date=pd.Timestamp(day, tz="UTC")).astype(order.dtypes)
        parquet.write_tables(few | {"orders": moved}, tmp_path)
        load.append(tmp_path, as_of="2025-07-01")
        assert differences() == dict.fromkeys(MARTS, 0)
        return ask("SELECT min(date)::text, max(date)::text, count(*) FROM daily_kpis")

    assert dated("2025-03-04") == [("2025-03-01", "2025-03-04", 4)]
    assert dated("2025-03-09") == [("2025-03-01", "2025-03-09", 9)]
    ask("UPDATE orders SET order_date = '2025-03-01'")
    assert dated("2025-03-02") == [("2025-03-01", "2025-03-02", 2)]
