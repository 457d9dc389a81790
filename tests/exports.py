"""The synthetic shop as exports of other systems, with the truth. Run as a command: python -m tests.exports FOLDER."""

import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from lib.catalog import tables
from lib.data import synthetic

__all__ = [
    "LAYOUTS",
    "Layout",
    "Line",
    "returns",
    "shop_tables",
    "shop_tables_with_visitors",
    "sold_lines",
    "write_companions",
    "write_export",
    "write_tables",
]

COUNTS = synthetic.Counts(marketing_campaigns=4, users=220, products=40, orders=340, events=2_400)
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Line:
    """An item of an order, or a return of units with its own date; `first` is true in the first row of an order."""

    order: str
    date: pd.Timestamp
    first: bool
    customer: str
    email: str
    name: str
    sku: str
    product: str
    category: str
    quantity: int
    price: Decimal
    off: Decimal
    status: str
    country_code: str
    country: str
    refund: Decimal
    cancelled: str
    subtotal: Decimal

    @property
    def gross(self) -> Decimal:
        """Amount of the row at the list price."""
        return self.quantity * self.price

    @property
    def total(self) -> Decimal:
        """Amount of the row after its discount."""
        return self.gross - self.off

    @property
    def shipping(self) -> Decimal:
        """Shipping of the order."""
        return Decimal("4.90") if self.subtotal < 50 else Decimal("0.00")


@cache
def shop_tables() -> dict[str, pd.DataFrame]:
    """Tables of the synthetic shop."""
    return synthetic.generate_shop(counts=COUNTS)


@cache
def sold_lines() -> tuple[Line, ...]:
    """One line per item in the order of the orders."""
    shop = shop_tables()
    users, products = shop["users"].set_index("user_id"), shop["products"].set_index("product_id")
    numbers = {key: f"U-{place:05}" for place, key in enumerate(users.index, 10_001)}
    codes = {key: f"{place:04}-A" for place, key in enumerate(products.index, 1)}
    refunds = shop["refunds"].groupby("order_id")["amount"].sum()
    items = shop["order_items"].groupby("order_id")
    lines = []
    for place, order in enumerate(shop["orders"].itertuples(), 1_001):
        user = users.loc[order.user_id]
        for row, item in enumerate(items.get_group(order.order_id).itertuples()):
            product = products.loc[item.product_id]
            cents = {
                name: Decimal(value).quantize(CENT)
                for name, value in (
                    ("price", item.price_at_time + item.discount),
                    ("off", item.quantity * item.discount),
                )
            }
            lines.append(
                Line(
                    order=str(place), date=order.order_date, first=row == 0, customer=numbers[order.user_id],
                    email=user["email"], name=user["name"], sku=codes[item.product_id], product=product["name"],
                    category=product["category"], quantity=item.quantity, status=order.status,
                    country_code=order.shipping_country_code, country=user["country"],
                    refund=Decimal(refunds.get(order.order_id, 0)).quantize(CENT),
                    cancelled=_stamp(order.cancelled_at), subtotal=Decimal(order.total_amount).quantize(CENT), **cents,
                )
            )  # fmt: skip
    return tuple(lines)


def returns() -> Iterator[Line]:
    """Lines of the units of items that came back, without their orders: negative, at the time of the refund."""
    shop = shop_tables()
    places = {key: place for place, key in enumerate(_item_order())}
    for refund in shop["refunds"].dropna(subset="order_item_id").itertuples():
        line = sold_lines()[places[refund.order_item_id]]
        paid = line.total / line.quantity
        assert paid * refund.quantity == refund.amount, "the synthetic shop refunds units at the price paid"
        off = line.off / line.quantity * refund.quantity
        changes = {"date": refund.refund_date, "quantity": -refund.quantity, "off": -off, "first": False}
        yield Line(**{**vars(line), **changes})


def _item_order() -> list[str]:
    """Keys of the items in the order of sold_lines."""
    groups = shop_tables()["order_items"].groupby("order_id")
    return [key for order in shop_tables()["orders"]["order_id"] for key in groups.get_group(order)["order_item_id"]]


