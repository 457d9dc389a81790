"""When not to trust the models: what is refused, what is worth a warning, in the words of the report."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.analysis.clv import bg_nbd, gamma_gamma
from lib.analysis.clv.fitting import Fit
from lib.formatting import decimal, integer

__all__ = [
    "MONTH",
    "VERSION",
    "Finding",
    "Model",
    "Terms",
    "discounted_orders",
    "doubts_of_data",
    "doubts_of_fit",
    "dropout_is_lost",
    "fit_models",
    "repeaters",
    "scale_factor",
    "score",
    "spend_correlation",
]

LEAST_REPEATERS, FEW_REPEATERS = 10, 200
CORRELATED = 0.3
LEAST_DROPOUT, MOST_B = 0.01, 50  # beyond these the likelihood hardly changes with a and b
GAPS = 2  # median gaps between orders that the history should hold


@dataclass(frozen=True)
class Finding:
    """A sentence of the report; `refused` when for this reason there is no model."""

    text: str
    refused: bool = False


def repeaters(customers: pd.DataFrame) -> pd.DataFrame:
    """Those who bought more than once, for money: the spend model knows no value of 0."""
    return customers[(customers["frequency"] > 0) & (customers["monetary_value"] > 0)]


def doubts_of_data(customers: pd.DataFrame) -> list[Finding]:
    """What the customers' histories say against any fit: too few repeat buyers, too short a time."""
    known = customers[customers["frequency"] > 0]
    found = f"{integer(len(known))} of {integer(len(customers))} buyers bought more than once"
    if len(known) < LEAST_REPEATERS:
        return [
            Finding(
                f"No model is fitted, since {found}, and it takes at least {LEAST_REPEATERS} to tell customers apart. "
                "Segments and sums to date do not need one.",
                refused=True,
            )
        ]
    found_few = len(known) < FEW_REPEATERS
    few = [Finding(f"Only {found}; below {FEW_REPEATERS} the estimates are rough: read them as an order of size.")]
    return (few if found_few else []) + _too_short(customers, known)


def _too_short(customers: pd.DataFrame, known: pd.DataFrame) -> list[Finding]:
    """The history beside the median gap: of each repeat buyer the mean days between purchases, of these the median."""
    gap, history = (known["recency"] / known["frequency"]).median(), customers["age"].max()
    if history >= GAPS * gap:
        return []
    return [
        Finding(
            f"The history of {integer(history)} days is shorter than {GAPS} usual gaps between orders ({integer(gap)} "
            "days each): who is between two orders looks like who has left."
        )
    ]


def doubts_of_fit(orders: Fit, customers: pd.DataFrame) -> list[Finding]:
    """What the fit and the spend say against using them: dropout that cannot be told, spend that goes with frequency.

    `orders` is a BG/NBD fit.
    """
    correlation = spend_correlation(customers)
    unsettled = Finding(
        "How often customers leave cannot be told from these orders: the likelihood hardly changes with the parameters "
        "a and b. So no chance to leave is shown and no total of what is expected; use the predictions to rank "
        "customers."
    )
    together = Finding(
        f"What repeat buyers spend per order goes with how often they order (correlation {decimal(correlation)}; the "
        f"model takes them as independent, and above {CORRELATED} that is doubtful): values of the best and of the "
        "weakest customers are off."
    )
    return [unsettled] * dropout_is_lost(orders) + [together] * bool(abs(correlation) > CORRELATED)


def dropout_is_lost(orders: Fit) -> bool:
    """Whether a BG/NBD fit leaves open how often customers leave: never, within two standard errors, or flat."""
    chance, error = bg_nbd.dropout(orders)
    return bool(chance < LEAST_DROPOUT or orders["b"] > MOST_B or not 2 * error < chance)


def spend_correlation(customers: pd.DataFrame) -> float:
    """Pearson's correlation of frequency and monetary_value among repeat buyers; 0 where one of them is constant."""
    known = repeaters(customers)[["frequency", "monetary_value"]].astype(float)
    if len(known) < 2 or (known.std() == 0).any():
        return 0.0
    return float(known.corr().iloc[0, 1])


VERSION = "BG/NBD and Gamma-Gamma, 1"  # another number for the same data giving other predictions


@dataclass(frozen=True)
class Model:
    """BG/NBD of purchases and Gamma-Gamma of their value, None where refused; findings say why, or what to doubt."""

    orders: Fit | None
    spend: Fit | None
    findings: list[Finding]

    @property
    def refused(self) -> bool:
        """Whether there is no model."""
        return self.orders is None

    def parameters(self) -> pd.DataFrame:
        """Every parameter, and the two means that follow, with estimate and standard error; none where refused.

        Both are NaN where the data do not settle the parameter: its error is as large as itself, or it is about dropout
        that cannot be told.
        """
        if self.refused:
            return pd.DataFrame(columns=["model", "parameter", "estimate", "standard_error"])
        means = {"r / alpha": bg_nbd.rate(self.orders), "a / (a + b)": bg_nbd.dropout(self.orders)}
        rows = [{"model": "BG/NBD", "parameter": n, "estimate": v, "standard_error": e} for n, (v, e) in means.items()]
        found = pd.concat([self.orders.frame(), pd.DataFrame(rows), self.spend.frame()], ignore_index=True)
        settled = found["standard_error"] < found["estimate"]
        lost = found["parameter"].isin(["a", "b", "a / (a + b)"]) & dropout_is_lost(self.orders)
        return found.assign(**found[["estimate", "standard_error"]].where(settled & ~lost))


def fit_models(customers: pd.DataFrame) -> Model:
    """The models of customers with frequency, recency, age, purchases (frequency + 1) and monetary_value, their mean.

    Too few repeat buyers, or none, is a finding, not an error.
    """
    findings = doubts_of_data(customers)
    known = repeaters(customers)
    if any(finding.refused for finding in findings):
        return Model(None, None, findings)
    if len(known) < 2 or known["monetary_value"].nunique() < 2:
        alike = Finding("No model is fitted, since all repeat buyers spend the same per order.", refused=True)
        return Model(None, None, [*findings, alike])
    orders = bg_nbd.fit(customers)
    spend = gamma_gamma.fit(known["purchases"].to_numpy(), known["monetary_value"].to_numpy())
    return Model(orders, spend, findings + doubts_of_fit(orders, customers))


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
