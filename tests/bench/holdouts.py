"""Predictions of the customer models on synthetic shops with season and trend, against the orders that followed."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.analysis import churn, clv, customers, segments
from lib.analysis.clv.validation import Window
from lib.data.parquet import to_frame
from lib.data.synthetic import Counts, Shop, block_tables, plan_shop

__all__ = ["Sold", "measure_clusters", "measure_holdouts"]

SHOPS, CLUSTER_SHOPS = 30, 20
HORIZONS = {"90d": 3, "365d": 12}  # months
CHURN_DAYS = 90
SIZE = Counts(marketing_campaigns=40, users=3_000, products=100, orders=9_000, events=81_000)
DAYS = 1_460
LEAST_ORDERS = 20  # expected orders of a segment or channel whose interval is judged


class Sold(NamedTuple):
    """Orders of a synthetic shop with user_id, date, revenue and channel; first day, and the first day without data."""

    orders: pd.DataFrame
    first_day: pd.Timestamp
    end: pd.Timestamp

    @classmethod
    def drawn(cls, seed: int, counts: Counts = SIZE, days: int = DAYS) -> "Sold":
        """The orders of a shop with this seed."""
        plan = plan_shop(counts, Shop(seed=seed, history_days=days, lines_per_order=1.2))
        blocks = [block_tables(plan, block) for block in range(counts.blocks)]
        orders, users = (pd.concat([to_frame(t[name], name) for t in blocks]) for name in ("orders", "users"))
        placed = orders["order_date"].dt.tz_localize(None).dt.normalize()
        sold = orders.assign(date=placed, revenue=orders["total_amount"].astype(float)).query("revenue > 0")
        sold = sold.merge(users[["user_id", "acquisition_channel"]], on="user_id")
        sold = sold.rename(columns={"acquisition_channel": "channel"})[["user_id", "date", "revenue", "channel"]]
        return cls(sold, sold["date"].min(), pd.Timestamp(plan.shop.as_of))

    def history(self, split: date | pd.Timestamp, end: date | pd.Timestamp) -> pd.DataFrame:
        """The columns of the question customer_history."""
        split, end = pd.Timestamp(split), pd.Timestamp(end)
        sold = self.orders[self.orders["date"] < end]
        days = sold.groupby(["user_id", "date"], as_index=False)["revenue"].sum()
        before, after = days[days["date"] < split], days[days["date"] >= split].groupby("user_id")["revenue"]
        known = before.groupby("user_id").agg(
            first=("date", "min"), last=("date", "max"), purchases=("date", "size"), revenue=("revenue", "sum")
        )
        later = pd.DataFrame({"later_orders": after.size(), "later_revenue": after.sum()}).reindex(known.index)
        return known.assign(
            orders=sold[sold["date"] < split].groupby("user_id").size(),
            frequency=known["purchases"] - 1,
            recency=(known["last"] - known["first"]).dt.days,
            age=(split - known["first"]).dt.days - 1,
            days_since_last=(split - known["last"]).dt.days,
            monetary_value=known["revenue"] / known["purchases"],
            channel=sold.groupby("user_id")["channel"].first(),
            **later.fillna(0),
        ).reset_index()

    def daily(self, end: pd.Timestamp) -> pd.DataFrame:
        """date, active_customers and new_customers of each day before `end`."""
        days = self.orders[self.orders["date"] < end].drop_duplicates(["user_id", "date"])
        every = pd.date_range(self.first_day, end, inclusive="left")
        first = days.groupby("user_id")["date"].min().value_counts()
        counts = {"active_customers": days["date"].value_counts(), "new_customers": first}
        columns = {name: found.reindex(every, fill_value=0).to_numpy() for name, found in counts.items()}
        return pd.DataFrame({"date": every, **columns})

    def past(self, windows: list[Window]) -> dict[Window, pd.DataFrame]:
        """The histories of windows."""
        return {(split, end): self.history(split, end) for split, end in windows}


def measure_holdouts() -> dict[str, float]:
    """Coverage of the 80 % intervals, bias of the totals, and error of churn by tenth, over held-out days."""
    rows = pd.DataFrame([row for seed in range(SHOPS) for row in judged(Sold.drawn(1_000 + seed), seed)])
    found = {}
    for horizon, of_horizon in rows.groupby("horizon"):
        totals = of_horizon[of_horizon["kind"] == "total"]
        found[f"clv_cov80_{horizon}"] = totals["inside"].mean()
        found[f"clv_group_cov80_{horizon}"] = of_horizon.loc[of_horizon["kind"] != "total", "inside"].mean()
        found[f"clv_bias_{horizon}"] = totals["error"].mean()
    return found | {"churn_decile_error": rows.loc[rows["kind"] == "churn", "error"].mean()}


def judged(sold: Sold, seed: int) -> Iterator[Mapping[str, object]]:
    """One row per interval of a shop: horizon, kind, inside, error (log of expected over observed); churn likewise."""
    for horizon, months in HORIZONS.items():
        terms = clv.Terms(months, 1.0, 0.0)
        as_of = sold.end - pd.Timedelta(days=terms.days)
        daily, history = sold.daily(as_of), sold.history(as_of, sold.end)
        validation = clv.validate(sold.past(clv.windows(sold.first_day, as_of, CHURN_DAYS)), daily, CHURN_DAYS, seed)
        proof = clv.prove(sold.past(clv.proof_windows(sold.first_day, as_of, terms.days)), daily, seed)
        scores = customers.score_customers(history, daily, validation, proof, terms, seed)
        yield from _inside(scores, horizon)
        if months * 30 == CHURN_DAYS:
            ordered = (sold.history(as_of, as_of + pd.Timedelta(days=CHURN_DAYS))["later_orders"] > 0).to_numpy()
            expected = scores.model.expected_orders(history, CHURN_DAYS)
            tenths = churn.reliability(expected, ordered, validation.calibration)
            apart = (tenths["predicted_churn"] - tenths["observed_churn"]).abs().mean()
            yield {"horizon": horizon, "kind": "churn", "inside": np.nan, "error": 100 * apart}


def _inside(scores: customers.CustomerScores, horizon: str) -> Iterator[Mapping[str, object]]:
    """Whether the observed orders and value lie inside the intervals."""
    of = scores.customers
    names = {"total": pd.Series("all buyers", index=of.index), "segment": of["rfm_segment"], "channel": of["channel"]}
    for row in scores.intervals.itertuples():
        if row.predicted_orders < LEAST_ORDERS:
            continue
        here = of[names[row.kind] == row.name]
        for measure, column in (("orders", "later_orders"), ("value", "later_revenue")):
            observed, expected = here[column].sum(), getattr(row, f"predicted_{measure}")
            inside = getattr(row, f"{measure}_lower") <= observed <= getattr(row, f"{measure}_upper")
            error = np.log(expected / max(observed, 1e-9))
            yield {"horizon": horizon, "kind": row.kind, "inside": inside, "error": error}


def measure_clusters() -> dict[str, float]:
    """Synthetic shops called clustered, of which none is; and those with three planted groups."""
    shops = [Sold.drawn(2_000 + seed, Counts(10, 2_000, 100, 6_000, 54_000), 730) for seed in range(CLUSTER_SHOPS)]
    found = [_clustered(sold.history(sold.end, sold.end), seed) for seed, sold in enumerate(shops)]
    planted = [_clustered(planted_groups(seed), seed) for seed in range(CLUSTER_SHOPS)]
    return {"clusters_false": float(sum(found)), "clusters_found": float(sum(planted))}


def _clustered(buyers: pd.DataFrame, seed: int) -> bool:
    return not segments.cluster(buyers, seed).verdict.startswith("No clusters")


def planted_groups(seed: int, buyers: int = 900) -> pd.DataFrame:
    """Loyal, occasional and lapsed buyers, lognormal around the days, orders and revenue of their group."""
    rng = np.random.default_rng(seed)
    middle = np.log([[10, 12, 900], [60, 4, 200], [300, 1.3, 50]])[rng.integers(0, 3, buyers)]
    days, orders, revenue = np.exp(middle + 0.35 * rng.standard_normal((buyers, 3))).T
    frame = {"days_since_last": np.maximum(days, 1).astype(int), "orders": np.maximum(np.rint(orders), 1).astype(int)}
    return pd.DataFrame(frame | {"revenue": revenue.round(2)})
