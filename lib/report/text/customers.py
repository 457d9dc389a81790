"""Sentences and cards of the customer report: lifetime value and churn risk of scored buyers."""

import pandas as pd

from lib.analysis import clv
from lib.analysis.customers import CustomerScores
from lib.analysis.revenue import cumulative, share_at
from lib.formatting import decimal, integer, money, percent, signed_percent

__all__ = ["calibrated", "churn_risk", "facts", "headline", "proof"]


def headline(scores: CustomerScores, terms: clv.Terms, currency: str) -> str:
    """Expected orders and lifetime value of the buyers, or their revenue to date without predictions.

    Example:
        >>> buyers = pd.DataFrame({"revenue": [80.0, 20.0], "frequency": [3, 0]})
        >>> scores = customers.CustomerScores(clv.Model(None, None, []), buyers, [])
        >>> text.headline(scores, clv.Terms(), "USD")
        '2 buyers have a revenue of $100 to date; the top fifth holds 32.0% of it. There is no prediction, for the
        reasons below.'
    """
    buyers = scores.customers
    if buyers.empty:
        return "There are no buyers yet."
    revenue = (
        f"{integer(len(buyers))} buyers have a revenue of {money(buyers['revenue'].sum(), currency, digits=False)}"
    )
    if scores.model.refused:
        top = _top_fifth(buyers["revenue"])
        return f"{revenue} to date; the top fifth holds {top} of it. There is no prediction, for the reasons below."
    top = _top_fifth(buyers["predicted_value"])
    if not scores.has_totals:
        return (
            f"{revenue} to date. The total cannot be estimated from so few repeat purchases, but the ranking can: "
            f"the top fifth holds {top} of expected value."
        )
    orders, value = (scores.total(name) for name in ("predicted_orders", "predicted_value"))
    kind = "revenue" if terms.margin == 1 else "margin"
    extrapolated = " (extrapolated)" if scores.proof.days < terms.days else ""
    ordered, worth = (_bounds(scores, measure, currency) for measure in ("orders", "value"))
    return (
        f"{integer(len(buyers))} buyers are expected to place {integer(orders)} orders{ordered} in the next "
        f"{terms.horizon_months} months{extrapolated}, with a discounted {kind} of "
        f"{money(value, currency, digits=False)}{worth}; the top fifth holds {top} of it."
        f"{' See the warnings below.' if scores.warnings else ''}"
    )


def _bounds(scores: CustomerScores, measure: str, currency: str) -> str:
    """The 80 % prediction interval of the total in brackets; empty if there is none."""
    total = scores.intervals[scores.intervals["kind"] == "total"]
    bounds = total[[f"{measure}_lower", f"{measure}_upper"]].to_numpy(dtype=float).ravel()
    if not len(bounds) or pd.isna(bounds).any():
        return ""
    written = [integer(at) if measure == "orders" else money(at, currency, digits=False) for at in bounds]
    return f" (80 % prediction interval {written[0]} to {written[1]})"


def proof(scores: CustomerScores) -> str:
    """How predictions made at earlier dates compare with the observed orders and value.

    Example:
        >>> buyers = pd.DataFrame({"revenue": [80.0, 20.0], "frequency": [3, 0]})
        >>> scores = customers.CustomerScores(clv.Model(None, None, []), buyers, [])
        >>> text.proof(scores)
        'Totals are not tested, since they cannot be estimated.'
    """
    splits, days = scores.proof.splits, scores.proof.days
    if not scores.has_totals:
        return "Totals are not tested, since they cannot be estimated."
    if not days:
        return "The history is too short to test predictions at three earlier dates."
    errors = splits["expected_value"] / splits["observed_value"] - 1
    return (
        f"At {integer(len(splits))} earlier dates, the value predicted for the next {integer(days)} days differed from "
        f"the observed one by {signed_percent(errors.min())} to {signed_percent(errors.max())}."
    )


