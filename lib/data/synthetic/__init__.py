"""The synthetic shop: customers follow published models with known parameters; same arguments, same rows."""

import pandas as pd
import pyarrow as pa

from lib.data.synthetic.arrays import frame
from lib.data.synthetic.generator import Plan, block_tables, parent_tables, plan_shop
from lib.data.synthetic.shop import DEMO_COUNTS, DEMO_SHOP, GENERATOR, Counts, Shop
from lib.data.synthetic.truth import truth

__all__ = [
    "DEMO_COUNTS",
    "DEMO_SHOP",
    "GENERATOR",
    "Counts",
    "Plan",
    "Shop",
    "block_tables",
    "generate_events",
    "generate_marketing_campaigns",
    "generate_order_items",
    "generate_orders",
    "generate_products",
    "generate_shop",
    "generate_users",
    "parent_tables",
    "plan_shop",
    "truth",
]


def generate_shop(counts: Counts = DEMO_COUNTS, shop: Shop = DEMO_SHOP) -> dict[str, pd.DataFrame]:
    """The six tables as frames by name, parents before children, all in memory.

    Raises:
        UsageError: No shop can have these counts.
    """
    plan = plan_shop(counts, shop)
    blocks = [block_tables(plan, block) for block in range(counts.blocks)]
    whole = {name: pa.concat_tables([tables[name] for tables in blocks]) for name in blocks[0]}
    return {name: frame(table) for name, table in (parent_tables(plan) | whole).items()}


def generate_marketing_campaigns(n: int, *, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """n campaigns in order of their start."""
    return generate_shop(Counts(n, 0, 0, 0, 0), shop)["marketing_campaigns"]


def generate_users(n: int, *, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """n customers of a shop without campaigns, in each block in order of sign-up."""
    return generate_shop(Counts(0, n, 0, 0, 0), shop)["users"]


def generate_products(n: int, *, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """n products."""
    return generate_shop(Counts(0, 0, n, 0, 0), shop)["products"]


def generate_orders(counts: Counts = DEMO_COUNTS, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """The orders of the shop, in each block by time; total_amount is the sum of their generate_order_items."""
    return generate_shop(counts, shop)["orders"]


def generate_order_items(counts: Counts = DEMO_COUNTS, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """The items of the orders, in the order of the orders."""
    return generate_shop(counts, shop)["order_items"]


def generate_events(counts: Counts = DEMO_COUNTS, shop: Shop = DEMO_SHOP) -> pd.DataFrame:
    """The events of the visits, in each block by time."""
    return generate_shop(counts, shop)["events"]
