"""Tests of the SQL files: the queries of the manual, the header of each file, the answer of each question."""

import re
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from lib import db, load
from lib.data import synthetic
from lib.data.parquet import write_tables

FOLDER = Path(db.SQL_FOLDER)
MANUAL = {
    "recent orders": "SELECT o.order_id, o.order_date, o.total_amount, u.name FROM orders o JOIN users u ON "
    "o.user_id = u.user_id ORDER BY o.order_date DESC LIMIT 10",
    "revenue by product": "SELECT p.name, SUM(oi.quantity * oi.price_at_time) as revenue FROM order_items oi "
    "JOIN products p ON oi.product_id = p.product_id GROUP BY p.product_id, p.name ORDER BY revenue DESC LIMIT 10",
    "lifetime value": "SELECT u.name, COUNT(DISTINCT o.order_id) as orders, SUM(o.total_amount) as ltv FROM users u "
    "LEFT JOIN orders o ON u.user_id = o.user_id GROUP BY u.user_id, u.name ORDER BY ltv DESC",
    "tables": "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
}


@pytest.mark.parametrize(("query", "rows"), list(zip(MANUAL.values(), (10, 10, 100, 13), strict=True)), ids=MANUAL)
def test_the_queries_of_the_manual_run_verbatim(demo_database: sa.URL, query: str, rows: int) -> None:
    with db.transaction(read_only=True) as connection:
        assert len(connection.execute(sa.text(query)).all()) == rows


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.sql")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_file_starts_with_a_comment_on_its_result(path: Path) -> None:
    assert re.match(r"-- \w.{20}", path.read_text(encoding="utf-8"))


BOUND = {
    "as_of": "2025-07-01", "start": "2025-06-01", "end": "2025-07-01", "previous_start": "2025-05-01",
    "previous_end": "2025-06-01", "bins": 5, "windows": [30, 90], "split": "2025-04-01",
}  # fmt: skip


@pytest.mark.parametrize("question", sorted(path.stem for path in (FOLDER / "questions").glob("*.sql")))
def test_each_question_runs_on_a_full_and_on_an_empty_shop(demo_database: sa.URL, question: str) -> None:
    names = set(re.findall(r"(?<!:):(\w+)", db.sql(f"questions/{question}").partition("\n")[2]))
    bound = {name: value for name, value in BOUND.items() if name in names}
    full = db.read(question, **bound)
    with db.transaction() as connection:
        connection.execute(sa.text("TRUNCATE users, products, marketing_campaigns, daily_kpis CASCADE"))
    empty = db.read(question, **bound)
    assert list(full.columns) == list(empty.columns)
    assert len(full) >= len(empty)


def test_kpis_of_a_period_equal_those_of_the_frames(demo_database: sa.URL, demo_folder: Path) -> None:
    orders = pd.read_parquet(demo_folder / "orders.parquet").sort_values("order_date")
    refunds = pd.read_parquet(demo_folder / "refunds.parquet")
    done = orders[orders["order_date"] < "2025-04-01"]
    march = done[done["order_date"] >= "2025-03-01"]
    first = done.groupby("user_id")["order_date"].min()
    found = db.read("period_kpis", start="2025-03-01", end="2025-04-01").iloc[0]
    returned = refunds[(refunds["refund_date"] >= "2025-03-01") & (refunds["refund_date"] < "2025-04-01")]
    sales, returns = float(march["total_amount"].sum()), float(returned["amount"].sum())
    assert found["revenue"] == pytest.approx(sales - returns, abs=0.001)
    assert found["orders"] == len(march)
    assert found["active_customers"] == march["user_id"].nunique()
    assert found["new_customers"] == (first >= "2025-03-01").sum()
    assert found["refund_rate"] == pytest.approx(returns / sales)


def test_segments_add_up_to_the_whole(demo_database: sa.URL) -> None:
    months = db.read("monthly_revenue", as_of="2025-07-01")
    countries = db.read("customers_by_country", as_of="2025-07-01")
    days = db.read("daily_revenue", as_of="2025-07-01")
    segments = db.read("daily_revenue_by_segment", as_of="2025-07-01")
    assert months["revenue"].sum() == pytest.approx(days["revenue"].sum(), abs=0.001)
    assert countries["revenue"].sum() == pytest.approx(days["revenue"].sum(), abs=0.001)
    assert countries["customers"].sum() == 100
    by_day = segments.groupby("date")["revenue"].sum()
    by_day = by_day[by_day.abs() > 0.001]
    assert by_day.to_dict() == pytest.approx(
        days[days["revenue"] != 0].set_index("date")["revenue"].to_dict(), abs=0.001
    )
    assert "Clothing" in set(segments["segment"])


def test_segments_are_countries_where_products_have_no_category(demo_database: sa.URL) -> None:
    with db.transaction() as connection:
        connection.execute(sa.text("UPDATE products SET category = NULL"))
        connection.execute(sa.text("UPDATE orders SET shipping_country_code = NULL WHERE shipping_country_code = 'GB'"))
    segments = db.read("daily_revenue_by_segment", as_of="2025-07-01")
    assert {"US", "DE", "not known"} <= set(segments["segment"])
    days = db.read("daily_revenue", as_of="2025-07-01")
    assert segments["revenue"].sum() == pytest.approx(days["revenue"].sum(), abs=0.001)


