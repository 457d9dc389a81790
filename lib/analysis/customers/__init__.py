"""What the report on customers says: the proof on the shop's past, each buyer's scores from it, tables and words."""

from lib.analysis.customers.scores import Outlook, concentration, outlook, risk_bands
from lib.analysis.customers.validation import Proof, prove, split

__all__ = [
    "Outlook",
    "Proof",
    "concentration",
    "outlook",
    "prove",
    "risk_bands",
    "split",
]
