"""Validation of the customer models on the shop's past: predictions as of an earlier day against later orders."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from lib.analysis import churn
from lib.analysis.clv.models import BgNbd, ParetoNbd
from lib.analysis.clv.value import fit_models

__all__ = ["Validation", "by_frequency", "capture", "compare", "split", "validate"]

PARETO_SAMPLE = 2_000  # customers drawn to fit Pareto/NBD, the comparison model: its likelihood is slow
DIGITS = 4  # of values in charts, equal on any processor
MANY = 7  # repeat purchases from which on customers are pooled
TOP = 0.1  # share of the customers in a capture
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

    Attributes:
        days: Length of the validation period.
        customers: Number of customers with an order before it.
        known_share: Share of the later revenue from these customers; NaN without later revenue.
        totals: Expected and observed orders by method, see `compare`. All tables are empty without a model.
        by_frequency: Mean expected and observed orders per customer, see `by_frequency`.
        capture: Share of the later revenue from the top tenth of each ranking, see `capture`.
        scores: AUC and Brier score of each score of the probability of an order, see `churn.judge`.
        reliability: Predicted and observed churn by tenth, see `churn.reliability`.
        calibration: Curve from expected orders to probabilities; None with too few outcomes.
    """

    days: int
    customers: int
    known_share: float
    totals: pd.DataFrame
    by_frequency: pd.DataFrame
    capture: pd.DataFrame
    scores: pd.DataFrame
    reliability: pd.DataFrame
    calibration: churn.Calibration | None


def split(as_of: date | str, days: int) -> date:
    """The day `days` before as_of, where the validation period begins.

    Example:
        >>> clv.split("2025-07-01", 90)
        datetime.date(2025, 4, 2)
    """
    return (pd.Timestamp(as_of) - pd.Timedelta(days=days)).date()


def validate(past: pd.DataFrame, history: pd.DataFrame, days: int, seed: int) -> Validation:
    """Validate the models on the last `days` of the data.

    Args:
        past: Rows of the question customer_history as of the start of these days, see `split`.
        history: Rows of customer_history as of today.
        days: Length of the validation period.
        seed: Seed of the sample of Pareto/NBD and of the folds of cross-validation.

    Example:
        >>> days = (clv.split("2025-07-01", 90), "2025-07-01")
        >>> past, history = (read("customer_history", split=day, as_of="2025-07-01") for day in days)
        >>> clv.validate(past, history, 90, seed=42).totals["method"].tolist()
        ['BG/NBD', 'Pareto/NBD', "each customer's own rate", 'the same rate for all']
    """
    later_revenue = history["revenue"].sum() - past["revenue"].sum()  # of all customers, new ones too
    known_share = float(past["later_revenue"].sum() / later_revenue) if later_revenue > 0 else np.nan
    model = fit_models(past)
    if model.orders is None or model.spend is None:
        tables = {name: pd.DataFrame(columns=columns) for name, columns in EMPTY_TABLES.items()}
        return Validation(days, len(past), known_share, **tables, calibration=None)
    expected, later_orders = _expected(model.orders, past, days, seed), past["later_orders"]
    by_model, ordered = expected["BG/NBD"], later_orders.to_numpy() > 0
    value = by_model * model.spend.expected_value(past)
    rankings = {"predicted value": value, "revenue to date": past["revenue"].to_numpy()}
    return Validation(
        days,
        len(past),
        known_share,
        totals=compare(expected, later_orders.to_numpy()),
        by_frequency=by_frequency(past["frequency"], by_model, later_orders).round(DIGITS),
        capture=capture(rankings, past["later_revenue"].to_numpy()),
        scores=churn.judge(_scores(model.orders, past, by_model, days), ordered, seed),
        reliability=churn.reliability(by_model, ordered, seed).round(DIGITS),
        calibration=churn.calibrate(by_model, ordered),
    )


def _expected(orders: BgNbd, past: pd.DataFrame, days: int, seed: int) -> dict[str, np.ndarray]:
    """Expected orders per customer by method: two models, and two baselines without one."""
    drawn = past.sample(min(len(past), PARETO_SAMPLE), random_state=seed)
    drawn = drawn if drawn["frequency"].any() else past
    age, frequency = past["age"].to_numpy(dtype=float), past["frequency"].to_numpy(dtype=float)
    own = np.divide(frequency, age, out=np.zeros(len(past)), where=age > 0)
    return {
        "BG/NBD": orders.expected_orders(past, days),
        "Pareto/NBD": ParetoNbd.fit(drawn).expected_orders(past, days),
        "each customer's own rate": own * days,
        "the same rate for all": np.full(len(past), frequency.sum() / age.sum() * days),
    }


def _scores(orders: BgNbd, past: pd.DataFrame, expected: np.ndarray, days: int) -> dict[str, np.ndarray]:
    """Scores of the probability of an order: the higher, the more likely."""
    return {
        "expected orders, BG/NBD": np.log(expected),
        "probability of an order, BG/NBD": orders.chance_of_order(past, days),
        "days since the last order": -np.log1p(past["days_since_last"].to_numpy(dtype=float)),
        "probability of being active, BG/NBD": orders.chance_active(past),
    }


def compare(expected: Mapping[str, np.ndarray], observed: np.ndarray) -> pd.DataFrame:
    """One row per method: total orders expected and observed, total_error, mae (per customer), correlation.

    total_error is expected / observed - 1, NaN without observed orders; correlation is NaN for equal values.
    """
    total = observed.sum()
    rows = [
        {
            "method": name,
            "expected": values.sum(),
            "observed": total,
            "total_error": values.sum() / total - 1 if total else np.nan,
            "mae": np.abs(values - observed).mean(),
            "correlation": np.corrcoef(values, observed)[0, 1] if np.ptp(values) and np.ptp(observed) else np.nan,
        }
        for name, values in expected.items()
    ]
    return pd.DataFrame(rows)


def by_frequency(frequency: pd.Series, expected: np.ndarray, observed: pd.Series) -> pd.DataFrame:
    """Mean orders per customer, expected and observed, by repeat purchases before: 0 to 6, and 7 or more."""
    frame = pd.DataFrame({"frequency": frequency.clip(upper=MANY), "expected": expected, "observed": observed})
    means = frame.groupby("frequency").agg(
        customers=("observed", "size"), expected=("expected", "mean"), observed=("observed", "mean")
    )
    names = [f"{MANY} or more" if number == MANY else str(number) for number in means.index]
    return means.reset_index(drop=True).assign(repeats=names)[["repeats", "customers", "expected", "observed"]]


def capture(rankings: Mapping[str, np.ndarray], observed: np.ndarray) -> pd.DataFrame:
    """Share of the observed total held by the top tenth of each ranking; `perfect` ranks by the observed values."""
    every = {**rankings, "perfect": observed}
    rows = [(name, _captured(values, observed)) for name, values in every.items()]
    return pd.DataFrame(rows, columns=["ranking", "share"])


def _captured(values: np.ndarray, observed: np.ndarray) -> float:
    """Share of the top tenth, at least one customer; tied customers share their total."""
    top, total = max(1, round(TOP * len(observed))), observed.sum()
    frame = pd.DataFrame({"value": values, "observed": observed})
    ranked = frame.groupby("value")["observed"].agg(["sum", "size"])[::-1]
    taken = np.clip(top - (ranked["size"].cumsum() - ranked["size"]), 0, ranked["size"])
    return float((ranked["sum"] * taken / ranked["size"]).sum() / total) if total else np.nan
