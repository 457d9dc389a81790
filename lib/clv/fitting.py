"""Greatest likelihood over customers that are counted in groups: estimates and their standard errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize

__all__ = ["Fit", "grouped", "maximise", "numerical"]

CLOSE = {"maxiter": 1_000, "ftol": 1e-14, "gtol": 1e-9}  # a search that ends at the optimum, not on the way to it
REACH = 6.0  # logarithms that a search may go from its start: 400 times, far from any shop, near enough to compute
STEP = 1e-4  # of the logarithm of a parameter, for differences
FLATTEST = 1e-7  # curvature per customer below which data say nothing about a direction
Cost = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Fit:
    """Estimates of a model's parameters with their standard errors, NaN where the data do not settle a parameter."""

    model: str
    values: Mapping[str, float]
    errors: Mapping[str, float]
    log_likelihood: float
    customers: int

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def frame(self) -> pd.DataFrame:
        """One row per parameter: model, parameter, estimate, standard_error."""
        names = list(self.values)
        return pd.DataFrame(
            {
                "model": self.model,
                "parameter": names,
                "estimate": [self.values[name] for name in names],
                "standard_error": [self.errors[name] for name in names],
            }
        )


def grouped(customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """frequency, recency and age of every group of customers with the same three, and how many are in it."""
    sizes = customers.groupby(["frequency", "recency", "age"], sort=True).size()
    return *(sizes.index.get_level_values(level).to_numpy(dtype=float) for level in range(3)), sizes.to_numpy()


def maximise(model: str, start: Mapping[str, float], cost: Cost, customers: int, most: Mapping[str, float]) -> Fit:
    """The fit that minimises `cost`: of the parameters' logarithms, minus the log-likelihood, and its gradient.

    `start` names the parameters in the order of cost; `most` bounds some of them, where formulas would overflow.
    """

    def mean(logs: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = cost(logs)
        return value / customers, gradient / customers

    first = np.log(list(start.values()))
    reach = [
        (at - REACH, np.log(most[name]) if name in most else at + REACH) for name, at in zip(start, first, strict=True)
    ]
    found = minimize(mean, first, jac=True, method="L-BFGS-B", bounds=reach, options=CLOSE)
    values = np.exp(found.x)
    errors = values * _spread(lambda logs: mean(logs)[1], found.x, customers)
    pairs = (dict(zip(start, map(float, column), strict=True)) for column in (values, errors))
    return Fit(model, *pairs, -float(found.fun) * customers, customers)


def _spread(gradient: Callable[[np.ndarray], np.ndarray], at: np.ndarray, customers: int) -> np.ndarray:
    """Standard errors of the logarithms from the curvature at the optimum; NaN when it is flat in some direction."""
    steps = STEP * np.eye(len(at))
    curvature = np.array([(gradient(at + step) - gradient(at - step)) / (2 * STEP) for step in steps])
    curvature = (curvature + curvature.T) / 2
    if not np.isfinite(curvature).all() or np.linalg.eigvalsh(curvature).min() < FLATTEST:
        return np.full(len(at), np.nan)
    return np.sqrt(np.diag(np.linalg.inv(curvature)) / customers)


def numerical(value: Callable[[np.ndarray], float]) -> Cost:
    """A cost with its gradient by central differences, for likelihoods without a gradient in closed form."""

    def cost(logs: np.ndarray) -> tuple[float, np.ndarray]:
        steps = STEP * np.eye(len(logs))
        return value(logs), np.array([(value(logs + step) - value(logs - step)) / (2 * STEP) for step in steps])

    return cost
