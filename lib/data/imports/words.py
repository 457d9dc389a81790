"""Lines of a proposal for the words of a file that mean states and countries, with their guessed meanings."""

import json
from collections import Counter
from collections.abc import Iterator

from lib.util.countries import alpha3, code, code_of_word
from lib.util.similar import folded

__all__ = ["countries", "states"]

STATES = {  # words for the state of an order in other languages and systems -> ours
    "completed": "complete completed paid delivered done closed bezahlt abgeschlossen geliefert erledigt "
    "payé payée livré livrée terminé terminée pagado entregado completado",
    "shipped": "shipped dispatched fulfilled sent versendet versandt expédié expédiée envoyé envoyée enviado",
    "pending": "pending processing open new unpaid on-hold unfulfilled offen neu in-bearbeitung in-wartestellung "
    "zahlung-ausstehend en-attente en-cours pendiente pendiente-de-pago en-espera procesando",
    "cancelled": "cancelled canceled voided failed storniert fehlgeschlagen annulé annulée échoué échouée "
    "cancelado anulado fallido",
    "refunded": "refunded returned erstattet rückerstattet retourniert remboursé remboursée reembolsado devuelto",
}
SHOWN_WORDS = 20


def states(words: Counter[str]) -> Iterator[str]:
    """Words of the file for states of an order, with the guessed meanings."""
    known = {folded(word.replace("-", " ")): state for state, listed in STATES.items() for word in listed.split()}
    if not words:
        return
    yield "  statuses:                 # pending, shipped, completed, cancelled or refunded"
    for word in list(words)[:SHOWN_WORDS]:
        state = known.get(folded(word.removeprefix("wc-").replace("-", " ")))  # WooCommerce writes wc-completed
        text = json.dumps(word, ensure_ascii=False)
        yield f"    {text}: {state}  # guessed" if state else f"    # {text}:  # missing: its state; remove the first #"


def countries(words: Counter[str]) -> Iterator[str]:
    """Names of countries that are neither English nor codes, with the guessed codes."""
    others = [word for word in words if not (code(word) or alpha3(word))]
    if others:
        yield '  countries:                # ISO 3166 codes; "" for none'
    for word in others[:SHOWN_WORDS]:
        found, text = code_of_word(word), json.dumps(word, ensure_ascii=False)
        yield (
            f'    {text}: "{found}"  # guessed' if found else f"    # {text}:  # missing: its code; remove the first #"
        )
