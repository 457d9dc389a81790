"""The workbook's views, and the views that depend on tables which are altered or replaced."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from lib.db import roles
from lib.db.connection import run, sql
from lib.errors import DatabaseError

__all__ = ["VIEWS", "create_missing", "dependents", "outdated", "set_aside", "take_grants"]

VIEWS = ("sales_summary", "product_performance", "customer_summary", "geographic_performance")


def create_missing(connection: sa.Connection) -> None:
    """Create those of VIEWS that are missing in `public`, which must be the current schema."""
    found = connection.execute(sa.text("SELECT to_regclass(name) FROM unnest(:names) AS name"), {"names": list(VIEWS)})
    missing = [name for name, present in zip(VIEWS, found.scalars(), strict=True) if present is None]
    for name in missing:
        _create(connection, name)
    roles.grant_views(connection, missing)


def outdated(connection: sa.Connection) -> list[str]:
    """Those of VIEWS that an earlier version of the workbook created and that people have not changed since."""
    found = connection.execute(sa.text(sql("schema/views")), {"names": list(VIEWS)}).all()
    return [
        view.name
        for view in found
        if view.statement != sql(f"views/{view.name}")
        and (view.as_created if view.statement is None else _is_unchanged(connection, view.name, view.statement))
    ]


def _is_unchanged(connection: sa.Connection, name: str, statement: str) -> bool:
    """Whether a view has the definition of the statement; PostgreSQL spells both, so that they can be compared."""
    same = f"SELECT pg_get_viewdef('pg_temp.{name}'::regclass) = pg_get_viewdef('public.{name}'::regclass)"
    with connection.begin_nested() as scratch:
        run(connection, "SET LOCAL search_path = pg_temp, public")
        run(connection, statement)
        unchanged = bool(connection.execute(sa.text(same)).scalar())
        scratch.rollback()
    return unchanged


def dependents(connection: sa.Connection, relations: Sequence[str]) -> list[sa.Row[Any]]:
    """The views among the relations and all that depend on them, nested ones after those they read."""
    return list(connection.execute(sa.text(sql("schema/dependent_views")), {"relations": list(relations)}))


@contextmanager
def set_aside(connection: sa.Connection, relations: Sequence[str], renewed: Sequence[str] = ()) -> Iterator[None]:
    """Drop the views among the relations and all that depend on them, and create them again after the block.

    Owners, options, comments, indexes and permissions are restored.

    Args:
        connection: A connection in a transaction, of a user who may drop the views and give them to their owners.
        relations: Tables and views, with their schema.
        renewed: Those of VIEWS that get the definition of this version.

    Raises:
        DatabaseError: A view cannot be created again, because the block has removed what it reads.
    """
    views = dependents(connection, relations)
    grants = take_grants(connection, [view.name for view in views])
    if views:
        run(connection, "; ".join(f"DROP {view.kind} {view.name}" for view in reversed(views)))
    yield
    for view in views:
        own = view.name.removeprefix("public.")
        try:
            _create(connection, own) if own in renewed else _create_again(connection, view)
        except sa.exc.ProgrammingError as error:
            raise DatabaseError(
                f"the view {view.name} cannot be created again: {str(error.orig).splitlines()[0]}; nothing was "
                "changed. Save its definition, drop it, and run again."
            ) from error
        owner = connection.dialect.identifier_preparer.quote(view.owner)
        run(connection, f"ALTER {view.kind} {view.name} OWNER TO {owner}")
    for statement in grants:
        run(connection, statement)


def take_grants(connection: sa.Connection, relations: Sequence[str]) -> list[str]:
    """Statements that grant again the permissions on the relations, for when they have been created again."""
    found = connection.execute(sa.text(sql("schema/relation_grants")), {"relations": list(relations)})
    return [f"GRANT {grant.privilege} ON {grant.name} TO {grant.grantee}{grant.option}" for grant in found]


def _create(connection: sa.Connection, name: str) -> None:
    """Create one of VIEWS, and record its statement so that a later version recognises it."""
    statement = sql(f"views/{name}")
    run(connection, statement)
    connection.execute(sa.text(sql("schema/remember_view")), {"name": name, "statement": statement})


def _create_again(connection: sa.Connection, view: sa.Row[Any]) -> None:
    """Create a view with the definition, comments and indexes it had."""
    run(connection, f"CREATE {view.kind} {view.name}{view.options} AS {view.definition}")
    for statement in view.followed_by:
        run(connection, statement)
