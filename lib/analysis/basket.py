"""Market baskets: association rules, and next products for each customer, validated on the last orders."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import gammaln

from lib.formatting import integer, percent

__all__ = ["Validation", "named", "rules", "suggest", "validate"]

LEAST_TOGETHER = 5  # minimum orders with both products of a rule
CHANCE = 0.01  # family-wise error rate over all tested pairs
TERMS = 30  # of the tail of the hypergeometric distribution
PRIOR = 50.0  # pseudo-count of average customers in the followers of each product
SUGGESTIONS = 10
BATCH = 2_000  # customers scored at once: memory is customers x products
MOST_PRODUCTS = 2_000  # most frequent products that can be suggested: memory is its square


def rules(lines: pd.DataFrame) -> pd.DataFrame:
    """Association rules between pairs of products, each pair once, by the number of orders beyond chance.

    Kept are pairs in at least LEAST_TOGETHER orders that occur together more often than chance allows (hypergeometric
    test, at 1 % for all pairs together). The rarer product is the antecedent: its rule has the higher confidence.

    Args:
        lines: One row per product of an order: order_id, product_id.

    Returns:
        antecedent, consequent (product_id), orders (with both), beyond_chance = orders - those expected if the products
        were independent, support = orders / all orders, confidence = orders / orders with the antecedent, lift =
        confidence / share of orders with the consequent.

    Example:
        >>> products = ["tea"] * 9 + ["cup"] * 9 + ["pan"] * 9
        >>> lines = pd.DataFrame({"order_id": [*range(9), *range(18)], "product_id": products})
        >>> basket.rules(lines)[["antecedent", "consequent", "orders", "lift"]]
          antecedent consequent  orders  lift
        0        cup        tea       9   2.0
    """
    order, orders = pd.factorize(lines["order_id"], sort=True)
    product, products = pd.factorize(lines["product_id"], sort=True)
    n = len(orders)
    baskets = _ones(order, product, (n, len(products)))
    frequent = np.flatnonzero(np.asarray(baskets.sum(axis=0)).ravel() >= LEAST_TOGETHER)
    bought = baskets[:, frequent]
    together = (bought.T @ bought).tocoo()  # orders with both products of each pair; on the diagonal, with the product
    counts = together.diagonal()
    rank = np.lexsort((np.arange(len(counts)), counts)).argsort()  # the antecedent is in fewer orders
    is_pair = (rank[together.row] < rank[together.col]) & (together.data >= LEAST_TOGETHER)
    first, second, orders_with_both = together.row[is_pair], together.col[is_pair], together.data[is_pair]
    expected = counts[first] * counts[second] / max(n, 1)
    tests = len(frequent) * (len(frequent) - 1) / 2
    kept = np.flatnonzero(orders_with_both > expected)
    kept = kept[_by_chance(orders_with_both[kept], n, counts[first[kept]], counts[second[kept]]) * tests < CHANCE]
    first, second, both, expected = first[kept], second[kept], orders_with_both[kept], expected[kept]
    found = pd.DataFrame(
        {
            "antecedent": products[frequent[first]],
            "consequent": products[frequent[second]],
            "orders": both.astype(int),
            "beyond_chance": both - expected,
            "support": both / max(n, 1),
            "confidence": both / counts[first],
            "lift": both / expected,
        }
    )
    rounded = found.round({"beyond_chance": 6, "confidence": 9, "lift": 9})  # equal on any processor
    by = ["beyond_chance", "antecedent", "consequent"]
    return rounded.sort_values(by, ascending=[False, True, True], kind="stable", ignore_index=True)


def _by_chance(both: np.ndarray, n: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Probability of at least this many orders with both products if they are independent, where it is small.

    The first TERMS probabilities of the hypergeometric tail, and a geometric series as the upper bound of the rest;
    scipy's exact tail takes ten times as long for half a million pairs.
    """
    both, first, second = (np.rint(values).astype(int) for values in (both, first, second))
    log = gammaln(np.arange(1.0, n + 2))  # of the factorials
    rest = n - first - second + both
    chosen = log[first] - log[both] - log[first - both] + log[n - first] - log[second - both] - log[rest]
    sum_of_terms = term = np.ones(len(both))
    for step in range(TERMS):
        ratio = (first - both - step) * (second - both - step) / ((both + step + 1.0) * (rest + step + 1.0))
        term = term * np.clip(ratio, 0, 1)
        sum_of_terms = sum_of_terms + term
    bound = term * ratio / np.maximum(1 - ratio, 1e-9)
    return np.exp(chosen - log[n] + log[second] + log[n - second]) * (sum_of_terms + bound)


