"""Creates the eight tables with keys, indexes and comments in a schema, and compares what is there with the catalog."""

import re
from collections.abc import Sequence

import pandas as pd
import sqlalchemy as sa

from lib.catalog import Column, Table, bookkeeping, tables
from lib.db import roles
from lib.db.connection import assume, frame, literal, run, sql
from lib.db.locks import blockers, lock, not_had
from lib.errors import DatabaseError

__all__ = [
    "VIEWS",
    "build_keys",
    "columns",
    "create",
    "create_keys",
    "create_own",
    "create_tables",
    "describe",
    "foreign_keys",
    "overview",
    "promote_keys",
    "refuse_drift",
    "use",
]

LOCK_TIMEOUT = "5s"
VIEWS = ("sales_summary", "product_performance", "customer_summary", "geographic_performance")
FOREIGN = "FOREIGN KEY"
KEY = re.compile(
    r"^ALTER TABLE (?P<table>\w+) ADD CONSTRAINT (?P<name>\w+) (?P<kind>PRIMARY KEY|UNIQUE|FOREIGN KEY) "
    r"(?P<rest>[^;]+)",
    re.MULTILINE,
)
INDEX = re.compile(r"^(CREATE INDEX (\w+) ON (\w+)[^;]+)", re.MULTILINE)
TYPES = {  # how PostgreSQL names the types of the catalog
    "uuid": "uuid",
    "text": "text",
    "char2": "character(2)",
    "money": "numeric(12,2)",
    "total": "numeric(38,2)",
    "ratio": "double precision",
    "integer": "integer",
    "boolean": "boolean",
    "date": "date",
    "timestamptz": "timestamp with time zone",
}


