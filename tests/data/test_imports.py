"""Tests of imported files of every format: unreadable files, settings of the mapping, and rejected rows."""

import csv
import gzip
import os
import re
import subprocess
import sys
import uuid
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import yaml

from lib import db, load
from lib.catalog import Column, tables
from lib.data.imports.database import StagingDatabase
from lib.data.imports.formats import NAMES as FORMATS
from lib.data.imports.formats import load_format
from lib.data.imports.rejects import SCHEMA, Policy, write_rejects
from lib.data.imports.rules import FORMS
from lib.data.parquet import read_table, to_arrow
from lib.data.profile import profile, total
from lib.db import ddl, schema
from lib.errors import DataError, UsageError
from lib.settings import PROJECT
from tests.own_files import Found, imported, key, shop, text, write

SIX = [table.name for table in tables().values() if not table.mart]
RETAIL = PROJECT / "tests" / "fixtures" / "online_retail.csv"
HOSTILE = ["'); DROP TABLE users;--", "<script>window.P_1=1</script>", "=cmd|' /C calc'!A0"]
BROKEN = {
    "truncated gzip": (lambda content: gzip.compress(content)[:-12], "is a damaged gzip file"),
    "utf-16 without mark": (
        lambda content: content.decode().encode("utf-16-le"),
        "Set mapping.encoding to utf-16",
    ),
    "quote inside a quoted text": (lambda content: content.replace(b"POSTAGE", b'"a"b'), "line 4: "),
    "unclosed quote at the end": (
        lambda content: content.replace(b"POSTAGE", b'"POSTAGE'),
        "line 4: unexpected end",
    ),
    "long unclosed quote": (
        lambda content: content.replace(b"POSTAGE", b'"' + b"\n" * 600_000),
        "line 4: field",
    ),
    "Excel file": (lambda _: b"PK\x03\x04....", "save it as CSV"),
    "missing columns": (
        lambda content: content.replace(b",Country", b""),
        "lacks the columns Country; found Invoice",
    ),
}


def retail(folder: Path, content: bytes | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "shop.csv").write_bytes(RETAIL.read_bytes() if content is None else content)
    return folder / "shop.csv"


def read(data: Path, name: str = "online_retail", **changes: Any) -> Found:
    return imported(data, name, as_of=date(2011, 12, 9), **changes)


@pytest.mark.parametrize(("change", "words"), BROKEN.values(), ids=BROKEN)
def test_an_unreadable_file_is_refused_with_the_reason(change: Any, words: str, tmp_path: Path) -> None:
    path = retail(tmp_path, change(RETAIL.read_bytes()))
    with pytest.raises(DataError, match=re.escape(words)) as error:
        read(path)
    assert str(path) in str(error.value)


def test_reading_restores_the_field_size_limit_of_csv(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    read(retail(tmp_path))
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "online_retale"}, "expected one of lines, shopify, tables"),
        (
            {"columns": {"order": "InvoiceNo"}},
            "lacks quantity, order_date, product or product_name, unit_price or line_total",
        ),
        ({"columns": {"ordre": "InvoiceNo"}}, "lacks order, quantity"),
        ({"statuses": {"Offen": "open"}}, "expected one of pending, shipped"),
        ({"delimiter": ",,"}, "expected one character"),
        ({"encoding": "utf-9"}, "such as utf-8"),
        ({"date_format": "%Q"}, "strptime"),
        ({"time_zone": "Europe/Londn"}, "Europe/London"),
        ({"countries": {"Norge": False}}, "'NO'"),
        ({"countries": {"EIRE": "XX"}}, "'EIRE'"),
    ],
)
def test_an_unusable_mapping_is_a_usage_error(change: dict, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        read(retail(tmp_path), **change)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"usres": {"email": "Mail"}}, r"mapping\.columns has 'usres' \(did you mean users\?\)"),
        ({"email": "Mail"}, "expected tables with column names"),
        ({"users": {"emial": "Mail"}}, r"columns.users: unknown field 'emial' \(did you mean email\?\)"),
        ({"users": {"email": 5}}, "users.email is 5; expected the name of one column"),
    ],
)
def test_names_of_unknown_tables_and_fields_are_a_usage_error(columns: dict, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        imported(write(tmp_path / "data", shop()), columns=columns)


def test_a_missing_file_of_a_folder_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "data", shop())
    (path / "orders.csv").rename(path / "order.csv")
    with pytest.raises(DataError, match=r"lacks orders\.csv \(did you mean order\?\)\. `make templates` writes"):
        imported(path)