def _ones(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    """0/1 matrix with a one in each of these cells, however often it is named."""
    cells = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
    cells.data[:] = 1
    return cells


def named(found: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """The rules with product names instead of keys; `products` has product_id and name.

    Example:
        >>> found = pd.DataFrame({"antecedent": ["p1"], "consequent": ["p2"], "lift": [2.0]})
        >>> basket.named(found, pd.DataFrame({"product_id": ["p1", "p2"], "name": ["tea", "cup"]}))
          antecedent consequent  lift
        0        tea        cup   2.0
    """
    names = products.set_index("product_id")["name"]
    return found.assign(antecedent=found["antecedent"].map(names), consequent=found["consequent"].map(names))


@dataclass(frozen=True)
class Validation:
    """Validation of suggestions on the customers' last orders.

    customers: number of customers with orders on at least two days. hit_rate, popularity: share of them whose last
    order has one of ten products suggested from earlier orders, personally or by popularity; NaN without customers.
    """

    customers: int
    hit_rate: float
    popularity: float

    @property
    def personal(self) -> bool:
        """Whether personal suggestions beat the most popular products."""
        return self.hit_rate > self.popularity

    @property
    def summary(self) -> str:
        """The result and its consequence, as a sentence of the report."""
        if not self.customers:
            none = "No customer ordered on two days: suggestions cannot be validated"
            return f"{none}, so everyone gets the most popular one."
        verdict = "so suggestions are personal" if self.personal else "so everyone gets the most popular products"
        return (
            f"Ten personal suggestions had a hit in the last order of {percent(self.hit_rate)} of "
            f"{integer(self.customers)} customers, the ten most popular products of {percent(self.popularity)}, "
            f"{verdict}."
        )


def validate(lines: pd.DataFrame) -> Validation:
    """Compare suggestions from all earlier orders with the last order of each customer.

    Args:
        lines: user_id, order_number (1 for a customer's first day with an order) and product_id. Last orders are held
            out from all suggestions.

    Example:
        >>> lines = pd.DataFrame({"user_id": list("aab"), "order_number": [1, 2, 1], "product_id": ["p1", "p2", "p2"]})
        >>> basket.validate(lines)
        Validation(customers=1, hit_rate=1.0, popularity=1.0)
    """
    last = lines.groupby("user_id")["order_number"].transform("max")
    tested = lines[(lines["order_number"] == last) & (last > 1)]
    known = lines[(lines["order_number"] < last) | (last == 1)]
    users = pd.Index(np.sort(tested["user_id"].unique()))
    n = len(users)
    if not n:
        return Validation(0, np.nan, np.nan)
    hits = [
        tested.merge(_suggested(known, users, SUGGESTIONS, personal=personal), on=["user_id", "product_id"])
        for personal in (True, False)
    ]
    return Validation(n, *(hit["user_id"].nunique() / n for hit in hits))


def suggest(lines: pd.DataFrame, users: pd.Series, validation: Validation) -> pd.DataFrame:
    """The most likely next product of each user (user_id, product_id), personal if that validated better.

    Example:
        >>> lines = pd.DataFrame({"user_id": list("aab"), "order_number": [1, 2, 1], "product_id": ["p1", "p2", "p2"]})
        >>> basket.suggest(lines, pd.Series(["a", "b"]), basket.validate(lines))
          user_id product_id
        0       a         p2
        1       b         p2
    """
    return _suggested(lines, pd.Index(users), 1, personal=validation.personal)


def _suggested(known: pd.DataFrame, users: pd.Index, count: int, *, personal: bool) -> pd.DataFrame:
    """`count` products per user, most likely first: user_id, product_id.

    The score of a product is its share of all orders plus, if personal, the mean over the customer's purchases of its
    excess share in the next orders of other customers with that product.
    """
    known = known[known["product_id"].isin(known["product_id"].value_counts().index[:MOST_PRODUCTS])]
    products = pd.Index(np.sort(known["product_id"].unique()))
    column = products.get_indexer(known["product_id"])
    orders = known.groupby(["user_id", "order_number"]).ngroups
    share = np.bincount(column, minlength=len(products)) / max(orders, 1)
    if personal:
        picked = _personal(known, column, users, share, count)
    else:
        picked = np.repeat(_first(share[None, :], count), len(users), axis=0)
    columns = {
        "user_id": np.repeat(users.to_numpy(), picked.shape[1]),
        "product_id": products.to_numpy()[picked.ravel()],
    }
    return pd.DataFrame(columns)


def _personal(known: pd.DataFrame, column: np.ndarray, users: pd.Index, share: np.ndarray, count: int) -> np.ndarray:
    """Columns of the `count` products with the highest scores, for each user."""
    follows = _followers(known, column, len(share), share)
    row = users.get_indexer(pd.Index(known["user_id"]))
    asked = row >= 0
    orders = (np.ones(asked.sum()), (row[asked], column[asked]))  # of each customer with each product
    owned = sparse.csr_matrix(orders, shape=(len(users), len(share)))
    batches = (owned[at : at + BATCH] for at in range(0, len(users), BATCH))
    return np.concatenate([_first(_scores(batch, follows, share), count) for batch in batches])


def _followers(known: pd.DataFrame, column: np.ndarray, n: int, share: np.ndarray) -> np.ndarray:
    """[i, j]: share of last orders with j among customers who bought i earlier, minus the share of j in all orders.

    Shrunk towards 0 by PRIOR average customers.
    """
    last = known.groupby("user_id")["order_number"].transform("max").to_numpy()
    number = known["order_number"].to_numpy()
    users, names = pd.factorize(known["user_id"])
    before, after = (
        _ones(users[chosen], column[chosen], (len(names), n))
        for chosen in (number < last, (number == last) & (last > 1))
    )
    together, owners = (before.T @ after).toarray(), np.asarray(before.sum(axis=0)).ravel()
    return (together - owners[:, None] * share) / (owners[:, None] + PRIOR)


def _scores(owned: sparse.csr_matrix, follows: np.ndarray, share: np.ndarray) -> np.ndarray:
    sizes = np.maximum(np.asarray(owned.sum(axis=1)), 1).reshape(-1, 1)
    return share + (owned @ follows) / sizes


def _first(scores: np.ndarray, count: int) -> np.ndarray:
    """Columns of the highest scores of each row, ties by position; rounded, to be equal on any processor."""
    n = scores.shape[1]
    keys = np.rint(-scores * 1e9).astype("int64") * n + np.arange(n)  # unique, so a partition keeps the order of ties
    if count < n:
        keys = np.partition(keys, count, axis=1)[:, :count]  # several times faster than sorting whole rows
    return np.sort(keys, axis=1) % max(n, 1)
