"""The door to PostgreSQL: which server it leads to, what it refuses, what it survives, and its commands."""

import re
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from lib import database, settings
from lib.errors import DatabaseError, DataError, UsageError
from tests.conftest import PASSWORD

ENCODED = "p%40ss%3A%2F%23%25w"
BAD_ADDRESSES = {
    "no address": ("shop", "wanted postgresql://user:password@host:port/name"),
    "port in letters": ("postgresql://u:secret@localhost:abc/shop", "wanted postgresql://"),
    "port out of range": ("postgresql://u:secret@localhost:70000/shop", "port of the database is 70000"),
    "another kind": ("mysql://u:secret@localhost/shop", "names mysql; the workbook needs postgresql://"),
    "@ in the password": ("postgresql://u:se@cret@localhost/shop", "%40"),
    "all signs in the password": (f"postgresql://u:{PASSWORD}@localhost:5432/shop", "%40"),
}
REMOTE = ("db.example.com", "192.0.2.1", "2001:db8::1")


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch):
    """Sets the settings that it is given, and no others."""
    return lambda **values: [monkeypatch.setenv(name, str(value)) for name, value in values.items()]


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def ask(statement: str, **bound: object) -> list:
    """Rows of a statement in a transaction of its own."""
    with database.transaction() as connection:
        result = connection.execute(sa.text(statement), bound)
        return result.all() if result.returns_rows else []


def parts(address: sa.URL) -> dict:
    """The settings that name a server and a database, without a user."""
    return {"DB_HOST": address.host, "DB_PORT": address.port, "DB_NAME": address.database}


# Which server.


def test_url_comes_before_its_parts(configure) -> None:
    configure(DB_HOST="127.0.0.1", DB_PORT=1, DB_NAME="parts", DB_USER="u", DB_PASSWORD=PASSWORD)
    assert database.url().database == "parts"
    configure(DATABASE_URL="postgresql://u@localhost/whole")
    assert database.url().database == "whole"


def test_parts_need_not_be_complete(configure) -> None:
    configure(DB_HOST="localhost")
    assert database.url() == sa.URL.create("postgresql+psycopg2", host="localhost", port=5432)


def test_no_settings_name_no_server() -> None:
    assert database.external_url() is None


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+psycopg"])
def test_every_postgres_address_uses_our_driver(configure, scheme: str) -> None:
    configure(DATABASE_URL=f"{scheme}://u:{ENCODED}@localhost:5433/shop")
    found = database.url()
    assert found == sa.URL.create("postgresql+psycopg2", "u", PASSWORD, "localhost", 5433, "shop")


@pytest.mark.parametrize(("address", "message"), BAD_ADDRESSES.values(), ids=BAD_ADDRESSES)
def test_a_bad_address_is_refused_without_its_password(configure, address: str, message: str) -> None:
    configure(DATABASE_URL=address)
    with pytest.raises(UsageError, match=re.escape(message)) as refusal:
        database.url()
    assert not re.search("secret|cret@|p@ss", str(refusal.value))


@pytest.mark.parametrize("port", ["five", "-1", "0", "65536", "54.32"])
def test_a_bad_port_is_refused(configure, port: str) -> None:
    configure(DB_HOST="localhost", DB_PORT=port)
    with pytest.raises(UsageError, match=rf"(?i)port.* is '?{port}'?; wanted .*such as 5432"):
        database.url()


@pytest.mark.parametrize("host", REMOTE)
@pytest.mark.parametrize("mode", ["", "disable", "allow", "prefer", "REQUIRE"])
def test_a_remote_server_without_tls_is_refused(configure, host: str, mode: str) -> None:
    configure(DB_HOST=host, DB_SSLMODE=mode)
    with pytest.raises(UsageError, match=rf"at {host} is remote and sslmode is '({mode}|not set)'.*DB_ALLOW_PLAINTEXT"):
        database.url()
    configure(DB_ALLOW_PLAINTEXT=1)
    assert database.url().host == host


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_remote_server_with_tls_is_accepted(configure, mode: str) -> None:
    configure(DB_HOST=REMOTE[0], DB_SSLMODE=mode)
    assert database.url().query == {"sslmode": mode}
    configure(DATABASE_URL=f"postgresql://u@{REMOTE[0]}/shop?sslmode={mode}&application_name=x")
    assert database.url().query == {"sslmode": mode, "application_name": "x"}


