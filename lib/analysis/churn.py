"""Churn risk: the probability of no order within a number of days, calibrated on the shop's past."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from threadpoolctl import threadpool_limits

__all__ = ["Calibration", "calibrate", "judge", "reliability", "risk"]

LEAST_OUTCOMES = 25  # minimum customers with an order, and without one, for a calibration
NORMAL_95 = 1.959963984540054
GROUPS = 10  # of equal size, in the comparison of predicted with observed churn
TINY = 1e-12


@dataclass(frozen=True)
class Calibration:
    """Probability of an order from expected orders: expit(intercept + slope * log(expected))."""

    intercept: float
    slope: float


def risk(expected: np.ndarray, calibration: Calibration | None) -> np.ndarray:
    """Probability of no order, from expected orders; exp(-expected) (Poisson assumption) without a calibration.

    BG/NBD's probability of being active is not used: it is 1 for every customer with one purchase.
    """
    expected = np.asarray(expected, dtype=float)
    if calibration is None:
        return np.exp(-expected)
    return expit(-calibration.intercept - calibration.slope * _log(expected))


def calibrate(expected: np.ndarray, ordered: np.ndarray) -> Calibration | None:
    """Fit the calibration on past expected orders and outcomes; None with too few outcomes of either kind."""
    ordered = np.asarray(ordered, dtype=bool)
    if _few(ordered) or np.ptp(_log(expected)) == 0:
        return None
    with threadpool_limits(1):
        fitted = _logistic().fit(_log(expected)[:, None], ordered)
    slope = float(fitted.coef_[0, 0])
    return Calibration(float(fitted.intercept_[0]), slope) if slope > 0 else None


def judge(
    scores: Mapping[str, np.ndarray],
    ordered: np.ndarray,
    earlier: Mapping[str, np.ndarray],
    earlier_ordered: np.ndarray,
) -> pd.DataFrame:
    """AUC and Brier score of several scores of ordering, higher meaning more likely, in a window of days.

    The Brier score is of probabilities by a logistic curve of the score that was fitted in earlier windows, so that all
    scores are calibrated in the same way and out of time; NaN without earlier windows. The last row predicts the same
    for everyone. No rows with too few outcomes.
    """
    ordered = np.asarray(ordered, dtype=bool)
    if _few(ordered):
        return pd.DataFrame(columns=["score", "auc", "brier"])
    everyone, before = (
        {**values, "the same for everyone": np.zeros(len(kinds))}
        for values, kinds in ((scores, ordered), (earlier, earlier_ordered))
    )
    rows = [
        (name, roc_auc_score(ordered, one), _brier(one, ordered, before.get(name, np.zeros(0)), earlier_ordered))
        for name, one in everyone.items()
    ]
    return pd.DataFrame(rows, columns=["score", "auc", "brier"])


def _brier(score: np.ndarray, ordered: np.ndarray, earlier: np.ndarray, earlier_ordered: np.ndarray) -> float:
    """Brier score of the probabilities by a logistic curve fitted to the earlier scores and outcomes."""
    if _few(earlier_ordered):
        return np.nan
    spread = earlier.std()
    middle, scale = earlier.mean(), spread if spread > 0 else 1
    with threadpool_limits(1):
        curve = _logistic().fit(((earlier - middle) / scale)[:, None], earlier_ordered)
        return float(brier_score_loss(ordered, curve.predict_proba(((score - middle) / scale)[:, None])[:, 1]))


def reliability(expected: np.ndarray, ordered: np.ndarray, calibration: Calibration | None) -> pd.DataFrame:
    """Predicted and observed churn by tenth of the customers, by their risk from a calibration of earlier windows.

    Returns:
        group, customers, predicted_churn, observed_churn, lower, upper: its 95 % interval (Wilson 1927). No rows
        without a calibration or with too few outcomes.
    """
    ordered = np.asarray(ordered, dtype=bool)
    if calibration is None or _few(ordered):
        return pd.DataFrame(columns=["group", "customers", "predicted_churn", "observed_churn", "lower", "upper"])
    predicted = risk(expected, calibration)
    group = (GROUPS * (pd.Series(predicted).rank(method="first") - 1) // len(predicted)).astype(int) + 1
    frame = pd.DataFrame({"group": group, "predicted_churn": predicted, "observed_churn": ~ordered})
    found = frame.groupby("group", as_index=False).agg(
        customers=("observed_churn", "size"),
        predicted_churn=("predicted_churn", "mean"),
        observed_churn=("observed_churn", "mean"),
    )
    n, share = found["customers"], found["observed_churn"]
    centre, weight = (share + NORMAL_95**2 / (2 * n)), 1 + NORMAL_95**2 / n
    width = NORMAL_95 * np.sqrt(share * (1 - share) / n + NORMAL_95**2 / (4 * n**2))
    return found.assign(lower=(centre - width) / weight, upper=(centre + width) / weight)


def _few(ordered: np.ndarray) -> bool:
    """Whether there are too few outcomes of either kind for a calibration."""
    ordered = np.asarray(ordered, dtype=bool)
    return bool(min(ordered.sum(), (~ordered).sum()) < LEAST_OUTCOMES)


def _logistic() -> LogisticRegression:
    """Minimal regularisation, so that a curve exists even for a score that separates the outcomes."""
    return LogisticRegression(C=1e4, tol=1e-8, max_iter=500)


def _log(expected: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(np.asarray(expected, dtype=float), TINY))
