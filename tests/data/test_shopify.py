"""Tests of Shopify's order export: fields in the first row of an order, spread discounts, exact subtotals."""

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pandas as pd
import pytest
import yaml

from lib.data.imports.formats.shopify import NEWER
from lib.data.imports.rejects import Policy
from lib.errors import UsageError
from lib.run import params
from lib.settings import PROJECT
from tests.own_files import Found, given, imported

FIXTURE = PROJECT / "tests" / "fixtures" / "shopify.csv"
HEADER = (
    "Name,Email,Phone,Financial Status,Fulfillment Status,Currency,Subtotal,Created at,Cancelled at,Lineitem quantity,"
    "Lineitem name,Lineitem price,Lineitem sku,Lineitem discount,Billing Name,Billing City,Billing Country,"
    "Shipping City,Shipping Country,Discount Amount,Discount Code,Shipping,Taxes,Total,Refunded Amount,"
    "Lineitem fulfillment status"
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    folder = tmp_path_factory.mktemp("shopify")
    (folder / "orders_export.csv").write_bytes(FIXTURE.read_bytes())
    return imported(folder / "orders_export.csv", "shopify")


def line(name: str, subtotal: str = "", quantity: str = "1", price: str = "5.00", **more: str) -> str:
    """A row of an order; with a subtotal its first one."""
    head = (
        {"Financial Status": "paid", "Currency": "USD", "Created at": "2025-02-01 10:00:00 +0000"} if subtotal else {}
    )
    cells = {"Name": name, "Email": "a@example.com", "Subtotal": subtotal, "Lineitem quantity": quantity}
    cells |= {"Lineitem name": "Mug", "Lineitem price": price} | head | more
    return ",".join(cells.get(column, "") for column in HEADER.split(","))


def shop(folder: Path, *lines: str) -> Found:
    (folder / "orders.csv").write_text("\n".join([HEADER, *lines, ""]))
    return imported(folder / "orders.csv", "shopify")


def test_every_row_is_loaded_or_rejected(found: Found) -> None:
    assert found.imported.lines.to_dict("records") == [
        {"file": "orders_export.csv", "read": 9, "loaded": 7, "rejected": 2, "duplicates": 0}
    ]
    assert found.faults() == [
        ("orders_export.csv", 6, "Currency", "other_currency"),
        ("orders_export.csv", 7, "Name", "incomplete_order"),
    ]


def test_the_total_of_an_order_is_its_subtotal(found: Found) -> None:
    orders, items = found.table("orders"), found.table("order_items")
    assert orders["total_amount"].tolist() == [Decimal(x) for x in ("44.97", "17.00", "9.99", "10.50", "20.00")]
    assert orders["order_id"].map(sums_of(items)).tolist() == orders["total_amount"].tolist()


def sums_of(items: pd.DataFrame, decimals: int = 2) -> pd.Series:
    """Sum by order of the amounts of its items, each rounded once."""
    unit = Decimal(1).scaleb(-decimals)
    amounts = [
        (price * units).quantize(unit, ROUND_HALF_UP)
        for price, units in zip(items["price_at_time"], items["quantity"], strict=True)
    ]
    return items.assign(amount=amounts).groupby("order_id")["amount"].sum()


DIVIDED = "order_items: the amount paid does not divide by the units; the price has six decimals"


def test_a_discount_of_the_order_is_spread_to_the_cent(found: Found) -> None:
    """5.00 off 3 x 9.99 and 1 x 20.00: 2.99 and 2.01, so the mugs cost 26.98, which is 8.993333 each."""
    first = found.table("order_items").head(2)
    assert first["quantity"].tolist() == [3, 1]
    assert first["price_at_time"].tolist() == [Decimal("8.993333"), Decimal("17.99")]
    assert first["discount"].tolist() == [Decimal("0.996667"), Decimal("2.01")]
    assert found.cases("Lineitem price", DIVIDED) == 1


def test_a_row_of_very_many_units_becomes_two_rows_where_no_price_is_exact(tmp_path: Path) -> None:
    """20,001 x 1.00 less 0.01: a step of the sixth decimal is two cents, so one unit costs a cent less."""
    found = shop(tmp_path, line("#1", "20000.99", "20001", "1.00"))
    items = found.table("order_items")
    rows = list(zip(items["quantity"], items["price_at_time"], strict=True))
    assert rows == [(1, Decimal("0.99")), (20_000, Decimal("1.00"))]
    assert (found.cases("Lineitem price", DIVIDED), found.faults()) == (0, [])


CASE = "cases/shopify_kwd.csv"  # KWD: two orders of 12.345 and 7.500


def test_amounts_may_have_three_decimals(tmp_path: Path) -> None:
    policy = Policy("auto", 1.0, "reject")
    found = imported(given(CASE, tmp_path), "shopify", policy=policy)
    assert (found.faults(), found.imported.currency) == ([], "KWD")
    assert found.table("orders")["total_amount"].tolist() == [Decimal("12.345"), Decimal("7.500")]
    assert found.table("order_items")["price_at_time"].sum() == Decimal("19.845")


UNITS = [  # currency, subtotal, units, price per unit, price paid per unit
    ("JPY", "1000", "3", "500", "333.333333"), ("KWD", "1.000", "3", "0.500", "0.333333"),
    ("KWD", "0.500", "1", "0.500", "0.5"), ("USD", "1.01", "3", "0.335", "0.335"),
]  # fmt: skip


@pytest.mark.parametrize(("currency", "subtotal", "units", "price", "paid"), UNITS)
def test_the_price_paid_gives_the_amount_in_any_currency(
    tmp_path: Path, currency: str, subtotal: str, units: str, price: str, paid: str
) -> None:
    (tmp_path / "orders.csv").write_text("\n".join([HEADER, line("#1", subtotal, units, price, Currency=currency), ""]))
    found = imported(tmp_path / "orders.csv", "shopify", policy=Policy(currency, 1.0, "reject"))
    assert (found.faults(), found.table("orders")["total_amount"].item()) == ([], Decimal(subtotal))
    assert found.table("order_items")["price_at_time"].tolist() == [Decimal(paid)]


def test_amounts_of_orders_in_another_currency_are_not_held_to_its_decimals(tmp_path: Path) -> None:
    lines = [line("#1", "5.50", Currency="EUR"), line("#2", "5", price="5", Currency="JPY")]
    (tmp_path / "orders.csv").write_text("\n".join([HEADER, *lines, ""]))
    found = imported(tmp_path / "orders.csv", "shopify", policy=Policy("JPY", 1.0, "reject"))
    assert found.faults() == [("orders.csv", 2, "Currency", "other_currency")]


def test_status_follows_from_payment_shipment_and_cancellation(found: Found) -> None:
    assert found.table("orders")["status"].tolist() == ["completed", "cancelled", "refunded", "shipped", "completed"]


def test_refunds_and_cancellations_are_refunds(found: Found) -> None:
    """#1003 is refunded: 14.99 with its shipping, so the subtotal; #1006 partially: 5.00; #1002 is cancelled."""
    refunds, orders = found.table("refunds"), found.table("orders").set_index("order_id")
    assert refunds["amount"].tolist() == [Decimal("17.00"), Decimal("9.99"), Decimal("5.00")]
    assert refunds["kind"].tolist() == ["cancellation", "refund", "refund"]
    assert orders["status"][refunds["order_id"]].tolist() == ["cancelled", "refunded", "completed"]
    assert orders["user_id"][refunds["order_id"]].tolist() == refunds["user_id"].tolist()
    dates = refunds["refund_date"]
    assert dates[0] == pd.Timestamp("2025-03-06 08:00", tz="UTC")
    assert dates.tolist()[1:] == orders["order_date"][refunds["order_id"][1:]].tolist()
    assert found.cases("Cancelled at", "refunds: date unknown; that of the order is used") == 2


def test_orders_have_shipping_taxes_cancellation_and_code(found: Found) -> None:
    orders = found.table("orders")
    assert orders["shipping_amount"].tolist() == [Decimal("5.00")] * 5
    assert orders["tax_amount"].tolist() == [Decimal("0.00")] * 5
    assert orders["discount_code"].dropna().tolist() == ["SPRING"]
    assert orders["cancelled_at"].dropna().tolist() == [pd.Timestamp("2025-03-06 08:00", tz="UTC")]


@pytest.mark.parametrize(
    ("total", "on_top"), [("16.90", "0.00"), ("18.80", "1.90"), ("17.90", "1.00"), ("19.80", "1.90"), ("", "1.90")]
)
def test_taxes_that_the_prices_include_are_not_on_top_of_them(total: str, on_top: str, tmp_path: Path) -> None:
    """None, all or a part of the taxes of 1.90 is on top of 11.90 and shipping of 5.00, or a tip is too."""
    found = shop(tmp_path, line("#1", "11.90", price="11.90", Shipping="5.00", Taxes="1.90", Total=total))
    assert found.table("orders")["tax_amount"].tolist() == [Decimal(on_top)]
    assert found.cases("Taxes", "orders: taxes that the prices include; not counted on top of them") == (
        on_top != "1.90"
    )


def test_timestamps_are_in_utc(found: Found) -> None:
    assert found.table("orders")["order_date"][0] == pd.Timestamp("2025-03-04 08:14:02", tz="UTC")
    assert found.table("orders")["order_date"][2] == pd.Timestamp("2025-03-31 22:30:00", tz="UTC")


def test_customers_are_identified_by_address(found: Found) -> None:
    users = found.table("users")
    assert users["email"].tolist()[:2] == ["Ada@Example.com", "ben@example.com"], "as in the latest order"
    assert users["name"].tolist() == ["Ada Berg-Lund", "Ben Okafor", "Guest of order #1005"]
    assert users["country_code"].tolist() == ["SE", "GB", "IT"]
    assert users["country"].tolist() == ["Sweden", "United Kingdom", "Italy"]
    assert users["city"].tolist() == ["Malmö", "York", "Turin"]
    assert users["signup_date"].dt.strftime("%Y-%m-%d").tolist() == ["2025-03-04", "2025-03-05", "2025-04-03"]


def test_an_order_without_address_and_number_has_a_guest_of_its_own(found: Found) -> None:
    assert found.table("users")["is_guest"].tolist() == [False, False, True]
    guest = found.table("users").iloc[2]
    assert guest["email"] == f"{guest['user_id']}@no-email.invalid"


NUMBERS = [  # in Bangladesh (880), France (33) and the United States (1): numbers of one customer
    ("BD", ["'01711000001", "+8801711000001", "00880 1711-000001", "8801711000001", "1711000001"]),
    ("FR", ["06 12 34 56 78", "+33 6 12 34 56 78", "+33 (0)6 12345678", "33612345678"]),
    ("US", ["(212) 555-0100", "+1 212-555-0100", "12125550100", "212.555.0100"]),
    ("IN", ["9198765432", "+91 91987 65432", "09198765432"]),
    ("", ["+49 30 1234567", "0049301234567"]),
]


@pytest.mark.parametrize(("country", "numbers"), NUMBERS, ids=[country for country, _ in NUMBERS])
def test_a_telephone_number_identifies_a_customer_in_any_spelling(
    country: str, numbers: list[str], tmp_path: Path
) -> None:
    other = [*numbers, numbers[0][:-1] + "9"]
    more = [{"Email": "", "Phone": number, "Shipping Country": country} for number in other]
    found = shop(tmp_path, *[line(f"#{place}", "5.00", **cells) for place, cells in enumerate(more)])
    keys = found.table("orders")["user_id"]
    assert keys.value_counts().tolist() == [len(numbers), 1], "the last number is another one"
    assert not found.table("users")["is_guest"].any()


@pytest.mark.parametrize("number", ["", "0000000", "12345", "8.80171E+12", "call me", "n/a"])
def test_a_text_that_is_not_a_telephone_number_identifies_no_customer(number: str, tmp_path: Path) -> None:
    found = shop(tmp_path, *[line(name, "5.00", Email="", Phone=number) for name in ("#1", "#2")])
    assert found.table("users")["is_guest"].tolist() == [True, True]


def test_an_address_identifies_before_a_number(tmp_path: Path) -> None:
    found = shop(tmp_path, *[line(f"#{n}", "5.00", Email=f"{n}@example.com", Phone="+4930123456") for n in (1, 2)])
    assert found.table("users")["email"].tolist() == ["1@example.com", "2@example.com"]


def test_free_products_and_orders_are_loaded(tmp_path: Path) -> None:
    gift = {"Lineitem name": "Card"}
    found = shop(
        tmp_path, line("#1", "5.00"), line("#1", price="0.00", **gift), line("#2", "0.00", price="0.00", **gift)
    )
    assert found.faults() == []
    assert found.table("products").set_index("name")["price"].to_dict() == {"Mug": Decimal(5), "Card": Decimal(0)}
    assert found.table("orders")["total_amount"].tolist() == [Decimal("5.00"), Decimal("0.00")]
    assert len(found.table("order_items")) == 3


def test_the_example_of_a_bundle(tmp_path: Path) -> None:
    found = imported(given("cases/shopify_bundle_zero.csv", tmp_path), "shopify", policy=Policy("ZAR"))
    orders, items = found.table("orders"), found.table("order_items")
    assert (len(orders), orders["total_amount"].sum()) == (2, Decimal("33286.00"))
    assert items.groupby("order_id").size()[orders["order_id"]].tolist() == [6, 1]
    assert found.faults() == []


NOT_SOLD = "order_items: a row that is not in the subtotal, such as a tip or a removed row; not sold"
UNEXPLAINED = "orders: their rows exceed the subtotal by more than the discounts; spread as a discount"


def sold(found: Found) -> dict[str, Decimal]:
    """Amount paid by name of the product; the tables must agree on the totals."""
    orders, items = found.table("orders"), found.table("order_items")
    paid = items["price_at_time"] * items["quantity"]
    assert paid.groupby(items["order_id"]).sum().to_dict() == orders.set_index("order_id")["total_amount"].to_dict()
    names = found.table("products").set_index("product_id")["name"]
    assert set(names.index) == set(items["product_id"]), "no product without a sale"
    return paid.groupby(items["product_id"].map(names)).sum().to_dict()


def test_the_example_of_a_tip(tmp_path: Path) -> None:
    found = imported(given("cases/shopify_tip.csv", tmp_path), "shopify")
    assert sold(found) == {"Ramp": Decimal("119.20"), "Mat": Decimal("25.00")}
    assert found.table("order_items")["discount"].tolist() == [Decimal("29.80"), Decimal("0.00")]
    assert len(found.table("refunds")) == 0
    assert found.cases("Lineitem name", NOT_SOLD) == 1
    assert found.faults() == []


EXTRA_ROWS = {  # further rows of an order with a subtotal of 20.00 after a mug of 20.00 -> products, rows not sold
    "removed row": ([("Bowl", "15.00", "")], {"Discount Amount": "0.00"}, {"Mug": "20.00"}, 1),
    "two removed rows": ([("Bowl", "15.00", ""), ("Jar", "7.50", "")], {"Discount Amount": "0"}, {"Mug": "20.00"}, 2),
    "removed row of an order with a discount": (
        [("Bowl", "15.00", ""), ("Jar", "5.00", "")], {"Discount Amount": "5.00"}, {"Mug": "16.00", "Jar": "4.00"}, 1,
    ),
    "one of two equal rows removed": (
        [("Bowl", "5.00", "")] * 2, {"Discount Amount": "5.00"}, {"Mug": "16.00", "Bowl": "4.00"}, 1,
    ),
    "tip by its name": ([("Tip", "3.00", "")], {}, {"Mug": "20.00"}, 1),
    "gift card by its status": ([("Voucher", "25.00", "not_eligible")], {}, {"Mug": "20.00"}, 1),
    "tip rather than a product of its price": (
        [("Jar", "5.00", ""), ("Tip", "5.00", "")], {"Discount Amount": "5.00"}, {"Mug": "16.00", "Jar": "4.00"}, 1,
    ),
    "tip known by the amount paid, discount on shipping": (
        [("Tip", "3.00", "")], {"Discount Amount": "5.00", "Total": "24.00", "Taxes": "1.00"}, {"Mug": "20.00"}, 1,
    ),
    "tip known by the amount paid, discount unknown": (
        [("Jar", "5.00", ""), ("Tip", "3.00", "")], {"Total": "24.00", "Taxes": "1.00"},
        {"Mug": "16.00", "Jar": "4.00"}, 1,
    ),
    "tip in the subtotal": ([("Tip", "5.00", "")], {"Discount Amount": "5.00"}, {"Mug": "16.00", "Tip": "4.00"}, 0),
    "discount unknown": ([("Jar", "5.00", "")], {}, {"Mug": "16.00", "Jar": "4.00"}, 0),
    "no row of this amount": (
        [("Jar", "5.00", "")], {"Discount Amount": "1.00"}, {"Mug": "16.00", "Jar": "4.00"}, 0,
    ),
    "rows of this amount in two ways": (
        [("Jar", "6.00", ""), ("Cup", "6.00", "")], {"Discount Amount": "6.00"},
        {"Mug": "12.50", "Jar": "3.75", "Cup": "3.75"}, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "head", "amounts", "not_sold"), EXTRA_ROWS.values(), ids=EXTRA_ROWS)
def test_rows_that_are_not_in_the_subtotal_do_not_sell(
    rows: list[tuple[str, str, str]], head: dict[str, str], amounts: dict[str, str], not_sold: int, tmp_path: Path
) -> None:
    columns = ("Lineitem name", "Lineitem price", "Lineitem fulfillment status")
    further = [line("#1", **dict(zip(columns, row, strict=True))) for row in rows]
    found = shop(tmp_path, line("#1", "20.00", price="20.00", **head), *further)
    assert sold(found) == {name: Decimal(amount) for name, amount in amounts.items()}
    assert found.cases("Lineitem name", NOT_SOLD) == not_sold


def test_a_discount_that_nothing_explains_is_spread_and_counted(tmp_path: Path) -> None:
    rows = [line(f"#{n}", "9.00" if first else "", **{"Discount Amount": "0.50"}) for n in (1, 2) for first in (1, 0)]
    found = shop(tmp_path, *rows, line("#3", "4.50", **{"Discount Amount": "0.50"}))
    assert found.cases("Discount Amount", UNEXPLAINED) == 2
    assert found.cases("Subtotal", "orders: a discount of the whole order, spread over its rows by cost") == 3


def test_the_first_row_of_an_order_may_be_removed_from_it(tmp_path: Path) -> None:
    first = line("#1", "20.00", price="15.00", **{"Lineitem name": "Bowl", "Discount Amount": "0.00"})
    assert sold(shop(tmp_path, first, line("#1", price="20.00"))) == {"Mug": Decimal("20.00")}


def test_an_order_keeps_its_rows_if_none_is_in_the_subtotal(tmp_path: Path) -> None:
    found = shop(tmp_path, line("#1", "0.00", **{"Discount Amount": "0.00"}))
    assert sold(found) == {"Mug": Decimal("0.00")}


def test_an_order_of_many_rows_is_examined_in_a_moment(tmp_path: Path) -> None:
    """300 rows of different prices have more subsets than there is time for."""
    head = line("#1", "100.00", price="100.00", **{"Discount Amount": "0.00"})
    prices = [f"{17 + 31 * n % 997}.{n % 100:02}" for n in range(300)]
    names = [{"Lineitem name": f"Jar {n}"} for n in range(300)]
    found = shop(tmp_path, head, *[line("#1", price=p, **name) for p, name in zip(prices, names, strict=True)])
    assert found.cases("Lineitem name", NOT_SOLD) == 0
    assert sum(sold(found).values()) == Decimal("100.00")


REFUNDS = {  # fields of an order of 50.00 -> kind, amount and day of its refund
    "refunded with shipping": ({"Financial Status": "refunded", "Refunded Amount": "57.00"}, ("refund", "50.00", 1)),
    "refunded, amount unknown": ({"Financial Status": "refunded"}, ("refund", "50.00", 1)),
    "partially": ({"Financial Status": "partially_refunded", "Refunded Amount": "9.50"}, ("refund", "9.50", 1)),
    "more than the goods": (
        {"Financial Status": "partially_refunded", "Refunded Amount": "53.00"}, ("refund", "50.00", 1),
    ),
    "partially, amount unknown": ({"Financial Status": "partially_refunded"}, None),
    "part of a cash order": ({"Financial Status": "pending", "Refunded Amount": "9.50"}, ("refund", "9.50", 1)),
    "cancelled": ({"Cancelled at": "2025-02-03 10:00:00 +0000"}, ("cancellation", "50.00", 3)),
    "refunded and cancelled": (
        {"Financial Status": "refunded", "Cancelled at": "2025-02-03 10:00:00 +0000", "Refunded Amount": "57.00"},
        ("cancellation", "50.00", 3),
    ),
    "voided": ({"Financial Status": "voided"}, ("cancellation", "50.00", 1)),
    "cancelled before it was placed": ({"Cancelled at": "2025-01-31 10:00:00 +0000"}, ("cancellation", "50.00", 1)),
    "paid": ({"Refunded Amount": "0.00"}, None),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), REFUNDS.values(), ids=REFUNDS)
