"""The synthetic shop: its rows give back the truth they were drawn by, hang together, and stay the same."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from pandas.testing import assert_frame_equal
from scipy.stats import chisquare

import lib
from lib.analysis.clv import BgNbd, GammaGamma
from lib.data.parquet import to_frame
from lib.data.synthetic import (
    SAMPLE_SHOP,
    Counts,
    Shop,
    block_tables,
    generate_events,
    generate_marketing_campaigns,
    generate_order_items,
    generate_orders,
    generate_products,
    generate_shop,
    generate_users,
    parent_tables,
    plan_shop,
)
from lib.data.synthetic.calendar import HOURS
from lib.data.synthetic.campaigns import campaigns_table, plan_campaigns
from lib.data.synthetic.products import draw_lines
from lib.data.synthetic.shop import COUNTRY_CODES
from lib.data.synthetic.truth import RETURNS, expected_revenue, expected_sales, truth
from lib.errors import UsageError

FULL = Counts(100, 1_000, 200, 2_000, 110_500)
FULL_SHOP = Shop(history_days=730, lines_per_order=2.46)
BIG = Counts(6, 10_000, 100, 20_000, 100_000)
BIG_SHOP = Shop(history_days=730, lines_per_order=1.0)
DTYPES = {
    "uuid": "str",
    "text": "str",
    "char2": "str",
    "integer": "int64",
    "boolean": "bool",
    "money": "decimal128(15, 3)[pyarrow]",
    "unit_price": "decimal128(18, 6)[pyarrow]",
    "date": "datetime64[us]",
    "timestamptz": "datetime64[us, UTC]",
}
CATALOG = yaml.safe_load((Path(lib.__path__[0]) / "catalog.yml").read_text(encoding="utf-8"))["tables"]


@pytest.fixture(scope="module")
def sample():
    return generate_shop()


@pytest.fixture(scope="module")
def full():
    return full_shop(42)


@cache
def full_shop(seed):
    return generate_shop(FULL, replace(FULL_SHOP, seed=seed))


@cache
def big_orders(seed):
    return plan_and_orders(BIG, replace(BIG_SHOP, seed=seed))


@cache
def big_sales(seed):
    """A plan of larger baskets, its orders and its refunds."""
    counts, shop = Counts(6, 6_000, 100, 12_000, 120_000), Shop(seed=seed, history_days=730, lines_per_order=2.46)
    plan = plan_shop(counts, shop)
    blocks = [block_tables(plan, block) for block in range(counts.blocks)]
    columns = {"orders": ["status", "total_amount"], "refunds": ["kind", "order_item_id", "amount"]}
    tables = [pa.concat_tables([block[name].select(kept) for block in blocks]) for name, kept in columns.items()]
    orders, refunds = (to_frame(table, name) for table, name in zip(tables, columns, strict=True))
    return plan, orders.assign(amount=orders["total_amount"].astype(float)), refunds.astype({"amount": float})


def plan_and_orders(counts, shop):
    """The plan and its orders with the row of the country and the seconds since 1970 that the clocks ask for."""
    plan = plan_shop(counts, shop)
    blocks = [block_tables(plan, block) for block in range(counts.blocks)]
    users = pa.concat_tables([tables["users"].select(["user_id", "country_code"]) for tables in blocks])
    expected = ["user_id", "order_date", "status", "total_amount", "campaign_id"]
    orders = pa.concat_tables([tables["orders"].select(expected) for tables in blocks])
    rows = to_frame(orders, "orders").merge(to_frame(users, "users"), on="user_id")
    return plan, rows.assign(
        country=pd.Index(COUNTRY_CODES).get_indexer(rows["country_code"]),
        seconds=rows["order_date"].dt.as_unit("s").astype("int64"),
        amount=rows["total_amount"].astype(float),
        day=days_of(rows["order_date"]),
    )


def days_of(instants):
    return instants.dt.tz_localize(None).dt.normalize()


def fingerprint(shop):
    texts = (name + "\n" + table.to_csv(index=False, lineterminator="\n") for name, table in shop.items())
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def orders_with_users(shop):
    return shop["orders"].merge(shop["users"], on="user_id", suffixes=("", "_of_user"))


def daily(orders, shop):
    """Orders per day of the window."""
    window = pd.date_range(end=pd.Timestamp(shop.as_of) - pd.Timedelta(days=1), periods=shop.history_days)
    return days_of(orders["order_date"]).value_counts().reindex(window, fill_value=0)


# The contract of the frames


@pytest.mark.parametrize("table", CATALOG)
@pytest.mark.parametrize("counts", [Counts(), Counts(0, 0, 0, 0, 0)], ids=["sample", "empty"])
def test_columns_and_types_are_the_catalogs(table, counts):
    made = generate_shop(counts)[table]
    expected = {name: DTYPES[column["type"]] for name, column in CATALOG[table]["columns"].items()}
    assert made.dtypes.astype(str).to_dict() == expected
    assert list(made.columns) == list(expected)
    assert list(made.index) == list(range(len(made)))


def test_an_empty_shop_has_no_rows():
    assert {len(table) for table in generate_shop(Counts(0, 0, 0, 0, 0)).values()} == {0}


@pytest.mark.parametrize("table", CATALOG)
def test_only_optional_columns_have_nulls(sample, table):
    required = [name for name, column in CATALOG[table]["columns"].items() if not column.get("optional")]
    assert not sample[table][required].isna().any(axis=None)


@pytest.mark.parametrize("table", CATALOG)
def test_keys_are_unique_uuids_of_version_4(full, table):
    keys = full[table][CATALOG[table]["key"]]
    assert keys.is_unique
    assert keys.str.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}").all()


@pytest.mark.parametrize("table", CATALOG)
def test_foreign_keys_have_a_parent(full, table):
    for name, column in CATALOG[table]["columns"].items():
        if "references" in column:
            parents = full[column["references"]][CATALOG[column["references"]]["key"]]
            assert full[table][name].dropna().isin(parents).all()


def test_parents_come_before_children(sample):
    assert list(sample) == ["marketing_campaigns", "products", "users", "orders", "order_items", "refunds", "events"]


def test_one_customer_with_one_order_of_the_only_product_is_a_shop():
    shop = generate_shop(Counts(1, 1, 1, 1, 20), Shop(lines_per_order=1))
    assert [len(shop[name]) for name in ("marketing_campaigns", "users", "products")] == [1, 1, 1]
    assert len(shop["orders"]) == len(shop["order_items"])


@pytest.mark.parametrize(
    ("table", "make"),
    [("orders", generate_orders), ("order_items", generate_order_items), ("events", generate_events)],
)
def test_a_table_generated_alone_equals_that_of_the_shop(sample, table, make):
    assert_frame_equal(make(), sample[table])


# Sizes


def test_the_full_size_is_118_600_rows_within_3_percent(full):
    assert sum(map(len, full.values())) == pytest.approx(118_600, rel=0.03)
    assert len(full["order_items"]) / len(full["orders"]) == pytest.approx(2.46, rel=0.05)


def test_the_sample_has_the_requested_sizes(sample):
    sizes = {name: len(table) for name, table in sample.items()}
    assert [sizes[name] for name in ("marketing_campaigns", "users", "products")] == [10, 100, 50]
    assert sizes["orders"] == pytest.approx(115, rel=0.25)
    assert sizes["events"] == pytest.approx(850, rel=0.25)


@pytest.mark.parametrize(("users", "orders"), [(1_000, 5_000), (2_500, 5_000), (5_000, 8_000), (6_000, 12_000)])
def test_orders_match_the_request_within_5_percent(users, orders):
    for seed in range(5):
        counts, shop = Counts(10, users, 50, orders, 5 * orders), Shop(seed=seed, lines_per_order=1.0)
        plan = plan_shop(counts, shop)
        found = sum(len(block_tables(plan, block)["orders"]) for block in range(counts.blocks))
        assert found == pytest.approx(orders, rel=0.05)


def test_stock_lasts_for_two_months_of_expected_sales():
    counts = Counts(0, 4_000, 4_000, 40_000, 400_000)
    plan = plan_shop(counts, Shop(seasons=False, lines_per_order=1.0))
    stock = pc.sum(parent_tables(plan)["products"]["stock_quantity"]).as_py() - counts.products  # one more each
    sold = plan.daily_orders[:, -30:].sum() * 1.19  # units per item: 0.86 x 1 + 0.10 x 2 + 0.03 x 3 + 0.01 x 4
    assert stock / sold == pytest.approx(2, rel=0.1)


# The truth comes back


def by_customer(orders, shown, end):
    """The history of customers for the models, in shop time."""
    found = orders.assign(shown=shown, end=end).groupby("user_id")
    first = found["shown"].min()
    return pd.DataFrame(
        {
            "frequency": found.size() - 1,
            "recency": found["shown"].max() - first,
            "age": found["end"].first() - first,
            "purchases": found.size(),
            "monetary_value": found["amount"].mean(),
        }
    )


@cache
def in_plain_days(users):
    shop = Shop(history_days=730, lines_per_order=2.46, seasons=False)
    plan, orders = plan_and_orders(Counts(0, users, 200, 2 * users, 16 * users), shop)
    end = pd.Timestamp(shop.as_of, tz="UTC").timestamp() / 86_400
    return plan, by_customer(orders, orders["seconds"] / 86_400, end)


@cache
def in_shop_days(users):
    shop = Shop(history_days=730, lines_per_order=2.46)
    plan, orders = plan_and_orders(Counts(30, users, 200, 2 * users, 16 * users), shop)
    country, clock = orders["country"].to_numpy(), plan.order_clock
    return plan, by_customer(orders, clock.read(country, orders["seconds"].to_numpy()), clock.end[country])


def check_rates(customers, known, rate_within, dropout_within):
    fit = BgNbd.fit(customers)
    assert fit["r"] / fit["alpha"] == pytest.approx(known["mean_orders_per_day"], rel=rate_within)
    assert fit["a"] / (fit["a"] + fit["b"]) == pytest.approx(known["mean_dropout"], rel=dropout_within)


@pytest.mark.parametrize("history", [in_plain_days, in_shop_days])
@pytest.mark.parametrize(("users", "rate", "dropout"), [(2_000, 0.12, 0.22), (10_000, 0.07, 0.08)])
def test_rates_and_dropout_are_recovered(history, users, rate, dropout):
    plan, customers = history(users)
    check_rates(customers, truth(plan)["customers"], rate, dropout)


@pytest.mark.parametrize(("name", "factor"), [("mean_orders_per_day", 1.25), ("mean_orders_per_day", 0.75)])
def test_a_wrong_rate_is_not_recovered(name, factor):
    plan, customers = in_plain_days(10_000)
    known = truth(plan)["customers"]
    with pytest.raises(AssertionError):
        check_rates(customers, known | {name: factor * known[name]}, 0.07, 0.08)


def test_a_wrong_likelihood_recovers_nothing(monkeypatch):
    """A likelihood that takes the last order for the end of observation: then no customer seems to drop out."""
    right = BgNbd.likelihood
    monkeypatch.setattr(BgNbd, "likelihood", lambda x, recency, age, counts: right(x, recency, recency, counts))
    plan, customers = in_plain_days(10_000)
    with pytest.raises(AssertionError):
        check_rates(customers, truth(plan)["customers"], 0.07, 0.08)


def test_a_wrong_dropout_is_not_recovered():
    plan, customers = in_plain_days(10_000)
    known = truth(plan)["customers"]
    with pytest.raises(AssertionError):
        check_rates(customers, known | {"mean_dropout": 1.25 * known["mean_dropout"]}, 0.07, 0.08)


@pytest.mark.parametrize("history", [in_plain_days, in_shop_days])
@pytest.mark.parametrize("users", [2_000, 10_000])
def test_the_mean_spend_is_recovered(history, users):
    plan, customers = history(users)
    known = customers[customers["frequency"] > 0]
    fit = GammaGamma.fit(known["purchases"], known["monetary_value"])
    assert fit["p"] * fit["gamma"] / (fit["q"] - 1) == pytest.approx(truth(plan)["spend"]["mean"], rel=0.05)


def uplift_intervals(known, orders, shop):
    """A 95 % interval for each campaign's uplift: a Poisson regression with an effect of each day and country.

    Given the orders of a day, the countries they come from are multinomial: the days' effects cancel out.
    """
    n_countries, first = len(COUNTRY_CODES), pd.Timestamp(shop.as_of) - pd.Timedelta(days=shop.history_days)
    days = (orders["day"] - first).dt.days.to_numpy()
    cells = days * n_countries + orders["country"].to_numpy()
    counts = np.bincount(cells, minlength=shop.history_days * n_countries).reshape(-1, n_countries)
    runs = np.zeros((shop.history_days, n_countries, len(known)))
    for row, campaign in enumerate(known):
        begun, ended = ((pd.Timestamp(campaign[f"{end}_date"]) - first).days for end in ("start", "end"))
        runs[begun : ended + 1, np.isin(COUNTRY_CODES, campaign["countries"]), row] = 1
    return [_interval(counts, runs, row) for row in range(len(known))]


def _interval(counts, runs, row):
    at_work = np.flatnonzero(runs[:, :, row].any(axis=1))
    near = slice(max(at_work[0] - 28, 0), at_work[-1] + 29)
    others = [k for k in range(runs.shape[2]) if k != row and runs[near, :, k].any()]
    homes = np.broadcast_to(np.eye(len(COUNTRY_CODES))[:, 1:], (*counts[near].shape, len(COUNTRY_CODES) - 1))
    value, spread = first_slope(counts[near], np.concatenate([runs[near][:, :, [row, *others]], homes], axis=2))
    return np.expm1(value - 1.96 * spread), np.expm1(value + 1.96 * spread)


def first_slope(counts, slopes):
    """The first slope and its standard error, by Newton's method for counts that are multinomial in each row."""
    totals, values = counts.sum(axis=1, keepdims=True), np.zeros(slopes.shape[2])
    for _ in range(10):
        weights = np.exp(slopes @ values)
        share = weights / weights.sum(axis=1, keepdims=True)
        score = np.einsum("dc,dck->k", counts - totals * share, slopes)
        centred = slopes - np.einsum("dc,dck->dk", share, slopes)[:, None]
        heavy = centred * (totals * share)[:, :, None]
        covariance = np.linalg.inv(heavy.reshape(-1, len(values)).T @ centred.reshape(-1, len(values)))
        values = values + covariance @ score
    return values[0], np.sqrt(covariance[0, 0])