def _stamp(time: pd.Timestamp) -> str:
    return "" if pd.isna(time) else f"{time:%Y-%m-%d %H:%M:%S} +0000"


@dataclass(frozen=True)
class Layout:
    """An export: the cell of each column, its delimiter, and whether returned or single units have rows."""

    columns: dict[str, Callable[[Line], Any]]
    delimiter: str = ","
    has_returns: bool = False
    encoding: str = "utf-8"
    per_unit: bool = False

    def rows(self, line: Line) -> list[Line]:
        """The rows of a line."""
        if not self.per_unit:
            return [line]
        off = line.off / line.quantity
        return [replace(line, quantity=1, off=off, first=line.first and unit == 0) for unit in range(line.quantity)]


def _sku(line: Line) -> str:
    """The number of the product; one product has none in orders."""
    return "" if line.sku.startswith("0001") else line.sku


WOO = {"pending": "wc-processing", "shipped": "wc-completed", "completed": "wc-completed"}
OLIST = {"pending": "created", "completed": "delivered", "cancelled": "canceled", "refunded": "delivered"}
LAYOUTS = {
    "lines": Layout(
        {
            "order": lambda x: x.order, "order_date": lambda x: f"{x.date:%Y-%m-%dT%H:%M:%SZ}",
            "customer": lambda x: x.customer, "email": lambda x: x.email, "product": lambda x: x.sku,
            "product_name": lambda x: x.product, "category": lambda x: x.category, "quantity": lambda x: x.quantity,
            "unit_price": lambda x: x.price, "discount": lambda x: abs(x.off), "status": lambda x: x.status,
            "country": lambda x: x.country_code, "currency": lambda _: "USD", "shipping": lambda x: x.shipping,
            "tax": lambda _: "1.00", "channel": lambda _: "web",
        },
        has_returns=True,
    ),
    "online_retail": Layout(
        {
            "InvoiceNo": lambda x: f"{'C9' * (x.quantity < 0)}{x.order}", "StockCode": lambda x: x.sku,
            "Description": lambda x: x.product.upper(), "Quantity": lambda x: x.quantity,
            "InvoiceDate": lambda x: f"{x.date:%Y-%m-%d %H:%M:%S}", "UnitPrice": lambda x: x.total / x.quantity,
            "CustomerID": lambda x: x.customer, "Country": lambda x: x.country,
        },
        has_returns=True,
    ),
    "online_retail_ii": Layout(
        {
            "Invoice": lambda x: f"{'C9' * (x.quantity < 0)}{x.order}", "StockCode": lambda x: x.sku,
            "Description": lambda x: x.product.upper(), "Quantity": lambda x: x.quantity,
            "InvoiceDate": lambda x: f"{x.date:%Y-%m-%d %H:%M:%S}", "Price": lambda x: x.total / x.quantity,
            "Customer ID": lambda x: x.customer, "Country": lambda x: x.country,
        },
        has_returns=True,
    ),
    "etsy": Layout(
        {
            "Sale Date": lambda x: f"{x.date:%m/%d/%y}", "Item Name": lambda x: x.product,
            "Buyer": lambda x: x.customer, "Quantity": lambda x: x.quantity, "Price": lambda x: x.price,
            "Coupon Code": lambda _: "",
            "Coupon Details": lambda _: "", "Discount Amount": lambda x: x.off, "Shipping Discount": lambda _: "0.00",
            "Order Shipping": lambda x: x.shipping, "Order Sales Tax": lambda _: "1.00",
            "Item Total": lambda x: x.gross, "Currency": lambda _: "USD",
            "Transaction ID": lambda x: f"9{x.order}", "Listing ID": lambda x: x.sku,
            "Ship Name": lambda x: x.name, "Ship Country": lambda x: x.country, "Order ID": lambda x: x.order,
            "Variations": lambda _: "", "Order Type": lambda _: "online", "SKU": lambda _: "",
        },
    ),
    "amazon": Layout(
        {
            "amazon-order-id": lambda x: f"058-{x.order}", "merchant-order-id": lambda _: "",
            "purchase-date": lambda x: f"{x.date:%Y-%m-%dT%H:%M:%S+00:00}",
            "order-status": lambda x: {"pending": "Pending", "cancelled": "Cancelled"}.get(x.status, "Shipped"),
            "sales-channel": lambda _: "Amazon.com", "product-name": lambda x: x.product, "sku": lambda x: x.sku,
            "asin": lambda x: f"B{x.sku}", "item-status": lambda _: "Shipped",
            "quantity": lambda x: 0 if x.status == "cancelled" else x.quantity, "currency": lambda _: "USD",
            "item-price": lambda x: "" if x.status == "cancelled" else x.gross, "item-tax": lambda _: "0.50",
            "shipping-price": lambda x: x.shipping if x.first else "", "item-promotion-discount": lambda x: x.off or "",
            "ship-country": lambda x: x.country_code,
        },
        delimiter="\t",
    ),
    "superstore": Layout(
        {
            "Row ID": lambda _: "", "Order ID": lambda x: f"CA-2025-{x.order}",
            "Order Date": lambda x: f"{x.date.month}/{x.date.day}/{x.date.year}", "Ship Mode": lambda _: "First Class",
            "Customer ID": lambda x: x.customer, "Customer Name": lambda x: x.name, "Segment": lambda _: "Consumer",
            "Country": lambda x: x.country, "Product ID": lambda x: x.sku, "Category": lambda x: x.category,
            "Product Name": lambda x: x.product, "Sales": lambda x: f"{x.total}49", "Quantity": lambda x: x.quantity,
            "Discount": lambda x: f"{x.off / x.gross:.6f}", "Profit": lambda _: "1.23",
        },
        encoding="cp1252",
    ),
    "northwind": Layout(
        {
            "OrderID": lambda x: x.order, "OrderDate": lambda x: f"{x.date:%Y-%m-%d %H:%M:%S}",
            "CustomerID": lambda x: x.customer, "ProductID": lambda x: x.sku, "ProductName": lambda x: x.product,
            "UnitPrice": lambda x: x.price, "Quantity": lambda x: x.quantity,
            "Discount": lambda x: f"{x.off / x.gross:.6f}", "ExtendedPrice": lambda x: x.total,
            "Freight": lambda x: x.shipping, "ShipCountry": lambda x: x.country,
        },
    ),
    "olist": Layout(
        {
            "order_id": lambda x: x.order, "order_item_id": lambda _: "1", "product_id": lambda x: x.sku,
            "price": lambda x: x.total, "freight_value": lambda x: x.shipping if x.first else "0.00",
            "customer_id": lambda x: f"{x.customer}-{x.order}", "customer_unique_id": lambda x: x.customer,
            "order_status": lambda x: OLIST.get(x.status, x.status),
            "order_purchase_timestamp": lambda x: f"{x.date:%Y-%m-%d %H:%M:%S}",
            "product_category_name": lambda x: x.category,
        },
        per_unit=True,
    ),
    "woocommerce": Layout(
        {
            "Order Number": lambda x: x.order, "Order Status": lambda x: WOO.get(x.status, f"wc-{x.status}"),
            "Order Date": lambda x: f"{x.date:%Y-%m-%d %H:%M:%S}", "Email (Billing)": lambda x: x.email,
            "Country Code (Shipping)": lambda x: x.country_code, "Order Currency": lambda _: "USD",
            "Order Shipping Amount": lambda x: x.shipping, "Order Total Tax Amount": lambda _: "1.00",
            "SKU": _sku, "Item #": lambda _: "1",
            "Item Name": lambda x: x.product, "Quantity": lambda x: x.quantity, "Item Cost": lambda x: x.price,
            "Order Line Total": lambda x: x.total,
        },
        has_returns=True,
    ),
    "shopify": Layout(
        {
            "Name": lambda x: f"#{x.order}", "Email": lambda x: x.email,
            "Financial Status": lambda x: _head(x, _paid(x)),
            "Fulfillment Status": lambda x: _head(x, "fulfilled" if x.status != "pending" else "unfulfilled"),
            "Currency": lambda x: _head(x, "USD"), "Subtotal": lambda x: _head(x, x.subtotal),
            "Shipping": lambda x: _head(x, x.shipping), "Taxes": lambda x: _head(x, "1.00"),
            "Total": lambda x: _head(x, x.subtotal + x.shipping + 1), "Discount Amount": lambda x: _head(x, "0.00"),
            "Created at": lambda x: _stamp(x.date), "Cancelled at": lambda x: _head(x, x.cancelled),
            "Refunded Amount": lambda x: _head(x, x.refund if x.status != "cancelled" else "0.00"),
            "Lineitem quantity": lambda x: x.quantity, "Lineitem name": lambda x: x.product,
            "Lineitem price": lambda x: x.price, "Lineitem sku": _sku, "Lineitem discount": lambda x: x.off,
            "Lineitem fulfillment status": lambda _: "fulfilled", "Billing Name": lambda x: _head(x, x.name),
            "Billing Country": lambda x: _head(x, x.country_code),
            "Shipping Country": lambda x: _head(x, x.country_code),
            "Phone": lambda _: "", "Discount Code": lambda _: "", "Billing City": lambda _: "",
            "Shipping City": lambda _: "", "Id": lambda x: _head(x, f"55{x.order}"),
        },
    ),
}  # fmt: skip


