"""Data quality checks: the sample shop passes all, each one finds planted errors, and results are recorded."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from lib import db, load
from lib.catalog import tables
from lib.data import parquet
from lib.db.connection import SQL_FOLDER
from lib.errors import DataError
from lib.load import checks
from lib.load.marts import create_sessions
from tests.conftest import ask

ONE_ORDER = "(SELECT min(order_id::text)::uuid FROM orders)"
ONE_SESSION = f"(SELECT session_id FROM events WHERE order_id = {ONE_ORDER})"
ONE_EVENT = "(SELECT min(event_id::text)::uuid FROM events WHERE event_type = 'session_start')"
ONE_DAY = "date = (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY date) FROM daily_kpis)"
ONE_BUYER = "user_id = (SELECT min(user_id::text)::uuid FROM customer_lifetime_value WHERE orders > 0)"
ONE_REFUND = "refund_id = (SELECT min(refund_id::text)::uuid FROM refunds WHERE kind = 'refund')"
FIRST = "campaign_id = (SELECT min(campaign_id::text)::uuid FROM marketing_campaigns)"
ONE_CAMPAIGN = "campaign_id = campaigns.campaign_id FROM (SELECT * FROM marketing_campaigns LIMIT 1) AS campaigns"
SPOILED = [  # check, change to the sample shop, rows that break the check afterwards
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
        ("funnel_out_of_order", f"DELETE FROM events WHERE event_type = '{step}' AND session_id = {ONE_SESSION}", 1)
        for step in ("session_start", "product_view", "add_to_cart", "checkout")
    ),
    ("funnel_out_of_order", "DELETE FROM events WHERE event_type = 'purchase'", 0),
    *(
        (
            "funnel_out_of_order",
            "UPDATE events SET event_timestamp = later.first FROM (SELECT min(event_timestamp) AS first FROM events "
            f"WHERE event_type = '{after}' AND session_id = {ONE_SESSION}) AS later "
            f"WHERE event_type = '{step}' AND session_id = {ONE_SESSION}",
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
    ("order_total_differs", f"UPDATE orders SET total_amount = total_amount + 0.01 WHERE order_id = {ONE_ORDER}", 1),
    ("order_without_items", f"DELETE FROM order_items WHERE order_id = {ONE_ORDER}", 1),
    ("order_before_signup", f"UPDATE orders SET order_date = '1999-01-01Z' WHERE order_id = {ONE_ORDER}", 1),
    ("event_before_signup", f"UPDATE events SET event_timestamp = '1999-01-01Z' WHERE event_id = {ONE_EVENT}", 1),
    (
        "order_purchased_twice",
        "INSERT INTO events (user_id, session_id, event_type, order_id, event_timestamp, revenue) "
        "SELECT user_id, session_id, event_type, order_id, event_timestamp, revenue "
        f"FROM events WHERE order_id = {ONE_ORDER}",
        1,
    ),
    ("purchase_differs_from_order", f"UPDATE events SET revenue = revenue + 1 WHERE order_id = {ONE_ORDER}", 1),
    ("purchase_differs_from_order", f"UPDATE events SET user_id = NULL WHERE order_id = {ONE_ORDER}", 0),
    ("purchase_differs_from_order", f"UPDATE events SET order_id = NULL WHERE order_id = {ONE_ORDER}", 1),
    (
        "order_shipped_elsewhere",
        "UPDATE orders SET shipping_country_code = 'NO' FROM users "
        "WHERE users.user_id = orders.user_id AND users.country_code = 'US'",
        1,
    ),
    ("campaign_clicks_exceed_impressions", f"UPDATE marketing_campaigns SET clicks = impressions + 1 WHERE {FIRST}", 1),
    ("campaign_over_budget", f"UPDATE marketing_campaigns SET spend = budget * 1.1 + 0.01 WHERE {FIRST}", 1),
    ("campaign_over_budget", f"UPDATE marketing_campaigns SET spend = round(budget * 1.1, 2) - 0.01 WHERE {FIRST}", 0),
    ("daily_kpis_differ", f"UPDATE daily_kpis SET revenue = revenue + 0.01 WHERE {ONE_DAY}", 1),
    ("daily_kpis_differ", f"UPDATE daily_kpis SET sessions = sessions + 1 WHERE {ONE_DAY}", 1),
    ("daily_kpis_day_missing", f"DELETE FROM daily_kpis WHERE {ONE_DAY}", 1),
    ("lifetime_value_differs", f"UPDATE customer_lifetime_value SET revenue = revenue + 0.01 WHERE {ONE_BUYER}", 1),
    (
        "lifetime_value_of_customer_differs",
        f"UPDATE customer_lifetime_value SET orders = orders + 1 WHERE {ONE_BUYER}",
        1,
    ),
    ("lifetime_value_of_customer_differs", f"DELETE FROM customer_lifetime_value WHERE {ONE_BUYER}", 1),
    ("user_without_country", "UPDATE users SET country = NULL WHERE email LIKE 'a%'", "some"),
    ("user_without_country", "UPDATE users SET country = NULL", 0),
    ("product_without_category", "UPDATE products SET category = NULL WHERE price < 60", "some"),
    ("product_without_category", "UPDATE products SET category = NULL", 0),
    ("product_without_cost", "UPDATE products SET cost = NULL WHERE price < 60", "some"),
    ("product_without_cost", "UPDATE products SET cost = NULL", 0),
    ("product_cost_exceeds_price", "UPDATE products SET cost = price + 0.01", 50),
    ("product_cost_exceeds_price", "UPDATE products SET cost = price", 0),
    (
        "order_without_shipping_country",
        f"UPDATE orders SET shipping_country_code = NULL WHERE order_id = {ONE_ORDER}",
        1,
    ),
    ("order_without_shipping_country", "UPDATE orders SET shipping_country_code = NULL", 0),
    (
        "order_of_zero_amount",
        f"UPDATE orders SET status = 'completed', total_amount = 0 WHERE order_id = {ONE_ORDER}",
        1,
    ),
    ("order_after_as_of", f"UPDATE orders SET order_date = '2025-07-01 00:00Z' WHERE order_id = {ONE_ORDER}", 1),
    ("order_after_as_of", f"UPDATE orders SET order_date = '2025-06-30 23:59Z' WHERE order_id = {ONE_ORDER}", 0),
    ("event_after_as_of", f"UPDATE events SET event_timestamp = '2025-07-01 00:00Z' WHERE event_id = {ONE_EVENT}", 1),
    ("signup_after_as_of", "UPDATE users SET signup_date = '2025-07-01' WHERE email LIKE 'a%'", "some"),
    ("orders_out_of_date", "DELETE FROM events; DELETE FROM refunds; DELETE FROM order_items; DELETE FROM orders", 0),
    (
        "orders_out_of_date",
        "DELETE FROM events; DELETE FROM refunds; DELETE FROM order_items; "
        "DELETE FROM orders WHERE order_date > '2025-05-31'",
        1,
    ),
    (
        "orders_pending_for_long",
        f"UPDATE orders SET status = 'shipped', order_date = '2025-04-01 23:59Z' WHERE order_id = {ONE_ORDER}",
        1,
    ),
    (
        "orders_pending_for_long",
        f"UPDATE orders SET status = 'shipped', order_date = '2025-04-02 00:00Z' WHERE order_id = {ONE_ORDER}",
        0,
    ),
    ("refunds_differ_from_status", f"UPDATE refunds SET amount = amount + 10000 WHERE {ONE_REFUND}", 1),
    ("refunds_differ_from_status", "DELETE FROM refunds WHERE kind = 'cancellation'", "some"),
    ("refund_before_order", f"UPDATE refunds SET refund_date = '2020-01-01Z' WHERE {ONE_REFUND}", 1),
    (
        "refund_of_another_order",
        "UPDATE refunds SET user_id = (SELECT user_id FROM users WHERE user_id <> refunds.user_id LIMIT 1) "
        f"WHERE {ONE_REFUND}",
        1,
    ),
    ("refund_after_as_of", f"UPDATE refunds SET refund_date = '2025-07-01Z' WHERE {ONE_REFUND}", 1),
    ("item_quantity_extreme", f"UPDATE order_items SET quantity = 10001 WHERE order_id = {ONE_ORDER}", "some"),
    ("item_price_differs_from_list", "UPDATE products SET price = price + 0.01", "some"),
    ("event_without_product", "UPDATE events SET product_id = NULL WHERE event_type = 'product_view'", "some"),
    ("revenue_without_purchase", f"UPDATE events SET revenue = 1 WHERE event_id = {ONE_EVENT}", 1),
    (
        "session_longer_than_a_day",
        "UPDATE events SET event_timestamp = event_timestamp - interval '1 day' "
        f"WHERE event_type = 'session_start' AND session_id = {ONE_SESSION}",
        1,
    ),
]


def _failed(connection: sa.Connection) -> dict[str, int]:
    return checks.run_all(connection, "2025-07-01").set_index("check")["failed"].to_dict()


@pytest.fixture
def demo(server: sa.URL, loaded_template: str) -> Iterator[sa.Connection]:
    """A transaction on the sample shop that is rolled back."""
    with sa.create_engine(server.set(database=loaded_template), poolclass=sa.NullPool).connect() as connection:
        yield connection


def test_the_demo_shop_breaks_no_check(demo: sa.Connection) -> None:
    assert not any(_failed(demo).values())


@pytest.mark.parametrize(("check", "change", "rows"), SPOILED)
def test_each_check_finds_planted_errors(demo: sa.Connection, check: str, change: str, rows: int | str) -> None:
    assert demo.execute(sa.text(change)).rowcount != 0
    found = _failed(demo)[check]
    assert found > 1 if rows == "some" else found == rows


def test_every_check_fails_on_some_planted_error() -> None:
    seen = {check for check, _, rows in SPOILED if rows}
    assert seen == {path.stem for path in (SQL_FOLDER / "checks").glob("*.sql")}
    assert len(seen) >= 25


def test_no_check_shows_personal_data(demo: sa.Connection) -> None:
    personal = {column.name for table in tables().values() for column in table.columns if column.personal}
    create_sessions(demo)
    for path in (SQL_FOLDER / "checks").glob("*.sql"):
        text = path.read_text(encoding="utf-8")
        shown = demo.execute(sa.text(text), {"as_of": "2025-07-01"} if ":as_of" in text else {}).keys()
        assert not personal & set(shown), path.stem


def test_a_failed_check_has_its_meaning_and_sample_rows(demo: sa.Connection) -> None:
    db.run(demo, "UPDATE products SET cost = price + 1")
    row = checks.run_all(demo, "2025-07-01").set_index("check").loc["product_cost_exceeds_price"]
    meaning = "Products that cost more than their list price, without those given away."
    assert (row["severity"], row["meaning"]) == ("warning", meaning)
    assert row["sample"].count("(") == 3


RESULTS = pd.DataFrame(
    {
        "check": ["a", "b", "c"],
        "severity": ["error", "error", "warning"],
        "meaning": ["A.", "B.", "C."],
        "failed": [0, 2, 1],
        "sample": [None, "(1) (2)", "(3)"],
    }
)


def test_only_errors_stop_a_load() -> None:
    checks.refuse_errors(RESULTS[RESULTS["check"] != "b"])
    with pytest.raises(DataError, match=r"2 rows fail b \(B\)\. The previously loaded data is unchanged\. Correct"):
        checks.refuse_errors(RESULTS)


def test_checks_are_split_by_their_sources() -> None:
    of_tables, of_derived = ({check.name for check in part} for part in checks.by_source())
    assert {"funnel_out_of_order", "daily_kpis_differ", "lifetime_value_differs"} <= of_derived
    assert {"order_total_differs", "order_without_items"} <= of_tables
    assert of_tables | of_derived == {path.stem for path in (SQL_FOLDER / "checks").glob("*.sql")}


@pytest.mark.parametrize("check", checks.all_checks(), ids=lambda check: check.name)
def test_every_check_declares_what_it_reads(check: checks.Check) -> None:
    body = check.query.split("\n", 2 if check.needs else 1)[-1]
    assert {name for name in checks.DERIVED if re.search(rf"\b{name}\b", body)} == set(check.needs)
    assert check.meaning.endswith(".")


@pytest.mark.parametrize("text", ["SELECT 1", "-- fatal: No.\nSELECT 1", "-- error: No.\n-- needs: orders\nSELECT 1"])
def test_a_malformed_header_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.sql").write_text(text)
    with pytest.raises(ValueError, match=r"bad\.sql: malformed header; expected `-- error: Meaning\.`"):
        checks.read_check(tmp_path / "bad.sql")


def test_history_has_the_last_twenty_runs(demo_database: sa.URL) -> None:
    ask("DELETE FROM workbook.data_quality_results")
    for run in range(25):
        checks.record(RESULTS, rejected=run, run_id=f"run {run}")
    with db.transaction("reader") as connection:
        found = checks.history(connection)
    assert found["run_id"].tolist() == [f"run {run}" for run in range(5, 25)]
    assert found["rejected_lines"].tolist() == list(range(5, 25))
    assert set(found["broken_errors"]) == set(found["broken_warnings"]) == {1}


def test_results_of_a_refused_load_are_recorded(demo_database: sa.URL, demo_folder: Path, tmp_path: Path) -> None:
    shop = {name: parquet.read_table(demo_folder, name) for name, table in tables().items() if not table.mart}
    dearer = shop["orders"].assign(total_amount=shop["orders"]["total_amount"] + 1)
    parquet.write_tables(shop | {"orders": dearer}, tmp_path)
    for run_id, load_rows in load.MODES.items():
        with pytest.raises(DataError, match="fail order_total_differs"):
            load_rows(tmp_path, as_of="2025-07-01", run_id=run_id)
        kept = f"SELECT failed > 1 FROM workbook.data_quality_results WHERE run_id = '{run_id}' AND check_name = "
        assert ask(f"{kept} 'order_total_differs'") == [(True,)]