def test_an_order_has_the_refund_that_its_fields_say(
    fields: dict[str, str], expected: tuple[str, str, int] | None, tmp_path: Path
) -> None:
    found = shop(tmp_path, line("#1", "50.00", price="50.00", **fields), line("#2", "5.00"))
    refunds = found.table("refunds")
    amounts = refunds["amount"].map("{:.2f}".format)
    rows = list(zip(refunds["kind"], amounts, refunds["refund_date"].dt.day, strict=True))
    assert rows == ([expected] if expected else [])
    unknown = "refunds: date unknown; that of the order is used"
    assert found.cases("Cancelled at", unknown) == (expected is not None and expected[2] == 1)
    lacking = fields == {"Financial Status": "partially_refunded"}
    assert found.cases("Refunded Amount", "orders: partially refunded, amount unknown; counted in full") == lacking


def test_a_free_order_has_no_refund(tmp_path: Path) -> None:
    found = shop(tmp_path, line("#1", "0.00", price="0.00", **{"Financial Status": "voided"}))
    assert (found.table("orders")["status"].tolist(), len(found.table("refunds"))) == (["cancelled"], 0)


def test_a_negative_refund_is_rejected(tmp_path: Path) -> None:
    found = shop(tmp_path, line("#1", "5.00", **{"Refunded Amount": "-1.00"}), line("#2", "5.00"))
    assert found.faults() == [("orders.csv", 2, "Refunded Amount", "negative")]


