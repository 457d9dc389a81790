"""Tests of the Online Retail layout: each rule rejects its row, invoices become orders, no cent and no row is lost."""

import csv
import gzip
import uuid
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from lib.catalog import arrow_schema, tables
from lib.data.imports.rejects import Policy
from lib.settings import PROJECT
from tests.own_files import Found, given, imported

NAMESPACE = uuid.UUID("12850252-e6dc-4b12-88c7-a202b1da15dd")
REAL = PROJECT.parent / "shared" / "data" / "online_retail_300_customers.csv.gz"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
GOOD = "536365,85123A,WHITE HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom"
FIELDS = HEADER.split(",")
FAULTS = [
    ("InvoiceNo", "", "missing"),
    ("StockCode", "  ", "blank"),
    ("StockCode", "\u200b", "blank"),
    ("CustomerID", "", None),
    ("Quantity", "", "missing"),
    ("UnitPrice", "", "missing"),
    ("InvoiceDate", "", "missing"),
    ("Description", "CUP\x00", "nul_character"),
    ("Description", "CUP\x01SAUCER", "control_character"),
    ("Description", "CUP \u202egnp", "control_character"),
    ("StockCode", "85\x7f", "control_character"),
    ("Quantity", "5.5", "not_an_integer"),
    ("Quantity", "1e3", "not_an_integer"),
    ("Quantity", "six", "not_an_integer"),
    ("Quantity", "٣", "not_an_integer"),
    ("Quantity", "0", "zero_quantity"),
    ("Quantity", "-6", "negative_quantity"),
    ("Quantity", "2147483648", "out_of_range"),
    ("Quantity", "9" * 400, "out_of_range"),
    ("Quantity", "2147483647", None),
    ("Quantity", "6.0", None),
    ("UnitPrice", "NaN", "not_finite"),
    ("UnitPrice", "-inf", "not_finite"),
    ("UnitPrice", "Infinity", "not_finite"),
    ("UnitPrice", "1e309", "not_a_number"),
    ("UnitPrice", '"2,55"', "not_a_number"),
    ("UnitPrice", '"1,234.50"', "not_a_number"),
    ("UnitPrice", "$2.55", "not_a_number"),
    ("UnitPrice", "1_000", "not_a_number"),
    ("UnitPrice", "0x10", "not_a_number"),
    ("UnitPrice", "٣", "not_a_number"),
    ("UnitPrice", ".", "not_a_number"),
    ("UnitPrice", "0.00", None),
    ("UnitPrice", "-1", "negative"),
    ("UnitPrice", "0.004", None),
    ("UnitPrice", "9.9950001", "too_many_decimals"),
    ("UnitPrice", "0.30000000000000004", "too_many_decimals"),
    ("UnitPrice", "1000000000000", "out_of_range"),
    ("UnitPrice", "1111111111.11", None),
    ("UnitPrice", "2.5500", None),
    ("UnitPrice", ".5", None),
    ("InvoiceDate", "now", "not_a_date"),
    ("InvoiceDate", "today", "not_a_date"),
    ("InvoiceDate", "infinity", "not_a_date"),
    ("InvoiceDate", "45361", "excel_serial"),
    ("InvoiceDate", "01/12/2010 08:26", "not_a_date"),
    ("InvoiceDate", "2010-02-30 08:26:00", "not_a_date"),
    ("InvoiceDate", "2010-12-01 24:00:00", "not_a_date"),
    ("InvoiceDate", "2010-12-01 08:26:60", "not_a_date"),
    ("InvoiceDate", "٢٠١٠-12-01 08:26:00", "not_a_date"),
    ("InvoiceDate", "2010-12-01 08:26:00+02:00", "not_a_date"),
    ("InvoiceDate", "0001-12-01 08:26:00", "too_early"),
    ("InvoiceDate", "1999-12-31 23:59:59", "too_early"),
    ("InvoiceDate", "2012-12-10 00:00:00", "too_late"),
    ("Country", "Atlantis", "unknown_country"),
    ("Country", "united kingdom", None),
    ("Country", "EIRE", None),
    ("Country", "", None),
]
KEPT = ["NA", "null", "\\N", "01234", "1e5", "TRUE", "=cmd|' /C calc'!A0", "<script>", "x'); drop table products;--"]
KEPT += ["100%s %(x)s :y", "a\\tb", "ein\nzwei", "ein\rzwei", "🛒" * 40, "\\."]


