"""The only door to PostgreSQL: which server, connections, transactions, one writer at a time, the .sql files."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pandas as pd
import psycopg2
import sqlalchemy as sa
import tenacity

from lib import embedded, settings
from lib.errors import DatabaseError, DataError, UsageError, WorkbookError

__all__ = ["engine", "lock", "read", "server", "sql", "transaction", "url"]

SQL_FOLDER = Path(__file__).parent / "sql"
LOCK_NAME = "shop-analytics-workbook"
LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")
SAFE_SSLMODES = ("require", "verify-ca", "verify-full")
STARTING_UP_SECONDS = 15
NOT_YET = ("Connection refused", "starting up", "shutting down", "recovery", "not yet accepting")
FRAME_TYPES = {1082: "datetime64[us]", 1700: "float64"}  # PostgreSQL's type numbers of date and numeric
BROKEN_RULES = ("22", "23")  # SQLSTATE classes: data exception, integrity constraint violation


def url() -> sa.URL:
    """Address of the database: DATABASE_URL, else DB_HOST and its like, else the private server, started if need be.

    Raises UsageError for a malformed address or a remote one without TLS, DatabaseError when the server cannot start.
    """
    return external_url() or _private_url(embedded.start(private_folder()))


def external_url() -> sa.URL | None:
    """Address of the server that the settings name, None when they name none."""
    if text := settings.get("DATABASE_URL"):
        return _checked(_parsed(text))
    if host := settings.get("DB_HOST"):
        query = {"sslmode": mode} if (mode := settings.get("DB_SSLMODE")) else {}
        port = settings.get("DB_PORT") or "5432"
        if not port.isdecimal():
            raise UsageError(f"DB_PORT is {port!r}; wanted a number such as 5432")
        user, password = settings.get("DB_USER") or None, settings.get("DB_PASSWORD") or None
        return _checked(_url(user, password, host, int(port), settings.get("DB_NAME") or None, query))
    return None


def private_folder() -> Path:
    """Folder of the private server's state."""
    return settings.output_folder() / "postgres"


def _parsed(text: str) -> sa.URL:
    try:
        parsed = sa.make_url(text)
        backend = parsed.get_backend_name()
        if text.count("@") > 1:
            raise ValueError("a second @")
    except (sa.exc.ArgumentError, ValueError) as error:
        raise UsageError(
            "DATABASE_URL is not an address; wanted postgresql://user:password@host:port/name, "
            "with @ : / # % in the password written as %40 %3A %2F %23 %25"
        ) from error
    if backend not in ("postgresql", "postgres"):
        raise UsageError(f"DATABASE_URL names {backend}; the workbook needs postgresql://user:password@host:port/name")
    return parsed.set(drivername="postgresql+psycopg2")  # a bare postgresql:// means another driver to SQLAlchemy 2.1


def _url(user: str | None, password: str | None, host: str, port: int, name: str | None, query: dict) -> sa.URL:
    return sa.URL.create("postgresql+psycopg2", user, password, host, port, name, query)


def _private_url(address: embedded.Address) -> sa.URL:
    return _url(address.user, address.password, address.host, address.port, address.dbname, {})


def _checked(address: sa.URL) -> sa.URL:
    if address.port is not None and not 0 < address.port < 65536:
        raise UsageError(f"the port of the database is {address.port}; wanted 1 to 65535, such as 5432")
    remote = [host for host in _hosts(address) if host not in LOCAL_HOSTS and not host.startswith("/")]
    mode = address.query.get("sslmode", "")
    if remote and mode not in SAFE_SSLMODES and not settings.get("DB_ALLOW_PLAINTEXT"):
        raise UsageError(
            f"the database at {remote[0]} is remote and sslmode is {mode or 'not set'!r}, so passwords and data could "
            "be read on the way; set sslmode=require (in DB_SSLMODE or behind the ? of DATABASE_URL), "
            "or DB_ALLOW_PLAINTEXT=1 to insist"
        )
    return address


def _hosts(address: sa.URL) -> list[str]:
    """Every host that libpq may connect to: options behind the ? take precedence over the one before it."""
    named = address.normalized_query
    return [address.host or "", *named.get("host", ()), *named.get("hostaddr", ())]


def engine() -> sa.Engine:
    """Engine of the database; checks a pooled connection before it is used, so a restarted server is no error."""
    return _engine(url())