def _head(line: Line, value: Any) -> Any:
    """A field of the order, which is only in its first row."""
    return value if line.first else ""


def _paid(line: Line) -> str:
    if line.status in ("completed", "refunded"):
        return (
            "partially_refunded"
            if line.status == "completed" and line.refund
            else {"completed": "paid"}.get(line.status, line.status)
        )
    return "voided" if line.status == "cancelled" else "pending"


@cache
def shop_tables_with_visitors() -> dict[str, pd.DataFrame]:
    """Tables of the synthetic shop, of which every third session without a purchase is that of an unknown visitor."""
    events = shop_tables()["events"]
    bought = set(events.loc[events["event_type"] == "purchase", "session_id"])
    sessions = [key for key in events["session_id"].drop_duplicates() if key not in bought]
    visitors = {key: f"GA1.{place}" for place, key in enumerate(sessions[::3])}
    named = events["session_id"].map(visitors)
    events = events.assign(
        user_id=events["user_id"].where(named.isna()), visitor_id=named,
        source=named.map(lambda name: "google", na_action="ignore"),
        device=named.map(lambda name: ("mobile", "desktop")[len(name) % 2], na_action="ignore"),
    )  # fmt: skip
    return shop_tables() | {"events": events}


def write_tables(folder: Path, orders: int | None = None) -> Path:
    """Write one CSV file per table into `folder`: of all orders, or of the first ones; returns the folder."""
    shop = shop_tables_with_visitors()
    kept = shop["orders"].head(orders if orders is not None else len(shop["orders"]))
    shop = shop | {"orders": kept}
    if orders is not None:
        of = {
            name: frame[frame["order_id"].isin(kept["order_id"])] for name, frame in shop.items() if "order_id" in frame
        }
        sessions = [
            *of["events"]["session_id"],
            *shop["events"].loc[shop["events"]["user_id"].isna(), "session_id"][:9],
        ]
        visits = shop["events"][shop["events"]["session_id"].isin(sessions)]
        users = shop["users"][shop["users"]["user_id"].isin([*kept["user_id"], *visits["user_id"].dropna()])]
        shop = shop | of | {"users": users, "events": visits}
    folder.mkdir(exist_ok=True)
    for name, frame in shop.items():
        days = {column: frame[column].dt.strftime("%Y-%m-%d") for column in frame.select_dtypes("datetime64")}
        times = {c: frame[c].dt.strftime("%Y-%m-%dT%H:%M:%SZ") for c in frame.select_dtypes("datetimetz")}
        amounts = {
            column.name: frame[column.name].map(lambda amount: f"{amount:.2f}", na_action="ignore")
            for column in tables()[name].columns
            if column.unit == "currency"
        }
        frame.assign(**days, **times, **amounts).to_csv(folder / f"{name}.csv", index=False)
    return folder


