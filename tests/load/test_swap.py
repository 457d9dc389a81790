"""The swap keeps views, grants and other additions of people, and does not break readers."""

import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from lib import db, load
from lib.db import schema
from lib.errors import DatabaseError
from lib.load import swap
from tests.conftest import PASSWORD, ask

OTHERS = """
CREATE SCHEMA "Mine";
CREATE VIEW paid AS SELECT order_id, total_amount, 'it''s 100 %' AS note FROM orders WHERE status = 'completed';
CREATE VIEW "Mine"."By day" WITH (security_barrier) AS
    SELECT order_date::date AS day, sum(paid.total_amount) AS paid FROM orders JOIN paid USING (order_id) GROUP BY 1;
CREATE MATERIALIZED VIEW sizes AS SELECT count(*) AS days, sum(paid) AS paid FROM "Mine"."By day";
CREATE UNIQUE INDEX sizes_key ON sizes (days);
COMMENT ON VIEW paid IS 'Bob''s 100 %';
COMMENT ON MATERIALIZED VIEW sizes IS 'how many';
GRANT SELECT ON orders, paid, sizes TO {role};
GRANT UPDATE ON orders TO {role} WITH GRANT OPTION;
GRANT SELECT ON products TO PUBLIC;
GRANT SELECT (name, country) ON users TO {role};
GRANT UPDATE (note) ON paid TO {role};
GRANT USAGE ON SCHEMA "Mine" TO {role};
GRANT ALL ON "Mine"."By day" TO {role};
GRANT CREATE ON SCHEMA public TO {role};
CREATE VIEW theirs AS SELECT count(*) FROM paid;
ALTER VIEW theirs OWNER TO {role};
"""
SHAPE = """
SELECT
    relnamespace::regnamespace::text, relname, relkind::text, pg_get_userbyid(relowner), reloptions,
    obj_description(oid, 'pg_class'), (SELECT array_agg(acl::text ORDER BY acl::text) FROM unnest(relacl) AS acl),
    (SELECT array_agg((attname, attacl)::text) FROM pg_attribute WHERE attrelid = pg_class.oid AND attacl IS NOT NULL),
    CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) WHEN relkind = 'i' THEN pg_get_indexdef(oid) END
FROM pg_class
WHERE relnamespace::regnamespace::text IN ('public', '"Mine"', 'workbook_next')
ORDER BY 1, 2
"""


@pytest.fixture
def shared(role: str, demo_database: sa.URL) -> str:
    """A role with privileges in a database where people created views."""
    ask(OTHERS.format(role=role))
    return role


def test_views_grants_comments_owners_and_indexes_survive(shared: str, demo_folder: Path) -> None:
    shape = ask(SHAPE)
    load.replace(demo_folder, as_of="2025-07-01")
    assert ask(SHAPE) == shape
    load.replace(demo_folder, as_of="2025-07-01")
    assert ask(SHAPE) == shape


def test_views_show_new_rows(shared: str, demo_database: sa.URL, demo_folder: Path) -> None:
    counts = 'SELECT (SELECT count(*) FROM paid), (SELECT sum(paid) FROM "Mine"."By day"), (SELECT paid FROM sizes)'
    whole = ask(counts)
    ask("TRUNCATE orders, order_items, events, refunds; REFRESH MATERIALIZED VIEW sizes")
    assert ask(counts) == [(0, None, None)]
    load.replace(demo_folder, as_of="2025-07-01")
    theirs = sa.create_engine(demo_database.set(username=shared, password=PASSWORD), poolclass=sa.NullPool)
    with theirs.connect() as connection:
        assert connection.execute(sa.text(counts)).all() == whole
        assert connection.execute(sa.text("SELECT * FROM theirs")).scalar() == whole[0][0]
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied for table users"):
            connection.execute(sa.text("SELECT email FROM users"))


OBSTACLES = {
    "CREATE TABLE parcels (order_id uuid REFERENCES orders)": "foreign key parcels_order_id_fkey of parcels",
    "CREATE TABLE cities (city text PRIMARY KEY); ALTER TABLE users ADD CONSTRAINT at FOREIGN KEY (city) "
    "REFERENCES cities NOT VALID": "foreign key at of users",
    "CREATE POLICY own ON users USING (email = current_user)": "policy own on users",
    "CREATE RULE quiet AS ON DELETE TO orders DO INSTEAD NOTHING": "rule quiet on orders",
    "CREATE TABLE old_orders () INHERITS (orders)": "table old_orders, which inherits from orders",
    "CREATE PUBLICATION feed FOR TABLE products": "publication feed of products",
}


@pytest.mark.parametrize(("made", "obstacle"), OBSTACLES.items(), ids=OBSTACLES.values())
def test_additions_that_cannot_be_kept_are_named(
    demo_database: sa.URL, demo_folder: Path, made: str, obstacle: str
) -> None:
    ask(made)
    with pytest.raises(
        DatabaseError, match=f"replacing the tables would lose .*{obstacle}.*Drop these, or .*load_mode: append"
    ):
        load.replace(demo_folder, as_of="2025-07-01")
    assert ask("SELECT count(*) > 0 FROM orders") == [(True,)]
    assert load.append(demo_folder, as_of="2025-07-01").rows > 1000


