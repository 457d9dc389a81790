"""Small daily series for the forecast tests."""

import numpy as np
import pandas as pd

from lib.analysis.forecast import Past

__all__ = ["days", "noise", "past", "shop_like"]


def days(values: object, start: str = "2025-01-06") -> pd.Series:
    """The values as revenue per day, starting on a Monday."""
    index = pd.date_range(start, periods=len(values), freq="D", name="date", unit="us")
    return pd.Series(np.asarray(values, dtype=float), index=index, name="revenue")


def past(values: object, holidays: pd.Series | None = None) -> Past:
    """Values or a daily series as the input of a model."""
    series = values if isinstance(values, pd.Series) else days(values)
    end = series.index[-1] + pd.Timedelta(days=1) if len(series) else pd.Timestamp("2025-01-06")
    return Past(series, end) if holidays is None else Past(series, end, holidays)


def shop_like(n: int, seed: int = 1) -> pd.Series:
    """A random walk with a weekly pattern and noise."""
    rng = np.random.default_rng(seed)
    week = np.resize([1.0, 0.9, 0.9, 1.0, 1.2, 1.5, 1.3], n)
    return days((1_000 + rng.normal(0, 15, n).cumsum()) * week + rng.normal(0, 100, n))


def noise(n: int, seed: int) -> pd.Series:
    """Independent days."""
    return days(np.random.default_rng(seed).normal(1_000, 200, n))
