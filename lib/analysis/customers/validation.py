"""Validation of the customer models on the shop's past: predictions as of an earlier day against later orders."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from lib.analysis import churn, clv

__all__ = ["DIGITS", "Validation", "split", "validate"]

PARETO_SAMPLE = 2_000  # customers drawn to fit Pareto/NBD, the comparison model: its likelihood is slow
DIGITS = 4  # of values in charts, equal on any processor
EMPTY_TABLES = {  # columns of the tables if there is no model
    "totals": ["method", "expected", "observed", "total_error", "mae", "correlation"],
    "by_frequency": ["repeats", "customers", "expected", "observed"],
    "capture": ["ranking", "share"],
    "scores": ["score", "auc", "brier"],
    "reliability": ["group", "customers", "predicted_churn", "observed_churn"],
}


@dataclass(frozen=True)
class Validation:
    """Predictions as of `days` before today, compared with the orders that followed.

    totals: orders by method. by_frequency: mean orders per customer. capture: share of the later revenue from the top
    tenth of each ranking. scores: accuracy of each score of the probability of an order. reliability: predicted and
    observed churn by tenth. known_share: share of the later revenue from customers known at that day. Without a model,
    tables are empty and numbers NaN.
    """

    model: clv.Model
    days: int
    customers: int
    totals: pd.DataFrame
    by_frequency: pd.DataFrame
    capture: pd.DataFrame
    scores: pd.DataFrame
    reliability: pd.DataFrame
    calibration: churn.Calibration | None
    known_share: float


def split(as_of: date | str, days: int) -> date:
    """The day `days` before as_of, where the validation period begins."""
    return (pd.Timestamp(as_of) - pd.Timedelta(days=days)).date()


def validate(past: pd.DataFrame, history: pd.DataFrame, days: int, seed: int) -> Validation:
    """Validation over the last `days`; `past` and `history` are customer_history as of their start and of today."""
    model = clv.fit_models(past)
    later_revenue = history["revenue"].sum() - past["revenue"].sum()  # of all customers, new ones too
    known_share = float(past["later_revenue"].sum() / later_revenue) if later_revenue > 0 else np.nan
    if model.orders is None or model.spend is None:
        tables = {name: pd.DataFrame(columns=columns) for name, columns in EMPTY_TABLES.items()}
        return Validation(model, days, len(past), **tables, calibration=None, known_share=known_share)
    expected = _expected(model.orders, past, days, seed)
    by_model, ordered = expected["BG/NBD"], past["later_orders"].to_numpy() > 0
    value = by_model * clv.gamma_gamma.expected_value(model.spend, past)
    rankings = {"predicted value": value, "revenue to date": past["revenue"].to_numpy()}
    return Validation(
        model,
        days,
        len(past),
        clv.compare(expected, past["later_orders"].to_numpy()),
        clv.by_frequency(past["frequency"], by_model, past["later_orders"]).round(DIGITS),
        clv.capture(rankings, past["later_revenue"].to_numpy()),
        churn.judge(_scores(model.orders, past, by_model, days), ordered, seed),
        churn.reliability(by_model, ordered, seed).round(DIGITS),
        churn.calibrate(by_model, ordered),
        known_share,
    )


def _expected(orders: clv.Fit, past: pd.DataFrame, days: int, seed: int) -> dict[str, np.ndarray]:
    """Expected orders per customer by method: two models, and two baselines without one."""
    drawn = past.sample(min(len(past), PARETO_SAMPLE), random_state=seed)
    drawn = drawn if drawn["frequency"].any() else past
    age, frequency = past["age"].to_numpy(dtype=float), past["frequency"].to_numpy(dtype=float)
    own = np.divide(frequency, age, out=np.zeros(len(past)), where=age > 0)
    return {
        "BG/NBD": clv.bg_nbd.expected_orders(orders, past, days),
        "Pareto/NBD": clv.pareto_nbd.expected_orders(clv.pareto_nbd.fit(drawn), past, days),
        "each customer's own rate": own * days,
        "the same rate for all": np.full(len(past), frequency.sum() / age.sum() * days),
    }


def _scores(orders: clv.Fit, past: pd.DataFrame, expected: np.ndarray, days: int) -> dict[str, np.ndarray]:
    """Scores of the probability of an order: the higher, the more likely."""
    return {
        "expected orders, BG/NBD": np.log(expected),
        "probability of an order, BG/NBD": clv.bg_nbd.chance_of_order(orders, past, days),
        "days since the last order": -np.log1p(past["days_since_last"].to_numpy(dtype=float)),
        "probability of being active, BG/NBD": clv.bg_nbd.chance_active(orders, past),
    }
