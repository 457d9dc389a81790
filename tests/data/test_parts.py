"""Tests of several files of one export: months, parts, overlapping files, newer states of an order."""

import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from lib.data.imports.rejects import Policy
from lib.errors import DataError
from tests.data.test_shopify import HEADER, line
from tests.own_files import Found, imported

MAY, JUNE = "2025-05-10 10:00:00 +0000", "2025-06-10 10:00:00 +0000"


def parts(folder: Path, **files: list[str]) -> Found:
    """The import of a folder with these files of Shopify's export."""
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join([HEADER, *lines, ""]))
    return imported(folder, "shopify")


def counts(found: Found) -> list[tuple[str, int, int, int, int]]:
    return list(found.imported.lines.itertuples(index=False, name=None))


def amounts(found: Found) -> list[str]:
    return sorted(str(amount.quantize(Decimal("0.01"))) for amount in found.table("orders")["total_amount"])


def test_months_are_one_shop(tmp_path: Path) -> None:
    found = parts(tmp_path, may=[line("#1", "5.00")], june=[line("#2", "7.00", price="7.00", **{"Created at": JUNE})])
    assert amounts(found) == ["5.00", "7.00"]
    assert counts(found) == [("june.csv", 1, 1, 0, 0), ("may.csv", 1, 1, 0, 0)]
    assert len(found.table("users")) == 1


def test_the_same_order_in_two_files_counts_once(tmp_path: Path) -> None:
    order = [line("#1", "12.00"), line("#1", price="7.00")]
    found = parts(tmp_path, may=order, june=[*order, line("#2", "5.00", **{"Created at": JUNE})])
    assert amounts(found) == ["12.00", "5.00"]
    assert counts(found) == [("june.csv", 3, 3, 0, 0), ("may.csv", 2, 0, 0, 2)]
    assert found.notes["may.csv", "", "duplicates of rows in another file, dropped"] == 2


def test_a_newer_state_of_an_order_wins_for_any_names_of_the_files(tmp_path: Path) -> None:
    paid = line("#1", "5.00", **{"Created at": MAY})
    refunded = line("#1", "5.00", **{"Created at": MAY, "Financial Status": "refunded", "Refunded Amount": "5.00"})
    june = [refunded, line("#2", "5.00", **{"Created at": JUNE})]
    for names in (("a", "b"), ("b", "a")):
        folder = tmp_path / names[0]
        folder.mkdir()
        found = parts(folder, **dict(zip(names, ([paid], june), strict=True)))
        assert sorted(found.table("orders")["status"]) == ["completed", "refunded"]
        words = "rows that another file has in a newer state, dropped"
        assert found.notes[f"{names[0]}.csv", "", words] == 1


def test_an_order_that_was_cut_in_two_stays_whole(tmp_path: Path) -> None:
    found = parts(
        tmp_path,
        export_1=[line("#1", "12.00", **{"Lineitem name": "Pot"})],
        export_2=[line("#1", price="7.00"), line("#2", "5.00")],
    )
    assert amounts(found) == ["12.00", "5.00"]
    assert found.faults() == []


def test_a_rejected_row_is_named_by_its_file_and_line(tmp_path: Path) -> None:
    bad = line("#3", "5.00", quantity="none")
    found = parts(tmp_path, a=[line("#1", "5.00")], b=[line("#2", "6.00", price="6.00"), bad])
    assert found.faults() == [("b.csv", 3, "Lineitem quantity", "not_an_integer")]
    again = line("#1", "9.00", price="9.00", **{"Lineitem name": "Jar"})
    found = parts(tmp_path, a=[line("#1", "5.00")], b=[line("#2", "6.00", price="6.00"), again])
    assert "line 2 of a.csv already begins an order of this name" in found.imported.examples["reason"][0]


def test_an_archive_is_the_files_in_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("orders_1.csv", "\n".join([HEADER, line("#1", "5.00"), ""]))
        archive.writestr("orders_2.csv", "\n".join([HEADER, line("#2", "5.00"), ""]))
    found = imported(tmp_path / "export.zip", "shopify")
    assert counts(found) == [("orders_1.csv", 1, 1, 0, 0), ("orders_2.csv", 1, 1, 0, 0)]


@pytest.mark.parametrize("pattern", ["online_*.csv", "."])
def test_invoices_of_another_layout(tmp_path: Path, pattern: str) -> None:
    """The invoice 2 is in both files; two rows of a product on it are both sold."""
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    first = "1,A,Mug,1,2011-05-01 10:00:00,5.00,17,France"
    twice = ["2,A,Mug,1,2011-05-31 10:00:00,5.00,17,France"] * 2
    last = "3,A,Mug,1,2011-06-30 10:00:00,5.00,18,France"
    (tmp_path / "online_may.csv").write_text("\n".join([header, first, *twice, ""]))
    (tmp_path / "online_june.csv").write_text("\n".join([header, *twice, last, ""]))
    found = imported(tmp_path / pattern, "online_retail", policy=Policy("GBP"))
    assert amounts(found) == ["10.00", "5.00", "5.00"]
    assert counts(found) == [("online_june.csv", 3, 3, 0, 0), ("online_may.csv", 3, 1, 0, 2)]


def test_other_files_in_a_folder_are_not_used_and_said(tmp_path: Path) -> None:
    (tmp_path / "collections.csv").write_text("Handle,Title,Sort order\nmugs,Mugs,manual\n")
    found = parts(tmp_path, orders=[line("#1", "5.00")])
    assert counts(found) == [("orders.csv", 1, 1, 0, 0)]
    assert found.notes["collections.csv", "", "file is not used"] == 1


def test_a_file_of_a_pattern_must_have_the_columns(tmp_path: Path) -> None:
    (tmp_path / "orders_1.csv").write_text("\n".join([HEADER, line("#1", "5.00"), ""]))
    (tmp_path / "orders_2.csv").write_text("Handle,Title\nmug,Mug\n")
    with pytest.raises(DataError, match=r"orders_2\.csv lacks the columns Name"):
        imported(tmp_path / "orders_*.csv", "shopify")


def test_a_report_next_to_several_files_does_not_lend_its_name_to_their_rows(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text("Day,Campaign,Cost,Impr.,Clicks\n2025-06-01,Brand,1.00,1,1\n")
    again = line("#1", "9.00", price="9.00", **{"Lineitem name": "Jar"})
    for name, lines in {"b": [line("#1", "5.00")], "c": [line("#2", "5.00"), again]}.items():
        (tmp_path / f"{name}.csv").write_text("\n".join([HEADER, *lines, ""]))
    found = imported(tmp_path, "shopify", ad_spend=["ads.csv"])
    assert "line 2 of b.csv already begins an order of this name" in found.imported.examples["reason"][0]
