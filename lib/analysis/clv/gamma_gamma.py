"""Gamma-Gamma: Fader, Hardie (2013), The Gamma-Gamma Model of Monetary Value; value per purchase by customer.

The value of a customer's purchases is Gamma(p, nu) distributed, and nu Gamma(q, gamma) over customers, independently of
their number of purchases.
"""

import numpy as np
import pandas as pd
from scipy.special import gammaln, psi

from lib.analysis.clv.fitting import Cost, Fit, maximise

__all__ = ["NAMES", "expected_value", "fit", "mean_value"]

NAMES = ("p", "q", "gamma")


def fit(purchases: np.ndarray, mean: np.ndarray) -> Fit:
    """Maximum likelihood estimates of p, q and gamma (equation 1a) from purchases and mean value by customer."""
    n, mean = np.asarray(purchases, dtype=float), np.asarray(mean, dtype=float)
    start = dict(zip(NAMES, (3.0, 3.0, 2 * mean.mean() / 3), strict=True))
    return maximise("Gamma-Gamma", start, _likelihood(n, mean), len(n), {})


def _likelihood(n: np.ndarray, mean: np.ndarray) -> Cost:
    sizes, counts = np.unique(n, return_counts=True)
    total, log_total = n * mean, np.log(n * mean)
    log_means = np.log(mean).sum()

    def cost(logs: np.ndarray) -> tuple[float, np.ndarray]:
        p, q, gamma = np.exp(logs)
        by_size = gammaln(p * sizes + q) - gammaln(p * sizes) - gammaln(q) + q * np.log(gamma)
        log_sum, heads = np.log(total + gamma), psi(p * sizes + q)
        value = counts @ by_size + p * (n @ log_total) - log_means - ((p * n + q) @ log_sum)
        slopes = (
            counts @ (sizes * (heads - psi(p * sizes))) + n @ (log_total - log_sum),
            counts @ (heads - psi(q) + np.log(gamma)) - log_sum.sum(),
            (q / gamma - (p * n + q) / (total + gamma)).sum(),
        )
        return -value, -np.array(slopes) * np.exp(logs)

    return cost


def mean_value(model: Fit) -> float:
    """Mean value of a purchase over all customers; NaN if q <= 1, where it is not defined."""
    return model["p"] * model["gamma"] / (model["q"] - 1) if model["q"] > 1 else np.nan


def expected_value(model: Fit, customers: pd.DataFrame) -> np.ndarray:
    """Expected value of each customer's next purchase from purchases and monetary_value, their mean (equation 5)."""
    n, mean = (customers[name].to_numpy(dtype=float) for name in ("purchases", "monetary_value"))
    p, q, gamma = (model[name] for name in NAMES)
    return p * (gamma + n * mean) / (p * n + q - 1)
