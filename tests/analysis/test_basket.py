"""Tests of baskets: rules by hand and as planted, and suggestions compared with popularity."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom

from lib.analysis import basket
from lib.data.parquet import to_frame
from lib.data.synthetic import Counts, Shop, block_tables, plan_shop
from lib.data.synthetic.truth import truth


def lines(*baskets):
    """Lines of (user, products) in the order of the orders."""
    seen: dict[str, int] = {}
    rows = []
    for number, (user, products) in enumerate(baskets):
        seen[user] = seen.get(user, 0) + 1
        rows += [
            {"user_id": user, "order_id": f"o{number:04}", "order_number": seen[user], "product_id": p}
            for p in products
        ]
    return pd.DataFrame(rows, columns=["user_id", "order_id", "order_number", "product_id"])


def test_a_rule_by_hand():
    """Of 30 orders 8 hold a, 10 hold b, 7 both."""
    baskets = ["ab"] * 7 + ["a"] + ["b"] * 3 + ["c"] * 19
    found = basket.rules(lines(*((f"u{n}", products) for n, products in enumerate(baskets))))
    assert found[["antecedent", "consequent", "orders"]].to_numpy().tolist() == [["a", "b", 7]]
    assert found.loc[0, ["beyond_chance", "support", "confidence", "lift"]].tolist() == pytest.approx(
        [7 - 8 * 10 / 30, 7 / 30, 7 / 8, 7 / 8 / (10 / 30)]
    )


def test_frequent_pairs_come_before_rare_ones_with_a_higher_lift():
    """Tea and cups are in 30 of 60 orders together, pens and ink in five, which has the higher lift."""
    baskets = [("tea", "cup")] * 30 + [("pen", "ink")] * 5 + [("pan",)] * 25
    found = basket.rules(lines(*((f"u{n}", products) for n, products in enumerate(baskets))))
    assert found[["antecedent", "orders", "lift"]].to_numpy().tolist() == [["cup", 30, 2], ["ink", 5, 12]]


def test_the_tail_is_that_of_the_hypergeometric_distribution():
    both, first, second = np.array([3, 8, 35, 12]), np.array([10, 12, 60, 12]), np.array([20, 12, 90, 40])
    exact = hypergeom.sf(both - 1, 200, first, second)
    assert basket._by_chance(both, 200, first, second) == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize(
    "baskets",
    [[], ["a"], ["ab"] * 4 + ["c"] * 90, ["abc"] * 20, ["a", "b", "c"] * 9, ["ab", "a", "b", ""] * 25],
    ids=["none", "one", "too few together", "always all", "never together", "together by chance"],
)
def test_chance_pairs_are_not_rules(baskets):
    assert basket.rules(lines(*((f"u{n}", products) for n, products in enumerate(baskets)))).empty


def test_rules_have_product_names():
    found = pd.DataFrame({"antecedent": ["p1"], "consequent": ["p2"], "lift": [3.0]})
    names = pd.DataFrame({"product_id": ["p2", "p1"], "name": ["Saucer", "Cup"]})
    assert basket.named(found, names).iloc[0].tolist() == ["Cup", "Saucer", 3.0]


@pytest.fixture(scope="module")
def shop():
    counts, settings = Counts(100, 1_000, 200, 2_000, 16_000), Shop(history_days=730, lines_per_order=2.46)
    plan = plan_shop(counts, settings)
    blocks = [block_tables(plan, block) for block in range(counts.blocks)]
    items, orders = (
        pd.concat([to_frame(tables[name], name) for tables in blocks]) for name in ("order_items", "orders")
    )
    found = items.merge(orders[["order_id", "user_id", "order_date"]], on="order_id")
    number = found.groupby("user_id")["order_date"].rank(method="dense").astype(int)
    return plan, found.assign(order_number=number)


def test_the_planted_pairs_are_the_strongest(shop):
    plan, bought = shop
    planted = pd.DataFrame(truth(plan)["baskets"]["pairs"]).set_index(["product_id", "partner_id"])
    found = basket.rules(bought)
    lift = {frozenset(pair): lift for *pair, lift in found[["antecedent", "consequent", "lift"]].to_numpy()}
    assert len(lift) == len(found), "each pair once"
    planted_lift = {frozenset(pair): lift for pair, lift in planted["lift"].items()}
    assert set(planted_lift) <= set(lift)
    assert all(0.5 <= lift[pair] / expected <= 1.6 for pair, expected in planted_lift.items())
    assert len(found) <= len(planted_lift) + 1


def test_without_patterns_suggestions_equal_popularity(shop):
    validation = basket.validate(shop[1])
    assert validation.hit_rate == pytest.approx(validation.popularity, abs=0.05)


@pytest.fixture(scope="module")
def loyal():
    """300 customers, each with a favourite of 40 products in every order, and another by chance."""
    rng = np.random.default_rng(6)
    orders = [(f"u{user:03}", {f"p{user % 40:02}", f"p{rng.integers(40):02}"}) for user in range(300) for _ in range(4)]
    return lines(*orders)


def test_products_that_customers_buy_repeatedly_are_suggested(loyal):
    validation = basket.validate(loyal)
    assert validation.customers == 300
    assert validation.hit_rate > 0.9 > 0.6 > validation.popularity
    assert "so suggestions are personal" in validation.summary
    suggested = basket.suggest(loyal, pd.Series(sorted({*loyal["user_id"], "v_new"})), validation)
    favourite = "p" + (suggested["user_id"].str[1:].replace("_new", "0").astype(int) % 40).astype("str").str.zfill(2)
    assert (suggested["product_id"] == favourite).mean() > 0.7
    assert suggested["user_id"].iloc[-1] == "v_new"


def test_the_last_order_is_held_out():
    """Each last order has a product that occurs nowhere else, so no suggestion can have a hit."""
    bought = lines(*((f"u{n}", products) for n in range(20) for products in (["a"], ["b"], [f"new {n}"])))
    assert basket.validate(bought) == basket.Validation(20, 0.0, 0.0)


def test_hit_rate_by_hand():
    """Of eleven equally popular products ten are suggested, by key; the last order of v holds the other one."""
    first = [f"p{number:02}" for number in range(11)]
    validation = basket.validate(lines(("u", first), ("v", first), ("u", ["p00", "x"]), ("v", ["p10"])))
    assert (validation.customers, validation.popularity) == (2, 0.5)


@pytest.mark.parametrize("baskets", [[], [("u", "ab")], [("u", "ab"), ("v", "b")]], ids=["none", "one", "once each"])
def test_customers_with_one_order_get_the_most_popular(baskets):
    validation = basket.validate(lines(*baskets))
    assert validation.customers == 0
    assert validation.summary.startswith("No customer ordered on two days")
    suggested = basket.suggest(lines(*baskets), pd.Series(["u", "w"], dtype="str"), validation)
    assert suggested["product_id"].tolist() == (["b" if len(baskets) == 2 else "a"] * 2 if baskets else [])
