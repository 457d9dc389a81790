"""Tests of bad input by case number: each file or row is rejected, repaired or kept as the case says."""

import codecs
import gzip
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from lib.catalog import Column, tables
from lib.data.imports.mapping import Layout, read_options
from lib.data.imports.reading import read_blocks
from lib.data.imports.rejects import write_rejects
from lib.data.imports.staging import stage
from lib.data.parquet import to_arrow
from lib.errors import DataError
from lib.run import params
from tests.own_files import AS_OF, EXPLICIT, Found, Rows, imported, key, shop, text, write

USER, PRODUCT, ORDER, ITEM = "users", "products", "orders", "order_items"
REJECTED, REPAIRED, KEPT = "rejected", "repaired", "kept"


@dataclass(frozen=True)
class Case:
    """A cell with a value, and the expected outcome."""

    number: int
    table: str
    column: str
    value: str
    outcome: str
    expected: Any = None  # the rule; the repaired value and its note; None if kept
    mapping: dict[str, Any] = field(default_factory=dict)


def rejected(number: int, table: str, column: str, rule: str, *values: str, **mapping: Any) -> list[Case]:
    return [Case(number, table, column, value, REJECTED, rule, mapping) for value in values]


def kept(number: int, table: str, column: str, *values: str, **mapping: Any) -> list[Case]:
    return [Case(number, table, column, value, KEPT, None, mapping) for value in values]


def repaired(number: int, table: str, column: str, value: str, expected: Any, note: str, **mapping: Any) -> Case:
    return Case(number, table, column, value, REPAIRED, (expected, note), mapping)


def utc(words: str) -> pd.Timestamp:
    return pd.Timestamp(words, tz="UTC")


