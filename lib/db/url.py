"""The address of PostgreSQL: the server that the settings name, else the private one, started if necessary."""

from pathlib import Path

import sqlalchemy as sa

from lib import settings
from lib.db import private
from lib.errors import UsageError

__all__ = ["external_url", "private_folder", "url"]

SAFE_SSLMODES = ("require", "verify-ca", "verify-full")
DRIVER = "postgresql+psycopg2"  # for a bare postgresql:// SQLAlchemy 2.1 loads psycopg 3


def url() -> sa.URL:
    """Address of the database: DATABASE_URL, else DB_HOST etc., else the private server, started if necessary.

    Raises:
        UsageError: The address is malformed, or remote without TLS.
        DatabaseError: The private server cannot start.
    """
    if external := external_url():
        return external
    address = private.start(private_folder())
    return sa.URL.create(DRIVER, address.user, address.password, address.host, address.port, address.dbname)


def external_url() -> sa.URL | None:
    """Address of the server that the settings name, None if they name none.

    Raises:
        UsageError: The address is malformed, or remote without TLS.
    """
    if text := settings.get("DATABASE_URL"):
        return _checked(_parsed(text))
    if host := settings.get("DB_HOST"):
        return _checked(_from_parts(host))
    return None


def private_folder() -> Path:
    """Folder of the private server's data, state and log."""
    return settings.output_folder() / "postgres"


def _parsed(text: str) -> sa.URL:
    try:
        parsed = sa.make_url(text)
        backend = parsed.get_backend_name()
        if text.count("@") > 1:
            raise ValueError("a second @")
    except (sa.exc.ArgumentError, ValueError) as error:
        raise UsageError(
            "DATABASE_URL is malformed; expected postgresql://user:password@host:port/name, "
            "with @ : / # % in the password written as %40 %3A %2F %23 %25"
        ) from error
    if backend not in ("postgresql", "postgres"):
        raise UsageError(f"DATABASE_URL names {backend}; expected postgresql://user:password@host:port/name")
    return parsed.set(drivername=DRIVER)


def _from_parts(host: str) -> sa.URL:
    port = settings.get("DB_PORT") or "5432"
    if not port.isdecimal():
        raise UsageError(f"DB_PORT is {port!r}; expected a number such as 5432")
    user, password, name = (settings.get(part) or None for part in ("DB_USER", "DB_PASSWORD", "DB_NAME"))
    query = {"sslmode": mode} if (mode := settings.get("DB_SSLMODE")) else {}
    return sa.URL.create(DRIVER, user, password, host, int(port), name, query)


def _checked(address: sa.URL) -> sa.URL:
    """The address, if its port is valid and its hosts are local or reached by TLS."""
    if address.port is not None and not 0 < address.port < 65536:
        raise UsageError(f"the port of the database is {address.port}; expected 1 to 65535, such as 5432")
    hosts = [host for host in _hosts(address) if not host.startswith("/")]  # a folder of a Unix socket is local
    remote = [host for host in hosts if host not in settings.LOCAL_HOSTS]
    mode = address.query.get("sslmode", "")
    if remote and mode not in SAFE_SSLMODES and not settings.get("DB_ALLOW_PLAINTEXT"):
        raise UsageError(
            f"the database at {remote[0]} is remote and sslmode is {mode or 'not set'!r}, so the network could read "
            "passwords and data; expected a connection by TLS. Set sslmode=require (in DB_SSLMODE or after the ? of "
            "DATABASE_URL), or DB_ALLOW_PLAINTEXT=1 to allow plaintext."
        )
    return address


def _hosts(address: sa.URL) -> list[str]:
    """Every host that libpq may connect to: host and hostaddr after the ? take precedence over the host before it."""
    options = address.normalized_query
    return [address.host or "", *options.get("host", ()), *options.get("hostaddr", ())]