def _shop(connection: sa.Connection, rows: str) -> None:
    connection.execute(sa.text("TRUNCATE users, products, marketing_campaigns CASCADE"))
    connection.execute(sa.text(rows))


def test_guests_and_free_orders_by_hand(demo_database: sa.URL, tmp_path: Path) -> None:
    """A buys for 10 and gets a gift, B gets a gift only, and a guest buys for 50: the checks of the load agree."""
    a, b, guest = (f"00000000-0000-4000-8000-00000000000{letter}" for letter in "abf")
    sold = [(a, 10), (a, 0), (b, 0), (guest, 50)]
    keys = [f"00000000-0000-4000-8000-00000000001{n}" for n in range(4)]
    orders = [
        f"('{key}', '{user}', '2025-06-10 12:00Z', 'completed', {amount})"
        for key, (user, amount) in zip(keys, sold, strict=True)
    ]
    items = [f"('{key}', '{a}', 1, {amount}, 0)" for key, (_, amount) in zip(keys, sold, strict=True)]
    rows = f"""
    INSERT INTO users (user_id, email, name, country_code, country, signup_date, is_guest)
    VALUES ('{a}', 'a@example.com', 'A', 'DE', 'Germany', '2025-06-01', FALSE),
           ('{b}', 'b@example.com', 'B', 'DE', 'Germany', '2025-06-01', FALSE),
           ('{guest}', 'g@example.com', 'G', 'DE', 'Germany', '2025-06-10', TRUE);
    INSERT INTO products (product_id, name, price) VALUES ('{a}', 'Lamp', 50);
    INSERT INTO orders (order_id, user_id, order_date, status, total_amount) VALUES {", ".join(orders)};
    INSERT INTO order_items (order_id, product_id, quantity, price_at_time, discount) VALUES {", ".join(items)}
    """
    with db.transaction() as connection:
        _shop(connection, rows)
    write_tables({name: frame.head(0) for name, frame in synthetic.generate_shop().items()}, tmp_path)
    load.append(tmp_path, as_of="2025-07-01")
    now = db.read("period_kpis", start="2025-06-01", end="2025-07-01").iloc[0]
    assert now[["revenue", "orders", "avg_order_value"]].tolist() == [60, 2, 30]
    assert now[["active_customers", "new_customers", "repeat_rate"]].tolist() == [1, 1, 0]
    assert db.read("monthly_kpis", start="2025-06-01", end="2025-07-01")["new_customers"].tolist() == [1]
    days = db.read("daily_kpis", start="2025-06-01", end="2025-07-01").sum(numeric_only=True)
    assert days[["orders", "free_orders", "signups", "active_customers"]].tolist() == [2, 2, 2, 1]
    assert db.read("customer_totals", as_of="2025-07-01").iloc[0].tolist() == [2, 1]
    assert db.read("guest_sales", as_of="2025-07-01").iloc[0].tolist() == [1, 50, 50 / 60]
    (country,) = db.read("revenue_by_country", start="2025-06-01", end="2025-07-01").itertuples()
    assert (country.customers, country.active_customers, country.orders, country.revenue) == (2, 1, 2, 60)
    (channel,) = db.read("revenue_by_channel", start="2025-06-01", end="2025-07-01").itertuples()
    assert (channel.orders, channel.revenue) == (2, 60)
    (home,) = db.query("SELECT customers, buyers, orders, revenue FROM geographic_performance").itertuples(index=False)
    assert tuple(home) == (2, 1, 2, 60)
    assert db.query("SELECT count(*) AS customers FROM customer_summary")["customers"].item() == 2
    assert db.query("SELECT buyers FROM product_performance")["buyers"].item() == 2
    assert db.read("churn", as_of="2025-07-01", windows=[1])["observed_buyers"].item() == 1
    assert db.read("first_order_cohorts", as_of="2025-07-01")["cohort_size"].item() == 1
    for question in ("lifetime_value_summary", "second_order_days", "customers_by_country"):
        assert db.read(question, as_of="2025-07-01")["buyers"].item() == 1


def test_retention_by_hand(demo_database: sa.URL) -> None:
    a, b = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
    rows = f"""
    INSERT INTO users (user_id, email, name, signup_date)
    VALUES ('{a}', 'a@example.com', 'A', '2025-01-10'), ('{b}', 'b@example.com', 'B', '2025-01-31');
    INSERT INTO orders (user_id, order_date, status, total_amount)
    VALUES ('{a}', '2025-01-31 23:59Z', 'completed', 1), ('{a}', '2025-03-01 00:00Z', 'completed', 1),
           ('{b}', '2025-02-01 00:00Z', 'cancelled', 0), ('{b}', '2025-03-05 00:00Z', 'completed', 1)
    """
    with db.transaction() as connection:
        _shop(connection, rows)
    cells = db.read("cohort_retention", as_of="2025-03-31").set_index("month_index")
    assert cells["cohort_size"].tolist() == [2, 2]
    assert cells["customers"].to_dict() == {0: 1, 1: 0}, "March has not ended: it has no cell"
    assert db.read("cohort_retention", as_of="2025-04-01")["customers"].tolist() == [1, 0, 2]
    churn = db.read("churn", as_of="2025-04-01", windows=[30]).iloc[0]
    assert (churn["observed_buyers"], churn["churned_buyers"]) == (1, 1), "B's first order is 27 days old"
