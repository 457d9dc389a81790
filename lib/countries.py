"""ISO 3166 codes of countries, from the CLDR data that babel carries."""

from functools import cache

from babel.core import get_global

__all__ = ["alpha3"]

WITHDRAWN = {"BUR", "DDR", "FXX", "TMP", "YMD", "ZAR"}  # CLDR keeps codes that ISO gave up


def alpha3(alpha2: str) -> str | None:
    """`GBR` for `GB`; None for what is no country's code."""
    return _alpha3_codes().get(alpha2)


@cache
def _alpha3_codes() -> dict[str, str]:
    aliases = get_global("territory_aliases")
    living = {old: new for old, new in aliases.items() if len(old) == 3 and old.isalpha() and old not in WITHDRAWN}
    return {new[0]: old for old, new in living.items() if len(new) == 1}
