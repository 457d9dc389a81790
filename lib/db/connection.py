"""Connections to PostgreSQL, transactions with the permissions of a role, and the text of the .sql files.

All queries and loads connect here. Only the private server, to create its database, and the watchdog, to test whether a
server answers, open connections of their own.
"""

import contextlib
import logging
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import cast

import pandas as pd
import psycopg2
import psycopg2.extensions
import sqlalchemy as sa
import tenacity

from lib import kpis
from lib.db.url import external_url, private_folder, url
from lib.errors import DatabaseError, DataError, WorkbookError

__all__ = [
    "SQL_FOLDER",
    "assume",
    "begin",
    "begin_resolved",
    "connect",
    "driver_cursor",
    "engine",
    "frame",
    "literal",
    "run",
    "server",
    "sql",
    "transaction",
]

SQL_FOLDER = Path(__file__).parents[1] / "sql"
STARTING_UP_SECONDS = 15  # how long to retry while the server starts, and to wait for the outcome of a COMMIT
# Texts in the message of a failed connection after which a retry may succeed.
NOT_YET = ("Connection refused", "starting up", "shutting down", "recovery", "not yet accepting")
FRAME_TYPES = {1082: "datetime64[us]", 1700: "float64", 701: "float64"}  # PostgreSQL's date, numeric, double
BROKEN_RULES = ("21", "22", "23")  # SQLSTATE classes: cardinality violation, data exception, integrity violation
READER_TIMEOUT = "30s"  # a slower query of a report is a mistake and must not block loads
# Client and server both detect within 30 s that the other machine or the network is gone.
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
# Settings of every session on the server; its keepalives have the client's names with the prefix `tcp_`.
SESSION = {
    "search_path": "public",
    "TimeZone": "UTC",
    "DateStyle": "ISO,YMD",  # 01.07.2024 is an error, neither January 7 nor July 1
    **{f"tcp_{name}": value for name, value in KEEPALIVES.items() if name.startswith("keepalives")},
}
# The pool of each database, by its address or folder: looking for the private server takes 30 ms each time.
_pools: dict[sa.URL | Path, sa.Engine] = {}


def engine() -> sa.Engine:
    """SQLAlchemy engine of the database, one per process; the private server is started if it is in use.

    Pooled connections are tested before use, so a restart of the server causes no error.
    """
    return _engine(url())


@cache
def _engine(address: sa.URL) -> sa.Engine:
    # The pool would log a lost connection that is also raised as an error.
    logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())
    options = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
    session = {"application_name": f"workbook pid {os.getpid()}", "options": options}
    defaults = {"connect_timeout": 10, **KEEPALIVES, **session}
    arguments = {name: value for name, value in defaults.items() if name not in address.query}
    return sa.create_engine(address, connect_args=arguments, pool_pre_ping=True, hide_parameters=True)


@contextlib.contextmanager
def connect() -> Iterator[sa.Connection]:
    """Open a connection without a transaction.

    Raises:
        DatabaseError: The server cannot be reached or reports an error, here or in the block.
        DataError: Rows violate a constraint in the block.
    """
    with _translated(), _connected() as connection:
        yield connection


@contextlib.contextmanager
def begin(connection: sa.Connection, role: str = "", *, read_only: bool = False) -> Iterator[sa.Connection]:
    """Begin a transaction on the connection: committed if the block succeeds, rolled back if it fails.

    Args:
        connection: A connection without a transaction.
        role: owner, loader or reader: the role whose permissions the transaction has, see `assume`; empty for the
            connected user. A reader's transaction is read-only and limits each statement to READER_TIMEOUT.
        read_only: Refuse writes of every role.
    """
    with connection.begin():
        if read_only or role == "reader":
            run(connection, "SET TRANSACTION READ ONLY")
        if role == "reader":
            run(connection, f"SET LOCAL statement_timeout = '{READER_TIMEOUT}'")
        if role:
            assume(connection, role)
        yield connection


@contextlib.contextmanager
def begin_resolved(connection: sa.Connection, role: str = "") -> Iterator[sa.Connection]:
    """Like `begin`, but resolve the outcome of COMMIT if the connection drops while committing.

    Another connection then asks PostgreSQL whether the transaction was committed; if it was, the block succeeds.

    Raises:
        DatabaseError: The transaction was not committed, or the server does not answer.
    """
    transaction_id, committing = "", False
    try:
        with begin(connection, role):
            transaction_id = connection.execute(sa.text("SELECT pg_current_xact_id()::text")).scalar_one()
            yield connection
            committing = True
    except sa.exc.DBAPIError as error:
        if not committing or not error.connection_invalidated or not _was_committed(transaction_id):
            raise


def _was_committed(transaction_id: str) -> bool:
    """Whether the transaction was committed; waits while it is in progress."""
    wait = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda status: status == "in progress"),
        stop=tenacity.stop_after_delay(STARTING_UP_SECONDS),
        wait=tenacity.wait_fixed(0.1),
    )
    try:
        return wait(_status, transaction_id) == "committed"
    except (DatabaseError, tenacity.RetryError) as error:
        raise DatabaseError(
            "the connection was lost during COMMIT and PostgreSQL does not say whether it succeeded: the database "
            "holds either the old rows or the new ones, never a mix. Run again when the server answers."
        ) from error


def _status(transaction_id: str) -> str:
    statement = sa.text("SELECT pg_xact_status(CAST(:id AS xid8))")
    with transaction(read_only=True) as connection:
        return str(connection.execute(statement, {"id": transaction_id}).scalar())


