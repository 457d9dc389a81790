"""Tests of the SQL files: the manual's queries run as they are, every question and check runs and says what it is."""

import re
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from lib import database, load

FOLDER = Path(database.SQL_FOLDER)
MANUAL = {
    "recent orders": "SELECT o.order_id, o.order_date, o.total_amount, u.name FROM orders o JOIN users u ON "
    "o.user_id = u.user_id ORDER BY o.order_date DESC LIMIT 10",
    "revenue by product": "SELECT p.name, SUM(oi.quantity * oi.price_at_time) as revenue FROM order_items oi "
    "JOIN products p ON oi.product_id = p.product_id GROUP BY p.product_id, p.name ORDER BY revenue DESC LIMIT 10",
    "lifetime value": "SELECT u.name, COUNT(DISTINCT o.order_id) as orders, SUM(o.total_amount) as ltv FROM users u "
    "LEFT JOIN orders o ON u.user_id = o.user_id GROUP BY u.user_id, u.name ORDER BY ltv DESC",
    "tables": "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
}


@pytest.mark.parametrize(("query", "rows"), list(zip(MANUAL.values(), (10, 10, 100, 8), strict=True)), ids=MANUAL)
def test_the_manual_runs_verbatim(demo_database: sa.URL, query: str, rows: int) -> None:
    with database.transaction(read_only=True) as connection:
        assert len(connection.execute(sa.text(query)).all()) == rows


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.sql")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_file_says_what_it_returns(path: Path) -> None:
    assert re.match(r"-- \w.{20}", path.read_text(encoding="utf-8"))


BOUND = {"as_of": "2025-07-01", "start": "2025-06-01", "end": "2025-07-01", "bins": 5, "windows": [30, 90]}


@pytest.mark.parametrize("question", sorted(path.stem for path in (FOLDER / "questions").glob("*.sql")))
def test_each_question_is_answered_in_an_empty_shop_too(demo_database: sa.URL, question: str) -> None:
    names = set(re.findall(r"(?<!:):(\w+)", database.sql(f"questions/{question}").partition("\n")[2]))
    bound = {name: value for name, value in BOUND.items() if name in names}
    full = database.read(question, **bound)
    with database.transaction() as connection:
        connection.execute(sa.text("TRUNCATE users, products, marketing_campaigns, daily_kpis CASCADE"))
    empty = database.read(question, **bound)
    assert list(full.columns) == list(empty.columns)
    assert len(full) >= len(empty)


def test_period_figures_equal_those_of_the_frames(demo_database: sa.URL, demo_folder: Path) -> None:
    orders = pd.read_parquet(demo_folder / "orders.parquet").sort_values("order_date")
    done = orders[(orders["status"] == "completed") & (orders["order_date"] < "2025-04-01")]
    march = done[done["order_date"] >= "2025-03-01"]
    first = done.groupby("user_id")["order_date"].min()
    found = database.read("period_kpis", start="2025-03-01", end="2025-04-01").iloc[0]
    assert found["revenue"] == pytest.approx(float(march["total_amount"].sum()), abs=0.001)
    assert found["orders"] == len(march)
    assert found["active_customers"] == march["user_id"].nunique()
    assert found["new_customers"] == (first >= "2025-03-01").sum()
    assert found["refund_rate"] == pytest.approx(_refund_rate(orders))


def _refund_rate(orders: pd.DataFrame) -> float:
    march = orders[(orders["order_date"] >= "2025-03-01") & (orders["order_date"] < "2025-04-01")]
    counts = march["status"].value_counts()
    return counts.get("refunded", 0) / (counts.get("refunded", 0) + counts["completed"])


def test_parts_add_up_to_the_whole(demo_database: sa.URL) -> None:
    months = database.read("monthly_revenue", as_of="2025-07-01")
    countries = database.read("customers_by_country", as_of="2025-07-01")
    days = database.read("daily_revenue", as_of="2025-07-01")
    assert months["revenue"].sum() == pytest.approx(days["revenue"].sum(), abs=0.001)
    assert countries["revenue"].sum() == pytest.approx(days["revenue"].sum(), abs=0.001)
    assert countries["customers"].sum() == 100


def _shop(connection: sa.Connection, rows: str) -> None:
    connection.execute(sa.text("TRUNCATE users, products, marketing_campaigns CASCADE"))
    connection.execute(sa.text(rows))


