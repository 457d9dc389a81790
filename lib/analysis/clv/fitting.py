"""Maximum likelihood over grouped customers: estimates and their standard errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

__all__ = ["Cost", "Fit", "grouped", "numerical"]

CLOSE = {"maxiter": 1_000, "ftol": 1e-14, "gtol": 1e-9}  # tight tolerances: the default ones stop before the optimum
REACH = 6.0  # bound of the search around the start, in logarithms: a factor of 400, which is still computable
DRIFT = 2.5  # longest step of a drawn parameter, in logarithms: a factor of 12
STEP = 1e-4  # of central differences, in logarithms
FLATTEST = 1e-7  # curvature per customer below which a direction is not identified
Cost = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Fit:
    """Estimates of a model's parameters, and the covariance of their logarithms: NaN where the likelihood is flat."""

    model: ClassVar[str]
    values: Mapping[str, float]
    covariance: np.ndarray
    log_likelihood: float

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    @classmethod
    def maximise(cls, start: Mapping[str, float], cost: Cost, customers: int, most: Mapping[str, float]) -> Self:
        """Fit that minimises `cost`, the negative log-likelihood and its gradient in the logarithms of the parameters.

        `start` has the parameters in the order of cost; `most` has upper bounds of some, beyond which formulas
        overflow.
        """

        def mean(logs: np.ndarray) -> tuple[float, np.ndarray]:
            """Cost and gradient per customer: the tolerances of the search must not depend on their number."""
            value, gradient = cost(logs)
            return value / customers, gradient / customers

        first = {name: np.log(value) for name, value in start.items()}
        reach = [(at - REACH, np.log(most[name]) if name in most else at + REACH) for name, at in first.items()]
        with threadpool_limits(1):  # the sums are small: synchronising threads takes longer than computing them
            found = minimize(mean, [*first.values()], jac=True, method="L-BFGS-B", bounds=reach, options=CLOSE)
            covariance = _covariance(lambda logs: mean(logs)[1], found.x) / customers
        values = dict(zip(start, map(float, np.exp(found.x)), strict=True))
        return cls(values, covariance, -float(found.fun) * customers)

    @property
    def errors(self) -> dict[str, float]:
        """Standard errors of the estimates."""
        return {name: self.error({name: value}) for name, value in self.values.items()}

    def error(self, slopes: Mapping[str, float]) -> float:
        """Standard error of a function by the delta method; `slopes` are its derivatives by the log parameters."""
        slope = np.array([slopes.get(name, 0.0) for name in self.values])
        variance = float(slope @ self.covariance @ slope)
        return max(variance, 0.0) ** 0.5  # rounding can make a variance of zero slightly negative

    def drawn(self, rng: np.random.Generator) -> Self:
        """The model with parameters drawn from the normal distribution of their logarithms.

        A draw further than DRIFT from the estimate is shortened: along a ridge of the likelihood the normal
        distribution reaches parameters that cannot be computed.
        """
        step = rng.multivariate_normal(np.zeros(len(self.values)), self.covariance, method="eigh")
        drawn = np.log([*self.values.values()]) + step * DRIFT / max(np.abs(step).max(), DRIFT)
        return type(self)(dict(zip(self.values, np.exp(drawn).tolist(), strict=True)), self.covariance, np.nan)

    def rows(self) -> list[tuple[str, str, float, float]]:
        """Model, parameter, estimate and standard error of each parameter."""
        return [(self.model, name, value, self.errors[name]) for name, value in self.values.items()]


def _covariance(gradient: Callable[[np.ndarray], np.ndarray], at: np.ndarray) -> np.ndarray:
    """Inverse of the Hessian of the cost at its minimum; NaN if it is flat in some direction."""
    curvature = _central_differences(gradient, at)
    curvature = (curvature + curvature.T) / 2
    if not np.isfinite(curvature).all() or np.linalg.eigvalsh(curvature).min() < FLATTEST:
        return np.full((len(at), len(at)), np.nan)
    return np.linalg.inv(curvature)


def _central_differences(function: Callable[[np.ndarray], np.ndarray | float], at: np.ndarray) -> np.ndarray:
    """The derivatives of a function, one row per argument."""
    return np.array([(function(at + step) - function(at - step)) / (2 * STEP) for step in STEP * np.eye(len(at))])


def numerical(value: Callable[[np.ndarray], float]) -> Cost:
    """Add a gradient by central differences to a cost without one in closed form."""
    return lambda logs: (value(logs), _central_differences(value, logs))


def grouped(customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Distinct combinations of frequency, recency and age, and the number of customers in each."""
    sizes = customers.groupby(["frequency", "recency", "age"], sort=True).size()
    frequency, recency, age = (sizes.index.get_level_values(level).to_numpy(dtype=float) for level in range(3))
    return frequency, recency, age, sizes.to_numpy()
