"""Which columns of an unknown file are the amounts of its rows: those by which the arithmetic of its rows holds."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.data.imports.guessing import Guess

__all__ = ["Settled", "settled"]

SURE = 0.95  # share of the rows, or of the orders, that must agree
LISTED = "quantity * unit_price"
CHARGES = ("shipping", "tax")
ONE_OF_ORDER = "one amount for all rows of an order, in {:,} of {:,} orders with several"


class _Agreement(NamedTuple):
    """How many rows of a column agree with a formula of a discount, and by how much these differ."""

    agree: int
    apart: float
    formula: str
    discount_is: str
    rows: int

    @property
    def holds(self) -> bool:
        return self.agree >= SURE * self.rows > 0

    @property
    def share(self) -> str:
        """The rows that agree, in words."""
        return f" in {self.agree:,} of {self.rows:,} rows"


@dataclass
class Settled:
    """The columns of the amounts, and what follows from them.

    Attributes:
        found: Column by field.
        settings: Setting of the mapping -> its value and the comment on it.
        refused: Field -> why the column that has its name is not it.
    """

    found: dict[str, Guess]
    settings: dict[str, tuple[str, str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def refuse(self, name: str, reason: str) -> None:
        """Leave a field out."""
        self.refused[name] = f'not "{self.found.pop(name).column}": {reason}'


def settled(found: dict[str, Guess], numbers: pd.DataFrame, percents: Collection[str] = ()) -> Settled:
    """The guesses with the amounts that agree in the rows of a sample.

    Args:
        found: Column by field.
        numbers: The rows of all columns with numbers, NaN for other cells; the index is the order of each row.
        percents: Columns whose cells have a percent sign.
    """
    known = Settled(dict(found))
    values = {name: numbers[guess.column].abs() for name, guess in found.items() if guess.column in numbers}
    if "discount" in values and found["discount"].column in percents:
        values["discount"] = values["discount"].rename(f"{found['discount'].column} %")
    units = values.get("quantity", pd.Series(1.0, numbers.index))
    if "unit_price" in values:
        _settle_total(known, numbers, units, values)
    elif "line_total" in values and _is_of_order(values["line_total"]):
        known.refuse("line_total", ONE_OF_ORDER.format(*_of_orders(values["line_total"])))
    if "discount" in known.found and "discount_is" not in known.settings:
        _settle_discount(known, values["discount"])
    _settle_charges(known, {name: values[name] for name in CHARGES if name in known.found and name in values})
    return known


def _settle_total(known: Settled, numbers: pd.DataFrame, units: pd.Series, values: dict[str, pd.Series]) -> None:
    """Settle the total of the rows, if any column is it, and how the discount is meant."""
    guess, price, discount = known.found.get("line_total"), values["unit_price"], values.get("discount")
    taken = {each.column for each in known.found.values()}
    others = [name for name in numbers if name not in taken and (numbers[name].abs() - price).abs().max() > 0]
    for name in [guess.column, *others] if guess else others:
        best = _best(numbers[name].abs(), units, price, discount)
        if best.holds:
            known.found["unit_price"] = known.found["unit_price"]._replace(sure=True)
            known.found["line_total"] = Guess(str(name), True, f"{best.formula} = line_total{best.share}")
            _settle_by(known, best, discount)
            return
    if guess:
        _refuse_total(known, guess.column, units, values)


def _refuse_total(known: Settled, column: str, units: pd.Series, values: dict[str, pd.Series]) -> None:
    """Leave out a total that is not that of the rows, and say what it is instead."""
    total, price, discount = values["line_total"], values["unit_price"], values.get("discount")
    sums = [_best(total - extra, units, price, discount)._replace(formula=words) for words, extra in _extras(values)]
    included = next((each for each in sums if each.holds), None)
    listed = units * price
    if discount is None and (total <= listed + 0.005).sum() >= SURE * len(total.dropna()):
        known.found["line_total"] = Guess(column, False, f"at most {LISTED}; the difference is a discount")
    elif included:
        known.refuse("line_total", f"it is {included.formula}{included.share}")
        if "tax" in known.found and "tax" not in included.formula:
            known.refuse("tax", f'"{column}" is without it, so that the prices include it')
    elif _is_of_order(total):
        known.refuse("line_total", ONE_OF_ORDER.format(*_of_orders(total)))
    else:
        best = _best(total, units, price, discount)
        known.refuse("line_total", f"it is {best.formula} only{best.share}; if it is right, leave out unit_price")


def _settle_by(known: Settled, best: _Agreement, discount: pd.Series | None) -> None:
    if discount is None:
        return
    if not best.discount_is:
        known.refuse("discount", f"it is of each unit; line_total is after it, and the difference to {LISTED} counts")
    elif not discount.any():
        known.settings["discount_is"] = best.discount_is, "guessed: no row has a discount"
    elif best.formula == LISTED:
        known.settings["discount_is"] = best.discount_is, "guessed: line_total is before the discount"
    else:
        known.found["discount"] = known.found["discount"]._replace(sure=True)
        known.settings["discount_is"] = best.discount_is, "sure: line_total is after the discount"


def _settle_discount(known: Settled, discount: pd.Series) -> None:
    """How a discount is meant that no total shows."""
    column = str(discount.name)
    kind = _kind(column, discount)
    if kind == "amount" and _is_of_order(discount[discount > 0]):
        reason = ONE_OF_ORDER.format(*_of_orders(discount[discount > 0]))
        known.refuse("discount", f"{reason}; unit_price must be after it")
        return
    words = {"amount": "an amount of the row", "rate": "0 to 1", "percent": "0 to 100"}[kind]
    sure = "sure" if kind == "percent" and "%" in column else "guessed"
    known.settings["discount_is"] = kind, f'{sure}: "{column}" has up to {discount.max():g}, {words}'


def _settle_charges(known: Settled, charges: dict[str, pd.Series]) -> None:
    """Whether shipping and tax are of the order or of each row; the mapping has one setting for both."""
    orders = {name: _of_orders(amounts) for name, amounts in charges.items()}
    of_rows = [name for name, (same, several) in orders.items() if several and same < SURE * several]
    if len(of_rows) < len([name for name in charges if charges[name].any()]):
        for name in of_rows:
            known.refuse(name, "it differs within orders, and the other charges are of the order")
    elif of_rows:
        same, several = orders[of_rows[0]]
        reason = f"guessed: {of_rows[0]} differs within {several - same:,} of {several:,} orders with several rows"
        known.settings["charges_of"] = "row", reason


def _kind(column: str, discount: pd.Series) -> str:
    """Whether a discount is an amount, a share or a percentage, by the name of its column and its values."""
    if not re.search(r"%|percent|prozent|porcent|pourcent|pct|rate|taux|tasa", column, re.IGNORECASE):
        return "amount"
    return "percent" if discount.max() > 1 or not (discount % 1).any() else "rate"


def _best(total: pd.Series, units: pd.Series, price: pd.Series, discount: pd.Series | None) -> _Agreement:
    """The formula that most rows of a total agree with; of several, the one that differs least, then the first."""
    rows = total.notna() & units.notna() & price.notna()
    decimals = next((n for n in range(3) if np.allclose(total[rows].round(n), total[rows], atol=1e-9)), 3)
    allowed = 10.0**-decimals * (units // 2 + 0.5) + 1e-9  # a price has half a smallest unit for each unit
    found = []
    for formula, discount_is, expected in _formulas(units, price, discount):
        apart = (total - expected).abs()
        agree = rows & (apart <= allowed)
        found.append(
            _Agreement(int(agree.sum()), round(float(apart[agree].sum()), 6), formula, discount_is, int(rows.sum()))
        )
    return min(found, key=lambda each: (-each.agree, each.apart))


def _formulas(units: pd.Series, price: pd.Series, discount: pd.Series | None) -> Iterator[tuple[str, str, pd.Series]]:
    """Formula of a total, what it means for mapping.discount_is, and its values; empty for a discount of each unit."""
    listed = units * price
    if discount is None:
        yield LISTED, "amount", listed
        return
    less = discount.fillna(0)
    is_share = less.max() <= 1
    yield f"{LISTED} - discount", "amount_included", listed - less
    if is_share:
        yield f"{LISTED} * (1 - discount)", "rate_included", listed * (1 - less)
    yield f"{LISTED} * (1 - discount / 100)", "percent_included", listed * (1 - less / 100)
    yield "quantity * (unit_price - discount)", "", units * (price - less)
    yield LISTED, _kind(str(discount.name), less), listed


def _extras(values: dict[str, pd.Series]) -> Iterator[tuple[str, pd.Series]]:
    """Amounts that a total may have besides the goods."""
    present = [name for name in CHARGES if name in values and values[name].any()]
    for names in [[name] for name in present] + [present] * (len(present) > 1):
        yield (
            f"the amount of the goods + {' + '.join(names)}",
            pd.concat([values[name].fillna(0) for name in names], axis=1).sum(axis=1),
        )


def _of_orders(amounts: pd.Series) -> tuple[int, int]:
    """How many orders with several rows have one amount in all of them, and how many there are."""
    of = amounts.dropna().groupby(level=0)
    several = of.nunique()[of.size() > 1]
    return int((several == 1).sum()), len(several)


def _is_of_order(amounts: pd.Series) -> bool:
    same, orders = _of_orders(amounts)
    return orders > 1 and same >= SURE * orders
