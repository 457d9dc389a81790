"""Tests of files as spreadsheets save them: empty rows, `sep=` lines, second tables, quoted rows, Excel dates."""

import csv
import io
import re
from datetime import date
from pathlib import Path
from typing import Any

import hypothesis
import pandas as pd
import pytest
from hypothesis import strategies as st

from lib.catalog import Column
from lib.data.imports.mapping import Layout, read_options
from lib.data.imports.reading import read_blocks
from lib.data.imports.rejects import Policy
from lib.errors import DataError
from lib.run import params
from tests.own_files import EXPLICIT, Found, given, imported

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
ROWS = ("6001,MUG,Mug,1,2011-11-01 10:00:00,10.00,C1,France", "6002,POT,Pot,2,2011-11-02 10:00:00,30.00,C2,France")
SHOP = (
    "Name,Email,Financial Status,Fulfillment Status,Currency,Subtotal,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Lineitem sku,Lineitem discount,Billing Name,Billing City,Billing Country,Shipping City,"
    "Shipping Country,Cancelled at,Phone",
    "#1001,a@example.com,paid,fulfilled,USD,30.00,2025-05-10 12:00:00 +0000,1,Mug,30.00,MUG,0.00,Ada,Reno,US,Reno,US,,",
    "#1002,b@example.com,paid,fulfilled,USD,50.00,2025-05-20 12:00:00 +0000,1,Pot,50.00,POT,0.00,Ben,Reno,US,Reno,US,,",
)


def read(folder: Path, *lines: str, end: str = "\n", **changes: Any) -> Found:
    path = folder / "lines.csv"
    path.write_bytes((end.join(lines) + end).encode())
    return imported(path, "online_retail", as_of=date(2011, 12, 1), policy=Policy("GBP", 1.0, "reject"), **changes)


def of_shopify(folder: Path, *lines: str, **changes: Any) -> Found:
    path = folder / "orders.csv"
    path.write_text("\n".join(lines) + "\n")
    return imported(path, "shopify", **changes)


def total(found: Found) -> float:
    return float(found.table("orders")["total_amount"].sum())


@pytest.mark.parametrize("empty", [",,,,,,,", "", '"","",,,,,,', " ,  ,,,,,,", ",,,"])
def test_rows_without_text_are_skipped_and_counted(empty: str, tmp_path: Path) -> None:
    found = read(tmp_path, HEADER, ROWS[0], empty, ROWS[1], empty, empty)
    assert found.cases("", "empty rows skipped") == 3
    assert (total(found), len(found.rejects)) == (70, 0)


@pytest.mark.parametrize("line", ["sep=,", "SEP=,", '"sep=,"', "\ufeffsep=,"])
def test_the_sep_line_of_a_spreadsheet_is_skipped(line: str, tmp_path: Path) -> None:
    found = read(tmp_path, line, HEADER, *ROWS, end="\r\n")
    assert (found.cases("", "sep= line skipped"), total(found), len(found.rejects)) == (1, 70, 0)


@pytest.mark.parametrize(
    "below",
    [
        ("Total,70.00",),
        ("Summe: 70",),
        ("Country,Orders", "France,2"),
        (",,,,,,,", "Country,Orders", *(f"C{n},{n}" for n in range(1_200))),
    ],
)
def test_a_total_or_second_table_below_the_data_is_skipped_and_counted(below: tuple[str, ...], tmp_path: Path) -> None:
    found = read(tmp_path, HEADER, *ROWS, *below)
    rows = sum(line != ",,,,,,," for line in below)
    assert found.cases("", "rows below the data skipped: a total or second table, of fewer columns") == rows
    assert (total(found), len(found.rejects)) == (70, 0)


@pytest.mark.parametrize(
    "last",
    [
        ("6003,BOX,Box,1",),  # cut off
        ("6003,BOX,Box,1", "6004,BOX,Box,1"),  # rows of the data
        ("Note,see 6001",),  # not a total, and a single row is not a table
        ("6003,BOX,Box, large,1,2011-11-02 10:00:00,1.00,C1,France",),  # a comma inside a text
    ],
)
def test_damaged_rows_at_the_end_are_rejected(last: tuple[str, ...], tmp_path: Path) -> None:
    found = read(tmp_path, HEADER, *ROWS, *last)
    assert found.rejects["rule"].tolist() == ["wrong_field_count"] * len(last)


def test_a_second_table_between_rows_of_the_data_is_rejected(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER, ROWS[0], "Total,10.00", "a,b", *([ROWS[1]] * 1_000))
    assert found.rejects["line"].tolist() == [3, 4]