@pytest.mark.parametrize("option", ["host=db.example.com", "hostaddr=192.0.2.1", "host=localhost&host=db.example.com"])
def test_a_remote_server_among_the_options_is_seen(configure, option: str) -> None:
    configure(DATABASE_URL=f"postgresql://localhost/shop?{option}")
    with pytest.raises(UsageError, match="is remote"):
        database.url()


@pytest.mark.parametrize(
    "address", ["postgresql:///shop", "postgresql://[::1]/shop", "postgresql:///shop?host=/run/pg"]
)
def test_a_local_server_needs_no_tls(configure, address: str) -> None:
    configure(DATABASE_URL=address)
    assert database.url().database == "shop"


def test_a_difficult_password_connects_both_ways(configure, role: str, empty_database: sa.URL) -> None:
    at = empty_database
    configure(DATABASE_URL=f"postgresql://{role}:{ENCODED}@{at.host}:{at.port}/{at.database}")
    assert ask("SELECT current_user") == [(role,)]
    database.engine().dispose()
    configure(
        DATABASE_URL="", DB_HOST=at.host, DB_PORT=at.port, DB_NAME=at.database, DB_USER=role, DB_PASSWORD=PASSWORD
    )
    assert ask("SELECT current_user, current_database()") == [(role, at.database)]
    database.engine().dispose()


def test_the_settings_of_an_address_reach_the_server(configure, empty_database: sa.URL) -> None:
    address = empty_database.set(drivername="postgresql", query={"application_name": "mine"})
    configure(DATABASE_URL=address.render_as_string(hide_password=False))
    assert ask("SELECT current_setting('application_name'), current_setting('TimeZone')") == [("mine", "UTC")]
    database.engine().dispose()


def test_several_hosts_are_tried_in_turn(configure, closed_port: int, empty_database: sa.URL) -> None:
    at = empty_database
    hosts = [("host", f"127.0.0.1:{port}") for port in (closed_port, at.port)]
    address = at.set(drivername="postgresql", host=None, port=None).update_query_pairs(hosts)
    configure(DATABASE_URL=address.render_as_string(hide_password=False), DB_ALLOW_PLAINTEXT=1)
    assert ask("SELECT current_database()") == [(at.database,)]
    database.engine().dispose()


# What cannot be reached.


def test_a_refused_connection_is_tried_for_a_while(configure, closed_port: int, monkeypatch) -> None:
    monkeypatch.setattr(database, "STARTING_UP_SECONDS", 0.3)
    configure(DATABASE_URL=f"postgresql://u:{ENCODED}@127.0.0.1:{closed_port}/shop")
    started = time.monotonic()
    with pytest.raises(DatabaseError) as refusal:
        ask("SELECT 1")
    assert 0.3 <= time.monotonic() - started < 3
    assert re.fullmatch(
        rf"cannot connect to PostgreSQL at 127.0.0.1:{closed_port}/shop as u: Connection refused; "
        r"look at DATABASE_URL or DB_HOST, .*\.env\)",
        str(refusal.value),
    )


def test_a_server_that_comes_up_late_is_waited_for(configure, closed_port: int, empty_database: sa.URL) -> None:
    at = empty_database
    configure(DATABASE_URL=at.set(drivername="postgresql", port=closed_port).render_as_string(hide_password=False))
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(ask, "SELECT 1")
        time.sleep(0.3)
        with socket.create_server(("127.0.0.1", closed_port)) as door:
            guest, way = door.accept()[0], socket.create_connection((at.host, at.port))
            with guest, way:
                ends = [pool.submit(_pass_on, *pair) for pair in ((guest, way), (way, guest))]
                assert asked.result() == [(1,)]
                database.engine().dispose()
                assert all(end.result() is None for end in ends)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


