"""The synthetic shop: keys, totals, dates, independence of the streams, and the refusals."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from pandas.testing import assert_frame_equal

import lib
from lib.errors import UsageError
from lib.generate import (
    DEMO_SHOP,
    Counts,
    Shop,
    generate_events,
    generate_marketing_campaigns,
    generate_order_items,
    generate_orders,
    generate_products,
    generate_shop,
    generate_users,
)

FULL = Counts(marketing_campaigns=100, users=1_000, products=200, orders=5_000, events=100_000)
DEMO_SHA256 = "8bba6128fc10c751d3e1fa2c33c4fff1e7f31097302de6cad0f812196c02b3bd"
DTYPES = {
    "uuid": "str",
    "text": "str",
    "char2": "str",
    "money": "decimal128(12, 2)[pyarrow]",
    "date": "datetime64[us]",
    "timestamptz": "datetime64[us, UTC]",
}
CATALOG = yaml.safe_load((Path(lib.__path__[0]) / "catalog.yml").read_text(encoding="utf-8"))["tables"]


@pytest.fixture(scope="module")
def demo():
    return generate_shop()


@pytest.fixture(scope="module")
def full():
    return generate_shop(FULL, Shop(lines_per_order=2.46))


def dtype_of(column):
    """The frame contract: what pandas holds for a column of the catalog."""
    if column["type"] == "integer":
        return "Int64" if column.get("optional") else "int64"
    return DTYPES[column["type"]]


def fingerprint(shop):
    texts = (name + "\n" + frame.to_csv(index=False, lineterminator="\n") for name, frame in shop.items())
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def lines_with_price(shop):
    return shop["order_items"].merge(shop["products"][["product_id", "price"]], on="product_id")


def orders_with_signup(shop):
    return shop["orders"].merge(shop["users"], on="user_id")


# The contract of the frames


@pytest.mark.parametrize("table", CATALOG)
@pytest.mark.parametrize("counts", [Counts(), Counts(0, 0, 0, 0, 0)], ids=["demo", "empty"])
def test_columns_and_types_are_the_catalogs(table, counts):
    frame = generate_shop(counts)[table]
    wanted = {name: dtype_of(column) for name, column in CATALOG[table]["columns"].items()}
    assert frame.dtypes.astype(str).to_dict() == wanted
    assert list(frame.columns) == list(wanted)
    assert list(frame.index) == list(range(len(frame)))


@pytest.mark.parametrize("table", CATALOG)
def test_only_optional_columns_have_gaps(demo, table):
    required = [name for name, column in CATALOG[table]["columns"].items() if not column.get("optional")]
    assert not demo[table][required].isna().any(axis=None)


@pytest.mark.parametrize("table", CATALOG)
def test_keys_are_unique_uuids_of_version_4(full, table):
    keys = full[table][CATALOG[table]["key"]]
    assert keys.is_unique
    assert keys.str.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}").all()


@pytest.mark.parametrize("table", CATALOG)
def test_references_lead_to_a_parent(full, table):
    for name, column in CATALOG[table]["columns"].items():
        if "references" in column:
            parents = full[column["references"]][CATALOG[column["references"]]["key"]]
            assert full[table][name].dropna().isin(parents).all()


def test_parents_come_before_children(demo):
    assert list(demo) == ["marketing_campaigns", "users", "products", "orders", "order_items", "events"]


# Sizes


def test_the_full_size_is_118_600_rows_within_3_percent(full):
    assert sum(map(len, full.values())) == pytest.approx(118_600, rel=0.03)
    assert len(full["events"]) == 100_000
    assert len(full["order_items"]) == pytest.approx(12_300, rel=0.03)


def test_the_demo_has_the_sizes_asked_for(demo):
    sizes = {name: len(frame) for name, frame in demo.items()}
    assert sizes.pop("order_items") == pytest.approx(290, rel=0.10)
    assert sizes == {"marketing_campaigns": 10, "users": 100, "products": 50, "orders": 200, "events": 645}


# Money


def test_an_orders_total_is_the_sum_of_its_lines_to_the_cent(full):
    items = full["order_items"]
    sums = (items["quantity"] * items["price_at_time"]).groupby(items["order_id"]).sum()
    totals = full["orders"].set_index("order_id")["total_amount"]
    assert (sums.reindex(totals.index) == totals).all()


def test_price_paid_and_discount_make_the_list_price(full):
    lines = lines_with_price(full)
    assert (lines["price_at_time"] + lines["discount"] == lines["price"]).all()
    assert (lines["discount"] > 0).mean() == pytest.approx(0.20, abs=0.03)


def test_an_order_names_a_product_once(full):
    assert not full["order_items"].duplicated(["order_id", "product_id"]).any()


def test_cost_is_40_to_70_percent_of_the_price(full):
    share = full["products"]["cost"].astype(float) / full["products"]["price"].astype(float)
    assert share.between(0.39, 0.70).all()


# Time


@pytest.mark.parametrize(("table", "column"), [("orders", "order_date"), ("events", "event_timestamp")])
def test_instants_lie_in_the_window_and_ascend(full, table, column):
    instants = full[table][column]
    assert instants.min() >= pd.Timestamp("2024-01-08", tz="UTC")
    assert instants.max() < pd.Timestamp("2025-07-01", tz="UTC")
    assert instants.is_monotonic_increasing


def test_days_lie_in_the_window(full):
    days = pd.concat(
        [full["users"]["signup_date"], *(full["marketing_campaigns"][f"{end}_date"] for end in ("start", "end"))]
    )
    assert days.between("2024-01-08", "2025-06-30").all()


@pytest.mark.parametrize(("table", "column"), [("orders", "order_date"), ("events", "event_timestamp")])
def test_nothing_happens_before_the_sign_up(full, table, column):
    rows = full[table].merge(full["users"], on="user_id")
    assert (rows[column].dt.tz_localize(None) >= rows["signup_date"]).all()


def test_a_window_of_one_day_holds_everything():
    shop = generate_shop(Counts(2, 5, 4, 30, 300), Shop(history_days=1, as_of=date(2020, 3, 1)))
    assert set(shop["events"]["event_timestamp"].dt.date) == {date(2020, 2, 29)}


def test_only_recent_orders_are_open(full):
    age = pd.Timestamp("2025-07-01", tz="UTC") - full["orders"]["order_date"]
    still_open = full["orders"]["status"].isin(["pending", "shipped"])
    assert age[still_open].max() < pd.Timedelta(days=4)
    assert age[~still_open].max() > pd.Timedelta(days=500)


def test_settled_orders_are_mostly_completed(full):
    shares = full["orders"]["status"].value_counts(normalize=True)
    assert shares["completed"] == pytest.approx(0.88, abs=0.03)
    assert shares["cancelled"] == pytest.approx(0.035, abs=0.015)
    assert shares["refunded"] == pytest.approx(0.07, abs=0.02)


# Behaviour


def test_emails_are_unique_and_reserved(full):
    emails = full["users"]["email"]
    assert emails.is_unique
    assert emails.str.fullmatch(r"[a-z]+\.[a-z]+\d+@example\.(com|org|net)").all()


def test_parcels_go_home_in_97_percent(full):
    rows = orders_with_signup(full)
    assert 0.97 <= (rows["shipping_country_code"] == rows["country_code"]).mean() < 1


def test_attributed_orders_fall_into_their_campaign(full):
    rows = full["orders"].merge(full["marketing_campaigns"], on="campaign_id")
    days = rows["order_date"].dt.tz_localize(None).dt.normalize()
    assert len(rows) > 500
    assert ((days >= rows["start_date"]) & (days <= rows["end_date"])).all()


def test_customers_of_a_campaign_came_by_its_channel(full):
    rows = full["users"].merge(full["marketing_campaigns"], on="campaign_id")
    assert len(rows) > 200
    assert (rows["acquisition_channel"] == rows["channel"]).all()


def test_campaigns_spend_and_click_within_reason():
    campaigns = generate_marketing_campaigns(100)
    assert (campaigns["spend"] <= campaigns["budget"]).mean() > 0.8
    assert (campaigns["clicks"] < campaigns["impressions"]).all()
    assert (campaigns["start_date"] <= campaigns["end_date"]).all()


def test_a_fifth_of_the_products_and_customers_bring_most_of_the_revenue(full):
    for table, key in ((full["order_items"], "product_id"), (orders_with_signup(full), "user_id")):
        amount = table["quantity"] * table["price_at_time"] if key == "product_id" else table["total_amount"]
        revenue = amount.astype(float).groupby(table[key]).sum().sort_values(ascending=False)
        everyone = len(full["products"] if key == "product_id" else full["users"])
        assert 0.60 < revenue.head(everyone // 5).sum() / revenue.sum() < 0.80


# Events


def test_each_order_has_one_purchase_of_its_customer_instant_and_total(full):
    purchases = full["events"].query("event_type == 'purchase'").merge(full["orders"], on="order_id")
    assert len(purchases) == len(full["orders"]) == purchases["order_id"].nunique()
    assert (purchases["user_id_x"] == purchases["user_id_y"]).all()
    assert (purchases["event_timestamp"] == purchases["order_date"]).all()
    assert (purchases["revenue"] == purchases["total_amount"]).all()


@pytest.mark.parametrize("size", ["demo", "full"])
def test_a_visit_starts_once_and_belongs_to_one_customer(size, request):
    visits = request.getfixturevalue(size)["events"].groupby("session_id")
    assert (visits["event_type"].first() == "session_start").all()
    assert visits["user_id"].nunique().max() == 1


def test_the_steps_of_a_visit_are_in_order_and_ascend(full):
    events = full["events"].sort_values(["session_id", "event_timestamp"], kind="stable")
    seconds = events.groupby("session_id")["event_timestamp"].diff().dropna().dt.total_seconds()
    assert seconds.min() >= 5
    before = events.groupby("session_id")["event_type"].shift()
    assert set(before[events["event_type"] == "add_to_cart"]) == {"product_view"}
    assert set(before[events["event_type"] == "purchase"]) == {"checkout"}
    assert set(before[events["event_type"] == "checkout"]) == {"add_to_cart"}


def test_products_are_named_by_views_and_carts_only(full):
    named = full["events"].groupby("event_type")["product_id"].apply(lambda ids: ids.notna().mean())
    assert named.to_dict() == {"add_to_cart": 1, "checkout": 0, "product_view": 1, "purchase": 0, "session_start": 0}


def test_the_cart_of_a_purchase_holds_the_items_of_the_order(full):
    events = full["events"]
    orders = events.dropna(subset="order_id").set_index("session_id")["order_id"]
    carts = events[(events["event_type"] == "add_to_cart") & events["session_id"].isin(orders.index)]
    carted = set(zip(carts["session_id"].map(orders), carts["product_id"], strict=True))
    assert carted == set(zip(full["order_items"]["order_id"], full["order_items"]["product_id"], strict=True))


@pytest.mark.parametrize("n", [600, 601, 645, 1_000])
def test_exactly_n_events(demo, n):
    assert len(generate_events(n, demo["users"], demo["products"], demo["orders"])) == n


# The same for the same arguments, and only for them


def test_the_demo_shop_is_pinned(demo):
    assert fingerprint(demo) == DEMO_SHA256, "the generated shop changed: refresh the notebooks, then pin the new value"


@pytest.mark.parametrize("table", CATALOG)
def test_another_seed_gives_another_shop(demo, table):
    assert not generate_shop(shop=Shop(seed=43))[table].equals(demo[table])


def test_zone_language_and_folder_do_not_matter(tmp_path, demo):
    code = (
        "import hashlib\nfrom lib.generate import generate_shop\n"
        "texts = (k + '\\n' + f.to_csv(index=False, lineterminator='\\n') for k, f in generate_shop().items())\n"
        "print(hashlib.sha256(''.join(texts).encode()).hexdigest())"
    )
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(lib.__path__[0]).parent)}
    env |= {"TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == fingerprint(demo)


def test_a_tables_count_leaves_the_draws_of_others_alone(demo):
    more = generate_shop(Counts(products=80, events=900))
    for table in ("marketing_campaigns", "users"):
        assert_frame_equal(more[table], demo[table])
    kept = ["order_id", "user_id", "order_date", "status", "campaign_id"]
    assert_frame_equal(more["orders"][kept], demo["orders"][kept])


def test_campaigns_do_not_change_who_signs_up(demo):
    alone = generate_users(100)
    same = ["user_id", "email", "name", "country_code", "country", "city", "signup_date"]
    assert_frame_equal(alone[same], demo["users"][same])
    assert alone["campaign_id"].isna().all()


def test_arguments_are_left_as_they_were(demo):
    before = {name: frame.copy() for name, frame in demo.items()}
    generate_events(700, demo["users"], demo["products"], demo["orders"])
    generate_order_items(demo["orders"], demo["products"])
    for name, frame in before.items():
        assert_frame_equal(frame, demo[name])


# Refusals


@pytest.mark.parametrize("make", [generate_users, generate_products, generate_marketing_campaigns])
def test_a_negative_count_is_refused(make):
    with pytest.raises(UsageError, match=r"-3 \w+ asked for; want 0 or more"):
        make(-3)


def test_orders_need_customers_and_products(demo):
    with pytest.raises(UsageError, match="5 orders asked for, but there are 0 users and 0 products"):
        generate_orders(5, demo["users"].head(0), demo["products"].head(0))


def test_events_need_customers(demo):
    with pytest.raises(UsageError, match="5 events asked for, but there are 0 users"):
        generate_events(5, demo["users"].head(0), demo["products"], demo["orders"].head(0))


def test_too_few_events_for_the_orders_are_refused(demo):
    with pytest.raises(UsageError, match="599 events asked for with 200 orders; want at least 600"):
        generate_events(599, demo["users"], demo["products"], demo["orders"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"history_days": 0},
        {"lines_per_order": 0.9},
        {"lines_per_order": 101},
        {"lines_per_order": np.nan},
    ],
)
def test_a_shop_that_cannot_be_is_refused(wrong):
    with pytest.raises(UsageError, match=f"{next(iter(wrong))} is"):
        replace(DEMO_SHOP, **wrong)


def test_items_of_another_shops_orders_are_refused(demo):
    with pytest.raises(UsageError, match="of 200 orders have another total than their items"):
        generate_order_items(demo["orders"], demo["products"], shop=Shop(seed=43))
