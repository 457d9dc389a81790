"""Both models of a shop's customers, how often they buy and what for, with the doubts about them."""

from dataclasses import dataclass

import pandas as pd

from lib.clv import bg_nbd, gamma_gamma
from lib.clv.diagnostics import Finding, doubts_of_data, doubts_of_fit, dropout_is_lost, repeaters
from lib.clv.fitting import Fit

__all__ = ["VERSION", "Model", "fit_models"]

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
