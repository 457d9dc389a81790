"""Tests of the executive report: each number is recomputed from raw frames; shops with little data; hostile names."""

import json
import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from nbformat import v4, write

from lib import catalog, db, load
from lib.analysis import periods, revenue
from lib.data import synthetic
from lib.data.parquet import read_table, write_tables
from lib.db import read, schema
from lib.report.pages import export
from tests.browser import open_page
from tests.cells import shown_by
from tests.conftest import ZONES, ask

pytestmark = pytest.mark.slow

TABLES = ("users", "products", "marketing_campaigns", "orders", "order_items", "refunds", "events")


class Shop(NamedTuple):
    """The raw frames of a loaded shop, the period and the year of the report.

    lines: one row per item sold. returns: one row per item of a return, with its part of the amount. ledger: both, with
    the amount, units and goods of returns negative.
    """

    span: periods.Period
    year: dict[str, date]
    orders: pd.DataFrame
    lines: pd.DataFrame
    refunds: pd.DataFrame
    ledger: pd.DataFrame
    users: pd.DataFrame
    products: pd.DataFrame
    events: pd.DataFrame

    def between(self, rows: pd.DataFrame, start: date, end: date) -> pd.DataFrame:
        return rows[(rows["day"] >= pd.Timestamp(start)) & (rows["day"] < pd.Timestamp(end))]

    def now(self, rows: pd.DataFrame) -> pd.DataFrame:
        return self.between(rows, **self.span.bounds)

    def before(self, rows: pd.DataFrame) -> pd.DataFrame:
        return self.between(rows, *self.span.previous_bounds.values())


def local(instants: pd.Series, time_zone: str) -> pd.Series:
    """Dates and times on the clocks of the time zone."""
    return instants.dt.tz_convert(time_zone).dt.tz_localize(None)


@cache
def raw_frames(folder: Path, as_of: str, period: str, time_zone: str = "UTC") -> Shop:
    tables = {name: read_table(folder, name) for name in TABLES}
    cents = {
        "orders": ["total_amount"], "order_items": ["price_at_time"], "products": ["price", "cost"],
        "refunds": ["amount"],
    }  # fmt: skip
    tables |= {name: tables[name].astype(dict.fromkeys(columns, float)) for name, columns in cents.items()}
    tables["events"]["event_timestamp"] = local(tables["events"]["event_timestamp"], time_zone)
    orders = tables["orders"].assign(order_date=local(tables["orders"]["order_date"], time_zone))
    orders = orders.assign(day=orders["order_date"].dt.normalize())
    refunds = tables["refunds"].assign(day=local(tables["refunds"]["refund_date"], time_zone).dt.normalize())
    lines = tables["order_items"].merge(orders, on="order_id").merge(tables["products"], on="product_id")
    lines = lines.assign(amount=(lines["quantity"] * lines["price_at_time"]).round(2))
    ledger = pd.concat([lines, *returned_lines(refunds, lines, tables["products"])], ignore_index=True)
    ledger = ledger.assign(goods=ledger["quantity"] * ledger["cost"])
    span, year = periods.period(period, as_of), periods.year_before(as_of)
    return Shop(span, year, orders, lines, refunds, ledger, tables["users"], tables["products"], tables["events"])


def returned_lines(refunds: pd.DataFrame, lines: pd.DataFrame, products: pd.DataFrame) -> list[pd.DataFrame]:
    """The refunds as lines with negative amounts and units: of one item, of an unknown order, and of all its items."""
    facts = lines.drop(columns=["day", "amount", "quantity", "user_id"])
    known = refunds.drop(columns=["order_id", "product_id"]).merge(facts, on="order_item_id")
    unknown = refunds[refunds["order_id"].isna()].merge(products, on="product_id", how="left")
    items = lines.drop(columns=["day", "user_id"]).rename(columns={"amount": "paid", "quantity": "units"})
    whole = refunds[refunds["order_item_id"].isna()].drop(columns=["order_item_id", "product_id", "quantity"])
    whole = whole.dropna(subset="order_id").merge(items, on="order_id")
    full = (whole["amount"] - whole["total_amount"]).abs() < 0.001
    whole = whole.assign(
        quantity=whole["units"].where(full, 0), amount=whole["amount"] * whole["paid"] / whole["total_amount"]
    )
    parts = [known, unknown, whole]
    return [rows.assign(amount=-rows["amount"], quantity=-rows["quantity"].fillna(0).astype(float)) for rows in parts]


@pytest.fixture
def time_zone(request: pytest.FixtureRequest) -> str:
    return request.node.callspec.params["shop"]