def test_a_refund_has_the_same_key_in_a_later_export(tmp_path: Path) -> None:
    part = shop(tmp_path, line("#1", "5.00", **{"Refunded Amount": "1.00"})).table("refunds")
    whole = shop(tmp_path, line("#1", "5.00", **{"Financial Status": "voided"})).table("refunds")
    assert part["refund_id"].tolist() == whole["refund_id"].tolist()


def test_an_earlier_export_without_the_newer_columns_is_loaded(tmp_path: Path) -> None:
    mapped = yaml.safe_load(params.find("shopify").read_text("utf-8"))["mapping"]["columns"]
    columns = {column: field for field, column in mapped.items() if isinstance(column, str)}
    kept = [place for place, column in enumerate(HEADER.split(",")) if columns[column] not in NEWER]
    rows = [HEADER, line("#1", "9.00"), line("#1"), line("#2", "5.00", **{"Financial Status": "refunded"})]
    lines = [",".join(row.split(",")[place] for place in kept) for row in rows]
    (tmp_path / "orders.csv").write_text("\n".join([*lines, ""]))
    found = imported(tmp_path / "orders.csv", "shopify")
    assert found.faults() == []
    assert found.table("orders")["total_amount"].tolist() == [Decimal("9.00"), Decimal("5.00")]
    assert found.table("refunds")["amount"].tolist() == [Decimal("5.00")]
    assert found.cases("Refunded Amount", "column is not in the file; left empty") == 1


