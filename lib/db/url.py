"""Which PostgreSQL: the one that the settings name, else the workbook's own, started if need be."""

from pathlib import Path

import sqlalchemy as sa

from lib import settings
from lib.db import private
from lib.errors import UsageError

__all__ = ["LOCAL_HOSTS", "external_url", "private_folder", "url"]

LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")
SAFE_SSLMODES = ("require", "verify-ca", "verify-full")


def url() -> sa.URL:
    """Address of the database: DATABASE_URL, else DB_HOST and its like, else the private server, started if need be.

    Raises UsageError for a malformed address or a remote one without TLS, DatabaseError when the server cannot start.
    """
    return external_url() or _private_url(private.start(private_folder()))


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


def _private_url(address: private.Address) -> sa.URL:
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
