"""Connections and transactions: addresses, retries, lost connections, roles and errors."""

import contextlib
import re
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
import sqlalchemy as sa

from lib import db
from lib.errors import DatabaseError, DataError
from tests.conftest import ENCODED, PASSWORD, ask

# Connecting.


def test_password_with_special_characters_connects(configure, role: str, empty_database: sa.URL) -> None:
    at = empty_database
    configure(DATABASE_URL=f"postgresql://{role}:{ENCODED}@{at.host}:{at.port}/{at.database}")
    assert ask("SELECT current_user") == [(role,)]
    db.engine().dispose()
    configure(
        DATABASE_URL="", DB_HOST=at.host, DB_PORT=at.port, DB_NAME=at.database, DB_USER=role, DB_PASSWORD=PASSWORD
    )
    assert ask("SELECT current_user, current_database()") == [(role, at.database)]
    db.engine().dispose()


def test_options_of_the_address_reach_the_server(configure, empty_database: sa.URL) -> None:
    address = empty_database.set(drivername="postgresql", query={"application_name": "mine"})
    configure(DATABASE_URL=address.render_as_string(hide_password=False))
    assert ask("SELECT current_setting('application_name'), current_setting('TimeZone')") == [("mine", "UTC")]
    db.engine().dispose()


def test_several_hosts_are_tried_in_order(configure, closed_port: int, empty_database: sa.URL) -> None:
    at = empty_database
    hosts = [("host", f"127.0.0.1:{port}") for port in (closed_port, at.port)]
    address = at.set(drivername="postgresql", host=None, port=None).update_query_pairs(hosts)
    configure(DATABASE_URL=address.render_as_string(hide_password=False), DB_ALLOW_PLAINTEXT=1)
    assert ask("SELECT current_database()") == [(at.database,)]
    db.engine().dispose()


# Connections that fail or are lost.


def test_refused_connection_is_retried_for_a_while(configure, closed_port: int, monkeypatch) -> None:
    monkeypatch.setattr("lib.db.connection.STARTING_UP_SECONDS", 0.3)
    configure(DATABASE_URL=f"postgresql://u:{ENCODED}@127.0.0.1:{closed_port}/shop")
    started = time.monotonic()
    with pytest.raises(DatabaseError) as refusal:
        ask("SELECT 1")
    assert 0.3 <= time.monotonic() - started < 3
    assert re.fullmatch(
        rf"cannot connect to PostgreSQL at 127.0.0.1:{closed_port}/shop as u: Connection refused\. "
        r"Check DATABASE_URL or DB_HOST, .*\.env\)\.",
        str(refusal.value),
    )


def test_server_that_starts_late_is_waited_for(configure, closed_port: int, empty_database: sa.URL) -> None:
    at = empty_database
    configure(DATABASE_URL=at.set(drivername="postgresql", port=closed_port).render_as_string(hide_password=False))
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(ask, "SELECT 1")
        time.sleep(0.3)
        with socket.create_server(("127.0.0.1", closed_port)) as door:
            client, backend = door.accept()[0], socket.create_connection((at.host, at.port))
            with client, backend:
                ends = [pool.submit(_relay, *pair) for pair in ((client, backend), (backend, client))]
                assert asked.result() == [(1,)]
                db.engine().dispose()
                assert all(end.result() is None for end in ends)


def _relay(source: socket.socket, target: socket.socket) -> None:
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
def test_permanent_failure_is_not_retried(configure, server: sa.URL, changes: dict, message: str) -> None:
    address = server.set(**({"drivername": "postgresql"} | changes))
    configure(DATABASE_URL=address.render_as_string(hide_password=False))
    attempts = Counter()
    sa.event.listen(db.engine(), "do_connect", lambda *_: attempts.update(connects=1))
    with pytest.raises(DatabaseError, match=rf"cannot connect .*{message}.*\. Check DATABASE_URL") as refusal:
        ask("SELECT 1")
    assert attempts["connects"] == 1
    assert "se:cret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_unknown_option_is_named(configure, server: sa.URL) -> None:
    address = server.set(drivername="postgresql", query={"shoesize": "42"})
    configure(DATABASE_URL=address.render_as_string(hide_password=False))
    with pytest.raises(DatabaseError, match="shoesize"):
        ask("SELECT 1")


def test_lost_pooled_connection_is_replaced(demo_database: sa.URL) -> None:
    [(lost,)] = ask("SELECT pg_backend_pid()")
    other = sa.create_engine(demo_database, poolclass=sa.NullPool)
    with other.connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": lost})
    assert ask("SELECT pg_backend_pid()") != [(lost,)]


def test_connection_lost_during_a_statement_is_a_database_error(empty_database: sa.URL) -> None:
    with pytest.raises(DatabaseError, match=r"PostgreSQL reported: (terminating connection|server closed)"):
        ask("SELECT pg_terminate_backend(pg_backend_pid())")


