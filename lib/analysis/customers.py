"""Scores of all buyers as of today: predictions with their intervals, churn risk, and tables of them."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lib.analysis import churn, clv, segments
from lib.analysis.clv.validation import DIGITS, Validation
from lib.analysis.revenue import cumulative, share_at
from lib.formatting import integer

__all__ = ["CustomerScores", "concentration", "risk_bands", "score_customers"]

INTERVALS = [
    "kind", "name", "customers", "predicted_orders", "orders_lower", "orders_upper",
    "predicted_value", "value_lower", "value_upper",
]  # fmt: skip
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
        warnings: Sentences to read before using the numbers.
        intervals: kind (total, segment, channel), name, customers, predicted_orders, predicted_value, and the bounds
            of their 80 % prediction intervals; without rows where totals cannot be estimated.
        proof: The test of the predictions at earlier splits; empty where totals cannot be estimated.
    """

    model: clv.Model
    customers: pd.DataFrame
    warnings: list[str]
    intervals: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=INTERVALS))
    proof: clv.Proof = field(default_factory=lambda: clv.Proof(0, pd.DataFrame()))

    @property
    def has_totals(self) -> bool:
        """Whether totals can be estimated: there is a model, and its dropout rate is identified."""
        return self.model.orders is not None and not clv.dropout_is_lost(self.model.orders)

    def total(self, column: str) -> float:
        """Sum of a predicted column over all buyers; NaN where totals cannot be estimated."""
        return float(self.customers[column].sum()) if self.has_totals else np.nan

    @property
    def notes(self) -> pd.DataFrame:
        """Warnings to read before using the numbers, one per row."""
        known = self.warnings or ["No check of the models found a problem in these orders."]
        return pd.DataFrame({"warnings": known})

    @property
    def version(self) -> str | None:
        """Name and version of the models; None without a model."""
        return None if self.model.refused else clv.VERSION


def score_customers(
    history: pd.DataFrame,
    daily: pd.DataFrame,
    validation: Validation,
    proof: clv.Proof,
    terms: clv.Terms,
    seed: int,
) -> CustomerScores:
    """Score all buyers as of today.

    Args:
        history: Rows of the question customer_history as of today.
        daily: Rows of the question daily_kpis of all days.
        validation: Gives the length of the next period and the churn calibration.
        proof: Gives the model error of the intervals.
        terms: Horizon, margin and discount rate.
        seed: Seed of the intervals.

    Example:
        >>> daily = read("daily_kpis", start="2023-07-01", end="2025-07-01")
        >>> history = read("customer_history", split="2025-07-01", as_of="2025-07-01")
        >>> validation, proof = clv.validate({}, daily, 90, seed=42), clv.prove({}, daily, seed=42)
        >>> scores = customers.score_customers(history, daily, validation, proof, clv.Terms(), seed=42)
        >>> scores.customers.columns[-3:].tolist()
        ['predicted_orders', 'predicted_value', 'churn_risk']
    """
    model = clv.fit_models(history, daily, max(terms.days, validation.days))
    rfm, young = segments.rfm(history), segments.too_young(history)
    if young:
        rfm["rfm_segment"] = pd.Series(None, index=rfm.index, dtype="str")
    scored = pd.concat([history, rfm, clv.score(model, history, terms)], axis=1)
    warnings = [*model.warnings, young] if young and len(history) else list(model.warnings)
    if model.orders is None or model.spend is None:
        return CustomerScores(model, scored.assign(churn_risk=np.nan), warnings)
    expected = model.expected_orders(history, validation.days)
    customers = scored.assign(churn_risk=churn.risk(expected, validation.calibration))
    if not validation.calibration:
        warnings.append(
            f"The churn risk is not calibrated: in past windows of {validation.days} days too few of the earlier "
            "buyers ordered, or too few did not. It is the model's estimate for independent orders."
        )
    if clv.dropout_is_lost(model.orders):
        return CustomerScores(model, customers, warnings)
    if proof.days < terms.days:
        warnings.append(_unproven(proof, terms))
    return CustomerScores(model, customers, warnings, _intervals(model, customers, proof, terms, seed), proof)


def _unproven(proof: clv.Proof, terms: clv.Terms) -> str:
    """The warning that the horizon exceeds what was tested at earlier splits."""
    if not proof.days:
        return (
            "Predicted totals have no interval: the history is too short to test them at three earlier dates, so they "
            "are extrapolated."
        )
    return (
        f"The horizon of {integer(terms.days)} days is extrapolated: the history allows to test {integer(proof.days)} "
        "days, and the model error is assumed to grow in proportion to the horizon."
    )


def _intervals(
    model: clv.Model, customers: pd.DataFrame, proof: clv.Proof, terms: clv.Terms, seed: int
) -> pd.DataFrame:
    """Predicted orders and value with their 80 % intervals in total, by segment and by channel."""
    noise = clv.draw_noise(model, customers, terms.days, seed)
    longer = terms.days / proof.days if proof.days else np.nan
    kinds = {"total": pd.Series("all buyers", index=customers.index), "segment": customers["rfm_segment"]}
    kinds |= {"channel": customers["channel"]} if "channel" in customers else {}
    rows = []
    for kind, groups in kinds.items():
        error = proof.error if kind == "total" else proof.group_error
        sums = customers.groupby(groups.to_numpy())[["predicted_orders", "predicted_value"]].sum()
        sums.insert(0, "customers", customers.groupby(groups.to_numpy()).size())
        grown = {name: error.get(name, np.nan) * max(longer, 1) for name in clv.MEASURES}
        bounds = clv.interval(noise, groups, grown, seed)
        for measure in clv.MEASURES:
            for bound in ("lower", "upper"):
                ratio = bounds[f"{measure}_{bound}"] / bounds[measure].where(bounds[measure] > 0)
                sums[f"{measure}_{bound}"] = sums[f"predicted_{measure}"] * ratio
        named = sums.rename_axis("name").reset_index()
        named.insert(0, "kind", kind)
        rows.append(named.sort_values("predicted_value", ascending=False, kind="stable"))
    return pd.concat(rows, ignore_index=True)[INTERVALS]