def test_the_example_of_a_month_border(tmp_path: Path) -> None:
    path = given("cases/shopify_month_border.csv", tmp_path)
    for zone, sales in (("America/Los_Angeles", {5: 100, 6: 100}), ("UTC", {6: 160, 7: 40})):
        orders = imported(path, "shopify", shop_zone=zone).table("orders")
        months = orders["order_date"].dt.tz_convert(zone).dt.month
        assert orders["total_amount"].groupby(months).sum().to_dict() == sales


def test_the_example_of_two_exports_as_one(tmp_path: Path) -> None:
    """The later export comes last: its row of #1002 is the one that counts."""
    may, june = (given(f"cases/shopify_append_{month}.csv", tmp_path).read_text() for month in ("may", "june"))
    first, *_ = may.splitlines()[1:]
    (tmp_path / "both.csv").write_text("\n".join([may.splitlines()[0], first, *june.splitlines()[1:], ""]))
    found = imported(tmp_path / "both.csv", "shopify")
    orders, refunds = found.table("orders"), found.table("refunds")
    assert (len(orders), orders["total_amount"].sum()) == (3, Decimal("110.00"))
    assert refunds["amount"].tolist() == [Decimal("50.00")]
    signups = found.table("users").set_index("email")["signup_date"]
    assert signups["a@example.com"] == pd.Timestamp("2025-05-10")


