"""Sentences and cards of the customer report: lifetime value and churn risk of scored buyers."""

import pandas as pd

from lib.analysis import clv
from lib.analysis.customers import CustomerScores
from lib.analysis.revenue import cumulative, share_at
from lib.report.display import integer, money, percent

__all__ = ["churn_risk", "facts", "headline"]


def headline(scores: CustomerScores, terms: clv.Terms, currency: str) -> str:
    """Expected orders and lifetime value of the buyers, or their revenue to date without predictions.

    Example:
        >>> buyers = pd.DataFrame({"revenue": [80.0, 20.0], "frequency": [3, 0]})
        >>> scores = customers.CustomerScores(clv.Model(None, None, []), buyers, 1.0, [])
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
    return (
        f"{integer(len(buyers))} buyers are expected to place {integer(orders)} orders in the next "
        f"{terms.horizon_months} months, with a discounted {kind} of {money(value, currency, digits=False)}; "
        f"the top fifth holds {top} of it."
        f"{' See the warnings below.' if scores.warnings else ''}"
    )


def _top_fifth(values: pd.Series) -> str:
    """Share of the total that the largest fifth holds."""
    return percent(share_at(cumulative(values), 0.2))


def facts(scores: CustomerScores, terms: clv.Terms, currency: str) -> list[tuple[str, str, str]]:
    """Cards: label, value, note.

    Example:
        >>> buyers = pd.DataFrame({"revenue": [80.0, 20.0], "frequency": [3, 0]})
        >>> scores = customers.CustomerScores(clv.Model(None, None, []), buyers, 1.0, [])
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
