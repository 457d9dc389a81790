"""What is asked for: the shop that all tables share, the rows of each, and the blocks they are made in."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from lib.errors import UsageError

__all__ = ["DEMO_COUNTS", "DEMO_SHOP", "GENERATOR", "Counts", "Shop", "days_since_1970"]

GENERATOR = 2  # version of the generator: another one gives other rows for the same params
BLOCK_USERS = 500  # customers made together with all that is theirs; about 50,000 rows in the shape of full.yml
MAX_LINES_PER_ORDER = 100
MIN_HISTORY_DAYS = 7


def days_since_1970(day: date) -> int:
    """The day counted from 1970-01-01."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Shop:
    """What all tables share. Everything is dated in [as_of - history_days, as_of), UTC; lines_per_order is a mean.

    Without `seasons` every day is alike but for the shop's growth: no weekday, year, holiday, trend or anomaly.
    """

    seed: int = 42
    as_of: date = date(2025, 7, 1)
    history_days: int = 400
    lines_per_order: float = 1.45
    seasons: bool = True

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}; want 0 or more")
        if self.history_days < MIN_HISTORY_DAYS:
            raise UsageError(f"history_days is {self.history_days}; want at least {MIN_HISTORY_DAYS}")
        if not 1 <= self.lines_per_order <= MAX_LINES_PER_ORDER:
            raise UsageError(f"lines_per_order is {self.lines_per_order}; want 1 to {MAX_LINES_PER_ORDER}")

    @property
    def days(self) -> np.ndarray:
        """Days of the window, counted from 1970-01-01."""
        end = days_since_1970(self.as_of)
        return np.arange(end - self.history_days, end)


@dataclass(frozen=True)
class Counts:
    """Rows to make: users, products and campaigns exactly, orders and events as the mean of what chance gives."""

    marketing_campaigns: int = 10
    users: int = 100
    products: int = 50
    orders: int = 115
    events: int = 850

    def __post_init__(self) -> None:
        for table, n in vars(self).items():
            if n < 0:
                raise UsageError(f"{n} {table} asked for; want 0 or more")
        missing = [parent for parent in ("users", "products") if not getattr(self, parent)]
        for table in ("orders", "events"):
            if getattr(self, table) and missing:
                raise UsageError(
                    f"{getattr(self, table)} {table} asked for, but there are 0 {' and 0 '.join(missing)}; "
                    "want at least 1"
                )

    @property
    def blocks(self) -> int:
        """Blocks of customers, at least one; what a block holds depends on nothing that another holds."""
        return max(1, -(-self.users // BLOCK_USERS))

    def block_users(self, block: int) -> np.ndarray:
        """Numbers of the customers of a block, from 0 on."""
        return np.arange(block * BLOCK_USERS, min((block + 1) * BLOCK_USERS, self.users))


DEMO_SHOP = Shop()
DEMO_COUNTS = Counts()