@cache
def _engine(address: sa.URL) -> sa.Engine:
    session = {"application_name": f"workbook pid {os.getpid()}", "options": "-c search_path=public -c TimeZone=UTC"}
    wanted = {"connect_timeout": 10, **session}
    arguments = {name: value for name, value in wanted.items() if name not in address.query}
    return sa.create_engine(address, connect_args=arguments, pool_pre_ping=True, hide_parameters=True)


@contextlib.contextmanager
def transaction(*, read_only: bool = False) -> Iterator[sa.Connection]:
    """A connection in one transaction: committed when the block ends well, rolled back when it does not.

    Raises DatabaseError when the server cannot be reached, refuses or gives up, DataError when rows break a rule.
    """
    with _translated(), _connect() as connection, connection.begin():
        if read_only:
            connection.execute(sa.text("SET TRANSACTION READ ONLY"))
        yield connection


def _connect() -> sa.Connection:
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


def lock(connection: sa.Connection) -> None:
    """Take the workbook's lock until the transaction ends; raises DatabaseError, naming who loads since when."""
    taken = connection.execute(sa.text("SELECT pg_try_advisory_xact_lock(hashtext(:name), 0)"), {"name": LOCK_NAME})
    if taken.scalar():
        return
    holder = connection.execute(sa.text(sql("schema/lock_holder")), {"name": LOCK_NAME}).first()
    who = f"{holder.application_name} (server process {holder.pid}) since {holder.since}" if holder else "just now"
    raise DatabaseError(f"another run is loading: {who}; wait until it has ended, then run again")


def sql(name: str) -> str:
    """Text of lib/sql/<name>.sql."""
    return (SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def read(question: str, **bound: object) -> pd.DataFrame:
    """Answer of lib/sql/questions/<question>.sql with its named values bound; numbers as float, days as datetime64."""
    with transaction(read_only=True) as connection:
        return frame(connection, sql(f"questions/{question}"), **bound)


def frame(connection: sa.Connection, statement: str, **bound: object) -> pd.DataFrame:
    """Rows of a statement as a frame; numeric becomes float, date becomes datetime64."""
    result = connection.execute(sa.text(statement), bound)
    kinds = {c.name: FRAME_TYPES[c.type_code] for c in result.cursor.description if c.type_code in FRAME_TYPES}
    return pd.DataFrame.from_records(result.fetchall(), columns=list(result.keys())).astype(kinds)


def server() -> str:
    """Where the data is, in words without secrets: `private server, PostgreSQL 18.4`."""
    kind = "external server" if external_url() else "private server"
    with transaction(read_only=True) as connection:
        return f"{kind}, PostgreSQL {connection.execute(sa.text('SHOW server_version')).scalar().split()[0]}"


def psql() -> None:
    """Replace this process by psql, connected; standard input is its script when it is not a terminal."""
    address = url()
    _, options = _engine(address).dialect.create_connect_args(address)
    secret = {"PGPASSWORD": password} if (password := options.pop("password", None)) else {}
    target = "--dbname=" + psycopg2.extensions.make_dsn(**options)
    program = str(embedded.binary("psql"))
    arguments = [program, "--set=ON_ERROR_STOP=1", target, *sys.argv[2:]]
    os.execve(program, arguments, os.environ | secret)  # noqa: S606


def _refuse_external() -> None:
    if external_url():
        raise UsageError("the settings name an external database; the workbook neither stops nor resets that")


def _status() -> None:
    address = external_url() or embedded.running(private_folder())
    if address is None:
        sys.stdout.write("the private server is not running; `make db-start` starts it\n")
        return
    sys.stdout.write(f"{server()} at {address.host}:{address.port}\n")


def _stop() -> None:
    _refuse_external()
    embedded.stop(private_folder())


def _reset() -> None:
    _refuse_external()
    embedded.reset(private_folder())


def _print_url() -> None:
    address = url().set(drivername="postgresql")
    sys.stdout.write(address.render_as_string(hide_password=False) + "\n")


COMMANDS: dict[str, Callable[[], None]] = {
    "start": lambda: sys.stdout.write(server() + "\n"),
    "stop": _stop,
    "status": _status,
    "psql": psql,
    "url": _print_url,
    "reset": _reset,
}


def main() -> int:
    """Run one command over the database; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m lib.database", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    try:
        COMMANDS[parser.parse_args(sys.argv[1:2]).command]()
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