def test_unused_files_of_a_folder_are_noted(tmp_path: Path) -> None:
    path = write(tmp_path / "data", shop())
    (path / "returns.csv").write_text("x")
    (path / "README.txt").write_text("x")
    assert [file for file, _, note in imported(path).notes if note == "file is not used"] == [
        "returns.csv",
        "README.txt",
    ]


def test_columns_have_the_names_of_the_mapping(tmp_path: Path) -> None:
    path = write(tmp_path / "data", shop())
    content = (path / "users.csv").read_text().replace("email", "E-Mail", 1).replace("signup_date", "Since", 1)
    (path / "users.csv").write_text(content.replace("ben@example.com", "ben"))
    found = imported(path, columns={"users": {"email": "E-Mail", "signup_date": "Since"}})
    assert found.faults()[0] == ("users.csv", 3, "E-Mail", "not_an_email")


def test_country_words_and_null_words_are_replaced(tmp_path: Path) -> None:
    rows = shop()
    for user, word in zip(rows["users"], ("UK", "Atlantis", "n/a"), strict=True):
        user["country_code"] = word
    found = imported(write(tmp_path / "data", rows), countries={"uk": "GB", "Atlantis": ""}, null_words=["n/a"])
    assert found.table("users")["country_code"].fillna("none").tolist() == ["GB", "none", "none"]
    assert found.cases("country_code", "country code from mapping.countries") == 2
    rejected = imported(write(tmp_path / "data", rows))
    assert rejected.faults()[0] == ("users.csv", 2, "country_code", "not_a_country_code")


@pytest.mark.parametrize("keys", ["uuid", "text"])
def test_an_order_without_a_customer_has_a_guest_of_its_own(keys: str, tmp_path: Path) -> None:
    """Even in a shop with purchase events, where a guest has none."""
    rows = shop(events=[EVENT])
    rows["orders"][1] |= {"user_id": "", "shipping_country_code": "GB"}
    found = imported(write(tmp_path / "data", rows), keys=keys)
    users, orders = found.table("users"), found.table("orders")
    assert found.faults() == []
    assert users["is_guest"].tolist() == [False, False, False, True]
    guest = users.iloc[3]
    assert (guest["user_id"], guest["country_code"]) == (orders["user_id"][1], "GB")
    assert guest["signup_date"] == pd.Timestamp("2025-02-01")
    assert found.cases("user_id", "orders: no customer; each gets a guest of its own") == 1


def test_guests_may_be_marked_and_the_column_may_be_missing(tmp_path: Path) -> None:
    marked = shop()
    marked["users"][0]["is_guest"] = "true"
    assert imported(write(tmp_path / "data", marked)).table("users")["is_guest"].tolist() == [True, False, False]
    users = text(marked["users"], ["user_id", "email", "name", "signup_date"])
    (write(tmp_path / "without", shop()) / "users.csv").write_text(users)
    found = imported(tmp_path / "without")
    assert not found.table("users")["is_guest"].any()
    assert found.cases("is_guest", "column is not in the file; set to false") == 1


def test_text_keys_become_uuids(tmp_path: Path) -> None:
    rows = shop()
    for table in rows.values():
        for row in table:
            row |= {name: f"No. {value[-1]}" for name, value in row.items() if name.endswith("_id")}
    found = imported(write(tmp_path / "data", rows), keys="text")
    space = uuid.UUID("12850252-e6dc-4b12-88c7-a202b1da15dd")  # must never change, so that a shop keeps its keys
    assert found.faults() == []
    assert found.table("users")["user_id"][0] == str(uuid.uuid5(space, "user\x1fNo. 1"))
    assert found.table("order_items")["order_item_id"][1] == str(uuid.uuid5(space, "item\x1fNo. 2"))
    assert set(found.table("orders")["user_id"]) <= set(found.table("users")["user_id"])
    assert imported(write(tmp_path / "data", rows)).faults()[0][3] == "not_a_uuid"


