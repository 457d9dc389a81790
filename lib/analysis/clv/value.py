"""Lifetime value of customers: fits BG/NBD and Gamma-Gamma, predicts, and says when not to rely on the predictions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.analysis.clv.calendar import Calendar, fit_calendar
from lib.analysis.clv.models import BgNbd, GammaGamma
from lib.analysis.segments import usual_gap
from lib.errors import UsageError
from lib.formatting import decimal, integer

__all__ = [
    "VERSION", "Model", "Terms", "discounted_orders", "dropout_is_lost", "fit_models", "score", "spend_correlation",
]  # fmt: skip

VERSION = "BG/NBD and Gamma-Gamma with season and trend, 2"  # raised when the same data give other predictions
MONTH = 365.25 / 12  # days
LEAST_REPEATERS, FEW_REPEATERS = 10, 200  # repeat buyers for a model at all, and for one without a warning
CORRELATED = 0.3  # correlation of spend and frequency above which Gamma-Gamma's independence is doubtful
LEAST_DROPOUT, MOST_B = 0.01, 50  # beyond these the likelihood hardly changes with a and b
GAPS = 2  # minimum length of the history, in median gaps between orders


@dataclass(frozen=True)
class Model:
    """BG/NBD of orders and Gamma-Gamma of spend; both None without a model, where the last warning is the reason.

    calendar: the exposure that orders are modelled in; None if all days are alike.
    """

    orders: BgNbd | None
    spend: GammaGamma | None
    warnings: list[str]
    calendar: Calendar | None = None

    @property
    def parts(self) -> tuple[BgNbd, GammaGamma]:
        """Both models.

        Raises:
            UsageError: No model is fitted.
        """
        if self.orders is None or self.spend is None:
            raise UsageError(f"no model: {self.warnings[-1]} Check `refused` first.")
        return self.orders, self.spend

    @property
    def refused(self) -> bool:
        """Whether there is no model."""
        return self.orders is None

    def exposed(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The customers with recency and age in exposure."""
        return self.calendar.exposed(customers) if self.calendar else customers

    def ahead(self, days: float) -> float:
        """Exposure of the next days."""
        return self.calendar.ahead(days) if self.calendar else days

    def expected_orders(self, customers: pd.DataFrame, days: float) -> np.ndarray:
        """Expected purchases of each customer within the next days; NaN without a model."""
        if self.orders is None:
            return np.full(len(customers), np.nan)
        return self.orders.expected_orders(self.exposed(customers), self.ahead(days))

    def parameters(self) -> pd.DataFrame:
        """Model, parameter, estimate, standard_error: all parameters and two derived means; no rows without a model.

        Both numbers are NaN where the data do not identify the parameter: its standard error is at least as large as
        the estimate, or it describes a dropout that is not identified.
        """
        columns = ["model", "parameter", "estimate", "standard_error"]
        if self.orders is None or self.spend is None:
            return pd.DataFrame(columns=columns)
        rate, dropout = ("BG/NBD", "r / alpha", *self.orders.rate()), ("BG/NBD", "a / (a + b)", *self.orders.dropout())
        found = pd.DataFrame([*self.orders.rows(), rate, dropout, *self.spend.rows()], columns=columns)
        identified = found["standard_error"] < found["estimate"]
        if dropout_is_lost(self.orders):
            identified &= ~found["parameter"].isin(["a", "b", "a / (a + b)"])
        numbers = found[["estimate", "standard_error"]].where(identified)
        return found.assign(estimate=numbers["estimate"], standard_error=numbers["standard_error"])


def fit_models(customers: pd.DataFrame, daily: pd.DataFrame | None = None, ahead: int = 0) -> Model:
    """Fit both models, or refuse with a reason if there are too few repeat buyers or all spend the same.

    Args:
        customers: frequency, recency, age, purchases (frequency + 1) and monetary_value (mean revenue per purchase).
        daily: date, active_customers and new_customers of each day of the history, for its season and trend, see
            calendar.fit_calendar; all days are alike without it.
        ahead: Days of predictions after the history, with `daily`.
    """
    known = customers[customers["frequency"] > 0]
    found = f"{integer(len(known))} of {integer(len(customers))} buyers bought more than once"
    if len(known) < LEAST_REPEATERS:
        reason = (
            f"No model is fitted: {found}, and a model needs at least {LEAST_REPEATERS}. "
            "Segments and revenue to date do not need one."
        )
        return Model(None, None, [reason])
    warnings = _history_warnings(customers)
    if len(known) < FEW_REPEATERS:
        rough = f"Only {found}; below {FEW_REPEATERS} the estimates are rough: use them as an order of magnitude."
        warnings = [rough, *warnings]
    paying = _paying_repeaters(customers)
    if len(paying) < 2 or paying["monetary_value"].nunique() < 2:
        return Model(None, None, [*warnings, "No model is fitted: all repeat buyers spend the same per order."])
    orders, calendar = (BgNbd.fit(customers), None) if daily is None else fit_calendar(customers, daily, ahead)
    spend = GammaGamma.fit(paying["purchases"].to_numpy(), paying["monetary_value"].to_numpy())
    return Model(orders, spend, warnings + _fit_warnings(orders, customers), calendar)


