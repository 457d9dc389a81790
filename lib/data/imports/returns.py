"""The sale of each return, for imports and for loads that add the credit notes of another file."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

__all__ = ["match_returns"]


def match_returns(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Line and amount of each return with the line of its sale, which has enough units and amount left: one of the same
    order, else the latest earlier one. Returns without such a sale are left out.

    Args:
        rows: Sales and returns of one customer and product in the order in which they happened: line (any key), number
            of the order, is_sale, units, amount.
    """
    sales: dict[str, list[dict[str, Any]]] = {"": []}  # of each order, and of all
    for row in rows:
        if row["is_sale"]:
            sales[""].append(row)
            sales.setdefault(row["number"], []).append(row)
            continue
        candidates = chain(reversed(sales.get(row["number"], [])), reversed(sales[""]))
        covering = (s for s in candidates if s["units"] >= row["units"] and s["amount"] >= row["amount"])
        if sale := next(covering, None):
            sale["units"] -= row["units"]
            sale["amount"] -= row["amount"]
            yield {"line": row["line"], "sale_line": sale["line"], "amount": row["amount"]}
