"""Products: categories, prices and stock, and the demand for each in each quarter of the year."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from scipy.special import ndtri

from lib.data.synthetic.arrays import (
    columns,
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

__all__ = ["CATEGORY_SEASONS", "Products", "plan_products", "products_table", "quarter"]

SHELVES = [  # category, subcategory, noun of the name, median price
    ("Electronics", "Audio", "Headphones", 89),
    ("Electronics", "Computing", "Keyboard", 65),
    ("Electronics", "Wearables", "Smartwatch", 129),
    ("Clothing", "Outerwear", "Jacket", 85),
    ("Clothing", "Tops", "T-shirt", 28),
    ("Clothing", "Footwear", "Trainers", 79),
    ("Home", "Kitchen", "Saucepan", 42),
    ("Home", "Bedroom", "Duvet", 69),
    ("Home", "Lighting", "Lamp", 38),
    ("Sports", "Fitness", "Yoga Mat", 29),
    ("Sports", "Outdoor", "Tent", 109),
    ("Sports", "Cycling", "Helmet", 59),
    ("Beauty", "Skin Care", "Face Cream", 27),
    ("Beauty", "Fragrance", "Perfume", 54),
    ("Toys", "Games", "Board Game", 32),
    ("Toys", "Building", "Building Set", 45),
    ("Books", "Cookery", "Cookbook", 29),
    ("Books", "Travel", "Travel Guide", 23),
]
STYLES = ["Classic", "Compact", "Deluxe", "Everyday", "Nordic", "Premium", "Studio", "Urban", "Vintage", "Essential"]
CATEGORY_SEASONS = {  # demand in the four quarters, relative to the year's mean
    "Electronics": (0.9, 0.9, 0.9, 1.3),
    "Clothing": (0.9, 1.1, 0.9, 1.1),
    "Home": (1.1, 1.0, 1.0, 0.9),
    "Sports": (1.0, 1.2, 1.1, 0.7),
    "Beauty": (1.0, 1.0, 0.9, 1.1),
    "Toys": (0.7, 0.8, 0.9, 1.6),
    "Books": (1.0, 0.9, 1.1, 1.0),
}
PRICE_SPREAD = 0.30  # standard deviation of the logarithm of prices within a subcategory
COST_SHARES = (0.40, 0.70)  # of the price
TOP_FIFTH = 0.75  # share of the revenue that the top fifth of the products brings
STEEPEST = 4.0


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
    categories, _, _, medians = columns(SHELVES)
    rng = stream(shop, "products")
    shelf = rng.integers(0, len(SHELVES), n)
    price = 100 * np.maximum(2, np.rint(medians[shelf] * rng.lognormal(0, PRICE_SPREAD, n)).astype(np.int64)) - 1
    rank = stream(shop, "products.demand").permutation(n)
    scores = ndtri((n - rank - 0.5) / max(n, 1))
    steepness = _steepness(scores, price)
    seasons = np.array([CATEGORY_SEASONS[category] for category in categories])[shelf].T
    demand = np.exp(steepness * scores) * (seasons if shop.seasons else np.ones((4, n)))
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


def products_table(products: Products, shop: Shop) -> pa.Table:
    """The table `products`; cost is 40 to 70 % of the price, stock is proportional to demand."""
    n = len(products)
    categories, subcategories, nouns, _ = columns(SHELVES)
    rng = stream(shop, "products.facts")
    styles = np.array(STYLES)[rng.integers(0, len(STYLES), n)]
    names = [f"{style} {noun}" for style, noun in zip(styles, nouns[products.shelf], strict=True)]
    cost = np.ceil(products.price * rng.uniform(*COST_SHARES, n)).astype(np.int64)
    stock = rng.poisson(5 + 40 * n * products.demand.mean(axis=0) * rng.gamma(1.5, 1 / 1.5, n))
    return pa.table(
        {
            "product_id": uuid_array(products.ids),
            "name": pa.array(numbered(names), pa.string()),
            "category": word_array(categories.tolist(), products.shelf),
            "subcategory": word_array(subcategories.tolist(), products.shelf),
            "price": money_array(products.price),
            "cost": money_array(cost),
            "stock_quantity": pa.array(stock, pa.int32()),
        }
    )