SPACE = "outer white space removed"
NAIVE = "naive timestamp read in {}"
WORDS = ["=cmd|' /C calc'!A0", "x'); drop table products;--", "<script>alert(1)</script>", "100%s %(x)s :y"]
CELLS = [
    *rejected(1, PRODUCT, "price", "not_finite", "NaN", "nan"),
    *rejected(2, PRODUCT, "cost", "not_finite", "NaN"),
    *rejected(3, PRODUCT, "price", "not_finite", "inf", "Infinity", "-inf"),
    *rejected(4, PRODUCT, "price", "not_a_number", "1e309"),
    *kept(5, PRODUCT, "price", "0.00"),
    *rejected(6, PRODUCT, "price", "negative", "-1"),
    *rejected(7, ORDER, "shipping_amount", "too_many_decimals", "0.004"),
    *rejected(8, ORDER, "tax_amount", "too_many_decimals", "9.995"),
    *kept(8, PRODUCT, "price", "9.995", "0.000001"),
    *rejected(9, PRODUCT, "price", "out_of_range", "1000000000000", "9" * 40),
    *rejected(9, ORDER, "tax_amount", "out_of_range", "1000000000000"),
    *rejected(10, PRODUCT, "price", "not_a_number", "9,99"),
    *rejected(11, PRODUCT, "price", "not_a_number", "1,234.50"),
    *rejected(12, PRODUCT, "price", "not_a_number", "$9.99", "9.99 €"),
    *rejected(13, PRODUCT, "price", "not_a_number", "1_000", "0x10", "٣"),
    *rejected(14, PRODUCT, "price", "missing", ""),
    *rejected(15, PRODUCT, "price", "too_many_decimals", "0.30000000000000004"),
    *rejected(15, ORDER, "tax_amount", "too_many_decimals", "0.30000000000000004"),
    *kept(16, PRODUCT, "name", "12345678901234567.89"),
    *kept(16, PRODUCT, "price", "999999999999.999999", "1234567890.12"),
    *rejected(16, PRODUCT, "price", "out_of_range", "12345678901234567.89"),
    repaired(17, PRODUCT, "stock_quantity", "5.0", 5, "zero decimals dropped"),
    *rejected(18, PRODUCT, "stock_quantity", "not_an_integer", "5.5"),
    *kept(19, PRODUCT, "stock_quantity", ""),
    *rejected(20, PRODUCT, "stock_quantity", "out_of_range", "2147483648"),
    *kept(20, PRODUCT, "stock_quantity", "2147483647"),
    *rejected(21, PRODUCT, "stock_quantity", "not_an_integer", "1e3"),
    repaired(22, PRODUCT, "stock_quantity", " 5 ", 5, SPACE),
    *kept(23, PRODUCT, "category", "NA"),
    *kept(23, USER, "country_code", "NA"),
    *kept(24, PRODUCT, "category", "null", "None", "NULL", "NaN"),
    repaired(24, PRODUCT, "category", "null", None, "placeholder of mapping.null_words read as empty",
        null_words=["null"],
    ),
    *kept(26, PRODUCT, "name", "\\N"),
    *rejected(27, PRODUCT, "name", "nul_character", "Ja\0r"),
    *rejected(28, PRODUCT, "category", "too_long", "x" * 201),
    repaired(29, PRODUCT, "category", "x" * 200 + " ", "x" * 200, SPACE),
    *kept(30, PRODUCT, "category", "🛒" * 200),
    repaired(31, PRODUCT, "name", "Cafe\u0301", "Café", "normalised to Unicode NFC"),
    *rejected(32, PRODUCT, "name", "blank", "\u200b\u200d", "   ", "\u00a0", "\u200b\u00a0\ufeff"),
    *rejected(33, PRODUCT, "name", "control_character", "Jar \u202egnp", "Jar\x01", "Jar\x7f"),
    *kept(34, PRODUCT, "name", "one\ntwo"),
    *kept(35, PRODUCT, "name", "one\rtwo", "one\r\ntwo"),
    *kept(36, PRODUCT, "name", "a\\tb", "a\\"),
    *kept(37, PRODUCT, "name", WORDS[0], "+1", "-1", "@x", "=1+1"),
    *kept(38, PRODUCT, "name", WORDS[1]),
    *kept(39, PRODUCT, "name", WORDS[2]),
    *kept(40, PRODUCT, "name", WORDS[3], "{table} $1 ?"),
    *kept(41, PRODUCT, "name", "01234"),
    *kept(42, PRODUCT, "name", "1e5"),
    *kept(43, PRODUCT, "name", "12345678901234567890"),
    *kept(44, PRODUCT, "name", "TRUE", "true"),
    repaired(47, ORDER, "order_date", "2025-03-01T12:00:00", utc("2025-03-01 12:00"), NAIVE.format("UTC")),
    repaired(
        47, ORDER, "order_date", "2025-03-01 12:00:00", utc("2025-03-01 11:00"), NAIVE.format("Europe/Berlin"),
        time_zone="Europe/Berlin",
    ),
    repaired(47, ORDER, "order_date", "2025-03-01", utc("2025-03-01"), "date without a time read as midnight"),
    *rejected(48, ORDER, "order_date", "not_iso", "03/04/2025"),
    *rejected(48, USER, "signup_date", "not_iso", "03/04/2025"),
    *rejected(49, USER, "signup_date", "not_iso", "13/04/2025"),
    *rejected(50, USER, "signup_date", "not_a_date", "2025-02-30"),
    *rejected(50, ORDER, "order_date", "not_a_date", "2025-02-30T10:00:00Z", "2025-02-10T10:00:00+99:99"),
    *rejected(51, USER, "signup_date", "not_iso", "infinity", "-infinity"),
    *rejected(51, ORDER, "order_date", "not_iso", "infinity"),
    *rejected(52, USER, "signup_date", "not_iso", "today", "now"),
    *rejected(52, ORDER, "order_date", "not_iso", "today", "now"),
    *rejected(53, USER, "signup_date", "excel_serial", "45361"),
    *rejected(53, ORDER, "order_date", "excel_serial", "45361"),
    *rejected(53, ORDER, "order_date", "not_iso", "1741000000"),
    *rejected(54, USER, "signup_date", "too_early", "0001-01-01", "1999-12-31"),
    *rejected(54, USER, "signup_date", "too_late", "9999-12-31", "2026-07-02"),
    *rejected(54, USER, "signup_date", "not_iso", "10000-01-01"),
    *kept(54, USER, "signup_date", "2000-01-01", "2026-07-01"),
    *rejected(55, ORDER, "order_date", "not_a_date", "2025-02-10T10:00:60Z", "2025-02-10T24:00:00Z"),
    repaired(
        56, ORDER, "order_date", "2025-03-01T12:00:00.123456789Z", utc("2025-03-01 12:00:00.123456"),
        "nanoseconds truncated to microseconds",
    ),
    *kept(57, ORDER, "order_date", "2025-03-01T12:00:00+02:00", "2025-03-01 12:00:00 -0530", "2025-03-01T12:00Z"),
    *rejected(58, ORDER, "order_date", "no_such_time", "2025-03-30T02:30:00", time_zone="Europe/Berlin"),
    repaired(
        58, ORDER, "order_date", "2025-10-26T02:30:00", utc("2025-10-26 00:30"),
        "ambiguous time: the first of two was used", time_zone="Europe/Berlin",
    ),
    repaired(59, PRODUCT, "product_id", "{" + key("7", 1) + "}", key("7", 1), "UUID rewritten in its standard form"),
    repaired(59, PRODUCT, "product_id", key("f", 2).upper(), key("f", 2), "UUID rewritten in its standard form"),
    repaired(
        59, PRODUCT, "product_id", key("7", 3).replace("-", ""), key("7", 3), "UUID rewritten in its standard form"
    ),
    *rejected(60, PRODUCT, "product_id", "not_a_uuid", "abc", key("b", 3) + "0", key("b", 3)[:-1] + "g"),
    *rejected(60, PRODUCT, "product_id", "missing", ""),
    *rejected(72, ITEM, "quantity", "not_positive", "-2", "0"),
    *rejected(77, PRODUCT, "name", "too_long", "x" * 300_000),
]  # fmt: skip


