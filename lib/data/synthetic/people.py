"""Where customers live: the shop's countries with their shares, and names and cities in their languages."""

import unicodedata
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lib.data.synthetic.arrays import columns, stream
from lib.data.synthetic.shop import Shop

__all__ = ["COUNTRIES", "COUNTRY_CODES", "COUNTRY_NAMES", "COUNTRY_SHARES", "Pools", "name_pools", "pool_rows"]

# Not Italy: in Faker 40 the order of it_IT's cities depends on PYTHONHASHSEED.
COUNTRIES = [  # code, name, Faker locale, share of the customers
    ("US", "United States", "en_US", 0.34),
    ("GB", "United Kingdom", "en_GB", 0.16),
    ("DE", "Germany", "de_DE", 0.13),
    ("FR", "France", "fr_FR", 0.09),
    ("CA", "Canada", "en_CA", 0.07),
    ("NL", "Netherlands", "nl_NL", 0.05),
    ("ES", "Spain", "es_ES", 0.05),
    ("PL", "Poland", "pl_PL", 0.04),
    ("AU", "Australia", "en_AU", 0.04),
    ("SE", "Sweden", "sv_SE", 0.03),
]
COUNTRY_CODES, COUNTRY_NAMES, _, COUNTRY_SHARES = columns(COUNTRIES)
SIZES = {"first_name": 60, "last_name": 80, "city": 40}  # draws of Faker per country


@dataclass(frozen=True)
class Pools:
    """Names and cities; entries k * SIZES[kind] to (k + 1) * SIZES[kind] of a list belong to country k."""

    first_names: list[str]
    last_names: list[str]
    cities: list[str]

    @cached_property
    def mailboxes(self) -> tuple[list[str], list[str]]:
        """First and last names in the spelling of e-mail addresses."""
        return [_ascii_letters(name) for name in self.first_names], [_ascii_letters(name) for name in self.last_names]


def pool_rows(kind: str, country: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Rows in the pool of `kind` for uniform numbers in [0, 1); the first entries of a country are frequent."""
    return country * SIZES[kind] + (SIZES[kind] * uniforms**1.5).astype(np.int64)


def name_pools(shop: Shop) -> Pools:
    """Names and cities of every country, drawn once: one call of Faker per customer takes a hundred times as long."""
    from faker import Faker  # imports in half a second and only customers need it

    pools: dict[str, list[str]] = {kind: [] for kind in SIZES}
    for code, _, locale, _ in COUNTRIES:
        fake = Faker(locale, providers=["faker.providers.person", "faker.providers.address"], use_weighting=False)
        fake.seed_instance(int(stream(shop, f"pool.{code}").integers(2**32)))
        for kind, size in SIZES.items():
            pools[kind] += [getattr(fake, kind)() for _ in range(size)]
    return Pools(*pools.values())


def _ascii_letters(name: str) -> str:
    """'Lemaître' -> 'lemaitre'; letters without an ASCII base are left out."""
    return "".join(c for c in unicodedata.normalize("NFKD", name).lower() if "a" <= c <= "z")
