"""The synthetic shop: customers follow published models with known parameters; same arguments, same rows.

First solve what all blocks of a shop share, then generate its tables block by block.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.catalog import arrow_schema
from lib.data.parquet import to_frame, with_all_columns
from lib.data.synthetic.arrays import DAY, in_currency, stream, uuids
from lib.data.synthetic.calendar import Anomaly, Clock, anomalies, day_factors
from lib.data.synthetic.campaigns import Campaigns, campaigns_table, plan_campaigns
from lib.data.synthetic.customers import SPEND, Customers, Pools, customers_table, draw_customers, name_pools, sign_ups
from lib.data.synthetic.events import Visits, draw_events, interest, plan_visits
from lib.data.synthetic.fulfilment import draw_fulfilment
from lib.data.synthetic.orders import (
    Orders,
    draw_purchases,
    expected_orders,
    items_table,
    orders_table,
    refunds_table,
    shipping_customers,
    solve_alpha,
)
from lib.data.synthetic.products import (
    MEAN_QUANTITY,
    Baskets,
    Products,
    draw_lines,
    plan_baskets,
    plan_products,
    products_table,
    quarter,
)
from lib.data.synthetic.shop import GENERATOR, SAMPLE_COUNTS, SAMPLE_SHOP, Counts, Shop

__all__ = [
    "GENERATOR",
    "SAMPLE_COUNTS",
    "SAMPLE_SHOP",
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
]

SOLVED_BLOCKS = 20  # more customers would change the solved alpha by less than one per cent


@dataclass(frozen=True)
class Plan:
    """The solved parameters and shared tables that every block needs.

    daily_orders[country, day]: expected orders. orders_by_quarter: their shares of the four quarters of the year.
    """

    counts: Counts
    shop: Shop
    campaigns: Campaigns
    products: Products
    anomalies: list[Anomaly]
    order_clock: Clock
    visit_clock: Clock
    alpha: float
    daily_orders: np.ndarray
    orders_by_quarter: np.ndarray
    baskets: Baskets
    visits: Visits
    pools: Pools

    @property
    def order_values(self) -> np.ndarray:
        """Expected total of an order in cents, by quarter of the year."""
        return np.array([self.baskets.value(self.products, demand) for demand in self.products.demand])

    @property
    def returnable_values(self) -> np.ndarray:
        """Expected sum of the items of an order in cents that can be returned alone, by quarter of the year."""
        return np.array([self.baskets.returnable(self.products, demand) for demand in self.products.demand])

    @property
    def units_of_last_month(self) -> float:
        """Expected units in the orders of the last 30 days."""
        return float(self.daily_orders[:, -30:].sum()) * self.shop.lines_per_order * MEAN_QUANTITY

    @property
    def mean_order_value(self) -> float:
        """Expected total of an order in cents, over all expected orders."""
        return float(self.order_values @ self.orders_by_quarter)


def plan_shop(counts: Counts, shop: Shop) -> Plan:
    """Solve the plan of a shop.

    Raises:
        UsageError: No shop can have these counts.
    """
    campaigns = plan_campaigns(counts.marketing_campaigns, shop)
    products = plan_products(counts.products, shop)
    known = anomalies(shop)
    order_clock, visit_clock = _clocks(campaigns, known, shop)
    people, buyers = sign_ups(counts, campaigns, shop)
    alpha = _alpha(counts, campaigns, order_clock, shop)
    daily = _daily_orders(order_clock, buyers, alpha)
    daily *= counts.orders / max(daily.sum(), 1e-9)
    by_quarter = np.bincount(quarter(shop.days), daily.sum(axis=0), 4) / max(daily.sum(), 1e-9)
    visited = visit_clock.end[:, None] - visit_clock.middays
    return Plan(
        counts=counts,
        shop=shop,
        campaigns=campaigns,
        products=products,
        anomalies=known,
        order_clock=order_clock,
        visit_clock=visit_clock,
        alpha=alpha,
        daily_orders=daily,
        orders_by_quarter=by_quarter,
        baskets=plan_baskets(products, by_quarter, shop),
        visits=plan_visits(counts, shop, float((people * interest(visited)).sum())),
        pools=name_pools(shop),
    )


def _clocks(campaigns: Campaigns, known: list[Anomaly], shop: Shop) -> tuple[Clock, Clock]:
    """The clocks of orders and of visits: calendar x anomalies x (1 + running uplifts)."""
    speeds = day_factors(shop) * (1 + campaigns.sums(campaigns.uplift))
    orders, visits = speeds.copy(), speeds.copy()
    for anomaly in known:
        days = slice(anomaly.first_day - shop.days[0], anomaly.last_day - shop.days[0] + 1)
        orders[:, days] *= anomaly.orders
        visits[:, days] *= anomaly.visits
    first = int(shop.days[0])
    return Clock.running_at(first, orders), Clock.running_at(first, visits)


def _alpha(counts: Counts, campaigns: Campaigns, clock: Clock, shop: Shop) -> float:
    """The scale of the purchase rates that gives the requested orders, solved over the customers of some blocks."""
    blocks = [draw_customers(counts, campaigns, shop, block) for block in range(min(counts.blocks, SOLVED_BLOCKS))]
    customers = Customers.concatenated(blocks)
    n = counts.orders * len(customers) / max(counts.users, 1)
    begun = clock.read(customers.country, customers.signed_up)
    return solve_alpha(n, customers, begun, clock.end[customers.country])


def _daily_orders(clock: Clock, buyers: np.ndarray, alpha: float) -> np.ndarray:
    """Expected orders by country and day, summed over the sign-ups of all earlier days."""
    daily = np.zeros_like(buyers)
    if np.isnan(alpha):
        return daily
    for country, (shown, signed_up) in enumerate(zip(clock.midnights, clock.middays, strict=True)):
        ages = np.maximum(shown[:, None] - signed_up, 0)
        daily[country] = np.diff(expected_orders(ages, alpha) @ buyers[country])
    return daily


def parent_tables(plan: Plan) -> dict[str, pa.Table]:
    """The tables that all blocks share: marketing_campaigns and products."""
    order_value = plan.counts.orders * plan.mean_order_value / 100
    tables = {
        "marketing_campaigns": campaigns_table(plan.campaigns, order_value, plan.shop),
        "products": products_table(plan.products, plan.units_of_last_month, plan.shop),
    }
    return in_currency(tables, plan.shop.cents)


def block_tables(plan: Plan, block: int) -> dict[str, pa.Table]:
    """The users, orders, order_items, refunds and events of a block; they depend on the plan and the block only."""
    shop = plan.shop
    customers = draw_customers(plan.counts, plan.campaigns, shop, block)
    orders, values = _orders(plan, customers, block)
    days = orders.seconds // DAY
    flash = np.isin(days, [anomaly.first_day for anomaly in plan.anomalies if anomaly.kind == "flash_sale"])
    lines = draw_lines(plan.baskets, plan.products, days, values, flash, shop, block)
    item_ids = uuids(stream(shop, "lines.id", block), len(lines))
    facts = stream(shop, "orders.facts", block)
    address = shipping_customers(facts, orders, len(customers))
    fulfilment = draw_fulfilment(facts, orders.seconds, lines)
    placed = orders_table(orders, address, fulfilment, lines, customers, plan.pools, plan.campaigns, shop)
    returned = refunds_table(fulfilment, orders, item_ids, customers, shop, block)
    visited = draw_events(plan.visits, orders, lines, customers, plan.products, plan.visit_clock, shop, block)
    tables = {
        "users": customers_table(customers, plan.pools, plan.campaigns, shop, block),
        "orders": with_all_columns(placed, arrow_schema("orders")),
        "order_items": items_table(item_ids, lines, orders, plan.products),
        "refunds": with_all_columns(returned, arrow_schema("refunds")),
        "events": with_all_columns(visited, arrow_schema("events")),
    }
    return in_currency(tables, shop.cents)


def _orders(plan: Plan, customers: Customers, block: int) -> tuple[Orders, np.ndarray]:
    """The orders of a block by time, and the Gamma-Gamma value of each, of which only the rank is used."""
    rng = stream(plan.shop, "orders", block)
    clock, country = plan.order_clock, customers.country
    begun, ended = clock.read(country, customers.signed_up), clock.end[country]
    row, shown = draw_purchases(rng, customers, begun, ended, plan.alpha)
    seconds = clock.seconds(country[row], shown)
    by_time = np.lexsort((row, seconds))
    row, seconds = row[by_time], seconds[by_time]
    facts = stream(plan.shop, "orders.values", block)
    values = facts.standard_gamma(SPEND.p, len(row)) * customers.spend[row]
    campaign = plan.campaigns.sources(country[row], seconds // DAY, facts.random(len(row)))
    return Orders(uuids(stream(plan.shop, "orders.id", block), len(row)), row, seconds, campaign), values


def generate_shop(counts: Counts = SAMPLE_COUNTS, shop: Shop = SAMPLE_SHOP) -> dict[str, pd.DataFrame]:
    """The tables as frames by name, parents before children, all in memory.

    Raises:
        UsageError: No shop can have these counts.
    """
    plan = plan_shop(counts, shop)
    blocks = [block_tables(plan, block) for block in range(counts.blocks)]
    whole = {name: pa.concat_tables([tables[name] for tables in blocks]) for name in blocks[0]}
    frames = {}
    for name, table in (parent_tables(plan) | whole).items():
        integers = [field.name for field in table.schema if field.type == pa.int32()]
        frames[name] = to_frame(table, name).astype(dict.fromkeys(integers, "int64"))  # none of them is missing
    return frames


def generate_marketing_campaigns(n: int, *, shop: Shop = SAMPLE_SHOP) -> pd.DataFrame:
    """n campaigns in order of their start."""
    return generate_shop(Counts(n, 0, 0, 0, 0), shop)["marketing_campaigns"]


def generate_users(n: int, *, shop: Shop = SAMPLE_SHOP) -> pd.DataFrame:
    """n customers of a shop without campaigns, in each block in order of sign-up."""
    return generate_shop(Counts(0, n, 0, 0, 0), shop)["users"]


def generate_products(n: int, *, shop: Shop = SAMPLE_SHOP) -> pd.DataFrame:
    """n products."""
    return generate_shop(Counts(0, 0, n, 0, 0), shop)["products"]


def generate_orders(counts: Counts = SAMPLE_COUNTS, shop: Shop = SAMPLE_SHOP) -> pd.DataFrame:
    """The orders of the shop, in each block by time; total_amount is the sum of their generate_order_items."""
    return generate_shop(counts, shop)["orders"]


def generate_order_items(counts: Counts = SAMPLE_COUNTS, shop: Shop = SAMPLE_SHOP) -> pd.DataFrame:
    """The items of the orders, in the order of the orders."""
    return generate_shop(counts, shop)["order_items"]


def generate_events(counts: Counts = SAMPLE_COUNTS, shop: Shop = SAMPLE_SHOP) -> pd.DataFrame:
    """The events of the visits, in each block by time."""
    return generate_shop(counts, shop)["events"]
