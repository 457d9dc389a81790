"""What is bought together (association rules) and what a customer may buy next, with the proof on last orders."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import association_rules, fpgrowth
from scipy import sparse
from scipy.stats import hypergeom

from lib.formatting import integer, percent

__all__ = ["Proof", "named", "prove", "rules", "suggest"]

LEAST_TOGETHER = 5  # orders with both products, below which a rule is an accident
CHANCE = 0.01  # of a single false rule among all pairs that were looked at
METRICS = ["antecedent support", "consequent support", "support", "confidence", "lift"]
PRIOR = 50.0  # customers of average taste that each product's followers are mixed with
SUGGESTIONS = 10
BATCH = 2_000  # customers scored at once: of each product a number is held
MOST_PRODUCTS = 2_000  # suggested ones, those in most orders: of each pair a number is held


def rules(lines: pd.DataFrame) -> pd.DataFrame:
    """Rules "who takes antecedent takes consequent" by lift: orders with both, support, confidence and lift.

    `lines` has order_id and product_id. support = orders with both / orders, confidence = orders with both / orders
    with the antecedent, lift = confidence / share of orders with the consequent. Kept are pairs in at least five
    orders that are together more often than chance allows (hypergeometric, at 1 % for all pairs together).
    """
    columns = ["antecedent", "consequent", "orders", "support", "confidence", "lift"]
    baskets, products = _matrix(lines, "order_id")
    n = baskets.shape[0]
    often = np.asarray(baskets.sum(axis=0)).ravel() >= LEAST_TOGETHER
    if not often.any():
        return pd.DataFrame(columns=columns)
    held = pd.DataFrame.sparse.from_spmatrix(baskets[:, often].astype(bool))
    held.columns = [str(number) for number in np.flatnonzero(often)]
    sets = fpgrowth(held, min_support=LEAST_TOGETHER / n, use_colnames=True, max_len=2)
    if (sets["itemsets"].map(len) < 2).all():
        return pd.DataFrame(columns=columns)
    found = association_rules(sets, metric="lift", min_threshold=1.0, return_metrics=METRICS)
    counted = found.assign(orders=(found["support"] * n).round().astype(int))
    pairs = _beyond_chance(counted, n, looked_at=often.sum() * (often.sum() - 1) / 2)
    pairs["antecedent"], pairs["consequent"] = (_only(pairs[name], products) for name in ("antecedents", "consequents"))
    even = pairs.round({"lift": 9, "confidence": 9})  # both rules of a pair have one lift, but for the last digit
    ordered = even.sort_values(["lift", "confidence", "antecedent"], ascending=[False, False, True], kind="stable")
    return ordered[columns].reset_index(drop=True)


def _beyond_chance(found: pd.DataFrame, n: int, looked_at: float) -> pd.DataFrame:
    """The rules whose pair is together more often than independent products would be."""
    first, second = ((found[f"{side} support"] * n).round().astype(int) for side in ("antecedent", "consequent"))
    by_accident = hypergeom.sf(found["orders"] - 1, n, first, second)
    return found[by_accident * looked_at < CHANCE].copy()


def _only(sets: pd.Series, products: pd.Index) -> np.ndarray:
    return products.to_numpy()[[int(number) for (number,) in sets]]


def _matrix(lines: pd.DataFrame, row: str) -> tuple[sparse.csr_matrix, pd.Index]:
    """Which row holds which product, 1 or nothing, rows and products in the order of their names."""
    rows, names = pd.factorize(lines[row], sort=True)
    columns, products = pd.factorize(lines["product_id"], sort=True)
    return _ones(rows, columns, (len(names), len(products))), pd.Index(products)


def _ones(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    cells = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
    cells.data[:] = 1
    return cells


def named(found: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """The rules with the products' names in place of their keys; `products` has product_id and name."""
    names = products.set_index("product_id")["name"]
    return found.assign(antecedent=found["antecedent"].map(names), consequent=found["consequent"].map(names))


@dataclass(frozen=True)
class Proof:
    """Share of customers whose last order holds one of ten products suggested before it, beside the ten most bought."""

    customers: int
    hit_rate: float
    popularity: float

    @property
    def personal(self) -> bool:
        """Whether suggestions by what a customer bought did better than the same ones for all."""
        return self.hit_rate > self.popularity

    @property
    def words(self) -> str:
        """What was found, and what is therefore suggested."""
        if not self.customers:
            return "No customer ordered twice, so no suggestion could be tested; the most bought product is suggested."
        verdict = "so each gets suggestions of his or her own" if self.personal else "so all get the most bought ones"
        return (
            f"Ten products suggested by what a customer had bought: at least one was in the last order of "
            f"{percent(self.hit_rate)} of {integer(self.customers)} customers. The ten most bought ones: "
            f"{percent(self.popularity)}; {verdict}."
        )


def prove(lines: pd.DataFrame) -> Proof:
    """Suggestions made from all that came before each customer's last order, held against that order.

    `lines` has user_id, order_number (1 for a customer's first order, then up) and product_id. Nothing of a last order
    is known to any suggestion. NaN where no customer ordered twice.
    """
    last = lines.groupby("user_id")["order_number"].transform("max")
    tested = lines[(lines["order_number"] == last) & (last > 1)]
    known = lines[(lines["order_number"] < last) | (last == 1)]
    users = pd.Index(np.sort(tested["user_id"].unique()))
    n = len(users)
    if not n:
        return Proof(0, np.nan, np.nan)
    hits = [
        tested.merge(_suggested(known, users, SUGGESTIONS, personal=personal), on=["user_id", "product_id"])
        for personal in (True, False)
    ]
    return Proof(n, *(hit["user_id"].nunique() / n for hit in hits))


def suggest(lines: pd.DataFrame, users: pd.Series, proof: Proof) -> pd.DataFrame:
    """The likeliest next product of each user: user_id, product_id; the most bought one unless personal ones won."""
    return _suggested(lines, pd.Index(users), 1, personal=proof.personal)


def _suggested(known: pd.DataFrame, users: pd.Index, count: int, *, personal: bool) -> pd.DataFrame:
    """`count` products per user, the likeliest first: user_id, product_id.

    A product's score is its share of all orders and, if personal, the mean over what the customer has bought, each
    time it was bought, of how much more often than that the next order of who bought it holds the product.
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
    """Columns of the `count` products with the highest scores for each user, in batches of users."""
    follows = _followers(known, column, len(share), share)
    row = users.get_indexer(known["user_id"])
    theirs = np.ones((row >= 0).sum()), (row[row >= 0], column[row >= 0])
    owned = sparse.csr_matrix(theirs, shape=(len(users), len(share)))  # orders of each customer with each product
    batches = (owned[at : at + BATCH] for at in range(0, len(users), BATCH))
    return np.concatenate([_first(_scores(batch, follows, share), count) for batch in batches])


def _followers(known: pd.DataFrame, column: np.ndarray, n: int, share: np.ndarray) -> np.ndarray:
    """[i, j]: by how much the chance that the next order of who bought i holds j exceeds j's share of all orders.

    Counted on each customer's last order; mixed with PRIOR customers of average taste.
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
    """Columns of the highest scores of each row; of equal ones the first: rounded, to be the same anywhere."""
    return np.argsort(-scores.round(9), axis=1, kind="stable")[:, :count]
