"""The tables, keys, indexes, comments and views in the database, created or brought up to date from the catalog."""

from collections.abc import Sequence

import pandas as pd
import sqlalchemy as sa

from lib.catalog import Column, Table, bookkeeping, tables
from lib.db import ddl, roles, views
from lib.db.connection import assume, frame, literal, run, sql
from lib.db.locks import blockers, lock, lock_timed_out
from lib.db.url import external_url
from lib.errors import DatabaseError
from lib.util.currencies import decimals_of

__all__ = [
    "build_keys",
    "columns",
    "create",
    "create_functions",
    "create_keys",
    "create_tables",
    "create_workbook_schema",
    "describe",
    "foreign_keys",
    "overview",
    "promote_keys",
    "refuse_drift",
    "use",
]

LOCK_TIMEOUT = "5s"  # of changes to tables that other sessions may be using
Place = tuple[Table, Column]


def create(connection: sa.Connection) -> list[str]:
    """Create in `public` what is missing, and the roles if the connected user may; safe to repeat.

    Existing rows are kept, and so are the views, indexes and comments that other people added or changed. Columns get
    the wider types of the catalog, and the workbook's views their definition of this version.

    Returns:
        The columns added to tables that existed before, or widened: `orders.discount_code (text)`.

    Raises:
        DatabaseError: A table differs from the catalog in another way, another run is loading, another session holds
            a lock on a table that must change, or a view reads what the workbook's views no longer have. Nothing is
            changed then.

    Example:
        >>> with transaction() as connection:
        ...     schema.create(connection)
        []
    """
    lock(connection)
    try:
        with connection.begin_nested():
            run(connection, f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            return _create(connection)
    except sa.exc.OperationalError as error:
        if not lock_timed_out(error):
            raise
        present = [f"public.{name}" for name in dict.fromkeys(columns(connection)["table"])]
        present += [view.name for view in views.dependents(connection, present)]
        raise DatabaseError(
            f"a table is locked: no lock within {LOCK_TIMEOUT} because of {blockers(connection, present)}; "
            "nothing was changed. End those sessions and run again."
        ) from error


def _create(connection: sa.Connection) -> list[str]:
    roles.create(connection, [*tables(), *views.VIEWS])
    assume(connection, "owner")
    create_workbook_schema(connection)
    use(connection, "public")
    missing, narrow, differences = _compare(connection)
    if differences:
        raise DatabaseError(_drift_message(missing, differences))
    outdated = views.outdated(connection)
    changing = [f"public.{name}" for name in dict.fromkeys([*(table.name for table, _ in narrow), *outdated])]
    run(connection, "RESET ROLE")  # views of other users belong to roles that the owner is not a member of
    with views.set_aside(connection, changing, outdated):
        assume(connection, "owner")
        _change_columns(connection, missing, narrow)
        create_tables(connection)
        create_functions(connection, *connection.execute(sa.text(sql("load/units"))).one())
        _renew_checks(connection)
        create_keys(connection)
        describe(connection)
        run(connection, "RESET ROLE")
    assume(connection, "owner")
    views.create_missing(connection)
    roles.grant(connection)
    return [f"{table.name}.{column.name} ({column.data_type.sql})" for table, column in [*missing, *narrow]]


def _change_columns(connection: sa.Connection, missing: list[Place], narrow: list[Place]) -> None:
    """Add and widen columns; PostgreSQL writes a table with wider columns again, so all of them change at once."""
    for table, column in missing:
        run(connection, ddl.add_column(table, column))
    for name in dict.fromkeys(table.name for table, _ in narrow):
        changes = [ddl.widen(column) for table, column in narrow if table.name == name]
        run(connection, f"ALTER TABLE {name} {', '.join(changes)}")


def _renew_checks(connection: sa.Connection) -> None:
    """Replace the catalog's checks that have another condition than in the catalog, or are missing.

    PostgreSQL stores a condition in its own spelling, so the expected ones are read from temporary tables.
    """
    query = sql("schema/constraints")
    present = frame(connection, query)
    with connection.begin_nested() as scratch:
        run(connection, "SET LOCAL search_path = pg_temp")
        create_tables(connection)
        expected = frame(connection, query).query("kind == 'check'")
        scratch.rollback()
    conditions = dict(zip(present["constraint_name"], present["definition"], strict=True))
    for check in expected.itertuples():
        if conditions.get(check.constraint_name) != check.definition:
            name = check.constraint_name
            drop = f"ALTER TABLE {check.table} DROP CONSTRAINT IF EXISTS {name}"
            run(connection, f"{drop}, ADD CONSTRAINT {name} {check.definition}")


def create_workbook_schema(connection: sa.Connection) -> None:
    """Create the schema `workbook` of rejects, check results and load ledger, if it is missing."""
    run(connection, sql("schema/workbook"))


def create_functions(connection: sa.Connection, time_zone: str, currency: str, sales_basis: str) -> None:
    """Create or replace, in the current schema, the functions of the shop's days, amounts and sales.

    Args:
        time_zone: Of the days and hours.
        currency: Its decimals are those of amounts.
        sales_basis: `placed`: every order is a sale; `completed`: completed orders only.
    """
    values = {"zone": literal(time_zone), "decimals": str(decimals_of(currency)), "basis": literal(sales_basis)}
    statements = sql("schema/functions")
    for name, value in values.items():
        statements = statements.replace(f"{{{name}}}", value)
    run(connection, statements)


def use(connection: sa.Connection, schema: str) -> None:
    """Make `schema` the current schema, of unqualified names, until the transaction ends; create it if missing."""
    quoted = connection.dialect.identifier_preparer.quote_identifier(schema)
    run(connection, f"CREATE SCHEMA IF NOT EXISTS {quoted}; SET LOCAL search_path = {quoted}")


def create_tables(connection: sa.Connection) -> None:
    """Create the missing tables of the current schema with columns and checks, without keys and indexes."""
    run(connection, "; ".join(ddl.create_table(table) for table in tables().values()))


def create_keys(connection: sa.Connection) -> None:
    """Create the missing keys and indexes of the current schema; PostgreSQL checks every row.

    Existing ones are skipped by name, because CREATE INDEX IF NOT EXISTS would lock writers out just to look.
    """
    constraints = set(frame(connection, sql("schema/constraints"))["constraint_name"])
    for key in ddl.all_keys():
        if key.name not in constraints:
            run(connection, key.statement)
    present = set(frame(connection, sql("schema/index_names"))["index_name"])
    for index in ddl.all_indexes():
        if index.name not in present:
            run(connection, index.statement)


def build_keys(connection: sa.Connection, names: Sequence[str]) -> None:
    """Create the indexes and foreign keys of the named tables, and unique indexes for their other keys.

    Unlike a primary key, a unique index is built without locking readers out. `promote_keys` later turns it into a key,
    which locks them out, but only for a moment. Nothing is skipped: the tables must have none of these.
    """
    for key in ddl.all_keys():
        if key.table in names and key.references:
            run(connection, key.statement)
        elif key.table in names:
            run(connection, f"CREATE UNIQUE INDEX {key.name} ON {key.table} ({key.column})")
    for index in ddl.all_indexes():
        if index.table in names:
            run(connection, index.statement)


def promote_keys(connection: sa.Connection) -> None:
    """Turn the unique indexes of `build_keys` into the primary and unique keys of the current schema."""
    for key in ddl.all_keys():
        if not key.references:
            run(connection, f"ALTER TABLE {key.table} ADD CONSTRAINT {key.name} {key.kind} USING INDEX {key.name}")


def describe(connection: sa.Connection, like: str = "public") -> None:
    """Write the catalog's meanings as comments on the tables and columns of the current schema.

    Comments that people wrote on these tables in the schema `like` take precedence: they are copied. Every meaning is
    also recorded in workbook.descriptions, so that a comment with another text can be recognised as a person's.
    """
    meanings = _meanings()
    comments = {_object(*place): meaning for place, meaning in meanings.items()}
    found = connection.execute(sa.text(sql("schema/peoples_comments")), {"schema": like, "tables": list(tables())})
    for row in found:
        if row.description != meanings.get((row.relation, row.column_name)):
            comments[row.object] = row.description
    run(connection, "; ".join(f"COMMENT ON {name} IS {literal(text)}" for name, text in comments.items()))
    written = [{"relation": t, "column_name": c, "description": meaning} for (t, c), meaning in meanings.items()]
    connection.execute(sa.text(sql("schema/remember_description")), written)


def _meanings() -> dict[tuple[str, str], str]:
    """Meaning of each (table, column), and of each (table, "")."""
    found = {}
    for table in tables().values():
        found[table.name, ""] = table.meaning
        for column in (*table.columns, *bookkeeping()):
            found[table.name, column.name] = column.meaning
    return found


def _object(table: str, column: str) -> str:
    return f"COLUMN {table}.{column}" if column else f"TABLE {table}"


def columns(connection: sa.Connection) -> pd.DataFrame:
    """One row per column of the tables in the current schema, in order: table, column, type, required, meaning.

    type is PostgreSQL's name of it, required is true for NOT NULL, meaning is the comment in the database.

    Example:
        >>> with transaction() as connection:
        ...     schema.columns(connection)[["table", "column", "type"]].head(2)
              table      column  type
        0  products  product_id  uuid
        1  products        name  text
    """
    return frame(connection, sql("schema/columns"), tables=list(tables()))


def foreign_keys(connection: sa.Connection) -> pd.DataFrame:
    """One row per foreign key: table, references.

    Example:
        >>> with transaction() as connection:
        ...     schema.foreign_keys(connection).head(2)
                             table references
        0  customer_lifetime_value      users
        1                   events     orders
    """
    return frame(connection, sql("schema/foreign_keys"), tables=list(tables()))


def overview(columns: pd.DataFrame) -> pd.DataFrame:
    """Summary of the frame of `columns()`, one row per table: table, columns, required_columns, kind, meaning.

    kind is `mart` or `table`; columns and required_columns are numbers of columns.

    Example:
        >>> columns = pd.DataFrame({"table": "orders", "column": ["order_id", "city"], "required": [True, False]})
        >>> schema.overview(columns)[["table", "columns", "required_columns", "kind"]]
            table  columns  required_columns   kind
        0  orders        2                 1  table
    """
    counts = (
        columns.groupby("table", sort=False)
        .agg(columns=("column", "size"), required_columns=("required", "sum"))
        .reset_index()
    )
    facts = counts["table"].map(tables())
    return counts.assign(kind=["mart" if t.mart else "table" for t in facts], meaning=[t.meaning for t in facts])


def refuse_drift(connection: sa.Connection, *, require_all: bool = False) -> None:
    """Raise DatabaseError, naming each difference, if a table in `public` differs from the catalog.

    A missing table is a difference only with `require_all`. `public` is the current schema until the transaction ends.
    """
    run(connection, "SET LOCAL search_path = public")
    absent = tables().keys() - set(columns(connection)["table"])
    if require_all and absent:
        raise DatabaseError(f"tables are missing from the database: {', '.join(sorted(absent))}. Run 01_schema first.")
    if require_all and connection.execute(sa.text("SELECT to_regproc('sold_items') IS NULL")).scalar():
        raise DatabaseError("the functions of the shop's sales are missing from the database. Run 01_schema first.")
    missing, narrow, differences = _compare(connection)
    if differences:
        raise DatabaseError(_drift_message(missing, differences))
    if missing or narrow:
        older = "; ".join([*_lacking(missing), *_narrower(narrow)])
        raise DatabaseError(f"the tables are older than the catalog: {older}. Run 01_schema first.")


def _compare(connection: sa.Connection) -> tuple[list[Place], list[Place], list[str]]:
    """Compare the tables of the current schema with the catalog; absent tables are left out.

    Returns:
        The missing columns that existing rows can get, those that were narrower or required in an earlier version, and
        every other difference in words.
    """
    found: dict[str, dict[str, str]] = {}  # declared type by table and column
    for row in connection.execute(sa.text(sql("schema/columns")), {"tables": list(tables())}):
        found.setdefault(row.table, {})[row.column] = f"{row.type} not null" if row.required else row.type
    missing: list[Place] = []
    narrow: list[Place] = []
    differences: list[str] = []
    for name, present in found.items():
        expected = {column.name: column for column in (*tables()[name].columns, *bookkeeping())}
        for column in (column for column in expected.values() if column.name not in present):
            if column.optional or column.constant_default:
                missing.append((tables()[name], column))
            else:
                differences.append(f"{name} lacks the column {column.name}")
        differences += [f"{name} has the extra column {column}" for column in present if column not in expected]
        for column in (column for column in expected.values() if column.name in present):
            declared = present[column.name]
            if declared == ddl.declared_type(column):
                continue
            if declared == ddl.declared_type(column, earlier=True):
                narrow.append((tables()[name], column))
            else:
                differences.append(f"{name}.{column.name} is {declared}, expected {ddl.declared_type(column)}")
    return missing, narrow, differences


def _lacking(missing: list[Place]) -> list[str]:
    return [f"{table.name} lacks the new column {column.name}" for table, column in missing]


def _narrower(narrow: list[Place]) -> list[str]:
    return [
        f"{table.name}.{column.name} is not yet {column.data_type.sql}{' or empty' * column.optional}"
        for table, column in narrow
    ]


def _drift_message(missing: list[Place], differences: list[str]) -> str:
    words = "; ".join([*differences, *_lacking(missing)])
    if external_url():
        advice = "Rename or drop these columns, or use another database."
    else:
        advice = "Rename or drop these columns, or run `make db-reset` and `make pipeline` to create all tables again."
    return f"the tables in the database differ from the catalog: {words}. {advice}"