WRONG = {
    "password": ({"password": "se:cret"}, 'password authentication failed for user "'),
    "user": ({"username": "nobody-here"}, "authentication failed"),
    "database": ({"database": "nowhere"}, 'database "nowhere" does not exist'),
    "host": ({"host": "nowhere.invalid", "query": {"sslmode": "require"}}, "could not translate host name"),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_what_waiting_does_not_mend_is_tried_once(configure, server: sa.URL, changes: dict, message: str) -> None:
    address = server.set(**({"drivername": "postgresql"} | changes))
    configure(DATABASE_URL=address.render_as_string(hide_password=False))
    attempts = Counter()
    sa.event.listen(database.engine(), "do_connect", lambda *_: attempts.update(connects=1))
    with pytest.raises(DatabaseError, match=rf"cannot connect .*{message}.*; look at DATABASE_URL") as refusal:
        ask("SELECT 1")
    assert attempts["connects"] == 1
    assert "se:cret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_unknown_option_is_named(configure, server: sa.URL) -> None:
    address = server.set(drivername="postgresql", query={"shoesize": "42"})
    configure(DATABASE_URL=address.render_as_string(hide_password=False))
    with pytest.raises(DatabaseError, match="shoesize"):
        ask("SELECT 1")


def test_a_lost_connection_is_renewed(demo_database: sa.URL) -> None:
    [(lost,)] = ask("SELECT pg_backend_pid()")
    other = sa.create_engine(demo_database, poolclass=sa.NullPool)
    with other.connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": lost})
    assert ask("SELECT pg_backend_pid()") != [(lost,)]


def test_a_connection_lost_on_the_way_is_told(empty_database: sa.URL) -> None:
    with pytest.raises(DatabaseError, match=r"PostgreSQL gave up: (terminating connection|server closed)"):
        ask("SELECT pg_terminate_backend(pg_backend_pid())")


# Reading and writing.


def test_read_gives_floats_and_days(demo_database: sa.URL) -> None:
    found = database.read("daily_revenue", as_of="2025-07-01")
    assert found.dtypes.astype(str).to_dict()["date"] == "datetime64[us]"
    assert found.dtypes.astype(str).to_dict()["revenue"] == "float64"


TYPED = """
SELECT 1 AS a, 1.5 AS b, NULL::numeric AS c, date '2025-01-31' AS d, timestamptz '2025-01-31 12:00+01' AS e, :text AS f
"""


def test_types_of_a_frame(empty_database: sa.URL) -> None:
    with database.transaction() as connection:
        found = database.frame(connection, TYPED, text="100 %")
    kinds = ["int64", "float64", "float64", "datetime64[us]", "datetime64[us, UTC]", "str"]
    assert [str(kind) for kind in found.dtypes] == kinds
    day, instant = pd.Timestamp("2025-01-31"), pd.Timestamp("2025-01-31 11:00Z")
    assert found.drop(columns="c").iloc[0].tolist() == [1, 1.5, day, instant, "100 %"]


def test_reading_cannot_write(demo_database: sa.URL) -> None:
    with pytest.raises(DatabaseError, match="read-only"), database.transaction(read_only=True) as connection:
        connection.execute(sa.text("DELETE FROM events"))
    assert ask("SELECT count(*) > 0 FROM events") == [(True,)]


@pytest.mark.parametrize("failure", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_undoes_everything(empty_database: sa.URL, failure: type) -> None:
    with pytest.raises(failure), database.transaction() as connection:
        connection.execute(sa.text("CREATE TABLE gone ()"))
        raise failure
    assert ask("SELECT to_regclass('gone')") == [(None,)]


def test_a_broken_rule_names_table_and_rule_but_no_values(demo_database: sa.URL) -> None:
    with pytest.raises(DataError, match=r"users breaks a rule: .*users_email_check.*; nothing was changed") as refusal:
        ask("UPDATE users SET email = 'at home', name = 'Jane Roe'")
    assert not re.search("Jane|home", str(refusal.value))


def test_a_broken_key_names_table_and_rule_but_no_values(demo_database: sa.URL) -> None:
    [(email,)] = ask("SELECT min(email) FROM users")
    with pytest.raises(DataError, match=r"users breaks a rule: .*users_email_key") as refusal:
        ask("UPDATE users SET email = :email", email=email)
    assert email not in str(refusal.value)


def test_broken_sql_is_a_database_error(empty_database: sa.URL) -> None:
    with pytest.raises(DatabaseError, match='PostgreSQL gave up: relation "nowhere" does not exist'):
        ask("SELECT * FROM nowhere")


def test_the_lock_is_held_until_the_transaction_ends(empty_database: sa.URL) -> None:
    with database.transaction() as first:
        database.lock(first)
        database.lock(first)
        pid, since = first.execute(sa.text("SELECT pg_backend_pid(), to_char(now(), 'YYYY-MM-DD HH24:MI:SS')")).one()
        with (
            pytest.raises(DatabaseError, match=rf"workbook pid \d+ \(server process {pid}\) since {since} UTC; wait"),
            database.transaction() as second,
        ):
            database.lock(second)
    with database.transaction() as third:
        database.lock(third)


# Commands.


def command(*arguments: str, script: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m lib.database` as a shell would run it."""
    line = [sys.executable, "-m", "lib.database", *arguments]
    return subprocess.run(line, cwd=settings.PROJECT, input=script, capture_output=True, text=True, check=False)


def test_url_prints_the_address_and_nothing_else(configure) -> None:
    address = f"postgresql://u:{ENCODED}@localhost:5433/shop?sslmode=prefer"
    configure(DATABASE_URL=address)
    done = command("url")
    assert (done.stdout, done.stderr, done.returncode) == (address + "\n", "", 0)


def test_psql_runs_standard_input(configure, role: str, empty_database: sa.URL) -> None:
    at = empty_database
    configure(
        DATABASE_URL="", DB_HOST=at.host, DB_PORT=at.port, DB_NAME=at.database, DB_USER=role, DB_PASSWORD=PASSWORD
    )
    done = command("psql", "--tuples-only", "--no-align", script="SELECT current_user, 100 % 7;\n")
    assert (done.stdout, done.stderr, done.returncode) == (f"{role}|2\n", "", 0)


def test_psql_stops_at_broken_sql(empty_database: sa.URL) -> None:
    done = command("psql", script="SELEC 1;\nCREATE TABLE never ();\n")
    assert done.returncode == 3
    assert 'syntax error at or near "SELEC"' in done.stderr
    assert ask("SELECT to_regclass('never')") == [(None,)]


def test_status_names_the_server_without_secrets(empty_database: sa.URL) -> None:
    done = command("status")
    where = f"at {empty_database.host}:{empty_database.port}"
    assert re.fullmatch(rf"external server, PostgreSQL [\d.]+ {where}\n", done.stdout)
    assert done.returncode == 0


def run_main(monkeypatch: pytest.MonkeyPatch, name: str) -> int:
    """Exit code of a command in this process."""
    monkeypatch.setattr(sys, "argv", ["database", name])
    return database.main()


@pytest.mark.parametrize("name", ["stop", "reset"])
def test_an_external_server_is_not_stopped(configure, monkeypatch, capsys, name: str) -> None:
    configure(DB_HOST="localhost")
    assert run_main(monkeypatch, name) == 2
    assert "error: the settings name an external database; the workbook neither stops" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["status", "stop", "reset"])
def test_nothing_is_started_only_to_look_or_to_stop(monkeypatch, own_folders: Path, name: str) -> None:
    assert run_main(monkeypatch, name) == 0
    assert not own_folders.exists()


def test_an_unreachable_server_ends_with_one_sentence(configure, monkeypatch, closed_port: int, capsys) -> None:
    monkeypatch.setattr(database, "STARTING_UP_SECONDS", 0)
    configure(DATABASE_URL=f"postgresql://localhost:{closed_port}/shop")
    assert run_main(monkeypatch, "status") == 4
    assert re.fullmatch(r"error: cannot connect to PostgreSQL at localhost:.*\n", capsys.readouterr().err)
