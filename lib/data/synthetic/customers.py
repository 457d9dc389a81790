"""Customers: name, home, sign-up day, channel, and the hidden traits that determine their behaviour."""

import unicodedata
from dataclasses import dataclass, fields
from functools import cache, cached_property

import numpy as np
import pyarrow as pa
import scipy  # scipy imports its packages at their first use: a load needs none of them

from lib.data.synthetic.arrays import DAY, columns, date_array, pick, spread, stream, uuid_array, uuids, word_array
from lib.data.synthetic.calendar import growth, second_of_day, share_of_day
from lib.data.synthetic.campaigns import PAID_CHANNELS, Campaigns
from lib.data.synthetic.shop import COUNTRIES, COUNTRY_CODES, COUNTRY_NAMES, COUNTRY_SHARES, Counts, Shop

__all__ = [
    "BG_NBD",
    "CHANNELS",
    "SPEND",
    "Customers",
    "Pools",
    "customers_table",
    "draw_customers",
    "name_pools",
    "sign_ups",
]

CHANNELS = [  # channel, share of the customers without a campaign, share of its customers who ever buy
    ("organic", 0.45, 0.80),
    ("direct", 0.33, 0.85),
    ("referral", 0.22, 0.90),
    ("email", 0.0, 0.90),
    ("paid_search", 0.0, 0.80),
    ("social", 0.0, 0.65),
    ("display", 0.0, 0.55),
    ("affiliate", 0.0, 0.70),
]
_PAID_ROWS = np.array([[name for name, *_ in CHANNELS].index(name) for name, *_ in PAID_CHANNELS])
PAID_SHARE = 0.35  # share of the sign-ups that a campaign brings while it runs in their country
SIZES = {"first_name": 60, "last_name": 80, "city": 40}  # draws of Faker per country
TRAITS = ("signup", "country", "buys", "delay", "rate", "further", "spend", "visits")
MOST_ORDERS = 10_000  # of one customer; about one in a million would reach it
VISITS = 1.5  # shape of the gamma distribution of visit rates
QUIET = 7_200  # seconds of a day before its first sign-up, so that no visit begins before the sign-up day


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


def _pool_rows(kind: str, country: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
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


@dataclass(frozen=True)
class BgNbd:
    """Beta-geometric/NBD (Fader, Hardie, Lee 2005): rates are Gamma(r, alpha), dropout after an order is Beta(a, b).

    Rates are in orders per alpha days of shop time; alpha is solved in `orders.solve_alpha`.
    """

    r: float = 0.7
    a: float = 0.8
    b: float = 3.2


@dataclass(frozen=True)
class GammaGamma:
    """Order values are Gamma(p, nu) with nu ~ Gamma(q, gamma) per customer (Fader, Hardie 2013)."""

    p: float = 3.5
    q: float = 3.5


BG_NBD = BgNbd()
SPEND = GammaGamma()


@dataclass(frozen=True)
class Customers:
    """One entry per customer of a block, by sign-up.

    signed_up: seconds from 1970-01-01. campaign: row, -1 for none. Hidden traits: buys (whether ever), delay of the
    first order, rate, further (orders after the first until dropout), spend and visits, the last two relative to the
    mean of all customers.
    """

    number: np.ndarray
    ids: np.ndarray
    country: np.ndarray
    city: np.ndarray
    signed_up: np.ndarray
    channel: np.ndarray
    campaign: np.ndarray
    buys: np.ndarray
    delay: np.ndarray
    rate: np.ndarray
    further: np.ndarray
    spend: np.ndarray
    visits: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def concatenated(cls, parts: list["Customers"]) -> "Customers":
        """The customers of several blocks together."""
        return cls(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)})


