"""Creates the eight tables with keys, indexes and comments in a schema, and compares what is there with the catalog."""

import re

import pandas as pd
import sqlalchemy as sa

from lib.catalog import BOOKKEEPING, bookkeeping, tables
from lib.database import frame, lock, sql
from lib.errors import DatabaseError

__all__ = [
    "columns",
    "create",
    "create_keys",
    "create_tables",
    "describe",
    "foreign_keys",
    "literal",
    "overview",
    "run",
    "use",
]


def create(connection: sa.Connection) -> None:
    """Create in `public` what is not there yet; rows and what others added stay.

    Raises DatabaseError, naming the differences, when a table there differs from the catalog, or when a run is loading.
    """
    lock(connection)
    use(connection, "public")
    create_tables(connection)
    _refuse_drift(connection)
    create_keys(connection)
    describe(connection)


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
    for statement, name in re.findall(
        r"(^ALTER TABLE \w+ ADD CONSTRAINT (\w+)[^;]+)", sql("schema/keys"), re.MULTILINE
    ):
        if name not in present:
            run(connection, statement)
    run(connection, sql("schema/indexes"))


def describe(connection: sa.Connection) -> None:
    """Write the catalog's meanings as comments on every table and column."""
    of_tables = [f"TABLE {table.name} IS {literal(table.meaning)}" for table in tables().values()]
    of_columns = [
        f"COLUMN {table.name}.{column.name} IS {literal(column.meaning)}"
        for table in tables().values()
        for column in (*table.columns, *bookkeeping())
    ]
    run(connection, "; ".join(f"COMMENT ON {comment}" for comment in of_tables + of_columns))


def literal(text: str) -> str:
    """The text as an SQL literal, for statements that take no bound values."""
    return "'" + text.replace("'", "''") + "'"


def run(connection: sa.Connection, statements: str) -> None:
    """Run statements as they are written: no values are bound, so a percent sign is a percent sign."""
    connection.exec_driver_sql(statements, execution_options={"no_parameters": True})


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


def _refuse_drift(connection: sa.Connection) -> None:
    there = columns(connection)
    differences = [
        f"{table.name} {kind} {sorted(names)}"
        for table in tables().values()
        for kind, names in _differences(table.column_names, there.loc[there["table"] == table.name, "column"])
    ]
    if differences:
        raise DatabaseError(
            f"the tables in the database differ from the catalog: {'; '.join(differences)}; "
            "rename or drop them, or use another database"
        )


def _differences(wanted: list[str], found: pd.Series) -> list[tuple[str, set[str]]]:
    wanted_names, found_names = {*wanted, *BOOKKEEPING}, set(found)
    both = [("lacks", wanted_names - found_names), ("has besides", found_names - wanted_names)]
    return [(kind, names) for kind, names in both if names]
