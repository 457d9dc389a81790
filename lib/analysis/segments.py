"""Segments of customers: by recency, frequency and monetary value (RFM) with an action for each, and by k-means."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits

from lib.formatting import decimal, integer, percent

__all__ = ["ACTIONS", "Clusters", "cluster", "rfm", "segment_table", "too_young", "usual_gap"]

SCORES = 5  # the highest score
SEGMENTS = [  # name, lowest and highest recency score, the same of frequency and monetary value, suggested action
    ("Champions", (5, 5), (4, 5), "Reward them, show them new products first, ask for reviews."),
    ("Loyal customers", (3, 4), (4, 5), "Offer a loyalty programme and higher-priced products."),
    ("Potential loyalists", (4, 5), (2, 3), "Recommend products that match their orders; offer a membership."),
    ("New customers", (5, 5), (1, 1), "Welcome them, help with the first order, suggest a second one."),
    ("Promising", (4, 4), (1, 1), "Stay in touch with small incentives."),
    ("Need attention", (3, 3), (3, 3), "Make a limited-time offer based on past purchases."),
    ("About to sleep", (3, 3), (1, 2), "Remind them of popular products before they lapse."),
    ("At risk", (1, 2), (3, 4), "Contact them personally and ask for the reason."),
    ("Cannot lose them", (1, 2), (5, 5), "Call them: they were among the best customers and are lapsing."),
    ("Hibernating", (1, 2), (1, 2), "Send low-cost reminders only."),
]
ACTIONS = {name: action for name, *_, action in SEGMENTS}
LEAST_GAPS = 3  # minimum length of the history of named segments, in usual gaps between orders
CLUSTERS = range(3, 7)  # numbers of clusters to try
LEAST_BUYERS = 100  # minimum distinct buyers for clusters
LARGEST_FIT, LARGEST_SILHOUETTE = 10_000, 4_000  # maximum buyers per fit; per silhouette, which is quadratic in them
BOOTSTRAPS = 10  # samples for the stability
REFERENCES = 5  # data sets without clusters
MATCHES = 4  # steps that fit the correlation of the copula: ties of the measures weaken it
STABLE = 0.8  # minimum stability of real clusters
CLEARER = 0.05  # minimum silhouette of real clusters above the null silhouette


def rfm(customers: pd.DataFrame) -> pd.DataFrame:
    """RFM scores and segment of each customer.

    A score is 1 + floor(5 x share of customers who are strictly worse): 5 for the best fifth, equal for equal values.
    Few days since the last order are good for recency.

    Args:
        customers: One row per customer with an order: days_since_last, orders, revenue.

    Returns:
        recency_score, frequency_score and monetary_score (1 to 5) and rfm_segment, with the index of `customers`.
    """
    scores = pd.DataFrame(
        {
            "recency_score": _fifths(-customers["days_since_last"]),
            "frequency_score": _fifths(customers["orders"]),
            "monetary_score": _fifths(customers["revenue"]),
        }
    )
    return scores.assign(rfm_segment=_segments(scores))


def _fifths(values: pd.Series) -> pd.Series:
    worse = values.rank(method="min") - 1
    return (1 + SCORES * worse // max(len(values), 1)).astype("int64")


def _segments(scores: pd.DataFrame) -> pd.Series:
    """Segment by recency and the mean of frequency and monetary score, halves rounded up."""
    together = (scores["frequency_score"] + scores["monetary_score"] + 1) // 2
    names = pd.Series("", index=scores.index, dtype="str")
    for name, recency, both, _ in SEGMENTS:
        names[scores["recency_score"].between(*recency) & together.between(*both)] = name
    return names


def usual_gap(customers: pd.DataFrame) -> float:
    """Median over customers with repeat purchases of their mean days between purchases; NaN without any.

    Args:
        customers: frequency (purchases on later days than the first) and recency (days from the first to the last).
    """
    repeated = customers[customers["frequency"] > 0]
    return float((repeated["recency"] / repeated["frequency"]).median())


def too_young(customers: pd.DataFrame) -> str:
    """Why segments have no names yet: the history is shorter than three usual gaps between orders; empty if it is not.

    Before that, a customer between two orders looks like one who has left.

    Args:
        customers: frequency, recency and age (days since the first order) of each customer.

    Example:
        >>> buyers = pd.DataFrame({"frequency": [1, 0], "recency": [20, 0], "age": [50, 10]})
        >>> segments.too_young(buyers)
        'Segments have no names yet: the orders span 51 days, fewer than three median gaps between orders (20 days
        each).'
    """
    history, gap = int(customers["age"].max()) + 1 if len(customers) else 0, usual_gap(customers)
    if history >= LEAST_GAPS * gap:
        return ""
    span = f"the orders span {'1 day' if history == 1 else f'{integer(history)} days'}"
    if np.isnan(gap):
        return f"Segments have no names yet: {span}, and no customer has ordered on two different days."
    each = "1 day" if round(gap) == 1 else f"{integer(gap)} days"
    return f"Segments have no names yet: {span}, fewer than three median gaps between orders ({each} each)."


def segment_table(customers: pd.DataFrame) -> pd.DataFrame:
    """One row per RFM segment that has customers, by descending revenue.

    Args:
        customers: One row per customer: rfm_segment and revenue.

    Returns:
        rfm_segment, customers, share_of_customers, revenue, share_of_revenue, revenue_per_customer, action.

    Example:
        >>> buyers = pd.DataFrame({"rfm_segment": ["Champions", "At risk", "At risk"], "revenue": [80.0, 10.0, 10.0]})
        >>> segments.segment_table(buyers)[["rfm_segment", "customers", "share_of_revenue"]]
          rfm_segment  customers  share_of_revenue
        0   Champions          1               0.8
        1     At risk          2               0.2
    """
    sums = customers.groupby("rfm_segment").agg(customers=("revenue", "size"), revenue=("revenue", "sum"))
    total = sums["revenue"].sum()
    shares = sums.assign(
        share_of_customers=sums["customers"] / max(len(customers), 1),
        share_of_revenue=sums["revenue"] / total if total else np.nan,
    )
    ordered = shares.sort_values(["revenue", "customers"], ascending=False, kind="stable").reset_index()
    columns = ["rfm_segment", "customers", "share_of_customers", "revenue", "share_of_revenue"]
    each = ordered["revenue"] / ordered["customers"]
    return ordered[columns].assign(revenue_per_customer=each, action=ordered["rfm_segment"].map(ACTIONS))


@dataclass(frozen=True)
class Clusters:
    """Results of k-means with several numbers of clusters.

    Attributes:
        scores: one row per number of clusters: clusters, silhouette, null_silhouette, stability, smallest (share of the
            buyers in the smallest cluster), sizes (text: share of each cluster, the largest first). See `cluster`.
        verdict: a sentence with the number of clusters to use, or why there are none.
    """

    scores: pd.DataFrame
    verdict: str


def cluster(customers: pd.DataFrame, seed: int) -> Clusters:
    """Cluster buyers by k-means with k from 3 to 6 on standardised log1p of days_since_last, orders and revenue.

    null_silhouette is the mean silhouette of data sets without clusters: the same values of each measure, joined by a
    Gaussian copula with the same correlations. It is compared with because RFM is skewed and has ties, which alone
    give a higher silhouette than a normal distribution. stability is the mean adjusted Rand index with the clusters
    found in bootstrap samples: 1 if they are the same, 0 if they agree no more than by chance.

    Args:
        customers: One row per buyer: days_since_last, orders, revenue.
        seed: Seed of every random draw.

    Example:
        >>> buyers = pd.DataFrame({"days_since_last": range(120), "orders": [1, 2, 3] * 40, "revenue": range(120)})
        >>> segments.cluster(buyers, seed=42).scores["clusters"].tolist()
        [3, 4, 5, 6]
    """
    points = np.log1p(customers[["days_since_last", "orders", "revenue"]].to_numpy(dtype=float))
    different = len(np.unique(points, axis=0))
    if different < LEAST_BUYERS:
        columns = ["clusters", "silhouette", "null_silhouette", "stability", "smallest", "sizes"]
        few = f"{integer(different)} distinct buyers are too few for clusters; the minimum is {LEAST_BUYERS}."
        return Clusters(pd.DataFrame(columns=columns), few)
    rng = np.random.default_rng(seed)
    spread = points.std(axis=0)
    points = (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1)
    points = points if len(points) <= LARGEST_FIT else points[rng.choice(len(points), LARGEST_FIT, replace=False)]
    references = [_without_clusters(points, rng) for _ in range(REFERENCES)]
    with threadpool_limits(1):
        scores = pd.DataFrame([_evaluate(k, points, references, rng) for k in CLUSTERS])
    return Clusters(scores, _verdict(scores))


def _without_clusters(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The values of each column, joined by a Gaussian copula with the correlations of the points."""
    wanted = _correlation(points)
    latent, ordered = wanted, np.sort(points, axis=0)
    for _ in range(MATCHES):
        values, vectors = np.linalg.eigh(latent)
        normal = rng.standard_normal(points.shape) @ (vectors * np.sqrt(np.maximum(values, 0))).T
        joined = np.take_along_axis(ordered, normal.argsort(axis=0).argsort(axis=0), axis=0)
        latent = np.clip(latent + wanted - _correlation(joined), -1, 1)
        np.fill_diagonal(latent, 1)
    return joined


