"""Orders: their tables of orders and items, and what became of each by as_of."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lib.generate.baskets import Lines
from lib.generate.campaigns import Campaigns
from lib.generate.customers import Customers
from lib.generate.people import COUNTRY_CODES, Pools
from lib.generate.products import Products
from lib.generate.shop import Shop, days_since_1970
from lib.generate.streams import stream, uuids
from lib.generate.values import DAY, instant_array, money_array, uuid_array, word_array

__all__ = ["Orders", "completed_share", "items_table", "orders_table"]

STATUSES = ["pending", "shipped", "completed", "cancelled", "refunded"]
PENDING, SHIPPED, COMPLETED, CANCELLED, REFUNDED = range(5)
CANCELLED_SHARE, REFUNDED_SHARE = 0.035, 0.075
TO_SHIP, TO_DELIVER = 0.8, 1.4  # mean days until an order is shipped, and from then until it is completed
REFUND_AFTER, REFUND_MORE = 4.0, 10.0  # days from the order to a refund: at least, and mean of what comes on top
GIFT_SHARE = 0.015  # of the parcels go to the address of another customer


@dataclass(frozen=True)
class Orders:
    """One entry per order of a block, by time: customer (row of the block), seconds from 1970-01-01, campaign or -1."""

    ids: np.ndarray
    customer: np.ndarray
    seconds: np.ndarray
    campaign: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def completed_share(age: np.ndarray) -> np.ndarray:
    """Share of the orders of so many days ago that are completed at as_of: delivered, not cancelled or refunded."""
    age = np.maximum(age, 0)
    delivered = 1 - (TO_DELIVER * np.exp(-age / TO_DELIVER) - TO_SHIP * np.exp(-age / TO_SHIP)) / (TO_DELIVER - TO_SHIP)
    refunded = -np.expm1(-np.maximum(age - REFUND_AFTER, 0) / REFUND_MORE)
    return delivered * (1 - CANCELLED_SHARE - REFUNDED_SHARE * refunded)


def _status(rng: np.random.Generator, age: np.ndarray) -> np.ndarray:
    """Row of STATUSES by age in days: what had happened to the order by then."""
    fate = rng.random(len(age))
    to_ship, to_deliver, refund_lag = rng.standard_exponential((3, len(age)))
    shipped = TO_SHIP * to_ship
    refunded = (fate < CANCELLED_SHARE + REFUNDED_SHARE) & (age > REFUND_AFTER + REFUND_MORE * refund_lag)
    happened = [fate < CANCELLED_SHARE, refunded, age > shipped + TO_DELIVER * to_deliver, age > shipped]
    return np.select(happened, [CANCELLED, REFUNDED, COMPLETED, SHIPPED], PENDING)


def orders_table(
    orders: Orders, lines: Lines, customers: Customers, pools: Pools, campaigns: Campaigns, shop: Shop, block: int
) -> pa.Table:
    """The table of orders; total_amount is the sum of their lines."""
    rng = stream(shop, "orders.facts", block)
    gift, other = rng.random((2, len(orders)))
    address = np.where(gift < GIFT_SHARE, (other * len(customers)).astype(np.int64), orders.customer)
    age = days_since_1970(shop.as_of) - orders.seconds / DAY
    return pa.table(
        {
            "order_id": uuid_array(orders.ids),
            "user_id": uuid_array(customers.ids, orders.customer),
            "order_date": instant_array(orders.seconds),
            "status": word_array(STATUSES, _status(rng, age)),
            "total_amount": money_array(lines.totals(len(orders))),
            "shipping_country_code": word_array(COUNTRY_CODES.tolist(), customers.country[address]),
            "shipping_city": word_array(pools.cities, customers.city[address]),
            "campaign_id": uuid_array(campaigns.ids, orders.campaign),
        }
    )


def items_table(lines: Lines, orders: Orders, products: Products, shop: Shop, block: int) -> pa.Table:
    """The lines of the orders, in their order; price_at_time + discount is the product's price."""
    return pa.table(
        {
            "order_item_id": uuid_array(uuids(stream(shop, "lines.id", block), len(lines))),
            "order_id": uuid_array(orders.ids, lines.order),
            "product_id": uuid_array(products.ids, lines.product),
            "quantity": pa.array(lines.quantity, pa.int32()),
            "price_at_time": money_array(lines.paid),
            "discount": money_array(lines.discount),
        }
    )
