"""Tables are created and extended from the catalog, drift is refused by name, and every constraint works."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from lib import catalog, db, load, settings
from lib.db import schema
from lib.errors import DatabaseError, DataError
from tests.conftest import ask, fingerprint
from tests.project.test_sql import BOUND

EARLIER = settings.PROJECT / "tests" / "fixtures" / "earlier_database.sql"
ID = "'00000000-0000-4000-8000-00000000000{}'"
A, B, NOWHERE = (ID.format(letter) for letter in "abf")
GOOD = {  # one valid row of each table, as SQL literals
    "marketing_campaigns": {
        "campaign_id": A,
        "name": "'Sale'",
        "channel": "'email'",
        "budget": "100",
        "spend": "0",
        "impressions": "0",
        "clicks": "0",
        "start_date": "'2025-01-01'",
        "end_date": "'2025-01-01'",
    },
    "users": {
        "user_id": A,
        "email": "'a@example.com'",
        "name": "'A'",
        "country_code": "'DE'",
        "campaign_id": A,
        "signup_date": "'2025-01-01'",
    },
    "products": {"product_id": A, "name": "'Lamp'", "price": "0", "cost": "0", "stock_quantity": "0"},
    "orders": {
        "order_id": A,
        "user_id": A,
        "order_date": "'2025-01-31 12:00Z'",
        "status": "'completed'",
        "total_amount": "0",
        "shipping_country_code": "'DE'",
        "campaign_id": A,
    },
    "order_items": {
        "order_item_id": A,
        "order_id": A,
        "product_id": A,
        "quantity": "1",
        "price_at_time": "0",
        "discount": "0",
    },
    "refunds": {
        "refund_id": A,
        "user_id": A,
        "order_id": A,
        "order_item_id": A,
        "refund_date": "'2025-01-31 12:00Z'",
        "kind": "'refund'",
        "quantity": "1",
        "amount": "1",
    },
    "events": {
        "event_id": A,
        "user_id": A,
        "session_id": A,
        "event_type": "'purchase'",
        "product_id": A,
        "order_id": A,
        "event_timestamp": "'2025-01-31 12:00Z'",
        "revenue": "0",
    },
    "daily_kpis": dict.fromkeys([c.name for c in catalog.tables()["daily_kpis"].columns if not c.optional], "0")
    | {"date": "'1999-01-01'"},
    "customer_lifetime_value": {"user_id": A, "orders": "0", "revenue": "0"},
}
BAD = [  # constraint, column, values that violate it
    ("users_email_check", "email", ["''", "'at home'", "' a@example.com'", "'@'"]),
    ("users_name_check", "name", ["''", "'  '"]),
    ("users_country_code_check", "country_code", ["'de'", "'D'", "'  '"]),
    ("users_signup_date_check", "signup_date", ["'infinity'", "'-infinity'"]),
    ("products_name_check", "name", ["' '"]),
    ("products_price_check", "price", ["-0.01", "'NaN'"]),
    ("products_cost_check", "cost", ["-0.01", "'NaN'"]),
    ("products_stock_quantity_check", "stock_quantity", ["-1"]),
    ("marketing_campaigns_name_check", "name", ["''"]),
    ("marketing_campaigns_budget_check", "budget", ["-1", "'NaN'"]),
    ("marketing_campaigns_spend_check", "spend", ["-1", "'NaN'"]),
    ("marketing_campaigns_impressions_check", "impressions", ["-1"]),
    ("marketing_campaigns_clicks_check", "clicks", ["-1"]),
    ("marketing_campaigns_dates_check", "end_date", ["'2024-12-31'", "'-infinity'"]),
    ("marketing_campaigns_start_date_check", "start_date", ["'-infinity'"]),
    ("marketing_campaigns_end_date_check", "end_date", ["'infinity'"]),
    ("orders_order_date_check", "order_date", ["'infinity'", "'-infinity'"]),
    ("orders_status_check", "status", ["'lost'", "'Completed'", "''"]),
    ("orders_total_amount_check", "total_amount", ["-0.01", "'NaN'"]),
    ("orders_shipping_country_code_check", "shipping_country_code", ["'d'", "'D1'"]),
    ("orders_cancelled_at_check", "cancelled_at", ["'infinity'"]),
    ("orders_shipping_amount_check", "shipping_amount", ["-0.01", "'NaN'"]),
    ("orders_tax_amount_check", "tax_amount", ["-0.01", "'NaN'"]),
    ("order_items_quantity_check", "quantity", ["0", "-1"]),
    ("order_items_price_at_time_check", "price_at_time", ["-0.01", "'NaN'"]),
    ("order_items_discount_check", "discount", ["-0.01", "'NaN'"]),
    ("refunds_refund_date_check", "refund_date", ["'infinity'"]),
    ("refunds_kind_check", "kind", ["'gift'"]),
    ("refunds_quantity_check", "quantity", ["0"]),
    ("refunds_amount_check", "amount", ["0", "-1", "'NaN'"]),
    ("events_event_type_check", "event_type", ["'click'"]),
    ("events_event_timestamp_check", "event_timestamp", ["'infinity'", "'-infinity'"]),
    ("events_revenue_check", "revenue", ["-0.01", "'NaN'"]),
    ("customer_lifetime_value_predicted_orders_check", "predicted_orders", ["-0.1", "'NaN'", "'Infinity'"]),
    ("customer_lifetime_value_predicted_value_check", "predicted_value", ["-0.01", "'NaN'"]),
    ("customer_lifetime_value_churn_risk_check", "churn_risk", ["-0.1", "1.1", "'NaN'"]),
    ("users_campaign_id_fkey", "campaign_id", [NOWHERE]),
    ("orders_user_id_fkey", "user_id", [NOWHERE]),
    ("orders_campaign_id_fkey", "campaign_id", [NOWHERE]),
    ("order_items_order_id_fkey", "order_id", [NOWHERE]),
    ("order_items_product_id_fkey", "product_id", [NOWHERE]),
    ("refunds_user_id_fkey", "user_id", [NOWHERE]),
    ("refunds_order_id_fkey", "order_id", [NOWHERE]),
    ("refunds_order_item_id_fkey", "order_item_id", [NOWHERE]),
    ("events_user_id_fkey", "user_id", [NOWHERE]),
    ("events_product_id_fkey", "product_id", [NOWHERE]),
    ("events_order_id_fkey", "order_id", [NOWHERE]),
    ("customer_lifetime_value_user_id_fkey", "user_id", [NOWHERE]),
    ("users_pkey", "user_id", [A]),
    ("users_email_key", "email", ["'a@example.com'"]),
    ("products_pkey", "product_id", [A]),
    ("marketing_campaigns_pkey", "campaign_id", [A]),
    ("orders_pkey", "order_id", [A]),
    ("order_items_pkey", "order_item_id", [A]),
    ("refunds_pkey", "refund_id", [A]),
    ("events_pkey", "event_id", [A]),
    ("daily_kpis_pkey", "date", ["'1999-01-01'"]),
    ("customer_lifetime_value_pkey", "user_id", [A]),
]
FRESH = {  # values, apart from the key, that must differ in a second valid row of the table
    "users": {"email": "'c@example.com'"},
    "daily_kpis": {"date": "'1999-01-02'"},
    "customer_lifetime_value": {"user_id": B},
}


@pytest.fixture
def shop(server: sa.URL, loaded_template: str) -> Iterator[sa.Connection]:
    """A transaction, rolled back at the end, with one valid row in each table and a second customer."""
    with sa.create_engine(server.set(database=loaded_template), poolclass=sa.NullPool).connect() as connection:
        for table, literals in GOOD.items():
            connection.exec_driver_sql(insert(table, literals))
        connection.exec_driver_sql(insert("users", GOOD["users"] | {"user_id": B, "email": "'b@example.com'"}))
        yield connection


def insert(table: str, literals: dict[str, str]) -> str:
    """INSERT of one row."""
    return f"INSERT INTO {table} ({', '.join(literals)}) VALUES ({', '.join(literals.values())})"


def second(table: str, **changed: str) -> str:
    """INSERT of another valid row with some values changed."""
    key = catalog.tables()[table].key
    kept = {name: literal for name, literal in GOOD[table].items() if name != key}
    return insert(table, kept | FRESH.get(table, {}) | changed)


@pytest.mark.parametrize(("name", "column", "values"), BAD, ids=[name for name, *_ in BAD])
def test_constraint_refuses_invalid_values(shop: sa.Connection, name: str, column: str, values: list[str]) -> None:
    table = max((table for table in GOOD if name.startswith(f"{table}_")), key=len)
    for value in values:
        with pytest.raises(sa.exc.IntegrityError) as refusal, shop.begin_nested():
            shop.exec_driver_sql(second(table, **{column: value}))
        assert refusal.value.orig.diag.constraint_name == name


def test_empty_optional_columns_are_accepted(shop: sa.Connection) -> None:
    for table in GOOD:
        empty = {c.name: "NULL" for c in catalog.tables()[table].columns if c.optional}
        assert shop.exec_driver_sql(second(table, **empty)).rowcount == 1


def test_every_constraint_has_a_test_case(shop: sa.Connection) -> None:
    ours = "connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f', 'c')"
    found = shop.exec_driver_sql(f"SELECT conname FROM pg_constraint WHERE {ours}").scalars()
    assert sorted(found) == sorted(name for name, *_ in BAD)


def test_required_columns_refuse_null(shop: sa.Connection) -> None:
    for table in catalog.tables().values():
        for column in [column for column in table.columns if not column.optional]:
            with pytest.raises(sa.exc.IntegrityError, match=f'"{column.name}"'), shop.begin_nested():
                shop.exec_driver_sql(second(table.name, **{column.name: "NULL"}))


def create() -> list[str]:
    """Create or update the tables as 01_schema does; the columns that were added."""
    with db.transaction() as connection:
        return schema.create(connection)


SHAPE = """
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'relation', nspname, relname, relkind::text
FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
ORDER BY 1, 2, 3
"""


def test_creating_again_changes_nothing(demo_database: sa.URL) -> None:
    ask("CREATE VIEW mine AS SELECT * FROM orders")
    shape, [(rows,)] = ask(SHAPE), ask("SELECT count(*) FROM mine")
    create()
    assert ask(SHAPE) == shape
    assert ask("SELECT count(*) FROM mine") == [(rows,)]


def test_a_load_recreates_the_same_schema(empty_database: sa.URL, demo_folder: Path) -> None:
    create()
    shape = ask(SHAPE)
    load.replace(demo_folder, as_of="2025-07-01")
    assert ask(SHAPE) == shape


def test_missing_objects_are_created_again(demo_database: sa.URL) -> None:
    shape = ask(SHAPE)
    ask("ALTER TABLE order_items DROP CONSTRAINT order_items_order_id_fkey")
    ask("DROP INDEX orders_user_id_idx; DROP TABLE events; COMMENT ON TABLE users IS NULL")
    create()
    assert ask(SHAPE) == shape
    assert ask("SELECT obj_description('users'::regclass)") == [(catalog.tables()["users"].meaning,)]


def test_missing_key_violated_by_rows_is_an_error(demo_database: sa.URL) -> None:
    ask("ALTER TABLE users DROP CONSTRAINT users_email_key; UPDATE users SET email = 'a@example.com'")
    with pytest.raises(DataError, match=r"users.* breaks a rule: could not create unique index"):
        create()


def describe(table: str, column: str) -> list:
    """Type, nullability, comment and check of a column."""
    return ask(
        "SELECT format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum),"
        " pg_get_constraintdef(pg_constraint.oid)"
        " FROM pg_attribute LEFT JOIN pg_constraint ON conrelid = attrelid AND conkey = ARRAY[attnum] AND contype = 'c'"
        " WHERE attrelid = to_regclass(:table) AND attname = :column",
        table=table,
        column=column,
    )


@pytest.mark.parametrize(
    ("table", "column", "kind"),
    [
        ("products", "cost", "numeric(18,6)"),
        ("orders", "shipping_country_code", "character(2)"),
        ("customer_lifetime_value", "churn_risk", "double precision"),
    ],
)
def test_missing_optional_column_is_added_with_its_comment_and_check(
    demo_database: sa.URL, table: str, column: str, kind: str
) -> None:
    before = describe(table, column)
    ask("DROP VIEW product_performance")  # it reads products.cost; create() makes it again
    ask(f"ALTER TABLE {table} DROP COLUMN {column}")
    ask(f"CREATE VIEW mine AS SELECT * FROM {table}")
    assert create() == [f"{table}.{column} ({kind})"]
    assert describe(table, column) == before
    assert before[0][0] == kind
    assert before[0][3].startswith("CHECK ")
    assert ask("SELECT count(*) > 0 FROM mine") == [(True,)]
    assert create() == []


def test_added_column_gets_its_foreign_key_and_index(demo_database: sa.URL) -> None:
    before = ask(SHAPE)
    ask("ALTER TABLE events DROP COLUMN order_id; ALTER TABLE users DROP COLUMN campaign_id")
    assert create() == ["users.campaign_id (uuid)", "events.order_id (uuid)"]
    assert ask(SHAPE) == before


SHOP = [name for name in catalog.tables() if name != "refunds"]  # the tables of the earlier version


@pytest.fixture
def earlier_database(role: str, empty_database: sa.URL) -> sa.URL:
    """A database of the version before refunds, in which people have views, permissions and an index."""
    with db.transaction() as connection:
        db.run(connection, EARLIER.read_text(encoding="utf-8"))
    ask(
        "CREATE VIEW mine AS SELECT order_id, total_amount * 2 AS twice FROM orders;"
        "CREATE MATERIALIZED VIEW days AS SELECT week, sum(revenue) AS revenue FROM sales_summary GROUP BY week;"
        f"CREATE INDEX ON days (week); COMMENT ON VIEW mine IS 'Twice.'; GRANT SELECT ON mine, days TO {role};"
        f"ALTER VIEW mine OWNER TO {role}; GRANT SELECT ON orders TO {role}; GRANT SELECT (email) ON users TO {role}"
    )
    return empty_database


def rows() -> dict[str, list]:
    """The rows of the earlier version's tables, in the columns that they had."""
    return {name: ask(f"SELECT {names} FROM {name} ORDER BY 1") for name, names in earlier_columns().items()}


