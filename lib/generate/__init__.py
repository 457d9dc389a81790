"""The synthetic shop: each function returns one table as a frame, the same for the same arguments on every machine."""

import pandas as pd

from lib.generate.campaigns import generate_marketing_campaigns
from lib.generate.events import generate_events
from lib.generate.orders import generate_order_items, generate_orders
from lib.generate.products import generate_products
from lib.generate.shop import DEMO_COUNTS, DEMO_SHOP, Counts, Shop
from lib.generate.users import generate_users

__all__ = [
    "DEMO_COUNTS",
    "DEMO_SHOP",
    "Counts",
    "Shop",
    "generate_events",
    "generate_marketing_campaigns",
    "generate_order_items",
    "generate_orders",
    "generate_products",
    "generate_shop",
    "generate_users",
]


def generate_shop(counts: Counts = DEMO_COUNTS, shop: Shop = DEMO_SHOP) -> dict[str, pd.DataFrame]:
    """The six tables by name, parents before children."""
    campaigns = generate_marketing_campaigns(counts.marketing_campaigns, shop=shop)
    users = generate_users(counts.users, campaigns, shop=shop)
    products = generate_products(counts.products, shop=shop)
    orders = generate_orders(counts.orders, users, products, campaigns, shop=shop)
    return {
        "marketing_campaigns": campaigns,
        "users": users,
        "products": products,
        "orders": orders,
        "order_items": generate_order_items(orders, products, shop=shop),
        "events": generate_events(counts.events, users, products, orders, shop=shop),
    }