def test_the_example_of_cash_on_delivery(tmp_path: Path) -> None:
    found = imported(given("cases/shopify_cod_phone.csv", tmp_path), "shopify", policy=Policy("BDT"))
    orders = found.table("orders")
    assert orders["status"].tolist() == ["shipped", "shipped", "cancelled"]
    assert orders["total_amount"].tolist() == [Decimal("1400.00"), Decimal("2100.00"), Decimal("1400.00")]
    assert orders["user_id"].nunique() == 2
    assert orders["user_id"][0] == orders["user_id"][1]
    assert not found.table("users")["is_guest"].any()
    refunds = found.table("refunds")
    assert (refunds["amount"].tolist(), refunds["kind"].tolist()) == ([Decimal("1400.00")], ["cancellation"])
    assert refunds["refund_date"].tolist() == [pd.Timestamp("2025-05-07 04:00", tz="UTC")]
    assert orders["total_amount"].sum() - refunds["amount"].sum() == Decimal("3500.00")


def test_a_product_has_its_latest_name_and_price_above_zero(found: Found) -> None:
    products = found.table("products").set_index("name")
    assert products["price"].to_dict() == {
        "Bowl": Decimal("10.50"), "Mug - Blue, glazed": Decimal("9.99"), "Teapot": Decimal("20.00"),
    }  # fmt: skip