EVENT = {
    "event_id": key("e", 1), "user_id": key("a", 1), "session_id": key("f", 1), "event_type": "purchase",
    "order_id": key("c", 1), "event_timestamp": "2025-02-01T10:00:00Z", "revenue": "10.00",
}  # fmt: skip
OTHER = {"event_id": key("e", 2), "session_id": key("f", 2), "order_id": key("c", 2), "user_id": key("a", 2)}
SECOND = EVENT | OTHER | {"revenue": "20.00"}
EVENTS = {
    "purchase of another customer": ({"user_id": key("a", 3)}, ("user_id", "purchase_differs_from_order")),
    "purchase of another total": ({"revenue": "10.01"}, ("revenue", "purchase_differs_from_order")),
    "purchase without total": ({"revenue": ""}, ("revenue", "purchase_differs_from_order")),
    "purchase at another time": (
        {"event_timestamp": "2025-02-01T10:00:01Z"}, ("event_timestamp", "purchase_differs_from_order"),
    ),
    "purchase without order": ({"order_id": ""}, ("order_id", "purchase_differs_from_order")),
    "before sign-up": ({"event_timestamp": "2025-01-09T10:00:00Z"}, ("event_timestamp", "before_signup")),
    "unknown type": ({"event_type": "Purchase"}, ("event_type", "not_one_of")),
    "session of two customers": ({"session_id": key("f", 2)}, ("user_id", "session_of_two_customers")),
}  # fmt: skip


@pytest.mark.parametrize(("cells", "fault"), EVENTS.values(), ids=EVENTS)
def test_an_order_is_rejected_with_its_contradictory_purchase(
    cells: dict[str, str], fault: tuple[str, str], tmp_path: Path
) -> None:
    found = imported(write(tmp_path / "data", shop(events=[SECOND, EVENT | cells])))
    assert ("events.csv", 3, *fault) in found.faults()
    assert ("orders.csv", 2, "order_id", "no_purchase_event") in found.faults()
    assert len(found.table("orders")) == len(found.table("events")) == 1


def test_a_second_purchase_of_an_order_is_rejected(tmp_path: Path) -> None:
    found = imported(write(tmp_path / "data", shop(events=[SECOND, EVENT, EVENT | {"event_id": key("e", 3)}])))
    assert found.faults() == [("events.csv", 4, "order_id", "purchased_twice")]


def test_events_need_no_customer(tmp_path: Path) -> None:
    """A visitor who logs in during the session, one who never does, and a purchase that its order's customer has."""
    visitor = {"user_id": "", "visitor_id": "GA1.2.3", "source": "google", "device": "mobile"}
    view = {"event_type": "product_view", "order_id": "", "revenue": "", "product_id": key("b", 1)}
    before = EVENT | view | visitor | {"event_id": key("e", 3), "event_timestamp": "2025-02-01T09:00:00Z"}
    alone = before | {"event_id": key("e", 4), "session_id": key("f", 4)}
    found = imported(write(tmp_path / "data", shop(events=[before, EVENT, SECOND | {"user_id": ""}, alone])))
    events = found.table("events")
    assert found.faults() == []
    assert events["user_id"].isna().tolist() == [True, False, True, True]
    assert events[["visitor_id", "source", "device"]].iloc[3].tolist() == ["GA1.2.3", "google", "mobile"]
    words = "events: no customer; they count in sessions and conversion, and for no customer"
    assert found.cases("user_id", words) == 3
    funnel = found.imported.profile["funnel"].set_index("step")["sessions"].to_dict()
    assert funnel == {"product_view": 2, "purchase": 2}


def test_orders_need_no_purchase_in_a_shop_without_purchases(tmp_path: Path) -> None:
    view = EVENT | {"event_type": "product_view", "order_id": "", "revenue": ""}
    assert imported(write(tmp_path / "data", shop(events=[view]))).faults() == []


def refusal(folder: Path, rows: dict, share: float, on_bad_rows: str = "reject") -> str:
    found = imported(write(folder / "data", rows), policy=Policy("USD", share, on_bad_rows))
    names = [path.name for path in found.folder.iterdir()]
    assert sorted(names) == (["rejects.parquet"] if found.imported.refusal else sorted([*FILES, "rejects.parquet"]))
    return found.imported.refusal


FILES = [f"{name}.parquet" for name in SIX]


def test_too_many_rejected_rows_stop_the_run(tmp_path: Path) -> None:
    rows = shop()
    rows["products"][2]["price"] = "9,99"
    assert refusal(tmp_path, rows, 0.1) == "", "1 of 10 rows equals the maximum share"
    words = refusal(tmp_path, rows, 0.099).splitlines()
    assert words[0].startswith("1 of 10 rows are invalid, but max_reject_share is 0.099. Correct them")
    assert words[1].startswith(
        "products.csv, line 4, column price, '9,99': expected a number with the decimal separator ."
    )


