"""One short text that stands for all rows: equal for equal shops, whenever and wherever they were loaded."""

import sqlalchemy as sa

from lib.catalog import tables

__all__ = ["fingerprint"]


def fingerprint(connection: sa.Connection) -> str:
    """Digest of all rows of the eight tables without bookkeeping and predictions; the order of rows does not matter."""
    parts = [
        connection.execute(sa.text(_digest(table.name, table.loaded_names))).scalar() for table in tables().values()
    ]
    return format(sum(int(part) for part in parts) % 2**64, "016x")


def _digest(table: str, columns: list[str]) -> str:
    row = f"ROW('{table}', {', '.join(columns)})::text"
    return f"SELECT coalesce(sum(hashtextextended({row}, 0)::numeric), 0) FROM {table}"  # noqa: S608 - names of the catalog
