"""BG/NBD: Fader, Hardie, Lee (2005), "Counting Your Customers" the Easy Way; dropout after any purchase.

The purchase rate is Gamma(r, alpha) distributed over customers; the probability of leaving after a purchase is
Beta(a, b) distributed. Frames of customers have frequency (purchases after the first), recency (time from the
first to the last) and age (time from the first until now), in the same unit of time.
"""

import numpy as np
import pandas as pd
from scipy.special import betaincinv, betaln, expit, gammaln, hyp2f1, psi

from lib.analysis.clv.fitting import Cost, Fit, grouped, maximise

__all__ = ["NAMES", "chance_active", "chance_of_order", "dropout", "expected_orders", "fit", "likelihood", "rate"]

NAMES = ("r", "alpha", "a", "b")
MOST_A = 40.0  # upper bound of a: above it, dropout hardly varies among customers and a is not identified
NODES, TINY = 4_000, 1e-300
NEAR_ONE = 1e-6  # closest distance of a and of a + b to 1: the formulas divide by a - 1 and a + b - 1


def fit(customers: pd.DataFrame) -> Fit:
    """Maximum likelihood estimates of r, alpha, a and b; at least one customer must have a frequency above 0."""
    frequency, recency, age, counts = grouped(customers)
    rate = (counts @ frequency) / (counts @ age)
    start = dict(zip(NAMES, (0.5, 0.5 / rate, 0.8, 2.4), strict=True))
    return maximise("BG/NBD", start, likelihood(frequency, recency, age, counts), len(customers), {"a": MOST_A})


def likelihood(frequency: np.ndarray, recency: np.ndarray, age: np.ndarray, counts: np.ndarray) -> Cost:
    """Negative log-likelihood (equation 6) of grouped customers and its gradient by the log parameters."""
    sizes, row = np.unique(frequency, return_inverse=True)  # special functions are slow: once per frequency
    repeats = frequency > 0

    def cost(logs: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, a, b = np.exp(logs)
        common = gammaln(r + sizes) - gammaln(r) + r * np.log(alpha) + betaln(a, b + sizes) - betaln(a, b)
        log_age, log_recency = np.log(alpha + age), np.log(alpha + recency)
        stays = -(r + frequency) * log_age
        leaves = np.log(a) - np.log(b + np.maximum(frequency, 1) - 1) - (r + frequency) * log_recency
        leaves = np.where(repeats, leaves, -np.inf)
        left = expit(leaves - stays)
        value = counts @ (common[row] + np.logaddexp(stays, leaves))
        slopes = (
            (psi(r + sizes) - psi(r) + np.log(alpha))[row] - (1 - left) * log_age - left * log_recency,
            r / alpha - (r + frequency) * ((1 - left) / (alpha + age) + left / (alpha + recency)),
            (psi(a + b) - psi(a + b + sizes))[row] + left / a,
            (psi(b + sizes) - psi(b) + psi(a + b) - psi(a + b + sizes))[row]
            - left / (b + np.maximum(frequency, 1) - 1),
        )
        return -value, -np.array([counts @ slope for slope in slopes]) * np.exp(logs)

    return cost


def rate(model: Fit) -> tuple[float, float]:
    """Mean purchase rate of active customers per unit of time, r / alpha, and its standard error."""
    mean = model["r"] / model["alpha"]
    return mean, model.error({"r": mean, "alpha": -mean})


def dropout(model: Fit) -> tuple[float, float]:
    """Mean dropout probability after a purchase, a / (a + b), and its standard error."""
    mean = model["a"] / (model["a"] + model["b"])
    return mean, model.error({"a": mean * (1 - mean), "b": -mean * (1 - mean)})


def chance_active(model: Fit, customers: pd.DataFrame) -> np.ndarray:
    """Probability that each customer is active; 1 after a single purchase, so not a churn score by itself."""
    r, alpha, a, b = (model[name] for name in NAMES)
    x, recency, age = _columns(customers)
    odds = np.log(a) - np.log(b + np.maximum(x, 1) - 1) + (r + x) * (np.log(alpha + age) - np.log(alpha + recency))
    return np.where(x > 0, expit(-odds), 1.0)


def expected_orders(model: Fit, customers: pd.DataFrame, time: float) -> np.ndarray:
    """Expected purchases of each customer within the next `time` (equation 10).

    The hypergeometric function is computed by Euler's transformation: the published form loses digits.
    """
    known = customers.groupby(["frequency", "age"], sort=False)
    x, age = (known[name].first().to_numpy(dtype=float) for name in ("frequency", "age"))
    return _if_active(model, x, age, time)[known.ngroup().to_numpy()] * chance_active(model, customers)


def _if_active(model: Fit, x: np.ndarray, age: np.ndarray, time: float) -> np.ndarray:
    r, alpha, a, b = (model[name] for name in NAMES)
    a = a if abs(a - 1) > NEAR_ONE else 1 + NEAR_ONE
    shrunk = (alpha + age) / (alpha + age + time)
    third = a + b + x - 1
    third = np.where(np.abs(third) > NEAR_ONE, third, NEAR_ONE)
    with np.errstate(all="ignore"):
        series = hyp2f1(a + b - 1 - r, a - 1, third, 1 - shrunk)
        orders = third / (a - 1) * (1 - shrunk ** (a - 1) * series)
    for row in np.flatnonzero(~(orders >= 0)):  # scipy 1.17 returns NaN for large parameters: few rows, if any
        orders[row] = _by_quadrature(r + x[row], a, b + x[row], time / (alpha + age[row]))
    return orders


def _by_quadrature(r: float, a: float, b: float, time: float) -> float:
    """Mean of (1 - (1 + p time)^-r) / p over dropout probabilities p ~ Beta(a, b), the value of the series."""
    p = np.maximum(betaincinv(a, b, (np.arange(NODES) + 0.5) / NODES), TINY)
    return float((-np.expm1(-r * np.log1p(p * time)) / p).mean())


def chance_of_order(model: Fit, customers: pd.DataFrame, time: float) -> np.ndarray:
    """Probability that each customer buys at least once within the next `time`.

    An active customer's purchase rate is Gamma(r + x, alpha + age), and dropout can only follow a purchase.
    """
    r, alpha = model["r"], model["alpha"]
    x, _, age = _columns(customers)
    silent = (r + x) * (np.log(alpha + age) - np.log(alpha + age + time))
    return chance_active(model, customers) * -np.expm1(silent)


def _columns(customers: pd.DataFrame) -> list[np.ndarray]:
    return [customers[name].to_numpy(dtype=float) for name in ("frequency", "recency", "age")]
