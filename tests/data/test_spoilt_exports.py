"""Tests of exports with a fault: an order is loaded as it was, or its row is rejected, or the file is refused in words.

A few examples per fault; more with the environment variable EXAMPLES_PER_FAULT, such as 200.
"""

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lib.catalog import tables
from lib.errors import DataError, UsageError
from tests.exports import LAYOUTS, write_export, write_tables
from tests.own_files import AUTO, Found, imported

pytestmark = pytest.mark.slow  # imports of whole exports

EXAMPLES = int(os.environ.get("EXAMPLES_PER_FAULT", "1"))
QUICK = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # shrinking is slow
)
UNTIL, ORDERS = "1013", 12
Rows = list[list[str]]
Fault = Callable[[Rows, set[int], str], str]
NAMES = (*sorted(LAYOUTS), "tables")
KINDS = {  # a part of the names of columns of each kind
    "amount": ("price", "total", "sales", "subtotal", "amount", "price_at_time", "revenue", "spend", "cost"),
    "units": ("quantity",),
    "date": ("date", "created at", "timestamp"),
    "country": ("country", "country_code"),
    "state": ("status", "event_type"),
    "key": ("order id", "orderid", "order-id", "order_id", "order number", "invoiceno", "user_id", "email", "sku"),
}


def text(rows: Rows, delimiter: str, **options: Any) -> str:
    """The rows as CSV."""
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, **options).writerows(rows)
    return file.getvalue()


def delimiter_of(name: str) -> str:
    return LAYOUTS[name].delimiter if name in LAYOUTS else ","


def encoding_of(name: str) -> str:
    return LAYOUTS[name].encoding if name in LAYOUTS else "utf-8"


@cache
def sound(name: str) -> tuple[dict[str, Rows], dict[str, Any]]:
    """The rows of the files of an export, and what they are imported as."""
    with TemporaryDirectory() as folder:
        path = write_tables(Path(folder) / "s", ORDERS) if name == "tables" else write_export(name, Path(folder), UNTIL)
        files = {}
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            content = file.read_text(encoding=encoding_of(name))
            files[file.stem] = list(csv.reader(io.StringIO(content), delimiter=delimiter_of(name)))
        texts = {file: text(rows, delimiter_of(name)) for file, rows in files.items()}
        return files, contents(name, read(name, texts, Path(folder)))


def contents(name: str, found: Found) -> dict[str, Any]:
    """Day, country, state and sorted items of each order; of tables the cells of each row."""
    if name == "tables":
        own = [table for table in tables().values() if not table.mart]
        return {
            row[table.key]: [str(row[column]) for column in table.column_names]
            for table in own
            for row in found.table(table.name).to_dict("records")
        }
    orders, items = found.table("orders"), found.table("order_items")
    bought: dict[str, list[str]] = {order: [] for order in orders["order_id"]}
    for item in items.itertuples():
        bought[item.order_id].append(f"{item.product_id} {item.quantity} {item.price_at_time} {item.discount}")
    amounts = (items["quantity"] * items["price_at_time"]).groupby(items["order_id"]).sum()
    assert all(abs(amounts[row.order_id] - row.total_amount) < 1 for row in orders.itertuples() if bought[row.order_id])
    return {
        order.order_id: [
            str(order.order_date),
            str(order.shipping_country_code),
            order.status,
            sorted(bought[order.order_id]),
        ]
        for order in orders.itertuples()
    }


def columns_of(rows: Rows, kind: str) -> list[int]:
    """Columns of a kind; all for the empty one."""
    parts = KINDS.get(kind, ("",))
    return [place for place, name in enumerate(rows[0]) if any(part in name.casefold() for part in parts)]


def cell(kind: str, change: Callable[[str], str]) -> tuple[str, Fault]:
    """A fault that changes the cells of a kind in some rows."""

    def spoil(rows: Rows, places: set[int], delimiter: str) -> str:
        changed, columns = [list(row) for row in rows], columns_of(rows, kind)
        for row, column in product(places, columns):
            changed[row][column] = changed[row][column] and change(changed[row][column])
        return text(changed, delimiter)

    return kind, spoil