def calibrated(validation: clv.Validation) -> str:
    """Predicted against observed churn by tenth in the last window, with a calibration of the windows before.

    Example:
        >>> daily = pd.DataFrame({"date": pd.to_datetime([])})
        >>> text.calibrated(clv.validate({}, daily, 90, seed=42))
        'The churn risk cannot be tested out of time: that takes a past window of 90 days with enough outcomes, and one
        before it to calibrate on.'
    """
    tenths = validation.reliability
    if tenths.empty:
        return (
            f"The churn risk cannot be tested out of time: that takes a past window of {integer(validation.days)} days "
            "with enough outcomes, and one before it to calibrate on."
        )
    apart = (tenths["predicted_churn"] - tenths["observed_churn"]).abs().mean()
    inside = tenths["predicted_churn"].between(tenths["lower"], tenths["upper"]).sum()
    return (
        f"In the last {integer(validation.days)} days, predicted and observed churn of the tenths differ by "
        f"{decimal(100 * apart, 1)} points on average; {integer(inside)} of {integer(len(tenths))} predictions lie "
        "inside the 95 % interval of the observed share."
    )


def _top_fifth(values: pd.Series) -> str:
    """Share of the total that the largest fifth holds."""
    return percent(share_at(cumulative(values), 0.2))


def facts(scores: CustomerScores, terms: clv.Terms, currency: str) -> list[tuple[str, str, str]]:
    """Cards: label, value, note.

    Example:
        >>> buyers = pd.DataFrame({"revenue": [80.0, 20.0], "frequency": [3, 0]})
        >>> scores = customers.CustomerScores(clv.Model(None, None, []), buyers, [])
        >>> text.facts(scores, clv.Terms(), "USD")[0]
        ('buyers', '2', '1 with repeat purchases')
    """
    buyers = scores.customers
    orders, value = (scores.total(name) for name in ("predicted_orders", "predicted_value"))
    kind = "revenue" if terms.margin == 1 else "margin"
    return [
        ("buyers", integer(len(buyers)), f"{integer((buyers['frequency'] > 0).sum())} with repeat purchases"),
        ("revenue to date", money(buyers["revenue"].sum(), currency, digits=False), "net sales"),
        ("expected orders", integer(orders), f"in {terms.horizon_months} months"),
        (
            "predicted value",
            money(value, currency, digits=False),
            f"{kind}, discounted at {percent(terms.discount_rate)}",
        ),
    ]


def churn_risk(customers: pd.DataFrame, days: int, currency: str, *, totals: bool = True) -> str:
    """Mean churn risk, and the number and value of top buyers among the 40 % most at risk.

    Without their expected value if totals cannot be estimated.

    Example:
        >>> buyers = pd.DataFrame({"revenue": [80.0, 20.0], "churn_risk": [0.7, 0.3], "predicted_value": [40.0, 5.0]})
        >>> text.churn_risk(buyers, 90, "USD")
        'The mean probability of no order in the next 90 days is 50.0%. Of the top 1 buyers by revenue, 1 are among
        the 40% most at risk, with a revenue of $80 to date and an expected value of $40. Contact them first.'
    """
    known = customers.dropna(subset="churn_risk")
    if known.empty:
        return "There is no churn risk without a model."
    top = known[known["revenue"].rank(method="first", ascending=False) <= max(1, len(known) / 5)]
    at_risk = top[top["churn_risk"] >= known["churn_risk"].quantile(0.6)]
    revenue, future = (money(at_risk[name].sum(), currency, digits=False) for name in ("revenue", "predicted_value"))
    mean = percent(known["churn_risk"].mean())
    expected = f" and an expected value of {future}" if totals else ""
    return (
        f"The mean probability of no order in the next {days} days is {mean}. Of the top {integer(len(top))} buyers by "
        f"revenue, {integer(len(at_risk))} are among the 40% most at risk, with a revenue of {revenue} to date"
        f"{expected}. Contact them first."
    )