def write_export(name: str, folder: Path, until: str = "9999") -> Path:
    """Write the export `name` of the orders below `until` into `folder`; returns its path."""
    layout = LAYOUTS[name]
    lines = [line for line in (*sold_lines(), *(returns() if layout.has_returns else ())) if line.order < until]
    path = folder / f"{name}.{'txt' if layout.delimiter != ',' else 'csv'}"
    with path.open("w", encoding=layout.encoding, errors="replace", newline="") as file:
        writer = csv.writer(file, delimiter=layout.delimiter)
        writer.writerow(layout.columns)
        rows = (row for line in lines for row in layout.rows(line))
        writer.writerows([cell(row) for cell in layout.columns.values()] for row in rows)
    return path


def write_companions(folder: Path) -> None:
    """Write the customers, products and transactions that Shopify exports next to the orders into `folder`."""
    tables = {"customers": _customers(), "products": _products(), "transactions": _transactions()}
    for name, rows in tables.items():
        pd.DataFrame(rows).to_csv(folder / f"{name}_export.csv", index=False)


def _customers() -> Iterator[dict[str, Any]]:
    orders = shop_tables()["orders"].groupby("user_id").size()
    for place, user in enumerate(shop_tables()["users"].itertuples(), 6_001):
        first, _, last = user.name.partition(" ")
        yield {
            "Customer ID": f"'{place}", "First Name": first, "Last Name": last, "Email": user.email.upper(),
            "Accepts Email Marketing": "yes", "Default Address City": user.city,
            "Default Address Country Code": user.country_code, "Phone": "", "Total Spent": "0.00",
            "Total Orders": orders.get(user.user_id, 0), "Note": "", "Tax Exempt": "no", "Tags": "",
        }  # fmt: skip