def mapping(**changes: Any) -> dict[str, Any]:
    """The mapping section of the params file, with changes."""
    return yaml.safe_load((PROJECT / "params/online_retail.yml").read_text(encoding="utf-8"))["mapping"] | changes


def write(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "shop.csv"
    path.write_bytes("\n".join([header, *lines, ""]).encode())
    return path


def line(**changes: str) -> str:
    return ",".join({**dict(zip(FIELDS, GOOD.split(","), strict=True)), **changes}.values())


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def read(path: Path, **changes: Any) -> Found:
    return imported(path, "online_retail", as_of=date(2011, 12, 9), **changes)


def shop(folder: Path, *lines: str, **changes: Any) -> Found:
    return read(write(folder, *lines), **changes)


def sums(found: Found) -> tuple[int, int, int]:
    """Rows read, loaded and rejected."""
    lines = found.imported.lines
    return lines["read"].item(), lines["loaded"].item(), lines["rejected"].item()


@pytest.fixture(scope="module")
def faulty(tmp_path_factory) -> Found:
    """All cases in one file, each on an invoice of its own, from line 2."""
    lines = [line(**{"InvoiceNo": str(number), column: value}) for number, (column, value, _) in enumerate(FAULTS)]
    return shop(tmp_path_factory.mktemp("faulty"), *lines)


@pytest.mark.parametrize("case", range(len(FAULTS)), ids=[f"{column}-{value[:20]!r}" for column, value, _ in FAULTS])
def test_each_rule_rejects_its_row_and_no_other(faulty, case):
    column, _, rule = FAULTS[case]
    found = faulty.rejects[faulty.rejects["line"] == case + 2]
    assert found[["column", "rule"]].to_numpy().tolist() == ([[column, rule]] if rule else [])


def test_every_row_is_loaded_or_rejected(faulty):
    rejected = len(faulty.rejects)
    assert sums(faulty) == (len(FAULTS), len(FAULTS) - rejected, rejected)
    assert sums(faulty)[1] == len(faulty.table("order_items"))


def test_a_reject_has_file_value_and_reason(tmp_path):
    reject = shop(tmp_path, GOOD, line(UnitPrice='" 2,55"')).rejects.iloc[0]
    assert (reject["file"], reject["value"], reject["line"]) == ("shop.csv", " 2,55", 3)
    assert reject["raw_line"].endswith(',"" 2,55"",17850,United Kingdom'.replace('""', '"'))
    assert reject["reason"].startswith("expected a number with the decimal separator .")


def test_the_reason_of_a_date_names_the_format(tmp_path):
    assert "%Y-%m-%d %H:%M:%S" in shop(tmp_path, GOOD, line(InvoiceDate="x")).rejects["reason"][0]


@pytest.mark.parametrize("broken", ["536365,85123A", GOOD + ",more", "\\."])
def test_a_row_with_another_number_of_fields_is_rejected(tmp_path, broken):
    found = shop(tmp_path, GOOD, broken, GOOD)
    assert found.rejects[["line", "rule"]].to_numpy().tolist() == [[3, "wrong_field_count"]]
    assert sums(found) == (3, 2, 1)


def test_the_later_customer_of_an_invoice_is_rejected(tmp_path):
    found = shop(tmp_path, GOOD, line(CustomerID="99"), GOOD)
    assert found.rejects[["line", "rule", "value"]].to_numpy().tolist() == [[3, "conflicting_customer", "99"]]
    assert len(found.table("users")) == 1


def test_an_invoice_too_large_for_the_database_loses_its_last_row(tmp_path):
    found = shop(tmp_path, *[line(Quantity="1", UnitPrice="600000000000")] * 2)
    assert found.rejects[["line", "rule"]].to_numpy().tolist() == [[3, "out_of_range"]]


def test_line_numbers_count_line_breaks_in_quotes_and_empty_lines(tmp_path):
    found = shop(tmp_path, line(Description='"WHITE\nHEART"'), "", line(Quantity="0"))
    assert found.rejects["line"].tolist() == [5]
    assert found.table("products")["name"].tolist() == ["WHITE\nHEART"]
    assert found.cases("", "empty rows skipped") == 1


def test_line_numbers_continue_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("lib.data.imports.reading.BLOCK_CHARACTERS", 4 * len(GOOD))
    found = shop(tmp_path, *[GOOD] * 8, line(Quantity="0"), GOOD, "short")
    assert found.rejects["line"].tolist() == [10, 12]
    assert sums(found) == (11, 9, 2)


def test_text_is_kept_unchanged(tmp_path):
    lines = [line(StockCode=f"{number:02}", Description=quoted(text)) for number, text in enumerate(KEPT)]
    assert shop(tmp_path, *lines).table("products")["name"].tolist() == KEPT


def test_surrounding_space_and_decomposed_letters_are_normalized_and_counted(tmp_path):
    found = shop(tmp_path, line(Description=" CAFE\u0301 ", Quantity=" 6 "))
    assert found.table("products")["name"].tolist() == ["CAFÉ"]
    assert found.cases("Description", "outer white space removed") == 1
    assert found.cases("Quantity", "outer white space removed") == 1
    assert found.cases("Description", "normalised to Unicode NFC") == 1


def test_a_shop_of_two_invoices(tmp_path):
    found = shop(tmp_path, GOOD, line(StockCode="22", Quantity="2", UnitPrice="0.1"), line(InvoiceNo="536366"))
    orders, items = found.table("orders"), found.table("order_items")
    assert orders["total_amount"].tolist() == [Decimal("15.50"), Decimal("15.30")]
    assert orders["status"].tolist() == ["completed", "completed"]
    assert orders["order_date"][0] == pd.Timestamp("2010-12-01 08:26", tz="UTC")
    assert orders["shipping_country_code"].tolist() == ["GB", "GB"]
    assert items["quantity"].tolist() == [6, 2, 6]
    assert items["order_id"].tolist() == [orders["order_id"][0]] * 2 + [orders["order_id"][1]]
    assert items["discount"].tolist() == [Decimal("0.00")] * 3


def test_a_customer_becomes_a_user_with_a_placeholder_address(tmp_path):
    user = shop(tmp_path, GOOD, line(InvoiceNo="C1", Quantity="-1", InvoiceDate="2010-11-30 23:59:59"))
    user = user.table("users").iloc[0]
    assert user["email"] == "17850@no-email.invalid"
    assert (user["name"], user["country"], user["country_code"]) == ("Customer 17850", "United Kingdom", "GB")
    assert user["signup_date"] == pd.Timestamp("2010-12-01"), "the first sale, not the credit note before it"
    assert not user["is_guest"]
    assert user[["city", "acquisition_channel", "campaign_id"]].isna().all()


def test_a_customer_with_nothing_but_a_credit_note_signs_up_with_it(tmp_path):
    user = shop(tmp_path, line(InvoiceNo="C1", Quantity="-1")).table("users").iloc[0]
    assert user["signup_date"] == pd.Timestamp("2010-12-01")


def test_an_invoice_without_a_customer_has_a_guest_of_its_own(tmp_path):
    lines = [line(InvoiceNo=number, CustomerID="", Country=country) for number, country in (("8", "EIRE"), ("9", ""))]
    found = shop(tmp_path, GOOD, *lines, line(InvoiceNo="9", CustomerID="", Country="France"))
    users, orders = found.table("users"), found.table("orders")
    assert users["is_guest"].tolist() == [False, True, True]
    assert users["name"].tolist() == ["Customer 17850", "Guest of order 8", "Guest of order 9"]
    assert users["country"].tolist() == ["United Kingdom", "EIRE", "France"]
    assert users["email"].tolist()[1:] == [f"{key}@no-email.invalid" for key in users["user_id"][1:]]
    assert orders["user_id"].tolist() == users["user_id"].tolist()
    assert found.cases("CustomerID", "orders and credit notes: no customer; each gets a guest of its own") == 2
    assert found.faults() == []


def test_an_invoice_with_the_number_in_one_row_is_its_customers(tmp_path):
    found = shop(tmp_path, line(CustomerID=""), GOOD, line(CustomerID=""))
    assert found.table("users")[["name", "is_guest"]].to_numpy().tolist() == [["Customer 17850", False]]
    assert found.faults() == []


def test_free_rows_are_loaded_and_the_list_price_is_one_above_zero(tmp_path):
    gift = line(InvoiceNo="2", StockCode="GIFT", Description="Card", UnitPrice="0")
    found = shop(tmp_path, GOOD, line(InvoiceNo="2", UnitPrice="0", InvoiceDate="2010-12-02 09:00:00"), gift)
    products = found.table("products").set_index("name")["price"]
    assert products.to_dict() == {"WHITE HEART": Decimal("2.55"), "Card": Decimal("0.00")}
    assert found.table("orders")["total_amount"].tolist() == [Decimal("15.30"), Decimal("0.00")]
    assert found.table("order_items")["price_at_time"].tolist() == [Decimal(p) for p in ("2.55", "0.00", "0.00")]


def test_the_example_of_guests(tmp_path):
    found = read(given("cases/guests.csv", tmp_path))
    orders = found.table("orders").merge(found.table("users")[["user_id", "name", "is_guest"]], on="user_id")
    assert (len(orders), orders["total_amount"].sum()) == (4, Decimal("110.00"))
    assert orders.groupby("is_guest")["total_amount"].agg(["size", "sum"]).to_numpy().tolist() == [
        [2, Decimal("60.00")], [2, Decimal("50.00")],
    ]  # fmt: skip
    assert found.faults() == []


def test_placeholders_stay_unique_when_case_is_ignored(tmp_path):
    lines = [line(InvoiceNo=name, CustomerID=name) for name in ("ab", "AB", "a b@c")]
    assert shop(tmp_path, *lines).table("users")["email"].str.lower().nunique() == 3


def test_a_credit_note_refunds_the_order_item_that_it_returns(tmp_path):
    found = shop(tmp_path, GOOD, line(InvoiceNo="C536379", Quantity="-2", InvoiceDate="2010-12-03 10:00:00"))
    orders, items, refunds = (found.table(name) for name in ("orders", "order_items", "refunds"))
    assert orders[["status", "total_amount"]].to_numpy().tolist() == [["completed", Decimal("15.30")]]
    assert items["quantity"].tolist() == [6]
    columns = ["user_id", "order_id", "order_item_id", "refund_date", "kind", "quantity", "amount"]
    expected = [orders["user_id"][0], orders["order_id"][0], items["order_item_id"][0]]
    expected += [pd.Timestamp("2010-12-03 10:00", tz="UTC"), "credit note", 2, Decimal("5.10")]
    assert refunds[columns].iloc[0].tolist() == expected
    assert found.cases("Quantity", "refunds: a row of negative units or a negative amount; made positive") == 1


LATER = {"InvoiceNo": "C9", "InvoiceDate": "2010-12-09 08:00:00"}
SECOND = {"InvoiceNo": "2", "InvoiceDate": "2010-12-02 08:00:00"}
CREDITS = {  # rows after GOOD (line 2: 6 units at 2.55) -> line of the item of each credit, status of the orders
    "the latest earlier item": ([line(**SECOND), line(**LATER, Quantity="-1")], [3], ["completed"] * 2),
    "not a later one": (
        [line(**SECOND), line(InvoiceNo="C9", InvoiceDate="2010-12-01 09:00:00", Quantity="-1")],
        [2], ["completed"] * 2,
    ),
    "at the same time": ([line(InvoiceNo="C9", Quantity="-6")], [2], ["refunded"]),
    "an earlier one that covers the units": (
        [line(**SECOND, Quantity="2"), line(**LATER, Quantity="-3")], [2], ["completed"] * 2,
    ),
    "an earlier one that covers the amount": (
        [line(**SECOND, UnitPrice="2.00"), line(**LATER, Quantity="-6")], [2], ["refunded", "completed"],
    ),
    "what an earlier credit leaves": (
        [line(**SECOND, Quantity="2"), line(**LATER, Quantity="-2"), line(**LATER, Quantity="-1")],
        [3, 2], ["completed", "refunded"],
    ),
    "in parts": ([line(**LATER, Quantity="-2"), line(**LATER, Quantity="-4")], [2, 2], ["refunded"]),
    "more than was sold": ([line(**LATER, Quantity="-7")], [None], ["completed"]),
    "of another product": ([line(**LATER, StockCode="D", Quantity="-1")], [None], ["completed"]),
    "of another customer": ([line(**LATER, CustomerID="99", Quantity="-1")], [None], ["completed"]),
    "without a customer": ([line(**LATER, CustomerID="", Quantity="-1")], [None], ["completed"]),
    "one of several items": (
        [line(StockCode="22", UnitPrice="1.00"), line(**LATER, Quantity="-6")], [2], ["completed"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "returned", "statuses"), CREDITS.values(), ids=CREDITS)
def test_a_credit_returns_the_latest_earlier_item_that_covers_it(tmp_path, rows, returned, statuses):
    found = shop(tmp_path, GOOD, *rows)
    orders, items, refunds = (found.table(name) for name in ("orders", "order_items", "refunds"))
    assert orders["status"].tolist() == statuses
    lines = {key: place + 2 for place, key in enumerate(items["order_item_id"])}
    assert [lines.get(key) for key in refunds["order_item_id"]] == returned
    assert refunds["order_item_id"].isna().tolist() == [each is None for each in returned]
    assert refunds["order_id"].isna().tolist() == [each is None for each in returned]
    words = "refunds: no earlier order item of the customer covers it; kept without an order"
    assert found.cases("InvoiceNo", words) == returned.count(None)


@pytest.mark.parametrize("number", ["CA-2017-152156", "C", "CASH1", "C 9", "C12A", "c9"])
def test_a_number_that_is_not_c_and_digits_is_not_a_credit_note(tmp_path, number):
    found = shop(tmp_path, GOOD, line(InvoiceNo=number), line(InvoiceNo=number, Quantity="-1"))
    assert found.rejects[["line", "rule"]].to_numpy().tolist() == [[4, "negative_quantity"]]
    assert found.table("orders")["status"].tolist() == ["completed", "completed"]
    assert len(found.table("refunds")) == 0


def test_positive_units_are_a_sale_under_any_number(tmp_path):
    found = shop(tmp_path, line(InvoiceNo="C536379"), line(InvoiceNo="C536379", Quantity="-6"))
    assert found.table("orders")["status"].tolist() == ["refunded"]
    assert found.table("refunds")["amount"].tolist() == [Decimal("15.30")]


def test_free_rows_of_a_credit_note_are_counted(tmp_path):
    found = shop(tmp_path, line(UnitPrice="0"), line(InvoiceNo="C9", UnitPrice="0", Quantity="-1"))
    assert (found.table("orders")["status"].tolist(), len(found.table("refunds"))) == (["completed"], 0)
    assert found.cases("UnitPrice", "refunds: a return of amount 0; not loaded") == 1


def test_equal_rows_of_a_credit_note_have_keys_of_their_own(tmp_path):
    rows = [line(**LATER, Quantity="-1")] * 2
    first, again = (shop(tmp_path, GOOD, *each).table("refunds")["refund_id"] for each in (rows, ["", *rows]))
    assert first.nunique() == 2
    assert first.tolist() == again.tolist()


def test_a_product_has_its_most_frequent_name_and_latest_selling_price(tmp_path):
    names = ["B", "A", "B", "A", ""]
    lines = [line(InvoiceNo=str(n), Description=name, UnitPrice=f"{n}.5") for n, name in enumerate(names)]
    late = line(InvoiceNo="C9", Description="C", Quantity="-1", UnitPrice="99", InvoiceDate="2010-12-02 00:00:00")
    product = shop(tmp_path, *lines, late).table("products").iloc[0]
    assert (product["name"], product["price"]) == ("A", Decimal("4.50"))
    assert pd.isna(product["cost"])


def test_a_product_without_description_is_named_by_its_code(tmp_path):
    found = shop(tmp_path, line(Description=""))
    assert found.table("products")["name"].tolist() == ["85123A"]
    assert found.cases("Description", "products: no name; named by the number") == 1


def test_a_name_of_several_countries_is_kept_without_a_code(tmp_path):
    user = shop(tmp_path, line(Country="European Community")).table("users").iloc[0]
    assert user["country"] == "European Community"
    assert pd.isna(user["country_code"])


def test_country_names_of_the_export_have_codes(tmp_path):
    names = ["EIRE", "Czech Republic", "Hong Kong", "RSA", "USA", "Norway", "Bahrain"]
    lines = [line(InvoiceNo=name, CustomerID=str(number), Country=name) for number, name in enumerate(names)]
    codes = shop(tmp_path, *lines).table("users")["country_code"]
    assert codes.tolist() == ["IE", "CZ", "HK", "ZA", "US", "NO", "BH"]


def test_an_identical_row_is_kept_as_a_second_item_and_counted(tmp_path):
    found = shop(tmp_path, GOOD, GOOD)
    assert found.table("order_items")["order_item_id"].nunique() == 2
    assert found.cases("Quantity", "order_items: duplicates of a row in the same order, kept") == 1


def test_keys_are_version_5_uuids_of_the_numbers_in_the_file(tmp_path):
    first = shop(tmp_path, GOOD, line(InvoiceNo="2", StockCode="22"))
    again = shop(tmp_path, line(InvoiceNo="2", StockCode="22"), GOOD)
    assert first.table("users")["user_id"][0] == str(uuid.uuid5(NAMESPACE, "user\x1f17850"))
    for name, key in {"orders": "order_id", "order_items": "order_item_id", "products": "product_id"}.items():
        assert set(first.table(name)[key]) == set(again.table(name)[key])


def test_the_same_file_gives_the_same_bytes(tmp_path):
    first, again = (shop(tmp_path, GOOD, line(InvoiceNo="2", Quantity="0")) for _ in range(2))
    names = sorted(path.name for path in first.folder.iterdir())
    assert names == sorted([f"{name}.parquet" for name in SIX] + ["rejects.parquet"])
    assert all((first.folder / name).read_bytes() == (again.folder / name).read_bytes() for name in names)
    assert first.notes == again.notes


SIX = [table.name for table in tables().values() if not table.mart]


def test_the_files_fit_the_catalog(tmp_path):
    found = shop(tmp_path, GOOD)
    assert {name: pq.read_metadata(found.folder / f"{name}.parquet").num_rows for name in SIX} == {
        "users": 1,
        "products": 1,
        "marketing_campaigns": 0,
        "orders": 1,
        "order_items": 1,
        "refunds": 0,
        "events": 0,
    }
    assert all(pq.read_schema(found.folder / f"{name}.parquet").equals(arrow_schema(name)) for name in SIX)


def test_gzip_is_recognised_without_its_extension(tmp_path):
    path = write(tmp_path, GOOD)
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert sums(read(path)) == (1, 1, 0)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_a_declared_encoding_is_read_with_or_without_byte_order_mark(tmp_path, encoding):
    path = tmp_path / "shop.csv"
    path.write_bytes(f"{HEADER}\n{line(Description='CAFÉ')}\n".encode(encoding))
    found = read(path, encoding=encoding.removesuffix("-sig"))
    assert found.table("products")["name"].tolist() == ["CAFÉ"]


def test_columns_may_be_in_any_order_and_case_with_others_between(tmp_path):
    header = ",".join([*reversed(FIELDS), "Extra"]).upper().replace("UNITPRICE", " unitprice ")
    path = write(tmp_path, ",".join([*reversed(GOOD.split(",")), "x"]), header=header)
    found = read(path)
    assert found.table("orders")["total_amount"].tolist() == [Decimal("15.30")]
    assert found.cases("EXTRA", "column is not used") == 1


def test_another_delimiter_and_date_format_are_settings(tmp_path):
    path = write(tmp_path, line(InvoiceDate="12/1/2010 8:26").replace(",", ";"), header=HEADER.replace(",", ";"))
    found = read(path, delimiter=";", date_format="%m/%d/%Y %H:%M")
    assert found.table("orders")["order_date"][0] == pd.Timestamp("2010-12-01 08:26", tz="UTC")


def test_naive_timestamps_of_a_zone_become_utc(tmp_path):
    dates = ["2011-07-01 12:00:00", "2011-03-27 01:30:00", "2011-10-30 01:30:00"]
    lines = [line(InvoiceNo=str(n), InvoiceDate=date) for n, date in enumerate(dates)]
    found = shop(tmp_path, *lines, time_zone="Europe/London")
    assert found.table("orders")["order_date"].dt.strftime("%d %H:%M").tolist() == ["01 11:00", "30 00:30"]
    assert found.rejects[["line", "rule"]].to_numpy().tolist() == [[3, "no_such_time"]]
    assert found.cases("InvoiceDate", "ambiguous time: the first of two was used") == 1


def test_dates_are_those_of_the_shop_and_of_its_clocks_in_the_file(tmp_path):
    path = write(tmp_path, line(InvoiceDate="2010-12-01 23:30:00"))
    for naive, utc, day in (("", "2010-12-02 07:30", "2010-12-01"), ("Asia/Kolkata", "2010-12-01 18:00", "2010-12-01")):
        found = read(path, time_zone=naive, shop_zone="America/Los_Angeles")
        assert found.table("orders")["order_date"][0] == pd.Timestamp(utc, tz="UTC")
        assert found.table("users")["signup_date"][0] == pd.Timestamp(day)
        assert found.imported.profile["days"]["date"].tolist() == [pd.Timestamp(day)]
    found = read(path, time_zone="UTC", shop_zone="Pacific/Auckland")
    assert found.table("users")["signup_date"][0] == pd.Timestamp("2010-12-02")
    assert found.imported.profile["hours"]["hour"].tolist() == [12]


def test_an_offset_in_the_timestamp_is_used(tmp_path):
    found = shop(tmp_path, line(InvoiceDate="2010-12-01 08:26:00+0200"), date_format="%Y-%m-%d %H:%M:%S%z")
    assert found.table("orders")["order_date"][0] == pd.Timestamp("2010-12-01 06:26", tz="UTC")


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Found:
    if not REAL.exists():
        pytest.skip(f"no file {REAL}")
    return read(REAL, to=tmp_path_factory.mktemp("real") / "imported")


def test_a_real_shop_loses_no_cent_and_no_row(real):
    with gzip.open(REAL, "rt", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    amounts = [int(row["Quantity"]) * Decimal(row["UnitPrice"]) for row in lines]
    assert real.table("orders")["total_amount"].sum() == sum(amount for amount in amounts if amount > 0)
    assert real.table("refunds")["amount"].sum() == -sum(amount for amount in amounts if amount < 0)
    assert sums(real) == (26_555, 26_555, 0)


def test_a_real_shop_keeps_its_special_product_codes(real):
    names = set(real.table("products")["name"])
    assert {"POSTAGE", "Manual", "Bank Charges", "CARRIAGE"} <= names
    assert "Discount" not in names, "it is on credit notes only"
    assert real.table("users").query("country == 'European Community'")["country_code"].isna().all()
    assert len(real.table("order_items")) + len(real.table("refunds")) == 26_555


def test_the_tables_of_a_real_shop_are_consistent(real):
    orders, items, users = (real.table(name) for name in ("orders", "order_items", "users"))
    sums = (items["price_at_time"] * items["quantity"]).groupby(items["order_id"]).sum()
    assert (orders["order_id"].map(sums).to_numpy() == orders["total_amount"].to_numpy()).all()
    assert set(items["product_id"]) == set(real.table("products")["product_id"])
    days = orders["order_date"].dt.tz_localize(None).dt.normalize().groupby(orders["user_id"]).min()
    signups = users.set_index("user_id")["signup_date"]
    assert (days == signups[days.index]).all(), "every customer signs up with the first sale"
    assert not users["is_guest"].any()


def test_the_refunds_of_a_real_shop_are_covered(real):
    orders, items, refunds = (real.table(name) for name in ("orders", "order_items", "refunds"))
    joined = refunds.merge(orders, on="order_id", suffixes=("", "_of_order")).merge(
        items, on="order_item_id", suffixes=("", "_of_item")
    )
    assert len(joined) == refunds["order_id"].notna().sum() > 0
    assert (joined["user_id"] == joined["user_id_of_order"]).all()
    assert (joined["order_id"] == joined["order_id_of_item"]).all()
    assert (joined["refund_date"] >= joined["order_date"]).all()
    units = joined.groupby("order_item_id").agg(returned=("quantity", "sum"), sold=("quantity_of_item", "first"))
    assert (units["returned"] <= units["sold"]).all()
    totals = refunds.groupby("order_id")["amount"].sum()
    sold = orders.set_index("order_id").loc[totals.index]
    assert (totals <= sold["total_amount"]).all()
    assert ((totals == sold["total_amount"]) == (sold["status"] == "refunded")).all()


def test_a_real_shop_keeps_its_revenue_when_every_fourth_invoice_has_no_customer(real, tmp_path):
    with gzip.open(REAL, "rt", encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows, columns = list(reader), reader.fieldnames
    fourth = set(list(dict.fromkeys(row["InvoiceNo"] for row in rows))[3::4])
    with (tmp_path / "blanked.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(row | ({"CustomerID": ""} if row["InvoiceNo"] in fourth else {}) for row in rows)
    blanked = read(tmp_path / "blanked.csv", policy=Policy("GBP", 0.01, "reject"))
    columns = {"orders": ["order_id", "order_date", "total_amount"], "refunds": ["refund_id", "refund_date", "amount"]}
    for name, compared in columns.items():
        pd.testing.assert_frame_equal(blanked.table(name)[compared], real.table(name)[compared])
    assert blanked.table("users")["is_guest"].sum() == len(fourth)
    assert sums(blanked) == (26_555, 26_555, 0)
