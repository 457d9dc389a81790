"""Churn risk: the probability of no order within a number of days, calibrated on the shop's past."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from threadpoolctl import threadpool_limits

__all__ = ["Calibration", "calibrate", "judge", "reliability", "risk"]

LEAST_OUTCOMES = 25  # minimum customers with an order, and without one, for a calibration
FOLDS = 5
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
    if min(ordered.sum(), (~ordered).sum()) < LEAST_OUTCOMES or np.ptp(_log(expected)) == 0:
        return None
    with threadpool_limits(1):
        fitted = _logistic().fit(_log(expected)[:, None], ordered)
    slope = float(fitted.coef_[0, 0])
    return Calibration(float(fitted.intercept_[0]), slope) if slope > 0 else None


def judge(scores: Mapping[str, np.ndarray], ordered: np.ndarray, seed: int) -> pd.DataFrame:
    """AUC and Brier score of several scores of ordering, higher meaning more likely.

    The Brier score is of probabilities by a logistic curve of the score, cross-validated in five folds, so that all
    scores are calibrated in the same way. The last row predicts the same for everyone. No rows with too few outcomes.
    """
    ordered = np.asarray(ordered, dtype=bool)
    if min(ordered.sum(), (~ordered).sum()) < LEAST_OUTCOMES:
        return pd.DataFrame(columns=["score", "auc", "brier"])
    everyone = {**scores, "the same for everyone": np.zeros(len(ordered))}
    rows = [
        (name, roc_auc_score(ordered, one), brier_score_loss(ordered, _cross_validated(one, ordered, seed)))
        for name, one in everyone.items()
    ]
    return pd.DataFrame(rows, columns=["score", "auc", "brier"])


def reliability(expected: np.ndarray, ordered: np.ndarray, seed: int) -> pd.DataFrame:
    """One row per tenth of the customers by cross-validated risk: group, customers, predicted_churn, observed_churn."""
    ordered = np.asarray(ordered, dtype=bool)
    if min(ordered.sum(), (~ordered).sum()) < LEAST_OUTCOMES:
        return pd.DataFrame(columns=["group", "customers", "predicted_churn", "observed_churn"])
    predicted = 1 - _cross_validated(_log(expected), ordered, seed)
    group = (GROUPS * (pd.Series(predicted).rank(method="first") - 1) // len(predicted)).astype(int) + 1
    frame = pd.DataFrame({"group": group, "predicted_churn": predicted, "observed_churn": ~ordered})
    return frame.groupby("group", as_index=False).agg(
        customers=("observed_churn", "size"),
        predicted_churn=("predicted_churn", "mean"),
        observed_churn=("observed_churn", "mean"),
    )


def _cross_validated(values: np.ndarray, ordered: np.ndarray, seed: int) -> np.ndarray:
    """Probability of an order for each customer, by a curve fitted without the customer's fold."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    spread = values.std()
    column = ((values - values.mean()) / (spread if spread > 0 else 1))[:, None]
    with threadpool_limits(1):
        return cross_val_predict(_logistic(), column, ordered, cv=folds, method="predict_proba")[:, 1]


def _logistic() -> LogisticRegression:
    """Minimal regularisation, so that a curve exists even for a score that separates the outcomes."""
    return LogisticRegression(C=1e4, tol=1e-8, max_iter=500)


def _log(expected: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(np.asarray(expected, dtype=float), TINY))
