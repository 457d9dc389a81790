"""Traffic: when customers visit, by the calendar, their habits and the length of their custom."""

import numpy as np
import pandas as pd

from lib.generate.shop import Shop
from lib.generate.streams import draw, stream
from lib.generate.values import DAY, to_days

__all__ = ["seasonality", "visit_times"]

WEEKDAYS = [1.04, 0.98, 0.96, 1.00, 1.06, 0.90, 1.06]  # Monday first
HOURS = [2, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8, 8, 9, 10, 11, 11, 9, 6, 4]  # UTC
QUIET = 7_200  # seconds of the sign-up day in which no visit ends, so that none begins before it


def seasonality(shop: Shop) -> np.ndarray:
    """Relative busyness of each day of the window: weekday times a mild year that peaks in early December."""
    weekday = np.array(WEEKDAYS)[(shop.days + 3) % 7]  # 1970-01-01 was a Thursday
    return weekday * (1 + 0.15 * np.cos(2 * np.pi * (shop.days - 340) / 365.25))


def visit_times(rng: np.random.Generator, n: int, users: pd.DataFrame, shop: Shop) -> tuple[np.ndarray, np.ndarray]:
    """Customer (row of users) and last second of n visits, by the customers' habits, their life and the calendar."""
    busy = np.concatenate([[0.0], np.cumsum(seasonality(shop) * np.linspace(1, 1.2, shop.history_days))])
    signup = to_days(users["signup_date"]) - shop.days[0]
    habits = stream(shop, "users.habits")
    weight = habits.gamma(1.0, 1.0, len(users))  # unequal customers: some never buy, a few buy all the time
    leaves = np.minimum(signup + 1 + habits.exponential(250, len(users)).astype(np.int64), shop.history_days)
    user = draw(rng, weight * (busy[leaves] - busy[signup]), n)
    mark = busy[signup[user]] + rng.random(n) * (busy[leaves] - busy[signup])[user]
    day = np.clip(np.searchsorted(busy, mark, side="right") - 1, signup[user], leaves[user] - 1)
    second = draw(rng, np.array(HOURS), n) * 3600 + rng.integers(0, 3600, n)
    second = np.where(day == signup[user], QUIET + second * (DAY - QUIET) // DAY, second)
    return user, (shop.days[0] + day) * DAY + second
