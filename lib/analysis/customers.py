"""Scores of all buyers as of today: predictions scaled to the forecast, churn risk, and tables of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.analysis import churn, clv, segments
from lib.analysis.clv.validation import DIGITS, Validation
from lib.analysis.revenue import cumulative, share_at
from lib.formatting import decimal, integer

__all__ = ["CustomerScores", "concentration", "risk_bands", "scale_factor", "score_customers"]

LARGEST_FACTOR = 2.0  # predictions scaled by more than this, or by less than its inverse, give a warning
FIFTHS = ["most at risk", "second", "third", "fourth", "least at risk"]


def concentration(customers: pd.DataFrame) -> pd.DataFrame:
    """Cumulative share of revenue and of predicted_value by share_of_customers, each sorted by its own column.

    Example:
        >>> buyers = pd.DataFrame({"revenue": [80.0, 20.0], "predicted_value": [5.0, 5.0]})
        >>> customers.concentration(buyers).iloc[25]
        share_of_customers    0.5
        revenue               0.8
        predicted_value       0.5
        Name: 25, dtype: float64
    """
    share = np.linspace(0, 1, 51)
    held = {name: share_at(cumulative(customers[name]), share) for name in ("revenue", "predicted_value")}
    return pd.DataFrame({"share_of_customers": share, **held}).round(DIGITS)


def risk_bands(customers: pd.DataFrame, *, totals: bool = True) -> pd.DataFrame:
    """Fifths of the buyers by churn risk, highest first: customers, mean churn_risk, revenue, predicted_value.

    Args:
        customers: Scored buyers.
        totals: Whether totals can be estimated; else without predicted_value.

    Example:
        >>> risks = [0.9, 0.7, 0.5, 0.3, 0.1]
        >>> buyers = pd.DataFrame({"churn_risk": risks, "revenue": 10.0, "predicted_value": 4.0})
        >>> customers.risk_bands(buyers)[["fifth", "customers", "churn_risk"]].head(2)
                  fifth  customers  churn_risk
        0  most at risk          1         0.9
        1        second          1         0.7
    """
    known = customers.dropna(subset="churn_risk")
    position = known["churn_risk"].rank(method="first", ascending=False) - 1
    fifth = (5 * position // max(len(known), 1)).astype(int)
    bands = known.groupby(fifth).agg(
        customers=("churn_risk", "size"),
        churn_risk=("churn_risk", "mean"),
        revenue=("revenue", "sum"),
        predicted_value=("predicted_value", "sum"),
    )
    bands.insert(0, "fifth", [FIFTHS[number] for number in bands.index])
    bands = bands if totals else bands.drop(columns="predicted_value")
    total = known["revenue"].sum()
    return bands.assign(share_of_revenue=bands["revenue"] / total if total else np.nan).reset_index(drop=True)


@dataclass(frozen=True)
class CustomerScores:
    """Segment and predictions of every buyer.

    Attributes:
        model: The models fitted to all data.
        customers: customer_history with the columns of `segments.rfm`, predicted_orders, predicted_value, churn_risk;
            predictions are NaN without a model, segments where the history is too short for them.
        factor: Scale of the predictions, see `scale_factor`.
        warnings: Sentences to read before using the numbers.
    """

    model: clv.Model
    customers: pd.DataFrame
    factor: float
    warnings: list[str]

    @property
    def has_totals(self) -> bool:
        """Whether totals can be estimated: there is a model, and its dropout rate is identified."""
        return self.model.orders is not None and not clv.dropout_is_lost(self.model.orders)

    def total(self, column: str) -> float:
        """Sum of a predicted column over all buyers; NaN where totals cannot be estimated."""
        return float(self.customers[column].sum()) if self.has_totals else np.nan

    @property
    def notes(self) -> pd.DataFrame:
        """Warnings to read before using the numbers, and the scale factor, one per row."""
        known = self.warnings or ["No check of the models found a problem in these orders."]
        scaled = f"All predictions are multiplied by {decimal(self.factor)} to match the forecast."
        return pd.DataFrame({"warnings": known if self.model.refused else [*known, scaled]})

    @property
    def version(self) -> str | None:
        """Name and version of the models; None without a model."""
        return None if self.model.refused else clv.VERSION


def score_customers(
    history: pd.DataFrame, validation: Validation, terms: clv.Terms, forecast_revenue: float
) -> CustomerScores:
    """Score all buyers as of today.

    Predictions are scaled to the forecast times the share of revenue that existing buyers had in the validation period;
    the ranking stays that of the model.

    Args:
        history: Rows of the question customer_history as of today.
        validation: Gives the length of the next period, the churn calibration and the share of existing buyers.
        terms: Horizon, margin and discount rate.
        forecast_revenue: Expected revenue of all customers, without that of guests, in the next validation.days.

    Example:
        >>> days = (clv.split("2025-07-01", 90), "2025-07-01")
        >>> past, history = (read("customer_history", split=day, as_of="2025-07-01") for day in days)
        >>> validation = clv.validate(past, history, 90, seed=42)
        >>> scores = customers.score_customers(history, validation, clv.Terms(), forecast_revenue=3000.0)
        >>> scores.customers.columns[-3:].tolist()
        ['predicted_orders', 'predicted_value', 'churn_risk']
    """
    model = clv.fit_models(history)
    rfm, young = segments.rfm(history), segments.too_young(history)
    if young:
        rfm["rfm_segment"] = pd.Series(None, index=rfm.index, dtype="str")
    scored = pd.concat([history, rfm, clv.score(model, history, terms)], axis=1)
    warnings = [*model.warnings, young] if young and len(history) else list(model.warnings)
    if model.orders is None or model.spend is None:
        return CustomerScores(model, scored.assign(churn_risk=np.nan), 1.0, warnings)
    expected = model.orders.expected_orders(history, validation.days)
    revenue = expected @ model.spend.expected_value(history)
    factor = scale_factor(revenue, forecast_revenue * validation.known_share)
    customers = scored.assign(
        predicted_orders=scored["predicted_orders"] * factor,
        predicted_value=scored["predicted_value"] * factor,
        churn_risk=churn.risk(expected, validation.calibration),
    )
    if not 1 / LARGEST_FACTOR <= factor <= LARGEST_FACTOR:
        warnings.append(
            f"Model and forecast are far apart: predictions were multiplied by {decimal(factor)}. The models have no "
            "season and no trend; rely on the ranking more than on the amounts."
        )
    if not validation.calibration:
        warnings.append(
            f"The churn risk is not calibrated: in the last {validation.days} days too few of the "
            f"{integer(validation.customers)} earlier buyers ordered, or too few did not. It is the model's estimate "
            "for independent orders."
        )
    return CustomerScores(model, customers, factor, warnings)


def scale_factor(by_model: float, by_forecast: float) -> float:
    """Factor that scales predictions to the forecast; 1 where either of the two is 0."""
    return by_forecast / by_model if by_model > 0 and by_forecast > 0 else 1.0