@pytest.mark.slow
def test_each_campaigns_uplift_is_inside_its_interval_in_18_of_20_seeds():
    inside, nothing = [], []
    for seed in range(20):
        plan, orders = big_orders(seed)
        known = truth(plan)["campaigns"]
        found = uplift_intervals(known, orders, plan.shop)
        inside.append([low <= each["uplift"] <= high for each, (low, high) in zip(known, found, strict=True)])
        nothing.append([low <= 0 <= high for low, high in found])
    assert np.sum(inside, axis=0).min() >= 18
    assert np.sum(nothing, axis=0).max() < 18


def test_the_orders_that_campaigns_cause_are_attributed_to_them():
    plan, orders = big_orders(0)
    caused = sum(campaign["orders_caused"] for campaign in truth(plan)["campaigns"])
    assert orders["campaign_id"].notna().sum() == pytest.approx(caused, abs=4 * np.sqrt(caused))


def test_the_lift_of_planted_pairs_is_observed():
    counts, shop = Counts(0, 5_000, 60, 10_000, 80_000), Shop(history_days=730, lines_per_order=2.46)
    plan = plan_shop(counts, shop)
    tables = [block_tables(plan, block)["order_items"] for block in range(counts.blocks)]
    lines = to_frame(pa.concat_tables(tables).select(["order_id", "product_id"]), "order_items")
    orders = lines["order_id"].nunique()
    baskets = lines.groupby("product_id")["order_id"].agg(set)
    pairs = truth(plan)["baskets"]["pairs"]
    assert len(pairs) == 5
    for pair in pairs:
        first, partner = baskets[pair["product_id"]], baskets[pair["partner_id"]]
        both = len(first & partner)
        lift = both * orders / len(first) / len(partner)
        within = max(0.20, 1.96 / np.sqrt(both))
        assert lift == pytest.approx(pair["lift"], rel=within)
        assert pair["lift"] > 1.2
        assert both / len(first) == pytest.approx(pair["confidence"], rel=within)


