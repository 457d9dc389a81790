"""What is said of scored buyers in words: the headline, the key figures, who is leaving."""

import pandas as pd

from lib.analysis import clv
from lib.analysis.customers.scores import Outlook, best_share
from lib.report.display import integer, money, percent

__all__ = ["facts", "headline", "leaving"]


def headline(outlook: Outlook, terms: clv.Terms, currency: str) -> str:
    """One sentence: what the buyers are expected to be worth, or have brought where nothing is predicted."""
    buyers = outlook.customers
    if buyers.empty:
        return "Nobody has bought anything yet."
    brought = (
        f"{integer(len(buyers))} buyers so far have brought {money(buyers['revenue'].sum(), currency, digits=False)}"
    )
    if outlook.model.refused:
        return f"The {brought}, the best fifth of them {percent(best_share(buyers['revenue']))}; no model says more."
    best = f"the most valuable fifth of them hold {percent(best_share(buyers['predicted_value']))}"
    if not outlook.tells_totals:
        return f"The {brought}. How much they will bring cannot be told, only who: {best} of what is expected."
    orders, value = (outlook.total(name) for name in ("predicted_orders", "predicted_value"))
    kind = "revenue" if terms.margin == 1 else "margin"
    return (
        f"The {integer(len(buyers))} buyers so far are expected to order {integer(orders)} times in the next "
        f"{terms.horizon_months} months, worth {money(value, currency, digits=False)} of {kind} in today's money; "
        f"{best} of it."
        f"{' This is to be taken with the doubts below.' if outlook.findings else ''}"
    )


def facts(outlook: Outlook, terms: clv.Terms, currency: str) -> list[tuple[str, str, str]]:
    """Key figures for cards: label, value, note."""
    buyers = outlook.customers
    orders, value = (outlook.total(name) for name in ("predicted_orders", "predicted_value"))
    kind = "revenue" if terms.margin == 1 else "margin"
    return [
        ("buyers", integer(len(buyers)), f"{integer((buyers['frequency'] > 0).sum())} of them more than once"),
        ("revenue to date", money(buyers["revenue"].sum(), currency, digits=False), "completed orders"),
        ("expected orders", integer(orders), f"in {terms.horizon_months} months"),
        (
            "predicted value",
            money(value, currency, digits=False),
            f"{kind}, discounted at {percent(terms.discount_rate)}",
        ),
    ]


def leaving(customers: pd.DataFrame, days: int, currency: str) -> str:
    """A sentence on the best fifth by revenue: how many are in the two fifths most at risk, and their worth."""
    known = customers.dropna(subset="churn_risk")
    if known.empty:
        return "No churn risk is told, since there is no model."
    best = known[known["revenue"].rank(method="first", ascending=False) <= max(1, len(known) / 5)]
    threatened = best[best["churn_risk"] >= known["churn_risk"].quantile(0.6)]
    revenue, future = (money(threatened[name].sum(), currency, digits=False) for name in ("revenue", "predicted_value"))
    silent = percent(known["churn_risk"].mean())
    return (
        f"The chance that a buyer orders nothing in the next {days} days is {silent} on average. Of the "
        f"{integer(len(best))} best by revenue, {integer(len(threatened))} are among the two fifths most at risk: they "
        f"brought {revenue} and are expected to bring {future}. Write to them first."
    )
