"""Tests of reports of advertising platforms: campaigns with their spend next to the orders of any format."""

import csv
import re
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from lib.data.imports.rejects import Policy
from lib.errors import DataError, UsageError
from lib.run.presets import preset_for
from tests.exports import write_export
from tests.own_files import Found, imported, write
from tests.own_files import shop as tables

SHOP = "order,order_date,product,quantity,unit_price\n1,2025-06-01,Mug,1,5.00\n"
GOOGLE = """Campaign report
"June 1, 2025 - June 30, 2025"
Day,Campaign,Currency code,Cost,Impr.,Clicks,CTR
2025-06-03,Brand,USD,10.50,1000,40,4.00%
2025-06-01,Brand,USD,0.00,200,0,0.00%
2025-06-02,Shoes,USD,3.25,300,5,1.67%
 --,Total: Account, --,13.75,1500,45,3.00%
"""
META = """Campaign name,Day,Amount spent (USD),Impressions,Link clicks,Reporting starts,Reporting ends
Summer,2025-06-05,7.00,900,12,2025-06-05,2025-06-05
Summer,2025-06-06,,100,,2025-06-06,2025-06-06
"""


def shop(folder: Path, currency: str = "USD", **reports: str) -> Found:
    """Import SHOP with reports of these names."""
    (folder / "orders.csv").write_text(SHOP)
    for name, text in reports.items():
        (folder / f"{name}.csv").write_text(text)
    names = [f"{name}.csv" for name in reports]
    policy = Policy(currency, 0.0, "reject")
    columns = {name: name for name in SHOP.splitlines()[0].split(",")}
    return imported(folder / "orders.csv", "lines", policy=policy, ad_spend=names, columns=columns)


def test_campaigns_have_the_sums_of_their_days(tmp_path: Path) -> None:
    found = shop(tmp_path, google=GOOGLE, meta=META)
    campaigns = found.table("marketing_campaigns").set_index("name")
    assert found.faults() == []
    assert campaigns["channel"].to_dict() == {"Brand": "google ads", "Shoes": "google ads", "Summer": "meta ads"}
    assert campaigns["spend"].to_dict() == {
        "Brand": Decimal("10.50"),
        "Shoes": Decimal("3.25"),
        "Summer": Decimal("7.00"),
    }
    assert campaigns.loc["Brand", ["impressions", "clicks"]].tolist() == [1200, 40]
    assert campaigns.loc["Summer", ["impressions", "clicks"]].tolist() == [1000, 12]
    days = campaigns.loc["Brand", ["start_date", "end_date"]].tolist()
    assert days == [pd.Timestamp(date(2025, 6, 1)), pd.Timestamp(date(2025, 6, 3))]
    assert len(found.table("orders")) == 1


def test_rows_are_counted_and_totals_are_dropped(tmp_path: Path) -> None:
    found = shop(tmp_path, google=GOOGLE)
    counts = found.imported.lines.set_index("file").loc["google.csv"]
    assert counts[["read", "loaded", "rejected", "duplicates"]].tolist() == [4, 3, 0, 1]
    assert found.cases("Day", "totals; dropped") == 1
    assert found.cases("", "exact duplicates, dropped") == 0
    assert found.cases("", "lines above the header skipped") == 2
    assert found.cases("Cost", "marketing_campaigns: budget unknown; the spend is used") == 2


def test_a_total_in_the_place_of_the_day_is_dropped(tmp_path: Path) -> None:
    totals = "".join(f"Total: {name},--,USD,13.75,1500,45,3.00%\n" for name in ("Account", "Search", "Display"))
    found = shop(tmp_path, google=GOOGLE.rpartition(" --,Total")[0] + totals)
    counts = found.imported.lines.set_index("file").loc["google.csv"]
    assert counts[["read", "loaded", "rejected", "duplicates"]].tolist() == [6, 3, 0, 3]
    assert (found.faults(), found.cases("Day", "totals; dropped")) == ([], 3)


def test_a_bad_row_is_rejected_with_its_line(tmp_path: Path) -> None:
    bad = GOOGLE.replace("2025-06-02,Shoes,USD,3.25", "2025-06-02,Shoes,EUR,3.25").replace("10.50", "-1")
    assert shop(tmp_path, google=bad).faults() == [
        ("google.csv", 4, "Cost", "negative"), ("google.csv", 6, "Currency code", "other_currency"),
    ]  # fmt: skip


def test_a_report_in_another_currency_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"meta\.csv is in USD; expected GBP"):
        shop(tmp_path, "GBP", meta=META)


def test_a_file_that_is_not_a_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a daily report of Google Ads or Meta Ads"):
        shop(tmp_path, google="Campaign,Cost\nBrand,1.00\n")