def _products() -> Iterator[dict[str, Any]]:
    """The products, every second one with a second picture, which is a row of its own."""
    for place, product in enumerate(shop_tables()["products"].itertuples(), 1):
        handle = {"Handle": f"product-{place}"}
        yield handle | {
            "Title": product.name, "Type": product.category, "Option1 Name": "Title", "Option1 Value": "Default Title",
            "Variant SKU": f"{place:04}-A", "Variant Inventory Tracker": "shopify",
            "Variant Inventory Qty": product.stock_quantity, "Variant Price": product.price,
            "Image Src": "https://example.com/1.jpg", "Gift Card": "false", "Cost per item": product.cost,
            "Status": "active",
        }  # fmt: skip
        if place % 2:
            yield handle | {"Image Src": "https://example.com/2.jpg"}


def _transactions() -> Iterator[dict[str, Any]]:
    """The payments, those that failed before, and the refunds, with shipping and taxes if they are of all."""
    refunds = shop_tables()["refunds"].groupby("order_id")
    for line, order in zip((x for x in sold_lines() if x.first), shop_tables()["orders"].itertuples(), strict=True):
        charged = line.subtotal + line.shipping + 1
        usual = {"Order": f"55{line.order}", "Name": f"#{line.order}", "Gateway": "manual", "Currency": "USD"}
        for status in ("failure", "success"):
            yield usual | {"Kind": "sale", "Created At": _stamp(line.date), "Status": status, "Amount": charged}
        for refund in refunds.get_group(order.order_id).itertuples() if order.order_id in refunds.groups else ():
            amount = charged if order.status in ("cancelled", "refunded") else Decimal(refund.amount).quantize(CENT)
            times = {"Created At": _stamp(refund.refund_date), "Status": "success"}
            yield usual | {"Kind": "refund", "Amount": amount} | times


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for each in LAYOUTS:
        sys.stdout.write(f"{write_export(each, target)}\n")
    sys.stdout.write(f"{write_tables(target / 'tables')}\n")
    write_companions(target)