ADDITIONS = """
CREATE INDEX "by city" ON orders (shipping_city) WHERE status = 'completed';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at = now(); RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE products ADD CONSTRAINT cheap CHECK (price < 100000);
COMMENT ON TABLE orders IS 'Bob''s orders';
COMMENT ON COLUMN users.city IS 'where they live';
COMMENT ON COLUMN paid.note IS 'a note';
"""
ADDED = """
SELECT
    (SELECT array_agg(indexdef) FROM pg_indexes WHERE indexname = 'by city' AND schemaname = 'public'),
    (SELECT array_agg(pg_get_triggerdef(oid)) FROM pg_trigger WHERE tgname = 'touched'),
    (SELECT array_agg(pg_get_constraintdef(oid)) FROM pg_constraint WHERE conname = 'cheap'),
    obj_description('orders'::regclass), col_description('users'::regclass, 6), col_description('paid'::regclass, 3),
    obj_description('products'::regclass)
"""


def test_additions_to_our_tables_survive(shared: str, demo_folder: Path) -> None:
    ask(ADDITIONS)
    [added] = ask(ADDED)
    assert added[3:6] == ("Bob's orders", "where they live", "a note")
    load.replace(demo_folder, as_of="2025-07-01")
    assert ask(ADDED) == [added]
    with db.transaction() as connection:
        schema.create(connection)
    assert ask(ADDED) == [added]


HOSTILE = """x"; DROP TABLE users; --' %s :name {0}"""


def test_hostile_names_are_quoted(demo_database: sa.URL, demo_folder: Path) -> None:
    name = '"' + HOSTILE.replace('"', '""') + '"'
    with db.transaction() as connection:
        db.run(connection, f"CREATE VIEW {name} AS SELECT city AS {name} FROM users")
        db.run(connection, f"COMMENT ON COLUMN {name}.{name} IS {db.literal(HOSTILE)}")
        db.run(connection, f'CREATE INDEX {name[:-1]}2" ON orders (shipping_city)')
        db.run(connection, f"GRANT SELECT ON {name} TO PUBLIC")
    shape = ask(SHAPE)
    load.replace(demo_folder, as_of="2025-07-01")
    assert ask(SHAPE) == shape
    assert ask("SELECT count(*) FROM users") == [(100,)]
    [(comment,)] = ask("SELECT description FROM pg_description WHERE description LIKE 'x\";%'")
    assert comment == HOSTILE


def test_our_own_comments_are_updated(demo_database: sa.URL, demo_folder: Path) -> None:
    ask("COMMENT ON TABLE orders IS 'as an older workbook wrote it'")
    ask("UPDATE workbook.descriptions SET description = 'as an older workbook wrote it' WHERE relation = 'orders'")
    load.replace(demo_folder, as_of="2025-07-01")
    assert ask("SELECT obj_description('orders'::regclass)") == [("One row per order that was placed.",)]


READS = ("SELECT FROM orders", "SELECT FROM sizes", "SELECT FROM theirs")  # a table, a materialized view, a view


def test_a_long_reader_delays_the_swap_and_is_not_cancelled(shared: str, demo_folder: Path) -> None:
    with db.transaction() as reader:
        for read in READS:
            reader.execute(sa.text(read))
        loading = threading.Thread(target=load.replace, args=(demo_folder,), kwargs={"as_of": "2025-07-01"})
        loading.start()
        time.sleep(1)
        assert loading.is_alive()
        for read in READS:
            reader.execute(sa.text(read))
    loading.join(10)
    assert not loading.is_alive()
    assert ask("SELECT min(loaded_at) > now() - interval '10 s' FROM orders") == [(True,)]


def test_reader_that_blocks_the_swap_is_named(shared: str, demo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swap, "GIVE_UP_SECONDS", 0.3)
    shape, before = ask(SHAPE), ask("SELECT max(loaded_at) FROM orders")
    for read in READS:
        with db.transaction() as reader:
            pid = reader.execute(sa.text("SELECT pg_backend_pid()")).scalar()
            reader.execute(sa.text(read))
            with pytest.raises(
                DatabaseError, match=rf"within 0.3 s because of workbook pid \d+ .*process {pid}\); nothing .* End"
            ):
                load.replace(demo_folder, as_of="2025-07-01")
    assert ask(SHAPE) == shape
    assert ask("SELECT max(loaded_at) FROM orders") == before


def test_a_database_without_tables_is_filled(empty_database: sa.URL, demo_folder: Path) -> None:
    load.replace(demo_folder, as_of="2025-07-01")
    assert ask("SELECT count(*) FROM users") == [(100,)]
    assert ask("SELECT count(*) FROM pg_namespace WHERE nspname = 'workbook_next'") == [(0,)]


def test_a_database_with_some_of_the_tables_is_filled(demo_database: sa.URL, demo_folder: Path) -> None:
    ask("DROP TABLE order_items, daily_kpis CASCADE")
    load.replace(demo_folder, as_of="2025-07-01")
    assert ask("SELECT count(*) > 0 FROM order_items") == [(True,)]