def weekday_p(perday, factors):
    """Chance of weekday counts as far from these factors of demand as those of the orders, or farther."""
    weekday = perday.index.day_of_week
    expected = np.bincount(weekday, np.array(factors)[weekday])
    found = np.bincount(weekday, perday)
    return chisquare(found, expected / expected.sum() * found.sum()).pvalue


def ordinary_days(known):
    """Days of the window without the holidays and the anomalies."""
    special = [holiday["date"] for holiday in known["calendar"]["holidays"]]
    for anomaly in known["anomalies"]:
        special += pd.date_range(anomaly["start_date"], anomaly["end_date"]).strftime("%Y-%m-%d").tolist()
    return pd.DatetimeIndex([day["date"] for day in known["daily"] if day["date"] not in special])


@pytest.mark.parametrize("seed", range(5))
def test_orders_follow_the_weekdays_and_not_a_flat_week(seed):
    plan, orders = big_orders(seed)
    known = truth(plan)
    perday = daily(orders, plan.shop)[ordinary_days(known)]
    assert weekday_p(perday, known["calendar"]["weekdays"]) > 0.001
    assert weekday_p(perday, [1] * 7) < 1e-9


def test_a_shop_without_seasons_has_a_flat_week():
    shop = Shop(seasons=False, lines_per_order=1.0)
    _, orders = plan_and_orders(Counts(0, 2_000, 20, 4_000, 20_000), shop)
    assert weekday_p(daily(orders, shop), [1] * 7) > 0.001


