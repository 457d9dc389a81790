"""Churn risk: the chance that a customer does not order within so many days, calibrated on the shop's own past."""

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

LEAST_OUTCOMES = 25  # of customers who ordered, and of those who did not, to calibrate on
FOLDS = 5
TINY = 1e-12


@dataclass(frozen=True)
class Calibration:
    """A curve from expected orders to the chance of an order: expit(intercept + slope * log of the expected orders)."""

    intercept: float
    slope: float


def risk(expected: np.ndarray, calibration: Calibration | None) -> np.ndarray:
    """Chance of no order, by the orders expected: exp(-expected), as of a Poisson number, where nothing calibrates it.

    BG/NBD's chance to be active is no part of the score: it is 1 for everyone who bought once.
    """
    expected = np.asarray(expected, dtype=float)
    if calibration is None:
        return np.exp(-expected)
    return expit(-calibration.intercept - calibration.slope * _log(expected))


def calibrate(expected: np.ndarray, ordered: np.ndarray) -> Calibration | None:
    """The curve that past expectations and what came of them give; None where too few ordered, or too few did not."""
    ordered = np.asarray(ordered, dtype=bool)
    if min(ordered.sum(), (~ordered).sum()) < LEAST_OUTCOMES or np.ptp(_log(expected)) == 0:
        return None
    with threadpool_limits(1):
        fitted = _logistic().fit(_log(expected)[:, None], ordered)
    slope = float(fitted.coef_[0, 0])
    return Calibration(float(fitted.intercept_[0]), slope) if slope > 0 else None


def judge(scores: Mapping[str, np.ndarray], ordered: np.ndarray, seed: int) -> pd.DataFrame:
    """auc and brier of every score (more of it: more likely to order) on customers who did or did not order.

    brier is of chances by a logistic curve of the score that was fitted on other customers (five folds): all scores
    are calibrated alike. The last row gives everyone the same chance. Empty where too few ordered or did not.
    """
    ordered = np.asarray(ordered, dtype=bool)
    if min(ordered.sum(), (~ordered).sum()) < LEAST_OUTCOMES:
        return pd.DataFrame(columns=["score", "auc", "brier"])
    everyone = {**scores, "the same for everyone": np.zeros(len(ordered))}
    rows = [
        {
            "score": name,
            "auc": roc_auc_score(ordered, values),
            "brier": brier_score_loss(ordered, _apart(values, ordered, seed)),
        }
        for name, values in everyone.items()
    ]
    return pd.DataFrame(rows)


def reliability(expected: np.ndarray, ordered: np.ndarray, seed: int, groups: int = 10) -> pd.DataFrame:
    """Groups of equal size by risk, each fitted on other customers: customers, said and came (shares without order)."""
    ordered = np.asarray(ordered, dtype=bool)
    if min(ordered.sum(), (~ordered).sum()) < LEAST_OUTCOMES:
        return pd.DataFrame(columns=["group", "customers", "said", "came"])
    said = 1 - _apart(_log(expected), ordered, seed)
    group = (groups * (pd.Series(said).rank(method="first") - 1) // len(said)).astype(int) + 1
    frame = pd.DataFrame({"group": group, "said": said, "came": ~ordered})
    return frame.groupby("group", as_index=False).agg(
        customers=("said", "size"), said=("said", "mean"), came=("came", "mean")
    )


def _apart(values: np.ndarray, ordered: np.ndarray, seed: int) -> np.ndarray:
    """Chance of an order for each customer, by a curve fitted without the customer's fold."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    spread = values.std()
    column = ((values - values.mean()) / (spread if spread > 0 else 1))[:, None]
    with threadpool_limits(1):
        return cross_val_predict(_logistic(), column, ordered, cv=folds, method="predict_proba")[:, 1]


def _logistic() -> LogisticRegression:
    """Hardly drawn to 0: only so much that there is a curve where a score tells all customers apart."""
    return LogisticRegression(C=1e4, tol=1e-8, max_iter=500)


def _log(expected: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(np.asarray(expected, dtype=float), TINY))
