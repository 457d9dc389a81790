"""Scores of customers: models validated on the shop's past, predictions for each buyer, and tables of them."""

from lib.analysis.customers.scores import CustomerScores, concentration, risk_bands, score_customers
from lib.analysis.customers.validation import Validation, split, validate

__all__ = [
    "CustomerScores",
    "Validation",
    "concentration",
    "risk_bands",
    "score_customers",
    "split",
    "validate",
]