def assume(connection: sa.Connection, role: str) -> None:
    """Switch to the role workbook_<role> until the transaction ends.

    The connected user stays current, without an error, if the role does not exist, has no permissions in this database,
    or has not been granted to the connected user.
    """
    connection.execute(sa.text(sql("roles/assume")), {"role": f"workbook_{role}"})


@contextlib.contextmanager
def transaction(role: str = "", *, read_only: bool = False) -> Iterator[sa.Connection]:
    """Open a connection and begin a transaction on it; see `connect` and `begin` for arguments and errors.

    Example:
        >>> with db.transaction("reader", read_only=True) as connection:
        ...     db.frame(connection, "SELECT current_setting('transaction_read_only') AS read_only")
          read_only
        0        on
    """
    with connect() as connection, begin(connection, role, read_only=read_only):
        yield connection


def _connected() -> sa.Connection:
    database = external_url() or private_folder()
    if database in _pools:
        with contextlib.suppress(sa.exc.OperationalError):
            return _pools[database].connect()
    _pools[database] = engine()
    return _first_connected(_pools[database])


def _first_connected(pool: sa.Engine) -> sa.Connection:
    retry = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_transient),
        stop=tenacity.stop_after_delay(STARTING_UP_SECONDS),
        wait=tenacity.wait_exponential(multiplier=0.1, max=2),
        reraise=True,
    )
    try:
        return retry(pool.connect)
    except sa.exc.OperationalError as error:
        raise DatabaseError(_cannot_connect(pool.url, str(error.orig))) from error


def _is_transient(error: BaseException) -> bool:
    """Whether a retry may succeed; decided by the text, because psycopg2 has no code for a failed connection."""
    return isinstance(error, sa.exc.OperationalError) and any(text in str(error.orig) for text in NOT_YET)


def _cannot_connect(address: sa.URL, reason: str) -> str:
    where = f"{address.host}:{address.port or 5432}/{address.database or ''} as {address.username}"
    # libpq indents its advice with a tab.
    lines = [line for line in reason.strip().splitlines() if not line.startswith("\t")]
    last = lines[-1].rpartition("failed: ")[2]
    hint = "Check DATABASE_URL or DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD (environment or .env)."
    return f"cannot connect to PostgreSQL at {where}: {last}. {hint}"


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Raise psycopg2's errors as DatabaseError or DataError, without PostgreSQL's DETAIL, which quotes rows."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        if not isinstance(error.orig, psycopg2.Error):
            raise
        raise _error(error.orig) from error
    except psycopg2.Error as error:
        raise _error(error) from error


def _error(error: psycopg2.Error) -> WorkbookError:
    text = error.diag.message_primary or str(error).strip().splitlines()[0]
    if (error.pgcode or "")[:2] in BROKEN_RULES:
        return DataError(f"{error.diag.table_name or 'a row'} breaks a rule: {text}; nothing was changed")
    if error.pgcode == "53100":  # disk_full
        return DatabaseError(f"PostgreSQL's disk is full: {text}; nothing was changed. Free disk space and run again.")
    if error.pgcode == "2BP01":  # dependent_objects_still_exist
        # This DETAIL names tables and views, not rows.
        text = f"{text} ({error.diag.message_detail}); drop those and run again"
    if error.pgcode in ("42P01", "42883"):  # undefined table, undefined function
        return DatabaseError(
            f"PostgreSQL reported: {text}; nothing was changed. If tables() is empty, no shop is loaded: "
            "run `make pipeline`."
        )
    return DatabaseError(f"PostgreSQL reported: {text}; nothing was changed")


def run(connection: sa.Connection, statements: str) -> None:
    """Run one or more statements, separated by semicolons; without bound values, so `%` and `:` need no escape."""
    connection.exec_driver_sql(statements, execution_options={"no_parameters": True})


def driver_cursor(connection: sa.Connection) -> psycopg2.extensions.cursor:
    """A cursor of psycopg2, for COPY."""
    return cast("psycopg2.extensions.cursor", connection.connection.cursor())


def literal(text: str) -> str:
    """The text as an SQL literal, for statements that cannot have bound values."""
    return "'" + text.replace("'", "''") + "'"


def sql(name: str) -> str:
    """Text of lib/sql/<name>.sql; a placeholder `{kpis}` in it is replaced by the SELECT list of the KPI registry."""
    return kpis.fill_in((SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8"))


def frame(connection: sa.Connection, statement: str, **bound: object) -> pd.DataFrame:
    """Rows of a statement as a frame, one column per column of the statement.

    PostgreSQL's numeric and double become float64 even if every value is NULL, date becomes datetime64[us].

    Args:
        connection: An open connection.
        statement: A query with `:name` for each bound value.
        bound: Value by name.
    """
    result = connection.execute(sa.text(statement), bound)
    types = {column[0]: column[1] for column in result.cursor.description}  # name, object id of the type
    kinds = {name: FRAME_TYPES[code] for name, code in types.items() if code in FRAME_TYPES}
    return pd.DataFrame.from_records(result.fetchall(), columns=list(result.keys())).astype(kinds)


def server() -> str:
    """Connect, and return kind and version of the server: `private server, PostgreSQL 18.4`."""
    kind = "external server" if external_url() else "private server"
    with transaction(read_only=True) as connection:
        version = str(connection.execute(sa.text("SHOW server_version")).scalar())
    return f"{kind}, PostgreSQL {version.split()[0]}"
