"""Tables and figures' data about scored buyers: how much hangs on a few, who is leaving."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.analysis import churn, clv, segments
from lib.analysis.customers.validation import DIGITS, Proof
from lib.formatting import decimal, integer

__all__ = ["Outlook", "best_share", "concentration", "outlook", "risk_bands"]


def concentration(customers: pd.DataFrame) -> pd.DataFrame:
    """Share of revenue and of predicted value that the best share of customers holds, each by its own order."""
    share = np.linspace(0, 1, 51)
    held = {name: _held(customers[name], share).round(DIGITS) for name in ("revenue", "predicted_value")}
    return pd.DataFrame({"share_of_customers": share.round(DIGITS), **held})


def _held(values: pd.Series, share: np.ndarray) -> np.ndarray:
    ranked = np.sort(values.to_numpy(dtype=float))[::-1].cumsum()
    if not len(ranked) or not ranked[-1] > 0:
        return np.full(len(share), np.nan)
    return np.interp(share * len(ranked), np.arange(len(ranked) + 1), np.append(0, ranked)) / ranked[-1]


def best_share(values: pd.Series) -> float:
    """Share of the whole that the best fifth holds, by interpolation; NaN where there is nothing to hold."""
    return float(_held(values, np.array([0.2]))[0])


def risk_bands(customers: pd.DataFrame) -> pd.DataFrame:
    """Fifths of the buyers by churn risk, the most at risk first: customers, lowest risk, revenue, predicted_value."""
    known = customers.dropna(subset="churn_risk")
    place = known["churn_risk"].rank(method="first", ascending=False) - 1
    fifth = (5 * place // max(len(known), 1)).astype(int)
    bands = known.groupby(fifth).agg(
        customers=("churn_risk", "size"),
        churn_risk=("churn_risk", "mean"),
        revenue=("revenue", "sum"),
        predicted_value=("predicted_value", "sum"),
    )
    names = ["most at risk", "second", "third", "fourth", "least at risk"]
    bands.insert(0, "fifth", [names[number] for number in bands.index])
    total = known["revenue"].sum()
    return bands.assign(share_of_revenue=bands["revenue"] / total if total else np.nan).reset_index(drop=True)


SCALED_FAR = 2.0


@dataclass(frozen=True)
class Outlook:
    """Every buyer with segment and predictions (customers), what they were scaled by, and the doubts, as sentences."""

    model: clv.Model
    customers: pd.DataFrame
    factor: float
    findings: list[str]

    @property
    def tells_totals(self) -> bool:
        """Whether there is a model, and it knows how often customers leave: without that all would go on for ever."""
        return not self.model.refused and not clv.dropout_is_lost(self.model.orders)

    def total(self, column: str) -> float:
        """Sum of a predicted column over all buyers; NaN where it cannot be told."""
        return float(self.customers[column].sum()) if self.tells_totals else np.nan

    @property
    def notes(self) -> pd.DataFrame:
        """What is to be known before the numbers are used: the doubts, and what predictions were multiplied by."""
        known = self.findings or ["Nothing in these orders speaks against the models."]
        scaled = f"All predictions are multiplied by {decimal(self.factor)}, which brings them to the forecast."
        return pd.DataFrame({"before_the_numbers_are_used": known if self.model.refused else [*known, scaled]})

    @property
    def version(self) -> str | None:
        """Name and number of the models; None where they refused."""
        return None if self.model.refused else clv.VERSION


def outlook(history: pd.DataFrame, proof: Proof, terms: clv.Terms, coming: float) -> Outlook:
    """Scores of all buyers as of today.

    `coming` is the forecast of the shop's revenue in the next proof.days: of it, the share that buyers of before had in
    the last so many days is what the predictions are scaled to. The ranking stays the model's.
    """
    model = clv.fit_models(history)
    scored = pd.concat([history, segments.rfm(history), clv.score(model, history, terms)], axis=1)
    if model.refused:
        return Outlook(model, scored.assign(churn_risk=np.nan), 1.0, [finding.text for finding in model.findings])
    expected = clv.bg_nbd.expected_orders(model.orders, history, proof.days)
    worth = expected @ clv.gamma_gamma.expected_value(model.spend, history)
    factor = clv.scale_factor(worth, coming * proof.known_share)
    customers = scored.assign(
        predicted_orders=scored["predicted_orders"] * factor,
        predicted_value=scored["predicted_value"] * factor,
        churn_risk=churn.risk(expected, proof.calibration),
    )
    findings = [*(finding.text for finding in model.findings), *_about_scale(factor), *_about_risk(proof)]
    return Outlook(model, customers, factor, findings)


def _about_scale(factor: float) -> list[str]:
    if 1 / SCALED_FAR <= factor <= SCALED_FAR:
        return []
    return [
        f"Model and forecast are far apart: predictions were multiplied by {decimal(factor)}. The models know no "
        "season and no trend; trust the ranking more than the amounts."
    ]


def _about_risk(proof: Proof) -> list[str]:
    if proof.calibration:
        return []
    return [
        f"The churn risk is not calibrated: in the last {proof.days} days too few of the {integer(proof.customers)} "
        "buyers of before ordered, or too few did not. It is the model's own, for orders that come one by one."
    ]
