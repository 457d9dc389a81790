"""Tests of the customers, products and transactions exports next to Shopify's orders, and of gift cards."""

import zipfile
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from lib.data.imports import templates
from lib.data.imports.rejects import Policy
from lib.errors import DataError
from lib.run.presets import preset_for
from tests.data.test_shopify import HEADER, MORE, full_line, line
from tests.own_files import Found, imported

Cells = dict[str, str]
CUSTOMERS = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address City,Default Address Country Code,"
    "Phone,Total Spent,Total Orders,Tags"
)
PRODUCTS = (
    "Handle,Title,Product Category,Type,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Tracker,"
    "Variant Inventory Qty,Variant Price,Image Src,Gift Card,Cost per item,Status"
)
TRANSACTIONS = "Order,Name,Kind,Gateway,Created At,Status,Amount,Currency,Card Type"
USUAL: dict[str, Cells] = {
    CUSTOMERS: {"Email": "a@example.com", "First Name": "Ada", "Last Name": "Berg", "Total Orders": "1"},
    PRODUCTS: {
        "Handle": "mug", "Title": "Mug", "Type": "Kitchen", "Option1 Name": "Title", "Option1 Value": "Default Title",
        "Variant Inventory Tracker": "shopify", "Variant Inventory Qty": "7", "Variant Price": "6.00",
        "Gift Card": "false", "Cost per item": "2.25", "Status": "active",
    },
    TRANSACTIONS: {
        "Name": "#1", "Kind": "refund", "Gateway": "shopify_payments", "Created At": "2025-02-09 10:00:00 +0000",
        "Status": "success", "Amount": "5.00", "Currency": "USD",
    },
}  # fmt: skip


def table(header: str, *rows: Cells) -> str:
    """A companion file; cells that a row does not name have the usual value."""
    lines = [",".join((USUAL[header] | row).get(name, "") for name in header.split(",")) for row in rows]
    return "\n".join([header, *lines, ""])


def shop(folder: Path, *orders: str, header: str = HEADER, **files: str) -> Found:
    """The import of a folder with an orders export, without a header in `orders`, and these files."""
    texts = {"orders_export_1": "\n".join([header, *orders, ""])} | files
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text)
    return imported(folder, "shopify", policy=Policy("USD", 1.0, "reject"))


def products(found: Found) -> dict[str, tuple[object, ...]]:
    """Category, price, cost and stock of each product by its name."""
    columns = ["category", "price", "cost", "stock_quantity"]
    frame = found.table("products").astype(object)
    frame = frame.where(frame.notna(), None)
    return {row["name"]: tuple(row[columns]) for _, row in frame.iterrows()}


def refunds(found: Found) -> list[tuple[str, str, str]]:
    """Kind, amount and day of each refund."""
    frame = found.table("refunds").sort_values(["refund_date", "amount"])
    days = frame["refund_date"].dt.strftime("%m-%d")
    return list(zip(frame["kind"], frame["amount"].map("{:.2f}".format), days, strict=True))


def counts(found: Found) -> dict[str, tuple[int, int, int, int]]:
    """Rows read, loaded, rejected and dropped as duplicates by file."""
    return {file: tuple(n) for file, *n in found.imported.lines.itertuples(index=False, name=None)}


def test_each_file_is_recognised_by_its_columns(tmp_path: Path) -> None:
    found = shop(tmp_path, line("#1", "5.00"), a=table(CUSTOMERS, {}), b=table(PRODUCTS, {}), c=table(TRANSACTIONS, {}))
    kinds = found.imported.recognised.query("setting == 'format'").set_index("file")["read as"]
    assert kinds.to_dict() == {
        "orders_export_1.csv": "shopify", "a.csv": "shopify, customers", "b.csv": "shopify, products",
        "c.csv": "shopify, transactions",
    }  # fmt: skip
    assert set(counts(found).values()) == {(1, 1, 0, 0)}
    assert found.faults() == []
    assert preset_for(tmp_path).stem == "shopify"