@pytest.mark.parametrize("seed", range(5))
def test_expected_daily_sales_add_up_to_those_of_the_shop(seed):
    plan, orders, refunds = big_sales(seed)
    known = pd.DataFrame(truth(plan)["daily"])
    assert len(known) == plan.shop.history_days
    assert known["orders"].sum() == pytest.approx(len(orders), rel=0.05)
    assert known["completed"].sum() == pytest.approx(orders["amount"][orders["status"] == "completed"].sum(), rel=0.05)
    assert known["revenue"].sum() == pytest.approx(orders["amount"].sum() - refunds["amount"].sum(), rel=0.05)
    pd.testing.assert_series_equal(
        known["revenue"], pd.Series(expected_revenue(plan) / 100), check_names=False, rtol=1e-5
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_returned_amount_of_each_kind_is_the_expected_one_within_its_error(seed):
    plan, orders, refunds = big_sales(seed)
    known, sales = truth(plan)["returns"], orders["amount"].sum()
    kind = refunds["kind"].map({"cancellation": "cancelled", "refund": "refunded"})
    kind = kind.where(refunds["order_item_id"].isna(), "items_returned")
    assert set(kind) == set(RETURNS) == set(known["amount"])
    for name, amounts in refunds["amount"].groupby(kind):
        error = np.sqrt((amounts**2).sum()) / sales  # of a sum of a Poisson number of amounts
        assert amounts.sum() / sales == pytest.approx(known["share_of_sales"][name], abs=4 * error)
        assert known["amount"][name] == pytest.approx(known["share_of_sales"][name] * sales, rel=0.05)


def test_returns_are_expected_on_the_days_that_the_delays_give():
    plan = plan_shop(Counts(0, 500, 30, 2_000, 20_000), Shop(history_days=30))
    sales, (n, rng) = expected_sales(plan), (1_000_000, np.random.default_rng(1))
    day = rng.choice(30, n, p=sales["placed"] / sales["placed"].sum())
    hour = rng.choice(24, n, p=np.array(HOURS) / sum(HOURS))
    lag = rng.standard_exponential(n)
    placed = day + (hour + rng.random(n)) / 24
    for name, share, delay in [("cancelled", 0.035, 0.5 * lag), ("refunded", 0.075, 4 + 10 * lag)]:
        found = np.bincount((placed + delay).astype(int), minlength=30)[:30] / n * share
        error = np.sqrt(found * share / n)
        assert (np.abs(found - sales[name] / sales["placed"].sum()) <= 5 * error + 1e-6).all()


@pytest.mark.parametrize("lines", [1.0, 1.45, 2.46])
def test_the_value_of_items_that_can_be_returned_alone_is_observed(lines):
    plan, n = plan_shop(Counts(0, 500, 30, 1_000, 10_000), Shop(lines_per_order=lines)), 200_000
    drawn = draw_lines(plan.baskets, plan.products, np.full(n, 20_100), np.zeros(n), np.zeros(n, bool), plan.shop, 0)
    items = np.bincount(drawn.order)[drawn.order]
    one_unit = np.where(drawn.quantity > 1, drawn.paid, 0)
    found = np.where(items > 1, drawn.quantity * drawn.paid, one_unit).sum() / n
    assert found == pytest.approx(plan.returnable_values[0], rel=0.015)  # day 20,100 is in January


def test_funnel_matches_the_truth(full):
    plan = plan_shop(FULL, FULL_SHOP)
    events = full["events"]
    reached = events.groupby("event_type")["session_id"].nunique() / events["session_id"].nunique()
    assert reached.to_dict() == pytest.approx(truth(plan)["visits"]["funnel"], rel=0.08)


# Like a shop


@pytest.mark.parametrize("seed", range(5))
def test_customers_are_heterogeneous(seed):
    orders = full_shop(seed)["orders"].assign(amount=lambda rows: rows["total_amount"].astype(float))
    spent = orders[orders["status"] == "completed"].groupby("user_id")["amount"].sum().sort_values(ascending=False)
    assert 0.55 <= spent.head(len(spent) // 5).sum() / spent.sum() <= 0.80
    assert 0.30 <= (orders.groupby("user_id").size() == 1).mean() <= 0.65
    assert 0.6 <= np.log(orders["amount"]).std() <= 1.2
    gaps = orders.sort_values("order_date").groupby("user_id")["order_date"].diff().dropna()
    assert 20 <= gaps.median().total_seconds() / 86_400 <= 60


@pytest.mark.parametrize("seed", range(5))
def test_a_fifth_of_the_products_brings_most_of_the_revenue(seed):
    items = full_shop(seed)["order_items"]
    amount = items["quantity"] * items["price_at_time"].astype(float)
    revenue = amount.groupby(items["product_id"]).sum().sort_values(ascending=False)
    assert 0.70 <= revenue.head(FULL.products // 5).sum() / revenue.sum() <= 0.80


@pytest.mark.parametrize("seed", range(5))
def test_shipping_status_and_conversion_are_realistic(seed):
    shop = full_shop(seed)
    rows = orders_with_users(shop)
    assert 0.97 <= (rows["shipping_country_code"] == rows["country_code"]).mean() < 1
    status = shop["orders"]["status"].value_counts(normalize=True)
    assert 0.01 <= status["cancelled"] <= 0.05
    assert 0.05 <= status["refunded"] <= 0.10
    assert 0.02 <= len(shop["orders"]) / shop["events"]["session_id"].nunique() <= 0.04


def weekly_rhythm(orders, shop):
    amount = orders["total_amount"].astype(float).where(orders["status"] == "completed", 0)
    return (
        amount.groupby(days_of(orders["order_date"])).sum().reindex(daily(orders, shop).index, fill_value=0).autocorr(7)
    )


@pytest.mark.parametrize("seed", range(5))
def test_weeks_are_similar_and_days_differ(seed):
    shop, orders = replace(FULL_SHOP, seed=seed), full_shop(seed)["orders"]
    assert weekday_p(daily(orders, shop), [1] * 7) < 0.001
    assert weekly_rhythm(orders, shop) > 0.25


@pytest.mark.parametrize("seed", range(5))
def test_weeks_of_a_larger_shop_vary_less(seed):
    shop = replace(FULL_SHOP, seed=seed)
    _, orders = plan_and_orders(Counts(50, 3_000, 500, 6_000, 120_000), shop)
    assert weekly_rhythm(orders, shop) > 0.3


def test_emails_are_unique_and_reserved(full):
    emails = full["users"]["email"]
    assert emails.is_unique
    assert emails.str.fullmatch(r"[a-z]+\.[a-z]+\d+@example\.(com|org|net)").all()


def test_customers_of_a_campaign_have_its_channel(full):
    rows = full["users"].merge(full["marketing_campaigns"], on="campaign_id")
    assert len(rows) > 100
    assert (rows["acquisition_channel"] == rows["channel"]).all()


def test_campaigns_spend_and_click_within_reason():
    campaigns = generate_marketing_campaigns(100)
    assert (campaigns["spend"] <= campaigns["budget"]).all()
    assert (campaigns["clicks"] < campaigns["impressions"]).all()
    assert (campaigns["start_date"] <= campaigns["end_date"]).all()
    assert campaigns["start_date"].is_monotonic_increasing


def test_too_few_campaigns_for_the_spend_are_refused():
    with pytest.raises(
        UsageError, match=r"marketing_campaigns is 1: .* more than 2,147,483,647; expected at least \d+ campaigns"
    ):
        campaigns_table(plan_campaigns(1, SAMPLE_SHOP), 1e12, SAMPLE_SHOP)


def test_cost_is_40_to_70_percent_of_the_price():
    products = generate_products(500)
    assert (products["cost"].astype(float) / products["price"].astype(float)).between(0.40, 0.705).all()


# Money


def test_order_total_is_the_sum_of_its_items_to_the_cent(full):
    items = full["order_items"]
    sums = (items["quantity"] * items["price_at_time"]).groupby(items["order_id"]).sum()
    totals = full["orders"].set_index("order_id")["total_amount"]
    assert (sums.reindex(totals.index) == totals).all()


def test_price_paid_plus_discount_is_the_list_price(full):
    lines = full["order_items"].merge(full["products"], on="product_id")
    assert (lines["price_at_time"] + lines["discount"] == lines["price"]).all()
    assert (lines["discount"] > 0).mean() == pytest.approx(0.20, abs=0.03)


def test_an_order_has_a_product_once(full):
    assert not full["order_items"].duplicated(["order_id", "product_id"]).any()


# Returns


def refunds_by_order(shop):
    """The orders with what is refunded of each, and their refunds (at most one per order)."""
    orders = shop["orders"].set_index("order_id")
    refunds = shop["refunds"].set_index("order_id")
    assert refunds.index.is_unique
    return orders.assign(refunded=refunds["amount"].reindex(orders.index)), refunds


@pytest.mark.parametrize("seed", range(5))
def test_refunds_add_up_to_cancelled_and_refunded_orders_and_are_less_than_others(seed):
    orders, refunds = refunds_by_order(full_shop(seed))
    whole = orders["status"].isin(["cancelled", "refunded"])
    assert (orders["refunded"] == orders["total_amount"])[whole].all()
    assert (orders["refunded"] < orders["total_amount"])[~whole & orders["refunded"].notna()].all()
    assert orders["refunded"].notna()[~whole].sum() > 50
    assert (refunds["amount"] > 0).all()


def test_refunds_are_of_the_orders_customer_and_not_before_the_order(full):
    orders, refunds = refunds_by_order(full)
    of_order = orders.loc[refunds.index]
    assert (refunds["user_id"] == of_order["user_id"]).all()
    assert (refunds["refund_date"] >= of_order["order_date"]).all()
    assert refunds["refund_date"].max() < pd.Timestamp("2025-07-01", tz="UTC")
    later_month = refunds["refund_date"].dt.month != of_order["order_date"].dt.month
    assert later_month[refunds["kind"] == "refund"].mean() > 0.3


def test_a_cancelled_order_has_a_cancellation_at_its_time(full):
    orders, refunds = refunds_by_order(full)
    cancelled = orders[orders["status"] == "cancelled"]
    cancellations = refunds[refunds["kind"] == "cancellation"]
    assert len(cancelled) > 30
    assert orders["cancelled_at"].notna().equals(orders["status"] == "cancelled")
    assert cancelled["cancelled_at"].equals(cancellations["refund_date"].rename("cancelled_at"))
    assert set(refunds["kind"]) == {"refund", "cancellation"}


def test_a_returned_item_is_of_its_order_and_costs_its_price(full):
    orders, _ = refunds_by_order(full)
    returned = full["refunds"].merge(full["order_items"], on="order_item_id", suffixes=("", "_of_item"))
    assert len(returned) == full["refunds"]["order_item_id"].notna().sum() > 50
    assert (returned["order_id"] == returned["order_id_of_item"]).all()
    assert (returned["quantity"] <= returned["quantity_of_item"]).all()
    assert (returned["amount"] == returned["quantity"] * returned["price_at_time"]).all()
    assert not orders.loc[returned["order_id"], "status"].isin(["cancelled", "refunded"]).any()


def test_orders_have_the_code_of_their_largest_discount(full):
    lines = full["order_items"]
    price = (lines["price_at_time"] + lines["discount"]).astype(float)
    percent = np.ceil(lines["discount"].astype(float) / price * 100 - 1e-9).groupby(lines["order_id"]).max()
    codes = full["orders"].set_index("order_id")["discount_code"]
    assert set(codes.dropna()) == {"SAVE5", "SAVE10", "SAVE15", "SAVE20", "SAVE25", "SAVE30"}
    assert codes.str.removeprefix("SAVE").fillna("0").astype(float).equals(percent.reindex(codes.index))


# Time


@pytest.mark.parametrize(("table", "column"), [("orders", "order_date"), ("events", "event_timestamp")])
def test_timestamps_lie_in_the_history_and_ascend_in_a_block(sample, full, table, column):
    instants = full[table][column]
    assert instants.min() >= pd.Timestamp("2023-07-02", tz="UTC")
    assert instants.max() < pd.Timestamp("2025-07-01", tz="UTC")
    assert sample[table][column].is_monotonic_increasing


def test_days_lie_in_the_history(full):
    days = pd.concat(
        [full["users"]["signup_date"], *(full["marketing_campaigns"][f"{end}_date"] for end in ("start", "end"))]
    )
    assert days.between("2023-07-02", "2025-06-30").all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("table", "column"), [("orders", "order_date"), ("events", "event_timestamp")])
def test_no_row_precedes_the_sign_up(seed, table, column):
    shop = full_shop(seed)
    rows = shop[table][["user_id", column]].merge(shop["users"][["user_id", "signup_date"]], on="user_id")
    assert (rows[column].dt.tz_localize(None) >= rows["signup_date"]).all()


def test_a_history_of_one_week_is_possible():
    shop = generate_shop(Counts(2, 50, 10, 60, 500), Shop(history_days=7, as_of=date(2020, 3, 4)))
    assert set(shop["events"]["event_timestamp"].dt.date) <= {date(2020, 2, day) for day in range(26, 30)} | {
        date(2020, 3, day) for day in range(1, 4)
    }
    assert len(shop["orders"]) > 0


def test_only_recent_orders_are_open(full):
    age = pd.Timestamp("2025-07-01", tz="UTC") - full["orders"]["order_date"]
    still_open = full["orders"]["status"].isin(["pending", "shipped"])
    assert 0 < still_open.sum() < 50
    assert age[still_open].max() < pd.Timedelta(days=20)


def test_attributed_orders_match_days_and_countries_of_their_campaign(full):
    known = pd.DataFrame(truth(plan_shop(FULL, FULL_SHOP))["campaigns"])
    rows = orders_with_users(full).merge(known, on="campaign_id")
    assert len(rows) > 50
    assert (
        days_of(rows["order_date"]).between(pd.to_datetime(rows["start_date"]), pd.to_datetime(rows["end_date"])).all()
    )
    homes = zip(rows["country_code"], rows["countries"], strict=True)
    assert all(home in countries for home, countries in homes)


# Anomalies


def days_with(kind, plan):
    (found,) = [each for each in truth(plan)["anomalies"] if each["kind"] == kind]
    return pd.date_range(found["start_date"], found["end_date"])


@pytest.mark.parametrize(("kind", "low", "high"), [("outage", 0, 0.5), ("flash_sale", 1.3, 4)])
def test_planted_anomalies_stand_out(kind, low, high):
    for seed in range(5):
        plan, orders = big_orders(seed)
        perday = daily(orders, plan.shop)
        (day,) = days_with(kind, plan)
        around = pd.DatetimeIndex([day - pd.Timedelta(days=7), day + pd.Timedelta(days=7)])
        assert low <= perday[day] / perday[around].mean() < high


def test_flash_sale_items_have_25_percent_discount(full):
    plan = plan_shop(FULL, FULL_SHOP)
    orders = full["orders"][days_of(full["orders"]["order_date"]).isin(days_with("flash_sale", plan))]
    lines = full["order_items"].merge(orders[["order_id"]], on="order_id").merge(full["products"], on="product_id")
    assert len(lines) > 5
    assert (lines["discount"].astype(float) > 0.25 * lines["price"].astype(float) - 0.01).all()


def test_a_tracking_gap_leaves_only_visits_with_a_purchase(full):
    gap = days_with("tracking_gap", plan_shop(FULL, FULL_SHOP))
    visits = full["events"].groupby("session_id").agg(end=("event_timestamp", "max"), order=("order_id", "count"))
    in_gap = visits[days_of(visits["end"]).isin(gap)]
    assert len(gap) == 3
    assert len(in_gap) > 0
    assert (in_gap["order"] == 1).all()


# Events


def test_each_order_has_one_purchase_of_its_customer_instant_and_total(full):
    purchases = full["events"].query("event_type == 'purchase'").merge(full["orders"], on="order_id")
    assert len(purchases) == len(full["orders"]) == purchases["order_id"].nunique()
    assert (purchases["user_id_x"] == purchases["user_id_y"]).all()
    assert (purchases["event_timestamp"] == purchases["order_date"]).all()
    assert (purchases["revenue"] == purchases["total_amount"]).all()


@pytest.mark.parametrize("size", ["sample", "full"])
def test_a_visit_starts_once_and_belongs_to_one_customer(size, request):
    events = request.getfixturevalue(size)["events"]
    visits = events.groupby("session_id")
    assert (visits["event_type"].first() == "session_start").all()
    assert (events["event_type"] == "session_start").sum() == visits.ngroups
    assert visits["user_id"].nunique().max() == 1


def test_the_steps_of_a_visit_are_in_order_and_ascend(full):
    events = full["events"].sort_values(["session_id", "event_timestamp"], kind="stable")
    seconds = events.groupby("session_id")["event_timestamp"].diff().dropna().dt.total_seconds()
    assert seconds.min() >= 5
    before = events.groupby("session_id")["event_type"].shift()
    assert set(before[events["event_type"] == "add_to_cart"]) == {"product_view"}
    assert set(before[events["event_type"] == "purchase"]) == {"checkout"}


def test_a_visit_with_a_purchase_takes_the_five_steps_in_order(full):
    events = full["events"]
    visits = events.loc[events["order_id"].notna(), "session_id"]
    bought = events[events["session_id"].isin(visits)]
    steps = bought.pivot_table(index="session_id", columns="event_type", values="event_timestamp", aggfunc="min")
    steps = steps[["session_start", "product_view", "add_to_cart", "checkout", "purchase"]]
    assert len(steps) == len(full["orders"])
    assert steps.notna().all(axis=None)
    assert (steps.T.reset_index(drop=True).diff().iloc[1:] > pd.Timedelta(0)).all(axis=None)


def test_only_views_and_carts_have_a_product(full):
    named = full["events"].groupby("event_type")["product_id"].apply(lambda ids: ids.notna().mean())
    assert named.to_dict() == {"add_to_cart": 1, "checkout": 0, "product_view": 1, "purchase": 0, "session_start": 0}


def test_the_cart_of_a_purchase_holds_the_items_of_the_order(full):
    events = full["events"]
    orders = events.dropna(subset="order_id").set_index("session_id")["order_id"]
    carts = events[(events["event_type"] == "add_to_cart") & events["session_id"].isin(orders.index)]
    carted = set(zip(carts["session_id"].map(orders), carts["product_id"], strict=True))
    assert carted == set(zip(full["order_items"]["order_id"], full["order_items"]["product_id"], strict=True))


# The same for the same arguments, and only for them


@pytest.mark.parametrize("table", CATALOG)
def test_another_seed_gives_another_shop(sample, table):
    assert not generate_shop(shop=Shop(seed=43))[table].equals(sample[table])


def test_rows_are_independent_of_time_zone_locale_and_folder(tmp_path, sample):
    code = (
        "import hashlib\nfrom lib.data.synthetic import generate_shop\n"
        "texts = (k + '\\n' + f.to_csv(index=False, lineterminator='\\n') for k, f in generate_shop().items())\n"
        "print(hashlib.sha256(''.join(texts).encode()).hexdigest())"
    )
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(lib.__path__[0]).parent)}
    env |= {"TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == fingerprint(sample)


CHANGES = {
    "Europe/London": (1, 1),
    "America/St_Johns": (2, 1),
    "Pacific/Auckland": (2, 2),
}  # hours skipped, shown twice


@pytest.mark.parametrize("zone", [*CHANGES, "Asia/Kolkata"])
def test_the_clocks_of_a_time_zone_show_the_times_that_they_show_in_utc(full, zone):
    """Except in the hours of a change; every day has its orders, and all events stay in their order."""
    here, there = full, generate_shop(FULL, replace(FULL_SHOP, time_zone=zone))
    instants = {"orders": ["order_date", "cancelled_at"], "refunds": ["refund_date"], "events": ["event_timestamp"]}
    for table, columns in instants.items():
        assert here[table].drop(columns=columns).equals(there[table].drop(columns=columns))
    for table, column in ((table, column) for table, columns in instants.items() for column in columns):
        utc = here[table][column].dropna().dt.tz_localize(None)
        local = there[table][column].dropna().dt.tz_convert(zone).dt.tz_localize(None)
        assert (utc.dt.normalize() == local.dt.normalize()).all()
        moved = utc[utc != local]
        changes = CHANGES.get(zone)
        assert moved.dt.hour.isin([changes[0], changes[0] + 1, changes[1]] if changes else []).all()
        assert moved.dt.normalize().nunique() <= 4
        assert len(moved) or table != "events" or not changes
        assert here[table][column].rank().equals(there[table][column].rank())
    paid = there["events"].dropna(subset="order_id").set_index("order_id")["event_timestamp"]
    placed = there["orders"].set_index("order_id")["order_date"]
    assert (paid.reindex(placed.index) == placed).all()


def test_a_block_is_independent_of_earlier_blocks():
    counts, shop = Counts(5, 1_200, 30, 2_000, 20_000), Shop(seed=3)
    plan = plan_shop(counts, shop)
    in_turn = [block_tables(plan, block) for block in range(counts.blocks)]
    alone = block_tables(plan_shop(counts, shop), 2)
    assert len(in_turn) == 3
    assert all(alone[name].equals(table) for name, table in in_turn[2].items())
    assert parent_tables(plan)["products"].equals(parent_tables(plan_shop(counts, shop))["products"])


def test_blocks_share_no_key():
    plan = plan_shop(Counts(5, 1_000, 30, 2_000, 20_000), Shop())
    for name, table in block_tables(plan, 0).items():
        key = CATALOG[name]["key"]
        other = block_tables(plan, 1)[name][key]
        assert set(table[key].to_pylist()).isdisjoint(other.to_pylist())


def test_more_customers_do_not_change_the_first_block():
    few, many = (block_tables(plan_shop(Counts(5, n, 30, 2 * n, 20 * n), Shop()), 0) for n in (500, 1_200))
    assert few["users"].equals(many["users"])


def test_the_count_of_events_does_not_change_other_tables(sample):
    more = generate_shop(Counts(events=1_500))
    for table in ("marketing_campaigns", "users", "products", "orders", "order_items"):
        assert_frame_equal(more[table], sample[table])
    assert len(more["events"]) > len(sample["events"])


def test_the_count_of_products_does_not_change_customers_or_order_times(sample):
    more = generate_shop(Counts(products=80))
    assert_frame_equal(more["users"], sample["users"])
    kept = ["order_id", "user_id", "order_date", "status", "shipping_city", "campaign_id"]
    assert_frame_equal(more["orders"][kept], sample["orders"][kept])


def test_campaigns_do_not_change_sign_ups(sample):
    alone = generate_users(100)
    same = ["user_id", "email", "name", "country_code", "country", "city", "signup_date"]
    assert_frame_equal(alone[same], sample["users"][same])
    assert alone["campaign_id"].isna().all()


# Refusals


@pytest.mark.parametrize("make", [generate_users, generate_products, generate_marketing_campaigns])
def test_a_negative_count_is_refused(make):
    with pytest.raises(UsageError, match=r"\w+ is -3; expected 0 or more"):
        make(-3)


@pytest.mark.parametrize(
    ("counts", "missing"),
    [((0, 0, 0, 5, 50), "orders is 5 with 0 users and 0 products"), ((0, 3, 0, 5, 50), "0 products")],
)
def test_orders_need_customers_and_products(counts, missing):
    with pytest.raises(UsageError, match=missing):
        Counts(*counts)


def test_events_need_customers():
    with pytest.raises(UsageError, match="events is 5 with 0 users"):
        Counts(0, 0, 4, 0, 5)


def test_too_few_events_for_the_orders_are_refused():
    with pytest.raises(UsageError, match="events is 678 with 115 orders; expected at least 679"):
        plan_shop(Counts(events=678), SAMPLE_SHOP)


def test_the_minimum_number_of_events_is_accepted():
    assert plan_shop(Counts(events=679), SAMPLE_SHOP).visits.browsing < 1


def test_too_many_orders_for_the_customers_are_refused():
    with pytest.raises(UsageError, match="10000000 orders are too many for 10 customers"):
        plan_shop(Counts(0, 10, 50, 10_000_000, 100_000_000), SAMPLE_SHOP)


def test_more_items_than_products_are_refused():
    with pytest.raises(UsageError, match="lines_per_order is 8 with 4 products"):
        plan_shop(Counts(0, 100, 4, 100, 5_000), Shop(lines_per_order=8))


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"history_days": 6},
        {"lines_per_order": 0.9},
        {"lines_per_order": 101},
        {"lines_per_order": np.nan},
    ],
)
def test_an_impossible_shop_is_refused(wrong):
    with pytest.raises(UsageError, match=f"{next(iter(wrong))} is"):
        replace(SAMPLE_SHOP, **wrong)
