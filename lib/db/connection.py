"""The only door to PostgreSQL: connections, transactions in a role, the .sql files."""

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pandas as pd
import psycopg2
import sqlalchemy as sa
import tenacity

from lib.db.url import external_url, url
from lib.errors import DatabaseError, DataError, WorkbookError

__all__ = [
    "SQL_FOLDER",
    "assume",
    "begin",
    "begin_for_certain",
    "connect",
    "definitions",
    "engine",
    "frame",
    "literal",
    "read",
    "run",
    "server",
    "sql",
    "transaction",
]

SQL_FOLDER = Path(__file__).parents[1] / "sql"
STARTING_UP_SECONDS = 15
NOT_YET = ("Connection refused", "starting up", "shutting down", "recovery", "not yet accepting")
FRAME_TYPES = {1082: "datetime64[us]", 1700: "float64", 701: "float64"}  # PostgreSQL's date, numeric, double
DEFINITION = re.compile(r"^-- (\w+): (.+)\.$", re.MULTILINE)
BROKEN_RULES = ("21", "22", "23")  # SQLSTATE classes: cardinality violation, data exception, integrity violation
READER_TIMEOUT = "30s"  # a report's question that takes longer is at fault, and must not hold up others
# Either side notices within half a minute that the other's machine or the way to it is gone.
SIGNS_OF_LIFE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
SESSION = {
    "search_path": "public",
    "TimeZone": "UTC",
    **{f"tcp_{name}": value for name, value in SIGNS_OF_LIFE.items() if name.startswith("keepalives")},
}


def engine() -> sa.Engine:
    """Engine of the database; checks a pooled connection before it is used, so a restarted server is no error."""
    return _engine(url())


@cache
def _engine(address: sa.URL) -> sa.Engine:
    logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())  # what matters is raised, and told once
    options = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
    session = {"application_name": f"workbook pid {os.getpid()}", "options": options}
    wanted = {"connect_timeout": 10, **SIGNS_OF_LIFE, **session}
    arguments = {name: value for name, value in wanted.items() if name not in address.query}
    return sa.create_engine(address, connect_args=arguments, pool_pre_ping=True, hide_parameters=True)


@contextlib.contextmanager
def connect() -> Iterator[sa.Connection]:
    """A connection without a transaction.

    Raises DatabaseError when the server cannot be reached, refuses or gives up, DataError when rows break a rule.
    """
    with _translated(), _connected() as connection:
        yield connection


