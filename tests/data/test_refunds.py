"""Tests of refunds in the tables format: they agree with their order, and add up to a cancelled or refunded one."""

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from tests.own_files import Found, imported, key, shop, write

PLACED = "2025-02-01T10:00:00Z"  # both orders: 10.00 of the first customer, 20.00 of the second
REFUND = {
    "refund_id": key("f", 1), "user_id": key("a", 2), "order_id": key("c", 2), "refund_date": "2025-03-01T08:00:00Z",
    "kind": "refund", "amount": "5.00",
}  # fmt: skip
ADDED = "refunds: added for a cancelled or refunded order whose refunds are below its total"
UNDATED = "refunds: date unknown; that of the order is used"


def read(folder: Path, *refunds: dict[str, str], order: dict[str, str] | None = None, **mapping: str) -> Found:
    """The shop with these refunds, and with changes of its second order."""
    rows = shop(refunds=[REFUND | {"refund_id": key("f", n)} | cells for n, cells in enumerate(refunds, 1)])
    rows["orders"][1] |= order or {}
    return imported(write(folder / "data", rows), **mapping)


@pytest.mark.parametrize("status", ["pending", "shipped", "completed"])
def test_refunds_of_a_part_are_loaded_unchanged(status: str, tmp_path: Path) -> None:
    item = {"order_item_id": key("d", 2), "quantity": "1", "amount": "10.00", "refund_date": PLACED}
    found = read(tmp_path, {}, item, order={"status": status})
    refunds = found.table("refunds")
    assert found.faults() == []
    assert refunds["amount"].tolist() == [Decimal("5.00"), Decimal("10.00")]
    assert refunds["order_id"].tolist() == [key("c", 2)] * 2
    assert refunds["order_item_id"][1] == key("d", 2)
    assert refunds["quantity"].tolist()[1] == 1
    assert found.cases("status", ADDED) == 0


FAULTS = {
    "above the order": (
        {"amount": "20.01"},
        ("amount", "exceeds_order"),
        "expected at most the total of its order, 20",
    ),
    "of another order's item": (
        {"order_item_id": key("d", 1)},
        ("order_item_id", "item_of_another_order"),
        "belongs to order cccc",
    ),
    "of another customer": (
        {"user_id": key("a", 1)},
        ("user_id", "customer_differs"),
        "line 3 of orders.csv has another customer",
    ),
    "before its order": (
        {"refund_date": "2025-02-01T09:59:59Z"},
        ("refund_date", "before_order"),
        "was placed at 2025-02-01 10:00:00",
    ),
    "of no customer and no order": ({"user_id": "", "order_id": ""}, ("user_id", "missing"), "name the order"),
    "without a date and an order": ({"refund_date": "", "order_id": ""}, ("refund_date", "missing"), "name the order"),
    "negative": ({"amount": "-5.00"}, ("amount", "not_positive"), "expected a number above 0"),
    "of nothing": ({"amount": "0.00"}, ("amount", "not_positive"), "expected a number above 0"),
    "of an unknown order": (
        {"order_id": key("c", 9)},
        ("order_id", "fk.order_id"),
        "no row of orders.csv has this key",
    ),
    "of an unknown item": (
        {"order_item_id": key("d", 9)},
        ("order_item_id", "fk.order_item_id"),
        "no row of order_items.csv",
    ),
    "of an unknown customer": ({"user_id": key("a", 9)}, ("user_id", "fk.user_id"), "no row of users.csv has this key"),
    "of an unknown kind": ({"kind": "return"}, ("kind", "not_one_of"), "refund, cancellation, credit note"),
}


@pytest.mark.parametrize(("cells", "fault", "words"), FAULTS.values(), ids=FAULTS)
def test_a_refund_that_contradicts_its_order_is_rejected(
    cells: dict[str, str], fault: tuple[str, str], words: str, tmp_path: Path
) -> None:
    found = read(tmp_path, cells, {})
    assert found.faults() == [("refunds.csv", 2, *fault)]
    assert words in found.rejects["reason"][0]
    assert found.rejects["value"][0] == cells[fault[0]].replace("T", " ").replace("Z", "+00")
    assert found.table("refunds")["refund_id"].tolist() == [key("f", 2)]


def test_refunds_that_exceed_their_order_together_are_rejected_from_there_on(tmp_path: Path) -> None:
    """15.00 fits, 99.00 never does, with 5.01 the sum is 20.01."""
    found = read(tmp_path, {"amount": "15.00"}, {"amount": "99.00"}, {"amount": "5.01"})
    assert [line for _, line, *_ in found.faults()] == [3, 4]
    assert "sum to 20.01 with this one; expected at most its total, 20.00" in found.rejects["reason"][1]


