"""Customers: when they signed up, what brought them, and names and cities of their country."""

import unicodedata

import numpy as np
import pandas as pd

from lib.generate.campaigns import running_campaign
from lib.generate.shop import DEMO_SHOP, Shop, check_count
from lib.generate.streams import draw, stream, uuids
from lib.generate.traffic import seasonality
from lib.generate.values import columns, labels, lookup, to_dates

__all__ = ["generate_users"]

# Not Italy: in Faker 40 the order of it_IT's cities hangs on PYTHONHASHSEED.
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
POOL = {"first_name": 60, "last_name": 80, "city": 40}  # draws of Faker per country
UNPAID_CHANNELS = [  # channel, share of the customers whom no campaign brought
    ("organic", 0.45),
    ("direct", 0.33),
    ("referral", 0.22),
]


def generate_users(n: int, campaigns: pd.DataFrame | None = None, *, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """n customers in order of sign-up, with names and cities of their country; about a third came by a campaign."""
    check_count(n, "users")
    codes, countries, _, shares = columns(COUNTRIES)
    rng = stream(shop, "users")
    signup = np.sort(shop.days[draw(rng, _signup_intensity(shop), n)])
    country = draw(rng, shares, n)
    first, last, city = (country * size + (size * rng.random(n) ** 1.5).astype(np.int64) for size in POOL.values())
    pools = _pools(shop)
    arrival = stream(shop, "users.arrival")
    campaign = running_campaign(arrival, signup, campaigns, share=0.35)
    channels, weights = columns(UNPAID_CHANNELS)
    unpaid = labels(channels, draw(arrival, weights, n))
    return pd.DataFrame(
        {
            "user_id": uuids(stream(shop, "users.id"), n),
            "email": _emails(pools["first_name"], pools["last_name"], first, last),
            "name": labels(pools["first_name"], first) + " " + labels(pools["last_name"], last),
            "country_code": labels(codes, country),
            "country": labels(countries, country),
            "city": labels(pools["city"], city),
            "acquisition_channel": lookup(campaigns, "channel", campaign).fillna(unpaid),
            "campaign_id": lookup(campaigns, "campaign_id", campaign),
            "signup_date": to_dates(signup),
        }
    )


def _signup_intensity(shop: Shop) -> np.ndarray:
    """Relative sign-ups per day: a launch that fades, then steady growth, both times the calendar."""
    age = np.arange(shop.history_days)
    return (1 + 4 * np.exp(-age / 20) + 0.6 * age / shop.history_days) * seasonality(shop)


def _pools(shop: Shop) -> dict[str, list[str]]:
    """First names, last names and cities; the entries of country k stand together, as the k-th block of POOL[what]."""
    from faker import Faker  # half a second, and only customers need it

    pools: dict[str, list[str]] = {what: [] for what in POOL}
    for code, _, locale, _ in COUNTRIES:
        fake = Faker(locale, providers=["faker.providers.person", "faker.providers.address"], use_weighting=False)
        fake.seed_instance(int(stream(shop, f"pool.{code}").integers(2**32)))
        for what, size in POOL.items():
            pools[what] += [getattr(fake, what)() for _ in range(size)]
    return pools


def _emails(first_names: list[str], last_names: list[str], first: np.ndarray, last: np.ndarray) -> pd.Series:
    """Addresses first.last<row number>@example.*: unique, since letters alone come before the number."""
    number = pd.Series(np.arange(1, len(first) + 1)).astype("str")
    domain = labels(["@example.com", "@example.org", "@example.net"], np.arange(len(first)) % 3)
    first_parts, last_parts = ([_ascii_letters(name) for name in names] for names in (first_names, last_names))
    return labels(first_parts, first) + "." + labels(last_parts, last) + number + domain


def _ascii_letters(name: str) -> str:
    """'Lemaître' -> 'lemaitre'; letters without an ASCII base are left out."""
    return "".join(c for c in unicodedata.normalize("NFKD", name).lower() if "a" <= c <= "z")
