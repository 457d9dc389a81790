"""Tests of workbooks, Parquet files, archives and folders, and of the params file that fits them."""

import gzip
import shutil
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib.data.imports.rejects import Policy, write_rejects
from lib.errors import DataError, UsageError
from lib.run.presets import preset_for
from lib.settings import PROJECT
from tests.own_files import AUTO, FIXTURES, Found, imported, shop, write
from tests.workbooks import write_workbook

HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
ROWS = [
    ["6001", "0017", "Mug", 1, datetime(2011, 11, 1, 10), 10.1, "C1", "France"],
    [6002, 17, "Pot\nwith a lid", 2, datetime(2011, 11, 2, 10, 30, 15), 30, "C2", "France"],
    [None] * 8,
    ["6003", "JAR", "Jar", "x", datetime(2011, 11, 3), 0.1 + 0.2, 17.0, "France"],
]


def read(path: Path) -> Found:
    return imported(path, "online_retail", as_of=date(2011, 12, 1), policy=Policy("GBP", 1.0, "reject"), **AUTO)


def csv_file(path: Path) -> Path:
    path.write_text(",".join(HEADER) + "\n6001,0017,Mug,1,2011-11-01 10:00:00,10.10,C1,France\n")
    return path


def test_a_workbook_is_read_by_its_sheet_with_the_columns(tmp_path: Path) -> None:
    found = read(write_workbook(tmp_path / "shop.xlsx", Notes=[["Report"]], Orders=[["Shop"], [], HEADER, *ROWS]))
    items, orders = found.table("order_items"), found.table("orders")
    assert sorted(items["price_at_time"]) == [Decimal("10.1"), Decimal(30)]
    assert sorted(orders["order_date"]) == [pd.Timestamp(row[4], tz="UTC") for row in ROWS[:2]]
    assert set(found.table("products")["name"]) == {"Mug", "Pot\nwith a lid"}
    assert found.rejects[["value", "rule"]].to_numpy().tolist() == [["x", "not_an_integer"]]
    assert found.rejects["raw_line"][0].startswith("6003,JAR,Jar,x,2011-11-03,0.3,17,")
    assert found.cases("", "empty rows skipped") == 1
    rows = found.imported.recognised.set_index("setting")
    assert rows.loc["header line", "from what"] == "the names of the columns in the sheet Orders of an Excel workbook"
    assert "delimiter" not in rows.index


def test_a_workbook_of_excel_97_is_read(tmp_path: Path) -> None:
    """tests/fixtures/online_retail.xls was written with xlwt: two sheets, of which the second has the rows."""
    found = read(Path(shutil.copy(FIXTURES / "online_retail.xls", tmp_path)))
    orders, products = found.table("orders"), found.table("products")
    assert sorted(orders["order_date"]) == [pd.Timestamp(row[4], tz="UTC") for row in ROWS[:2]]
    assert orders["total_amount"].sum() == Decimal("70.1")
    assert set(products["name"]) == {"Becher, groß", "Pot"}
    assert found.faults() == [("online_retail.xls", 4, "Quantity", "not_an_integer")]


def test_rejected_rows_have_the_name_of_their_file(tmp_path: Path) -> None:
    """Of a workbook and of a CSV file of one name, the second keeps its whole name."""
    (tmp_path / "shop").mkdir()
    path = csv_file(tmp_path / "shop" / "May.csv")
    path.write_text(path.read_text() + "6009,X,Jar,x,2011-11-01 10:00:00,1,C1,France\n")
    write_workbook(tmp_path / "shop" / "May.xlsx", Orders=[HEADER, *ROWS[3:]])
    write_workbook(tmp_path / "shop" / "June.XLSX", Orders=[HEADER, *ROWS[3:]])
    write_rejects(read(tmp_path / "shop").folder, tmp_path / "rejects")
    names = sorted(path.name for path in (tmp_path / "rejects").iterdir())
    assert names == ["June.csv", "May.csv", "May.xlsx rejected.csv"]


