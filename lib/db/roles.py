"""The roles owner, loader and reader with their permissions, created if the connected user may create roles."""

from collections.abc import Sequence

import pandas as pd
import sqlalchemy as sa
from psycopg2.extensions import encrypt_password

from lib.catalog import tables
from lib.db.connection import frame, run, sql
from lib.errors import DatabaseError

__all__ = ["create", "ensure_login", "grant", "grant_use", "grant_views", "overview"]

MEANINGS = {
    "workbook_owner": "creates, changes and replaces the tables",
    "workbook_loader": "inserts, updates and deletes rows",
    "workbook_reader": "reads for up to 30 s per query; for reports and dashboards",
}


def create(connection: sa.Connection, relations: Sequence[str]) -> None:
    """Create the missing roles and make workbook_owner the owner of the relations and of the schema `workbook`.

    Nothing happens if the connected user may not create roles.

    Args:
        connection: A connection in a transaction.
        relations: Tables and views of `public`. Missing ones are skipped, and those of other users keep their owner.
    """
    if _may_create_roles(connection):
        run(connection, sql("roles/create"))
        names = {"names": ",".join(relations)}
        connection.execute(sa.text("SELECT set_config('workbook.relations', :names, true)"), names)
        run(connection, sql("roles/adopt"))


def grant(connection: sa.Connection) -> None:
    """Grant loader and reader their permissions on the tables of the current schema.

    Like the other grants, it does nothing unless workbook_owner is the current user, see `connection.assume`.
    """
    if _is_owner(connection):
        names = ", ".join(tables())
        run(connection, f"GRANT SELECT, INSERT, UPDATE, DELETE ON {names} TO workbook_loader")
        run(connection, f"GRANT SELECT ON {names} TO workbook_reader")
        run(connection, sql("roles/grants"))


def grant_use(connection: sa.Connection, schema: str) -> None:
    """Let the loader use the staging schema, in which a load builds its tables."""
    if _is_owner(connection):
        run(connection, f"GRANT USAGE ON SCHEMA {schema} TO workbook_loader")


def grant_views(connection: sa.Connection, views: Sequence[str]) -> None:
    """Let loader and reader read the views."""
    if views and _is_owner(connection):
        run(connection, f"GRANT SELECT ON {', '.join(views)} TO workbook_loader, workbook_reader")


def _may_create_roles(connection: sa.Connection) -> bool:
    return bool(connection.execute(sa.text(sql("roles/allowed"))).scalar())


def _is_owner(connection: sa.Connection) -> bool:
    return connection.execute(sa.text("SELECT current_user")).scalar() == "workbook_owner"


def ensure_login(connection: sa.Connection, name: str, password: str) -> None:
    """Create a login role with the reader's permissions, or change its password.

    The server receives a salted verifier (SCRAM-SHA-256), so the password cannot appear in its log.

    Raises:
        DatabaseError: The connected user may not create roles.
    """
    if not _may_create_roles(connection):
        raise DatabaseError(
            f"cannot create the login {name}: the connected user may not create roles. Create a login that may read "
            "the tables, and name it in METABASE_DB_USER and METABASE_DB_PASSWORD."
        )
    driver = connection.connection.driver_connection
    verifier = encrypt_password(password, name, driver, "scram-sha-256")
    settings = "SELECT set_config('workbook.login', :login, true), set_config('workbook.verifier', :verifier, true)"
    connection.execute(sa.text(settings), {"login": name, "verifier": verifier})
    run(connection, sql("roles/login"))


def overview(connection: sa.Connection) -> pd.DataFrame:
    """One row per role: role, meaning, in_use (`yes` if it exists with permissions in this database, else `no`).

    Example:
        >>> with transaction() as connection:
        ...     roles.overview(connection)["role"].tolist()
        ['workbook_owner', 'workbook_loader', 'workbook_reader']
    """
    found = frame(connection, sql("roles/overview"))
    found.insert(1, "meaning", found["role"].map(MEANINGS))
    return found.assign(in_use=found["in_use"].map({True: "yes", False: "no"}))