def test_the_first_bad_row_stops_the_run_if_on_bad_rows_is_fail(tmp_path: Path) -> None:
    rows = shop()
    rows["users"][0]["email"] = rows["users"][2]["email"] = "nobody"
    words = refusal(tmp_path, rows, 1.0, "fail").splitlines()
    assert words[0].startswith("4 rows are invalid, and on_bad_rows is fail. Correct them")
    assert words[1].startswith(
        "2 rows (lines 2, 4), such as users.csv, line 2, column email, '…': expected an e-mail address"
    )
    assert words[2:] == ["2 rows are rejected with the parent"]
    assert refusal(tmp_path, shop(), 0, "fail") == ""


def test_a_shop_without_usable_rows_stops_the_run(tmp_path: Path) -> None:
    assert "the files have no row below the header" in refusal(tmp_path, {name: [] for name in shop()}, 1.0)
    rows = shop()
    for row in (row for table in rows.values() for row in table):
        row |= dict.fromkeys(row, "?")
    assert refusal(tmp_path, rows, 1.0).startswith("all 10 rows are invalid")


def test_examples_are_limited_and_rows_rejected_with_their_parent_come_last(tmp_path: Path) -> None:
    rows = shop()
    rows["products"] += [rows["products"][2] | {"product_id": key("b", n), "price": "x"} for n in range(10, 40)]
    rows["users"][0]["email"] = "nobody"
    found = imported(write(tmp_path / "data", rows)).imported
    assert len(found.examples) == 20
    assert found.examples["file"].tolist() == ["products.csv"] * 19 + ["users.csv"]
    assert found.rejects[["file", "rule", "lines", "rejected_with_parent"]].to_numpy().tolist() == [
        ["products.csv", "not_a_number", 30, False],
        ["users.csv", "not_an_email", 1, False],
        ["orders.csv", "fk.user_id", 1, True],
        ["order_items.csv", "fk.order_id", 1, True],
    ]