@pytest.mark.parametrize("form", ['"{}"', '"{}";', '"{}",,,'])
def test_rows_that_a_spreadsheet_put_into_one_cell_are_refused_in_fitting_words(form: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lines\.csv, row 2: the row is one quoted cell; .*export the file again"):
        read(tmp_path, HEADER, *(form.format(row) for row in ROWS))


def test_excel_serial_numbers_are_rejected_by_name_or_read_as_dates(tmp_path: Path) -> None:
    lines = [line.replace("2025-05-10 12:00:00 +0000", "45787.5") for line in SHOP]
    found = of_shopify(tmp_path, *lines)
    (reason,) = found.rejects["reason"]
    assert "Excel serial number" in reason
    assert "mapping.excel_dates" in reason
    found = of_shopify(tmp_path, *lines, excel_dates=True)
    assert found.table("orders")["order_date"].min() == pd.Timestamp("2025-05-10 12:00", tz="UTC")
    assert found.cases("Created at", "Excel serial number read as a date") == 1


@pytest.mark.parametrize(
    ("serial", "expected"),
    [("45787", "2025-05-10"), ("45787.75", "2025-05-10 18:00"), ("45787.999988425", "2025-05-10 23:59:59")],
)
def test_excel_serial_numbers_have_days_and_seconds(serial: str, expected: str, tmp_path: Path) -> None:
    found = of_shopify(tmp_path, SHOP[0], SHOP[1].replace("2025-05-10 12:00:00 +0000", serial), excel_dates=True)
    assert found.table("orders")["order_date"].tolist() == [pd.Timestamp(expected, tz="UTC")]


def test_apostrophes_before_numbers_are_removed_and_those_of_codes_kept(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER, "6001,'0017,Mug,'1,'2011-11-01 10:00:00,'10.00,C1,France")
    assert total(found) == 10
    for column in ("Quantity", "InvoiceDate", "UnitPrice"):
        assert found.cases(column, "apostrophe before a number removed") == 1
    assert found.cases("StockCode", "apostrophe before a number kept, though '0017 is probably 0017") == 1


@pytest.mark.parametrize(
    ("name", "sales", "words"),
    [("shopify_trailing_commas", 80, "empty rows skipped"), ("shopify_sep_line", 80, "sep= line skipped")],
)
def test_examples_from_the_trade_are_read(name: str, sales: float, words: str, tmp_path: Path) -> None:
    found = imported(given(f"cases/{name}.csv", tmp_path), "shopify")
    assert (len(found.table("orders")), total(found), len(found.rejects)) == (2, sales, 0)
    assert found.cases("", words) == (5 if "commas" in name else 1)


def test_example_of_serial_dates(tmp_path: Path) -> None:
    path = given("cases/shopify_excel_serial.csv", tmp_path)
    refused = imported(path, "shopify", policy=Policy("auto", 1.0, "reject"))
    assert re.search(r"2 rows .* line 2, column Created at, '45787.5'.*Excel serial number", refused.imported.refusal)
    assert refused.rejects["line"].tolist() == [2, 3]
    found = imported(path, "shopify", excel_dates=True)
    assert (len(found.table("orders")), total(found)) == (2, 80)


def test_example_of_quoted_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 2: the row is one quoted cell"):
        imported(given("cases/shopify_cell_per_line.csv", tmp_path), "shopify")


def test_example_of_codes_that_look_like_numbers(tmp_path: Path) -> None:
    path = given("cases/sku_zeros.csv", tmp_path)
    found = imported(path, "online_retail", as_of=date(2011, 12, 1), policy=Policy("GBP"))
    assert (len(found.table("products")), total(found)) == (6, 72)
    assert found.cases("StockCode", "apostrophe before a number kept, though '0017 is probably 0017") == 1


PARTS = (
    "a",
    "bc,d,e",
    "é",
    " ",
    ",",
    '"',
    '""',
    '"x,y"',
    '"x\ny"',
    "\n",
    "\r\n",
    "\r",
    "\0",
    "f,g,h\n",
    '"i",j,"k"\n',
    ",,\n",
)
FIELDS = ("one", "two", "three")


def by_csv(content: str) -> list[tuple[int, int | None, list[str]]]:
    """Line, number of fields unless it is that of the header, and cells of the rows with text, by csv alone."""
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    found, line = [], 1
    for cells in reader:
        if "".join(cells).strip():
            width = len(cells)
            found.append((line, None, cells) if width == len(FIELDS) else (line, width, [""] * len(FIELDS)))
        line = reader.line_num + 1
    return found[1:]


@hypothesis.settings(max_examples=150, deadline=None, derandomize=True, database=None)
@hypothesis.given(parts=st.lists(st.sampled_from(PARTS), max_size=30), block=st.integers(min_value=1, max_value=40))
def test_rows_are_those_of_the_csv_module(
    parts: list[str], block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path, content = tmp_path_factory.mktemp("any") / "file.csv", f"{','.join(FIELDS)}\n{''.join(parts)}\nlast,1,2\n"
    path.write_bytes(content.encode())
    layout = Layout("any", tuple(Column(n, "text", "") for n in FIELDS), {n: n for n in FIELDS}, frozenset(FIELDS))
    mapping = params.load(params.find("online_retail"), [f"data={path}"]).values()["mapping"] | EXPLICIT
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lib.data.imports.reading.BLOCK_CHARACTERS", block)
        try:
            rows = [
                row
                for each in read_blocks(path, layout, read_options(mapping, None))[1]
                for row in each.rows.to_pylist()
            ]
        except DataError as error:
            if "unclosed_quote" in str(error):
                with pytest.raises(csv.Error):
                    by_csv(content)
            return
    assert [(row["line"], row["field_count"], [row[n] for n in FIELDS]) for row in rows] == by_csv(content)
