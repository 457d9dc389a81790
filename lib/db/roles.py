"""The roles owner, loader and reader and their rights: made where the connected user may make roles."""

from collections.abc import Sequence

import pandas as pd
import sqlalchemy as sa
from psycopg2.extensions import encrypt_password

from lib.db.connection import frame, run, sql
from lib.errors import DatabaseError

__all__ = ["create", "ensure_login", "grant", "grant_use", "grant_views", "overview"]

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


def ensure_login(connection: sa.Connection, name: str, password: str) -> None:
    """Make a login with the reader's rights, or give it this password, of which only a salted proof is sent.

    Raises DatabaseError where the connected user may not make roles.
    """
    if not connection.execute(sa.text(sql("roles/allowed"))).scalar():
        raise DatabaseError(
            f"the connected user may not make the role {name}; make a login with the rights to read, and name it in "
            "METABASE_DB_USER and METABASE_DB_PASSWORD"
        )
    driver = connection.connection.driver_connection
    verifier = encrypt_password(password, name, driver, "scram-sha-256")
    settings = "SELECT set_config('workbook.login', :login, true), set_config('workbook.verifier', :verifier, true)"
    connection.execute(sa.text(settings), {"login": name, "verifier": verifier})
    run(connection, sql("roles/login"))


def overview(connection: sa.Connection) -> pd.DataFrame:
    """role, meaning, in_use (yes or no): whether the role is there with rights in this database."""
    found = frame(connection, sql("roles/overview"))
    found.insert(1, "meaning", found["role"].map(MEANINGS))
    return found.assign(in_use=found["in_use"].map({True: "yes", False: "no"}))
