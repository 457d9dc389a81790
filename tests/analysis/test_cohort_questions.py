"""Tests of the cohort report's questions: SQL agrees with pandas over the raw rows to the cent, and sums agree."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lib import db, load
from lib.analysis import cohorts
from lib.data.parquet import read_table
from lib.db import read, schema
from tests.conftest import ZONES, ask
from tests.own_files import given, imported

pytestmark = pytest.mark.slow

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Shop:
    """A loaded shop and the raw rows that were loaded."""

    folder: Path
    as_of: str
    time_zone: str

    def ask(self, question: str, **bound: object) -> pd.DataFrame:
        """Rows of a question as of `as_of`."""
        return read(question, as_of=self.as_of, **bound)

    def table(self, name: str) -> pd.DataFrame:
        """Raw rows of a table."""
        return read_table(self.folder, name)

    @cached_property
    def sold(self) -> pd.DataFrame:
        """Orders before as_of by time, with day and month, also of guests and of amount 0."""
        rows = self.table("orders").sort_values(["order_date", "order_id"])
        moments = rows["order_date"].dt.tz_convert(self.time_zone).dt.tz_localize(None)
        rows = rows.assign(date=moments.dt.normalize(), month=moments.dt.to_period("M"))
        return rows[moments < self.as_of]

    @cached_property
    def returns(self) -> pd.DataFrame:
        """Refunds before as_of with their month, also those of guests."""
        rows = self.table("refunds")
        moments = rows["refund_date"].dt.tz_convert(self.time_zone).dt.tz_localize(None)
        return rows.assign(month=moments.dt.to_period("M"))[moments < self.as_of]

    @cached_property
    def returned(self) -> pd.DataFrame:
        """Those of buyers, with the month of the buyer's first order, from that month on."""
        cohorts = self.orders.groupby("user_id")["month"].min().rename("cohort")
        rows = self.returns.merge(cohorts, left_on="user_id", right_index=True)
        return rows[rows["month"] >= rows["cohort"]]

    def net(self, sold: pd.DataFrame, returned: pd.DataFrame) -> Decimal:
        """Net sales of these orders and returns."""
        return sold["total_amount"].sum() - returned["amount"].sum()

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Those of customers and of an amount above 0, with the month of the buyer's first order."""
        rows = self.sold[self.sold["user_id"].isin(self.customers["user_id"]) & (self.sold["total_amount"] > 0)]
        return rows.assign(cohort=rows.groupby("user_id")["month"].transform("min"))

    @property
    def purchases(self) -> pd.DataFrame:
        """One row per customer and day with such an order."""
        return self.orders.drop_duplicates(["user_id", "date"])

    @property
    def customers(self) -> pd.DataFrame:
        """The users without the guests."""
        return self.table("users").query("not is_guest")

    @property
    def months(self) -> pd.PeriodIndex:
        """All complete months up to as_of."""
        return pd.period_range("2000-01", pd.Period(self.as_of, "M") - 1, freq="M")

    @property
    def day(self) -> pd.Timestamp:
        """as_of as a timestamp."""
        return pd.Timestamp(self.as_of)


@pytest.fixture
def time_zone(request: pytest.FixtureRequest) -> str:
    return request.node.callspec.params["shop"]


@cache
def loaded(folder: Path, as_of: str, time_zone: str) -> Shop:
    """One object per shop, so that its frames are computed once."""
    return Shop(folder, as_of, time_zone)