def earlier_columns() -> dict[str, str]:
    new = {
        "orders": ("cancelled_at", "shipping_amount", "tax_amount", "discount_code"),
        "events": ("visitor_id", "source", "device"),
        "daily_kpis": ("gross_sales", "discounts", "returns", "shipping", "taxes"),
    }
    return {
        name: ", ".join(
            [c for c in catalog.tables()[name].column_names if c not in new.get(name, ())] + [*catalog.BOOKKEEPING]
        )
        for name in SHOP
    }


VIEW = "SELECT pg_get_viewdef('{}'::regclass), obj_description('{}'::regclass)"


def test_a_database_of_the_version_before_is_upgraded_without_losing_anything(
    earlier_database: sa.URL, role: str, demo_folder: Path
) -> None:
    before, mine = rows(), ask(VIEW.format("mine", "mine"))
    assert all(before.values())
    with pytest.raises(DatabaseError, match=r"orders\.total_amount is not yet numeric\(15,3\).* Run 01_schema first"):
        load.replace(demo_folder, as_of="2025-07-01")
    changed = create()
    assert {"orders.discount_code (text)", "orders.total_amount (numeric(15,3))"} <= set(changed)
    assert {"products.price (numeric(18,6))", "daily_kpis.revenue (numeric(38,3))"} <= set(changed)
    assert {"events.visitor_id (text)", "events.user_id (uuid)"} <= set(changed)
    assert rows() == before
    assert ask("SELECT sum(twice) / 2 FROM mine") == ask("SELECT sum(total_amount) FROM orders")
    assert ask("SELECT sum(revenue) FROM days") == ask("SELECT sum(revenue) FROM daily_kpis")
    assert ask(VIEW.format("mine", "mine")) == mine
    assert ask("SELECT viewowner FROM pg_views WHERE viewname = 'mine'") == [(role,)]
    assert ask(f"SELECT has_table_privilege('{role}', 'days', 'SELECT')") == [(True,)]
    assert ask(f"SELECT has_column_privilege('{role}', 'users', 'email', 'SELECT')") == [(True,)]
    assert ask("SELECT count(*) FROM pg_indexes WHERE tablename = 'days'") == [(1,)]
    assert create() == []
    for question in db.questions()["question"]:
        db.read(question, **{name: BOUND[name] for name in db.questions[question].needs})
    load.append(demo_folder, as_of="2025-07-01", sales_basis="completed")  # as the earlier version had it
    load.replace(demo_folder, as_of="2025-07-01")
    assert ask("SELECT count(*) FROM mine") == ask("SELECT count(*) FROM orders")