def test_characters_that_change_text_direction_are_shown_as_escapes(tmp_path: Path) -> None:
    rows = shop()
    rows["products"][2]["name"] = "Jar \u202egnp"
    assert imported(write(tmp_path / "data", rows)).imported.examples["value"].tolist() == [r"Jar \u202egnp"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_formulas_in_a_rejects_file_are_escaped(start: str, tmp_path: Path) -> None:
    rows = shop()
    rows["products"][2]["price"] = f"{start}cmd|calc"
    write_rejects(imported(write(tmp_path / "data", rows)).folder, tmp_path / "rejects")
    with (tmp_path / "rejects" / "products.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["value"] == f"'{start}cmd|calc"
    assert (row["line"], row["column"], row["raw_line"].strip('"')[:8]) == ("4", "price", "bbbbbbbb")


def test_earlier_rejects_files_are_deleted(tmp_path: Path) -> None:
    write(tmp_path / "rejects", {"users": []})
    write_rejects(imported(write(tmp_path / "data", shop())).folder, tmp_path / "rejects")
    assert list((tmp_path / "rejects").iterdir()) == []


def test_the_rejects_file_has_its_schema(tmp_path: Path) -> None:
    rows = shop()
    rows["products"][2]["name"] = "Ja\0r"
    found = imported(write(tmp_path / "data", rows))
    assert pq.read_schema(found.folder / "rejects.parquet").equals(SCHEMA)
    assert "\0" not in found.rejects.to_csv()


NAMES = ["'); DROP TABLE users;--.csv", "<script>alert(1)<b>.csv", "=cmd|' & calc'!A0.csv", "x" * 251 + ".csv", ".csv"]


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_file_name_is_kept(name: str, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    path = tmp_path / "x" / name
    path.write_bytes(RETAIL.read_bytes().replace(b",18.00,", b",-1,").replace(b",0.00,", b",-1,"))
    found = imported(path, "online_retail", as_of=date(2011, 12, 9), to=tmp_path / "target")
    write_rejects(found.folder, tmp_path / "rejects")
    assert [file.name for file in (tmp_path / "rejects").iterdir()] == [name]
    assert found.rejects["file"].tolist() == [name, name]


def test_the_online_retail_fixture_is_imported(tmp_path: Path) -> None:
    found = read(retail(tmp_path))
    assert found.faults() == []
    assert found.table("users")["country_code"].tolist() == ["FR", "GB", "IE", "GB"]
    amounts = found.table("orders")["total_amount"].astype(str).tolist()
    assert amounts == ["35.640", "144.000", "0.000", "51.000"]
    assert found.table("refunds")["amount"].tolist() == [Decimal("2.55")]


@pytest.fixture(scope="module")
def demo_files(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic shop as CSV files."""
    folder = tmp_path_factory.mktemp("demo as CSV") / "data"
    folder.mkdir()
    for name in SIX:
        read_table(demo_folder, name).to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_an_exported_synthetic_shop_is_imported_unchanged(
    demo_files: Path, demo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.data.imports.importing.PROFILE_ROWS", 200)
    found = imported(demo_files)
    assert found.faults() == []
    for name in SIX:
        pd.testing.assert_frame_equal(found.table(name), read_table(demo_folder, name))
    whole = total([profile({name: to_arrow(read_table(demo_folder, name), name) for name in SIX})])
    for name, frame in found.imported.profile.items():
        pd.testing.assert_frame_equal(frame, whole[name])


IMPORT = "import sys, pathlib, tests.own_files as own; print(own.imported(pathlib.Path(sys.argv[1])).folder)"


def test_same_files_give_the_same_bytes_in_any_locale(demo_files: Path) -> None:
    here = imported(demo_files).folder
    other = os.environ | {"TZ": "Asia/Tokyo", "LC_ALL": "C", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "1"}
    command = [sys.executable, "-c", IMPORT, str(demo_files)]
    ran = subprocess.run(command, env=other, cwd=PROJECT, capture_output=True, text=True, check=True)
    names = sorted(path.name for path in here.iterdir())
    assert names == sorted([*FILES, "rejects.parquet"])
    assert all((Path(ran.stdout.strip()) / name).read_bytes() == (here / name).read_bytes() for name in names)


def test_accepted_values_are_loaded_unchanged(tmp_path: Path, empty_database: sa.URL) -> None:
    """Hostile words in every text column, numbers and days at their bounds: the database stores them all."""
    rows = shop(marketing_campaigns=[CAMPAIGN], events=[EVENT, SECOND])
    rows["users"][0] |= {"signup_date": "2000-01-01", "country_code": "NA", "campaign_id": CAMPAIGN["campaign_id"]}
    rows["products"][0] |= {"price": "0.01", "cost": "0", "stock_quantity": "0"}
    rows["products"][1] |= {"price": "999999999999.999999", "cost": "0.000001", "stock_quantity": "2147483647"}
    for name, table_rows in rows.items():
        for number, row in enumerate(table_rows):
            row |= {
                c.name: _hostile(c, HOSTILE[number])
                for c in tables()[name].columns
                if c.type == "text" and not c.one_of
            }
    found = imported(write(tmp_path / "data", rows))
    assert found.faults() == []
    with db.transaction() as connection:
        schema.create(connection)
    load.replace(found.folder, as_of="2025-07-01")
    with db.transaction(read_only=True) as connection:
        for name, table_rows in rows.items():
            loaded = {row[0]: row for row in connection.execute(sa.text(f"SELECT * FROM {name}")).all()}
            for row in table_rows:
                has = loaded[uuid.UUID(row[tables()[name].key])]._mapping
                texts = {c.name for c in tables()[name].columns if c.type == "text"} & row.keys()
                assert {column: has[column] for column in texts} == {column: row[column] for column in texts}


def _hostile(column: Column, words: str) -> str:
    return f"{words}@example.com" if column.form == "email" else words


CAMPAIGN = {
    "campaign_id": key("9", 1), "name": "Sale", "channel": "email", "budget": "0", "spend": "999999999999.99",
    "impressions": "0", "clicks": "0", "start_date": "2000-01-01", "end_date": "2026-07-01",
}  # fmt: skip


def _constraints(column: Column) -> set[str]:
    """Check constraints that the rules of a column imply."""
    bound = f" AND {column.name} < 'NaN'" if column.type in ("money", "unit_price") else ""
    found = {f"{column.name} > {column.above}{bound}", f"{column.name} >= {column.least}{bound}"}
    found |= {f"{column.name} IN ({', '.join(map(repr, column.one_of))})", f"isfinite({column.name})"}
    found |= {f"{column.name} ~ '^[A-Z]{{2}}$'"} if column.type == "char2" else set()
    found |= {f"{column.not_before} <= {column.name}"} if column.not_before else set()
    found |= {f"btrim({column.name}) <> ''"} if column.type == "text" and not column.optional else set()
    return found | ({f"{column.name} = btrim({column.name}) AND {column.name} LIKE '%_@_%'"} if column.form else set())


def test_rows_that_pass_the_catalog_pass_every_constraint() -> None:
    statements = "".join(ddl.create_table(table) for table in tables().values() if not table.mart)
    checks = set(re.findall(r"CHECK\s+\((.+?)\)(?:,?\n| CONSTRAINT)", statements))
    catalog = {words for table in tables().values() for column in table.columns for words in _constraints(column)}
    assert len(checks) > 15
    assert checks <= catalog


def test_every_form_of_the_catalog_is_known() -> None:
    assert {c.form for table in tables().values() for c in table.columns if c.form} == set(FORMS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_has_statements_a_params_file_and_documented_columns(name: str, tmp_path: Path) -> None:
    source = load_format(name)
    with StagingDatabase(tmp_path, name) as database:
        written = [table for table in SIX if database.has_statement(table)]
        assert database.has_statement("notes")
    assert written
    assert all(column.meaning.endswith(".") for columns in source.files.values() for column in columns)
    settings = [yaml.safe_load(path.read_text("utf-8")) for path in (PROJECT / "params").glob("*.yml")]
    assert name in [values["mapping"]["format"] for values in settings if "mapping" in values]


DECIMALS = {  # currency, a sound amount, amounts with too many decimals, beginning of the reason
    "USD": ("0.99", ("0.995", "0.30000000000000004"), "USD has two decimals, and rounding would change the value"),
    "JPY": ("99", ("99.5", "0.30000000000000004"), "JPY has no decimals, and rounding would change the value"),
    "KWD": ("0.999", ("0.9995",), "KWD has three decimals, and rounding would change the value"),
}


@pytest.mark.parametrize("currency", DECIMALS)
def test_amounts_have_the_decimals_of_the_currency(tmp_path: Path, currency: str) -> None:
    sound, surplus, reason = DECIMALS[currency]
    rows = shop()
    rows["orders"] = [rows["orders"][0] | {"order_id": key("c", n), "tax_amount": sound} for n in (1, 2, 3)]
    items = rows["order_items"][0]
    rows["order_items"] = [items | {"order_item_id": key("d", n), "order_id": key("c", n)} for n in (1, 2, 3)]
    for row, amount in zip(rows["orders"][1:], surplus, strict=False):
        row["tax_amount"] = amount
    found = imported(write(tmp_path / "data", rows), policy=Policy(currency, 1.0, "reject"))
    rejects = found.rejects[found.rejects["rule"] == "too_many_decimals"]
    assert rejects["value"].tolist() == list(surplus)
    assert set(rejects["reason"]) == {f"{reason}; correct it"}
    assert set(found.table("orders")["tax_amount"]) == {Decimal(sound)}
    assert reason in found.rejects[found.rejects["file"] == "order_items.csv"]["reason"].iloc[0]


LINES = [  # currency, units, price, total
    ("USD", 3, "0.335", "1.01"), ("USD", 7, "0.142857", "1.00"), ("JPY", 3, "33.5", "101"),
    ("KWD", 3, "0.3335", "1.001"),
]  # fmt: skip


@pytest.mark.parametrize(("currency", "quantity", "price", "total"), LINES)
def test_an_order_is_the_sum_of_its_items_each_rounded_once(
    tmp_path: Path, currency: str, quantity: int, price: str, total: str
) -> None:
    rows = shop()
    rows["order_items"][0] |= {"quantity": str(quantity), "price_at_time": price}
    rows["orders"][0]["total_amount"] = total
    policy = Policy(currency, 1.0, "reject")
    found = imported(write(tmp_path / "data", rows), policy=policy)
    assert found.faults() == []
    assert found.table("order_items")["price_at_time"].iloc[0] == Decimal(price)
    rows["orders"][0]["total_amount"] = "5"
    found = imported(write(tmp_path / "other", rows), policy=policy)
    assert f"the items sum to {total};" in found.rejects["reason"].iloc[0]


def test_a_statement_keeps_the_braces_that_are_not_names(tmp_path: Path) -> None:
    with StagingDatabase(tmp_path, "lines") as database:
        database.run("removed", source="lines")
        assert database.has_rows("removed_lines") is False
        assert "'[a-z0-9._-]{1,64}'" in database.statement("users")
        assert "'line {} of {} was rejected: {}'" in database.statement("rejected", source="lines", marker="")


def test_every_statement_has_a_name_and_a_purpose() -> None:
    for path in (PROJECT / "lib" / "sql" / "imports").glob("*.sql"):
        _, *sections = path.read_text("utf-8").split("-- name: ")
        assert sections
        assert all(re.match(r"\w+\n-- [A-Z].{15}", section) for section in sections), path.name