def row(change: Callable[[str, str], str]) -> tuple[str, Fault]:
    """A fault that changes the text of some rows."""

    def spoil(rows: Rows, places: set[int], delimiter: str) -> str:
        lines = text(rows, delimiter).splitlines()
        changed = [change(line, delimiter) if place in places else line for place, line in enumerate(lines)]
        return "\r\n".join([*changed, ""])

    return "", spoil


def whole(change: Callable[[Rows, int], Rows]) -> tuple[str, Fault]:
    """A fault of the whole file, at a place."""
    return "", lambda rows, places, delimiter: text(change(rows, min(places)), delimiter)


FAULTS = {
    "letter O": cell("amount", lambda value: value.replace("0", "O").replace("9", "O")),
    "currency sign": cell("amount", lambda value: f"${value}"),
    "exponent": cell("amount", lambda value: f"{value}e1"),
    "not a number": cell("amount", lambda _: "NaN"),
    "infinity": cell("amount", lambda _: "inf"),
    "hexadecimal": cell("amount", lambda _: "0x10"),
    "separators": cell("amount", lambda value: f"1,,{value}"),
    "comma for a point": cell("amount", lambda value: value.replace(".", ",")),
    "two points": cell("amount", lambda value: f"1.{value}"),
    "underscore": cell("amount", lambda value: f"1_{value}"),
    "percent": cell("amount", lambda value: f"{value}%"),
    "in parentheses": cell("amount", lambda value: f"({value})"),
    "negative amount": cell("amount", lambda value: f"-{value}-"),
    "space within": cell("amount", lambda value: f"{value[:1]} {value[1:]}"),
    "too many decimals": cell("amount", lambda value: f"{value}000000001"),
    "too large": cell("amount", lambda value: f"9999999999999{value}"),
    "half a unit": cell("units", lambda value: f"{value}.5"),
    "no units": cell("units", lambda _: ""),
    "words for units": cell("units", lambda _: "two"),
    "other digits": cell("units", lambda _: "٣"),
    "too many units": cell("units", lambda _: "99999999999"),
    "other date": cell("date", lambda _: "31.12.2024"),
    "no such day": cell("date", lambda value: value.replace("2024", "2024-02-30").replace("/24", "/99/24")),
    "no such time": cell("date", lambda value: value.replace(":", ":7", 1) if ":" in value else f"{value} 25:00"),
    "early date": cell("date", lambda _: "1899-12-30"),
    "serial date": cell("date", lambda _: "45787.5"),
    "no date": cell("date", lambda _: ""),
    "unknown country": cell("country", lambda _: "Atlantis"),
    "unknown state": cell("state", lambda _: "in orbit"),
    "control character": cell("key", lambda value: f"{value}\x01"),
    "cut off": row(lambda line, delimiter: line.rpartition(delimiter)[0]),
    "surplus cell": row(lambda line, delimiter: f"{line}{delimiter}surplus"),
    "shifted cells": row(lambda line, delimiter: f"{delimiter}{line}"),
    "open quote": row(lambda line, delimiter: f'{delimiter}"'.join(line.split(delimiter, 1))),
    "two rows in one": row(lambda line, delimiter: f"{line}{delimiter}{line}"),
    "header again": whole(lambda rows, place: [*rows[:place], rows[0], *rows[place:]]),
    "no header": whole(lambda rows, _: rows[1:]),
    "a column twice": whole(lambda rows, _: [[rows[0][0], *rows[0][:1], *rows[0][2:]], *rows[1:]]),
    "NUL": row(lambda line, delimiter: line.replace(delimiter, f"\0{delimiter}", 1)),
}  # fmt: skip
HARMLESS: dict[str, Callable[[Rows, int, str], str]] = {
    "space": lambda rows, _, delimiter: text([rows[0], *([f" {c} " for c in r] for r in rows[1:])], delimiter),
    "quotes": lambda rows, _, delimiter: text(rows, delimiter, quoting=csv.QUOTE_ALL),
    "line feeds": lambda rows, _, delimiter: text(rows, delimiter, lineterminator="\n"),
    "empty rows": lambda rows, place, delimiter: text([*rows[:place], [], *rows[place:], []], delimiter),
    "order of columns": lambda rows, _, delimiter: text([r[::-1] for r in rows], delimiter),
    "another column": lambda rows, _, delimiter: text([[*r, "x"] for r in rows], delimiter),
    "capitals": lambda rows, _, delimiter: text([[c.upper() for c in rows[0]], *rows[1:]], delimiter),
}