class Cells:
    """Cells that are read with the same mapping, each in a row of its own, in the files of one shop."""

    def __init__(self, cases: list[Case], folder: Path) -> None:
        self.rows, self.place = shop(), {}
        for number, case in enumerate(cases, 10):
            self._add(number, case.table)
            self.rows[case.table][-1] |= {case.column: case.value}
            self.place[id(case)] = len(self.rows[case.table]) - 1
        self.found = imported(write(folder / "data", self.rows), **cases[0].mapping)

    def _add(self, number: int, table: str) -> None:
        """Add a row to the table; an order gets an item, and an item an order."""
        ids = {"users": {"user_id": key("a", number), "email": f"{number}@example.com"}}
        ids |= {"products": {"product_id": key("b", number)}, "orders": {"order_id": key("c", number)}}
        ids |= {"order_items": {"order_id": key("c", number), "order_item_id": key("d", number)}}
        for name in (ORDER, ITEM) if table in (ORDER, ITEM) else (table,):
            self.rows[name].append(shop()[name][-1] | ids[name])

    def line(self, case: Case) -> int:
        """Line on which the row of the case starts; rows above it may contain line breaks."""
        before = text(self.rows[case.table][: self.place[id(case)]], ["name", "category"])
        return 1 + len(re.findall(r"\r\n|\r|\n", before))


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], Cells]:
    """Finds the import that contains a case."""
    made: dict[str, Cells] = {}

    def find(case: Case) -> Cells:
        if str(case.mapping) not in made:
            same = [other for other in CELLS if other.mapping == case.mapping]
            made[str(case.mapping)] = Cells(same, tmp_path_factory.mktemp("cells"))
        return made[str(case.mapping)]

    return find


def is_rejected(case: Case, cells: Cells) -> None:
    rejects = cells.found.rejects
    (reject,) = rejects[(rejects["file"] == f"{case.table}.csv") & (rejects["line"] == cells.line(case))].itertuples()
    assert (reject.column, reject.rule) == (case.column, case.expected)
    assert reject.value == case.value[:200].replace("\0", "␀")
    assert case.value[:50].replace("\0", "␀").strip() in reject.raw_line
    assert len(reject.reason) > 15


def is_repaired(case: Case, cells: Cells) -> None:
    expected, note = case.expected
    value = value_of(case, cells)
    assert value is None if expected is None else value == expected
    same = [other for other in CELLS if other.mapping == case.mapping and other.column == case.column]
    least = sum(other.outcome == REPAIRED and other.expected[1] == note for other in same)
    assert cells.found.notes[(f"{case.table}.csv", case.column, note)] >= least


def is_kept(case: Case, cells: Cells) -> None:
    value = value_of(case, cells)
    if case.column in ("order_date", "signup_date"):
        assert value == pd.Timestamp(case.value)
    elif isinstance(value, Decimal):
        assert value == Decimal(case.value)
    else:
        assert (value is None and case.value == "") or str(value) == case.value


def value_of(case: Case, cells: Cells) -> Any:
    """The cell as it is loaded; None for a missing value."""
    lines, rows = cells.rows[case.table], cells.found.table(case.table)
    name = rows.columns[0]
    own = case.expected[0] if case.column == name else lines[cells.place[id(case)]][name]
    value = rows[case.column].iloc[rows[name].tolist().index(own)]
    return None if pd.isna(value) else value


CHECKS = {REJECTED: is_rejected, REPAIRED: is_repaired, KEPT: is_kept}


def test_kept_values_are_not_repaired(tmp_path: Path) -> None:
    found = Cells([case for case in CELLS if case.outcome == KEPT and not case.mapping], tmp_path).found
    assert found.faults() == []
    assert {words for file, _, words in found.notes if file.endswith(".csv")} == set()


def one(folder: Path, rows: Rows, *faults: tuple[str, int, str, str], **mapping: Any) -> Found:
    """Import the rows, and check that these and no others are rejected."""
    found = imported(write(folder / "data", rows), **mapping)
    assert sorted(found.faults()) == sorted(faults)
    return found