def test_an_upgraded_database_equals_a_new_one(earlier_database: sa.URL, server: sa.URL, loaded_template: str) -> None:
    create()
    ask("DROP VIEW mine; DROP MATERIALIZED VIEW days")
    with sa.create_engine(server.set(database=loaded_template), poolclass=sa.NullPool).connect() as connection:
        new, texts = (connection.execute(sa.text(query)).all() for query in (SHAPE, VIEW_TEXTS))
    assert ask(SHAPE) == new
    assert ask(VIEW_TEXTS) == texts


VIEW_TEXTS = "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1"
CHANGED = "CREATE OR REPLACE VIEW sales_summary AS SELECT *, 1 AS one FROM ({}) AS shop"


def sales_summary() -> str:
    """Definition of a view of the workbook."""
    return ask("SELECT rtrim(pg_get_viewdef('sales_summary'::regclass), ';')")[0][0]


def test_a_view_of_the_workbook_that_people_changed_is_kept(earlier_database: sa.URL) -> None:
    ask(CHANGED.format(sales_summary()))
    create()
    assert ask("SELECT DISTINCT one FROM sales_summary") == [(1,)]


OLDER_VIEW = "CREATE VIEW customer_summary AS SELECT user_id FROM users; COMMENT ON VIEW customer_summary IS 'Older.'"