def test_the_refund_of_a_rejected_order_is_rejected_with_it(tmp_path: Path) -> None:
    found = read(tmp_path, {}, order={"total_amount": "21.00"})
    assert found.faults() == [
        ("orders.csv", 3, "total_amount", "total_differs"), ("order_items.csv", 3, "order_id", "fk.order_id"),
        ("refunds.csv", 2, "order_id", "fk.order_id"),
    ]  # fmt: skip
    assert found.imported.rejects["rejected_with_parent"].tolist() == [False, True, True]


def test_empty_cells_of_a_refund_follow_from_its_order(tmp_path: Path) -> None:
    empty = dict.fromkeys(("user_id", "order_id", "refund_date"), "") | {"order_item_id": key("d", 2)}
    refund = read(tmp_path, empty).table("refunds").iloc[0]
    assert refund["user_id"] == key("a", 2)
    assert refund["order_id"] == key("c", 2)
    assert refund["refund_date"] == pd.Timestamp(PLACED)


def test_a_refund_without_an_order_is_of_its_customer(tmp_path: Path) -> None:
    refund = read(tmp_path, {"order_id": "", "kind": "credit note", "amount": "999.00"}).table("refunds").iloc[0]
    assert (refund["user_id"], refund["amount"]) == (key("a", 2), Decimal("999.00"))
    assert pd.isna(refund["order_id"])


@pytest.mark.parametrize("keys", ["uuid", "text"])
def test_the_refund_of_a_guest_is_of_the_same_guest(keys: str, tmp_path: Path) -> None:
    found = read(tmp_path, {"user_id": ""}, order={"user_id": "", "status": "refunded"}, keys=keys)
    assert found.faults() == []
    assert found.table("refunds")["user_id"].tolist() == [found.table("orders")["user_id"][1]] * 2
    assert read(tmp_path / "named", {}, order={"user_id": ""}).faults()[0][2:] == ("user_id", "customer_differs")


CANCELLED = {"status": "cancelled", "cancelled_at": "2025-02-03T09:00:00Z"}
MISSING = {  # order, its refunds -> kind, amount and time of the added row, rows of unknown date
    "cancelled": (CANCELLED, [], ("cancellation", "20.00", "2025-02-03 09:00"), 0),
    "cancelled, time unknown": ({"status": "cancelled"}, [], ("cancellation", "20.00", "2025-02-01 10:00"), 1),
    "cancelled before it was placed": (
        CANCELLED | {"cancelled_at": "2025-01-01T00:00:00Z"}, [], ("cancellation", "20.00", "2025-02-01 10:00"), 1,
    ),
    "refunded": ({"status": "refunded"}, [], ("refund", "20.00", "2025-02-01 10:00"), 1),
    "refunded in part": ({"status": "refunded"}, [{}], ("refund", "15.00", "2025-02-01 10:00"), 1),
    "refunded by a rejected row": (
        {"status": "refunded"}, [{"amount": "20.01"}], ("refund", "20.00", "2025-02-01 10:00"), 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("order", "refunds", "added", "undated"), MISSING.values(), ids=MISSING)
def test_what_the_refunds_of_an_order_lack_is_added(
    order: dict[str, str], refunds: list[dict[str, str]], added: tuple[str, str, str], undated: int, tmp_path: Path
) -> None:
    found = read(tmp_path, *refunds, order=order)
    last = found.table("refunds").iloc[-1]
    kind, amount, time = added
    assert (last["kind"], last["amount"], last["user_id"]) == (kind, Decimal(amount), key("a", 2))
    assert (last["order_id"], last["refund_date"]) == (key("c", 2), pd.Timestamp(time, tz="UTC"))
    assert found.table("refunds")["amount"].sum() == Decimal("20.00")
    assert (found.cases("status", ADDED), found.cases("cancelled_at", UNDATED)) == (1, undated)


def test_refunds_of_the_whole_order_are_complete(tmp_path: Path) -> None:
    found = read(tmp_path, {}, {"amount": "15.00"}, order=CANCELLED)
    assert (len(found.table("refunds")), found.cases("status", ADDED)) == (2, 0)


def test_a_missing_file_of_refunds_is_like_an_empty_one(tmp_path: Path) -> None:
    rows = shop()
    rows["orders"][1]["status"] = "refunded"
    found = imported(write(tmp_path / "data", rows))
    assert found.table("refunds")["amount"].tolist() == [Decimal("20.00")]