def draw_customers(counts: Counts, campaigns: Campaigns, shop: Shop, block: int) -> Customers:
    """The customers of a block; their traits are independent of country, channel and each other."""
    number = counts.block_users(block)
    n = len(number)
    rng = stream(shop, "users", block)
    uniforms = spread(rng, n, TRAITS)
    day = shop.days[pick(np.cumsum(growth(shop)), uniforms["signup"])]
    by_day = np.argsort(day, kind="stable")
    day, uniforms = day[by_day], {name: column[by_day] for name, column in uniforms.items()}
    country = pick(np.cumsum(COUNTRY_SHARES), uniforms["country"])
    quiet = share_of_day(QUIET)
    campaign, channel = _arrivals(stream(shop, "users.arrival", block), campaigns, country, day)
    _, _, buying = columns(CHANNELS)
    return Customers(
        number=number,
        ids=uuids(stream(shop, "users.id", block), n),
        country=country,
        city=_pool_rows("city", country, rng.random(n)),
        signed_up=day * DAY + second_of_day(quiet + (1 - quiet) * rng.random(n)),
        channel=channel,
        campaign=campaign,
        buys=uniforms["buys"] < buying[channel],
        delay=-np.log1p(-uniforms["delay"]),
        rate=scipy.special.gammaincinv(BG_NBD.r, uniforms["rate"]),
        further=_further_orders(uniforms["further"]),
        spend=1 / scipy.special.gammaincinv(SPEND.q, uniforms["spend"]),
        visits=scipy.special.gammaincinv(VISITS, uniforms["visits"]) / VISITS,
    )


def _further_orders(uniforms: np.ndarray) -> np.ndarray:
    """Orders after the first until dropout, at least one: beta-geometric, by inversion of uniform numbers.

    P(more than k) = B(a, b + k) / B(a, b), the mean over the customers' dropout probabilities.
    """
    return np.searchsorted(-_chances_of_more(), -uniforms, side="right")


@cache
def _chances_of_more() -> np.ndarray:
    """Probability of more than k further orders, for each k."""
    a, b = BG_NBD.a, BG_NBD.b
    return np.exp(scipy.special.betaln(a, b + np.arange(MOST_ORDERS)) - scipy.special.betaln(a, b))


def _arrivals(
    rng: np.random.Generator, campaigns: Campaigns, country: np.ndarray, day: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Campaign (-1 for none) and channel (row of CHANNELS) that brought each customer."""
    _, shares, _ = columns(CHANNELS)
    chance, which, other = rng.random((3, len(day)))
    campaign = np.where(chance < PAID_SHARE, campaigns.running(country, day, which), -1)
    channel = pick(np.cumsum(shares), other)
    paid = campaign >= 0
    channel[paid] = _PAID_ROWS[campaigns.channel[campaign[paid]]]
    return campaign, channel


def sign_ups(counts: Counts, campaigns: Campaigns, shop: Shop) -> tuple[np.ndarray, np.ndarray]:
    """Expected customers and expected buyers, each by country and day of sign-up."""
    _, shares, buying = columns(CHANNELS)
    everyone = counts.users * np.outer(COUNTRY_SHARES / COUNTRY_SHARES.sum(), growth(shop))
    running = campaigns.sums(np.ones(len(campaigns)))
    paid = campaigns.sums(buying[_PAID_ROWS[campaigns.channel]]) / np.maximum(running, 1)
    unpaid = shares @ buying
    return everyone, everyone * np.where(running > 0, PAID_SHARE * paid + (1 - PAID_SHARE) * unpaid, unpaid)


def customers_table(customers: Customers, pools: Pools, campaigns: Campaigns, shop: Shop, block: int) -> pa.Table:
    """The table `users`: names and cities of the country; unique addresses in the domains reserved for examples."""
    rng = stream(shop, "users.names", block)
    uniforms = rng.random((2, len(customers)))
    first = _pool_rows("first_name", customers.country, uniforms[0]).tolist()
    last = _pool_rows("last_name", customers.country, uniforms[1]).tolist()
    first_parts, last_parts = pools.mailboxes
    emails = [
        f"{first_parts[f]}.{last_parts[s]}{number + 1}@example.{('com', 'org', 'net')[number % 3]}"
        for f, s, number in zip(first, last, customers.number.tolist(), strict=True)
    ]
    names = [f"{pools.first_names[f]} {pools.last_names[s]}" for f, s in zip(first, last, strict=True)]
    return pa.table(
        {
            "user_id": uuid_array(customers.ids),
            "email": pa.array(emails, pa.string()),
            "name": pa.array(names, pa.string()),
            "country_code": word_array(COUNTRY_CODES.tolist(), customers.country),
            "country": word_array(COUNTRY_NAMES.tolist(), customers.country),
            "city": word_array(pools.cities, customers.city),
            "acquisition_channel": word_array([channel for channel, *_ in CHANNELS], customers.channel),
            "campaign_id": uuid_array(campaigns.ids, customers.campaign),
            "signup_date": date_array(customers.signed_up // DAY),
            "is_guest": pa.repeat(False, len(customers)),
        }
    )