def older_view() -> None:
    """A view of the workbook with the text of another version, as that one recorded it."""
    ask(f"DROP VIEW customer_summary; {OLDER_VIEW}")
    ask("UPDATE workbook.views SET statement = :text WHERE name = 'customer_summary'", text=OLDER_VIEW)


def test_a_view_gets_the_text_of_this_version_unless_people_changed_it(demo_database: sa.URL) -> None:
    texts = ask(VIEW_TEXTS)
    older_view()
    create()
    assert ask(VIEW_TEXTS) == texts
    older_view()
    ask("CREATE OR REPLACE VIEW customer_summary AS SELECT user_id, 1 AS one FROM users")
    create()
    assert ask("SELECT DISTINCT one FROM customer_summary") == [(1,)]


def test_a_view_on_what_a_view_no_longer_has_is_named(demo_database: sa.URL) -> None:
    older = "CREATE VIEW customer_summary AS SELECT user_id, 1 AS gone FROM users"
    ask(f"DROP VIEW customer_summary; {older}; CREATE VIEW mine AS SELECT gone FROM customer_summary")
    ask("UPDATE workbook.views SET statement = :text WHERE name = 'customer_summary'", text=older)
    with pytest.raises(DatabaseError, match=r"view public\.mine cannot be created again: column .*gone.* not exist"):
        create()
    assert ask("SELECT DISTINCT gone FROM mine") == [(1,)]


