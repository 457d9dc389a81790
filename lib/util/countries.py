"""ISO 3166 country codes and English names, from the CLDR data in babel."""

from functools import cache

from babel import Locale
from babel.core import get_global

__all__ = ["alpha3", "code", "name"]

WITHDRAWN = {"BUR", "DDR", "FXX", "TMP", "YMD", "ZAR"}  # withdrawn by ISO but still in CLDR
# Two-letter codes in CLDR for unions of countries, parts of countries and placeholders.
NOT_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}


def alpha3(alpha2: str) -> str | None:
    """Three-letter code of a country, `GBR` for `GB`; None for an unknown code."""
    return _alpha3_codes().get(alpha2)


def code(name: str) -> str | None:
    """Two-letter code of a country's English name, ignoring case: `GB` for `United Kingdom`; None if unknown."""
    return _codes().get(name.casefold())


def name(alpha2: str) -> str | None:
    """English name of a country, `United Kingdom` for `GB`; None for an unknown code."""
    return str(Locale("en").territories[alpha2]) if alpha3(alpha2) else None


@cache
def _alpha3_codes() -> dict[str, str]:
    aliases = get_global("territory_aliases")
    current = {old: new for old, new in aliases.items() if len(old) == 3 and old.isalpha() and old not in WITHDRAWN}
    countries = set(_codes().values())
    return {new[0]: old for old, new in current.items() if len(new) == 1 and new[0] in countries}


@cache
def _codes() -> dict[str, str]:
    names = Locale("en").territories.items()
    return {name.casefold(): code for code, name in names if len(code) == 2 and code not in NOT_COUNTRIES}
