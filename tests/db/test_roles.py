"""The three roles: created if allowed, used if they exist, each with exactly its permissions."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from lib import db
from lib.db import roles, schema
from lib.errors import DatabaseError
from tests.conftest import ENCODED, PASSWORD, ask

STATEMENTS = {  # statement: the roles that may run it
    "SELECT count(*) FROM orders": "owner loader reader",
    "SELECT count(*) FROM daily_kpis": "owner loader reader",
    "SELECT count(*) FROM sales_summary": "owner loader reader",
    "SELECT count(*) FROM workbook.data_quality_results": "owner loader reader",
    "SELECT count(*) FROM workbook.rejects": "owner loader",
    "INSERT INTO products (name, price) VALUES ('Mug', 1)": "owner loader",
    "UPDATE orders SET status = 'completed'": "owner loader",
    "DELETE FROM events": "owner loader",
    "DELETE FROM workbook.rejects": "owner loader",
    "CREATE TEMPORARY TABLE scratch ()": "owner loader reader",  # allowed to PUBLIC by default
    "TRUNCATE events": "owner",
    "ALTER TABLE orders ADD COLUMN note text": "owner",
    "CREATE INDEX ON orders (status)": "owner",
    "CREATE TABLE public.mine ()": "owner",
    "CREATE SCHEMA mine": "owner",
    "DROP TABLE customer_lifetime_value CASCADE": "owner",
    "COMMENT ON TABLE orders IS 'x'": "owner",
    "COPY orders TO PROGRAM 'cat'": "",
    "SELECT pg_read_file('PG_VERSION')": "",
    "CREATE ROLE another": "",
}


@pytest.fixture
def demo_database(role: str, demo_database: sa.URL) -> sa.URL:
    """The demo database with permissions granted again: those on a database are not copied with its template."""
    with db.transaction() as connection:
        schema.create(connection)
    return demo_database


@pytest.fixture
def login(request: pytest.FixtureRequest, role: str, demo_database: sa.URL) -> Iterator[sa.Engine]:
    """A login with the permissions of one of the three roles."""
    ask(f"GRANT workbook_{request.param} TO {role}")
    engine = sa.create_engine(demo_database.set(username=role, password=PASSWORD), poolclass=sa.NullPool)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("login", ["owner", "loader", "reader"], indirect=True)
def test_role_may_run_exactly_its_statements(login: sa.Engine, request: pytest.FixtureRequest) -> None:
    role = request.node.callspec.params["login"]
    may, may_not = [], []
    for statement in STATEMENTS:
        with login.connect() as connection:
            try:
                connection.exec_driver_sql(statement)
            except sa.exc.ProgrammingError as error:
                assert error.orig.pgcode == "42501", error  # insufficient privilege
                may_not.append(statement)
            else:
                may.append(statement)
    assert may == [statement for statement, allowed in STATEMENTS.items() if role in allowed]
    assert len(may_not) == len(STATEMENTS) - len(may)


@pytest.mark.parametrize("name", ["owner", "loader", "reader"])
def test_transaction_assumes_its_role(demo_database: sa.URL, name: str) -> None:
    with db.transaction(name) as connection:
        assert connection.execute(sa.text("SELECT current_user")).scalar() == f"workbook_{name}"
    assert ask("SELECT current_user = session_user") == [(True,)]


def test_reader_is_read_only_and_has_a_timeout(demo_database: sa.URL, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatabaseError, match="read-only"), db.transaction("reader") as connection:
        db.run(connection, "CREATE TEMPORARY TABLE scratch ()")
    monkeypatch.setattr("lib.db.connection.READER_TIMEOUT", "50ms")
    with pytest.raises(DatabaseError, match="statement timeout"), db.transaction("reader") as connection:
        db.run(connection, "SELECT pg_sleep(5)")


def test_loaded_tables_belong_to_the_owner(demo_database: sa.URL) -> None:
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'workbook')"
    assert ask(owners) == [("workbook_owner",)]


def test_tables_of_the_connected_user_pass_to_the_owner(demo_database: sa.URL) -> None:
    ask("ALTER TABLE orders OWNER TO CURRENT_USER")
    with db.transaction() as connection:
        schema.create(connection)
    test_loaded_tables_belong_to_the_owner(demo_database)


@pytest.fixture
def limited(role: str, loaded_template: str, empty_database: sa.URL, configure) -> str:
    """A role that owns the database but may not create roles, which exist; the settings connect as it."""
    ask(f"ALTER DATABASE {empty_database.database} OWNER TO {role}")
    db.engine().dispose()
    at = empty_database
    configure(DATABASE_URL=f"postgresql://{role}:{ENCODED}@{at.host}:{at.port}/{at.database}")
    return role


def test_user_without_createrole_works_without_the_roles(limited: str, empty_database: sa.URL) -> None:
    with db.transaction() as connection:
        schema.create(connection)
        assert set(roles.overview(connection)["in_use"]) == {"no"}
    assert ask("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'") == [(limited,)]
    for role in ("owner", "loader", "reader"):
        with db.transaction(role) as connection:
            assert connection.execute(sa.text("SELECT current_user")).scalar() == limited
    _give_back(empty_database, limited)


def _give_back(address: sa.URL, role: str) -> None:
    """Reassign what the role owns, so that the fixture can drop it."""
    db.engine().dispose()
    engine = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"REASSIGN OWNED BY {role} TO CURRENT_USER")


def test_createrole_is_sufficient(limited: str, empty_database: sa.URL) -> None:
    """No superuser needed: the owner of the database with CREATEROLE, on every version of the server."""
    engine = sa.create_engine(empty_database, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"ALTER ROLE {limited} CREATEROLE")
        connection.exec_driver_sql(
            f"GRANT workbook_owner, workbook_loader, workbook_reader TO {limited} WITH ADMIN OPTION"
        )
    with db.transaction() as connection:
        schema.create(connection)
        assert set(roles.overview(connection)["in_use"]) == {"yes"}
    with db.transaction("reader") as connection:
        assert connection.execute(sa.text("SELECT current_user")).scalar() == "workbook_reader"
    _give_back(empty_database, limited)