def test_a_check_that_rows_violate_is_an_error(demo_database: sa.URL) -> None:
    ask("ALTER TABLE products DROP CONSTRAINT products_price_check; UPDATE products SET price = -1")
    with pytest.raises(DataError, match="products_price_check"):
        create()


def test_loads_work_after_a_column_was_added(demo_database: sa.URL, demo_folder: Path) -> None:
    before = fingerprint()
    ask("ALTER TABLE orders DROP COLUMN shipping_city")
    with pytest.raises(DatabaseError, match=r"orders lacks the new column shipping_city\. Run 01_schema first"):
        load.append(demo_folder, as_of="2025-07-01")
    assert create() == ["orders.shipping_city (text)"]
    load.append(demo_folder, as_of="2025-07-01")
    assert fingerprint() == before
    load.replace(demo_folder, as_of="2025-07-01")
    assert fingerprint() == before


def test_adding_a_column_names_the_session_that_holds_the_table(
    demo_database: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "LOCK_TIMEOUT", "100ms")
    ask("ALTER TABLE orders DROP COLUMN shipping_city")
    with db.transaction() as reader:
        pid = reader.execute(sa.text("SELECT pg_backend_pid() FROM orders LIMIT 1")).scalar()
        with pytest.raises(
            DatabaseError, match=rf"within 100ms because of workbook pid .*{pid}\); nothing was changed"
        ):
            create()
    assert create() == ["orders.shipping_city (text)"]


