"""Orders and their items."""

import numpy as np
import pandas as pd

from lib.generate.baskets import draw_lines, lines_of, totals
from lib.generate.campaigns import running_campaign
from lib.generate.shop import DEMO_SHOP, Shop, check_count
from lib.generate.streams import stream, uuids
from lib.generate.traffic import visit_times
from lib.generate.values import DAY, labels, lookup, to_instants, to_money

__all__ = ["generate_order_items", "generate_orders"]

STATUSES = ["pending", "shipped", "completed", "cancelled", "refunded"]
STATUS_BY_AGE = [  # days since the order below which the row holds, shares in the order of STATUSES
    (1, (0.35, 0.20, 0.41, 0.040, 0.000)),
    (2, (0.08, 0.22, 0.66, 0.040, 0.000)),
    (4, (0.00, 0.10, 0.86, 0.035, 0.005)),
    (np.inf, (0.00, 0.00, 0.89, 0.035, 0.075)),
]


def generate_orders(
    n: int,
    users: pd.DataFrame,
    products: pd.DataFrame,
    campaigns: pd.DataFrame | None = None,
    *,
    shop: Shop = DEMO_SHOP,
) -> pd.DataFrame:
    """n orders by time, none before its customer's sign-up; total_amount is the sum of their generate_order_items."""
    check_count(n, "orders", users=users, products=products)
    rng = stream(shop, "orders")
    buyer, seconds = visit_times(rng, n, users, shop)
    by_time = np.argsort(seconds, kind="stable")
    buyer, seconds = buyer[by_time], seconds[by_time]
    # Every hundredth parcel goes to the address of somebody else.
    address = np.where(rng.random(n) < 0.99, buyer, rng.integers(0, max(len(users), 1), n))
    campaign = running_campaign(stream(shop, "orders.campaign"), seconds // DAY, campaigns, share=0.15)
    return pd.DataFrame(
        {
            "order_id": uuids(stream(shop, "orders.id"), n),
            "user_id": lookup(users, "user_id", buyer),
            "order_date": to_instants(seconds),
            "status": labels(STATUSES, _status(rng, shop.days[-1] + 1 - seconds / DAY)),
            "total_amount": to_money(totals(draw_lines(n, products, shop), n)),
            "shipping_country_code": lookup(users, "country_code", address),
            "shipping_city": lookup(users, "city", address),
            "campaign_id": lookup(campaigns, "campaign_id", campaign),
        }
    )


def _status(rng: np.random.Generator, age: np.ndarray) -> np.ndarray:
    """Position in STATUSES by age in days."""
    band = np.searchsorted([limit for limit, _ in STATUS_BY_AGE], age, side="right")
    shares = np.cumsum([row for _, row in STATUS_BY_AGE], axis=1)
    return np.minimum((rng.random(len(age))[:, None] >= shares[band]).sum(axis=1), len(STATUSES) - 1)


def generate_order_items(orders: pd.DataFrame, products: pd.DataFrame, *, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """The lines of the orders, in their order; price_at_time + discount is the product's price."""
    lines = lines_of(orders, products, shop)
    return pd.DataFrame(
        {
            "order_item_id": uuids(stream(shop, "lines.id"), len(lines)),
            "order_id": lookup(orders, "order_id", lines["order"]),
            "product_id": lookup(products, "product_id", lines["product"]),
            "quantity": lines["quantity"],
            "price_at_time": to_money(lines["paid"].to_numpy()),
            "discount": to_money(lines["discount"].to_numpy()),
        }
    )
