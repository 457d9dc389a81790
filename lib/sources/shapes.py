"""The shape of an imported shop, counted over groups of customers that fit into memory."""

from pathlib import Path

import pyarrow as pa

from lib.files import table_path
from lib.profile import Profile, profile, total
from lib.sources.store import Store
from lib.sources.writing import Written

__all__ = ["shape_of"]

GROUP_ROWS = 500_000
NEEDED = ("users", "orders", "order_items", "events")


def shape_of(store: Store, folder: Path, written: Written) -> Profile:
    """The profile of the tables that were written, a group of customers at a time."""
    for name in NEEDED:
        store.add_file(f"written_{name}", table_path(folder, name))
    groups = -(-int(written.tables["rows"].sum()) // GROUP_ROWS) or 1
    return total(profile(_group(store, {"groups": groups, "number": number})) for number in range(groups))


def _group(store: Store, bound: dict[str, int]) -> dict[str, pa.Table]:
    return {name: store.table(f"profile/{name}", bound) for name in NEEDED}
