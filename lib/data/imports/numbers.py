"""How the numbers of a file are written: separators of decimals and thousands, and a currency sign, by their cells."""

import re
from collections import Counter
from typing import NamedTuple

__all__ = [
    "GROUPS",
    "MARKS",
    "Numbers",
    "currency_of",
    "grouped",
    "mark",
    "read_number",
    "recognise_numbers",
    "sign_of",
    "unmarked",
]

GROUPS = {",": ",", ".": r"\.", " ": "[ \u00a0\u202f]", "'": "['\u2019]"}  # separator of thousands -> its characters
STYLES = ((".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", " "), (".", "'"), (",", "'"))
PLAUSIBLE = re.compile("-?[0-9.,][0-9.,'\u2019 \u00a0\u202f]*")
SIGNS = {"€": "EUR", "£": "GBP", "$": "USD"}  # currency sign -> the currency that it probably stands for
MARKS = r"€|£|\$|EUR|USD|GBP|CHF|CAD|AUD|NZD|JPY|CNY|INR|BRL|MXN|PLN|CZK|HUF|RON|SEK|NOK|DKK|TRY|ZAR|SGD|HKD|KWD|AED"


class Numbers(NamedTuple):
    """The reading of a sample of numbers.

    Attributes:
        styles: The decimal separator and that of thousands ("" for none) that read the most cells, one pair for each
            different reading.
        cells: Plausible numbers of the sample.
        agree: How many of them these pairs read.
        telling: How many have a separator.
        example: The first cell that the pairs read differently.
    """

    styles: tuple[tuple[str, str], ...]
    cells: int
    agree: int
    telling: int
    example: str


def mark(text: str) -> str:
    """Pattern of a text before or behind a number, to be replaced by its group 1, the minus sign before it."""
    return rf"^(-?)(?:{text}){GROUPS[' ']}*|{GROUPS[' ']}*(?:{text})$"


def unmarked(cell: str, text: str) -> str:
    """A cell without this text before or behind its number."""
    return re.sub(mark(text), r"\1", cell)


def currency_of(sign: str) -> str:
    """ISO 4217 code of the currency that a sign or code of MARKS probably stands for."""
    return SIGNS.get(sign, sign)


def sign_of(cells: Counter[str]) -> str:
    """The only currency sign or code in a column, if at least half of its cells have it; else empty."""
    found: Counter[str] = Counter()
    for cell, count in cells.items():
        match = re.search(mark(MARKS), cell)
        if match and PLAUSIBLE.fullmatch(unmarked(cell, MARKS)):
            found[match[0].strip("- \u00a0\u202f")] += count
    ((sign, count),) = found.items() if len(found) == 1 else (("", 0),)
    return sign if 2 * count >= cells.total() else ""


def grouped(decimal: str, thousands: str) -> str:
    """Pattern of a number with separators of thousands."""
    return rf"-?[0-9]{{1,3}}(?:{GROUPS[thousands]}[0-9]{{3}})+(?:{re.escape(decimal)}[0-9]*)?"


def recognise_numbers(amounts: Counter[str], integers: Counter[str], decimal: str = "") -> Numbers:
    """How the cells, with their number of rows, are written; integers count where amounts leave it open.

    Args:
        decimal: The decimal separator, if it is known.
    """
    cells = {cell: count for cell, count in (amounts + integers).items() if PLAUSIBLE.fullmatch(cell)}
    styles = [style for style in STYLES if decimal in ("", style[0])]
    readings = {style: {cell: read_number(cell, *style) for cell in cells} for style in styles}

    def fits(style: tuple[str, str]) -> tuple[int, int]:
        read = [cell for cell, number in readings[style].items() if number]
        return sum(amounts[cell] for cell in read), sum(integers[cell] for cell in read)

    most = max(map(fits, styles))
    best: list[tuple[str, str]] = []
    for style in (style for style in styles if fits(style) == most):
        if not any(readings[style] == readings[other] for other in best):
            best.append(style)
    differing = (cell for cell in cells if len({readings[style][cell] for style in best}) > 1)
    telling = sum(count for cell, count in cells.items() if not re.fullmatch("-?[0-9]+", cell))
    return Numbers(tuple(best), sum(cells.values()), sum(most), telling, next(differing, ""))


def read_number(cell: str, decimal: str, thousands: str) -> str:
    """The number with a point and without separators of thousands; empty if the cell is written in another way."""
    if thousands and re.fullmatch(grouped(decimal, thousands), cell):
        cell = re.sub(GROUPS[thousands], "", cell)
    point = re.escape(decimal)
    return cell.replace(decimal, ".") if re.fullmatch(rf"-?(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)", cell) else ""