def test_examples_contain_no_names_and_addresses(found: Found) -> None:
    shown = found.imported.examples.to_csv() + found.imported.rejects.to_csv() + found.imported.notes.to_csv()
    assert not any(word in shown for word in ("@", "Cleo", "Ada"))


FAULTS = {
    "first row without date": ([line("#1", "5.00", **{"Created at": ""})], [(2, "Created at", "missing")]),
    "first row without currency": ([line("#1", "5.00", Currency="")], [(2, "Currency", "missing")]),
    "unknown status": (
        [line("#1", "5.00", **{"Financial Status": "sent"})], [(2, "Financial Status", "not_one_of")],
    ),
    "two orders of one name": (
        [line("#1", "5.00"), line("#1", "5.00")],
        [(2, "Name", "incomplete_order"), (3, "Name", "duplicate_of_line_n")],
    ),
    "discount above the price": (
        [line("#1", "4.00", **{"Lineitem discount": "6.00"})], [(2, "Lineitem discount", "discount_exceeds_price")],
    ),
    "subtotal above the rows": ([line("#1", "5.01")], [(2, "Subtotal", "total_differs")]),
    "bad row": (
        [line("#1", "10.00"), line("#1", quantity="-1")],
        [(2, "Name", "incomplete_order"), (3, "Lineitem quantity", "not_positive")],
    ),
    "row that is cut off": (
        [line("#1", "5.00", price="9.00"), "#1,a@e"],
        [(2, "Name", "incomplete_order"), (3, "", "wrong_field_count")],
    ),
    "no first row": ([line("#1")], [(2, "Name", "incomplete_order")]),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "faults"), FAULTS.values(), ids=FAULTS)
