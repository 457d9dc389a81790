"""Baskets: rules by hand and as they were planted, suggestions that beat popularity only where they should."""

import numpy as np
import pandas as pd
import pytest

from lib.analysis import basket
from lib.data.synthetic import Counts, Shop, block_tables, plan_shop, truth
from lib.data.synthetic.arrays import frame


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
    assert found[["antecedent", "consequent", "orders"]].to_numpy().tolist() == [["a", "b", 7], ["b", "a", 7]]
    assert found["support"].tolist() == pytest.approx([7 / 30] * 2)
    assert found["confidence"].tolist() == pytest.approx([7 / 8, 7 / 10])
    assert found["lift"].tolist() == pytest.approx([7 / 8 / (10 / 30)] * 2)


@pytest.mark.parametrize(
    "baskets",
    [[], ["a"], ["ab"] * 4 + ["c"] * 90, ["abc"] * 20, ["a", "b", "c"] * 9, ["ab", "a", "b", ""] * 25],
    ids=["none", "one", "too few together", "always all", "never together", "together by chance"],
)
def test_accidents_are_no_rules(baskets):
    assert basket.rules(lines(*((f"u{n}", products) for n, products in enumerate(baskets)))).empty


def test_rules_are_shown_by_name():
    found = pd.DataFrame({"antecedent": ["p1"], "consequent": ["p2"], "lift": [3.0]})
    names = pd.DataFrame({"product_id": ["p2", "p1"], "name": ["Saucer", "Cup"]})
    assert basket.named(found, names).iloc[0].tolist() == ["Cup", "Saucer", 3.0]


@pytest.fixture(scope="module")
def shop():
    counts, settings = Counts(100, 1_000, 200, 2_000, 16_000), Shop(history_days=730, lines_per_order=2.46)
    plan = plan_shop(counts, settings)
    blocks = [block_tables(plan, block) for block in range(counts.blocks)]
    items, orders = (pd.concat([frame(tables[name]) for tables in blocks]) for name in ("order_items", "orders"))
    found = items.merge(orders[["order_id", "user_id", "order_date"]], on="order_id")
    number = found.groupby("user_id")["order_date"].rank(method="dense").astype(int)
    return plan, found.assign(order_number=number)


def test_the_planted_pairs_are_the_strongest(shop):
    plan, bought = shop
    planted = pd.DataFrame(truth(plan)["baskets"]["pairs"]).set_index(["product_id", "partner_id"])
    found = basket.rules(bought).set_index(["antecedent", "consequent"])
    assert set(planted.index) <= set(found.index)
    assert (found.loc[planted.index, "lift"] / planted["lift"]).between(0.5, 1.6).all()
    assert len(found) <= 2 * (len(planted) + 1)


def test_where_the_past_says_nothing_suggestions_are_the_most_bought(shop):
    proof = basket.prove(shop[1])
    assert proof.hit_rate == pytest.approx(proof.popularity, abs=0.05)


@pytest.fixture(scope="module")
def loyal():
    """300 customers, each with a favourite of 40 products in every order, beside another by chance."""
    rng = np.random.default_rng(6)
    orders = [(f"u{user:03}", {f"p{user % 40:02}", f"p{rng.integers(40):02}"}) for user in range(300) for _ in range(4)]
    return lines(*orders)


def test_what_customers_buy_again_is_suggested(loyal):
    proof = basket.prove(loyal)
    assert proof.customers == 300
    assert proof.hit_rate > 0.9 > 0.6 > proof.popularity
    assert "so each gets suggestions" in proof.words
    said = basket.suggest(loyal, pd.Series(sorted({*loyal["user_id"], "who is new"})), proof)
    favourite = "p" + (said["user_id"].str[1:].replace("ho is new", "0").astype(int) % 40).astype("str").str.zfill(2)
    assert (said["product_id"] == favourite).mean() > 0.7
    assert said["user_id"].iloc[-1] == "who is new"


def test_the_last_order_is_not_known_to_its_own_test():
    """Everyone's last order holds a product of its own, which no suggestion can know."""
    bought = lines(*((f"u{n}", products) for n in range(20) for products in (["a"], ["b"], [f"new {n}"])))
    assert basket.prove(bought) == basket.Proof(20, 0.0, 0.0)


def test_hit_rate_by_hand():
    """Of eleven equally popular products ten are suggested, by key; the last order of v holds the other one."""
    first = [f"p{number:02}" for number in range(11)]
    proof = basket.prove(lines(("u", first), ("v", first), ("u", ["p00", "x"]), ("v", ["p10"])))
    assert (proof.customers, proof.popularity) == (2, 0.5)


@pytest.mark.parametrize("baskets", [[], [("u", "ab")], [("u", "ab"), ("v", "b")]], ids=["none", "one", "once each"])
def test_who_bought_once_gets_the_most_bought(baskets):
    proof = basket.prove(lines(*baskets))
    assert proof.customers == 0
    assert proof.words.startswith("No customer ordered twice")
    said = basket.suggest(lines(*baskets), pd.Series(["u", "w"], dtype="str"), proof)
    assert said["product_id"].tolist() == (["b" if len(baskets) == 2 else "a"] * 2 if baskets else [])
