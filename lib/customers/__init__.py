"""What the report on customers says: the proof on the shop's past, each buyer's scores from it, tables and words."""

from lib.customers.outlook import Outlook, outlook
from lib.customers.proof import Proof, prove, split
from lib.customers.tables import concentration, risk_bands
from lib.customers.words import facts, headline, leaving

__all__ = [
    "Outlook",
    "Proof",
    "concentration",
    "facts",
    "headline",
    "leaving",
    "outlook",
    "prove",
    "risk_bands",
    "split",
]
