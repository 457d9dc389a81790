"""Marketing campaigns: countries and days, uplift of demand, and the orders and customers each of them caused."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from lib.data.synthetic.arrays import columns, date_array, money_array, numbered, stream, uuid_array, uuids, word_array
from lib.data.synthetic.shop import COUNTRY_CODES, COUNTRY_SHARES, Shop
from lib.errors import UsageError

__all__ = ["PAID_CHANNELS", "Campaigns", "campaigns_table", "plan_campaigns"]

PAID_CHANNELS = [  # channel, relative cost, cost of 1,000 impressions (CPM), clicks per impression (CTR)
    ("email", 0.4, 2.0, 0.030),
    ("paid_search", 1.6, 18.0, 0.035),
    ("social", 1.0, 8.0, 0.012),
    ("display", 0.8, 4.0, 0.004),
    ("affiliate", 1.2, 12.0, 0.020),
]
THEMES = ["New Arrivals", "Clearance", "Free Shipping", "Bundle Week", "Members First", "Gift Guide", "Season Sale"]
LENGTHS = (14, 36)  # days: from, up to but not including
UPLIFTS = (0.15, 0.45)
MOST_COUNTRIES = 3  # never all of them: the others are the control group
MOST_IMPRESSIONS = 2**31 - 1  # an integer of PostgreSQL
MARKETING_SHARE = 0.08  # of the expected value of all orders


@dataclass(frozen=True)
class Campaigns:
    """One entry per campaign, by start.

    first, last: days counted from 1970-01-01. targets[campaign, country]: where it runs. uplift: added to demand 1.
    """

    ids: np.ndarray
    channel: np.ndarray
    first: np.ndarray
    last: np.ndarray
    targets: np.ndarray
    uplift: np.ndarray
    first_day: int
    history_days: int

    def __len__(self) -> int:
        return len(self.ids)

    def runs_of(self, campaign: int) -> list[str]:
        """Codes of the countries the campaign runs in."""
        return COUNTRY_CODES[self.targets[campaign]].tolist()

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum of a value per campaign over the running campaigns, by country and day of the history."""
        campaign, cell = self._cells
        sums = np.bincount(cell, values[campaign], len(COUNTRY_CODES) * self.history_days)
        return sums.reshape(len(COUNTRY_CODES), self.history_days)

    @cached_property
    def _cells(self) -> tuple[np.ndarray, np.ndarray]:
        """All pairs of a campaign and a cell (country, day) it runs in, ordered by the number of the cell."""
        length = self.last - self.first + 1
        campaign, country = np.nonzero(self.targets)
        repeats = length[campaign]
        begun = np.cumsum(repeats) - repeats
        day = np.arange(repeats.sum()) - np.repeat(begun - (self.first[campaign] - self.first_day), repeats)
        cell = np.repeat(country, repeats) * self.history_days + day
        by_cell = np.argsort(cell, kind="stable")
        return np.repeat(campaign, repeats)[by_cell], cell[by_cell]

    def sources(self, country: np.ndarray, day: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """The campaign that caused an order on a day in a country, -1 for none, by uniform numbers in [0, 1).

        Demand is 1 + the running uplifts; a campaign causes an order with its share of that sum.
        """
        campaign, cell = self._cells
        sums = np.concatenate([[0.0], np.cumsum(self.uplift[campaign])])
        low, high = self._range(cell, country, day)
        point = uniforms * (1 + sums[high] - sums[low]) - 1
        position = np.searchsorted(sums, sums[low] + np.maximum(point, 0), side="right") - 1
        return _campaign_at(campaign, np.clip(position, low, np.maximum(high - 1, low)), (point >= 0) & (high > low))

    def running(self, country: np.ndarray, day: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """One of the running campaigns of a day and country with equal chances, by uniform numbers; -1 without any."""
        campaign, cell = self._cells
        low, high = self._range(cell, country, day)
        return _campaign_at(campaign, low + (uniforms * (high - low)).astype(np.int64), high > low)

    def _range(self, cell: np.ndarray, country: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First and end position of the entries of a (country, day) in `cell`."""
        number = country * self.history_days + day - self.first_day
        return np.searchsorted(cell, number, side="left"), np.searchsorted(cell, number, side="right")


def _campaign_at(campaign: np.ndarray, position: np.ndarray, exists: np.ndarray) -> np.ndarray:
    return np.where(exists, np.append(campaign, -1)[np.where(exists, position, -1)], -1)


def plan_campaigns(n: int, shop: Shop) -> Campaigns:
    """n campaigns in order of their start, each within the history and in one to three countries."""
    rng = stream(shop, "campaigns")
    first = np.sort(rng.choice(shop.days, n))
    last = np.minimum(first + rng.integers(*LENGTHS, n) - 1, shop.days[-1])
    # The countries with the smallest -log(u) / share: weighted draw without replacement (Efraimidis, Spirakis 2006).
    order = np.argsort(-np.log(rng.random((n, len(COUNTRY_CODES)))) / COUNTRY_SHARES, axis=1)
    targets = np.zeros((n, len(COUNTRY_CODES)), dtype=bool)
    chosen = np.arange(len(COUNTRY_CODES)) < rng.integers(1, MOST_COUNTRIES + 1, n)[:, None]
    np.put_along_axis(targets, order, chosen, axis=1)
    channel = rng.integers(0, len(PAID_CHANNELS), n)
    uplift = np.round(rng.uniform(*UPLIFTS, n), 3)
    ids = uuids(stream(shop, "campaigns.id"), n)
    return Campaigns(ids, channel, first, last, targets, uplift, int(shop.days[0]), shop.history_days)


def campaigns_table(campaigns: Campaigns, order_value: float, shop: Shop) -> pa.Table:
    """The table `marketing_campaigns`; spend is proportional to the expected value of all orders, days and reach.

    Raises:
        UsageError: There are so few campaigns that the impressions of one exceed its integer column.
    """
    n = len(campaigns)
    channels, cost, cpm, ctr = columns(PAID_CHANNELS)
    rng = stream(shop, "campaigns.money")
    reach = (campaigns.last - campaigns.first + 1) * (campaigns.targets @ COUNTRY_SHARES)
    weight = reach * cost[campaigns.channel] * rng.gamma(8, 1 / 8, n)
    planned = MARKETING_SHARE * order_value * weight / max(weight.sum(), 1e-9)
    budget = 5_000 + (planned * 100).astype(np.int64) // 1_000 * 1_000  # cents: steps of 10.00
    spend = (budget * rng.uniform(0.70, 1.00, n)).astype(np.int64)
    impressions = 100 + (spend * 10 / cpm[campaigns.channel] * rng.uniform(0.7, 1.3, n)).astype(np.int64)
    most = int(impressions.max(initial=0))
    if most > MOST_IMPRESSIONS:
        raise UsageError(
            f"marketing_campaigns is {n}: one of them would have {most:,} impressions, more than {MOST_IMPRESSIONS:,}; "
            f"expected at least {n * most // MOST_IMPRESSIONS + 1} campaigns for a shop of this size"
        )
    clicks = (impressions * ctr[campaigns.channel] * rng.uniform(0.6, 1.4, n)).astype(np.int64)
    themes = np.array(THEMES)[rng.integers(0, len(THEMES), n)]
    months = campaigns.first.astype("datetime64[D]").astype("datetime64[M]").astype(str)
    names = [
        f"{month} {theme} {'+'.join(campaigns.runs_of(row))}"
        for row, (month, theme) in enumerate(zip(months, themes, strict=True))
    ]
    return pa.table(
        {
            "campaign_id": uuid_array(campaigns.ids),
            "name": pa.array(numbered(names), pa.string()),
            "channel": word_array(channels.tolist(), campaigns.channel),
            "budget": money_array(budget),
            "spend": money_array(spend),
            "impressions": pa.array(impressions, pa.int32()),
            "clicks": pa.array(clicks, pa.int32()),
            "start_date": date_array(campaigns.first),
            "end_date": date_array(campaigns.last),
        }
    )
