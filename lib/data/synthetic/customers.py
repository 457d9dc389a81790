"""Customers: when and where they signed up, what brought them, and the hidden traits that decide what they do."""

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import pyarrow as pa
from scipy.special import betaln, gammaincinv

from lib.data.synthetic.arrays import DAY, columns, date_array, pick, spread, stream, uuid_array, uuids, word_array
from lib.data.synthetic.calendar import growth, second_of_day, share_of_day
from lib.data.synthetic.campaigns import PAID_CHANNELS, Campaigns
from lib.data.synthetic.people import COUNTRY_CODES, COUNTRY_NAMES, COUNTRY_SHARES, Pools, pool_rows
from lib.data.synthetic.shop import Counts, Shop

__all__ = ["BG_NBD", "CHANNELS", "SPEND", "Customers", "customers_table", "draw_customers", "sign_ups"]

CHANNELS = [  # channel, share among the customers whom no campaign brought, share of its customers who ever buy
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
PAID_SHARE = 0.35  # of those who sign up where and while a campaign runs
TRAITS = ("signup", "country", "buys", "delay", "rate", "further", "spend", "visits")
MOST_ORDERS = 10_000  # of a customer; hardly one in a million would place as many
VISITS = 1.5  # shape of the gamma distribution of how often customers visit
QUIET = 7_200  # seconds of the sign-up day before the earliest sign-up: no visit of it begins the day before


@dataclass(frozen=True)
class BgNbd:
    """Beta-geometric/NBD (Fader, Hardie, Lee 2005): rates are Gamma(r, alpha), dropout after an order is Beta(a, b).

    alpha is solved elsewhere, so here it is 1: the rates are in orders per alpha days of shop time.
    """

    r: float = 0.7
    a: float = 0.8
    b: float = 3.2


@dataclass(frozen=True)
class GammaGamma:
    """Values of orders are Gamma(p, nu) with nu ~ Gamma(q, gamma) per customer (Fader, Hardie 2013)."""

    p: float = 3.5
    q: float = 3.5


BG_NBD = BgNbd()
SPEND = GammaGamma()


@dataclass(frozen=True)
class Customers:
    """One entry per customer of a block, by sign-up; signed_up in seconds from 1970-01-01, campaign -1 for none.

    The last six are hidden: whether they ever buy, how late, how often, how many further orders they would place
    before they leave, how much they spend and how often they visit, each beside the mean of all.
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
        """All of them as one."""
        return cls(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)})


def draw_customers(counts: Counts, campaigns: Campaigns, shop: Shop, block: int) -> Customers:
    """The customers of a block; their traits do not hang on their country, their channel or each other."""
    number = counts.block_users(block)
    n = len(number)
    rng = stream(shop, "users", block)
    marks = spread(rng, n, TRAITS)
    day = shop.days[pick(np.cumsum(growth(shop)), marks["signup"])]
    by_day = np.argsort(day, kind="stable")
    day, marks = day[by_day], {name: column[by_day] for name, column in marks.items()}
    country = pick(np.cumsum(COUNTRY_SHARES), marks["country"])
    quiet = share_of_day(QUIET)
    campaign, channel = _arrivals(stream(shop, "users.arrival", block), campaigns, country, day)
    _, _, buying = columns(CHANNELS)
    return Customers(
        number=number,
        ids=uuids(stream(shop, "users.id", block), n),
        country=country,
        city=pool_rows("city", country, rng.random(n)),
        signed_up=day * DAY + second_of_day(quiet + (1 - quiet) * rng.random(n)),
        channel=channel,
        campaign=campaign,
        buys=marks["buys"] < buying[channel],
        delay=-np.log1p(-marks["delay"]),
        rate=gammaincinv(BG_NBD.r, marks["rate"]),
        further=_further_orders(marks["further"]),
        spend=1 / gammaincinv(SPEND.q, marks["spend"]),
        visits=gammaincinv(VISITS, marks["visits"]) / VISITS,
    )


def _further_orders(marks: np.ndarray) -> np.ndarray:
    """Orders after the first until a customer leaves, at least one: beta-geometric, by marks in (0, 1).

    The chance to place more than k is B(a, b + k) / B(a, b), averaged over the customers' chances to leave.
    """
    return np.searchsorted(-_chances_of_more(), -marks, side="right")


@cache
def _chances_of_more() -> np.ndarray:
    """Chance of more than k further orders, for every k; the same for all blocks."""
    a, b = BG_NBD.a, BG_NBD.b
    return np.exp(betaln(a, b + np.arange(MOST_ORDERS)) - betaln(a, b))


def _arrivals(
    rng: np.random.Generator, campaigns: Campaigns, country: np.ndarray, day: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Campaign (-1 for none) and channel (row of CHANNELS) that brought each customer."""
    _, shares, _ = columns(CHANNELS)
    chance, which, other = rng.random((3, len(day)))
    campaign = np.where(chance < PAID_SHARE, campaigns.running(country, day, which), -1)
    channel = pick(np.cumsum(shares), other)
    came = campaign >= 0
    channel[came] = _PAID_ROWS[campaigns.channel[campaign[came]]]
    return campaign, channel


def sign_ups(counts: Counts, campaigns: Campaigns, shop: Shop) -> tuple[np.ndarray, np.ndarray]:
    """Expected customers, and of them those who buy, by country and day of sign-up."""
    _, shares, buying = columns(CHANNELS)
    everyone = counts.users * np.outer(COUNTRY_SHARES / COUNTRY_SHARES.sum(), growth(shop))
    at_work = campaigns.sums(np.ones(len(campaigns)))
    by_campaign = campaigns.sums(buying[_PAID_ROWS[campaigns.channel]]) / np.maximum(at_work, 1)
    by_themselves = shares @ buying
    return everyone, everyone * np.where(
        at_work > 0, PAID_SHARE * by_campaign + (1 - PAID_SHARE) * by_themselves, by_themselves
    )


def customers_table(customers: Customers, pools: Pools, campaigns: Campaigns, shop: Shop, block: int) -> pa.Table:
    """The table: names and cities of the country, addresses of the domains reserved for examples, unique by number."""
    rng = stream(shop, "users.names", block)
    marks = rng.random((2, len(customers)))
    first = pool_rows("first_name", customers.country, marks[0]).tolist()
    last = pool_rows("last_name", customers.country, marks[1]).tolist()
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
        }
    )
