"""Tests of the amounts of an unknown file: each is decided by the arithmetic that holds in its rows."""

import pandas as pd
import pytest

from lib.data.imports.amounts import Settled, settled
from lib.data.imports.guessing import Guess

QUANTITY, PRICE = [1, 2, 3, 1], [10.0, 10.0, 5.0, 8.0]  # 10, 20, 15 and 8
FIELDS = {
    "quantity": "Qty", "unit_price": "Price", "line_total": "Total", "discount": "Discount", "shipping": "Postage",
    "tax": "VAT",
}  # fmt: skip


def decided(orders: str = "abcd", **columns: list[float]) -> Settled:
    """The amounts of four rows with these columns, of which those in FIELDS are guessed."""
    numbers = pd.DataFrame({"Qty": QUANTITY} | columns, index=list(orders), dtype="float64")
    found = {field: Guess(column, sure=False) for field, column in FIELDS.items() if column in numbers}
    return settled(found, numbers)


@pytest.mark.parametrize(
    ("discount", "total", "discount_is", "formula"),
    [
        ([2, 0, 1, 0], [8, 20, 14, 8], "amount_included", "quantity * unit_price - discount"),
        ([0.5, 0, 0.2, 0], [5, 20, 12, 8], "rate_included", "quantity * unit_price * (1 - discount)"),
        ([50, 0, 20, 0], [5, 20, 12, 8], "percent_included", "quantity * unit_price * (1 - discount / 100)"),
        ([2, 0, 1, 0], [10, 20, 15, 8], "amount", "quantity * unit_price"),
    ],
)
def test_the_total_decides_how_a_discount_is_meant(
    discount: list[float], total: list[float], discount_is: str, formula: str
) -> None:
    known = decided(Price=PRICE, Discount=discount, Total=total)
    assert known.settings["discount_is"][0] == discount_is
    assert known.found["line_total"] == Guess("Total", True, f"{formula} = line_total in 4 of 4 rows")


def test_a_discount_of_each_unit_is_left_to_the_total() -> None:
    known = decided(Price=PRICE, Discount=[1, 1, 1, 0], Total=[9, 18, 12, 8])
    assert "discount" not in known.found
    assert known.refused["discount"].startswith('not "Discount": it is of each unit')


def test_a_total_of_an_unknown_name_is_found() -> None:
    known = decided(Price=PRICE, Stock=[7, 7, 7, 7], Netto=[10, 20, 15, 8])
    assert known.found["line_total"].column == "Netto"


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"Postage": [4, 4, 4, 4], "Total": [14, 24, 19, 12]}, "the amount of the goods + shipping in 4 of 4 rows"),
        ({"VAT": [1, 2, 1, 1], "Total": [11, 22, 16, 9]}, "the amount of the goods + tax in 4 of 4 rows"),
    ],
)
def test_a_total_with_shipping_or_tax_is_not_that_of_the_row(extra: dict[str, list[float]], reason: str) -> None:
    known = decided(Price=PRICE, **extra)
    assert "line_total" not in known.found
    assert known.refused["line_total"] == f'not "Total": it is {reason}'


def test_tax_that_no_total_adds_is_in_the_prices() -> None:
    known = decided(Price=PRICE, Postage=[4, 4, 4, 4], VAT=[2, 3, 2, 1], Total=[14, 24, 19, 12])
    assert "so that the prices include it" in known.refused["tax"]


@pytest.mark.parametrize("price", [{}, {"Price": PRICE}])
def test_the_total_of_an_order_is_not_that_of_a_row(price: dict[str, list[float]]) -> None:
    known = decided("aabb", Total=[30, 30, 23, 23], **price)
    expected = 'not "Total": one amount for all rows of an order, in 2 of 2 orders with several'
    assert known.refused == {"line_total": expected}


def test_the_discount_of_an_order_is_not_that_of_a_row() -> None:
    known = decided("aabb", Price=PRICE, Discount=[3, 3, 2, 2])
    assert "one amount for all rows of an order" in known.refused["discount"]
    assert known.settings == {}


@pytest.mark.parametrize(
    ("column", "cells", "kind"),
    [
        ("Discount %", [5, 0, 10, 0], "percent"),
        ("Discount rate", [0.05, 0, 0.1, 0], "rate"),
        ("Discount", [5, 0, 0.1, 0], "amount"),
    ],
)
def test_without_a_total_name_and_values_decide(column: str, cells: list[float], kind: str) -> None:
    numbers = pd.DataFrame({"Price": PRICE, column: cells}, index=list("abcd"))
    found = {"unit_price": Guess("Price", sure=True), "discount": Guess(column, sure=False)}
    assert settled(found, numbers).settings["discount_is"][0] == kind


def test_charges_that_differ_within_orders_are_of_their_rows() -> None:
    assert decided("aabb", Price=PRICE, VAT=[1, 2, 1, 3]).settings["charges_of"][0] == "row"
    assert decided("aabb", Price=PRICE, VAT=[3, 3, 2, 2]).settings == {}


def test_charges_of_rows_are_left_out_where_others_are_of_the_order() -> None:
    known = decided("aabb", Price=PRICE, VAT=[1, 2, 1, 3], Postage=[4, 4, 5, 5])
    assert (known.settings, list(known.refused)) == ({}, ["tax"])


def test_a_total_that_fits_nothing_is_left_out_with_the_alternative() -> None:
    known = decided(Price=PRICE, Total=[10, 99, 98, 97])
    assert known.refused["line_total"] == (
        'not "Total": it is quantity * unit_price only in 1 of 4 rows; if it is right, leave out unit_price'
    )
