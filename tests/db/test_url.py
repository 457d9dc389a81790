"""The address from the settings: precedence, malformed addresses, and TLS for remote servers."""

import re

import pytest
import sqlalchemy as sa

from lib.db.url import external_url, url
from lib.errors import UsageError
from tests.conftest import ENCODED, PASSWORD

BAD_ADDRESSES = {
    "no address": ("shop", "expected postgresql://user:password@host:port/name"),
    "port in letters": ("postgresql://u:secret@localhost:abc/shop", "expected postgresql://"),
    "port out of range": ("postgresql://u:secret@localhost:70000/shop", "port of the database is 70000"),
    "another database system": ("mysql://u:secret@localhost/shop", "names mysql; expected postgresql://"),
    "@ in the password": ("postgresql://u:se@cret@localhost/shop", "%40"),
    "all special characters in the password": (f"postgresql://u:{PASSWORD}@localhost:5432/shop", "%40"),
}
REMOTE = ("db.example.com", "192.0.2.1", "2001:db8::1")


def test_url_takes_precedence_over_parts(configure) -> None:
    configure(DB_HOST="127.0.0.1", DB_PORT=1, DB_NAME="parts", DB_USER="u", DB_PASSWORD=PASSWORD)
    assert url().database == "parts"
    configure(DATABASE_URL="postgresql://u@localhost/whole")
    assert url().database == "whole"


def test_missing_parts_have_defaults(configure) -> None:
    configure(DB_HOST="localhost")
    assert url() == sa.URL.create("postgresql+psycopg2", host="localhost", port=5432)


def test_external_url_is_none_without_settings() -> None:
    assert external_url() is None


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+psycopg"])
def test_every_postgresql_scheme_uses_psycopg2(configure, scheme: str) -> None:
    configure(DATABASE_URL=f"{scheme}://u:{ENCODED}@localhost:5433/shop")
    found = url()
    assert found == sa.URL.create("postgresql+psycopg2", "u", PASSWORD, "localhost", 5433, "shop")


@pytest.mark.parametrize(("address", "message"), BAD_ADDRESSES.values(), ids=BAD_ADDRESSES)
def test_malformed_address_is_refused_without_its_password(configure, address: str, message: str) -> None:
    configure(DATABASE_URL=address)
    with pytest.raises(UsageError, match=re.escape(message)) as refusal:
        url()
    assert not re.search("secret|cret@|p@ss", str(refusal.value))


@pytest.mark.parametrize("port", ["five", "-1", "0", "65536", "54.32"])
def test_invalid_port_is_refused(configure, port: str) -> None:
    configure(DB_HOST="localhost", DB_PORT=port)
    with pytest.raises(UsageError, match=rf"(?i)port.* is '?{port}'?; expected .*such as 5432"):
        url()


@pytest.mark.parametrize("host", REMOTE)
@pytest.mark.parametrize("mode", ["", "disable", "allow", "prefer", "REQUIRE"])
def test_remote_server_without_tls_is_refused(configure, host: str, mode: str) -> None:
    configure(DB_HOST=host, DB_SSLMODE=mode)
    with pytest.raises(UsageError, match=rf"at {host} is remote and sslmode is '({mode}|not set)'.*DB_ALLOW_PLAINTEXT"):
        url()
    configure(DB_ALLOW_PLAINTEXT=1)
    assert url().host == host


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_remote_server_with_tls_is_accepted(configure, mode: str) -> None:
    configure(DB_HOST=REMOTE[0], DB_SSLMODE=mode)
    assert url().query == {"sslmode": mode}
    configure(DATABASE_URL=f"postgresql://u@{REMOTE[0]}/shop?sslmode={mode}&application_name=x")
    assert url().query == {"sslmode": mode, "application_name": "x"}


@pytest.mark.parametrize("option", ["host=db.example.com", "hostaddr=192.0.2.1", "host=localhost&host=db.example.com"])
def test_remote_host_in_the_options_is_refused(configure, option: str) -> None:
    configure(DATABASE_URL=f"postgresql://localhost/shop?{option}")
    with pytest.raises(UsageError, match="is remote"):
        url()


@pytest.mark.parametrize(
    "address", ["postgresql:///shop", "postgresql://[::1]/shop", "postgresql:///shop?host=/run/pg"]
)
def test_local_server_needs_no_tls(configure, address: str) -> None:
    configure(DATABASE_URL=address)
    assert url().database == "shop"
