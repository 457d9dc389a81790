"""Pareto/NBD: Schmittlein, Morrison, Colombo (1987) in the form of Fader, Hardie (2005); dropout at any time.

The purchase rate is Gamma(r, alpha) and the dropout rate Gamma(s, beta) distributed over customers. The model that
BG/NBD is compared with, with the same frames of customers.
"""

import numpy as np
import pandas as pd
from scipy.special import boxcox, expit, gammaln, hyp2f1

from lib.analysis.clv.fitting import Fit, grouped, maximise, numerical

__all__ = ["NAMES", "chance_active", "expected_orders", "fit"]

NAMES = ("r", "alpha", "s", "beta")
MOST = {"r": 50.0, "s": 50.0}  # upper bounds: above them rates hardly vary, and scipy's hypergeometric function fails


def fit(customers: pd.DataFrame) -> Fit:
    """Maximum likelihood estimates of r, alpha, s and beta; at least one customer must have a frequency above 0."""
    frequency, recency, age, counts = grouped(customers)
    rate = (counts @ frequency) / (counts @ age)

    def cost(logs: np.ndarray) -> float:
        r, alpha, s, beta = values = np.exp(logs)
        terms = gammaln(r + frequency) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        return -float(counts @ (terms + np.logaddexp(*_histories(values, frequency, recency, age))))

    start = dict(zip(NAMES, (0.5, 0.5 / rate, 0.5, 0.5 / rate), strict=True))
    return maximise("Pareto/NBD", start, numerical(cost), len(customers), MOST)


def _histories(values: np.ndarray, x: np.ndarray, recency: np.ndarray, age: np.ndarray) -> tuple[np.ndarray, ...]:
    """Logarithms of the two terms of the likelihood: still active, and left."""
    r, alpha, s, beta = values
    active = -(r + x) * np.log(alpha + age) - s * np.log(beta + age)
    early, late = (_integral(values, x, time) for time in (recency, age))
    difference = np.minimum(late - early, -1e-300)  # 0 if recency = age
    left = np.log(s) - np.log(r + s + x) + early + np.log(-np.expm1(difference))
    return active, left


def _integral(values: np.ndarray, x: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Logarithm of a term of A0, by Euler's transformation of 2F1: the published form overflows for large x."""
    r, alpha, s, beta = values
    distance = abs(alpha - beta) / (max(alpha, beta) + time)
    if alpha >= beta:
        series = hyp2f1(1, r + x, r + s + x + 1, distance)
        return np.log(series) - (r + x) * np.log(alpha + time) - s * np.log(beta + time)
    series = hyp2f1(1, s + 1, r + s + x + 1, distance)
    return np.log(series) - (r + x - 1) * np.log(alpha + time) - (s + 1) * np.log(beta + time)


def chance_active(model: Fit, customers: pd.DataFrame) -> np.ndarray:
    """Probability that each customer is active."""
    columns = (customers[name].to_numpy(dtype=float) for name in ("frequency", "recency", "age"))
    active, left = _histories(np.array([model[name] for name in NAMES]), *columns)
    return expit(active - left)


def expected_orders(model: Fit, customers: pd.DataFrame, time: float) -> np.ndarray:
    """Expected purchases of each customer within the next `time`."""
    r, alpha, s, beta = (model[name] for name in NAMES)
    x, age = (customers[name].to_numpy(dtype=float) for name in ("frequency", "age"))
    stay = -boxcox((beta + age) / (beta + age + time), s - 1)
    return (r + x) * (beta + age) / (alpha + age) * stay * chance_active(model, customers)