@pytest.fixture(params=[*ZONES, "guests", "retail"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """The demo shop in several time zones, the demo shop with guests and free orders, and a real one."""
    if request.param in ZONES:
        return loaded(request.getfixturevalue("zoned_folder"), "2025-07-01", request.param)
    request.getfixturevalue(f"{request.param}_database")
    as_of = "2025-07-01" if request.param == "guests" else "2011-12-09"
    return loaded(request.getfixturevalue(f"{request.param}_folder"), as_of, "UTC")


def _months_apart(cohort: pd.Period, month: pd.Period) -> int:
    return (month - cohort).n


def _cells(active: pd.DataFrame, sizes: pd.Series, shop: Shop) -> dict[tuple[pd.Timestamp, int], tuple[int, int]]:
    """Cohort size and active customers by cohort and month_index, counted cell by cell for each complete month."""
    cells = {}
    for cohort, size in sizes.items():
        for month in shop.months[shop.months >= cohort]:
            rows = active[(active["cohort"] == cohort) & (active["month"] == month)]
            cells[cohort.to_timestamp(), _months_apart(cohort, month)] = (size, rows["user_id"].nunique())
    return cells


def _found(answer: pd.DataFrame) -> dict[tuple[pd.Timestamp, int], tuple[int, int]]:
    rows = answer[["cohort", "month_index", "cohort_size", "customers"]].itertuples(index=False)
    return {(cohort, index): (size, customers) for cohort, index, size, customers in rows}


def test_retention_by_sign_up(shop: Shop) -> None:
    users = shop.customers
    users = users[pd.to_datetime(users["signup_date"]) < shop.day]
    members = users.assign(cohort=pd.to_datetime(users["signup_date"]).dt.to_period("M"))[["user_id", "cohort"]]
    active = shop.orders.drop(columns="cohort").merge(members, on="user_id")
    assert _found(shop.ask("cohort_retention")) == _cells(active, members["cohort"].value_counts(), shop)


def test_retention_by_first_order(shop: Shop) -> None:
    sizes = shop.orders.groupby("cohort")["user_id"].nunique()
    assert _found(cohorts.complete(shop.ask("first_order_cohorts"))) == _cells(shop.orders, sizes, shop)


def test_exactly_the_complete_months_have_cells(shop: Shop) -> None:
    """A cell is NaN, not zero, exactly where its month has not ended."""
    matrix = cohorts.retention_matrix(cohorts.complete(shop.ask("first_order_cohorts")))
    ended = [[cohort.to_period("M") + index <= shop.months[-1] for index in matrix.columns] for cohort in matrix.index]
    assert (matrix.notna().to_numpy() == np.array(ended)).all()


def test_revenue_and_margin_of_cohorts(shop: Shop) -> None:
    items = shop.table("order_items").merge(shop.table("products")[["product_id", "cost"]], on="product_id")
    items = items.assign(goods=items["quantity"] * items["cost"])
    costs = items.groupby("order_id")["goods"].agg(list)
    rows = shop.orders
    all_orders = shop.sold.merge(rows[["user_id", "cohort"]].drop_duplicates(), on="user_id")
    all_orders = all_orders.assign(goods=all_orders["order_id"].map(costs))
    back = _goods_returned(shop, items)
    for cell in shop.ask("first_order_cohorts").itertuples():
        here, gone, theirs = (
            each[(each["cohort"] == cell.cohort.to_period("M")) & (each["month"] == cell.month.to_period("M"))]
            for each in (rows, back, all_orders)
        )
        net = shop.net(here, gone)
        assert (cell.orders, cell.revenue) == (len(here), pytest.approx(float(net), abs=1e-6))
        goods = [cost for order in theirs["goods"] for cost in order]
        returned = [cost for order in gone["goods"] for cost in order]
        if pd.isna(goods + returned).any():
            assert np.isnan(cell.margin)
        else:
            assert cell.margin == pytest.approx(float(net - sum(goods) + sum(returned)), abs=1e-6)


def _goods_returned(shop: Shop, items: pd.DataFrame) -> pd.DataFrame:
    """The returns of buyers with the costs of the units that came back, as far as these are known."""
    by_item, by_order = items.set_index("order_item_id"), items.groupby("order_id")["goods"].agg(list)
    totals = shop.table("orders").set_index("order_id")["total_amount"]
    goods = []
    for row in shop.returned.itertuples():
        if pd.notna(row.order_item_id):
            goods.append([] if pd.isna(row.quantity) else [row.quantity * by_item.loc[row.order_item_id, "cost"]])
        elif pd.notna(row.order_id):
            goods.append(by_order[row.order_id] if row.amount == totals[row.order_id] else [])
        else:
            goods.append([] if pd.isna(row.quantity) else [None])
    return shop.returned.assign(goods=goods)


def test_questions_agree_on_revenue_and_buyers(shop: Shop) -> None:
    cells, summary = shop.ask("first_order_cohorts"), shop.ask("lifetime_value_summary").iloc[0]
    customers = set(shop.customers["user_id"])
    of_customers = shop.returns[shop.returns["user_id"].isin(customers)]
    revenue, buyers = float(shop.net(shop.orders, of_customers)), shop.orders["user_id"].nunique()
    assert round(cells["revenue"].sum(), 2) == round(float(shop.net(shop.orders, shop.returned)), 2)
    early = shop.ask("early_returns")["returns"].item()
    assert round(cells["revenue"].sum() - early, 2) == round(revenue, 2)
    theirs = of_customers[of_customers["user_id"].isin(shop.orders["user_id"])]
    assert summary["revenue"] == pytest.approx(float(shop.net(shop.orders, theirs)))
    guests, whole = shop.ask("guest_sales").iloc[0], float(shop.net(shop.sold, shop.returns))
    assert guests["revenue"] == pytest.approx(whole - revenue, abs=0.005)
    assert guests["share"] == pytest.approx(1 - revenue / whole)
    assert guests["orders"] == (shop.sold["total_amount"] > 0).sum() - len(shop.orders)
    assert round(shop.ask("monthly_revenue")["revenue"].sum(), 2) == round(whole, 2)
    assert len(shop.ask("customer_history", split=shop.as_of)) == buyers
    assert shop.ask("bought_products")["order_id"].nunique() == len(shop.orders)
    countries = shop.ask("customers_by_country")
    assert (countries["customers"].sum(), countries["buyers"].sum()) == (len(shop.customers), buyers)
    assert shop.ask("customer_totals").iloc[0].tolist() == [len(shop.customers), buyers]
    assert cells.groupby("cohort")["cohort_size"].first().sum() == buyers == summary["buyers"]
    assert shop.ask("acquisition_cost")["new_customers"].sum() == buyers
    assert shop.ask("second_order_days")["buyers"].sum() == buyers
    assert shop.ask("lifetime_value_histogram", bins=40)["buyers"].sum() == buyers
    assert shop.ask("order_gaps")["gaps"].item() == len(shop.purchases) - buyers


def test_value_per_customer(shop: Shop) -> None:
    """Mean cumulative revenue, summed month by month from the raw orders."""
    total = Decimal(0)
    found = cohorts.mean_value(cohorts.complete(shop.ask("first_order_cohorts")))
    for row in found.itertuples():
        seen = shop.orders[shop.orders["cohort"] + row.month_index <= shop.months[-1]]
        here = seen[seen["month"] == seen["cohort"] + row.month_index]
        gone = shop.returned[shop.returned["cohort"] + row.month_index <= shop.months[-1]]
        gone = gone[gone["month"] == gone["cohort"] + row.month_index]
        total += shop.net(here, gone) / seen["user_id"].nunique()
        assert row.revenue == pytest.approx(float(total), abs=1e-6)
        assert row.cohort_size == seen["user_id"].nunique()


def test_acquisition_cost(shop: Shop) -> None:
    campaigns, users = shop.table("marketing_campaigns"), shop.customers
    begun = campaigns[pd.to_datetime(campaigns["start_date"]) < shop.day]
    signed_up = users.assign(channel=users["campaign_id"].map(campaigns.set_index("campaign_id")["channel"]))
    before = pd.to_datetime(signed_up["signup_date"]) < shop.day
    signed_up = signed_up[before | signed_up["user_id"].isin(shop.orders["user_id"])]
    found = shop.ask("acquisition_cost")
    for row in found.itertuples():
        of_channel = signed_up["channel"].isna() if pd.isna(row.channel) else signed_up["channel"] == row.channel
        theirs = signed_up[of_channel]
        spend = begun.loc[begun["channel"] == row.channel, "spend"].sum()
        new = theirs["user_id"].isin(shop.orders["user_id"]).sum()
        assert (row.spend, row.signups, row.new_customers) == (float(spend), len(theirs), new)
        if spend and new:
            assert row.acquisition_cost == float((Decimal(spend) / int(new)).quantize(CENT))
        else:
            assert not row.acquisition_cost > 0
    assert set(found["channel"].dropna()) == set(begun["channel"]) | set(signed_up["channel"].dropna())


def test_lifetime_value(shop: Shop) -> None:
    bought = shop.orders.astype({"total_amount": float}).groupby("user_id")["total_amount"].sum()
    gone = shop.returns.astype({"amount": float}).groupby("user_id")["amount"].sum().reindex(bought.index).fillna(0)
    each = (bought - gone).sort_values(ascending=False)
    top = each.head(-(-len(each) // 10))
    summary = shop.ask("lifetime_value_summary").iloc[0]
    assert summary["mean_revenue"] == pytest.approx(each.mean(), abs=1e-6)
    assert summary["median_revenue"] == pytest.approx(each.median(), abs=1e-6)
    assert summary["top_tenth_from"] == pytest.approx(top.min())
    assert summary["top_tenth_share"] == pytest.approx(top.sum() / each.sum())
    assert summary["repeat_rate"] == (shop.purchases["user_id"].value_counts() > 1).mean()
    classes = shop.ask("lifetime_value_histogram", bins=40)
    edges = [*classes["from_revenue"], np.inf]
    assert classes["buyers"].tolist() == np.histogram(each.clip(lower=0).round(2), edges)[0].tolist()
    assert len(classes) <= 40
    assert np.allclose(classes["to_revenue"] - classes["from_revenue"], classes["to_revenue"].iloc[0])


def test_time_to_the_second_order(shop: Shop) -> None:
    """Kaplan-Meier product by day over the single buyers."""
    days = shop.purchases.groupby("user_id")["date"].agg(list)
    second = days.map(lambda dates: (dates[1] - dates[0]).days if len(dates) > 1 else None)
    followed = second.fillna(days.map(lambda dates: (shop.day - dates[0]).days - 1))
    curve, alive = cohorts.second_orders(shop.ask("second_order_days")).set_index("day"), 1.0
    for day in range(int(followed.max()) + 1):
        at_risk = (followed >= day).sum()
        alive *= 1 - (second == day).sum() / at_risk
        assert curve.loc[day, "share"] == pytest.approx(1 - alive, abs=1e-8)
        assert curve.loc[day, "at_risk"] == at_risk


def test_gaps_between_orders(shop: Shop) -> None:
    gaps = shop.purchases.groupby("user_id")["date"].diff().dropna().dt.days
    found = shop.ask("order_gaps").iloc[0]
    expected = np.quantile(gaps, [0.5, 0.9], method="inverted_cdf")
    assert [found["median_days"], found["ninth_decile_days"]] == expected.tolist()


@pytest.mark.parametrize("window", [30, 90, 365])
def test_churn(shop: Shop, window: int) -> None:
    dates = shop.orders.groupby("user_id")["date"].agg(["min", "max"])
    observed = dates[(shop.day - dates["min"]).dt.days >= window]
    lost = (shop.day - observed["max"]).dt.days > window
    found = shop.ask("churn", windows=[window]).iloc[0]
    assert (found["observed_buyers"], found["churned_buyers"]) == (len(observed), lost.sum())
    assert found["churn_rate"] == pytest.approx(lost.mean(), nan_ok=True)


def test_two_orders_on_one_day_are_not_a_repeat_purchase(demo_database: object) -> None:
    ask("TRUNCATE users, products, marketing_campaigns CASCADE")
    users = [f"00000000-0000-4000-8000-00000000000{letter}" for letter in "ab"]
    rows = ", ".join(f"('{key}', '{key[-1]}@example.com', 'N', '2025-01-01')" for key in users)
    ask(f"INSERT INTO users (user_id, email, name, signup_date) VALUES {rows}")
    days = [(users[0], "2025-01-10 08:00Z"), (users[0], "2025-01-10 20:00Z")]
    days += [(users[1], "2025-01-10 08:00Z"), (users[1], "2025-01-10 20:00Z"), (users[1], "2025-01-20 08:00Z")]
    rows = ", ".join(f"('{user}', '{day}', 'completed', 10)" for user, day in days)
    ask(f"INSERT INTO orders (user_id, order_date, status, total_amount) VALUES {rows}")
    assert read("lifetime_value_summary", as_of="2025-02-01")["repeat_rate"].item() == 0.5
    assert read("order_gaps", as_of="2025-02-01").iloc[0].tolist() == [1, 10, 10]
    second = read("second_order_days", as_of="2025-02-01")
    assert second[["days", "returned", "buyers"]].to_numpy().tolist() == [[10, True, 1], [21, False, 1]]
    assert read("customer_history", split="2025-02-01", as_of="2025-02-01")["frequency"].tolist() == [0, 1]


def test_the_example_of_guests(empty_database: object, tmp_path: Path) -> None:
    """Four orders of 110.00: two of a customer, and two of guests."""
    found = imported(given("cases/guests.csv", tmp_path), "online_retail", as_of=date(2011, 12, 1))
    with db.transaction() as connection:
        schema.create(connection)
    load.replace(found.folder, as_of="2011-12-01")
    now = read("period_kpis", start="2011-11-01", end="2011-12-01").iloc[0]
    assert now[["revenue", "orders", "avg_order_value"]].tolist() == [110, 4, 27.5]
    assert now[["active_customers", "new_customers"]].tolist() == [1, 1]
    assert read("guest_sales", as_of="2011-12-01").iloc[0].tolist() == [2, 50, 50 / 110]
    summary = read("lifetime_value_summary", as_of="2011-12-01").iloc[0]
    assert summary[["buyers", "revenue", "repeat_rate"]].tolist() == [1, 60, 1]
    assert read("first_order_cohorts", as_of="2011-12-01")["cohort_size"].tolist() == [1]
    assert read("cohort_retention", as_of="2011-12-01")["cohort_size"].tolist() == [1]


def test_cells_of_a_real_shop_by_hand(retail_database: object) -> None:
    """Counted from the lines of the file: invoices without C at a price above 0, before 9 December 2011."""
    cells = read("first_order_cohorts", as_of="2011-12-09").set_index(["cohort", "month"])
    counted = {
        ("2010-12-01", "2011-01-01"): (60, 23, True),
        ("2010-12-01", "2011-11-01"): (60, 30, True),
        ("2010-12-01", "2011-12-01"): (60, 18, False),
        ("2011-04-01", "2011-11-01"): (25, 13, True),
        ("2011-09-01", "2011-11-01"): (17, 9, True),
        ("2011-10-01", "2011-11-01"): (28, 9, True),
    }
    for cell, (size, customers, complete) in counted.items():
        row = cells.loc[tuple(map(pd.Timestamp, cell))]
        assert (row["cohort_size"], row["customers"], row["complete"]) == (size, customers, complete)


def test_an_incomplete_month_does_not_look_like_a_collapse(retail_database: object) -> None:
    """Counting nine days of December 2011 would give 18 of 60 after 30 of 60, and zeros would reverse the trend."""
    kept = cohorts.retention(cohorts.complete(read("first_order_cohorts", as_of="2011-12-09")), "2011-12-09", since=1)
    mean = kept.mean.set_index("month_index")["retention"]
    assert mean.index.max() == 11
    assert mean[11] == 30 / 60
    filled = kept.matrix.fillna(0).mul(kept.sizes, axis="index").sum() / kept.sizes.sum()
    assert mean[9] > mean[1] > filled[9]
    assert kept.under_way[pd.Timestamp("2010-12-01")] == 12