def spoiled(table: str, row: int, **cells: str) -> Rows:
    rows = shop()
    rows[table][row - 1] |= cells
    return rows


def declared_decimal_comma(folder: Path) -> None:
    comma = {
        name: [{k: v.replace(".", ",") if k in MONEY else v for k, v in row.items()} for row in rows]
        for name, rows in shop().items()
    }
    comma["products"][2]["price"] = "9,99"
    assert one(folder, comma, decimal=",").table("products")["price"][2] == Decimal("9.99")
    comma["products"][2]["price"] = "1.234,50"
    found = one(folder / "again", comma, ("products.csv", 4, "price", "not_a_number"), decimal=",")
    assert 'SET="mapping.decimal=auto mapping.if_unclear.decimal=,"' in found.rejects["reason"][0]
    loaded = one(folder / "recognised", comma, decimal="auto", if_unclear={"decimal": ","})
    assert loaded.table("products")["price"][2] == Decimal("1234.50")


MONEY = ("price", "total_amount", "price_at_time", "discount")


def reason_names_the_decimal_separator(folder: Path) -> None:
    found = one(folder, spoiled("products", 3, price="9,99"), ("products.csv", 4, "price", "not_a_number"))
    assert "mapping.decimal" in found.rejects["reason"][0]


def quoted_empty_is_empty(folder: Path) -> None:
    path = write(folder / "data", shop())
    lines = (path / "products.csv").read_text().replace("Jar,Kitchen", 'Jar,""').replace("Pot,Kitchen", '"",Kitchen')
    (path / "products.csv").write_text(lines)
    found = imported(path)
    assert ("products.csv", 3, "name", "missing") in found.faults()
    assert pd.isna(found.table("products")["category"].iloc[-1])


def composed_and_decomposed_email_are_one(folder: Path) -> None:
    rows = spoiled("users", 3, email="re\u0301@example.com")
    rows["users"].append(rows["users"][2] | {"user_id": key("a", 4), "email": "r\u00e9@example.com"})
    one(folder, rows, ("users.csv", 5, "email", "duplicate_of_line_n"))


def formula_is_kept_and_escaped_in_the_rejects_file(folder: Path) -> None:
    rows = spoiled("products", 3, name=WORDS[0], price="=1+1")
    found = one(folder, rows, ("products.csv", 4, "price", "not_a_number"))
    write_rejects(found.folder, folder / "rejects")
    assert '"price","not_a_number","\'=1+1"' in (folder / "rejects" / "products.csv").read_text()


FLAGS = ("true", "yes", "Y", "1", "on", "T", "false", "no", "0", "", "maybe")


def of_flags(outcome: str) -> Callable[[Path], None]:
    """A check of the boolean type, which no table has yet, with a file of its own."""

    def check(folder: Path) -> None:
        (folder / "flags.csv").write_text("flag,no\n" + "".join(f"{word},1\n" for word in FLAGS))
        columns = (Column("flag", "boolean", "", optional=True), Column("no", "integer", ""))
        layout = Layout("flags", columns, {"flag": "flag", "no": "no"}, frozenset())
        options = read_options(params.load(params.find("own_files"), [f"data={folder}"]).values()["mapping"], AS_OF)
        staged = stage([folder / "flags.csv"], layout, options, folder)
        lines = pq.read_table(folder / "flags.parquet").to_pylist()
        if outcome == REPAIRED:
            assert [line["flag"] for line in lines[:-1]] == [True] * 6 + [False] * 3 + [None]
            assert staged.parts[0][2]["flag", "yes, no, 1, 0 and the like read as true or false"] == 7
        else:
            assert [line["fault_rule"] for line in lines] == [None] * 10 + ["not_a_boolean"]

    return check


def declared_date_format(folder: Path) -> None:
    rows = shop()
    for user in rows["users"]:
        user["signup_date"] = "03/02/2025"
    for order in rows["orders"]:
        order["order_date"] = "04/03/2025 09:30"
    found = one(folder, rows, date_format="%d/%m/%Y %H:%M", time_zone="Europe/Berlin")
    assert set(found.table("orders")["order_date"]) == {utc("2025-03-04 08:30")}
    assert set(found.table("users")["signup_date"]) == {pd.Timestamp("2025-02-03")}
    assert found.notes[("orders.csv", "order_date", NAIVE.format("Europe/Berlin"))] == 2


def duplicate_key(folder: Path) -> None:
    rows = shop()
    rows["products"].append(rows["products"][2] | {"name": "Other"})
    found = one(folder, rows, ("products.csv", 5, "product_id", "duplicate_of_line_n"))
    assert "line 4 already has" in found.rejects["reason"][0]
    assert found.table("products")["name"].tolist() == ["Mug", "Pot", "Jar"]


