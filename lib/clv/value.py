"""What customers are expected to order and to be worth, discounted, and scaled to what the shop is forecast to sell."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.clv import bg_nbd, gamma_gamma
from lib.clv.fitting import Fit
from lib.clv.model import Model

__all__ = ["MONTH", "Terms", "discounted_orders", "scale_factor", "score"]

MONTH = 365.25 / 12  # days


@dataclass(frozen=True)
class Terms:
    """What value means: months ahead, share of revenue that is kept, and the yearly rate that later money is cut by."""

    horizon_months: int = 12
    margin: float = 1.0
    discount_rate: float = 0.1


def score(model: Model, customers: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """predicted_orders and predicted_value of each customer within the months ahead; NaN where there is no model."""
    if model.refused:
        return pd.DataFrame({"predicted_orders": np.nan, "predicted_value": np.nan}, index=customers.index)
    orders = bg_nbd.expected_orders(model.orders, customers, terms.horizon_months * MONTH)
    worth = discounted_orders(model.orders, customers, terms) * gamma_gamma.expected_value(model.spend, customers)
    return pd.DataFrame({"predicted_orders": orders, "predicted_value": worth * terms.margin}, index=customers.index)


def discounted_orders(orders: Fit, customers: pd.DataFrame, terms: Terms) -> np.ndarray:
    """Sum over the months t ahead of the orders expected in month t / (1 + d)^t, d the rate of a month."""
    monthly = (1 + terms.discount_rate) ** (1 / 12) - 1
    total, before = np.zeros(len(customers)), np.zeros(len(customers))
    for month in range(1, terms.horizon_months + 1):
        until = bg_nbd.expected_orders(orders, customers, month * MONTH)
        total += (until - before) / (1 + monthly) ** month
        before = until
    return total


def scale_factor(by_model: float, by_forecast: float) -> float:
    """What predictions are multiplied by so that they come to the forecast; 1 where one of the two expects nothing."""
    return by_forecast / by_model if by_model > 0 and by_forecast > 0 else 1.0
