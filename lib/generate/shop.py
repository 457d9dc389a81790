"""What is asked for: the shop that all tables share, the rows of each, and the refusal of what cannot be made."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from lib.errors import UsageError

__all__ = ["DEMO_COUNTS", "DEMO_SHOP", "Counts", "Shop", "check_count"]

MAX_LINES_PER_ORDER = 100


@dataclass(frozen=True)
class Shop:
    """What all tables share. Everything is dated in [as_of - history_days, as_of), UTC; lines_per_order is a mean."""

    seed: int = 42
    as_of: date = date(2025, 7, 1)
    history_days: int = 540
    lines_per_order: float = 1.45

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}; want 0 or more")
        if self.history_days < 1:
            raise UsageError(f"history_days is {self.history_days}; want at least 1")
        if not 1 <= self.lines_per_order <= MAX_LINES_PER_ORDER:
            raise UsageError(f"lines_per_order is {self.lines_per_order}; want 1 to {MAX_LINES_PER_ORDER}")

    @property
    def days(self) -> np.ndarray:
        """Days of the window, counted from 1970-01-01."""
        end = self.as_of.toordinal() - date(1970, 1, 1).toordinal()
        return np.arange(end - self.history_days, end)


@dataclass(frozen=True)
class Counts:
    """Rows to make; the number of order items follows from orders and Shop.lines_per_order."""

    marketing_campaigns: int = 10
    users: int = 100
    products: int = 50
    orders: int = 200
    events: int = 645


DEMO_SHOP = Shop()
DEMO_COUNTS = Counts()


def check_count(n: int, table: str, **parents: pd.DataFrame) -> None:
    """UsageError for fewer than 0 rows, and for any at all where a parent they need has none."""
    if n < 0:
        raise UsageError(f"{n} {table} asked for; want 0 or more")
    missing = [name for name, frame in parents.items() if frame.empty]
    if n and missing:
        raise UsageError(f"{n} {table} asked for, but there are 0 {' and 0 '.join(missing)}; want at least 1")