def duplicate_key_in_capitals(folder: Path) -> None:
    rows = shop()
    rows["products"].append(rows["products"][2] | {"product_id": key("b", 3).upper(), "name": "Other"})
    one(folder, rows, ("products.csv", 5, "product_id", "duplicate_of_line_n"))


def identical_row(folder: Path) -> None:
    rows = shop()
    rows["products"].append(dict(rows["products"][2]))
    found = one(folder, rows)
    counts = found.imported.lines.set_index("file").loc["products.csv"]
    assert counts.to_dict() == {"read": 4, "loaded": 3, "rejected": 0, "duplicates": 1}
    assert found.notes[("products.csv", "", "exact duplicates, dropped")] == 1


def orphans(folder: Path) -> None:
    rows = shop(events=[event(1, product_id=key("b", 9)), event(2)])
    rows["orders"].append(rows["orders"][1] | {"order_id": key("c", 3), "user_id": key("a", 9)})
    for number, cells in enumerate(({"order_id": key("c", 9)}, {"product_id": key("b", 9)}), 3):
        rows["order_items"].append(rows["order_items"][0] | {"order_item_id": key("d", number)} | cells)
    found = imported(write(folder / "data", rows))
    assert {
        ("orders.csv", 4, "user_id", "fk.user_id"),
        ("order_items.csv", 4, "order_id", "fk.order_id"),
        ("order_items.csv", 5, "product_id", "fk.product_id"),
        ("events.csv", 2, "product_id", "fk.product_id"),
    } == set(found.faults())
    assert set(found.rejects["reason"].str.extract(r"no row of (\w+)\.csv has this key")[0]) == {
        "users", "orders", "products",
    }  # fmt: skip


def event(number: int, **cells: str) -> dict[str, str]:
    return {
        "event_id": key("e", number), "user_id": key("a", 1), "session_id": key("f", number),
        "event_type": "product_view", "event_timestamp": "2025-02-01T09:00:00Z",
    } | cells  # fmt: skip


def rejected_parent(folder: Path) -> None:
    """A customer is rejected, their order with them, and its item with that: each with the reason of the first."""
    found = one(
        folder,
        spoiled("users", 1, email="nowhere"),
        ("users.csv", 2, "email", "not_an_email"),
        ("orders.csv", 2, "user_id", "fk.user_id"),
        ("order_items.csv", 2, "order_id", "fk.order_id"),
    )
    item = found.rejects.query("file == 'order_items.csv'")["reason"].item()
    assert item.startswith(
        "line 2 of orders.csv was rejected: line 2 of users.csv was rejected: expected an e-mail address"
    )
    assert "nowhere" not in item


def byte_order_mark(folder: Path) -> None:
    path = write(folder / "data", shop())
    (path / "users.csv").write_bytes(codecs.BOM_UTF8 + (path / "users.csv").read_bytes())
    found = imported(path)
    assert (found.faults(), list(found.notes)) == ([], list(found.notes))
    assert len(found.table("users")) == 3


def file_refused(name: str, change: Callable[[bytes], bytes], *words: str, **mapping: Any) -> Callable[[Path], None]:
    """A check that the changed file is refused with its path and these words."""

    def check(folder: Path) -> None:
        path = write(folder / "data", shop())
        (path / name).write_bytes(change((path / name).read_bytes()))
        with pytest.raises(DataError) as error:
            imported(path, **mapping)
        assert all(word in str(error.value) for word in (str(path / name), *words))

    return check


def accepted(
    name: str, change: Callable[[bytes], bytes], *faults: tuple[str, int, str, str],
    notes: tuple[tuple[str, str], ...] = (), **mapping: Any,
) -> Callable[[Path], None]:  # fmt: skip
    """A check that the changed file is read, with these rejected rows and these notes (column, words)."""

    def check(folder: Path) -> None:
        path = write(folder / "data", shop())
        (path / name).write_bytes(change((path / name).read_bytes()))
        found = imported(path, **mapping)
        assert found.faults() == list(faults)
        assert {(name, *note) for note in notes} <= set(found.notes)
        assert len(found.table(name.removesuffix(".csv"))) == len(shop()[name.removesuffix(".csv")])

    return check


def in_cp1252(content: bytes) -> bytes:
    return content.replace(b"Jar", "Jär".encode("cp1252"))


def header(**changes: str) -> Callable[[bytes], bytes]:
    """A change of names in the header."""

    def change(content: bytes) -> bytes:
        first, _, rest = content.decode().partition("\n")
        return f"{','.join(changes.get(name, name) for name in first.split(','))}\n{rest}".encode()

    return change