def in_folder(folder: Path, name: str = "lines", **files: str) -> Found:
    """Import a folder with these files."""
    folder.mkdir()
    for file, text in files.items():
        (folder / f"{file}.csv").write_bytes(text.encode("utf-16" if file.startswith("google_16") else "utf-8"))
    options = {"columns": {field: field for field in SHOP.splitlines()[0].split(",")}} if name == "lines" else {}
    return imported(folder, name, policy=Policy("USD", 0.0, "reject"), **options)


def test_reports_in_a_folder_are_found_by_their_columns(tmp_path: Path) -> None:
    """As Google Ads writes them for Excel: UTF-16, with tabs, and thousands with commas."""
    report = GOOGLE.replace("10.50,1000", '"1,010.50","1,000"').replace('"June 1, 2025 - June 30, 2025"', "June 2025")
    rows = [next(csv.reader([line])) for line in report.splitlines()]
    tabs = "\n".join("\t".join(row) for row in rows)
    found = in_folder(tmp_path / "shop", orders=SHOP, google_16=tabs, facebook=META)
    spend = found.table("marketing_campaigns").set_index("name")["spend"].to_dict()
    assert spend == {"Brand": Decimal("1010.50"), "Shoes": Decimal("3.25"), "Summer": Decimal("7.00")}
    assert (found.faults(), len(found.table("orders"))) == ([], 1)
    table = found.imported.recognised.set_index(["file", "setting"])["read as"]
    assert [table[f"{name}.csv", "format"] for name in ("orders", "google_16", "facebook")] == [
        "lines", "google_ads", "meta_ads",
    ]  # fmt: skip
    assert (table["google_16.csv", "delimiter"], table["google_16.csv", "encoding"]) == ("tab", "utf-16")


def test_amazons_text_file_is_the_export_next_to_reports(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    write_export("amazon", folder, "1013")
    (folder / "meta.csv").write_text(META)
    (folder / "README.txt").write_text("Exports of June")
    assert preset_for(folder).stem == "amazon"
    found = imported(folder, "amazon", policy=Policy("USD", 0.0, "reject"))
    assert (len(found.table("orders")), len(found.table("marketing_campaigns"))) == (11, 1)
    assert found.notes["README.txt", "", "file is not used"] == 1


def test_a_report_in_an_archive_is_found(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "shop.zip", "w") as archive:
        archive.writestr("orders.csv", SHOP)
        archive.writestr("meta.csv", META)
    columns = {field: field for field in SHOP.splitlines()[0].split(",")}
    found = imported(tmp_path / "shop.zip", "lines", policy=Policy("USD", 0.0, "reject"), columns=columns)
    assert found.table("marketing_campaigns")["name"].tolist() == ["Summer"]


def test_days_that_read_both_ways_are_asked_for(tmp_path: Path) -> None:
    """June 3 to June 1, or March 6 to January 6."""
    report = re.sub(r"2025-06-(\d\d)", r"06/\1/2025", GOOGLE)
    with pytest.raises(DataError, match=r'google\.csv: 3 of 3 dates .*SET="mapping\.if_unclear\.dates=day_first"'):
        in_folder(tmp_path / "shop", orders=SHOP, google=report)
    columns = {field: field for field in SHOP.splitlines()[0].split(",")}
    found = imported(tmp_path / "shop", "lines", columns=columns, if_unclear={"dates": "month_first"})
    assert found.table("marketing_campaigns")["start_date"].min() == pd.Timestamp("2025-06-01")


def test_a_day_in_two_reports_counts_once(tmp_path: Path) -> None:
    """The later report has June 5 again, with the clicks that were counted afterwards."""
    later = META.replace("7.00,900,12", "8.00,950,13").replace("2025-06-06", "2025-06-07")
    found = in_folder(tmp_path / "shop", orders=SHOP, june_1=META, june_2=later)
    (row,) = found.table("marketing_campaigns").to_dict("records")
    assert (row["spend"], row["impressions"], row["clicks"]) == (Decimal("8.00"), 1150, 13)
    assert found.cases("", "rows that another file has in a newer state, dropped") == 1
    with pytest.raises(DataError, match=r"a\.csv and .*b\.csv have different columns"):
        in_folder(tmp_path / "other", orders=SHOP, a=META, b=META.replace("Link clicks", "Clicks (all)"))


def test_a_shop_of_tables_has_the_campaigns_of_a_report_or_its_own(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", tables())
    (folder / "meta.csv").write_text(META)
    found = imported(folder)
    assert (found.faults(), found.table("marketing_campaigns")["name"].tolist()) == ([], ["Summer"])
    (folder / "marketing_campaigns.csv").write_text("campaign_id\n")
    with pytest.raises(UsageError, match=r"marketing_campaigns\.csv and meta\.csv; expected the campaigns in one"):
        imported(folder)