def read(name: str, files: dict[str, str], folder: Path) -> Found:
    """Import an export with these texts of its files, recognised as far as the params of the layout leave it open."""
    data = folder / "export"
    data.mkdir()
    for file, content in files.items():
        path = data / f"{file}.csv"
        path.write_bytes(content.encode(encoding_of(name), errors="replace"))
    layout = "own_files" if name == "tables" else name
    return imported(data if name == "tables" else path, layout, ignore_extra=True, to=folder / "to", **AUTO)


@cache
def choices(kind: str) -> list[tuple[str, str]]:
    """Exports, and of their files those with cells of a kind."""
    return [
        (name, file)
        for name in NAMES
        for file, rows in sound(name)[0].items()
        if len(rows) > 1 and any(rows[1][place] for place in columns_of(rows, kind))
    ]


def explained(name: str, before: dict[str, Any], found: Found, emptied: int) -> None:
    """Check that rows, or items of an order, are only missing, and only where rows are rejected.

    A return that is rejected leaves its order in another state. A refund is added for the rest where one is rejected.
    """
    after, rejected = contents(name, found), bool(len(found.rejects))
    differing = {key: (before.get(key), value) for key, value in after.items() if before.get(key) != value}
    if name == "tables":
        added = {key for key in differing if key not in before} & set(found.table("refunds")["refund_id"])
        assert len(differing) <= len(added) * rejected + emptied, differing
    else:
        for key, (old, new) in differing.items():
            assert key in before and rejected, differing
            assert new[:2] == old[:2] and (new[2] == old[2] or LAYOUTS[name].has_returns), differing
            assert not Counter(new[3]) - Counter(old[3]), differing
    assert rejected or before.keys() == after.keys()


numbers = st.integers(min_value=0, max_value=10**6)


@pytest.mark.parametrize("fault", FAULTS)
@settings(QUICK)
@given(turn=numbers, some=st.lists(numbers, min_size=1, max_size=14))
def test_a_fault_is_rejected_or_changes_nothing(fault: str, turn: int, some: list[int]) -> None:
    kind, spoil = FAULTS[fault]
    nth = 7 * list(FAULTS).index(fault)  # the first examples are all 0
    name, file = choices(kind)[(turn + nth) % len(choices(kind))]
    files, before = sound(name)
    rows = len(files[file]) - 1
    places = {1 + (number + nth) % rows for number in some[: max(1, rows // 4)]}  # a majority would set the form
    texts = {each: text(rows, delimiter_of(name)) for each, rows in files.items()}
    texts[file] = spoil(files[file], places, delimiter_of(name))
    with TemporaryDirectory() as folder:
        try:
            found = read(name, texts, Path(folder))
        except (DataError, UsageError) as error:
            assert re.search(
                rf"/{file}\.csv(, line \d+|: .*(dates|number) |: duplicate columns| lacks the columns)", str(error)
            ), error
            return
        counts = found.imported.lines
        assert (counts["read"] == counts["loaded"] + counts["rejected"] + counts["duplicates"]).all()
        assert not kind or counts["read"].sum() == sum(len(rows) - 1 for rows in files.values())
        for reject in found.rejects.itertuples():
            assert reject.line > 1 and reject.reason and (reject.column in files[Path(reject.file).stem][0] or not kind)
        if found.imported.refusal:
            assert re.search(rf"{file}\.csv, line \d+", found.imported.refusal), found.imported.refusal
        else:
            explained(name, before, found, emptied=len(places) if fault in ("no units", "no date") else 0)


@pytest.mark.parametrize("change", HARMLESS)
@settings(QUICK)
@given(number=numbers)
def test_another_spelling_of_the_file_changes_nothing(change: str, number: int) -> None:
    name = NAMES[(number + list(HARMLESS).index(change)) % len(NAMES)]
    files, before = sound(name)
    texts = {
        file: HARMLESS[change](rows, 1 + number % max(1, len(rows) - 1), delimiter_of(name))
        for file, rows in files.items()
    }
    with TemporaryDirectory() as folder:
        found = read(name, texts, Path(folder))
        assert (contents(name, found), len(found.rejects)) == (before, 0)
