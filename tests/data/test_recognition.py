"""Tests of the recognition of files: each variant is read right, or the user is asked; never wrong silently."""

import csv
import io
import re
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice, product
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lib.data.imports.dates import recognise_dates, twin
from lib.data.imports.formats import load_format
from lib.data.imports.mapping import layouts_of, read_options
from lib.data.imports.numbers import recognise_numbers, sign_of
from lib.data.imports.rejects import Policy
from lib.data.imports.sampling import sample_of
from lib.data.imports.staging import stage
from lib.errors import DataError, UsageError
from lib.report import display
from lib.run import params
from tests import matrix
from tests.own_files import AUTO, given, imported

CLEAR = [datetime(2025, 3, day, 9, 30, tzinfo=UTC) for day in (1, 4, 5, 13, 31)]
BOTH_WAYS = [datetime(2025, month, day, 9, 30, tzinfo=UTC) for month, day in ((3, 1), (4, 2), (12, 5))]
AMOUNTS = (Decimal("19.90"), Decimal("0.50"), Decimal("7.00"), Decimal("1234.50"), Decimal("12.25"))
DATES = {
    "ISO with T": ("%Y-%m-%dT%H:%M:%S", CLEAR),
    "ISO with offset": ("%Y-%m-%d %H:%M:%S +0000", BOTH_WAYS),
    "day.month": ("%d.%m.%Y %H:%M", BOTH_WAYS),
    "day/month": ("%d/%m/%Y %H:%M", CLEAR),
    "month/day AM/PM": ("%m/%d/%Y %I:%M %p", CLEAR),
    "day-month": ("%d-%m-%Y %H:%M:%S", CLEAR),
    "year/month": ("%Y/%m/%d %H:%M", BOTH_WAYS),
    "English month": ("%d %b %Y %H:%M", BOTH_WAYS),
    "day/month, every date reads both ways": ("%d/%m/%Y %H:%M", BOTH_WAYS),
    "month/day/two digits, both ways": ("%m/%d/%y %H:%M", BOTH_WAYS),
}
FORMATS = {  # params -> fields of date and amount, and the other cells of a row
    "shopify": (
        "created_at",
        "item_price",
        {"name": "#{n}", "quantity": "1", "item_name": "Café {n}", "currency": "EUR"},
    ),
    "online_retail": (
        "order_date",
        "unit_price",
        {"order": "{n}", "product": "0{n}", "quantity": "2", "product_name": "Café"},
    ),
}
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")
STYLES = {"point": "{:.2f}", "comma": "{:.2f}", "comma, thousands": "{:,.2f}", "point, thousands": "{:,.2f}"}


def amount_text(amount: Decimal, style: str) -> str:
    text = STYLES[style].format(amount)
    return text.translate(str.maketrans(",.", ".,")) if style.startswith("comma") else text


def variant(folder: Path, name: str, delimiter: str, encoding: str, style: str, dates: str) -> tuple[Path, list[Any]]:
    """The path of a file, and its dates and amounts."""
    date_field, amount_field, others = FORMATS[name]
    form, days = DATES[dates]
    (folder / "shop.csv").touch()
    mapping = params.load(params.find(name), [f"data={folder / 'shop.csv'}"]).values()["mapping"]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, mapping["columns"], restval="", delimiter=DELIMITERS[delimiter])
    writer.writerow(mapping["columns"])
    truth = list(zip(days, AMOUNTS, strict=False))
    for n, (day, amount) in enumerate(truth):
        row = {field: cell.format(n=n) for field, cell in others.items()}
        writer.writerow(row | {date_field: day.strftime(form), amount_field: amount_text(amount, style)})
    (folder / "shop.csv").write_bytes(text.getvalue().encode(encoding))
    return folder / "shop.csv", truth


def staged(path: Path, name: str, **changes: Any) -> list[Any]:
    """Date and amount of each row, or the rule that it breaks."""
    mapping = params.load(params.find(name), [f"data={path}"]).values()["mapping"] | changes
    layout, *_ = layouts_of(load_format(mapping["format"]), mapping).values()
    stage([path], layout, read_options(mapping, None), path.parent)
    rows = pq.read_table(path.parent / f"{layout.name}.parquet").to_pylist()
    date_field, amount_field, _ = FORMATS[name]
    return [row["fault_rule"] or (row[date_field], row[amount_field]) for row in rows]


