"""Purchases: each customer's orders in shop time by the BG/NBD model, and how many the model expects.

A customer who buys places the first order after a delay, further ones at a rate of their own while they stay, and
leaves after any of these with a chance of their own (Fader, Hardie, Lee 2005, "Counting Your Customers" the Easy Way).
"""

from functools import cache

import numpy as np
from scipy.special import hyp2f1, pdtr, pdtrc

from lib.errors import UsageError
from lib.generate.customers import BG_NBD, Customers
from lib.generate.values import root, rounded

__all__ = ["FIRST_DELAY", "draw_purchases", "expected_orders", "solve_alpha"]

FIRST_DELAY = 0.5  # mean days of shop time from sign-up to the first order, beside alpha
LONGEST = 1e4  # days of shop time beside alpha up to which expectations are tabulated
NODES = np.polynomial.legendre.leggauss(48)


def _repeats(age: np.ndarray) -> np.ndarray:
    """Expected further orders within `age` of the first, with alpha = 1 (Fader, Hardie, Lee 2005, equation 9)."""
    r, a, b = BG_NBD.r, BG_NBD.a, BG_NBD.b
    shrunk = (1 + age) ** -r * hyp2f1(r, b, a + b - 1, age / (1 + age))
    return (a + b - 1) / (a - 1) * (1 - shrunk)


@cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    """Ages since sign-up and the orders expected of a customer who buys, the delay averaged by quadrature."""
    age = np.expm1(np.linspace(0, np.log1p(LONGEST), 600))
    delay = FIRST_DELAY
    placed = -np.expm1(-age / delay)
    nodes, weights = (NODES[0] + 1) / 2, NODES[1] / 2
    waited = -delay * np.log1p(-np.outer(placed, nodes))
    orders = placed * ((1 + _repeats(np.maximum(age[:, None] - waited, 0))) @ weights)
    return age, orders


def expected_orders(age: np.ndarray, alpha: float) -> np.ndarray:
    """Orders expected of a customer who buys within `age` days of shop time after sign-up."""
    return np.interp(age / alpha, *_table())


def solve_alpha(n: float, customers: Customers, begun: np.ndarray, end: np.ndarray) -> float:
    """The alpha, in days of shop time, with which these customers place n orders on average; NaN for no orders.

    Raises UsageError when not even the most eager ones would place so many.
    """
    if not n:
        return np.nan
    rate, further, age = (column[customers.buys] for column in (customers.rate, customers.further, end - begun))
    delay = FIRST_DELAY * customers.delay[customers.buys]

    def surplus(log_alpha: float) -> float:
        left = age / np.exp(log_alpha) - delay
        mean = rate * np.maximum(left, 0)
        # Mean of the smaller of a Poisson number and `further`.
        repeats = mean * pdtr(further - 2, mean) + further * pdtrc(further - 1, mean)
        return float(((1 + np.where(further > 1, repeats, -np.expm1(-mean))) * (left > 0)).sum()) - n

    lowest, highest = np.log(age.max(initial=1) / LONGEST), np.log(age.max(initial=1) * LONGEST)
    if surplus(lowest) < 0:
        raise UsageError(
            f"{n:.0f} orders are too many for {len(customers)} customers, of whom {len(rate)} ever buy; "
            f"want at most about {n + surplus(lowest):.0f}, or more users"
        )
    return rounded(np.exp(root(surplus, lowest, highest)))


def draw_purchases(
    rng: np.random.Generator, customers: Customers, begun: np.ndarray, end: np.ndarray, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """Customer (row) and shop time of every order; `begun` and `end` are the clock at sign-up and at as_of."""
    row = np.flatnonzero(customers.buys)
    now = begun[row] + FIRST_DELAY * alpha * customers.delay[row]
    rows, times = [], []
    while len(row := row[inside := now < end[row]]):
        rows.append(row)
        times.append(now[inside])
        stays = customers.further[row] >= len(rows)  # the first order ends nobody's custom
        row, now = row[stays], times[-1][stays]
        now = now + alpha * rng.standard_exponential(len(row)) / customers.rate[row]
    return np.concatenate([np.zeros(0, int), *rows]), np.concatenate([np.zeros(0), *times])
