"""Tests of the format of one row per order line: fields that a file may lack, states, returns, discounts and units."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lib.data.imports.rejects import Policy
from lib.errors import DataError, UsageError
from tests.own_files import Found, imported

FIELDS = {
    "order": "Order", "order_date": "Date", "customer": "Client", "email": "Mail", "product": "SKU",
    "product_name": "Item", "category": "Group", "quantity": "Qty", "unit_price": "Price", "line_total": "Sum",
    "discount": "Off", "status": "State", "country": "Country", "currency": "Cur",
    "shipping": "Post", "tax": "VAT", "channel": "From",
}  # fmt: skip
GOOD = {"order": "1", "order_date": "2025-03-01", "product": "A", "quantity": "2", "unit_price": "10.00"}


def shop(folder: Path, *rows: dict[str, str], policy: Policy | None = None, **changes: Any) -> Found:
    """Import rows of GOOD with changes; the fields that occur are mapped, the other columns are left out."""
    rows = tuple(GOOD | row for row in rows)
    fields = [field for field in FIELDS if any(row.get(field) is not None for row in rows)]
    lines = [",".join(FIELDS[field] for field in fields)]
    lines += [",".join(row.get(field) or "" for field in fields) for row in rows]
    path = folder / "lines.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    settings = {"columns": {field: FIELDS[field] for field in fields}, "date_format": "%Y-%m-%d", "countries": {}}
    settings |= {"credit_note_prefix": ""}
    return imported(path, "online_retail", as_of=date(2025, 7, 1), policy=policy, **settings | changes)


def without(field: str, **more: str) -> dict[str, Any]:
    return {field: None, **more}


def test_a_file_needs_few_fields_and_the_rest_stays_empty(tmp_path):
    found = shop(tmp_path, {})
    orders, items, users = (found.table(name) for name in ("orders", "order_items", "users"))
    assert orders[["status", "total_amount"]].to_numpy().tolist() == [["completed", Decimal("20.00")]]
    assert orders[["shipping_country_code", "shipping_amount", "tax_amount"]].isna().all().all()
    assert items[["quantity", "price_at_time", "discount"]].to_numpy().tolist() == [
        [2, Decimal("10.00"), Decimal("0.00")]
    ]
    assert users[["name", "is_guest"]].to_numpy().tolist() == [["Guest of order 1", True]]
    assert found.table("products")[["name", "category"]].fillna("none").to_numpy().tolist() == [["A", "none"]]
    assert found.faults() == []


@pytest.mark.parametrize("group", [("product", "product_name"), ("unit_price", "line_total")])
def test_one_field_of_a_group_suffices_and_none_is_refused(tmp_path, group):
    first, second = group
    found = shop(tmp_path, without(first, **{second: "7.00"}))
    assert found.faults() == []
    with pytest.raises(UsageError, match=f"mapping.columns lacks {first} or {second}"):
        shop(tmp_path, without(first))


def test_a_mapped_number_is_needed_unless_it_is_optional(tmp_path):
    rows = [{"product_name": "Mug"}, {"product": "", "product_name": "Mug", "order": "2"}]
    assert shop(tmp_path, *rows).faults() == [("lines.csv", 3, "SKU", "missing")]
    found = shop(tmp_path, *rows, {"product": "", "order": "3"}, optional=["product"])
    assert found.faults() == [("lines.csv", 4, "SKU", "missing")]
    assert sorted(found.table("products")["name"]) == ["Mug", "Mug"]
    assert found.cases("SKU", "order_items: no number of the product; its name is used") == 1


def test_a_mapped_column_must_be_in_the_file_unless_it_is_optional(tmp_path):
    columns = {field: FIELDS[field] for field in (*GOOD, "channel")}
    with pytest.raises(DataError, match="lacks the columns From") as error:
        shop(tmp_path, {}, columns=columns)
    assert str(error.value).endswith('if your file has no such column, set SET="mapping.optional=[channel]".')
    assert shop(tmp_path, {}, columns=columns, optional=["channel"]).faults() == []


def test_a_customer_is_a_number_else_an_address_else_a_guest(tmp_path):
    rows = [
        {"customer": "7", "email": "Ada@example.com"}, {"order": "2", "email": "ada@EXAMPLE.com"},
        {"order": "3", "email": "ben@example.com"}, {"order": "4", "email": "Ben@example.com"}, {"order": "5"},
    ]  # fmt: skip
    found = shop(tmp_path, *rows)
    users = found.table("users").set_index("name")
    assert users["is_guest"].to_dict() == {
        "Customer 7": False, "Customer ada@example.com": False, "Customer ben@example.com": False,
        "Guest of order 5": True,
    }  # fmt: skip
    assert users["email"].str.endswith(".invalid").sum() == 2, "the guest's, and the second of an address"
    assert found.cases("Mail", "users: an address of several customers; the first keeps it") == 1
    assert len(found.table("orders").merge(found.table("users"), on="user_id")) == 5


def test_an_order_of_two_addresses_keeps_the_first(tmp_path):
    found = shop(tmp_path, {"email": "a@x.org"}, {"email": "A@x.org"}, {"email": "b@x.org"})
    assert found.faults() == [("lines.csv", 4, "Mail", "conflicting_customer")]


def test_category_channel_currency_and_country_are_read(tmp_path):
    first = {"category": "Cups", "channel": "Web", "currency": "EUR", "country": "DE", "customer": "1"}
    later = {"order": "2", "order_date": "2025-03-02", "channel": "Fair", "country": "uk", "category": "Mugs"}
    found = shop(tmp_path, first, first | later, first | {"currency": "USD"}, policy=Policy("EUR", 1.0, "reject"))
    user, product = found.table("users").iloc[0], found.table("products").iloc[0]
    assert (user["acquisition_channel"], user["country_code"], user["country"]) == ("Web", "GB", "uk")
    assert product["category"] == "Mugs"
    assert found.table("orders")["shipping_country_code"].tolist() == ["DE", "GB"]
    assert found.faults() == [("lines.csv", 4, "Cur", "other_currency")]


STATES = {
    "Offen": "pending",
    "on-hold": "pending",
    "Storniert": "cancelled",
    "Retour": "refunded",
    "unterwegs": "shipped",
}


def test_words_for_states_are_translated_ignoring_case_and_hyphens(tmp_path):
    words = ["OFFEN", "On hold", "on_hold", "Completed", "unterwegs", "Storniert", "Retour", ""]
    found = shop(tmp_path, *[{"order": str(n), "status": word} for n, word in enumerate(words)], statuses=STATES)
    assert found.table("orders")["status"].tolist() == [
        "pending", "pending", "pending", "completed", "shipped", "cancelled", "refunded", "completed",
    ]  # fmt: skip
    assert found.cases("State", "orders: no state; completed") == 1
    refunds = found.table("refunds")
    assert refunds[["kind", "amount", "quantity"]].to_numpy().tolist() == [
        ["cancellation", Decimal("20.00"), 2], ["refund", Decimal("20.00"), 2],
    ]  # fmt: skip


def test_an_unknown_state_is_rejected_with_the_setting_to_type(tmp_path):
    found = shop(tmp_path, {}, {"status": "In  Arbeit"})
    assert found.faults() == [("lines.csv", 3, "State", "unknown_status")]
    assert 'SET="mapping.statuses.In-Arbeit=completed"' in found.rejects["reason"][0]
    assert shop(tmp_path, {"status": "In  Arbeit"}, statuses={"In-Arbeit": "pending"}).faults() == []


def test_a_cancelled_row_of_an_order_is_refunded_and_the_order_stands(tmp_path):
    rows = [{"status": "Cancelled"}, {"product": "B", "status": "Shipped", "quantity": "1"}]
    found = shop(tmp_path, *rows)
    assert found.table("orders")[["status", "total_amount"]].to_numpy().tolist() == [["shipped", Decimal("30.00")]]
    assert found.table("refunds")[["kind", "amount"]].to_numpy().tolist() == [["cancellation", Decimal("20.00")]]


def test_a_cancelled_or_pending_row_may_lack_units_or_amount(tmp_path):
    rows = [{"status": "cancelled", "quantity": "0"}, {"order": "2", "status": "cancelled", "unit_price": ""}]
    rows += [
        {"order": "3", "status": "pending", "unit_price": ""},
        {"order": "4", "status": "pending", "quantity": "0"},
    ]
    found = shop(tmp_path, *rows, {"order": "5"})
    assert found.faults() == [("lines.csv", 5, "Qty", "zero_quantity")]
    assert len(found.table("orders")) == 1
    words = "order_items: a cancelled or pending row without units or an amount; nothing was sold"
    assert found.cases("Qty", words) == 3
    assert shop(tmp_path, {"order": "2", "unit_price": ""}, {}).faults() == [("lines.csv", 2, "Price", "missing")]


def test_negative_units_return_an_item_of_their_own_order_first(tmp_path):
    back = {"quantity": "-1", "order_date": "2025-03-09"}
    rows = [{"customer": "7"}, {"customer": "7", "order": "2"}, {"customer": "7"} | back]
    found = shop(tmp_path, *rows)
    orders, refunds = found.table("orders"), found.table("refunds")
    assert refunds["order_id"].tolist() == [orders["order_id"][0]]
    assert refunds[["kind", "quantity", "amount"]].to_numpy().tolist() == [["credit note", 1, Decimal("10.00")]]
    assert refunds["refund_date"][0] == pd.Timestamp("2025-03-09", tz="UTC")
    assert orders["order_date"].tolist() == [pd.Timestamp("2025-03-01", tz="UTC")] * 2


def test_a_guest_returns_an_item_of_the_order(tmp_path):
    found = shop(tmp_path, {}, {"quantity": "-2"})
    assert found.table("orders")["status"].tolist() == ["refunded"]
    assert found.table("refunds")["order_item_id"].tolist() == found.table("order_items")["order_item_id"].tolist()


def test_a_returned_and_refunded_row_is_refunded_once(tmp_path):
    rows = [{"status": "Refunded"}, {"status": "Refunded", "quantity": "-1"}]
    refunds = shop(tmp_path, *rows).table("refunds")
    assert refunds[["kind", "amount"]].to_numpy().tolist() == [
        ["refund", Decimal("10.00")],
        ["credit note", Decimal("10.00")],
    ]


def test_a_negative_amount_is_a_return_and_the_signs_must_agree(tmp_path):
    total = {"unit_price": None}
    rows = [total | {"line_total": "20.00"}, total | {"line_total": "-5.00", "quantity": "1"}]
    rows += [total | {"line_total": "5.00", "quantity": "-1"}, total | {"line_total": "-5.00", "quantity": "-1"}]
    found = shop(tmp_path, *rows)
    assert found.table("refunds")["amount"].tolist() == [Decimal("5.00"), Decimal("5.00")]
    assert found.faults() == [("lines.csv", 4, "Sum", "sign_differs")]


AMOUNTS = {  # changes of a row, settings -> paid, price, discount per unit
    "total": ({"unit_price": None, "line_total": "25.00"}, {}, "25", "12.5", "0"),
    "total that does not divide": (
        {"unit_price": None, "line_total": "10.00", "quantity": "3"}, {}, "10", "3.333333", "0",
    ),
    "price and total": ({"line_total": "20.00"}, {}, "20", "10", "0"),
    "total below the price": ({"line_total": "15.00"}, {}, "15", "7.5", "2.5"),
    "discount": ({"discount": "5.00"}, {}, "15", "7.5", "2.5"),
    "negative discount": ({"discount": "-5.00"}, {}, "15", "7.5", "2.5"),
    "rate": ({"discount": "0.25"}, {"discount_is": "rate"}, "15", "7.5", "2.5"),
    "rate of a total": ({"discount": "0.25", "line_total": "20.00"}, {"discount_is": "rate"}, "15", "7.5", "2.5"),
    "included": ({"discount": "5.00", "line_total": "15.00"}, {"discount_is": "amount_included"}, "15", "7.5", "2.5"),
    "included in the price": ({"discount": "5.00"}, {"discount_is": "amount_included"}, "20", "10", "2.5"),
    "rate included": (
        {"unit_price": None, "discount": "0.2", "line_total": "16.00"}, {"discount_is": "rate_included"},
        "16", "8", "2",
    ),
    "all of it": (
        {"unit_price": None, "discount": "1", "line_total": "0"}, {"discount_is": "rate_included"}, "0", "0", "0",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("row", "settings", "paid", "price", "discount"), AMOUNTS.values(), ids=AMOUNTS)
def test_amounts_follow_from_price_total_and_discount(tmp_path, row, settings, paid, price, discount):
    found = shop(tmp_path, row, **settings)
    item = found.table("order_items").iloc[0]
    assert found.faults() == []
    assert found.table("orders")["total_amount"].tolist() == [Decimal(paid)]
    assert (item["price_at_time"], item["discount"]) == (Decimal(price), Decimal(discount))


CONTRADICTIONS = {
    "total above the price": ({"line_total": "20.02"}, {}, "total_differs"),
    "total that a discount does not explain": (
        {"line_total": "15.02", "discount": "5.00"}, {"discount_is": "amount_included"}, "total_differs",
    ),
    "total before a discount below the price": ({"line_total": "19.98", "discount": "5.00"}, {}, "total_differs"),
    "discount above the price": ({"discount": "20.01"}, {}, "discount_exceeds_price"),
    "share above 1": ({"discount": "20"}, {"discount_is": "rate"}, "not_a_share"),
    "amount with too many decimals": ({"discount": "0.125"}, {}, "too_many_decimals"),
    "negative shipping": ({"shipping": "-1"}, {}, "negative"),
    "no price": ({"unit_price": ""}, {}, "missing"),
}  # fmt: skip


@pytest.mark.parametrize(("row", "settings", "rule"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_row_that_contradicts_itself_is_rejected(tmp_path, row, settings, rule):
    sound = {"order": "2"} | {field: "0" for field in row if field in ("discount", "shipping")}
    sound |= {"line_total": "20.00"} if "line_total" in row else {}
    found = shop(tmp_path, sound, row, **settings)
    assert found.faults()[0][1::2] == (3, rule)
    assert len(found.faults()) == 1


def test_thousands_of_units_may_need_two_items(tmp_path):
    found = shop(tmp_path, {"unit_price": None, "line_total": "100.00", "quantity": "30001"})
    items = found.table("order_items")
    assert items["quantity"].sum() == 30_001
    assert (items["quantity"] * items["price_at_time"]).sum() == Decimal("100.00")
    assert items["order_item_id"].nunique() == len(items) == 2


def test_parts_of_a_unit_are_refused_or_one_unit_at_the_amount_of_the_row(tmp_path):
    rows = [{"quantity": "0.755", "unit_price": "9.90"}, {"quantity": "2.000", "order": "2"}]
    (fault,) = shop(tmp_path, *rows).rejects.to_dict("records")
    assert fault["rule"] == "not_an_integer"
    assert 'SET="mapping.units=decimal"' in fault["reason"]
    found = shop(tmp_path, *rows, units="decimal")
    items = found.table("order_items")
    assert items[["quantity", "price_at_time"]].to_numpy().tolist() == [[1, Decimal("7.47")], [2, Decimal("10.00")]]
    assert found.cases("Qty", "order_items: a part of a unit; loaded as 1 unit at the amount of the row") == 1


def test_a_total_may_differ_from_the_price_by_rounding(tmp_path):
    found = shop(tmp_path, {"line_total": "20.01"})
    assert found.table("orders")["total_amount"].tolist() == [Decimal("20.01")]
    assert found.cases("Sum", "order_items: differs from quantity x unit_price by rounding; line_total is used") == 1


def test_without_units_a_row_is_one_if_they_are_optional(tmp_path):
    rows = [without("quantity"), without("quantity", order="2")]
    with pytest.raises(UsageError, match="lacks quantity"):
        shop(tmp_path, *rows)
    found = shop(tmp_path, *rows, optional=["quantity"])
    assert found.table("order_items")["quantity"].tolist() == [1, 1]
    assert found.cases("", "order_items: no units; 1") == 2


def test_olist_has_a_row_per_unit_and_states_of_its_own(tmp_path):
    header = "order_id,order_purchase_timestamp,customer_unique_id,product_id,price,order_status,freight_value"
    rows = ["o1,2018-01-02 10:00:00,c1,p1,58.90,delivered,13.29"] * 2
    rows += ["o2,2018-01-03 10:00:00,c2,p2,10.00,canceled,5.00"]
    (tmp_path / "olist.csv").write_text("\n".join([header, *rows, ""]))
    found = imported(tmp_path / "olist.csv", "olist", as_of=date(2018, 2, 1), policy=Policy("BRL", 0.0, "reject"))
    orders = found.table("orders")
    assert orders["total_amount"].tolist() == [Decimal("117.80"), Decimal("10.00")]
    assert (orders["status"].tolist(), orders["shipping_amount"][0]) == (["completed", "cancelled"], Decimal("26.58"))
    assert found.table("order_items")["quantity"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(("of", "expected"), [("order", "5.00"), ("row", "10.00")])
def test_shipping_is_of_the_order_or_of_each_row(tmp_path, of, expected):
    found = shop(tmp_path, *[{"shipping": "5.00", "tax": "1.00"}] * 2, charges_of=of)
    assert found.table("orders")["shipping_amount"].tolist() == [Decimal(expected)]


def test_earlier_dates_are_a_setting(tmp_path):
    (fault,) = shop(tmp_path, {"order_date": "1998-05-01"}, {}).rejects.to_dict("records")
    assert 'SET="mapping.earliest_date=' in fault["reason"]
    assert shop(tmp_path, {"order_date": "1998-05-01"}, earliest_date="1996-01-01").faults() == []


@pytest.mark.parametrize("total", ["Total,,,,20.00", ",,Summe,,20.00", ",,,,20.00", "Total,2025-03-02,Mug,1,20.00"])
def test_a_total_below_the_rows_is_dropped(total: str, tmp_path: Path) -> None:
    """Of the width of the rows; without the word it is a damaged row, and with all cells a row like others."""
    path = tmp_path / "a.csv"
    path.write_text(f"order,order_date,product,quantity,unit_price\n1,2025-03-01,Mug,2,10.00\n{total}\n")
    found = imported(path, "lines", policy=Policy("GBP", 1.0, "reject"))
    is_total = total in ("Total,,,,20.00", ",,Summe,,20.00")
    assert found.cases("", "totals below the data; dropped") == is_total
    assert len(found.rejects) == (total == ",,,,20.00")