def _cut_while_committing(connection: sa.Connection, monkeypatch: pytest.MonkeyPatch, *, committed: bool) -> None:
    """Cut the connection at its commit, before or after the server has committed."""
    driver = connection.connection.dbapi_connection
    commit = connection.dialect.do_commit

    def cut(dbapi_connection: object) -> None:
        mine = dbapi_connection.dbapi_connection is driver
        if committed or not mine:
            commit(dbapi_connection)
        if not mine:
            return
        ask("SELECT pg_terminate_backend(:pid, 5000)", pid=driver.info.backend_pid)
        with driver.cursor() as cursor:
            cursor.execute("SELECT 1")

    monkeypatch.setattr(connection.dialect, "do_commit", cut)


@pytest.mark.parametrize("committed", [True, False])
def test_outcome_of_an_interrupted_commit_is_resolved(empty_database: sa.URL, monkeypatch, committed: bool) -> None:
    refused = (
        contextlib.nullcontext() if committed else pytest.raises(DatabaseError, match=r"reported: .*; nothing was")
    )
    with refused, db.connect() as connection, db.begin_resolved(connection):
        db.run(connection, "CREATE TABLE made ()")
        _cut_while_committing(connection, monkeypatch, committed=committed)
    assert ask("SELECT to_regclass('made') IS NOT NULL") == [(committed,)]


def test_unknown_outcome_of_a_commit_is_an_error(empty_database: sa.URL, monkeypatch) -> None:
    def unreachable(_: str) -> str:
        raise DatabaseError("cannot connect")

    with (
        pytest.raises(
            DatabaseError, match=r"either the old rows or the new ones, never a mix\. Run again when the server answers"
        ),
        db.connect() as connection,
        db.begin_resolved(connection),
    ):
        _cut_while_committing(connection, monkeypatch, committed=True)
        monkeypatch.setattr("lib.db.connection._status", unreachable)


# Queries and errors.


def test_read_returns_floats_and_days(demo_database: sa.URL) -> None:
    found = db.read("daily_revenue", as_of="2025-07-01")
    assert found.dtypes.astype(str).to_dict()["date"] == "datetime64[us]"
    assert found.dtypes.astype(str).to_dict()["revenue"] == "float64"


TYPED = """
SELECT 1 AS a, 1.5 AS b, NULL::numeric AS c, date '2025-01-31' AS d, timestamptz '2025-01-31 12:00+01' AS e, :text AS f
"""


def test_types_of_a_frame(empty_database: sa.URL) -> None:
    with db.transaction() as connection:
        found = db.frame(connection, TYPED, text="100 %")
    kinds = ["int64", "float64", "float64", "datetime64[us]", "datetime64[us, UTC]", "str"]
    assert [str(kind) for kind in found.dtypes] == kinds
    day, instant = pd.Timestamp("2025-01-31"), pd.Timestamp("2025-01-31 11:00Z")
    assert found.drop(columns="c").iloc[0].tolist() == [1, 1.5, day, instant, "100 %"]


def test_read_only_transaction_refuses_writes(demo_database: sa.URL) -> None:
    with pytest.raises(DatabaseError, match="read-only"), db.transaction(read_only=True) as connection:
        connection.execute(sa.text("DELETE FROM events"))
    assert ask("SELECT count(*) > 0 FROM events") == [(True,)]


@pytest.mark.parametrize("failure", [ZeroDivisionError, KeyboardInterrupt])
def test_error_rolls_back_the_transaction(empty_database: sa.URL, failure: type) -> None:
    with pytest.raises(failure), db.transaction() as connection:
        connection.execute(sa.text("CREATE TABLE gone ()"))
        raise failure
    assert ask("SELECT to_regclass('gone')") == [(None,)]


def test_violated_check_is_named_without_values(demo_database: sa.URL) -> None:
    with pytest.raises(DataError, match=r"users breaks a rule: .*users_email_check.*; nothing was changed") as refusal:
        ask("UPDATE users SET email = 'at home', name = 'Jane Roe'")
    assert not re.search("Jane|home", str(refusal.value))


def test_violated_key_is_named_without_values(demo_database: sa.URL) -> None:
    [(email,)] = ask("SELECT min(email) FROM users")
    with pytest.raises(DataError, match=r"users breaks a rule: .*users_email_key") as refusal:
        ask("UPDATE users SET email = :email", email=email)
    assert email not in str(refusal.value)


def test_invalid_sql_is_a_database_error(empty_database: sa.URL) -> None:
    with pytest.raises(DatabaseError, match=r'relation "nowhere" does not exist.*no shop is loaded: run `make pip'):
        ask("SELECT * FROM nowhere")
