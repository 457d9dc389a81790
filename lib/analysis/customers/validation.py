"""The proof of the models on a shop's own past: what was expected at a day, and what came in the days after it."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from lib.analysis import churn, clv

__all__ = ["DIGITS", "Proof", "prove", "split"]

SECOND_OPINION = 2_000  # customers, drawn by lot, that Pareto/NBD is fitted on: its likelihood is slow
DIGITS = 4  # of what is drawn: the same on any processor
NOTHING = {  # the tables where there is no model
    "totals": ["method", "expected", "actual", "total_error", "mae", "correlation"],
    "by_frequency": ["repeats", "customers", "expected", "actual"],
    "capture": ["ranking", "share"],
    "scores": ["score", "auc", "brier"],
    "reliability": ["group", "customers", "said", "came"],
}


@dataclass(frozen=True)
class Proof:
    """What was expected at a day of the past beside what came in the days after it.

    totals: by way to predict orders; by_frequency: mean orders per customer; capture: share of the revenue that came
    held by the first tenth; scores: who orders at all, by score; reliability: churn risk said and come, by tenth.
    known_share: of the revenue that came, what these customers brought. All empty or NaN where there is no model.
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
    """The day `days` before as_of: what is known up to it is held against what came from it on."""
    return (pd.Timestamp(as_of) - pd.Timedelta(days=days)).date()


def prove(past: pd.DataFrame, history: pd.DataFrame, days: int, seed: int) -> Proof:
    """The proof over the last `days`; `past` and `history` are customer_history as of their start and of today."""
    model = clv.fit_models(past)
    came = history["revenue"].sum() - past["revenue"].sum()  # of all customers, new ones too
    known_share = float(past["later_revenue"].sum() / came) if came > 0 else np.nan
    if model.refused:
        nothing = {name: pd.DataFrame(columns=columns) for name, columns in NOTHING.items()}
        return Proof(model, days, len(past), **nothing, calibration=None, known_share=known_share)
    expected = _expected(model, past, days, seed)
    ours, ordered = expected["BG/NBD"], past["later_orders"].to_numpy() > 0
    value = ours * clv.gamma_gamma.expected_value(model.spend, past)
    rankings = {"predicted value": value, "revenue to date": past["revenue"].to_numpy()}
    return Proof(
        model,
        days,
        len(past),
        clv.compare(expected, past["later_orders"].to_numpy()),
        clv.by_frequency(past["frequency"], ours, past["later_orders"]).round(DIGITS),
        clv.capture(rankings, past["later_revenue"].to_numpy()),
        churn.judge(_scores(model, past, ours, days), ordered, seed),
        churn.reliability(ours, ordered, seed).round(DIGITS),
        churn.calibrate(ours, ordered),
        known_share,
    )


def _expected(model: clv.Model, past: pd.DataFrame, days: int, seed: int) -> dict[str, np.ndarray]:
    """Orders expected of each customer in the days, by every way: two models, and two that need none."""
    drawn = past.sample(min(len(past), SECOND_OPINION), random_state=seed)
    drawn = drawn if drawn["frequency"].any() else past
    age, frequency = past["age"].to_numpy(dtype=float), past["frequency"].to_numpy(dtype=float)
    own = np.divide(frequency, age, out=np.zeros(len(past)), where=age > 0)
    return {
        "BG/NBD": clv.bg_nbd.expected_orders(model.orders, past, days),
        "Pareto/NBD": clv.pareto_nbd.expected_orders(clv.pareto_nbd.fit(drawn), past, days),
        "each customer's own rate": own * days,
        "the same rate for all": np.full(len(past), frequency.sum() / age.sum() * days),
    }


def _scores(model: clv.Model, past: pd.DataFrame, expected: np.ndarray, days: int) -> dict[str, np.ndarray]:
    """Scores of who will order, more of each meaning likelier."""
    return {
        "orders expected, BG/NBD": np.log(expected),
        "chance of an order, BG/NBD": clv.bg_nbd.chance_of_order(model.orders, past, days),
        "days since the last order": -np.log1p(past["days_since_last"].to_numpy(dtype=float)),
        "chance to be active, BG/NBD": clv.bg_nbd.chance_active(model.orders, past),
    }
