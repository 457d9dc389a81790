"""The published models: BG/NBD and Pareto/NBD of a customer's orders, Gamma-Gamma of the value of an order.

Frames of customers have frequency (purchases after the first), recency (time from the first to the last) and age (time
from the first until now), in the same unit of time; for Gamma-Gamma, purchases and monetary_value, their mean.
"""

from typing import Self

import numpy as np
import pandas as pd
from scipy.special import betaincinv, betaln, boxcox, expit, gammaln, hyp2f1, psi

from lib.analysis.clv.fitting import Cost, Fit, grouped, numerical

__all__ = ["BgNbd", "GammaGamma", "ParetoNbd"]

MOST_A = 40.0  # upper bound of BG/NBD's a: above it, dropout hardly varies among customers and a is not identified
NODES, TINY = 4_000, 1e-300
NEAR_ONE = 1e-6  # closest distance of a and of a + b to 1: the formulas divide by a - 1 and a + b - 1
MOST_RATES = {"r": 50.0, "s": 50.0}  # of Pareto/NBD: above them rates hardly vary, and scipy's hyp2f1 fails


class BgNbd(Fit):
    """BG/NBD: Fader, Hardie, Lee (2005), "Counting Your Customers" the Easy Way; dropout after any purchase.

    The purchase rate is Gamma(r, alpha) distributed over customers; the probability of leaving after a purchase is
    Beta(a, b) distributed.
    """

    model = "BG/NBD"

    @classmethod
    def fit(cls, customers: pd.DataFrame) -> Self:
        """Maximum likelihood estimates of r, alpha, a and b; at least one customer must have a frequency above 0."""
        frequency, recency, age, counts = grouped(customers)
        rate = (counts @ frequency) / (counts @ age)
        start = {"r": 0.5, "alpha": 0.5 / rate, "a": 0.8, "b": 2.4}
        cost = cls.likelihood(frequency, recency, age, counts)
        return cls.maximise(start, cost, len(customers), {"a": MOST_A})

    @staticmethod
    def likelihood(frequency: np.ndarray, recency: np.ndarray, age: np.ndarray, counts: np.ndarray) -> Cost:
        """Negative log-likelihood (equation 6) of grouped customers and its gradient by the log parameters."""
        sizes, row = np.unique(frequency, return_inverse=True)  # special functions are slow: once per frequency
        repeats, before = frequency > 0, np.maximum(frequency, 1) - 1

        def cost(logs: np.ndarray) -> tuple[float, np.ndarray]:
            """Negative log-likelihood at these log parameters, and its gradient."""
            r, alpha, a, b = np.exp(logs)
            common = gammaln(r + sizes) - gammaln(r) + r * np.log(alpha) + betaln(a, b + sizes) - betaln(a, b)
            log_age, log_recency = np.log(alpha + age), np.log(alpha + recency)
            stays = -(r + frequency) * log_age
            leaves = np.log(a) - np.log(b + before) - (r + frequency) * log_recency
            leaves = np.where(repeats, leaves, -np.inf)
            left = expit(leaves - stays)
            value = counts @ (common[row] + np.logaddexp(stays, leaves))
            slopes = (
                (psi(r + sizes) - psi(r) + np.log(alpha))[row] - (1 - left) * log_age - left * log_recency,
                r / alpha - (r + frequency) * ((1 - left) / (alpha + age) + left / (alpha + recency)),
                (psi(a + b) - psi(a + b + sizes))[row] + left / a,
                (psi(b + sizes) - psi(b) + psi(a + b) - psi(a + b + sizes))[row] - left / (b + before),
            )
            return -value, -np.array([counts @ slope for slope in slopes]) * np.exp(logs)

        return cost

    def rate(self) -> tuple[float, float]:
        """Mean purchase rate of active customers per unit of time, r / alpha, and its standard error."""
        mean = self["r"] / self["alpha"]
        return mean, self.error({"r": mean, "alpha": -mean})

    def dropout(self) -> tuple[float, float]:
        """Mean dropout probability after a purchase, a / (a + b), and its standard error."""
        mean = self["a"] / (self["a"] + self["b"])
        return mean, self.error({"a": mean * (1 - mean), "b": -mean * (1 - mean)})

    def chance_active(self, customers: pd.DataFrame) -> np.ndarray:
        """Probability that each customer is active; 1 after a single purchase, so not a churn score by itself."""
        r, alpha, a, b = self.values.values()
        x, recency, age = _columns(customers, "frequency", "recency", "age")
        odds = np.log(a) - np.log(b + np.maximum(x, 1) - 1) + (r + x) * (np.log(alpha + age) - np.log(alpha + recency))
        return np.where(x > 0, expit(-odds), 1.0)

    def expected_orders(self, customers: pd.DataFrame, time: float) -> np.ndarray:
        """Expected purchases of each customer within the next `time` (equation 10).

        The hypergeometric function is computed by Euler's transformation: the published form loses digits.
        """
        known = customers.groupby(["frequency", "age"], sort=False)
        x, age = _columns(known.size().reset_index(), "frequency", "age")
        return self._if_active(x, age, time)[known.ngroup().to_numpy()] * self.chance_active(customers)

    def expected_of_new(self, times: np.ndarray) -> np.ndarray:
        """Expected repeat purchases of a new customer within each of these times after the first (equation 9)."""
        none = np.zeros(len(times))
        return self._if_active(none, none, times)

    def _if_active(self, x: np.ndarray, age: np.ndarray, time: float | np.ndarray) -> np.ndarray:
        r, alpha, a, b = self.values.values()
        a = a if abs(a - 1) > NEAR_ONE else 1 + NEAR_ONE
        shrunk = (alpha + age) / (alpha + age + time)
        third = a + b + x - 1
        third = np.where(np.abs(third) > NEAR_ONE, third, NEAR_ONE)
        with np.errstate(all="ignore"):
            series = hyp2f1(a + b - 1 - r, a - 1, third, 1 - shrunk)
            orders = third / (a - 1) * (1 - shrunk ** (a - 1) * series)
        relative = time / (alpha + age)
        for row in np.flatnonzero(~(orders >= 0)):  # scipy 1.17 returns NaN for large parameters: few rows, if any
            orders[row] = _by_quadrature(r + x[row], a, b + x[row], relative[row])
        return orders

    def chance_of_order(self, customers: pd.DataFrame, time: float) -> np.ndarray:
        """Probability that each customer buys at least once within the next `time`.

        An active customer's purchase rate is Gamma(r + x, alpha + age), and dropout can only follow a purchase.
        """
        x, age = _columns(customers, "frequency", "age")
        silent = (self["r"] + x) * (np.log(self["alpha"] + age) - np.log(self["alpha"] + age + time))
        return self.chance_active(customers) * -np.expm1(silent)


