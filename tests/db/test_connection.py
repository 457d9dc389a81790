"""The door to PostgreSQL: how it connects, what it refuses and what it survives."""

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

# How it connects.


def test_a_difficult_password_connects_both_ways(configure, role: str, empty_database: sa.URL) -> None:
    at = empty_database
    configure(DATABASE_URL=f"postgresql://{role}:{ENCODED}@{at.host}:{at.port}/{at.database}")
    assert ask("SELECT current_user") == [(role,)]
    db.engine().dispose()
    configure(
        DATABASE_URL="", DB_HOST=at.host, DB_PORT=at.port, DB_NAME=at.database, DB_USER=role, DB_PASSWORD=PASSWORD
    )
    assert ask("SELECT current_user, current_database()") == [(role, at.database)]
    db.engine().dispose()


def test_the_settings_of_an_address_reach_the_server(configure, empty_database: sa.URL) -> None:
    address = empty_database.set(drivername="postgresql", query={"application_name": "mine"})
    configure(DATABASE_URL=address.render_as_string(hide_password=False))
    assert ask("SELECT current_setting('application_name'), current_setting('TimeZone')") == [("mine", "UTC")]
    db.engine().dispose()


def test_several_hosts_are_tried_in_turn(configure, closed_port: int, empty_database: sa.URL) -> None:
    at = empty_database
    hosts = [("host", f"127.0.0.1:{port}") for port in (closed_port, at.port)]
    address = at.set(drivername="postgresql", host=None, port=None).update_query_pairs(hosts)
    configure(DATABASE_URL=address.render_as_string(hide_password=False), DB_ALLOW_PLAINTEXT=1)
    assert ask("SELECT current_database()") == [(at.database,)]
    db.engine().dispose()


# What cannot be reached.


def test_a_refused_connection_is_tried_for_a_while(configure, closed_port: int, monkeypatch) -> None:
    monkeypatch.setattr("lib.db.connection.STARTING_UP_SECONDS", 0.3)
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
                db.engine().dispose()
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
    sa.event.listen(db.engine(), "do_connect", lambda *_: attempts.update(connects=1))
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


def _cut_while_committing(connection: sa.Connection, monkeypatch: pytest.MonkeyPatch, *, heard: bool) -> None:
    """Make the connection's commit reach the server, or not, and the answer never come."""
    driver = connection.connection.dbapi_connection
    commit = connection.dialect.do_commit

    def cut(dbapi_connection: object) -> None:
        mine = dbapi_connection.dbapi_connection is driver
        if heard or not mine:
            commit(dbapi_connection)
        if not mine:
            return
        ask("SELECT pg_terminate_backend(:pid, 5000)", pid=driver.info.backend_pid)
        with driver.cursor() as cursor:
            cursor.execute("SELECT 1")

    monkeypatch.setattr(connection.dialect, "do_commit", cut)


@pytest.mark.parametrize("heard", [True, False])
def test_a_commit_whose_answer_is_lost_counts_as_what_it_was(empty_database: sa.URL, monkeypatch, heard: bool) -> None:
    refused = contextlib.nullcontext() if heard else pytest.raises(DatabaseError, match=r"gave up: .*; nothing was")
    with refused, db.connect() as connection, db.begin_for_certain(connection):
        db.run(connection, "CREATE TABLE made ()")
        _cut_while_committing(connection, monkeypatch, heard=heard)
    assert ask("SELECT to_regclass('made') IS NOT NULL") == [(heard,)]


def test_a_commit_that_nobody_can_be_asked_about_is_told(empty_database: sa.URL, monkeypatch) -> None:
    def no_way(_: str) -> str:
        raise DatabaseError("cannot connect")

    with (
        pytest.raises(DatabaseError, match="it holds the old rows or the new ones, whole; run again when it answers"),
        db.connect() as connection,
        db.begin_for_certain(connection),
    ):
        _cut_while_committing(connection, monkeypatch, heard=True)
        monkeypatch.setattr("lib.db.connection._status", no_way)


# Reading and writing.


def test_read_gives_floats_and_days(demo_database: sa.URL) -> None:
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


def test_reading_cannot_write(demo_database: sa.URL) -> None:
    with pytest.raises(DatabaseError, match="read-only"), db.transaction(read_only=True) as connection:
        connection.execute(sa.text("DELETE FROM events"))
    assert ask("SELECT count(*) > 0 FROM events") == [(True,)]


@pytest.mark.parametrize("failure", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_undoes_everything(empty_database: sa.URL, failure: type) -> None:
    with pytest.raises(failure), db.transaction() as connection:
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
