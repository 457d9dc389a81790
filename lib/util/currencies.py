"""The number of decimals of each currency."""

__all__ = ["decimals_in_words", "decimals_of"]

# Minor units of ISO 4217 where they are not two. babel has those of everyday use instead, which are none for currencies
# such as the Serbian dinar, in which shops have prices of two decimals.
MINOR_UNITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND"), 0),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def decimals_of(currency: str) -> int:
    """Decimals of amounts in a currency: 2 for USD, 0 for JPY, 3 for KWD; 2 for one that is not known."""
    return MINOR_UNITS.get(currency, 2)


def decimals_in_words(currency: str) -> str:
    """The beginning of a sentence: `USD has two decimals`."""
    return f"{currency} has {('no', 'one', 'two', 'three')[decimals_of(currency)]} decimals"
