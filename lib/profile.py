"""The shape of a shop in counts that add up over groups of customers, so that no one holds all rows."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Counted", "Profile", "added", "profile", "total"]

Profile = dict[str, pd.DataFrame]
Counted = dict[str, list[np.ndarray]]  # a Profile on its way: the columns of each frame, the key first

DAY, HOUR = 86_400_000_000, 3_600_000_000  # microseconds
CENTS = 2  # digits
HELD = 64  # profiles that wait to be added up: as many as a sum is worth, few enough to be small
# The first column of each frame is its key, the others are counts or amounts.
COLUMNS: dict[str, dict[str, str]] = {
    "days": {"date": "datetime64[us]", "orders": "int64", "revenue": "float64"},
    "weekdays": {"weekday": "int64", "orders": "int64"},
    "hours": {"hour": "int64", "orders": "int64"},
    "products": {"product_id": "object", "amount": "float64"},
    "baskets": {"lines": "int64", "orders": "int64"},
    "countries": {"country_code": "str", "customers": "int64", "orders": "int64"},
    "customers": {"orders": "int64", "customers": "int64"},
    "funnel": {"step": "str", "sessions": "int64"},
}


def profile(tables: dict[str, pa.Table]) -> Counted:
    """The counts of all that some whole customers have: their rows of users, orders, order_items and events.

    days, weekdays and hours are in UTC and count orders placed; `revenue` sums completed orders, `amount` all lines.
    """
    orders = tables["orders"]
    instants = orders["order_date"].cast(pa.int64()).to_numpy()
    found = {
        "days": _days(orders, instants // DAY),
        "weekdays": _counted((instants // DAY + 3) % 7),  # 1970-01-01 was a Thursday
        "hours": _counted(instants % DAY // HOUR),
        "products": _products(tables["order_items"]),
        "baskets": _baskets(tables["order_items"]),
        **_customers(tables["users"], orders),
        "funnel": _funnel(tables["events"]),
    }
    return {name: [_array(column) for column in columns] for name, columns in found.items()}


def total(profiles: Iterable[Counted]) -> Profile:
    """The counts of all customers together, by key in order; empty frames where there is nothing to add up."""
    summed = added(profiles)
    return {
        name: pd.DataFrame(dict(zip(types, summed[name], strict=True))).astype(types) for name, types in COLUMNS.items()
    }


def added(profiles: Iterable[Counted]) -> Counted:
    """The counts of all of them together, by key in order."""
    held: list[Counted] = []
    for each in profiles:
        held.append(each)
        if len(held) > HELD:
            held = [_sum(held)]
    return _sum(held)


def _sum(profiles: Sequence[Counted]) -> Counted:
    """The profiles added up; amounts are whole cents again, so that their order does not matter."""
    if not profiles:
        return {name: [_array([]) for _ in types] for name, types in COLUMNS.items()}
    summed = {}
    for name in COLUMNS:
        key, *others = (np.concatenate(parts) for parts in zip(*(each[name] for each in profiles), strict=True))
        row, keys = pd.factorize(key, sort=True, use_na_sentinel=False)  # customers of no known country are customers
        summed[name] = [keys, *(np.round(np.bincount(row, values, len(keys)), CENTS) for values in others)]
    return summed


def _array(values: Sequence | np.ndarray) -> np.ndarray:
    """The values as an array; keys as objects, for numpy's own bytes lose the zeros at the end."""
    return values if isinstance(values, np.ndarray) else np.array(values, dtype=object)


def _days(orders: pa.Table, days: np.ndarray) -> tuple[np.ndarray, ...]:
    """Every day that has an order, its orders and its revenue."""
    found, row = np.unique(days, return_inverse=True)
    completed = pc.equal(orders["status"], "completed").to_numpy()
    revenue = np.bincount(row, _cents(orders["total_amount"]) * completed, len(found))
    return found.astype("datetime64[D]"), np.bincount(row, minlength=len(found)), revenue / 100


def _counted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Small numbers that occur, and how often each does."""
    counts = np.bincount(values)
    return counts.nonzero()[0], counts[counts > 0]


def _products(items: pa.Table) -> tuple[list[bytes], np.ndarray]:
    """Every product sold by the bytes of its key, and the amount of all its lines."""
    products, row = _codes(items["product_id"])
    cents = _cents(items["price_at_time"]) * items["quantity"].to_numpy()
    return products, np.bincount(row, cents, len(products)) / 100


def _baskets(items: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of lines that an order has, and the orders that have so many."""
    return _counted(np.bincount(_encoded(items["order_id"]).indices))


def _customers(users: pa.Table, orders: pa.Table) -> dict[str, tuple]:
    """Customers and orders by the home country of the customer; customers by their number of orders."""
    placed = pc.index_in(_whole(orders["user_id"]), _whole(users["user_id"])).to_numpy()
    by_customer = np.bincount(placed, minlength=len(users))
    countries, home = _codes(users["country_code"])
    by_country = np.bincount(home, by_customer, len(countries)).astype(np.int64)
    return {
        "countries": (countries, np.bincount(home, minlength=len(countries)), by_country),
        "customers": _counted(by_customer),
    }


def _funnel(events: pa.Table) -> tuple[list[str], np.ndarray]:
    """Every step, and the sessions in which it was taken at least once."""
    session = _encoded(events["session_id"]).indices.to_numpy()
    steps, step = _codes(events["event_type"])
    reached = np.zeros((len(steps), int(session.max(initial=-1)) + 1), dtype=bool)
    reached[step, session] = True
    return steps, reached.sum(axis=1)


def _codes(column: pa.ChunkedArray) -> tuple[list, np.ndarray]:
    """The values that occur, a gap among them, and of each row the place of its value."""
    encoded = _encoded(column)
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy()


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return _whole(column).dictionary_encode(null_encoding="encode")


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array; keys as the bytes that they are."""
    array = column.combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _cents(amounts: pa.ChunkedArray) -> np.ndarray:
    """Money in whole cents, which add up exactly."""
    return np.rint(amounts.cast(pa.float64()).to_numpy() * 100)