def test_settings_for_texts_do_not_count_for_the_dates_of_a_workbook(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "shop.xlsx", Orders=[HEADER, *ROWS[:2]])
    found = imported(path, "online_retail", as_of=date(2011, 12, 1), date_format="%d.%m.%Y", decimal=",", delimiter=";")
    assert len(found.table("orders")) == 2


@pytest.mark.parametrize("content", [b"\xd0\xcf\x11\xe0....", None])
def test_a_damaged_workbook_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "shop.xlsx", Orders=[HEADER])
    path.write_bytes(content if content else path.read_bytes().replace(b"xl/workbook.xml", b"xl/workbook.xmm"))
    with pytest.raises(DataError, match=r"shop\.xlsx is not a readable workbook"):
        read(path)


def test_errors_name_the_workbook_and_not_its_copy(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "shop.xlsx", Orders=[HEADER[1:], ROWS[0][1:]])
    with pytest.raises(DataError) as error:
        read(path)
    assert str(error.value).startswith(f"{path} lacks the columns InvoiceNo")


def test_a_parquet_file_is_read(tmp_path: Path) -> None:
    columns = dict(zip(HEADER, zip(*ROWS[:2], strict=True), strict=True))
    columns |= {
        "UnitPrice": [Decimal("10.10"), Decimal("30.00")],
        "InvoiceNo": [6001, 6002],
        "StockCode": ["0017", "17"],
    }
    table = pa.table(columns)
    pq.write_table(
        table.set_column(4, "InvoiceDate", table["InvoiceDate"].cast(pa.timestamp("us", "UTC"))), tmp_path / "a.parquet"
    )
    found = read(tmp_path / "a.parquet")
    assert (len(found.table("orders")), found.table("orders")["total_amount"].sum()) == (2, Decimal("70.1"))
    assert set(found.table("products")["name"]) == {"Mug", "Pot\nwith a lid"}


def test_a_parquet_file_with_lists_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"InvoiceNo": [[1]]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="cannot be read as Parquet of texts, numbers and dates"):
        read(tmp_path / "a.parquet")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.csv.gz", "a.txt.gz", "A.CSV"])
def test_text_files_are_found_by_their_ending(name: str, tmp_path: Path) -> None:
    path, folder = csv_file(tmp_path / "source"), tmp_path / "folder"
    folder.mkdir()
    (folder / name).write_bytes(gzip.compress(path.read_bytes()) if name.endswith("gz") else path.read_bytes())
    (folder / "read me.pdf").write_text("no data")
    assert len(read(folder).table("orders")) == 1


def test_an_archive_with_a_file_or_with_tables_is_unpacked(tmp_path: Path) -> None:
    csv_file(tmp_path / "a.csv")
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.write(tmp_path / "a.csv", "../../export/a.csv")
        archive.writestr("__MACOSX/a.csv", "no data")
    assert len(read(tmp_path / "one.zip").table("orders")) == 1
    assert not (tmp_path.parent / "export").exists()
    tables = write(tmp_path / "tables", shop())
    shutil.make_archive(str(tmp_path / "all"), "zip", tables.parent, "tables")
    assert len(imported(tmp_path / "all.zip").table("orders")) == 2


def test_the_params_file_that_fits_is_found(tmp_path: Path) -> None:
    assert preset_for(csv_file(tmp_path / "a.csv")).stem == "online_retail"
    assert preset_for(write_workbook(tmp_path / "a.xlsx", A=[["x"]], B=[["Shop"], HEADER])).stem == "online_retail"
    assert preset_for(PROJECT / "tests" / "fixtures" / "shopify.csv").stem == "shopify"
    assert preset_for(write(tmp_path / "tables", shop())).stem == "own_files"
    (tmp_path / "b.csv").write_text("sep=;\n" + ";".join(HEADER).replace("Country", "Cóuntry ").upper() + "\n")
    assert preset_for(tmp_path / "b.csv").stem == "online_retail"


def test_no_params_file_fits_other_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="A mapping is proposed in"):
        preset_for(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="no file"):
        preset_for(tmp_path / "gone.csv")