def with_columns(**values: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        first, *rest = content.decode().splitlines()
        lines = [f"{first},{','.join(values)}", *(f"{line},{','.join(values.values())}" for line in rest)]
        return "\n".join([*lines, ""]).encode()

    return change


def backwards(content: bytes) -> bytes:
    return "".join(",".join(reversed(line.split(","))) + "\n" for line in content.decode().splitlines()).encode()


def header_only(folder: Path) -> None:
    rows = shop(events=[])
    found = one(folder, rows)
    assert ("events.csv", "", "file has no row below its header") in found.notes


def lone_backslash_dot(folder: Path) -> None:
    """The marker that ends a COPY is an ordinary text: a row with too few fields, or a line of a quoted text."""
    path = write(folder / "data", spoiled("products", 1, name="a\n\\.\nb"))
    with (path / "products.csv").open("a") as file:
        file.write("\\.\n" + ",".join([key("b", 4), "Lid", "", "", "1.00", "", ""]) + "\n")
    found = imported(path)
    assert found.faults() == [("products.csv", 7, "", "wrong_field_count")]
    assert found.table("products")["name"].tolist() == ["a\n\\.\nb", "Pot", "Jar", "Lid"]


def order_before_signup(folder: Path) -> None:
    found = imported(write(folder / "data", spoiled("orders", 1, order_date="2025-01-09T23:59:59Z")))
    assert ("orders.csv", 2, "order_date", "before_signup") in found.faults()
    assert one(folder / "same day", spoiled("orders", 1, order_date="2025-01-10T00:00:00Z"))


def total_differs(folder: Path) -> None:
    found = one(
        folder,
        spoiled("orders", 2, total_amount="20.01"),
        ("orders.csv", 3, "total_amount", "total_differs"),
        ("order_items.csv", 3, "order_id", "fk.order_id"),
    )
    assert "the items sum to 20.00" in found.rejects["reason"][0]


def total_differs_because_of_a_rejected_item(folder: Path) -> None:
    rows = shop()
    rows["order_items"].append(rows["order_items"][1] | {"order_item_id": key("d", 3), "quantity": "x"})
    rows["orders"][1]["total_amount"] = "30.00"
    found = one(
        folder,
        rows,
        ("order_items.csv", 4, "quantity", "not_an_integer"),
        ("orders.csv", 3, "total_amount", "total_differs"),
        ("order_items.csv", 3, "order_id", "fk.order_id"),
    )
    reasons = found.rejects.set_index("line")["reason"]
    assert "line 4 of order_items.csv was rejected: expected a whole number" in reasons[3].iloc[0]


CAMPAIGN = {
    "campaign_id": key("9", 1), "name": "Sale", "channel": "email", "budget": "1.00", "spend": "0.00",
    "impressions": "0", "clicks": "0", "start_date": "2025-02-01", "end_date": "2025-01-31",
}  # fmt: skip


def ends_before_it_starts(folder: Path) -> None:
    rows = shop(marketing_campaigns=[CAMPAIGN, CAMPAIGN | {"campaign_id": key("9", 2), "end_date": "2025-02-01"}])
    one(folder, rows, ("marketing_campaigns.csv", 2, "end_date", "before_start_date"))


def order_after_as_of(folder: Path) -> None:
    """An order on or after as_of is loaded, since reports end at as_of anyway, and is noted."""
    found = one(folder, spoiled("orders", 1, order_date="2025-07-01T00:00:00Z"))
    assert found.notes[("orders.csv", "order_date", "orders: on or after as_of; loaded, not reported")] == 1


def email_in_capitals(folder: Path) -> None:
    found = one(folder, spoiled("users", 3, email="ADA@example.com"), ("users.csv", 4, "email", "duplicate_of_line_n"))
    assert one(folder / "other", spoiled("users", 3, email="Cleo@Example.com")).table("users")["email"][2] == (
        "Cleo@Example.com"
    )
    assert "ADA" not in found.rejects["reason"][0]


def other_currency(folder: Path) -> None:
    path, names = folder / "orders.csv", ("name", "email", "financial_status", "currency", "subtotal", "created_at")
    path.write_text(
        f"{','.join(names)},quantity,item_name,item_price\n"
        "#1,a@example.com,paid,USD,5.00,2025-02-01 10:00:00 +0000,1,Mug,5.00\n"
        "#2,b@example.com,paid,EUR,9.00,2025-02-01 10:00:00 +0000,1,Mug,5.00\n"
        "#2,b@example.com,,,,,1,Pot,4.00\n"
    )
    columns = {name: name for name in (*names, "quantity", "item_name", "item_price")}
    found = imported(path, "shopify", columns=columns)
    assert found.faults() == [
        ("orders.csv", 3, "currency", "other_currency"),
        ("orders.csv", 4, "name", "incomplete_order"),
    ]
    assert len(found.table("orders")) == 1


def two_files_for_one_table(folder: Path) -> None:
    path = write(folder / "data", shop())
    (path / "Users.csv.gz").write_bytes(gzip.compress((path / "users.csv").read_bytes()))
    with pytest.raises(DataError, match=r"has Users\.csv\.gz and users\.csv\. Keep one file for users"):
        imported(path)


def file_that_grows(folder: Path) -> None:
    path = write(folder / "data", shop()) / "products.csv"
    columns = tables()["products"].columns
    layout = Layout("products", columns, {c.name: c.name for c in columns}, frozenset())
    mapping = params.load(params.find("own_files"), [f"data={folder}"]).values()["mapping"] | EXPLICIT
    options = read_options(mapping, AS_OF)
    _, blocks = read_blocks(path, layout, options)
    with path.open("a") as file:
        file.write("more\n")
    with pytest.raises(DataError, match=r"products\.csv changed while it was read"):
        list(blocks)


def packed(folder: Path) -> None:
    path = write(folder / "data", shop())
    (path / "users.csv.gz").write_bytes(gzip.compress((path / "users.csv").read_bytes()))
    (path / "users.csv").unlink()
    assert imported(path).faults() == []
    (path / "users.csv.gz").unlink()
    with zipfile.ZipFile(path / "users.csv", "w") as archive:
        archive.writestr("users.csv", "user_id")
    with pytest.raises(DataError, match=r"users\.csv is a zip archive or an Excel file; expected CSV\. Unpack it"):
        imported(path)


def of_frame(cells: Any, expected: Any, column: str = "order_date") -> Callable[[Path], None]:
    """A check that a frame's column is converted to these values, or refused with these words."""

    def check(_: Path) -> None:
        frame = pd.DataFrame(FRAME).assign(**{column: cells})
        if isinstance(expected, str):
            with pytest.raises(DataError, match=expected):
                to_arrow(frame, "orders")
        else:
            assert to_arrow(frame, "orders")[column].to_pylist() == expected

    return check


FRAME = dict.fromkeys(tables()["orders"].column_names, (None, None)) | {
    "order_id": [key("c", 1), key("c", 2)], "user_id": [key("a", 1)] * 2, "order_date": [utc("2025-01-01")] * 2,
    "status": ["completed"] * 2, "total_amount": ["1.00", "2.00"], "shipping_country_code": [None, "DE"],
    "shipping_city": [None, "x"],
}  # fmt: skip


def of_labels(columns: Any, words: str) -> Callable[[Path], None]:
    def check(_: Path) -> None:
        frame = pd.DataFrame(FRAME).assign(more=1)
        with pytest.raises(DataError, match=words):
            to_arrow(frame.set_axis(columns(frame.columns), axis="columns"), "orders")

    return check


NOON = datetime(2025, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
OTHERS: list[tuple[int, str, Callable[[Path], None]]] = [
    (10, "the reason names mapping.decimal", reason_names_the_decimal_separator),
    (10, "decimal comma", declared_decimal_comma),
    (25, "quoted empty", quoted_empty_is_empty),
    (31, "composed and decomposed e-mail", composed_and_decomposed_email_are_one),
    (37, "formula in the rejects file", formula_is_kept_and_escaped_in_the_rejects_file),
    (45, "words for true and false", of_flags(REPAIRED)),
    (46, "no word for true or false", of_flags(REJECTED)),
    (48, "declared date format", declared_date_format),
    (61, "duplicate key", duplicate_key),
    (61, "duplicate key in capitals", duplicate_key_in_capitals),
    (61, "identical row", identical_row),
    (62, "orphans", orphans),
    (62, "rejected parent", rejected_parent),
    (63, "byte order mark", byte_order_mark),
    (64, "utf-16", file_refused("users.csv", lambda c: c.decode().encode("utf-16"), "Set mapping.encoding to utf-16")),
    (64, "cp1252", file_refused("products.csv", in_cp1252, "line 4 is not utf-8; it looks like cp1252. Set mapping.")),
    (64, "latin-1", file_refused("products.csv", lambda c: c.replace(b"Jar", b"J\xe4r"), "looks like cp1252")),
    (64, "surrogates", file_refused("users.csv", lambda c: c.replace(b"ben,", b"\xed\xa0\x80,"), "line 3 is not")),
    (65, "semicolons", file_refused("users.csv", lambda c: c.replace(b",", b";"), "delimiter looks like ';'")),
    (65, "tabs", file_refused("users.csv", lambda c: c.replace(b",", b"\t"), r"delimiter looks like '\t'")),
    (66, "mixed line endings", accepted("users.csv", lambda c: c.replace(b"\n", b"\r\n", 2).replace(b"\n", b"\r", 1))),
    (66, "blank lines", accepted(
        "users.csv", lambda c: c.replace(b"\n", b"\n\n \n"), notes=(("", "empty rows skipped"),))),
    (66, "lone backslash and dot", lone_backslash_dot),
    (67, "short line", accepted("users.csv", lambda c: c + b"x,y\n", ("users.csv", 5, "", "wrong_field_count"))),
    (67, "long line", accepted("users.csv", lambda c: c + b"x" + b"," * 30, ("users.csv", 5, "", "wrong_field_count"))),
    (67, "half last line", accepted("users.csv", lambda c: c + b"aaaa", ("users.csv", 5, "", "wrong_field_count"))),
    (67, "unclosed quote", file_refused("users.csv", lambda c: c.replace(b"ben@", b'"b'), "line 3", "unclosed_quote")),
    (68, "no header", file_refused("users.csv", lambda c: c.partition(b"\n")[2], "lacks the columns user_id")),
    (68, "misspelt", file_refused("users.csv", header(email="emial"), "email (did you mean emial?)")),
    (68, "misspelt optional", file_refused("users.csv", header(city="citty"), "'citty' (did you mean city?)")),
    (68, "duplicated", file_refused("users.csv", header(city="email"), "duplicate columns email")),
    (68, "reordered", accepted("users.csv", backwards)),
    (68, "capitals and space", accepted("users.csv", header(email=" E-Mail "), columns={"users": {"email": "e-mail"}},
        notes=(("e-mail", "column name matched ignoring case, spaces or accents"),))),
    (68, "extra", file_refused("users.csv", with_columns(note="x"), "'note'", "mapping.ignore_extra")),
    (68, "extra ignored", accepted("users.csv", with_columns(note="x"), ignore_extra=True,
        notes=(("note", "column is not used"),))),
    (68, "empty file", file_refused("users.csv", lambda _: b"", "is empty")),
    (68, "header only", header_only),
    (69, "order before sign-up", order_before_signup),
    (70, "total differs", total_differs),
    (70, "total differs because of a rejected item", total_differs_because_of_a_rejected_item),
    (71, "campaign ends before it starts", ends_before_it_starts),
    (73, "order on as_of", order_after_as_of),
    (74, "e-mail in capitals", email_in_capitals),
    (75, "other currency", other_currency),
    (76, "two files for one table", two_files_for_one_table),
    (78, "file that grows", file_that_grows),
    (79, "packed", packed),
    (80, "texts", of_frame(["2025-01-01 10:00Z", "soon"], r"orders\.order_date is not of type timestamp")),
    (80, "mixed", of_frame([1, "x"], r"orders\.status is not of type string", "status")),
    (80, "NA and NaT", of_frame([pd.NA, pd.NaT], [None, None], "shipping_city")),
    (80, "NA where required", of_frame([utc("2025-01-01"), pd.NaT], "is required, but 1 of 2 rows lack it")),
    (80, "categorical", of_frame(pd.Categorical(["completed", "refunded"]), ["completed", "refunded"], "status")),
    (80, "zones", of_frame([NOON, utc("2025-01-02")], [utc("2025-01-01 10:00"), utc("2025-01-02")])),
    (80, "with and without zone", of_frame([NOON, datetime(2025, 1, 2)], r"orders\.order_date .* have no time zone")),
    (80, "label twice", of_labels(lambda names: [*names[:-1], "status"], r"orders .*duplicate columns .*'status'")),
    (80, "labels of several levels", of_labels(
        lambda names: pd.MultiIndex.from_product([["a"], names]), "orders .* several levels")),
]  # fmt: skip
ALL = [(case.number, f"{case.column} {case.value[:12]!r} {case.outcome}", case) for case in CELLS] + OTHERS


@pytest.mark.parametrize("case", [case for _, _, case in ALL], ids=[f"{number:02}-{words}" for number, words, _ in ALL])
def test_each_case_has_the_expected_outcome(
    case: Case | Callable[[Path], None], cells: Callable[[Case], Cells], tmp_path: Path
) -> None:
    if isinstance(case, Case):
        CHECKS[case.outcome](case, cells(case))
    else:
        case(tmp_path)


def test_no_case_is_missing() -> None:
    assert {number for number, _, _ in ALL} == set(range(1, 81))
