"""The address of a server: made, remembered beside the cluster, and connected to."""

import json
import secrets
import socket
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psycopg2

from lib.embedded.place import Place

__all__ = ["Address", "connect", "ensure_database", "new_address", "save", "saved", "with_free_port", "write_private"]

# The user is called as no schema of ours: for other tools that schema would come before `public`.
HOST, USER, DATABASE = "127.0.0.1", "shop", "shop"


@dataclass(frozen=True)
class Address:
    """How to reach the server."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    dbname: str


def new_address() -> Address:
    """An address on a free port, with a random password."""
    return Address(HOST, _free_port(), USER, secrets.token_urlsafe(24), DATABASE)


def with_free_port(place: Place, address: Address) -> Address:
    """The address itself, or, when another program took its port, a saved one with another port."""
    return address if _is_free(address.port) else save(place, replace(address, port=_free_port()))


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return probe.getsockname()[1]


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def saved(place: Place) -> Address | None:
    """The remembered address, None when its file is missing or makes no sense."""
    with suppress(FileNotFoundError, ValueError, TypeError):
        return Address(**json.loads(place.state.read_text()))
    return None


def save(place: Place, address: Address) -> Address:
    """The address, remembered from now on."""
    write_private(place.home / "state.tmp", json.dumps(asdict(address))).replace(place.state)
    return address


def write_private(path: Path, text: str) -> Path:
    """The path, now a new file that nobody else could read for a moment."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)
    return path


def connect(address: Address) -> psycopg2.extensions.connection:
    """An open connection. Raises psycopg2.OperationalError when nobody answers or the password is wrong."""
    return psycopg2.connect(**asdict(address), connect_timeout=5, sslmode="disable")


def ensure_database(address: Address) -> None:
    """Makes the workbook's database unless it is there."""
    with closing(connect(replace(address, dbname="postgres"))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {DATABASE}")