def _columns(customers: pd.DataFrame, *names: str) -> list[np.ndarray]:
    return [customers[name].to_numpy(dtype=float) for name in names]


def _by_quadrature(r: float, a: float, b: float, time: float) -> float:
    """Mean of (1 - (1 + p time)^-r) / p over dropout probabilities p ~ Beta(a, b), the value of the series."""
    p = np.maximum(betaincinv(a, b, (np.arange(NODES) + 0.5) / NODES), TINY)
    return float((-np.expm1(-r * np.log1p(p * time)) / p).mean())


class ParetoNbd(Fit):
    """Pareto/NBD: Schmittlein, Morrison, Colombo (1987) in the form of Fader, Hardie (2005); dropout at any time.

    The purchase rate is Gamma(r, alpha) and the dropout rate Gamma(s, beta) distributed over customers. BG/NBD is
    compared with it.
    """

    model = "Pareto/NBD"

    @classmethod
    def fit(cls, customers: pd.DataFrame) -> Self:
        """Maximum likelihood estimates of r, alpha, s and beta; at least one customer must have a frequency above 0."""
        frequency, recency, age, counts = grouped(customers)
        rate = (counts @ frequency) / (counts @ age)

        def cost(logs: np.ndarray) -> float:
            """Negative log-likelihood at these log parameters."""
            r, alpha, s, beta = values = np.exp(logs)
            terms = gammaln(r + frequency) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
            return -float(counts @ (terms + np.logaddexp(*_histories(values, frequency, recency, age))))

        start = {"r": 0.5, "alpha": 0.5 / rate, "s": 0.5, "beta": 0.5 / rate}
        return cls.maximise(start, numerical(cost), len(customers), MOST_RATES)

    def chance_active(self, customers: pd.DataFrame) -> np.ndarray:
        """Probability that each customer is active."""
        columns = _columns(customers, "frequency", "recency", "age")
        active, left = _histories(np.array([*self.values.values()]), *columns)
        return expit(active - left)

    def expected_orders(self, customers: pd.DataFrame, time: float) -> np.ndarray:
        """Expected purchases of each customer within the next `time`."""
        r, alpha, s, beta = self.values.values()
        x, age = _columns(customers, "frequency", "age")
        stay = -boxcox((beta + age) / (beta + age + time), s - 1)
        return (r + x) * (beta + age) / (alpha + age) * stay * self.chance_active(customers)


def _histories(values: np.ndarray, x: np.ndarray, recency: np.ndarray, age: np.ndarray) -> tuple[np.ndarray, ...]:
    """Logarithms of the two terms of Pareto/NBD's likelihood: still active, and left."""
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


class GammaGamma(Fit):
    """Gamma-Gamma: Fader, Hardie (2013), The Gamma-Gamma Model of Monetary Value; value per purchase by customer.

    The value of a customer's purchases is Gamma(p, nu) distributed, and nu Gamma(q, gamma) over customers,
    independently of their number of purchases.
    """

    model = "Gamma-Gamma"

    @classmethod
    def fit(cls, purchases: np.ndarray, mean: np.ndarray) -> Self:
        """Maximum likelihood estimates of p, q and gamma (equation 1a) from purchases and mean value by customer."""
        n, mean = np.asarray(purchases, dtype=float), np.asarray(mean, dtype=float)
        start = {"p": 3.0, "q": 3.0, "gamma": 2 * mean.mean() / 3}
        return cls.maximise(start, cls.likelihood(n, mean), len(n), {})

    @staticmethod
    def likelihood(n: np.ndarray, mean: np.ndarray) -> Cost:
        """Negative log-likelihood of customers with n purchases each and its gradient by the log parameters."""
        sizes, counts = np.unique(n, return_counts=True)
        total, log_total = n * mean, np.log(n * mean)
        log_means = np.log(mean).sum()

        def cost(logs: np.ndarray) -> tuple[float, np.ndarray]:
            """Negative log-likelihood at these log parameters, and its gradient."""
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

    def expected_value(self, customers: pd.DataFrame) -> np.ndarray:
        """Expected value of each customer's next purchase, from purchases and monetary_value (equation 5)."""
        n, mean = _columns(customers, "purchases", "monetary_value")
        p, q, gamma = self.values.values()
        return p * (gamma + n * mean) / (p * n + q - 1)
