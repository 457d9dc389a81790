"""The rows of the marts that an append touches: only these days and customers are made anew."""

import pandas as pd
import sqlalchemy as sa

from lib.catalog import tables
from lib.database import run, sql
from lib.load.marts import selection

__all__ = ["LISTS", "note", "note_after", "note_all", "stale", "write_rows"]

LISTS = {"daily_kpis": "touched_days", "customer_lifetime_value": "touched_customers"}  # by the key of the mart


def note(connection: sa.Connection) -> None:
    """List what the rows of the tables added_* touch, before they are merged."""
    run(connection, sql("load/touched"))
    run(connection, sql("load/touch_days"))


def note_after(connection: sa.Connection) -> None:
    """List besides what they touch once they are merged; needs the visits gathered."""
    run(connection, sql("load/touch_days"))
    run(connection, sql("load/touch_other_days"))
    run(connection, "ANALYZE touched_days")


def note_all(connection: sa.Connection) -> None:
    """List all days and customers."""
    run(connection, "TRUNCATE touched_customers; INSERT INTO touched_customers SELECT user_id FROM public.users")
    run(connection, "INSERT INTO touched_days SELECT date FROM public.daily_kpis ON CONFLICT DO NOTHING")
    note_after(connection)


def stale(results: pd.DataFrame) -> bool:
    """Whether the marts differ from the tables: somebody changed rows by hand since they were made."""
    about_marts = results["check"].str.startswith(("daily_kpis_", "lifetime_value_"))
    return bool((about_marts & (results["failed"] > 0)).any())


def write_rows(connection: sa.Connection, mart: str, into: str) -> int:
    """Put the touched rows of the mart, as its one definition makes them, into the table `into`; how many.

    The definition asks for tables by their bare names: temporary ones with what these rows need stand in their place.
    """
    columns, key = ", ".join(tables()[mart].column_names), tables()[mart].key
    run(connection, sql(f"scope/{mart}"))
    made = f"{selection(mart)} WHERE {key} IN (SELECT {key} FROM {LISTS[mart]})"  # noqa: S608 - names of the catalog
    rows = connection.exec_driver_sql(f"INSERT INTO {into} ({columns}) {made}").rowcount
    run(connection, "DROP TABLE pg_temp.orders, pg_temp.users")
    return rows
