"""Prediction intervals of the orders and value of groups of customers, from parameters, process and model error."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.analysis.clv.models import BgNbd, GammaGamma
from lib.analysis.clv.value import Model, dropout_is_lost

__all__ = ["MEASURES", "Noise", "draw_noise", "interval"]

MEASURES = ("orders", "value")
PARAMETER_DRAWS, SAMPLE = 60, 2_000  # draws of the parameters, each scored for at most this many customers
PROCESS_DRAWS = 300_000  # draws of single customers' futures: at least LEAST_FUTURES of each
LEAST_FUTURES, MOST_FUTURES = 6, 200
LOWER, UPPER = 0.1, 0.9
DRAWS = 4_000


@dataclass(frozen=True)
class Noise:
    """Spread of the predictions for groups of customers, without model error.

    each: expected orders and value of each customer. variance: theirs if the parameters were known. parameters:
    logarithms of the totals over the expected ones, one row per draw of the parameters.
    """

    each: pd.DataFrame
    variance: pd.DataFrame
    parameters: pd.DataFrame

    def by(self, groups: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Expected orders and value of each group, and the variances of their logarithms by the process alone."""
        names = groups.to_numpy()
        expected, variance = self.each.groupby(names).sum(), self.variance.groupby(names).sum()
        relative = variance / expected.where(expected > 0) ** 2
        return expected, relative.apply(np.log1p)


def draw_noise(model: Model, customers: pd.DataFrame, days: float, seed: int) -> Noise:
    """Expected orders and value within the next days, and their spread.

    Args:
        model: Fitted.
        customers: Rows of the question customer_history.
        days: Length of the prediction.
        seed: Seed of every random draw.
    """
    rng, ahead, exposed = np.random.default_rng(seed), model.ahead(days), model.exposed(customers)
    orders, spend = model.parts
    expected = orders.expected_orders(exposed, ahead)
    each = pd.DataFrame({"orders": expected, "value": expected * spend.expected_value(customers)})
    variance = _process_variance(orders, spend, exposed, ahead, rng)
    return Noise(each, variance, _parameter_noise(orders, spend, exposed, ahead, rng))


def _process_variance(
    orders: BgNbd, spend: GammaGamma, customers: pd.DataFrame, ahead: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Variance of each customer's future orders and value, over simulated futures with these parameters."""
    n, active = len(customers), orders.chance_active(customers)
    x, age, purchases, mean = (
        customers[name].to_numpy(dtype=float) for name in ("frequency", "age", "purchases", "monetary_value")
    )
    sums = {name: np.zeros((2, n)) for name in MEASURES}
    futures = int(np.clip(PROCESS_DRAWS // max(n, 1), LEAST_FUTURES, MOST_FUTURES))
    for _ in range(futures):
        rate = rng.gamma(orders["r"] + x) / (orders["alpha"] + age)
        leave = np.maximum(rng.beta(orders["a"], orders["b"] + x), 1e-9)
        bought = np.minimum(rng.poisson(rate * ahead), rng.geometric(leave)) * (rng.random(n) < active)
        scale = (spend["gamma"] + purchases * mean) / rng.gamma(spend["p"] * purchases + spend["q"])
        for name, drawn in (("orders", bought), ("value", rng.gamma(spend["p"] * bought) * scale)):
            sums[name] += drawn, drawn**2
    found = {name: (square - total**2 / futures) / (futures - 1) for name, (total, square) in sums.items()}
    return pd.DataFrame(found)


def _parameter_noise(
    orders: BgNbd, spend: GammaGamma, customers: pd.DataFrame, ahead: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Logarithm of the totals over the expected ones by draw of the parameters from the covariance of the fits."""
    if dropout_is_lost(orders):  # then the covariance of a and b says nothing
        return pd.DataFrame(0.0, index=range(2), columns=list(MEASURES))
    known = customers if len(customers) <= SAMPLE else customers.iloc[rng.choice(len(customers), SAMPLE, replace=False)]
    rows: list[tuple[float, float]] = []
    for _ in range(PARAMETER_DRAWS + 1):
        model, value = (orders, spend) if not rows else (orders.drawn(rng), spend.drawn(rng))
        number = model.expected_orders(known, ahead)
        rows.append((number.sum(), number @ value.expected_value(known)))
    totals = np.log(np.maximum(np.array(rows), 1e-12))
    return pd.DataFrame(totals[1:] - totals[0], columns=list(MEASURES))


def interval(noise: Noise, groups: pd.Series, error: Mapping[str, float], seed: int) -> pd.DataFrame:
    """The 80 % prediction interval of each group: orders, orders_lower, orders_upper, value, value_lower, value_upper.

    Draws multiply the expectation by the effect of drawn parameters, by lognormal process noise, and by lognormal model
    error, as large as at earlier splits.

    Args:
        noise: From draw_noise.
        groups: Name of the group of each customer.
        error: Standard deviation of the logarithm of observed over expected, by measure.
        seed: Seed of every random draw.
    """
    rng, found = np.random.default_rng(seed), dict[str, pd.Series]()
    expected, variance = noise.by(groups)
    for name in MEASURES:
        common = rng.choice(noise.parameters[name].to_numpy(), DRAWS) + error[name] * rng.standard_normal(DRAWS)
        spread = variance[name].to_numpy()
        process = rng.standard_normal((DRAWS, len(expected))) * spread**0.5 - spread / 2
        lower, upper = np.exp(np.quantile(common[:, None] + process, [LOWER, UPPER], axis=0))
        known = expected[name]
        found |= {name: known, f"{name}_lower": known * lower, f"{name}_upper": known * upper}
    return pd.DataFrame(found)
