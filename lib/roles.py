"""The roles owner, loader and reader and their rights: made where the connected user may make roles."""

from collections.abc import Sequence

import pandas as pd
import sqlalchemy as sa

from lib.database import frame, run, sql

__all__ = ["create", "grant", "grant_use", "grant_views", "overview"]

MEANINGS = {
    "workbook_owner": "makes, changes and replaces the tables",
    "workbook_loader": "adds, changes and removes rows",
    "workbook_reader": "reads, for at most half a minute; reports and dashboards",
}


def create(connection: sa.Connection) -> None:
    """Make the roles and the owner's property of the tables there are; nothing where the connected user may not."""
    if connection.execute(sa.text(sql("roles/allowed"))).scalar():
        run(connection, sql("roles/create"))
        run(connection, sql("roles/adopt"))


def grant(connection: sa.Connection) -> None:
    """Give loader and reader their rights on the tables of the present schema, when the owner is the present role."""
    if _is_owner(connection):
        run(connection, sql("roles/grants"))


def grant_use(connection: sa.Connection, schema: str) -> None:
    """Let the loader read what is built in the schema, when the owner is the present role."""
    if _is_owner(connection):
        run(connection, f"GRANT USAGE ON SCHEMA {schema} TO workbook_loader")


def grant_views(connection: sa.Connection, views: Sequence[str]) -> None:
    """Let loader and reader read the views, when the owner is the present role."""
    if views and _is_owner(connection):
        run(connection, f"GRANT SELECT ON {', '.join(views)} TO workbook_loader, workbook_reader")


def _is_owner(connection: sa.Connection) -> bool:
    return connection.execute(sa.text("SELECT current_user")).scalar() == "workbook_owner"


def overview(connection: sa.Connection) -> pd.DataFrame:
    """role, meaning, in_use (yes or no): whether the role is there with rights in this database."""
    found = frame(connection, sql("roles/overview"))
    found.insert(1, "meaning", found["role"].map(MEANINGS))
    return found.assign(in_use=found["in_use"].map({True: "yes", False: "no"}))
