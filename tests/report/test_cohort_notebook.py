"""Tests of the whole cohort report on shops of every size: valid sentences and figures, no NaN."""

import json
import re
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from lib import load
from lib.db import read
from lib.db.connection import transaction
from tests.cells import shown_by
from tests.own_files import Rows, imported, key, shop, write

pytestmark = pytest.mark.slow

MIME = "application/vnd.plotly.v1+json"
HOSTILE = '<img src=x onerror="P_1=1">{{7*7}} & Co'


def report(**parameters: object) -> list[dict]:
    """The outputs of the report's cells with these parameters."""
    return shown_by("05_cohort", **parameters)


def words(shown: list[dict]) -> list[str]:
    return [output["text/plain"] for output in shown]


def texts(value: object) -> list[str]:
    """All texts in a figure, at any depth."""
    if isinstance(value, dict):
        return [text for part in value.values() for text in texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return [value] if isinstance(value, str) else []


def assert_readable(shown: list[dict]) -> None:
    """Assert that no NaN or None is shown, and that each figure is valid JSON with a text alternative."""
    figures = [output[MIME] for output in shown if MIME in output]
    assert len(figures) == (9 if read("signups_known")["known"].item() else 7)
    seen = [text for figure in figures for text in texts(json.loads(json.dumps(figure, allow_nan=False)))]
    seen += [text for output in shown for text in (output["text/plain"], output.get("text/html", ""))]
    odd = re.compile(r"\b(nan|NaN|NaT|None|inf|Infinity)\b")
    assert [text for text in seen if odd.search(text)] == []
    assert all(figure["layout"]["meta"]["alt"] for figure in figures)


def loaded(folder: Path, rows: Rows, as_of: str) -> None:
    found = imported(write(folder / "shop", rows), as_of=date.fromisoformat(as_of))
    load.replace(found.folder, as_of=as_of)


def test_an_empty_shop(demo_database: sa.URL) -> None:
    with transaction() as connection:
        connection.execute(sa.text("TRUNCATE users, products, marketing_campaigns, daily_kpis CASCADE"))
    shown = report()
    assert_readable(shown)
    assert words(shown)[0] == "There are no orders yet, so there is no cohort."
    assert words(shown)[-1].endswith("one revenue: $0.00.")


def one_customer() -> Rows:
    rows = shop()
    return {"users": rows["users"][:1], "products": rows["products"], "orders": [], "order_items": []}


def one_order() -> Rows:
    rows = shop()
    return rows | {"orders": rows["orders"][:1], "order_items": rows["order_items"][:1]}


def one_free_order() -> Rows:
    rows = one_order()
    orders = [order | {"total_amount": "0.00"} for order in rows["orders"]]
    return rows | {"orders": orders, "order_items": [item | {"price_at_time": "0.00"} for item in rows["order_items"]]}


def one_country() -> Rows:
    rows = shop()
    return rows | {"users": [user | {"country_code": "FR", "country": "France"} for user in rows["users"]]}


NO_REPEATS = "0.0% of buyers order again within 90 days of their first order; revenue per customer is"


@pytest.mark.parametrize(
    ("rows", "as_of", "headline"),
    [
        (one_customer(), "2025-07-01", "There are no orders yet, so there is no cohort."),
        (one_order(), "2025-07-01", f"{NO_REPEATS} $10.00 within 4 months."),
        (one_order(), "2025-06-15", f"{NO_REPEATS} $10.00 within 3 months."),
        (one_free_order(), "2025-07-01", "There are no orders yet, so there is no cohort."),
        (one_country(), "2025-07-01", f"{NO_REPEATS} $15.00 within 4 months."),
        (one_country(), "2025-02-02", "The first order is less than 7 days old: too early to measure repeat "
         "purchases of 2 buyers."),
        (one_country(), "2025-02-09", "0.0% of buyers order again within 7 days of their first order; no calendar "
         "month is complete yet."),
    ],
    ids=["one customer", "one order", "mid-month", "a free order", "one country", "one day of data", "one week"],
)  # fmt: skip
def test_a_shop_with_few_orders(empty_database: sa.URL, tmp_path: Path, rows: Rows, as_of: str, headline: str) -> None:
    loaded(tmp_path, rows, as_of)
    shown = report(as_of=as_of)
    assert_readable(shown)
    assert words(shown)[0] == headline


def buyers_from_january(signup: str | None) -> Rows:
    """Three first orders in January and one in each month up to April; signed up before, or on the day of the order."""
    rows = shop()
    days = ["2025-01-10", "2025-01-11", "2025-01-12", "2025-02-10", "2025-03-10", "2025-04-10"]
    user, order, item = (rows[name][0] for name in ("users", "orders", "order_items"))
    numbered = list(enumerate(days, 1))
    return rows | {
        "users": [
            user | {"user_id": key("a", n), "email": f"{n}@example.com", "signup_date": signup or day}
            for n, day in numbered
        ],
        "orders": [
            order | {"order_id": key("c", n), "user_id": key("a", n), "order_date": f"{day}T10:00:00Z"}
            for n, day in numbered
        ],
        "order_items": [item | {"order_item_id": key("d", n), "order_id": key("c", n)} for n, _ in numbered],
    }


@pytest.mark.parametrize("signup", [None, "2024-06-01"], ids=["sign-ups unknown", "signed up before the data"])
def test_a_left_truncated_first_cohort_is_left_out(empty_database: sa.URL, tmp_path: Path, signup: str | None) -> None:
    loaded(tmp_path, buyers_from_january(signup), "2025-07-01")
    shown = report(as_of="2025-07-01")
    assert_readable(shown)
    assert (
        "The averages leave out the cohort of Jan 2025: the data begin on Jan 10, 2025, so customers who had ordered "
        "before look new in it."
    ) in words(shown)


def test_an_export_that_ends_within_a_month(retail_database: sa.URL) -> None:
    """The incomplete month is hatched, sign-ups are not shown since the export has none, and all sums hold."""
    shown = report(as_of="2011-12-09", currency="GBP", churn_days=100)
    assert_readable(shown)
    names = [trace.get("name") for output in shown for trace in output.get(MIME, {}).get("data", [])]
    assert names.count("incomplete month: left out") == 1
    assert words(shown)[-1].endswith("£485,169.46.")


def test_markup_in_names_is_escaped(empty_database: sa.URL, tmp_path: Path) -> None:
    rows = shop()
    dates = {"start_date": "2025-01-01", "end_date": "2025-01-31"}
    money = {"budget": "20.00", "spend": "12.00", "impressions": "10", "clicks": "1"}
    campaign = {"campaign_id": key("e", 1), "name": HOSTILE, "channel": HOSTILE} | dates | money
    users = [
        user | {"campaign_id": campaign["campaign_id"], "name": HOSTILE, "city": HOSTILE} for user in rows["users"]
    ]
    loaded(tmp_path, rows | {"users": users, "marketing_campaigns": [campaign]}, "2025-07-01")
    shown = report()
    assert_readable(shown)
    pages = "".join(output.get("text/html", "") + json.dumps(output.get(MIME, "")) for output in shown)
    assert "<img" not in pages
    assert "&lt;img src=x onerror=&#34;P_1=1&#34;&gt;{{7*7}} &amp; Co" in pages
    assert words(shown)[0].endswith(
        "the blended CAC of $6.00 is paid back by the revenue in the month of the first order."
    )


def test_no_customer_is_named(demo_database: sa.URL, demo_folder: Path) -> None:
    users = pd.read_parquet(demo_folder / "users.parquet")
    pages = json.dumps([{kind: data for kind, data in output.items() if kind != "image/png"} for output in report()])
    assert [text for text in [*users["email"], *users["name"]] if text in pages] == []
