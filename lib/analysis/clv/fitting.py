"""Maximum likelihood over grouped customers: estimates and their standard errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

__all__ = ["Fit", "grouped", "maximise", "numerical"]

CLOSE = {"maxiter": 1_000, "ftol": 1e-14, "gtol": 1e-9}  # tight tolerances: the default ones stop before the optimum
REACH = 6.0  # bound of the search around the start, in logarithms: a factor of 400, which is still computable
STEP = 1e-4  # of central differences, in logarithms
FLATTEST = 1e-7  # curvature per customer below which a direction is not identified
Cost = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Fit:
    """Estimates of a model's parameters, and the covariance of their logarithms: NaN where the likelihood is flat."""

    model: str
    values: Mapping[str, float]
    covariance: np.ndarray
    log_likelihood: float
    customers: int

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    @property
    def errors(self) -> dict[str, float]:
        """Standard errors of the estimates."""
        return {name: self.error({name: value}) for name, value in self.values.items()}

    def error(self, slopes: Mapping[str, float]) -> float:
        """Standard error of a function by the delta method; `slopes` are its derivatives by the log parameters."""
        slope = np.array([slopes.get(name, 0.0) for name in self.values])
        variance = float(slope @ self.covariance @ slope)
        return max(variance, 0.0) ** 0.5  # rounding can make a variance of zero slightly negative

    def frame(self) -> pd.DataFrame:
        """One row per parameter: model, parameter, estimate, standard_error."""
        names, errors = list(self.values), self.errors
        return pd.DataFrame(
            {
                "model": self.model,
                "parameter": names,
                "estimate": [self.values[name] for name in names],
                "standard_error": [errors[name] for name in names],
            }
        )


def grouped(customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Distinct combinations of frequency, recency and age, and the number of customers in each."""
    sizes = customers.groupby(["frequency", "recency", "age"], sort=True).size()
    frequency, recency, age = (sizes.index.get_level_values(level).to_numpy(dtype=float) for level in range(3))
    return frequency, recency, age, sizes.to_numpy()


def maximise(model: str, start: Mapping[str, float], cost: Cost, customers: int, most: Mapping[str, float]) -> Fit:
    """Fit that minimises `cost`, the negative log-likelihood and its gradient in the logarithms of the parameters.

    `start` has the parameters in the order of cost; `most` has upper bounds of some, beyond which formulas overflow.
    """

    def mean(logs: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = cost(logs)
        return value / customers, gradient / customers

    first = np.log(list(start.values()))
    reach = [
        (at - REACH, np.log(most[name]) if name in most else at + REACH) for name, at in zip(start, first, strict=True)
    ]
    with threadpool_limits(1):  # the sums are small: synchronising threads takes longer than computing them
        found = minimize(mean, first, jac=True, method="L-BFGS-B", bounds=reach, options=CLOSE)
        covariance = _covariance(lambda logs: mean(logs)[1], found.x) / customers
    values = dict(zip(start, map(float, np.exp(found.x)), strict=True))
    return Fit(model, values, covariance, -float(found.fun) * customers, customers)


def _covariance(gradient: Callable[[np.ndarray], np.ndarray], at: np.ndarray) -> np.ndarray:
    """Inverse of the Hessian of the cost at its minimum; NaN if it is flat in some direction."""
    steps = STEP * np.eye(len(at))
    curvature = np.array([(gradient(at + step) - gradient(at - step)) / (2 * STEP) for step in steps])
    curvature = (curvature + curvature.T) / 2
    if not np.isfinite(curvature).all() or np.linalg.eigvalsh(curvature).min() < FLATTEST:
        return np.full((len(at), len(at)), np.nan)
    return np.linalg.inv(curvature)


def numerical(value: Callable[[np.ndarray], float]) -> Cost:
    """Add a gradient by central differences to a cost without one in closed form."""

    def cost(logs: np.ndarray) -> tuple[float, np.ndarray]:
        steps = STEP * np.eye(len(logs))
        return value(logs), np.array([(value(logs + step) - value(logs - step)) / (2 * STEP) for step in steps])

    return cost