def _history_warnings(customers: pd.DataFrame) -> list[str]:
    """A warning if the history is short compared with the usual gap between orders."""
    gap, history = usual_gap(customers), customers["age"].max()
    if history >= GAPS * gap:
        return []
    return [
        f"The history of {integer(history)} days is shorter than {GAPS} median gaps between orders ({integer(gap)} "
        "days each): a customer between two orders looks like one who has left."
    ]


def _paying_repeaters(customers: pd.DataFrame) -> pd.DataFrame:
    """Customers with repeat purchases of a positive value: Gamma-Gamma is not defined at 0."""
    return customers[(customers["frequency"] > 0) & (customers["monetary_value"] > 0)]


def _fit_warnings(orders: BgNbd, customers: pd.DataFrame) -> list[str]:
    """Warnings after a BG/NBD fit: dropout is not identified, or spend is correlated with frequency."""
    warnings = []
    if dropout_is_lost(orders):
        warnings.append(
            "The dropout rate cannot be estimated from these orders: the likelihood hardly changes with the parameters "
            "a and b. The report therefore shows no dropout and no totals; use the predictions to rank customers."
        )
    correlation = spend_correlation(customers)
    if abs(correlation) > CORRELATED:
        warnings.append(
            f"Spend per order is correlated with order frequency (correlation {decimal(correlation)}). The model "
            f"assumes independence, which is doubtful above {CORRELATED}: values of the best and of the "
            "weakest customers are biased."
        )
    return warnings


def dropout_is_lost(orders: BgNbd) -> bool:
    """Whether a BG/NBD fit does not identify dropout: near 0, within two standard errors of 0, or a flat likelihood."""
    chance, error = orders.dropout()
    return bool(chance < LEAST_DROPOUT or orders["b"] > MOST_B or not 2 * error < chance)


def spend_correlation(customers: pd.DataFrame) -> float:
    """Pearson's correlation of frequency and monetary_value among repeat buyers; 0 where one of them is constant."""
    known = _paying_repeaters(customers)[["frequency", "monetary_value"]].astype(float)
    if len(known) < 2 or (known.std() == 0).any():
        return 0.0
    return float(known["frequency"].corr(known["monetary_value"]))


@dataclass(frozen=True)
class Terms:
    """Terms of lifetime value: horizon in months, share of revenue kept as margin, annual discount rate.

    Example:
        >>> clv.Terms(horizon_months=6, margin=0.4)
        Terms(horizon_months=6, margin=0.4, discount_rate=0.1)
    """

    horizon_months: int = 12
    margin: float = 1.0
    discount_rate: float = 0.1

    @property
    def days(self) -> int:
        """Length of the horizon."""
        return round(self.horizon_months * MONTH)


def score(model: Model, customers: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """predicted_orders and predicted_value of each customer within the horizon; NaN where there is no model."""
    if model.orders is None or model.spend is None:
        return pd.DataFrame({"predicted_orders": np.nan, "predicted_value": np.nan}, index=customers.index)
    orders = model.expected_orders(customers, terms.horizon_months * MONTH)
    value = discounted_orders(model, customers, terms) * model.spend.expected_value(customers)
    return pd.DataFrame({"predicted_orders": orders, "predicted_value": value * terms.margin}, index=customers.index)


def discounted_orders(model: Model, customers: pd.DataFrame, terms: Terms) -> np.ndarray:
    """Sum over months t of the expected orders in month t / (1 + d)^t, with d the monthly discount rate."""
    monthly = (1 + terms.discount_rate) ** (1 / 12) - 1
    total, before = np.zeros(len(customers)), np.zeros(len(customers))
    for month in range(1, terms.horizon_months + 1):
        until = model.expected_orders(customers, month * MONTH)
        total += (until - before) / (1 + monthly) ** month
        before = until
    return total