@pytest.mark.parametrize("name", ["*_export*.csv", "shop.zip", "."])
def test_the_files_may_be_a_pattern_an_archive_or_a_folder(name: str, tmp_path: Path) -> None:
    shop(tmp_path, line("#1", "5.00"), customers_export=table(CUSTOMERS, {}), products_export=table(PRODUCTS, {}))
    with zipfile.ZipFile(tmp_path / "shop.zip", "w") as archive:
        for path in sorted(tmp_path.glob("*.csv")):
            archive.write(path, path.name)
    if name == ".":
        (tmp_path / "shop.zip").unlink()
    found = imported(tmp_path / name, "shopify", to=tmp_path.parent / "again")
    assert (found.table("users")["name"].item(), products(found)["Mug"][2]) == ("Ada Berg", Decimal("2.25"))


def test_an_orders_export_that_lacks_a_column_is_named(tmp_path: Path) -> None:
    header = HEADER.replace("Subtotal,", "")
    with pytest.raises(DataError, match=r"orders_export_1\.csv lacks the columns Subtotal"):
        shop(tmp_path, header=header, customers_export=table(CUSTOMERS, {}))


def test_the_example_has_costs_stocks_homes_and_dates_of_refunds(tmp_path: Path) -> None:
    templates.write_templates(tmp_path / "templates", "shopify")
    found = imported(tmp_path / "templates", "shopify", policy=Policy("auto", 0.0, "reject"))
    assert products(found) == {
        "Mug": ("Kitchen", Decimal("9.99"), Decimal("4.10"), 12),
        "Mug - Red": ("Kitchen", Decimal("9.99"), Decimal("4.10"), 5),
        "Teapot": ("Kitchen", Decimal("24.00"), Decimal("11.50"), 3),
        "Soap": ("Bath", Decimal("4.50"), Decimal("1.20"), 40),
    }  # fmt: skip
    assert refunds(found) == [("cancellation", "24.00", "06-04"), ("refund", "8.99", "06-11")]
    assert found.table("users")["city"].tolist()[:2] == ["Berlin", "Lyon"]


def test_a_file_in_several_parts_is_read_once(tmp_path: Path) -> None:
    text = table(PRODUCTS, {})
    found = shop(tmp_path, line("#1", "5.00"), products_1=text, products_2=text, customers=table(CUSTOMERS, {}, {}))
    assert products(found) == {"Mug": ("Kitchen", Decimal("6.00"), Decimal("2.25"), 7)}
    assert (counts(found)["products_2.csv"], counts(found)["customers.csv"]) == ((1, 0, 0, 1), (2, 1, 0, 1))


def test_rows_that_contradict_each_other_are_rejected(tmp_path: Path) -> None:
    files = {"p_1": table(PRODUCTS, {}), "p_2": table(PRODUCTS, {"Cost per item": "9.00"})}
    found = shop(tmp_path, line("#1", "5.00"), **files, c=table(CUSTOMERS, {}, {"First Name": "Eve"}))
    assert found.faults() == [
        ("c.csv", 3, "Email", "duplicate_of_line_n"), ("p_2.csv", 2, "Handle", "duplicate_of_line_n"),
    ]  # fmt: skip
    assert "line 2 of p_1.csv already has the same value" in found.imported.examples["reason"][1]


def test_a_bad_cost_is_rejected_and_the_sale_loads(tmp_path: Path) -> None:
    found = shop(tmp_path, line("#1", "5.00"), p=table(PRODUCTS, {"Cost per item": "two"}))
    assert found.faults() == [("p.csv", 2, "Cost per item", "not_a_number")]
    assert products(found) == {"Mug": (None, Decimal("5.00"), None, None)}


def test_parts_may_be_of_different_versions(tmp_path: Path) -> None:
    earlier = "First Name,Last Name,Email,City,Country Code,Total Orders\nBen,Okafor,ben@example.com,York,GB,1\n"
    later = table(CUSTOMERS, {"Default Address City": "Oslo", "Default Address Country Code": "NO"})
    rows = [line("#1", "5.00"), line("#2", "5.00", Email="ben@example.com")]
    for names in (("a", "b"), ("b", "a")):
        folder = tmp_path / names[0]
        folder.mkdir()
        found = shop(folder, *rows, **dict(zip(names, (earlier, later), strict=True)))
        assert found.table("users").set_index("name")["city"].to_dict() == {"Ada Berg": "Oslo", "Ben Okafor": "York"}


