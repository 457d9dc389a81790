"""Products, and how much each is in demand."""

import numpy as np
import pandas as pd

from lib.generate.shop import DEMO_SHOP, Shop, check_count
from lib.generate.streams import stream, uuids
from lib.generate.values import columns, labels, numbered, to_money

__all__ = ["generate_products", "popularity"]

SHELVES = [  # category, subcategory, noun of the name, median price
    ("Electronics", "Audio", "Headphones", 89),
    ("Electronics", "Computing", "Keyboard", 65),
    ("Electronics", "Wearables", "Smartwatch", 179),
    ("Clothing", "Outerwear", "Jacket", 95),
    ("Clothing", "Tops", "T-shirt", 24),
    ("Clothing", "Footwear", "Trainers", 79),
    ("Home", "Kitchen", "Saucepan", 42),
    ("Home", "Bedroom", "Duvet", 69),
    ("Home", "Lighting", "Lamp", 38),
    ("Sports", "Fitness", "Yoga Mat", 29),
    ("Sports", "Outdoor", "Tent", 149),
    ("Sports", "Cycling", "Helmet", 59),
    ("Beauty", "Skin Care", "Face Cream", 21),
    ("Beauty", "Fragrance", "Perfume", 54),
    ("Toys", "Games", "Board Game", 32),
    ("Toys", "Building", "Building Set", 45),
    ("Books", "Cookery", "Cookbook", 26),
    ("Books", "Travel", "Travel Guide", 18),
]
STYLES = ["Classic", "Compact", "Deluxe", "Everyday", "Nordic", "Premium", "Studio", "Urban", "Vintage", "Essential"]


def generate_products(n: int, *, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """n products with lognormal prices around their shelf's median; cost is 40 to 70 % of the price."""
    check_count(n, "products")
    categories, subcategories, nouns, medians = columns(SHELVES)
    rng = stream(shop, "products")
    shelf = rng.integers(0, len(SHELVES), n)
    price = 100 * np.maximum(2, np.rint(medians[shelf] * rng.lognormal(0, 0.45, n)).astype(np.int64)) - 1
    cost = (price * rng.uniform(0.40, 0.70, n)).astype(np.int64)
    style = labels(STYLES, rng.integers(0, len(STYLES), n))
    return pd.DataFrame(
        {
            "product_id": uuids(stream(shop, "products.id"), n),
            "name": numbered(style + " " + labels(nouns, shelf)),
            "category": labels(categories, shelf),
            "subcategory": labels(subcategories, shelf),
            "price": to_money(price),
            "cost": to_money(cost),
            "stock_quantity": pd.array(rng.negative_binomial(2, 0.02, n), dtype="Int64"),
        }
    )


def popularity(n_products: int, shop: Shop) -> np.ndarray:
    """Relative demand: Zipf-Mandelbrot over the ranks, dealt to the products at random."""
    rank = stream(shop, "products.popularity").permutation(n_products)
    return 1 / (rank + 2.0)
