"""Tests of questions: any query is read but writes nothing, errors show where, names are suggested."""

import re
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from lib import db
from lib.db import connection
from lib.db.queries import complete_names
from lib.errors import QueryError, UsageError
from tests.conftest import ask

pytestmark = pytest.mark.slow


def test_query_returns_a_frame(demo_database: sa.URL) -> None:
    found = db.query("SELECT status, count(*) AS orders FROM orders WHERE status = :s GROUP BY 1", s="pending")
    assert found.columns.tolist() == ["status", "orders"]
    assert found["orders"].item() == ask("SELECT count(*) FROM orders WHERE status = 'pending'")[0][0]


def test_percent_signs_and_colons_need_no_escape(demo_database: sa.URL) -> None:
    found = db.query("SELECT '100 %' AS share, 'a :b' AS note, '12:30'::time AS at, 7 % 4 AS rest WHERE 'ab' LIKE 'a%'")
    assert found.iloc[0, :2].tolist() == ["100 %", "a :b"]
    assert found["rest"].item() == 3


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM order_items RETURNING 1", "COMMIT; DELETE FROM order_items", "CREATE TABLE mine AS SELECT 1 AS x"],
)
def test_a_query_that_writes_is_refused(demo_database: sa.URL, statement: str) -> None:
    before = ask("SELECT count(*) FROM order_items")
    with pytest.raises(QueryError, match=r"read-only transaction\n.*query\(\) only reads"):
        db.query(statement)
    assert ask("SELECT count(*) FROM order_items") == before


def test_a_query_that_never_ends_is_stopped(demo_database: sa.URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "READER_TIMEOUT", "100ms")
    with pytest.raises(QueryError, match=r"stopped\. Select fewer rows, or aggregate"):
        db.query("SELECT count(*) FROM generate_series(1, 1000000000)")


def test_an_error_shows_its_position(demo_database: sa.URL) -> None:
    with pytest.raises(QueryError) as caught:
        db.query("SELECT order_id,\n       totl_amount\nFROM orders WHERE status = :status", status="completed")
    lines = str(caught.value).splitlines()
    assert lines[:3] == ['column "totl_amount" does not exist (line 2)', "       totl_amount", "       ^"]
    assert "orders.total_amount" in lines[3]
    assert caught.value._render_traceback_() == [f"QueryError: {caught.value}"]


def test_an_unknown_table_names_the_list_of_tables(demo_database: sa.URL) -> None:
    with pytest.raises(
        QueryError, match=r'relation "order" does not exist \(line 1\)\n(.|\n)*tables\(\) lists.*no shop is'
    ):
        db.query('SELECT * FROM "order"')


def test_read_names_similar_questions_and_missing_values(demo_database: sa.URL) -> None:
    with pytest.raises(UsageError, match=r"unknown question 'best_product' \(did you mean best_products"):
        db.read("best_product")
    with pytest.raises(
        UsageError, match=r"needs start, end \(a day is written .*Pass it: read\(\"campaigns\", start=…, end=…"
    ):
        db.read("campaigns")
    with pytest.raises(UsageError, match=r'For SQL of your own: query\("select …"\)'):
        db.read("select 1")


@pytest.mark.parametrize(
    ("bound", "reason"),
    [
        ({"end": "01.07.2025"}, "end is '01.07.2025'; expected a day such as '2025-07-01'."),
        ({"end": "2025-07-01", "country": "ES"}, "has no parameter 'country'; expected read("),
    ],
)
def test_a_value_that_would_be_misread_or_ignored_is_refused(bound: dict[str, str], reason: str) -> None:
    with pytest.raises(UsageError, match=re.escape(reason)):
        db.read("campaigns", start="2025-06-01", **bound)


def test_a_query_names_parameters_without_a_value(demo_database: sa.URL) -> None:
    with pytest.raises(
        QueryError, match=r"No value was passed for :last, :first\. Pass it: query\(…, last=…, first=…\)"
    ):
        db.query("SELECT 1 FROM orders WHERE order_date < :last AND order_date > :first AND status = :s", s="pending")


def test_a_day_is_read_as_year_month_and_day_only(demo_database: sa.URL) -> None:
    with pytest.raises(QueryError, match="Write a day as year, month and day"):
        db.query("SELECT day_start(:start)", start="01.07.2025")


def test_a_question_is_read_by_itself_too(demo_database: sa.URL) -> None:
    assert len(db.read(db.questions["product_names"])) == len(db.read("product_names")) > 0


def test_names_of_questions_complete_within_a_call() -> None:
    shell = InteractiveShell.instance()
    complete_names()
    try:
        with provisionalcompleter():
            found = [
                shell.Completer.completions(text, len(text)) for text in ('read("cust', 'read("churn", windows="cust')
            ]
            assert [{each.text for each in texts} >= {"customer_totals"} for texts in found] == [True, False]
    finally:
        InteractiveShell.clear_instance()


def test_every_question_has_a_definition_and_completes_under_tab(demo_database: sa.URL) -> None:
    listed = db.questions()
    assert listed["definition"].str.len().min() >= 30
    assert set(listed["question"]) == set(db.questions._ipython_key_completions_())
    best = db.questions["best_products"]
    assert set(best.needs) == {"start", "end", "previous_start", "previous_end"}
    assert "gross_margin: (revenue - cost of goods) / revenue" in repr(best)


def test_a_saved_question_is_read_by_its_name(demo_database: sa.URL, own_folders: Path) -> None:
    statement = "SELECT count(*) AS n FROM orders WHERE status = :status"
    path = db.save_question("by_status", statement, "Orders.\nBy status.")
    assert path == own_folders / "questions" / "by_status.sql"
    assert db.question("by_status").definition == "Orders. By status."
    assert db.read("by_status", status="pending")["n"].item() > 0
    assert "by_status" in set(db.questions()["question"])


@pytest.mark.parametrize(("name", "reason"), [("Mine!", "cannot name a question"), ("campaigns", "already")])
def test_a_question_is_not_saved_under_this_name(own_folders: Path, name: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        db.save_question(name, "SELECT 1", "One.")


def test_tables_and_columns_have_meanings(demo_database: sa.URL) -> None:
    found = db.tables().set_index("table")
    assert found.loc[["users", "daily_kpis", "sales_summary"], "kind"].tolist() == ["table", "mart", "view"]
    assert pd.isna(found.loc["sales_summary", "rows"])
    assert found["meaning"].notna().all()
    orders = db.columns("orders")
    assert orders["column"].head(3).tolist() == ["order_id", "user_id", "order_date"]
    assert db.columns("sales_summary")["column"].head(2).tolist() == ["date", "week"]
    with pytest.raises(UsageError, match=r"unknown table 'order' \(did you mean orders"):
        db.columns("order")
