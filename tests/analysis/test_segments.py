"""Tests of segments: scores and tables by hand, ties, and clusters only where there are some."""

import numpy as np
import pandas as pd
import pytest

from lib.analysis import segments


def buyers(days, orders, revenue):
    return pd.DataFrame({"days_since_last": days, "orders": orders, "revenue": revenue})


SIX = buyers([1, 10, 20, 30, 40, 50], [9, 1, 1, 2, 1, 5], [900.0, 10, 10, 50, 20, 300])


def test_scores_of_six_by_hand():
    found = segments.rfm(SIX)
    assert found["recency_score"].tolist() == [5, 4, 3, 2, 1, 1]
    assert found["frequency_score"].tolist() == [5, 1, 1, 3, 1, 4]
    assert found["monetary_score"].tolist() == [5, 1, 1, 3, 2, 4]
    assert found["rfm_segment"].tolist() == [
        "Champions", "Promising", "About to sleep", "At risk", "Hibernating", "At risk",
    ]  # fmt: skip


def test_without_ties_each_score_holds_a_fifth():
    rng = np.random.default_rng(1)
    found = segments.rfm(buyers(*(rng.permutation(100) for _ in range(3))))
    assert all(found[name].value_counts().eq(20).all() for name in found.columns[:3])


def test_equal_buyers_have_equal_scores_in_any_order():
    found = segments.rfm(SIX.iloc[::-1])
    assert found.loc[1, "frequency_score"] == found.loc[2, "frequency_score"] == found.loc[4, "frequency_score"]
    pd.testing.assert_frame_equal(found.sort_index(), segments.rfm(SIX))


@pytest.mark.parametrize("n", [1, 7])
def test_equal_buyers_are_one_segment(n):
    found = segments.rfm(buyers([5] * n, [1] * n, [10.0] * n))
    assert len(set(found["rfm_segment"])) == 1
    assert (found[["recency_score", "frequency_score", "monetary_score"]] == 1).all(axis=None)


def test_without_buyers_there_are_no_segments():
    assert segments.rfm(SIX.iloc[:0]).empty
    assert segments.segment_table(SIX.iloc[:0].assign(rfm_segment="")).empty


def test_every_pair_of_scores_has_one_segment():
    for recency in range(1, 6):
        for both in range(1, 6):
            matching = [
                name
                for name, recencies, boths, _ in segments.SEGMENTS
                if recencies[0] <= recency <= recencies[1] and boths[0] <= both <= boths[1]
            ]
            assert len(matching) == 1, (recency, both)


def test_segment_table_by_hand():
    table = segments.segment_table(SIX.join(segments.rfm(SIX)))
    assert table["rfm_segment"].tolist() == ["Champions", "At risk", "Hibernating", "About to sleep", "Promising"]
    assert table["customers"].tolist() == [1, 2, 1, 1, 1]
    assert table["revenue"].tolist() == [900, 350, 20, 10, 10]
    assert table["revenue_per_customer"].tolist() == [900, 175, 20, 10, 10]
    assert table["share_of_revenue"].sum() == pytest.approx(1)
    assert table["share_of_customers"].sum() == pytest.approx(1)
    assert table["action"].str.len().gt(10).all()


def test_without_revenue_there_are_no_shares():
    free = SIX.assign(revenue=0.0)
    assert segments.segment_table(free.join(segments.rfm(free)))["share_of_revenue"].isna().all()


def clouds(*centres, spread=0.25, size=150):
    """Buyers around each centre, on the logarithmic scale of the clustering."""
    rng = np.random.default_rng(3)
    return buyers(*np.expm1(np.concatenate([rng.normal(centre, spread, (size, 3)) for centre in centres])).T)


def test_three_clusters_are_found():
    found = segments.cluster(clouds((1, 1, 1), (3, 3, 1), (1, 4, 4)), seed=5)
    assert found.verdict.startswith("3 clusters with 33%, 33%, 33% of the buyers")
    best = found.scores.set_index("clusters").loc[3]
    assert best["stability"] == pytest.approx(1)
    assert best["silhouette"] > best["null_silhouette"] + 0.2
    assert best["smallest"] == pytest.approx(1 / 3)


def test_one_normal_distribution_has_no_clusters():
    found = segments.cluster(clouds((3, 3, 3), spread=0.6, size=400), seed=5)
    assert found.verdict.startswith("No clusters were found")
    assert found.scores["clusters"].tolist() == [3, 4, 5, 6]


def test_skew_and_ties_of_a_shop_without_clusters_are_not_clusters():
    """Frequency has many ones, revenue follows it, recency is long for few orders: no groups by construction."""
    rng = np.random.default_rng(8)
    orders = 1 + rng.negative_binomial(0.7, 0.2, 800)
    revenue = rng.gamma(2.0 * orders, 20)
    found = segments.cluster(buyers(1 + (rng.random(800) ** orders * 300).astype(int), orders, revenue), seed=5)
    assert found.verdict.startswith("No clusters were found")


def test_the_reference_has_the_same_values_and_correlations():
    rng = np.random.default_rng(1)
    first = rng.poisson(0.7, 2_000).astype(float)
    points = np.column_stack([first, first + rng.normal(size=2_000), rng.exponential(size=2_000)])
    joined = segments._without_clusters(points, rng)
    assert (np.sort(joined, axis=0) == np.sort(points, axis=0)).all()
    assert np.corrcoef(joined.T) == pytest.approx(np.corrcoef(points.T), abs=0.06)


def spans(*rows):
    return pd.DataFrame(rows, columns=["frequency", "recency", "age"])


@pytest.mark.parametrize(
    ("customers", "reason"),
    [
        (spans((0, 0, 0)), "the orders span 1 day, and no customer has ordered on two different days."),
        (spans((2, 40, 50), (0, 0, 58)), "span 59 days, fewer than three median gaps between orders (20 days each)."),
        (spans((2, 40, 50), (0, 0, 59)), ""),
    ],
    ids=["a shop of one day", "nearly three gaps", "three gaps"],
)
def test_segments_have_names_from_three_median_gaps_on(customers, reason):
    assert segments.too_young(customers).endswith(reason)
    assert bool(segments.too_young(customers)) == bool(reason)


def test_too_few_buyers_are_reported():
    found = segments.cluster(SIX, seed=5)
    assert found.scores.empty
    assert found.verdict == "6 distinct buyers are too few for clusters; the minimum is 100."


def test_equal_buyers_have_no_clusters():
    found = segments.cluster(buyers([5] * 120, [1] * 120, [10.0] * 120), seed=5)
    assert found.verdict.startswith("1 distinct buyers are too few")


def test_one_order_each_is_enough_for_clusters():
    rng = np.random.default_rng(3)
    found = segments.cluster(buyers(rng.integers(1, 300, 150), [1] * 150, rng.lognormal(3, 1, 150)), seed=5)
    assert len(found.scores) == 4


def test_the_same_seed_gives_the_same_clusters():
    frame = clouds((3, 3, 3), spread=0.6, size=120)
    pd.testing.assert_frame_equal(segments.cluster(frame, 5).scores, segments.cluster(frame, 5).scores)
