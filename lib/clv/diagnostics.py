"""When not to trust the models: what is refused, what is worth a warning, in the words of the report."""

from dataclasses import dataclass

import pandas as pd

from lib.clv import bg_nbd
from lib.clv.fitting import Fit
from lib.formats import decimal, integer

__all__ = ["Finding", "doubts_of_data", "doubts_of_fit", "dropout_is_lost", "repeaters", "spend_correlation"]

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