@pytest.fixture(params=[*ZONES, "online_retail"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A synthetic shop in several time zones, whose clocks change within its year, and a real one, as frames."""
    if request.param in ZONES:
        folder = request.getfixturevalue("zoned_folder")
        return raw_frames(folder, "2025-07-01", "last_90_days", request.param)
    request.getfixturevalue("retail_database")
    return raw_frames(request.getfixturevalue("retail_folder"), "2011-12-09", "last_30_days")


def near(value: float) -> object:
    return pytest.approx(value, abs=0.005, nan_ok=True)


def placed(shop: Shop) -> pd.DataFrame:
    """The orders of an amount above 0."""
    return shop.orders[shop.orders["total_amount"] > 0]


def test_key_figures(shop: Shop) -> None:
    found = read("period_kpis", **shop.span.bounds).iloc[0]
    bought, lines, returns = shop.now(placed(shop)), shop.now(shop.ledger), shop.now(shop.refunds)
    first = placed(shop).groupby("user_id")["day"].min()
    active = bought["user_id"].unique()
    new = int((first[active] >= pd.Timestamp(shop.span.start)).sum())
    sales = bought["total_amount"].sum()
    assert found["revenue"] == near(sales - returns["amount"].sum())
    assert found["orders"] == len(bought)
    assert read("revenue_by_category", **shop.span.bounds)["units"].sum() == lines["quantity"].sum()
    assert found["avg_order_value"] == near(sales / len(bought))
    assert (found["active_customers"], found["new_customers"]) == (len(active), new)
    assert found["repeat_rate"] == near((len(active) - new) / len(active))
    cancelled = returns["kind"] == "cancellation"
    assert found["cancelled_orders"] == cancelled.sum()
    assert found["refunded_amount"] == near(returns.loc[~cancelled, "amount"].sum())
    assert found["refund_rate"] == near(returns["amount"].sum() / sales)
    costed = lines.dropna(subset="cost")
    margin = 1 - costed["goods"].sum() / costed["amount"].sum() if len(costed) else np.nan
    assert found["gross_margin"] == near(margin)


def test_the_ladder(shop: Shop) -> None:
    found = read("sales_ladder", **shop.span.bounds).iloc[0].astype(float)
    lines, returns = shop.now(shop.lines), shop.now(shop.refunds).groupby("kind")["amount"].sum()
    assert found["discounts"] == near((lines["quantity"] * lines["discount"].astype(float)).sum())
    assert found["gross_sales"] - found["discounts"] == near(lines["amount"].sum())
    kinds = {"refunds": "refund", "cancellations": "cancellation", "credit_notes": "credit note"}
    assert found[list(kinds)].to_dict() == {name: near(returns.get(kind, 0)) for name, kind in kinds.items()}
    assert found["revenue"] == near(lines["amount"].sum() - returns.sum())


def test_all_time_net_sales_are_those_of_the_orders_that_stay_less_partial_refunds(shop: Shop) -> None:
    stay = shop.orders[shop.orders["status"].isin(["completed", "shipped", "pending"])]
    lost = shop.orders.loc[~shop.orders.index.isin(stay.index), "order_id"]
    partial = shop.refunds.loc[~shop.refunds["order_id"].isin(lost), "amount"].sum()
    assert float(ask("SELECT sum(revenue) FROM daily_kpis")[0][0]) == near(stay["total_amount"].sum() - partial)


def test_conversion(shop: Shop) -> None:
    visits = shop.events.groupby("session_id").agg(
        day=("event_timestamp", "min"), bought=("event_type", lambda steps: (steps == "purchase").any())
    )
    visits = shop.now(visits.assign(day=pd.to_datetime(visits["day"]).dt.normalize()))
    share = visits["bought"].mean() if len(visits) else np.nan
    assert read("period_kpis", **shop.span.bounds)["conversion_rate"].item() == near(share)


def test_a_month_has_the_kpis_of_its_period(shop: Shop) -> None:
    months = read("monthly_kpis", **shop.year).set_index("month")
    assert len(months) <= 12
    for month, found in list(months.iterrows())[-2:]:
        end = (month + pd.DateOffset(months=1)).date()
        wanted = read("period_kpis", start=month.date(), end=end).iloc[0]
        assert found.to_dict() == {name: near(wanted[name]) for name in found.index}


@pytest.mark.parametrize("kind", ["country", "category", "channel"])
def test_revenue_by_segment(shop: Shop, kind: str) -> None:
    column = {"country": "country", "category": "category", "channel": "acquisition_channel"}[kind]
    rows = (
        shop.ledger if kind == "category" else shop.ledger[["day", "amount", "user_id"]].merge(shop.users, on="user_id")
    )
    rows = rows.assign(**{column: rows[column].fillna("not known")})
    now, before = (some.groupby(column)["amount"].sum() for some in (shop.now(rows), shop.before(rows)))
    current, previous = (read(f"revenue_by_{kind}", **days) for days in (shop.span.bounds, shop.span.previous_bounds))
    found = revenue.with_previous(current, previous).set_index(kind)
    assert found["revenue"].to_dict() == {name: near(now.get(name, 0)) for name in found.index}
    assert found["previous_revenue"].to_dict() == {name: near(before.get(name, 0)) for name in found.index}
    assert set(now.index) | set(before.index) <= set(found.index)
    assert found["share"].sum() == near(1)


def test_the_bridge(shop: Shop) -> None:
    found = read("revenue_bridge", **shop.span.both).iloc[0]
    both_lines = shop.now(shop.lines), shop.before(shop.lines)
    now, before = (rows.groupby("product_id")[["quantity", "amount"]].sum() for rows in both_lines)
    both = now.index.intersection(before.index)
    prices = now["amount"] / now["quantity"], before["amount"] / before["quantity"]
    price = sum(now.loc[p, "quantity"] * (prices[0][p] - prices[1][p]) for p in both)
    units = now["quantity"].sum() - before["quantity"].sum()
    volume = units * before["amount"].sum() / before["quantity"].sum()
    net = [some(shop.ledger)["amount"].sum() for some in (shop.before, shop.now)]
    assert found["price"] == near(price)
    assert found["volume"] == near(volume)
    assert found["returns"] == near(net[1] - net[0] - now["amount"].sum() + before["amount"].sum())
    assert found.drop("revenue").sum() == near(found["revenue"])
    assert (found["previous_revenue"], found["revenue"]) == (near(net[0]), near(net[1]))


def test_the_best_products(shop: Shop) -> None:
    found = read("best_products", **shop.span.both)
    sold = shop.now(shop.ledger).groupby("product_id")["amount"].sum().sort_values(ascending=False)
    assert found["revenue"].tolist() == [near(value) for value in sold.head(10)]
    assert found["share"].tolist() == [near(value) for value in sold.head(10) / shop.now(shop.ledger)["amount"].sum()]
    weeks = shop.between(shop.ledger, (pd.Timestamp(shop.span.end) - pd.Timedelta(days=84)).date(), shop.span.end)
    recent = weeks.groupby("product_id")["amount"].sum()
    assert [sum(trend) for trend in found["trend"]] == [near(recent.get(product, 0)) for product in sold.index[:10]]
    assert {len(trend) for trend in found["trend"]} == {12}


def test_concentration(shop: Shop) -> None:
    curve = read("product_concentration", **shop.year)
    sold = shop.between(shop.ledger, **shop.year).groupby("product_id")["amount"].sum().sort_values(ascending=False)
    sold = sold[sold > 0.0001]
    shares = sold.cumsum() / sold.sum()
    assert curve["revenue"].tolist()[1:] == [near(shares.iloc[place - 1]) for place in curve["place"][1:]]
    assert (curve["products"].iloc[-1], curve["revenue"].iloc[-1]) == (1, near(1))
    assert len(curve) <= 101


def test_hours(shop: Shop) -> None:
    found = read("peak_hours", **shop.year).set_index(["weekday", "hour"])["orders"]
    rows = shop.between(placed(shop), **shop.year)
    counted = rows.groupby([rows["order_date"].dt.day_of_week + 1, rows["order_date"].dt.hour]).size()
    assert found.to_dict() == counted.to_dict()


def test_stock(shop: Shop) -> None:
    as_of = pd.Timestamp(shop.year["end"])
    sold = shop.between(shop.ledger, (as_of - pd.Timedelta(days=30)).date(), as_of.date())
    units = sold.groupby("product_id")["quantity"].sum().astype(float)
    units = units[units > 0]
    stock = shop.products.set_index("product_id")["stock_quantity"].astype(float)
    cover = (30 * stock / units).dropna()
    found = read("low_stock", as_of=as_of.date())
    assert found["days_of_cover"].tolist() == [near(days) for days in sorted(cover[cover < 14])]


def test_views_agree_with_the_tables(shop: Shop) -> None:
    total = shop.ledger["amount"].sum()
    sold = shop.ledger["product_id"].isin(shop.products["product_id"])
    unknown = shop.ledger.loc[~sold, "amount"].sum()  # returns of orders before the data
    for view in ("sales_summary", "customer_summary", "geographic_performance"):
        assert float(ask(f"SELECT sum(revenue) FROM {view}")[0][0]) == near(total)
    assert float(ask("SELECT sum(revenue) FROM product_performance")[0][0]) == near(total - unknown)
    assert ask("SELECT count(*) FROM customer_summary") == [(len(shop.users),)]


EMPTY = dict.fromkeys(TABLES, 0)


def first_order(shop: dict[str, pd.DataFrame], day: str = "") -> dict[str, pd.DataFrame]:
    """The shop reduced to its first completed order with items, products and customer, on another day if given."""
    order = shop["orders"][shop["orders"]["status"] == "completed"].head(1).assign(campaign_id=None)
    items = shop["order_items"].merge(order[["order_id"]])
    user = shop["users"].merge(order[["user_id"]]).assign(campaign_id=None)
    if day:
        order = order.assign(order_date=pd.Timestamp(day, tz="UTC"))
        user = user.assign(signup_date=pd.Timestamp(day).normalize())
    products = shop["products"].merge(items[["product_id"]].drop_duplicates())
    kept = {"users": user, "products": products, "orders": order, "order_items": items}  # and no refunds
    return {name: kept.get(name, frame.head(0)).astype(frame.dtypes) for name, frame in shop.items()}


def one_country(shop: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return shop | {"users": shop["users"].assign(country_code="DE", country="Germany")}


SHOPS = {
    "empty": lambda shop: {name: frame.head(0) for name, frame in shop.items()},
    "one old order": first_order,
    "opened yesterday": lambda shop: first_order(shop, "2025-06-30 12:00"),
    "one country": one_country,
}


@pytest.mark.parametrize("kind", SHOPS)
@pytest.mark.parametrize("period", ["last_month", "year_to_date"])
def test_the_report_of_a_shop_with_little_data(
    empty_database: sa.URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, period: str
) -> None:
    monkeypatch.setenv("WORKBOOK_RUN", "")
    write_tables(SHOPS[kind](synthetic.generate_shop()), tmp_path / "data")
    with db.transaction() as connection:
        schema.create(connection)
    load.replace(tmp_path / "data", as_of="2025-07-01")
    outputs = shown_by("04_executive", period=period)
    assert len(outputs) > 15
    for output in outputs:
        assert not re.search(r"\b(nan|NaT|None|inf|-inf|NaN)\b", output.get("text/html", "") + output["text/plain"])
        assert json.dumps(output, allow_nan=False)


HOSTILE = (
    "<script>window.P_1=1</script>",
    "<img src=x onerror=window.P_2=1>",
    "=cmd|' /C calc'!A0",
    "A & <b>B</b> %{x}",
)


def spoiled(column: pd.Series) -> pd.Series:
    """The column with a hostile text in place of each value, equal for equal values."""
    codes, _ = pd.factorize(column)
    return pd.Series([f"{HOSTILE[code % len(HOSTILE)]} {code}" for code in codes], index=column.index, dtype="str")


def hostile(table: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with hostile texts in all columns that may hold any text."""
    free = [c.name for c in catalog.tables()[table].columns if c.type == "text" and not c.one_of and not c.form]
    return rows.assign(**{name: spoiled(rows[name]) for name in free})


def test_hostile_names_are_shown_literally_and_not_executed(empty_database: sa.URL, tmp_path: Path) -> None:
    write_tables({name: hostile(name, rows) for name, rows in synthetic.generate_shop().items()}, tmp_path / "data")
    with db.transaction() as connection:
        schema.create(connection)
    load.replace(tmp_path / "data", as_of="2025-07-01")
    outputs = [v4.new_output("display_data", data=data) for data in shown_by("04_executive", period="year_to_date")]
    write(v4.new_notebook(cells=[v4.new_code_cell("", outputs=outputs)]), tmp_path / "04_executive.ipynb")
    export(tmp_path / "04_executive.ipynb", tmp_path / "04_executive.html")
    with open_page(tmp_path / "04_executive.html") as (page, requests, errors):
        assert (requests, errors) == ([page.url], [])
        assert page.evaluate("Object.keys(window).filter(name => name.startsWith('P_'))") == []
        best = read("best_products", **periods.period("year_to_date", "2025-07-01").both)["name"]
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        text = page.inner_text("main")
        assert all(name in text for name in best)
        assert all(any(name.startswith(start) for name in best) for start in HOSTILE)
