"""Tests of exports with a fault: an order is loaded as it was, or its row is rejected, or the file is refused."""

import csv
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import DataError, UsageError
from tests.exports import LAYOUTS, write_export
from tests.own_files import Found, imported

pytestmark = pytest.mark.slow  # imports of whole exports

UNTIL = "1013"
Rows = list[list[str]]
KINDS = {  # a part of the names of columns of each kind
    "amount": ("price", "total", "sales", "subtotal", "item-price"),
    "units": ("quantity",),
    "date": ("date", "created at"),
    "country": ("country",),
    "state": ("status",),
    "key": ("order", "invoice", "name"),
}


def text(rows: Rows, delimiter: str, **options: Any) -> str:
    """The rows as CSV."""
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, **options).writerows(rows)
    return file.getvalue()


@cache
def sound(name: str) -> tuple[Rows, dict[str, Any]]:
    """The rows of an export, and its orders as they are imported."""
    layout = LAYOUTS[name]
    with TemporaryDirectory() as folder:
        path = write_export(name, Path(folder), UNTIL)
        content = path.read_text(encoding=layout.encoding)
        rows = list(csv.reader(io.StringIO(content), delimiter=layout.delimiter))
        return rows, orders_of(imported(path, name))


def orders_of(found: Found) -> dict[str, Any]:
    """Total, day, state and items of each order."""
    orders, items = found.table("orders"), found.table("order_items")
    contents: dict[str, Any] = {
        order.order_id: [order.total_amount, order.order_date, order.status, order.shipping_country_code or None]
        for order in orders.itertuples()
    }
    for item in items.sort_values("order_item_id").itertuples():
        contents[item.order_id] += [item.product_id, item.quantity, item.price_at_time, item.discount]
    return {key: [str(value) for value in values] for key, values in contents.items()}


def columns_of(rows: Rows, kind: str) -> list[int]:
    """Columns of a kind, the most specific names first."""
    header = [name.casefold() for name in rows[0]]
    return [place for part in KINDS[kind] for place, name in enumerate(header) if part == name or name.endswith(part)]


def cell(kind: str, change: Callable[[str], str]) -> Callable[[Rows, int, str], str]:
    """A fault that changes the cells of a kind in one row."""

    def spoil(rows: Rows, place: int, delimiter: str) -> str:
        changed = [list(row) for row in rows]
        for column in columns_of(rows, kind):
            if changed[place][column]:
                changed[place][column] = change(changed[place][column])
        return text(changed, delimiter)

    return spoil


def row(change: Callable[[str, str], str]) -> Callable[[Rows, int, str], str]:
    """A fault that changes the text of one row."""

    def spoil(rows: Rows, place: int, delimiter: str) -> str:
        lines = text(rows, delimiter).splitlines(keepends=True)
        lines[place] = change(lines[place].rstrip("\r\n"), delimiter) + "\r\n"
        return "".join(lines)

    return spoil


FAULTS = {
    "letter O": cell("amount", lambda value: value.replace("0", "O").replace("9", "O")),
    "currency sign": cell("amount", lambda value: f"${value}"),
    "exponent": cell("amount", lambda value: f"{value}e1"),
    "not a number": cell("amount", lambda _: "NaN"),
    "separators": cell("amount", lambda value: f"1,,{value}"),
    "underscore": cell("amount", lambda value: f"1_{value}"),
    "negative amount": cell("amount", lambda value: f"-{value}-"),
    "too many decimals": cell("amount", lambda value: f"{value}000000001"),
    "half a unit": cell("units", lambda value: f"{value}.5"),
    "no units": cell("units", lambda _: ""),
    "words for units": cell("units", lambda _: "two"),
    "other digits": cell("units", lambda _: "٣"),
    "too many units": cell("units", lambda _: "99999999999"),
    "other date": cell("date", lambda _: "31.12.2024"),
    "no such day": cell("date", lambda value: value.replace("2024", "2024-02-30").replace("/24", "/99/24")),
    "early date": cell("date", lambda _: "1899-12-30"),
    "serial date": cell("date", lambda _: "45787.5"),
    "no date": cell("date", lambda _: ""),
    "unknown country": cell("country", lambda _: "Atlantis"),
    "unknown state": cell("state", lambda _: "in orbit"),
    "control character": cell("key", lambda value: f"{value}\x01"),
    "cut off": row(lambda line, delimiter: line.rpartition(delimiter)[0]),
    "surplus cell": row(lambda line, delimiter: f"{line}{delimiter}surplus"),
    "open quote": row(lambda line, delimiter: f'{delimiter}"'.join(line.split(delimiter, 1))),
}
HARMLESS: dict[str, Callable[[Rows, int, str], str]] = {
    "space": lambda rows, _, delimiter: text([rows[0], *([f" {c} " for c in r] for r in rows[1:])], delimiter),
    "quotes": lambda rows, _, delimiter: text(rows, delimiter, quoting=csv.QUOTE_ALL),
    "line feeds": lambda rows, _, delimiter: text(rows, delimiter, lineterminator="\n"),
    "empty rows": lambda rows, place, delimiter: text([*rows[:place], [], *rows[place:], []], delimiter),
    "order of columns": lambda rows, _, delimiter: text([r[::-1] for r in rows], delimiter),
    "another column": lambda rows, _, delimiter: text([[*r, "x"] for r in rows], delimiter),
    "capitals": lambda rows, _, delimiter: text([[c.upper() for c in rows[0]], *rows[1:]], delimiter),
}


def read(name: str, content: str, folders: pytest.TempPathFactory) -> Found:
    """Import an export with this content."""
    path = folders.mktemp(name) / "export.csv"
    path.write_bytes(content.encode(LAYOUTS[name].encoding, errors="replace"))
    return imported(path, name, ignore_extra=True)


places = st.integers(min_value=0, max_value=10**6)
names = st.sampled_from(sorted(LAYOUTS))


@pytest.mark.parametrize("fault", FAULTS)
@settings(max_examples=3, deadline=None, derandomize=True, database=None)
@given(name=names, place=places)
def test_a_fault_is_rejected_or_changes_nothing(
    fault: str, tmp_path_factory: pytest.TempPathFactory, name: str, place: int
) -> None:
    rows, before = sound(name)
    place = 1 + place % (len(rows) - 1)
    try:
        found = read(name, FAULTS[fault](rows, place, LAYOUTS[name].delimiter), tmp_path_factory)
    except (DataError, UsageError):
        return
    counts = found.imported.lines.iloc[0]
    assert counts["read"] == counts["loaded"] + counts["rejected"] + counts["duplicates"]
    if found.imported.refusal:
        return
    after = orders_of(found)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert len(changed) <= 2, "the order of the row, and the one before it, whose row a damaged one may be"
    assert not changed or len(found.rejects), (name, place, rows[place], [after.get(key) for key in changed])


@pytest.mark.parametrize("change", HARMLESS)
@settings(max_examples=2, deadline=None, derandomize=True, database=None)
@given(name=names, place=places)
def test_another_spelling_of_the_file_changes_nothing(
    change: str, tmp_path_factory: pytest.TempPathFactory, name: str, place: int
) -> None:
    rows, before = sound(name)
    found = read(name, HARMLESS[change](rows, 1 + place % (len(rows) - 1), LAYOUTS[name].delimiter), tmp_path_factory)
    assert (orders_of(found), len(found.rejects)) == (before, 0)
