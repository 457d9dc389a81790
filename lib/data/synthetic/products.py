"""Products: their prices, their demand in each quarter of the year, and the baskets in which they are bought."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy

from lib.data.synthetic.arrays import (
    columns,
    draw,
    money_array,
    numbered,
    root,
    rounded,
    stream,
    uuid_array,
    uuids,
    word_array,
)
from lib.data.synthetic.shop import Shop
from lib.errors import UsageError

__all__ = [
    "MEAN_QUANTITY",
    "Baskets",
    "Lines",
    "Products",
    "draw_lines",
    "plan_baskets",
    "plan_products",
    "products_table",
    "quarter",
]

# Per subcategory: category, noun of the names, median price, demand in the four quarters relative to the year's mean.
SHELVES = pd.read_csv(Path(__file__).with_name("shelves.csv"))
SEASONS = SHELVES[["q1", "q2", "q3", "q4"]].to_numpy()
STYLES = ["Classic", "Compact", "Deluxe", "Everyday", "Nordic", "Premium", "Studio", "Urban", "Vintage", "Essential"]
CATEGORY_SEASONS = dict(zip(SHELVES["category"], map(tuple, SEASONS.tolist()), strict=True))
PRICE_SPREAD = 0.30  # standard deviation of the logarithm of prices within a subcategory
COST_SHARES = (0.40, 0.70)  # of the price
STOCK_MONTHS = 2.0  # mean stock of a product, in months of its expected sales
TOP_FIFTH = 0.75  # share of the revenue that the top fifth of the products brings
STEEPEST = 4.0  # greatest steepness of the demand
QUANTITIES = (0.86, 0.10, 0.03, 0.01)  # share of the items with 1, 2, 3, 4 units
MEAN_QUANTITY = float((1 + np.arange(len(QUANTITIES))) @ np.array(QUANTITIES))
DISCOUNTS = [(0, 0.80), (5, 0.06), (10, 0.07), (15, 0.03), (20, 0.03), (30, 0.01)]  # percent off, share of the items
PAID_SHARE = 1 - sum(percent * share for percent, share in DISCOUNTS) / 100  # of the list price, on ordinary days
FLASH_DISCOUNT = 25  # percent, on the day of the flash sale
DISPERSION = 2.0  # shape of the negative binomial number of further items
PARTNER_CHANCE = 0.35  # probability that an order with the first product of a pair gets the second too
PAIRS = 5  # at most; one per ten products
MIN_LINES_WITH_PAIRS = 1.2  # items per order; fewer leave no room for partners


@dataclass(frozen=True)
class Products:
    """One entry per product: money in cents; demand[quarter, product] sums to 1 in each quarter."""

    ids: np.ndarray
    shelf: np.ndarray
    price: np.ndarray
    demand: np.ndarray
    steepness: float

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def _edges(self) -> np.ndarray:
        """Cumulated demand of all quarters on one axis: quarter k ends at k + 1."""
        edges = np.cumsum(self.demand, axis=1)
        return (edges / edges[:, -1:] + np.arange(4)[:, None]).ravel()

    def draw(self, rng: np.random.Generator, season: np.ndarray) -> np.ndarray:
        """A product for each given quarter of the year, drawn by its demand in that quarter."""
        position = np.searchsorted(self._edges, rng.random(len(season)) + season, side="right")
        return np.minimum(position - season * len(self), len(self) - 1)


def quarter(days: np.ndarray) -> np.ndarray:
    """Quarter of the year, 0 to 3, of days counted from 1970-01-01."""
    first, last = (days.min(), days.max()) if len(days) else (0, 0)
    every = np.arange(first, last + 1)  # far fewer than `days`, and date arithmetic is slow
    return (every.astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12 // 3)[days - first]


def plan_products(n: int, shop: Shop) -> Products:
    """n products with lognormal prices around their shelf's median, and lognormal demand as steep as TOP_FIFTH asks."""
    rng = stream(shop, "products")
    shelf = rng.integers(0, len(SHELVES), n)
    price = (
        100
        * np.maximum(
            2, np.rint(SHELVES["median_price"].to_numpy()[shelf] * rng.lognormal(0, PRICE_SPREAD, n)).astype(np.int64)
        )
        - 1
    )
    rank = stream(shop, "products.demand").permutation(n)
    scores = scipy.special.ndtri((n - rank - 0.5) / max(n, 1))
    steepness = _steepness(scores, price)
    demand = np.exp(steepness * scores) * (SEASONS[shelf].T if shop.seasons else np.ones((4, n)))
    ids = uuids(stream(shop, "products.id"), n)
    return Products(ids, shelf, price, demand / demand.sum(axis=1, keepdims=True), steepness)


