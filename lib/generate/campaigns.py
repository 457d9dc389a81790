"""Marketing campaigns, and which of them brought whom."""

import numpy as np
import pandas as pd

from lib.generate.shop import DEMO_SHOP, Shop, check_count
from lib.generate.streams import stream, uuids
from lib.generate.values import columns, labels, numbered, to_dates, to_days, to_money

__all__ = ["generate_marketing_campaigns", "running_campaign"]

CHANNELS = [  # channel, cost of 1,000 impressions (CPM), clicks per impression (CTR)
    ("email", 2.0, 0.030),
    ("paid_search", 18.0, 0.035),
    ("social", 8.0, 0.012),
    ("display", 4.0, 0.004),
    ("affiliate", 12.0, 0.020),
]
THEMES = ["New Arrivals", "Clearance", "Free Shipping", "Bundle Week", "Members First", "Gift Guide", "Season Sale"]


def generate_marketing_campaigns(n: int, *, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """n campaigns in order of their start, each inside the window; spend stays near or below budget."""
    check_count(n, "marketing_campaigns")
    channels, cpm, ctr = columns(CHANNELS)
    rng = stream(shop, "campaigns")
    first = np.sort(rng.choice(shop.days, n))
    last = np.minimum(first + rng.integers(6, 42, n), shop.days[-1])
    channel = rng.integers(0, len(CHANNELS), n)
    budget = (1 + rng.gamma(2.0, 30.0, n).astype(np.int64)) * 5_000  # cents: steps of 50.00
    spend = (budget * rng.uniform(0.70, 1.02, n)).astype(np.int64)
    impressions = 1 + (spend * 10 / cpm[channel] * rng.uniform(0.7, 1.3, n)).astype(np.int64)
    clicks = (impressions * ctr[channel] * rng.uniform(0.6, 1.4, n)).astype(np.int64)
    theme = labels(THEMES, rng.integers(0, len(THEMES), n))
    return pd.DataFrame(
        {
            "campaign_id": uuids(stream(shop, "campaigns.id"), n),
            "name": numbered(pd.Series(to_dates(first)).dt.strftime("%Y-%m").astype("str") + " " + theme),
            "channel": labels(channels, channel),
            "budget": to_money(budget),
            "spend": to_money(spend),
            "impressions": impressions,
            "clicks": clicks,
            "start_date": to_dates(first),
            "end_date": to_dates(last),
        }
    )


def running_campaign(
    rng: np.random.Generator, days: np.ndarray, campaigns: pd.DataFrame | None, *, share: float
) -> np.ndarray:
    """For a share of the days the row of a campaign that runs on it, picked evenly; -1 for the others."""
    chance, pick = rng.random((2, len(days)))
    if campaigns is None or campaigns.empty:
        return np.full(len(days), -1)
    first, last = to_days(campaigns["start_date"]), to_days(campaigns["end_date"])
    span = np.arange(first.min() - 1, last.max() + 2)  # a quiet day at either end for the days outside
    running = (first <= span[:, None]) & (span[:, None] <= last)
    count = running.sum(axis=1)
    row = np.clip(days - span[0], 0, len(span) - 1)
    place = (np.cumsum(count) - count)[row] + (pick * count[row]).astype(np.int64)
    rows = np.append(np.nonzero(running)[1], -1)  # the last one is read only where nothing runs
    return np.where((chance < share) & (count[row] > 0), rows[place], -1)