DRIFT = {
    "ALTER TABLE products DROP COLUMN price CASCADE": "products lacks the column price",
    "ALTER TABLE users ADD COLUMN shoe_size integer": "users has the extra column shoe_size",
    "ALTER TABLE events RENAME COLUMN revenue TO turnover": (
        "events has the extra column turnover; events lacks the new column revenue"
    ),
    "ALTER TABLE orders ALTER COLUMN shipping_city SET NOT NULL": (
        "orders.shipping_city is text not null, expected text"
    ),
    "ALTER TABLE events ALTER COLUMN revenue TYPE numeric(14,2)": (
        "events.revenue is numeric(14,2), expected numeric(15,3)"
    ),
}


@pytest.mark.parametrize(("change", "message"), DRIFT.items())
def test_other_drift_is_refused_by_name(demo_database: sa.URL, change: str, message: str) -> None:
    ask("UPDATE orders SET shipping_city = 'x'; " + change)
    shape = ask(SHAPE)
    advice = "Rename or drop these columns, or use another database."
    with pytest.raises(DatabaseError) as refusal:
        create()
    assert str(refusal.value) == f"the tables in the database differ from the catalog: {message}. {advice}"
    assert ask(SHAPE) == shape


def test_drift_of_the_private_server_names_the_command_that_resets_it(
    demo_database: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "external_url", lambda: None)
    ask("ALTER TABLE users ADD COLUMN shoe_size integer")
    with pytest.raises(DatabaseError, match="or run `make db-reset` and `make pipeline` to create all tables again"):
        create()


def test_concurrent_create_is_refused(empty_database: sa.URL) -> None:
    with db.transaction() as first:
        schema.create(first)
        with pytest.raises(DatabaseError, match="another run is loading"):
            create()
    create()


def test_tables_can_be_created_in_another_schema(empty_database: sa.URL) -> None:
    with db.transaction() as connection:
        schema.use(connection, "other")
        schema.create_tables(connection)
        assert len(schema.columns(connection)) == sum(len(t.columns) + 3 for t in catalog.tables().values())
    assert ask("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [(0,)]


def test_overview_lists_tables_and_foreign_keys(empty_database: sa.URL) -> None:
    with db.transaction() as connection:
        schema.create(connection)
        columns, keys = schema.columns(connection), schema.foreign_keys(connection)
    facts = schema.overview(columns)
    assert facts["table"].tolist() == list(catalog.tables())
    assert facts.set_index("table").loc["products", ["kind", "columns", "required_columns"]].tolist() == [
        "table",
        10,
        6,
    ]
    assert facts.loc[facts["kind"] == "mart", "table"].tolist() == ["daily_kpis", "customer_lifetime_value"]
    expected = [(t.name, c.references) for t in catalog.tables().values() for c in t.columns if c.references]
    assert sorted(keys.itertuples(index=False, name=None)) == sorted(expected)


def test_create_does_not_wait_for_readers_and_writers_of_complete_tables(demo_database: sa.URL) -> None:
    with db.transaction() as writer:
        writer.execute(sa.text("UPDATE orders SET shipping_city = 'x'"))
        writer.execute(sa.text("SELECT count(*) FROM users"))
        create()


def test_session_that_locks_a_table_is_named(demo_database: sa.URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "LOCK_TIMEOUT", "100ms")
    ask("ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey")
    with db.transaction() as reader:
        pid = reader.execute(sa.text("UPDATE orders SET shipping_city = 'x' RETURNING pg_backend_pid()")).scalar()
        with pytest.raises(
            DatabaseError, match=rf"within 100ms because of workbook pid .*{pid}\); nothing was changed\. End"
        ):
            create()
    create()
    assert ask("SELECT count(*) FROM pg_constraint WHERE conname = 'orders_user_id_fkey'") == [(1,)]