def test_retention_by_hand(demo_database: sa.URL) -> None:
    a, b = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
    rows = f"""
    INSERT INTO users (user_id, email, name, signup_date)
    VALUES ('{a}', 'a@example.com', 'A', '2025-01-10'), ('{b}', 'b@example.com', 'B', '2025-01-31');
    INSERT INTO orders (user_id, order_date, status, total_amount)
    VALUES ('{a}', '2025-01-31 23:59Z', 'completed', 1), ('{a}', '2025-03-01 00:00Z', 'completed', 1),
           ('{b}', '2025-02-01 00:00Z', 'cancelled', 1), ('{b}', '2025-03-05 00:00Z', 'completed', 1)
    """
    with database.transaction() as connection:
        _shop(connection, rows)
    cells = database.read("cohort_retention", as_of="2025-03-31").set_index("month_index")
    assert cells["cohort_size"].tolist() == [2, 2]
    assert cells["customers"].to_dict() == {0: 1, 1: 0}, "March has not ended: it has no cell"
    assert database.read("cohort_retention", as_of="2025-04-01")["customers"].tolist() == [1, 0, 2]
    churn = database.read("churn", as_of="2025-04-01", windows=[30]).iloc[0]
    assert (churn["observed_buyers"], churn["churned_buyers"]) == (1, 1), "B's first order is 27 days old"


ONE_ORDER = "(SELECT min(order_id::text)::uuid FROM orders)"
ONE_VISIT = f"(SELECT session_id FROM events WHERE order_id = {ONE_ORDER})"
ONE_CAMPAIGN = "campaign_id = campaigns.campaign_id FROM (SELECT * FROM marketing_campaigns LIMIT 1) AS campaigns"
SPOILED = [  # the check, what is done to the demo shop, rows that break the check then
    ("order_without_purchase", f"DELETE FROM events WHERE order_id = {ONE_ORDER}", 1),
    ("order_without_purchase", f"UPDATE events SET event_type = 'checkout' WHERE order_id = {ONE_ORDER}", 1),
    ("order_without_purchase", "DELETE FROM events WHERE event_type = 'purchase'", 0),
    ("order_without_purchase", "TRUNCATE events", 0),
    (
        "purchase_at_another_time",
        f"UPDATE events SET event_timestamp = event_timestamp + interval '1 us' WHERE order_id = {ONE_ORDER}",
        1,
    ),
    ("purchase_at_another_time", f"UPDATE orders SET order_date = '2025-06-30Z' WHERE order_id = {ONE_ORDER}", 1),
    *(
        ("funnel_out_of_order", f"DELETE FROM events WHERE event_type = '{step}' AND session_id = {ONE_VISIT}", 1)
        for step in ("session_start", "product_view", "add_to_cart", "checkout")
    ),
    ("funnel_out_of_order", "DELETE FROM events WHERE event_type = 'purchase'", 0),
    *(
        (
            "funnel_out_of_order",
            "UPDATE events SET event_timestamp = later.first FROM (SELECT min(event_timestamp) AS first FROM events "
            f"WHERE event_type = '{after}' AND session_id = {ONE_VISIT}) AS later "
            f"WHERE event_type = '{step}' AND session_id = {ONE_VISIT}",
            1,
        )
        for step, after in pairwise(("session_start", "product_view", "add_to_cart", "checkout", "purchase"))
    ),
    (
        "session_of_two_customers",
        "UPDATE events SET user_id = (SELECT user_id FROM users WHERE user_id <> events.user_id LIMIT 1) "
        f"WHERE order_id = {ONE_ORDER}",
        1,
    ),
    *(
        (
            "order_outside_campaign",
            f"UPDATE orders SET order_date = (campaigns.{moment})::timestamp AT TIME ZONE 'UTC', {ONE_CAMPAIGN} "
            f"WHERE order_id = {ONE_ORDER}",
            rows,
        )
        for moment, rows in (
            ("start_date - interval '1 us'", 1),
            ("start_date", 0),
            ("end_date + interval '1 day' - interval '1 us'", 0),
            ("end_date + 1", 1),
        )
    ),
    (
        "product_twice_in_order",
        "INSERT INTO order_items (order_id, product_id, quantity, price_at_time, discount) "
        f"SELECT order_id, product_id, 1, 0, 0 FROM order_items WHERE order_id = {ONE_ORDER} LIMIT 1",
        1,
    ),
]


def _failed(connection: sa.Connection) -> dict[str, int]:
    return load.checks(connection).set_index("check")["failed"].to_dict()


def test_the_demo_shop_breaks_no_check(demo_database: sa.URL) -> None:
    with database.transaction(read_only=True) as connection:
        assert not any(_failed(connection).values())


@pytest.mark.parametrize(("check", "change", "rows"), SPOILED)
def test_a_spoiled_shop_is_found(demo_database: sa.URL, check: str, change: str, rows: int) -> None:
    with database.transaction() as connection:
        assert connection.execute(sa.text(change)).rowcount != 0
        assert _failed(connection)[check] == rows
