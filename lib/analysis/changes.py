"""Changes between two periods and their noise: a bootstrap over groups of customers."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

__all__ = ["Driver", "kpi_changes", "main_driver", "segment_changes"]

GROUPS = 200  # of customers, in the questions kpis_by_group and revenue_by_group; groups without sales have no row
DRAWS = 2_000
LEVEL = 0.95  # of intervals, and of all segments together
KPIS: Mapping[str, Callable[[pd.DataFrame], pd.Series]] = {  # from sums over groups; shares change in points
    "revenue": lambda sums: sums["revenue"],
    "orders": lambda sums: sums["orders"],
    "avg_order_value": lambda sums: sums["sales"] / sums["orders"],
    "active_customers": lambda sums: sums["active_customers"],
    "new_customers": lambda sums: sums["new_customers"],
    "repeat_rate": lambda sums: 1 - sums["new_customers"] / sums["active_customers"],
    "refund_rate": lambda sums: (sums["sales"] - sums["revenue"]) / sums["sales"],
    "refunded_amount": lambda sums: sums["refunded_amount"],
    "cancelled_orders": lambda sums: sums["cancelled_orders"],
}
SUMS = [
    "revenue", "orders", "sales", "active_customers", "new_customers", "refunded_amount", "cancelled_orders",
]  # fmt: skip
IN_POINTS = ("repeat_rate", "refund_rate")


class Driver(NamedTuple):
    """The segment that contributed most to a change of revenue, among those that changed beyond their noise.

    Attributes:
        kind: country, category or channel.
        name: The segment.
        amount: Its change, in currency.
        share: Its change / the change of all segments; above 1 if others changed in the opposite direction; NaN if
            the change of all is within its noise.
    """

    kind: str
    name: str
    amount: float
    share: float


def kpi_changes(groups: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The change of each KPI between two periods, by its name: change, lower, upper, clear.

    change is relative, that of a share the difference; lower and upper are its 95 % interval by the percentile
    bootstrap over groups of customers (Efron and Tibshirani 1993, 13.3); clear: the interval does not contain 0.

    Args:
        groups: Rows of the question kpis_by_group.
        seed: Seed of the bootstrap.

    Example:
        >>> groups = read("kpis_by_group", **periods.period("last_month", "2025-07-01").both)
        >>> groups = groups.assign(revenue=2 * groups["previous_revenue"])
        >>> changes.kpi_changes(groups, seed=1).head(1)
                 change  lower  upper  clear
        revenue     1.0    1.0    1.0   True
    """
    drawn = _draws(groups[[*SUMS, *(f"previous_{name}" for name in SUMS)]].to_numpy(dtype=float), seed)
    now, before = (pd.DataFrame(drawn[:, at : at + len(SUMS)], columns=SUMS) for at in (0, len(SUMS)))
    rows = {}
    with np.errstate(all="ignore"):
        for name, kpi in KPIS.items():
            current, previous = kpi(now).to_numpy(), kpi(before).to_numpy()
            moved = current - previous if name in IN_POINTS else current / np.where(previous > 0, previous, np.nan) - 1
            rows[name] = (moved[0], *_interval(moved[1:]))
    found = pd.DataFrame.from_dict(rows, orient="index", columns=["change", "lower", "upper"])
    return found.assign(clear=(found["lower"] > 0) | (found["upper"] < 0))


def segment_changes(segments: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The change of revenue by segment, largest first.

    Columns: kind, name, revenue, previous_revenue, change, lower, upper, clear. The last three are a simultaneous 95 %
    interval, and that it does not contain 0: in 95 % of the bootstrap samples, all segments together lie inside
    theirs (maximum of the studentised changes).

    Args:
        segments: Rows of the question revenue_by_group.
        seed: Seed of the bootstrap.

    Example:
        >>> malta = pd.DataFrame({"group": range(90), "revenue": 9.0, "previous_revenue": 5.0})
        >>> found = changes.segment_changes(malta.assign(kind="country", name="Malta"), seed=1)
        >>> found[["name", "change", "clear"]]
            name  change  clear
        0  Malta   360.0   True
    """
    names = ["kind", "name"]
    sums = segments.groupby(names, as_index=False)[["revenue", "previous_revenue"]].sum()
    moved = segments.assign(change=segments["revenue"] - segments["previous_revenue"])
    by_group = moved.pivot_table(index="group", columns=names, values="change", fill_value=0.0, sort=True)
    if by_group.empty:
        return sums.assign(change=0.0, lower=0.0, upper=0.0, clear=False)
    change, *others = _draws(by_group.to_numpy(), seed)
    errors = np.std(others, axis=0)
    scale = np.where(errors > 0, errors, 1)
    widest = np.quantile(np.abs((np.array(others) - change) / scale).max(axis=1), LEVEL)
    lower, upper = change - widest * errors, change + widest * errors
    found = sums.assign(change=change, lower=lower, upper=upper, clear=(lower > 0) | (upper < 0)).round(6)
    order = found["change"].abs().sort_values(ascending=False, kind="stable").index
    return found.loc[order].reset_index(drop=True)


def main_driver(segments: pd.DataFrame, *, clear: bool) -> Driver | None:
    """The segment beyond its noise whose change comes nearest to the whole change of revenue without exceeding it.

    Args:
        segments: From segment_changes.
        clear: Whether the whole change is beyond its noise; else shares of it say nothing.

    Returns:
        The driver; None if no segment changed beyond its noise, or no kind has two segments.

    Example:
        >>> countries = pd.DataFrame({"kind": "country", "name": ["Malta", "Chad"], "change": [40.0, 10.0]})
        >>> changes.main_driver(countries.assign(clear=[True, False]), clear=True)
        Driver(kind='country', name='Malta', amount=40.0, share=0.8)
    """
    whole = segments.groupby("kind")["change"].transform("sum").round(3)
    shares = segments["change"] / whole.where((whole != 0) & clear)
    several = segments.groupby("kind")["name"].transform("size") > 1
    known = segments.assign(share=shares)[segments["clear"] & several]
    if known.empty:
        return None
    same_direction = known[known["share"] > 0] if clear else known
    known = same_direction if len(same_direction) else known
    ranked = known.assign(over=~(known["share"] <= 1), away=(1 - known["share"]).abs(), size=-known["change"].abs())
    first = ranked.sort_values(["over", "away", "size", "kind", "name"], kind="stable").iloc[0]
    return Driver(first["kind"], first["name"], float(first["change"]), float(first["share"]))


def _draws(sums: np.ndarray, seed: int) -> np.ndarray:
    """Column sums over the groups in the first row, then those of bootstrap samples of as many groups."""
    whole = np.zeros((max(GROUPS, len(sums)), sums.shape[1]))
    whole[: len(sums)] = sums
    n = len(whole)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), DRAWS)
    return np.concatenate([whole.sum(axis=0)[None, :], weights @ whole])


def _interval(values: np.ndarray) -> tuple[float, float]:
    """The percentile interval; NaN if a value is not defined in more than one sample in forty."""
    tail = (1 - LEVEL) / 2
    if np.isfinite(values).mean() < LEVEL + tail:
        return np.nan, np.nan
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return float(low), float(high)