def variants() -> list[tuple[str, ...]]:
    """Delimiters, decimals and dates in all combinations, with the formats and encodings in turn."""
    parts = enumerate(product(DELIMITERS, STYLES, DATES))
    return [
        (list(FORMATS)[n % 2 ^ n // len(DATES) % 2], delimiter, ENCODINGS[(n + n // 5) % 5], style, dates)
        for n, (delimiter, style, dates) in parts
    ]


def outcome(folder: Path, name: str, delimiter: str, encoding: str, style: str, dates: str) -> str:
    path, truth = variant(folder, name, delimiter, encoding, style, dates)
    try:
        return "right" if staged(path, name) == truth else "wrong"
    except DataError:
        return "asks"


@pytest.mark.slow
@pytest.mark.parametrize("each", variants(), ids=" ".join)
def test_each_variant_is_read_right_or_asks(each: tuple[str, ...], tmp_path: Path) -> None:
    asks = "both ways" in each[-1]
    assert outcome(tmp_path, *each) == ("asks" if asks else "right")


@pytest.mark.slow
@pytest.mark.parametrize("name", matrix.NAMES)
def test_each_export_is_read_right_or_asks(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fourth variant of `python -m tests.matrix`; the usual order of Etsy and Superstore is month first."""
    monkeypatch.setenv("WORKBOOK_OUTPUT", str(tmp_path))
    for each in islice(matrix.variants(name), 0, None, 4):
        unclear = "says" if each.dates.startswith("day/month") else "right"
        usual = unclear if name in ("etsy", "superstore") else "asks"
        expected = "asks" if each.language != "English" else usual if "both ways" in each.dates else "right"
        assert matrix.outcome(name, each) == expected, each


@pytest.mark.parametrize(("order", "form"), [("day_first", "%d/%m/%Y %H:%M"), ("month_first", "%m/%d/%Y %H:%M")])
def test_the_usual_order_decides_dates_that_read_both_ways(order: str, form: str, tmp_path: Path) -> None:
    path, _ = variant(tmp_path, "shopify", "comma", "utf-8", "point", "day/month, every date reads both ways")
    found = staged(path, "shopify", if_unclear={"dates": order})
    assert [f"{day:{form}}" for day, _ in found] == ["01/03/2025 09:30", "02/04/2025 09:30", "05/12/2025 09:30"]


def test_dates_of_both_orders_are_refused(tmp_path: Path) -> None:
    path, _ = variant(tmp_path, "shopify", "comma", "utf-8", "point", "day/month")
    path.write_text(path.read_text().replace("31/03/2025", "03/31/2025"))
    with pytest.raises(DataError, match=r"4 dates read as %d/%m/%Y %H:%M, and 1 others only as %m/%d/%Y"):
        staged(path, "shopify")


def test_a_date_of_another_form_is_rejected_and_counted(tmp_path: Path) -> None:
    path, truth = variant(tmp_path, "shopify", "comma", "utf-8", "point", "day/month")
    path.write_text(path.read_text().replace("31/03/2025", "31/Mar/25"))
    assert staged(path, "shopify") == [*truth[:-1], "not_a_date"]


@pytest.mark.parametrize(
    ("amounts", "integers", "styles"),
    [
        (["1.50", "2"], [], [(".", "")]),
        (["1,50", "2"], [], [(",", "")]),
        (["1,234.50"], [], [(".", ",")]),
        (["1.234,50", "1.234"], [], [(",", ".")]),
        (["1\u202f234,50"], [], [(",", " ")]),
        (["1'234.50"], [], [(".", "'")]),
        (["1,234,567"], [], [(".", ",")]),
        (["1,234", "12.5"], [], [(".", ",")]),
        (["1.234", "0.5"], [], [(".", "")]),
        (["19.845", "6.615"], [], [(".", ""), (",", ".")]),  # three decimals, or thousands
        (["950"], ["1.000"], [(".", ""), (",", ".")]),
        (["12,50"], ["1.00"], [(",", "")]),
        (["950"], ["1", "2.00"], [(".", "")]),
        (["950"], [], [(".", "")]),
        ([], [], [(".", "")]),
    ],
)
def test_decimal_and_thousands_follow_from_all_numbers(amounts: list[str], integers: list[str], styles: Any) -> None:
    assert recognise_numbers(Counter(amounts), Counter(integers)).styles == tuple(styles)


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (
            ["2025-03-31", "2025-04-01T10:00:00+02:00"],
            [
                "",
            ],
        ),
        (["31.03.2025", "01.04.2025"], ["%d.%m.%Y"]),
        (["12/1/2010 8:26", "12/13/2010 9:00"], ["%m/%d/%Y %H:%M"]),
        (["05/05/2025", "06/06/2025"], ["%d/%m/%Y"]),  # the same day either way
        (["01-02-2025", "03-02-2025"], ["%d-%m-%Y", "%m-%d-%Y"]),
        (["Mar 4, 2025 9:05 pm", "Apr 1, 2025 10:00 am"], ["%b %d, %Y %H:%M %p".replace("%H", "%I")]),
        (["4 March 2025"], ["%d %B %Y"]),
        (["45787.5"], []),
        (["soon"], []),
    ],
)
def test_formats_of_dates(cells: list[str], formats: list[str]) -> None:
    assert list(recognise_dates(Counter(cells)).formats) == formats


def test_twin_of_a_format() -> None:
    assert twin("%d/%m/%Y %H:%M") == "%m/%d/%Y %H:%M"
    assert twin("%d.%m.%Y") == twin("") == ""


def test_a_byte_far_inside_a_large_file_decides_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    lines = b"a,b\n" + b"1,2\n" * 1_500_000
    path.write_bytes(lines + "é,ü\n".encode("cp1252") + lines)
    sample = sample_of(path)
    assert (sample.encoding, len(sample.pieces)) == ("cp1252", 10)
    assert all(piece.startswith(("1,2\n", "a,b\n")) for piece in sample.pieces)


def test_damaged_utf_8_is_refused_and_not_read_as_cp1252(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("é,ü\nö,ä\n".encode() + b"\xe9\n")
    with pytest.raises(DataError, match="1 bytes are not UTF-8 and 0 not cp1252, and 4 characters are UTF-8"):
        sample_of(tmp_path / "a.csv")


def test_lines_above_the_header_are_skipped_and_line_numbers_kept(tmp_path: Path) -> None:
    path, _ = variant(tmp_path, "online_retail", "semicolon", "utf-8", "comma", "day.month")
    path.write_text("Report of March;\n\n" + path.read_text().replace("19,90", "x"))
    found = imported(path, "online_retail", as_of=date(2025, 12, 31), policy=Policy("EUR", 1.0, "reject"), **AUTO)
    assert found.rejects["line"].tolist() == [4]
    assert found.cases("", "lines above the header skipped") == 1
    rows = found.imported.recognised.set_index("setting")
    assert rows["read as"].to_dict() == {
        "format": "lines", "header line": "3", "delimiter": "semicolon", "encoding": "utf-8", "decimal": "comma",
        "dates": "%d.%m.%Y %H:%M", "time zone": "UTC",
    }  # fmt: skip
    assert rows.loc["decimal", "rows that agree"] == "5 of 5 numbers"
    assert "%d.%m.%Y %H:%M" in str(display.table(found.imported.recognised))  # as 02_generate shows it


def test_example_of_dates_that_read_both_ways(tmp_path: Path) -> None:
    path, options = given("cases/day_month.csv", tmp_path), {"as_of": date(2011, 12, 31), "policy": Policy("GBP")}
    with pytest.raises(DataError, match=r"3 of 3 dates read both ways.*SET=\"mapping.if_unclear.dates=day_first\""):
        imported(path, "online_retail", **options, **AUTO)
    for changes in ({"if_unclear": {"dates": "day_first"}}, {"date_format": "%d-%m-%Y %H:%M"}):
        found = imported(path, "online_retail", **options, **AUTO | changes)
        days = [f"{day:%Y-%m-%d}" for day in sorted(found.table("orders")["order_date"])]
        assert days == ["2010-12-01", "2011-10-06", "2011-11-05"]
        assert found.cases("InvoiceDate", "dates read both ways, and are read as %d-%m-%Y %H:%M") == 3
        assert "3 of 3 dates read both ways" in " ".join(found.imported.recognised["rows that agree"])


def test_example_of_three_decimals(tmp_path: Path) -> None:
    found = imported(given("cases/shopify_kwd.csv", tmp_path), "shopify", policy=Policy("KWD"), **AUTO)
    assert found.table("orders")["total_amount"].sum() == Decimal("19.845")


def test_a_file_that_reads_both_ways_is_read_like_the_others_of_its_export(tmp_path: Path) -> None:
    for name, days in {"a": ("01/02/2025", "03/04/2025"), "b": ("01/13/2025", "01/02/2025")}.items():
        rows = "".join(f"{name}{n},{day},Mug,1,1.50\n" for n, day in enumerate(days))
        (tmp_path / f"{name}.csv").write_text(f"order,order_date,product,quantity,unit_price\n{rows}")
    found = imported(tmp_path / "*.csv", "lines", policy=Policy("USD"))
    assert [f"{day:%m-%d}" for day in sorted(found.table("orders")["order_date"])] == [
        "01-02",
        "01-02",
        "01-13",
        "03-04",
    ]
    rows = found.imported.recognised.set_index(["file", "setting"])["from what"]
    assert (rows["a.csv", "dates"], rows["b.csv", "dates"]) == ("other files of the export", "all dates of a sample")


@pytest.mark.parametrize(
    ("cells", "sign"),
    [
        (["2.501,00 €", "-3,00 €"], "€"),
        (["$1,250.00", "-$3.00"], "$"),
        (["12.00 EUR", "3.00"], "EUR"),
        (["£1.00", "1.00", "2.00"], ""),  # too few
        (["£1.00", "€1.00"], ""),
        (["MUG100", "MUG200"], ""),
    ],
)
def test_the_currency_sign_of_a_column(cells: list[str], sign: str) -> None:
    assert sign_of(Counter(cells)) == sign


def signed(folder: Path, price: str, **options: Any) -> Any:
    """Import a row of this price."""
    (folder / "a.csv").write_text(f"order;order_date;product;quantity;unit_price\n1;2025-03-01;Mug;1;{price}\n")
    return imported(folder / "a.csv", "lines", **options)


def test_a_currency_sign_is_removed_and_must_be_that_of_the_shop(tmp_path: Path) -> None:
    found = signed(tmp_path, "1.250,50 €", policy=Policy("auto"))
    assert found.table("orders")["total_amount"].tolist() == [Decimal("1250.50")]
    assert (found.imported.currency, found.cases("unit_price", "currency sign removed")) == ("EUR", 1)
    with pytest.raises(UsageError, match=r'amounts in €, and the currency is USD; .* Set it: SET="currency=EUR"'):
        signed(tmp_path, "1.250,50 €", policy=Policy("USD"))
    with pytest.raises(UsageError, match=r"the files name no currency"):  # many currencies have this sign
        signed(tmp_path, "$12.50", policy=Policy("auto"))
    assert signed(tmp_path, "$12.50", policy=Policy("CAD")).imported.currency == "CAD"


def test_a_number_that_reads_both_ways_is_read_as_its_advice_says(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'SET="mapping\.if_unclear\.decimal=\.", or the other one'):
        signed(tmp_path, "1.250", policy=Policy("EUR"))
    totals = [
        signed(tmp_path, "1.250", policy=Policy("EUR"), if_unclear={"decimal": each}).table("orders")["total_amount"][0]
        for each in (",", ".")
    ]
    assert totals == [Decimal("1250"), Decimal("1.25")]


@pytest.mark.parametrize(
    ("price", "decimal", "setting"),
    [
        ("9,99", ".", "mapping.decimal=auto"),
        ("1.250", ",", "mapping.decimal=auto mapping.if_unclear.decimal=,"),
        ("1.250,50 €", ",", "mapping.decimal=auto mapping.if_unclear.decimal=,"),
        ("9,99 €", ",", "mapping.decimal=auto"),
        ("x", ",", ""),
    ],
)
def test_advice_for_numbers_that_the_mapping_does_not_read(
    price: str, decimal: str, setting: str, tmp_path: Path
) -> None:
    reason = signed(tmp_path, price, decimal=decimal).rejects["reason"][0]
    assert re.findall('SET="(.*)"', reason) == [setting] * bool(setting)
    if setting:
        usual = {"decimal": setting.rpartition("=")[2]} if "unclear" in setting else {}
        assert signed(tmp_path, price, policy=Policy("EUR"), if_unclear=usual).faults() == []