def test_an_order_is_whole_or_rejected(lines: list[str], faults: list[tuple[int, str, str]], tmp_path: Path) -> None:
    good = line("#9", "5.00", **{"Lineitem name": "Pot"})
    found = shop(tmp_path, *lines, good)
    assert found.faults() == [("orders.csv", *fault) for fault in faults]
    assert len(found.table("orders")) == 1


def test_discounts_of_any_size_are_exact(tmp_path: Path) -> None:
    """Every subtotal from nothing to all of 3 x 0.05 + 2 x 0.01 + 7 x 0.13: units stay whole, and no cent is lost."""
    lines = []
    for cents in range(109):
        lines += [line(f"#{cents}", f"{cents / 100:.2f}", "3", "0.05"), line(f"#{cents}", "", "2", "0.01")]
        lines += [line(f"#{cents}", "", "7", "0.13")]
    found = shop(tmp_path, *lines)
    orders, items = found.table("orders"), found.table("order_items")
    assert orders["order_id"].map(sums_of(items)).tolist() == orders["total_amount"].tolist()
    assert set(items.groupby("order_id")["quantity"].sum()) == {12}
    assert (items["discount"] >= 0).all()
    assert found.faults() == []


def test_the_currency_may_follow_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("\n".join([HEADER, line("#1", "5.00", Currency="EUR"), ""]))
    found = imported(tmp_path / "orders.csv", "shopify", policy=Policy("auto", 1.0, "reject"))
    assert (found.imported.currency, found.faults()) == ("EUR", [])
    several = [line("#1", "5.00", Currency="EUR"), line("#2", "5.00", Currency="EUR"), line("#3", "5.00")]
    (tmp_path / "orders.csv").write_text("\n".join([HEADER, *several, ""]))
    with pytest.raises(UsageError, match=r'name EUR \(2\), USD \(1\); expected one\. Set it, as in SET="curr'):
        imported(tmp_path / "orders.csv", "shopify", policy=Policy("auto", 1.0, "reject"))


MORE = {"Id": "", "Source": "", "Duties": ""}


def full_shop(folder: Path, *lines: str) -> Found:
    """A shop whose rows have the columns of MORE after the others."""
    header = ",".join([HEADER, *MORE])
    (folder / "orders.csv").write_text("\n".join([header, *lines, ""]))
    return imported(folder / "orders.csv", "shopify")


def full_line(name: str, subtotal: str = "", **more: str) -> str:
    cells = MORE | {column: more.pop(column) for column in MORE if column in more}
    return ",".join([line(name, subtotal, **more), *cells.values()])


SHARED = {"Created at": "2025-02-03 10:00:00 +0000"}


def test_orders_of_one_name_differ_by_their_id(tmp_path: Path) -> None:
    rows = [full_line("#1", "5.00", Id="2", **SHARED), full_line("#1", "10.00", Id="1"), full_line("#1")]
    found = full_shop(tmp_path, *rows)
    assert found.faults() == []
    orders = found.table("orders")
    assert orders["total_amount"].tolist() == [Decimal("5.00"), Decimal("10.00")]
    assert found.table("order_items").groupby("order_id").size().loc[orders["order_id"]].tolist() == [1, 2]
    assert found.cases("Id", "orders: of a name that an earlier order has; the Id tells them apart") == 1
    alone = full_shop(tmp_path, full_line("#1", "10.00", Id="1"), full_line("#1")).table("orders")["order_id"]
    assert alone.tolist() == [orders["order_id"][1]], "the first order of a name keeps its key"


@pytest.mark.parametrize(("number", "words"), [("7", "remove the older rows"), ("", "export with the column Id")])
def test_an_order_that_is_in_the_file_twice_is_rejected(tmp_path: Path, number: str, words: str) -> None:
    found = full_shop(tmp_path, *[full_line("#1", "5.00", Id=number)] * 2)
    assert [(line, rule) for _, line, _, rule in found.faults()] == [
        (2, "incomplete_order"),
        (3, "duplicate_of_line_n"),
    ]
    assert words in found.rejects["reason"][1]


def test_a_bad_row_of_a_second_order_leaves_the_first_of_that_name(tmp_path: Path) -> None:
    rows = [full_line("#1", "5.00", Id="1"), full_line("#1", "10.00", Id="2", **SHARED), full_line("#1", quantity="x")]
    found = full_shop(tmp_path, *rows)
    assert [(line, rule) for _, line, _, rule in found.faults()] == [(3, "incomplete_order"), (4, "not_an_integer")]
    assert found.table("orders")["total_amount"].tolist() == [Decimal("5.00")]


