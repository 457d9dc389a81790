"""The request: seed, dates, sizes and countries of a synthetic shop, and the blocks that it is generated in."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from lib.errors import UsageError
from lib.util.currencies import decimals_of

__all__ = ["GENERATOR", "SAMPLE_COUNTS", "SAMPLE_SHOP", "Counts", "Shop", "days_since_1970"]

GENERATOR = 4  # version of the generator: a new version generates other rows for the same params
BLOCK_USERS = 500  # customers of a block, generated with their orders and events; about 50,000 rows for full.yml
MAX_LINES_PER_ORDER = 100
MIN_HISTORY_DAYS = 7

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
COUNTRY_CODES, COUNTRY_NAMES, _, COUNTRY_SHARES = (np.array(column) for column in zip(*COUNTRIES, strict=True))


def days_since_1970(day: date) -> int:
    """Days from 1970-01-01 to the day."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Shop:
    """Parameters that all tables share.

    All dates lie in [as_of - history_days, as_of) on the clocks of time_zone; lines_per_order is a mean. Amounts are
    drawn in cents, which are the smallest units of the currency: 19.99 dollars, 1,999 yen or 1.999 dinars. Without
    `seasons` days differ only by the growth of the shop: no weekday, season, holiday, trend or anomaly.
    """

    seed: int = 42
    as_of: date = date(2025, 7, 1)
    history_days: int = 400
    lines_per_order: float = 1.45
    seasons: bool = True
    time_zone: str = "UTC"
    currency: str = "USD"

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}; expected 0 or more")
        if self.history_days < MIN_HISTORY_DAYS:
            raise UsageError(f"history_days is {self.history_days}; expected at least {MIN_HISTORY_DAYS}")
        if not 1 <= self.lines_per_order <= MAX_LINES_PER_ORDER:
            raise UsageError(f"lines_per_order is {self.lines_per_order}; expected 1 to {MAX_LINES_PER_ORDER}")

    @property
    def cents(self) -> int:
        """Smallest units of the currency in a unit: 100 for USD."""
        return int(10 ** decimals_of(self.currency))

    @property
    def days(self) -> np.ndarray:
        """Days of the history, counted from 1970-01-01."""
        end = days_since_1970(self.as_of)
        return np.arange(end - self.history_days, end)


@dataclass(frozen=True)
class Counts:
    """Rows to generate: users, products and campaigns exactly, orders and events as expected values."""

    marketing_campaigns: int = 10
    users: int = 100
    products: int = 50
    orders: int = 115
    events: int = 850

    def __post_init__(self) -> None:
        for table, n in vars(self).items():
            if n < 0:
                raise UsageError(f"{table} is {n}; expected 0 or more")
        missing = [parent for parent in ("users", "products") if not getattr(self, parent)]
        for table in ("orders", "events"):
            if getattr(self, table) and missing:
                raise UsageError(
                    f"{table} is {getattr(self, table)} with 0 {' and 0 '.join(missing)}; expected at least 1 of each"
                )

    @property
    def blocks(self) -> int:
        """Number of blocks of customers, at least one; no block depends on the content of another."""
        return max(1, -(-self.users // BLOCK_USERS))

    def block_users(self, block: int) -> np.ndarray:
        """Numbers of the customers of a block, counted from 0 over the whole shop."""
        return np.arange(block * BLOCK_USERS, min((block + 1) * BLOCK_USERS, self.users))


SAMPLE_SHOP = Shop()  # params/sample.yml
SAMPLE_COUNTS = Counts()