@contextlib.contextmanager
def begin(connection: sa.Connection, role: str = "", *, read_only: bool = False) -> Iterator[sa.Connection]:
    """A transaction of the connection: committed when the block ends well, rolled back when it does not.

    `role` is owner, loader or reader: the rights that the transaction has, where lib.db.roles could make the roles.
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
def begin_for_certain(connection: sa.Connection, role: str = "") -> Iterator[sa.Connection]:
    """A transaction, as `begin` gives it, that counts as what became of it even when its end was not heard.

    A connection that is lost while it commits leaves open whether it did: the server is asked over another one.
    """
    number, ending = "", False
    try:
        with begin(connection, role):
            number = connection.execute(sa.text("SELECT pg_current_xact_id()::text")).scalar()
            yield connection
            ending = True
    except sa.exc.DBAPIError as error:
        if not ending or not error.connection_invalidated or not _was_committed(number):
            raise


def _was_committed(number: str) -> bool:
    """Whether the transaction was committed, once the server knows; raises DatabaseError when it cannot be asked."""
    wait = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda status: status == "in progress"),
        stop=tenacity.stop_after_delay(STARTING_UP_SECONDS),
        wait=tenacity.wait_fixed(0.1),
    )
    try:
        return wait(_status, number) == "committed"
    except (DatabaseError, tenacity.RetryError) as error:
        raise DatabaseError(
            "the connection was lost while the rows were committed, and PostgreSQL cannot be asked what became of "
            "them: it holds the old rows or the new ones, whole; run again when it answers"
        ) from error


def _status(number: str) -> str:
    with transaction(read_only=True) as connection:
        return connection.execute(sa.text("SELECT pg_xact_status(CAST(:number AS xid8))"), {"number": number}).scalar()


def assume(connection: sa.Connection, role: str) -> None:
    """Go on as this role until the transaction ends, where it is there, has rights here and may be taken on."""
    connection.execute(sa.text(sql("roles/assume")), {"role": f"workbook_{role}"})


@contextlib.contextmanager
def transaction(role: str = "", *, read_only: bool = False) -> Iterator[sa.Connection]:
    """A connection in one transaction, as `connect` and `begin` give it."""
    with connect() as connection, begin(connection, role, read_only=read_only):
        yield connection


def _connected() -> sa.Connection:
    address = engine()
    retry = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_may_come_up),
        stop=tenacity.stop_after_delay(STARTING_UP_SECONDS),
        wait=tenacity.wait_exponential(multiplier=0.1, max=2),
        reraise=True,
    )
    try:
        return retry(address.connect)
    except sa.exc.OperationalError as error:
        raise DatabaseError(_cannot_connect(address.url, str(error.orig))) from error


def _may_come_up(error: BaseException) -> bool:
    """True for what waiting may mend; psycopg2 gives no code for a failed connection, so its text decides."""
    return isinstance(error, sa.exc.OperationalError) and any(text in str(error.orig) for text in NOT_YET)


def _cannot_connect(address: sa.URL, reason: str) -> str:
    where = f"{address.host}:{address.port or 5432}/{address.database or ''} as {address.username}"
    lines = [line for line in reason.strip().splitlines() if not line.startswith("\t")]  # a tab begins libpq's advice
    last = lines[-1].rpartition("failed: ")[2]
    hint = "look at DATABASE_URL or DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD (environment or .env)"
    return f"cannot connect to PostgreSQL at {where}: {last}; {hint}"


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Driver errors as ours, without the values of rows: the server puts those into its details."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _error(error.orig) from error
    except psycopg2.Error as error:
        raise _error(error) from error


def _error(error: psycopg2.Error) -> WorkbookError:
    text = error.diag.message_primary or str(error).strip().splitlines()[0]
    if (error.pgcode or "")[:2] in BROKEN_RULES:
        return DataError(f"{error.diag.table_name or 'a row'} breaks a rule: {text}; nothing was changed")
    if error.pgcode == "53100":
        return DatabaseError(f"PostgreSQL's disk is full: {text}; free some space and run again, nothing was changed")
    if error.pgcode == "2BP01":
        text = f"{text} ({error.diag.message_detail}); drop those and run again"
    return DatabaseError(f"PostgreSQL gave up: {text}; nothing was changed")


def run(connection: sa.Connection, statements: str) -> None:
    """Run statements as they are written: no values are bound, so a percent sign is a percent sign."""
    connection.exec_driver_sql(statements, execution_options={"no_parameters": True})


def literal(text: str) -> str:
    """The text as an SQL literal, for statements that take no bound values."""
    return "'" + text.replace("'", "''") + "'"


def sql(name: str) -> str:
    """Text of lib/sql/<name>.sql."""
    return (SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def read(question: str, **bound: object) -> pd.DataFrame:
    """Answer of lib/sql/questions/<question>.sql with its named values bound; numbers as float, days as datetime64."""
    with transaction("reader") as connection:
        return frame(connection, sql(f"questions/{question}"), **bound)


def definitions(question: str) -> dict[str, str]:
    """What each column of the answer means, as lib/sql/questions/<question>.sql says: `revenue` -> `total of ...`."""
    return dict(DEFINITION.findall(sql(f"questions/{question}")))


def frame(connection: sa.Connection, statement: str, **bound: object) -> pd.DataFrame:
    """Rows of a statement as a frame; numbers become float, also where all are missing, date becomes datetime64."""
    result = connection.execute(sa.text(statement), bound)
    kinds = {c.name: FRAME_TYPES[c.type_code] for c in result.cursor.description if c.type_code in FRAME_TYPES}
    return pd.DataFrame.from_records(result.fetchall(), columns=list(result.keys())).astype(kinds)


def server() -> str:
    """Where the data is, in words without secrets: `private server, PostgreSQL 18.4`."""
    kind = "external server" if external_url() else "private server"
    with transaction(read_only=True) as connection:
        return f"{kind}, PostgreSQL {connection.execute(sa.text('SHOW server_version')).scalar().split()[0]}"
