"""What is bought together (association rules) and what a customer may buy next, with the proof on last orders."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import association_rules, fpgrowth
from scipy import sparse
from scipy.stats import hypergeom

__all__ = ["Proof", "prove", "rules", "suggest"]

LEAST_TOGETHER = 5  # orders with both products, below which a rule is an accident
CHANCE = 0.01  # of a single false rule among all pairs that were looked at
PRIOR = 50.0  # customers of average taste that each product's followers are mixed with
SUGGESTIONS = 10
LEAST_TESTED = 100
BATCH = 2_000  # customers scored at once: of each product a number is held


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
    found = association_rules(sets, metric="lift", min_threshold=1.0)
    counted = found.assign(orders=(found["support"] * n).round().astype(int))
    pairs = _beyond_chance(counted, n, looked_at=often.sum() * (often.sum() - 1) / 2)
    pairs["antecedent"], pairs["consequent"] = (_only(pairs[name], products) for name in ("antecedents", "consequents"))
    ordered = pairs.sort_values(["lift", "confidence", "antecedent"], ascending=[False, False, True], kind="stable")
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


@dataclass(frozen=True)
class Proof:
    """Share of customers whose last order holds one of ten products suggested before it, beside the ten most bought."""

    customers: int
    hit_rate: float
    popularity: float


def prove(lines: pd.DataFrame) -> Proof:
    """Suggestions made from all that came before each customer's last order, held against that order.

    `lines` has user_id, order_number (1 for a customer's first order, then up) and product_id. Nothing of a last order
    is known to any suggestion. NaN where no customer ordered twice.
    """
    last = lines.groupby("user_id")["order_number"].transform("max")
    tested = lines[(lines["order_number"] == last) & (last > 1)]
    known = lines[(lines["order_number"] < last) | (last == 1)]
    if tested.empty:
        return Proof(0, np.nan, np.nan)
    said, popular = _suggested(known, pd.Index(tested["user_id"].unique()).sort_values())
    ranks = tested.merge(said, on=["user_id", "product_id"])["user_id"].nunique()
    bought = tested[tested["product_id"].isin(popular)]["user_id"].nunique()
    n = tested["user_id"].nunique()
    return Proof(n, ranks / n, bought / n)


def suggest(lines: pd.DataFrame, users: pd.Index) -> pd.DataFrame:
    """Ten products for each of the users, the likeliest first: user_id, rank, product_id."""
    return _suggested(lines, users)[0]


def _suggested(known: pd.DataFrame, users: pd.Index) -> tuple[pd.DataFrame, np.ndarray]:
    """Suggestions, and the products that are in most orders.

    A product's score for a customer is the mean, over what the customer has bought, of the chance that the next order
    of who bought that holds the product; chances are mixed with the product's share of all orders, as if so many more
    customers had bought like the average.
    """
    products = pd.Index(np.sort(known["product_id"].unique()))
    column = products.get_indexer(known["product_id"])
    share = np.bincount(column, minlength=len(products)) / known.groupby(["user_id", "order_number"]).ngroups
    follows = _followers(known, column, len(products), share)
    row = users.get_indexer(known["user_id"])
    owned = _ones(row[row >= 0], column[row >= 0], (len(users), len(products)))
    best = [_best(owned[at : at + BATCH], follows, share) for at in range(0, len(users), BATCH)]
    picked = np.concatenate(best) if best else np.zeros((0, 0), dtype=int)
    frame = pd.DataFrame(
        {
            "user_id": np.repeat(users.to_numpy(), picked.shape[1]),
            "rank": np.tile(np.arange(1, picked.shape[1] + 1), len(users)),
            "product_id": products.to_numpy()[picked.ravel()],
        }
    )
    return frame, products.to_numpy()[_first(share[None, :])[0]]


def _followers(known: pd.DataFrame, column: np.ndarray, n: int, share: np.ndarray) -> np.ndarray:
    """[i, j]: chance that the next order of who bought i holds j, beyond the share that j has of all orders."""
    last = known.groupby("user_id")["order_number"].transform("max").to_numpy()
    number = known["order_number"].to_numpy()
    users, names = pd.factorize(known["user_id"])
    again = last > 1
    before = _ones(users[again & (number < last)], column[again & (number < last)], (len(names), n))
    after = _ones(users[again & (number == last)], column[again & (number == last)], (len(names), n))
    together, owners = (before.T @ after).toarray(), np.asarray(before.sum(axis=0)).ravel()
    return (together - owners[:, None] * share) / (owners[:, None] + PRIOR)


def _best(owned: sparse.csr_matrix, follows: np.ndarray, share: np.ndarray) -> np.ndarray:
    sizes = np.maximum(np.asarray(owned.sum(axis=1)), 1)
    return _first(share + (owned @ follows) / sizes)


def _first(scores: np.ndarray) -> np.ndarray:
    """Columns of the highest scores of each row; of equal ones, the first column: rounded, so that it is one anywhere."""
    return np.argsort(-scores.round(9), axis=1, kind="stable")[:, :SUGGESTIONS]
