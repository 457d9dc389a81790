"""Baskets: products, quantities and prices of each order, drawn alike for its total, its items and its events."""

import numpy as np
import pandas as pd

from lib.errors import UsageError
from lib.generate.products import popularity
from lib.generate.shop import Shop, check_count
from lib.generate.streams import draw, stream
from lib.generate.values import columns, to_cents

__all__ = ["draw_lines", "lines_of", "totals"]

QUANTITIES = [0.80, 0.14, 0.04, 0.02]  # share of 1, 2, 3, 4 units in a line
DISCOUNTS = [(0, 0.80), (5, 0.06), (10, 0.07), (15, 0.03), (20, 0.03), (30, 0.01)]  # percent off, share of the lines


def draw_lines(n_orders: int, products: pd.DataFrame, shop: Shop) -> pd.DataFrame:
    """The lines of n_orders: order and product (row numbers), quantity, paid and discount (cents per unit)."""
    rng = stream(shop, "lines")
    sizes = 1 + rng.negative_binomial(2, 2 / (1 + shop.lines_per_order), n_orders)
    order = np.repeat(np.arange(n_orders), sizes)
    product = _distinct_products(rng, order, products, shop)
    price = to_cents(products["price"])[product]
    percents, shares = columns(DISCOUNTS)
    discount = price * percents[draw(rng, shares, len(order))] // 100
    quantity = 1 + draw(rng, np.array(QUANTITIES), len(order))
    lines = pd.DataFrame(
        {"order": order, "product": product, "quantity": quantity, "paid": price - discount, "discount": discount}
    )
    return lines.drop_duplicates(["order", "product"], ignore_index=True)


def _distinct_products(rng: np.random.Generator, order: np.ndarray, products: pd.DataFrame, shop: Shop) -> np.ndarray:
    """A product per line by popularity; a repeat within an order is drawn again, up to eight times."""
    weights = popularity(len(products), shop)
    product = draw(rng, weights, len(order))
    for _ in range(8):
        repeated = pd.Series(order * len(products) + product).duplicated().to_numpy()
        product[repeated] = draw(rng, weights, int(repeated.sum()))
    return product


def totals(lines: pd.DataFrame, n_orders: int) -> np.ndarray:
    """Cents per order; whole cents stay exact in a float up to 2**53."""
    return np.bincount(lines["order"], lines["quantity"] * lines["paid"], n_orders).astype(np.int64)


def lines_of(orders: pd.DataFrame, products: pd.DataFrame, shop: Shop) -> pd.DataFrame:
    """The lines that generate_orders priced these orders by; UsageError when they are of another shop."""
    check_count(len(orders), "order items", products=products)
    lines = draw_lines(len(orders), products, shop)
    other = int((totals(lines, len(orders)) != to_cents(orders["total_amount"])).sum())
    if other:
        raise UsageError(
            f"{other} of {len(orders)} orders have another total than their items; want the orders that "
            "generate_orders made from these products and this shop: pass the same ones to both"
        )
    return lines