HOMES = {  # row of the customers export, order -> name, country and city
    "the export comes first": (
        {"Default Address City": "Oslo", "Default Address Country Code": "NO"},
        {"Billing Name": "A. B.", "Billing City": "York", "Billing Country": "GB"}, ("Ada Berg", "NO", "Oslo"),
    ),
    "it lacks what the order has": (
        {"First Name": "", "Last Name": ""}, {"Billing Name": "A. B.", "Billing City": "York", "Billing Country": "GB"},
        ("A. B.", "GB", "York"),
    ),
    "a city of another country is not kept": (
        {"Default Address Country Code": "NO"}, {"Billing City": "York", "Billing Country": "GB"},
        ("Ada Berg", "NO", None),
    ),
    "a city of the same country is kept": (
        {"Default Address Country Code": "GB"}, {"Billing City": "York", "Billing Country": "GB"},
        ("Ada Berg", "GB", "York"),
    ),
    "by the telephone number": (
        {"Email": "", "Phone": "'+4930123456", "Default Address Country Code": "DE"},
        {"Email": "", "Phone": "030 123456", "Billing Country": "DE"}, ("Ada Berg", "DE", None),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("row", "order", "expected"), HOMES.values(), ids=HOMES)
def test_customers_have_their_name_and_home(
    row: Cells, order: Cells, expected: tuple[str, str, str | None], tmp_path: Path
) -> None:
    found = shop(tmp_path, line("#1", "5.00", **order), customers=table(CUSTOMERS, row))
    (user,) = found.table("users").to_dict("records")
    assert (user["name"], user["country_code"], user["city"] if pd.notna(user["city"]) else None) == expected
    assert str(user["signup_date"])[:10] == "2025-02-01"


def test_customers_without_an_order_need_a_sign_up(tmp_path: Path) -> None:
    """Ada signed up before her order, Cleo without one; of Ben no day is known."""
    rows = [{"Created At": "2024-12-31"}, {"Email": "ben@example.com"}]
    rows += [{"Email": "cleo@example.com", "First Name": "Cleo", "Created At": "2025-01-05"}]
    header = f"{CUSTOMERS},Created At"
    lines = [",".join((USUAL[CUSTOMERS] | row).get(name, "") for name in header.split(",")) for row in rows]
    found = shop(tmp_path, line("#1", "5.00"), customers="\n".join([header, *lines, ""]))
    users = found.table("users").set_index("name")["signup_date"].astype(str).to_dict()
    assert users == {"Ada Berg": "2024-12-31", "Cleo Berg": "2025-01-05"}
    assert found.cases("Created At", "users: no order and no known sign-up; not loaded") == 1


def test_orders_that_the_export_lacks_are_counted(tmp_path: Path) -> None:
    found = shop(tmp_path, line("#1", "5.00"), customers=table(CUSTOMERS, {"Total Orders": "4"}))
    assert found.cases("Total Orders", "users: Shopify counts more orders of them than the orders export has") == 1


def test_an_earlier_customers_export_has_other_names(tmp_path: Path) -> None:
    text = (
        "First Name,Last Name,Email,City,Country,Country Code,Total Orders\nAda,Berg,A@example.com,Oslo,Norway,NO,1\n"
    )
    user = shop(tmp_path, line("#1", "5.00"), customers=text).table("users").iloc[0]
    assert (user["name"], user["country_code"], user["city"]) == ("Ada Berg", "NO", "Oslo")


SOLD = {"Lineitem name": "Mug - Blue", "Lineitem sku": "M-B"}
BLUE = {"Option1 Name": "Colour", "Option1 Value": "Blue", "Variant SKU": "M-B"}
RED = {
    "Title": "", "Type": "", "Gift Card": "", "Status": "", "Option1 Value": "Red", "Variant SKU": "M-R",
    "Variant Price": "6.50", "Cost per item": "2.50", "Variant Inventory Qty": "5",
}  # fmt: skip
PICTURE = dict.fromkeys(PRODUCTS.split(","), "") | {"Handle": "mug", "Image Src": "https://example.com/2.jpg"}
OF_BLUE = ("Kitchen", Decimal("6.00"), Decimal("2.25"), 7)
OF_RED = ("Kitchen", Decimal("6.50"), Decimal("2.50"), 5)
NO_MATCH = (None, Decimal("5.00"), None, None)
MATCHES = {  # order row, variants -> products
    "by the SKU": (SOLD, [BLUE, RED, PICTURE, PICTURE], {"Mug - Blue": OF_BLUE, "Mug - Red": OF_RED}),
    "by the name without a SKU": (SOLD | {"Lineitem sku": ""}, [BLUE], {"Mug - Blue": OF_BLUE}),
    "by the name with another SKU": (SOLD | {"Lineitem sku": "OLD"}, [BLUE], {"Mug - Blue": OF_BLUE}),
    "by the title: the stocks are added": (
        {"Lineitem name": "Mug"}, [BLUE, RED], {"Mug": ("Kitchen", Decimal("6.00"), Decimal("2.25"), 12)},
    ),
    "one SKU for two variants": (
        SOLD, [BLUE, RED | {"Variant SKU": "M-B"}], {"Mug - Blue": ("Kitchen", Decimal("6.00"), Decimal("2.25"), 12)},
    ),
    "not in the export": ({"Lineitem name": "Pot"}, [BLUE], {"Pot": NO_MATCH, "Mug - Blue": OF_BLUE}),
    "a draft without a sale": (
        SOLD, [BLUE, {"Handle": "jar", "Title": "Jar", "Status": "draft"}], {"Mug - Blue": OF_BLUE},
    ),
    "a draft with a sale": (SOLD, [BLUE | {"Status": "archived"}], {"Mug - Blue": OF_BLUE}),
    "stock that nothing counts": (
        SOLD, [BLUE | {"Variant Inventory Tracker": ""}, RED],
        {"Mug - Blue": (*OF_BLUE[:3], None), "Mug - Red": OF_RED},
    ),
    "more sold than in stock": (SOLD, [BLUE | {"Variant Inventory Qty": "-3"}], {"Mug - Blue": (*OF_BLUE[:3], 0)}),
    "category from the taxonomy": (
        SOLD, [BLUE | {"Type": "", "Product Category": "Home & Garden > Kitchen > Mugs"}],
        {"Mug - Blue": ("Mugs", *OF_BLUE[1:])},
    ),
    "no cost": (SOLD, [BLUE | {"Cost per item": ""}], {"Mug - Blue": ("Kitchen", Decimal("6.00"), None, 7)}),
}  # fmt: skip


@pytest.mark.parametrize(("order", "variants", "expected"), MATCHES.values(), ids=MATCHES)
def test_products_have_category_price_cost_and_stock(
    order: Cells, variants: list[Cells], expected: dict[str, tuple[object, ...]], tmp_path: Path
) -> None:
    found = shop(tmp_path, line("#1", "5.00", **order), products_export=table(PRODUCTS, *variants))
    assert products(found) == expected
    assert found.faults() == []
    assert found.table("orders")["total_amount"].tolist() == [Decimal("5.00")]


def test_the_stock_of_a_variant_counts_once(tmp_path: Path) -> None:
    """Old orders have no SKU, so there are two products; the cost is that of both."""
    rows = [line("#1", "5.00", **SOLD | {"Lineitem sku": ""}), line("#2", "5.00", **SOLD)]
    found = shop(tmp_path, *rows, products_export=table(PRODUCTS, BLUE))
    frame = found.table("products")
    assert (frame["cost"].tolist(), frame["stock_quantity"].sum()) == ([Decimal("2.25")] * 2, 7)
    assert found.cases("Title", "products: matched by their name, since no variant has their number") == 1


def test_a_later_products_export_has_other_names(tmp_path: Path) -> None:
    text = "Title,URL handle,Type,Status,SKU,Option1 value,Price,Cost per item,Inventory quantity\n"
    found = shop(tmp_path, line("#1", "5.00", **SOLD), products=f"{text}Mug,mug,Kitchen,Active,M-B,Blue,6,2.25,7\n")
    assert products(found) == {"Mug - Blue": OF_BLUE}


LATER = {"Created At": "2025-02-20 10:00:00 +0000"}
PARTLY = {"Financial Status": "partially_refunded"}
CANCELLED = {"Cancelled at": "2025-02-12 10:00:00 +0000"}
REFUNDS = {  # an order of 50.00 of February 1st, transactions of the 9th -> refunds
    "partly": (PARTLY | {"Refunded Amount": "9.50"}, [{"Amount": "9.50"}], [("refund", "9.50", "02-09")]),
    "on two days": (
        PARTLY | {"Refunded Amount": "14.50"}, [{"Amount": "5.00"} | LATER, {"Amount": "9.50"}],
        [("refund", "9.50", "02-09"), ("refund", "5.00", "02-20")],
    ),
    "wholly, with shipping": (
        {"Financial Status": "refunded", "Refunded Amount": "57.00"}, [{"Amount": "57.00"}],
        [("refund", "50.00", "02-09")],
    ),
    "wholly on two days, with shipping": (
        {"Financial Status": "refunded", "Refunded Amount": "57.00"},
        [{"Amount": "20.00"}, {"Amount": "37.00"} | LATER],
        [("refund", "20.00", "02-09"), ("refund", "30.00", "02-20")],
    ),
    "less than the export says: the rest is of the last day": (
        PARTLY | {"Refunded Amount": "14.50"}, [{"Amount": "9.50"}],
        [("refund", "5.00", "02-09"), ("refund", "9.50", "02-09")],
    ),
    "more than the export says": (
        PARTLY | {"Refunded Amount": "5.00"}, [{"Amount": "9.50"}], [("refund", "9.50", "02-09")],
    ),
    "none in the transactions": (
        PARTLY | {"Refunded Amount": "9.50"}, [{"Kind": "sale"}], [("refund", "9.50", "02-01")],
    ),
    "failed": ({}, [{"Status": "failure"}, {"Status": "pending"}], []),
    "payments": ({}, [{"Kind": kind} for kind in ("sale", "authorization", "capture", "change", "void")], []),
    "cancelled: one cancellation on its day": (
        CANCELLED | {"Financial Status": "refunded"}, [{"Amount": "57.00"} | LATER],
        [("cancellation", "50.00", "02-12")],
    ),
    "partly refunded, later cancelled": (
        CANCELLED | PARTLY, [{"Amount": "9.50"}, {"Amount": "40.50"} | LATER],
        [("refund", "9.50", "02-09"), ("cancellation", "40.50", "02-12")],
    ),
    "voided": (
        {"Financial Status": "voided"}, [{"Kind": "authorization"}, {"Kind": "void", "Amount": "50.00"}],
        [("cancellation", "50.00", "02-09")],
    ),
    "before the order": (
        PARTLY, [{"Amount": "9.50", "Created At": "2025-01-31 10:00:00 +0000"}], [("refund", "9.50", "02-01")],
    ),
    "negative amounts, capitals": (
        PARTLY, [{"Amount": "-9.50", "Kind": "Refund", "Status": "Success"}], [("refund", "9.50", "02-09")],
    ),
    "of two ways of payment at one time": (
        PARTLY, [{"Amount": "9.50"}, {"Amount": "9.50", "Gateway": "gift_card"}],
        [("refund", "9.50", "02-09"), ("refund", "9.50", "02-09")],
    ),
    "twice in the file": (PARTLY, [{"Amount": "9.50"}, {"Amount": "9.50"}], [("refund", "9.50", "02-09")]),
}  # fmt: skip


@pytest.mark.parametrize(("order", "rows", "expected"), REFUNDS.values(), ids=REFUNDS)
def test_refunds_have_the_date_and_amount_of_their_transactions(
    order: Cells, rows: list[Cells], expected: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    found = shop(tmp_path, line("#1", "50.00", price="50.00", **order), transactions=table(TRANSACTIONS, *rows))
    assert refunds(found) == expected
    assert found.faults() == []
    assert found.table("refunds")["refund_id"].is_unique
    has_date = any(row.get("Kind", "refund") in ("refund", "Refund", "void") for row in rows) or "Cancelled at" in order
    assert found.cases("Cancelled at", "refunds: date unknown; that of the order is used") == (not has_date) * len(
        expected
    )


def test_a_transaction_of_an_order_that_is_not_in_the_export_is_counted(tmp_path: Path) -> None:
    found = shop(tmp_path, line("#1", "5.00"), transactions=table(TRANSACTIONS, {"Name": "#7"}))
    assert refunds(found) == []
    assert found.cases("Name", "refunds: their order is not in the orders export; not used") == 1


def test_a_transaction_in_another_currency_is_rejected(tmp_path: Path) -> None:
    found = shop(tmp_path, line("#1", "5.00"), transactions=table(TRANSACTIONS, {"Currency": "EUR"}))
    assert found.faults() == [("transactions.csv", 2, "Currency", "other_currency")]


def test_the_currency_of_the_orders_is_that_of_the_shop(tmp_path: Path) -> None:
    shop(tmp_path, line("#1", "5.00"), transactions=table(TRANSACTIONS, {}))
    found = imported(tmp_path, "shopify", policy=Policy("auto", 1.0, "reject"), to=tmp_path.parent / "again")
    assert found.imported.currency == "USD"


def test_the_id_tells_transactions_of_orders_of_one_name_apart(tmp_path: Path) -> None:
    rows = [full_line("#1", "5.00", Id="71"), full_line("#1", "5.00", Id="72", **{"Created at": "2025-02-03"})]
    refunded = [{"Order": "72", "Amount": "2.00"}, {"Order": "", "Amount": "3.00"}]
    header = ",".join([HEADER, *MORE])
    found = shop(tmp_path, *rows, header=header, transactions=table(TRANSACTIONS, *refunded))
    later = found.table("orders")["order_id"][1]
    assert found.table("refunds")[["order_id", "amount"]].to_numpy().tolist() == [[later, Decimal("2.00")]]
    assert found.cases("Name", "refunds: their order is not in the orders export; not used") == 1


GIFT = {"Lineitem name": "Gift Card - $25.00", "Lineitem price": "25.00", "Lineitem fulfillment status": "fulfilled"}
OWED = "order_items: a gift card; not sold, since the shop owes its value until it is used to pay"


def sold(found: Found) -> dict[str, str]:
    """Amount by name of the product."""
    items, names = found.table("order_items"), found.table("products").set_index("product_id")["name"]
    amounts = (items["price_at_time"] * items["quantity"]).groupby(items["product_id"].map(names)).sum()
    return amounts.map("{:.2f}".format).to_dict()


def test_a_gift_card_is_not_a_sale(tmp_path: Path) -> None:
    rows = [line("#1", "30.00"), line("#1", price="25.00", **GIFT)]
    found = shop(tmp_path, *rows)
    orders = found.table("orders")
    assert (sold(found), orders["total_amount"].tolist()) == ({"Mug": "5.00"}, [Decimal("5.00")])
    assert found.cases("Lineitem name", OWED) == 1


def test_a_discount_of_an_order_with_a_gift_card_is_one_of_its_goods(tmp_path: Path) -> None:
    found = shop(tmp_path, line("#1", "29.00", **{"Discount Amount": "1.00"}), line("#1", price="25.00", **GIFT))
    assert sold(found) == {"Mug": "4.00"}


def test_a_gift_card_that_the_subtotal_leaves_out_is_not_subtracted(tmp_path: Path) -> None:
    found = shop(tmp_path, line("#1", "5.00", **{"Discount Amount": "0.00"}), line("#1", price="25.00", **GIFT))
    assert sold(found) == {"Mug": "5.00"}


def test_an_order_of_gift_cards_only_is_not_loaded(tmp_path: Path) -> None:
    gift = line("#1", "25.00", **GIFT | {"Email": "b@example.com", "Financial Status": "refunded"})
    found = shop(tmp_path, gift, line("#2", "5.00"))
    assert (len(found.table("orders")), len(found.table("users")), len(found.table("refunds"))) == (1, 1, 0)
    assert found.cases("Lineitem name", "orders: only gift cards; not loaded") == 1
    assert counts(found)["orders_export_1.csv"] == (2, 2, 0, 0)


def test_the_refund_of_an_order_with_a_gift_card_is_that_of_its_goods(tmp_path: Path) -> None:
    refunded = {"Financial Status": "refunded", "Refunded Amount": "30.00"}
    found = shop(tmp_path, line("#1", "30.00", **refunded), line("#1", price="25.00", **GIFT))
    assert refunds(found) == [("refund", "5.00", "02-01")]


def test_goods_that_a_gift_card_pays_are_sold_in_full(tmp_path: Path) -> None:
    paid = {"Kind": "sale", "Gateway": "gift_card", "Amount": "5.00"}
    found = shop(tmp_path, line("#1", "5.00"), transactions=table(TRANSACTIONS, paid))
    assert (sold(found), refunds(found)) == ({"Mug": "5.00"}, [])


NAMES = {
    "Gift Card": True, "Digital gift card": True, "E-Gift Card - 50": True, "Gift card | $10": True,
    "My Shop Gift Card $100": True, "Gift Voucher": True, "Gift card holder": False, "Box for gift cards, red": False,
    "Gift wrapping": False, "Mug": False,
}  # fmt: skip


def test_gift_cards_are_recognised_by_their_name(tmp_path: Path) -> None:
    rows = [line(f"#{n}", "5.00", **{"Lineitem name": f'"{name}"'}) for n, name in enumerate(NAMES)]
    assert set(sold(shop(tmp_path, *rows))) == {name for name, is_gift in NAMES.items() if not is_gift}


def test_the_products_export_marks_gift_cards(tmp_path: Path) -> None:
    card = {"Handle": "gutschein", "Title": "Gutschein", "Gift Card": "true", "Option1 Value": "50 EUR"}
    further = {"Handle": "gutschein", "Title": "", "Gift Card": "", "Option1 Value": "100 EUR"}
    goods = {"Handle": "card", "Title": "Gift card"}
    rows = [
        line("#1", "5.00", **{"Lineitem name": "Gutschein - 100 EUR"}),
        line("#2", "5.00", **{"Lineitem name": "Gift card"}),
    ]
    found = shop(tmp_path, *rows, products_export=table(PRODUCTS, card, further, goods))
    assert set(products(found)) == {"Gift card"}
    assert found.cases("Lineitem name", OWED) == 1


CELLS = {  # column -> cells that have no meaning there
    "Variant Inventory Qty": ("7.5", "seven", "7O"), "Variant Price": ("$6.00", "6..00", "-6.00", "NaN"),
    "Cost per item": ("2.25e1", "2_25", "-2.25"), "Gift Card": ("perhaps", "2"), "Total Orders": ("1.5", "-1", "one"),
    "Default Address Country Code": ("Norway", "XX", "no"), "Email": ("ada", "@"), "Amount": ("5.00-", "$5", "5.001"),
    "Created At": ("2025-02-30", "45787.5", "1899-12-30", ""), "Currency": ("EUR",), "Handle": ("",), "Kind": ("",),
}  # fmt: skip


@pytest.mark.slow  # an import for each cell
@pytest.mark.parametrize(("column", "cells"), CELLS.items(), ids=CELLS)
def test_a_cell_without_a_meaning_is_rejected_and_the_orders_load(
    column: str, cells: tuple[str, ...], tmp_path: Path
) -> None:
    (header,) = (header for header in USUAL if column in header.split(","))
    orders = [line("#1", "5.00"), line("#2", "5.00", **PARTLY | {"Refunded Amount": "2.00"})]
    for place, cell in enumerate(cells):
        folder = tmp_path / str(place)
        folder.mkdir()
        files = {name: table(each, {}) for name, each in zip("abc", USUAL, strict=True) if each != header}
        found = shop(folder, *orders, **files, spoilt=table(header, {column: cell}))
        assert [(file, row, name) for file, row, name, _ in found.faults()] == [("spoilt.csv", 2, column)], cell
        assert counts(found)["spoilt.csv"] == (1, 0, 1, 0)
        assert found.table("orders")["total_amount"].tolist() == [Decimal("5.00")] * 2