EDITS = {  # rows of an order after it was edited -> subtotal, status, sold
    "a row was added, which is not paid yet": (
        ("12.00", "partially_paid"), [("Mug", "1", "5.00", ""), ("Jar", "1", "7.00", "")],
        "pending", {"Mug": "5.00", "Jar": "7.00"}, 0,
    ),
    "a row was added and paid": (
        ("12.00", "paid"), [("Mug", "1", "5.00", ""), ("Jar", "1", "7.00", "")],
        "completed", {"Mug": "5.00", "Jar": "7.00"}, 0,
    ),
    "a row was removed": (
        ("5.00", "paid"), [("Mug", "1", "5.00", ""), ("Jar", "1", "7.00", "")], "completed", {"Mug": "5.00"}, 1,
    ),
    "a row was replaced": (
        ("7.00", "partially_refunded"), [("Mug", "1", "9.00", ""), ("Jar", "1", "7.00", "")],
        "completed", {"Jar": "7.00"}, 1,
    ),
    "units were added": (("15.00", "paid"), [("Mug", "3", "5.00", "")], "completed", {"Mug": "15.00"}, 0),
    "all rows were removed": (("0.00", "refunded"), [("Mug", "1", "5.00", "")], "refunded", {"Mug": "0.00"}, 0),
}  # fmt: skip


@pytest.mark.parametrize(("head", "rows", "status", "amounts", "not_sold"), EDITS.values(), ids=EDITS)
def test_an_edited_order_sells_what_it_has_now(
    head: tuple[str, str],
    rows: list[tuple[str, ...]],
    status: str,
    amounts: dict[str, str],
    not_sold: int,
    tmp_path: Path,
) -> None:
    columns = ("Lineitem name", "Lineitem quantity", "Lineitem price", "Lineitem discount")
    first = {"Financial Status": head[1], "Discount Amount": "0.00"}
    lines = [
        line("#1", head[0] if not place else "", **dict(zip(columns, row, strict=True)), **(first if not place else {}))
        for place, row in enumerate(rows)
    ]
    found = shop(tmp_path, *lines)
    assert (found.faults(), found.table("orders")["status"].tolist()) == ([], [status])
    assert sold(found) == {name: Decimal(amount) for name, amount in amounts.items()}
    assert found.cases("Lineitem name", NOT_SOLD) == not_sold


def test_an_order_that_replaces_a_draft_is_a_sale_of_its_own(tmp_path: Path) -> None:
    """The draft was cancelled; the order that replaces it has its name, and is of another channel."""
    draft = {"Source": "shopify_draft_order", "Cancelled at": "2025-02-02 10:00:00 +0000", "Financial Status": "voided"}
    found = full_shop(tmp_path, full_line("#1", "5.00", Id="1", **draft), full_line("#1", "5.00", Id="2", **SHARED))
    assert found.faults() == []
    assert found.table("orders")["status"].tolist() == ["cancelled", "completed"]
    assert found.table("refunds")["amount"].tolist() == [Decimal("5.00")]
    assert found.table("users")["acquisition_channel"].tolist() == ["shopify_draft_order"]


def test_an_order_of_the_till_has_a_guest_and_its_channel(tmp_path: Path) -> None:
    user = full_shop(tmp_path, full_line("#1", "5.00", Source="pos", Email="")).table("users").iloc[0]
    assert (user["is_guest"], user["acquisition_channel"]) == (True, "pos")


def test_duties_are_taxes_and_no_tip(tmp_path: Path) -> None:
    head = {"Total": "9.00", "Taxes": "1.00", "Duties": "1.00", "Shipping": "0.00", "Discount Amount": "0.00"}
    tip = full_line("#1", price="2.00", **{"Lineitem name": "Tip", "Lineitem fulfillment status": "not_eligible"})
    found = full_shop(tmp_path, full_line("#1", "5.00", **head), tip)
    assert found.table("orders")[["total_amount", "tax_amount"]].to_numpy().tolist() == [
        [Decimal("5.00"), Decimal("2.00")]
    ]
    assert len(found.table("order_items")) == 1
    assert found.cases("Duties", "orders: duties; added to the taxes") == 1


def test_a_refusal_counts_each_kind_with_its_amount_and_the_setting_that_loads_the_others(tmp_path: Path) -> None:
    lines = [line(f"#{n}", "5.00", Currency="EUR") for n in range(3)] + [line("#8", "5.00"), line("#9", quantity="x")]
    (tmp_path / "orders.csv").write_text("\n".join([HEADER, *lines, ""]))
    words = imported(tmp_path / "orders.csv", "shopify", policy=Policy("USD", 0.5, "reject")).imported.refusal.split(
        "\n"
    )
    assert words[0].startswith("4 of 5 rows are invalid, but max_reject_share is 0.5. Correct them")
    assert 'or load the others with SET="max_reject_share=0.8".' in words[0]
    assert words[1].startswith(
        "3 rows that sell for 15.00 (lines 2, 3, 4), such as orders.csv, line 2, column Currency, 'EUR': expected USD"
    )
    assert words[2].startswith("orders.csv, line 6, column Lineitem quantity, 'x': expected a whole number")
