"""Tables and figures' data about scored buyers: how much hangs on a few, who is leaving."""

import numpy as np
import pandas as pd

from lib.customers.proof import DIGITS

__all__ = ["best_share", "concentration", "risk_bands"]


def concentration(customers: pd.DataFrame) -> pd.DataFrame:
    """Share of revenue and of predicted value that the best share of customers holds, each by its own order."""
    share = np.linspace(0, 1, 51)
    held = {name: _held(customers[name], share).round(DIGITS) for name in ("revenue", "predicted_value")}
    return pd.DataFrame({"share_of_customers": share.round(DIGITS), **held})


def _held(values: pd.Series, share: np.ndarray) -> np.ndarray:
    ranked = np.sort(values.to_numpy(dtype=float))[::-1].cumsum()
    if not len(ranked) or not ranked[-1] > 0:
        return np.full(len(share), np.nan)
    return np.interp(share * len(ranked), np.arange(len(ranked) + 1), np.append(0, ranked)) / ranked[-1]


def best_share(values: pd.Series) -> float:
    """Share of the whole that the best fifth holds, by interpolation; NaN where there is nothing to hold."""
    return float(_held(values, np.array([0.2]))[0])


def risk_bands(customers: pd.DataFrame) -> pd.DataFrame:
    """Fifths of the buyers by churn risk, the most at risk first: customers, lowest risk, revenue, predicted_value."""
    known = customers.dropna(subset="churn_risk")
    place = known["churn_risk"].rank(method="first", ascending=False) - 1
    fifth = (5 * place // max(len(known), 1)).astype(int)
    bands = known.groupby(fifth).agg(
        customers=("churn_risk", "size"),
        churn_risk=("churn_risk", "mean"),
        revenue=("revenue", "sum"),
        predicted_value=("predicted_value", "sum"),
    )
    names = ["most at risk", "second", "third", "fourth", "least at risk"]
    bands.insert(0, "fifth", [names[number] for number in bands.index])
    total = known["revenue"].sum()
    return bands.assign(share_of_revenue=bands["revenue"] / total if total else np.nan).reset_index(drop=True)