def _steepness(scores: np.ndarray, price: np.ndarray) -> float:
    """The s in demand ~ exp(s * score) with which the top fifth of the products brings TOP_FIFTH of the revenue."""

    def share(steepness: float) -> float:
        revenue = np.sort(np.exp(steepness * scores) * price)[::-1]
        return revenue[: max(1, len(revenue) // 5)].sum() / revenue.sum() - TOP_FIFTH

    if len(scores) < 2 or share(0) > 0:
        return 0.0
    return rounded(root(share, 0, STEEPEST)) if share(STEEPEST) > 0 else STEEPEST


def products_table(products: Products, units: float, shop: Shop) -> pa.Table:
    """The table `products`, of which the shop expects to sell `units` a month: stock lasts STOCK_MONTHS on average."""
    n = len(products)
    rng = stream(shop, "products.facts")
    styles = np.array(STYLES)[rng.integers(0, len(STYLES), n)]
    names = [f"{style} {noun}" for style, noun in zip(styles, SHELVES["noun"].iloc[products.shelf], strict=True)]
    cost = np.ceil(products.price * rng.uniform(*COST_SHARES, n)).astype(np.int64)
    months = STOCK_MONTHS * rng.gamma(1.5, 1 / 1.5, n)
    stock = rng.poisson(1 + months * units * products.demand.mean(axis=0))
    return pa.table(
        {
            "product_id": uuid_array(products.ids),
            "name": pa.array(numbered(names), pa.string()),
            "category": word_array(SHELVES["category"].tolist(), products.shelf),
            "subcategory": word_array(SHELVES["subcategory"].tolist(), products.shelf),
            "price": money_array(products.price, kind="unit_price"),
            "cost": money_array(cost, kind="unit_price"),
            "stock_quantity": pa.array(stock, pa.int32()),
        }
    )


@dataclass(frozen=True)
class Baskets:
    """Parameters of the baskets: mean number of further items drawn, and pairs[k] = (product, its partner)."""

    further: float
    pairs: np.ndarray

    def chance_without(self, share: np.ndarray) -> np.ndarray:
        """Probability that no draw of a basket hits products with this share of the demand (generating function)."""
        success = DISPERSION / (DISPERSION + self.further)
        other = 1 - share
        return other * (success / (1 - (1 - success) * other)) ** DISPERSION

    def pair_odds(self, demand: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probability of each pair to be drawn together by chance, and of its partner to be added to the first."""
        first, partner = demand[self.pairs.T]
        both = 1 - self.chance_without(first) - self.chance_without(partner) + self.chance_without(first + partner)
        return both, PARTNER_CHANCE * (1 - self.chance_without(first) - both)

    def chances(self, demand: np.ndarray) -> np.ndarray:
        """Probability of each product to be in a basket, for demand that sums to 1."""
        chances = 1 - self.chance_without(demand)
        chances[self.pairs[:, 1]] += self.pair_odds(demand)[1]
        return chances

    def value(self, products: Products, demand: np.ndarray) -> float:
        """Expected total of a basket in cents."""
        added = self.pair_odds(demand)[1] @ products.price[self.pairs[:, 1]]
        drawn = (1 + self.further) * (demand @ products.price)
        return float(MEAN_QUANTITY * PAID_SHARE * (drawn + added))

    def returnable(self, products: Products, demand: np.ndarray) -> float:
        """Expected value in cents of the largest partial return of each item, summed over the items of a basket.

        A partial return leaves at least one unit with the customer: all units of an item can be returned if the basket
        has other items, one unit if it is the only item, and none if that item has a single unit.
        """
        without_partner = np.ones(len(products))
        without_partner[self.pairs[:, 0]] -= PARTNER_CHANCE
        success = DISPERSION / (DISPERSION + self.further)
        repeated = (1 - success) * demand
        only = self.chance_without(1 - demand)  # all draws hit the product
        draws = 1 + DISPERSION * repeated / (1 - repeated)  # their mean number, from the derivative of that chance
        single_unit = success**DISPERSION * demand * QUANTITIES[0]
        kept = without_partner * ((MEAN_QUANTITY * draws - 1) * only + single_unit)  # units of each product
        return self.value(products, demand) - float(PAID_SHARE * (kept @ products.price))


@dataclass(frozen=True)
class Lines:
    """One entry per order item, by order: order (row), product (row), quantity, paid and discount (cents per unit)."""

    order: np.ndarray
    product: np.ndarray
    quantity: np.ndarray
    paid: np.ndarray
    discount: np.ndarray

    def __len__(self) -> int:
        return len(self.order)

    def totals(self, n_orders: int) -> np.ndarray:
        """Total of each order in cents; exact, since floats hold integers up to 2**53."""
        return np.bincount(self.order, self.quantity * self.paid, n_orders).astype(np.int64)


def plan_baskets(products: Products, orders_by_quarter: np.ndarray, shop: Shop) -> Baskets:
    """Choose pairs among products in demand, and solve the basket size for a mean of lines_per_order items.

    Raises:
        UsageError: There are too few products for this many different items.
    """
    if not orders_by_quarter.any():
        return Baskets(0.0, np.zeros((0, 2), dtype=np.int64))
    pairs = _pairs(products, shop)

    def surplus(further: float) -> float:
        lines = [Baskets(further, pairs).chances(demand).sum() for demand in products.demand]
        return float(lines @ orders_by_quarter) - shop.lines_per_order

    most = 100.0 * shop.lines_per_order
    if surplus(0) >= 0:
        return Baskets(0.0, pairs)
    if surplus(most) < 0:
        raise UsageError(
            f"lines_per_order is {shop.lines_per_order} with {len(products)} products; expected at most about "
            f"{surplus(most) + shop.lines_per_order:.1f}, since an order has each product once"
        )
    return Baskets(rounded(root(surplus, 0, most)), pairs)


def _pairs(products: Products, shop: Shop) -> np.ndarray:
    """Pairs of different products: the first from the top 15 % by demand, its partner from the next 25 %."""
    n = len(products)
    count = min(PAIRS, n // 10) if shop.lines_per_order >= MIN_LINES_WITH_PAIRS else 0
    ranked = np.argsort(-products.demand.mean(axis=0), kind="stable")
    rng = stream(shop, "pairs")
    first = rng.choice(ranked[: max(n * 3 // 20, count)], count, replace=False)
    partner = rng.choice(ranked[n * 3 // 20 : n * 2 // 5], count, replace=False)
    return np.stack([first, partner], axis=1)


def draw_lines(
    baskets: Baskets, products: Products, day: np.ndarray, value: np.ndarray, flash: np.ndarray, shop: Shop, block: int
) -> Lines:
    """The items of orders on these days; `value` ranks the orders of a quarter of the year by their total.

    Baskets are drawn independently of the customer and then matched to orders by rank, so that baskets keep their
    probabilities and customers their level of spending. On days of the flash sale the discount is at least
    FLASH_DISCOUNT.
    """
    season = quarter(day)
    basket, product = _draw_products(stream(shop, "lines", block), baskets, products, season)
    rng = stream(shop, "lines.facts", block)
    quantity = 1 + draw(rng, np.array(QUANTITIES), len(basket))
    percents, shares = columns(DISCOUNTS)
    percent = percents[draw(rng, shares, len(basket))]
    basket, product, quantity, percent = _merged(basket, product, quantity, percent, len(products))
    price = products.price[product]
    totals = np.bincount(basket, quantity * (price - price * percent // 100), len(day))
    order = _order_of_basket(totals, value, season)[basket]
    percent = np.where(flash[order], np.maximum(percent, FLASH_DISCOUNT), percent)
    discount = price * percent // 100
    by_order = np.argsort(order, kind="stable")
    lines = Lines(order, product, quantity, price - discount, discount)
    return Lines(*(column[by_order] for column in vars(lines).values()))


def _order_of_basket(totals: np.ndarray, value: np.ndarray, season: np.ndarray) -> np.ndarray:
    """The order that each basket goes to: in each season the k-th smallest total goes to the k-th smallest value."""
    baskets_by_total = np.lexsort((totals, season))
    orders_by_value = np.lexsort((value, season))
    matched = np.empty(len(totals), dtype=np.int64)
    matched[baskets_by_total] = orders_by_value
    return matched


def _draw_products(
    rng: np.random.Generator, baskets: Baskets, products: Products, season: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Basket and product of every draw, by the demand of its quarter, followed by the added partners."""
    further = rng.negative_binomial(DISPERSION, DISPERSION / (DISPERSION + baskets.further), len(season))
    order = np.repeat(np.arange(len(season)), 1 + further)
    product = products.draw(rng, season[order])
    partner = np.full(len(products), -1)
    partner[baskets.pairs[:, 0]] = baskets.pairs[:, 1]
    # One trial per basket and first product, however often the product was drawn.
    fits = partner[product] >= 0
    key = np.unique(order[fits] * len(products) + partner[product[fits]])
    key = key[rng.random(len(key)) < PARTNER_CHANCE]
    key = key[~np.isin(key, order * len(products) + product)]
    added = np.divmod(key, max(len(products), 1))
    return np.append(order, added[0]), np.append(product, added[1])


def _merged(
    order: np.ndarray, product: np.ndarray, quantity: np.ndarray, percent: np.ndarray, n_products: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """One item per basket and product: quantities are added, the first discount is kept."""
    key, first, line = np.unique(order * n_products + product, return_index=True, return_inverse=True)
    units = np.bincount(line, quantity, len(key)).astype(np.int64)
    return order[first], product[first], units, percent[first]