def create(connection: sa.Connection) -> None:
    """Create in `public` what is not there yet, and the roles where that is allowed; rows and what others added stay.

    Raises DatabaseError, naming the differences, when a table there differs from the catalog, or who is in the way:
    another run that is loading, or somebody who holds a table for long.
    """
    lock(connection)
    try:
        with connection.begin_nested():
            run(connection, f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            _create(connection)
    except sa.exc.OperationalError as error:
        if not not_had(error):
            raise
        present = [f"public.{name}" for name in dict.fromkeys(columns(connection)["table"])]
        raise DatabaseError(
            f"a table could not be changed within {LOCK_TIMEOUT} because of {blockers(connection, present)}; "
            "end them and run again, nothing was changed"
        ) from error


def _create(connection: sa.Connection) -> None:
    roles.create(connection)
    assume(connection, "owner")
    create_own(connection)
    refuse_drift(connection)
    use(connection, "public")
    create_tables(connection)
    create_keys(connection)
    describe(connection)
    _create_views(connection)
    roles.grant(connection)


def _create_views(connection: sa.Connection) -> None:
    """Create the views that are missing: one that is there may be a person's, and to replace it locks readers out."""
    found = connection.execute(sa.text("SELECT to_regclass(name) FROM unnest(:names) AS name"), {"names": list(VIEWS)})
    missing = [name for name, there in zip(VIEWS, found.scalars(), strict=True) if there is None]
    for name in missing:
        run(connection, sql(f"views/{name}"))
    roles.grant_views(connection, missing)


def create_own(connection: sa.Connection) -> None:
    """Create the schema of what the workbook keeps for itself, where it is missing."""
    run(connection, sql("schema/workbook"))


def use(connection: sa.Connection, schema: str) -> None:
    """Make `schema` the place of all unqualified names until the transaction ends, created if need be."""
    quoted = connection.dialect.identifier_preparer.quote_identifier(schema)
    run(connection, f"CREATE SCHEMA IF NOT EXISTS {quoted}; SET LOCAL search_path = {quoted}")


def create_tables(connection: sa.Connection) -> None:
    """Create the bare tables: columns and check constraints."""
    run(connection, sql("schema/tables"))


def create_keys(connection: sa.Connection) -> None:
    """Create the keys, foreign keys and indexes that are missing; every row is checked against them."""
    present = set(frame(connection, sql("schema/constraints"))["constraint_name"])
    for key in _keys():
        if key["name"] not in present:
            run(connection, "ALTER TABLE {table} ADD CONSTRAINT {name} {kind} {rest}".format_map(key))
    there = set(
        frame(connection, sql("schema/index_names"))["index_name"]
    )  # to ask for one again would keep writers out
    for statement, name, _ in INDEX.findall(sql("schema/indexes")):
        if name not in there:
            run(connection, statement)


def build_keys(connection: sa.Connection, names: Sequence[str]) -> None:
    """Create the indexes of the named tables and their foreign keys, while others may read the tables.

    Every row is checked. What makes a unique index a key keeps readers out: `promote_keys` does it, later and quickly.
    """
    keys = [key for key in _keys() if key["table"] in names]
    for key in keys:
        if key["kind"] != FOREIGN:
            run(connection, "CREATE UNIQUE INDEX {name} ON {table} {rest}".format_map(key))
    for key in keys:
        if key["kind"] == FOREIGN:
            run(connection, "ALTER TABLE {table} ADD CONSTRAINT {name} {kind} {rest}".format_map(key))
    for statement, _, table in INDEX.findall(sql("schema/indexes")):
        if table in names:
            run(connection, statement)


def promote_keys(connection: sa.Connection) -> None:
    """Make the unique indexes of the present schema the primary and unique keys that they are there for."""
    for key in _keys():
        if key["kind"] != FOREIGN:
            run(connection, "ALTER TABLE {table} ADD CONSTRAINT {name} {kind} USING INDEX {name}".format_map(key))


def _keys() -> list[dict[str, str]]:
    """The statements of keys.sql in their parts: table, name, kind and the rest."""
    return [found.groupdict() for found in KEY.finditer(sql("schema/keys"))]


def describe(connection: sa.Connection, like: str = "") -> None:
    """Write the catalog's meanings as comments on every table and column of the present schema.

    Comments that people wrote stay: those in this schema, or in the schema `like`, whose place this one will take.
    """
    meanings = {(table.name, ""): table.meaning for table in tables().values()} | {
        (table.name, column.name): column.meaning
        for table in tables().values()
        for column in (*table.columns, *bookkeeping())
    }
    found = frame(connection, sql("schema/peoples_comments"), schema=like or "public", tables=list(tables()))
    kept = [row for row in found.itertuples() if meanings.get((row.relation, row.column_name)) != row.description]
    ours = {_object(*at): meaning for at, meaning in meanings.items()} | {row.object: row.description for row in kept}
    run(connection, "; ".join(f"COMMENT ON {name} IS {literal(text)}" for name, text in ours.items()))
    _remember(connection, meanings)


def _object(table: str, column: str) -> str:
    return f"COLUMN {table}.{column}" if column else f"TABLE {table}"


def _remember(connection: sa.Connection, meanings: dict[tuple[str, str], str]) -> None:
    """Keep what the workbook wrote, so that later a comment of another text is known as a person's."""
    rows = [{"relation": t, "column_name": c, "description": meaning} for (t, c), meaning in meanings.items()]
    connection.execute(sa.text(sql("schema/remember_description")), rows)


def columns(connection: sa.Connection) -> pd.DataFrame:
    """Columns of the tables in the present schema: table, column, type, required, meaning; in order."""
    return frame(connection, sql("schema/columns"), tables=list(tables()))


def foreign_keys(connection: sa.Connection) -> pd.DataFrame:
    """Which table refers to which: table, references; one row per foreign key."""
    return frame(connection, sql("schema/foreign_keys"), tables=list(tables()))


def overview(columns: pd.DataFrame) -> pd.DataFrame:
    """One row per table of `columns`: table, columns, required_columns, kind, meaning."""
    counts = (
        columns.groupby("table", sort=False)
        .agg(columns=("column", "size"), required_columns=("required", "sum"))
        .reset_index()
    )
    facts = counts["table"].map(tables())
    return counts.assign(kind=["mart" if t.mart else "table" for t in facts], meaning=[t.meaning for t in facts])


def refuse_drift(connection: sa.Connection, *, all_there: bool = False) -> None:
    """Raise DatabaseError, naming each difference, when a table in `public` is not as the catalog says.

    With `all_there` also when one is missing.
    """
    run(connection, "SET LOCAL search_path = public")
    there = columns(connection)
    missing = [name for name in tables() if name not in set(there["table"])]
    if all_there and missing:
        raise DatabaseError(f"the database lacks the tables {missing}; run 01_schema first")
    differences = [
        f"{table.name} {words}"
        for table in tables().values()
        for words in _differences(table, there[there["table"] == table.name].set_index("column"))
    ]
    if differences:
        raise DatabaseError(
            f"the tables in the database differ from the catalog: {'; '.join(differences)}; "
            "rename or drop them, or use another database"
        )


def _differences(table: Table, found: pd.DataFrame) -> list[str]:
    if found.empty:
        return []
    wanted = {column.name: column for column in (*table.columns, *bookkeeping())}
    lacking, besides = sorted(wanted.keys() - set(found.index)), sorted(set(found.index) - wanted.keys())
    others = [
        f"has {row.Index} as {row.type}{' not null' * row.required}, wanted {_declared(wanted[row.Index])}"
        for row in found.itertuples()
        if row.Index in wanted and f"{row.type}{' not null' * row.required}" != _declared(wanted[row.Index])
    ]
    return [f"lacks {lacking}"] * bool(lacking) + [f"has besides {besides}"] * bool(besides) + others


def _declared(column: Column) -> str:
    return TYPES[column.type] + " not null" * (not column.optional)
