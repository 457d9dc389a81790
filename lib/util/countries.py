"""ISO 3166 codes of countries, from the CLDR data that babel carries."""

from functools import cache

from babel import Locale
from babel.core import get_global

__all__ = ["alpha3", "code", "name"]

WITHDRAWN = {"BUR", "DDR", "FXX", "TMP", "YMD", "ZAR"}  # CLDR keeps codes that ISO gave up
# Two letters in CLDR, but a union, a part of a country or a stand-in.
NO_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}


def alpha3(alpha2: str) -> str | None:
    """`GBR` for `GB`; None for what is no country's code."""
    return _alpha3_codes().get(alpha2)


def code(name: str) -> str | None:
    """`GB` for `United Kingdom`, whatever its capitals; None for what is no country's English name in CLDR."""
    return _codes().get(name.casefold())


def name(alpha2: str) -> str | None:
    """`United Kingdom` for `GB`; None for what is no country's code."""
    return Locale("en").territories.get(alpha2) if alpha3(alpha2) else None


@cache
def _alpha3_codes() -> dict[str, str]:
    aliases = get_global("territory_aliases")
    living = {old: new for old, new in aliases.items() if len(old) == 3 and old.isalpha() and old not in WITHDRAWN}
    countries = set(_codes().values())
    return {new[0]: old for old, new in living.items() if len(new) == 1 and new[0] in countries}


@cache
def _codes() -> dict[str, str]:
    names = Locale("en").territories.items()
    return {name.casefold(): code for code, name in names if len(code) == 2 and code not in NO_COUNTRIES}