def _correlation(points: np.ndarray) -> np.ndarray:
    """Correlations of the columns; 0 of a column with equal values."""
    with np.errstate(all="ignore"):
        found = np.nan_to_num(np.corrcoef(points.T))
    np.fill_diagonal(found, 1)
    return found


def _evaluate(k: int, points: np.ndarray, references: list[np.ndarray], rng: np.random.Generator) -> dict[str, object]:
    labels = _labels(k, points, points, rng)
    again = [_labels(k, points[rng.integers(0, len(points), len(points))], points, rng) for _ in range(BOOTSTRAPS)]
    sizes = np.sort(np.bincount(labels, minlength=k))[::-1] / len(points)
    return {
        "clusters": k,
        "silhouette": _silhouette(points, labels, rng),
        "null_silhouette": float(np.mean([_silhouette(one, _labels(k, one, one, rng), rng) for one in references])),
        "stability": float(np.mean([adjusted_rand_score(labels, other) for other in again])),
        "smallest": float(sizes[-1]),
        "sizes": ", ".join(percent(size, 0) for size in sizes),
    }


def _labels(k: int, train: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return KMeans(k, n_init=10, random_state=int(rng.integers(2**31))).fit(train).predict(points)


def _silhouette(points: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> float:
    chosen = rng.permutation(len(points))[:LARGEST_SILHOUETTE]
    found = labels[chosen]
    return float(silhouette_score(points[chosen], found)) if 1 < len(np.unique(found)) < len(found) else 0.0


def _verdict(scores: pd.DataFrame) -> str:
    """Whether a number of clusters is stable and better separated than the null distribution, with the reason."""
    clear = scores[(scores["stability"] >= STABLE) & (scores["silhouette"] > scores["null_silhouette"] + CLEARER)]
    if clear.empty:
        return (
            f"No clusters were found: no number of them is both stable (stability of at least {STABLE}) and better "
            f"separated than data without clusters (silhouette more than {CLEARER} above the null silhouette). Use the "
            "RFM segments, which do not assume clusters."
        )
    best = clear.sort_values("silhouette").iloc[-1]
    return (
        f"{best['clusters']:.0f} clusters with {best['sizes']} of the buyers are stable "
        f"(stability {decimal(best['stability'])}) and better separated than data without clusters "
        f"(silhouette {decimal(best['silhouette'])}, null silhouette {decimal(best['null_silhouette'])})."
    )
