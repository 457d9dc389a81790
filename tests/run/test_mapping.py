"""Tests of the proposal of a params file: marks, the first rows, and a run by it after one edit."""

import re
import shlex
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from lib.data.imports.rejects import Policy
from lib.errors import DataError
from lib.run import mapping, params
from lib.run.presets import preset_for
from tests import matrix
from tests.own_files import given, imported
from tests.workbooks import write_workbook

GERMAN = """Bestellnummer;Bestelldatum;Kundennummer;E-Mail;Artikel-Nr.;Bezeichnung;Menge;Einzelpreis;Status;Land;Info
1001;31.05.2025 14:05;K1;a@example.com;0017;Becher Größe L;2;1.234,50;bezahlt;Deutschland;
1002;01.06.2025 09:00;K2;b@example.com;17;Topf;1;30,00;versendet;Austria;Gruß
1003;02.06.2025 10:00;K1;a@example.com;17;Topf;1;30,00;unbekannt;Germany;
"""


@pytest.fixture(autouse=True)
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBOOK_OUTPUT", str(tmp_path / "output"))
    return tmp_path / "output"


def proposed(path: Path, text: str | None = None, encoding: str = "utf-8") -> str:
    if text is not None:
        path.write_bytes(text.encode(encoding))
    return mapping.write_proposal(path)[0].read_text("utf-8")


def test_a_german_export_is_proposed_and_loads_after_the_edits(tmp_path: Path, output: Path) -> None:
    path = tmp_path / "Bestellungen Mai.csv"
    text = proposed(path, GERMAN, "cp1252")
    expected = {
        "order": "Bestellnummer", "order_date": "Bestelldatum", "customer": "Kundennummer", "email": "E-Mail",
        "product": "Artikel-Nr.", "product_name": "Bezeichnung", "quantity": "Menge", "unit_price": "Einzelpreis",
        "status": "Status", "country": "Land",
    }  # fmt: skip
    for field, column in expected.items():
        assert f'    {field}: "{column}"  # sure\n' in text
    assert '    "bezahlt": completed  # guessed\n    "versendet": shipped  # guessed\n' in text
    assert '    "Deutschland": "DE"  # guessed\n' in text
    assert text.count("# missing") == 2
    assert "order 1001 | product 0017" in text
    assert "order_date 2025-05-31 14:05 | unit_price 1234.50" in text
    assert "a@example.com" not in text
    edited = text.replace("currency: auto ", "currency: EUR ").replace('    # "unbekannt":', '    "unbekannt": pending')
    saved = output / "mapping" / "edited.yml"
    saved.write_text(edited, "utf-8")
    found = imported(path, str(saved), policy=Policy("EUR"))
    assert found.table("orders")["total_amount"].sum() == Decimal("2529")
    assert sorted(found.table("orders")["status"]) == ["completed", "pending", "shipped"]
    assert params.load(saved, [f"data={path}"]).currency == "EUR"


@pytest.mark.parametrize("language", matrix.LANGUAGES)
def test_the_fields_of_a_shop_in_another_language_are_found(language: str, tmp_path: Path) -> None:
    """WooCommerce's exports follow the language of the site."""
    variant = matrix.Variant("semicolon", "cp1252", "1.234,5", "day.month", language)
    files = matrix.rewritten("woocommerce", matrix.source("woocommerce", both_ways=False), variant)
    text = proposed(matrix.write(files, tmp_path / "export", variant))
    names = {english: field for field, english in matrix.mapping_of("woocommerce", is_folder=False)["columns"].items()}
    fields = {names.get(english, english): name for english, name in matrix.LANGUAGES[language].items()}
    found = dict(re.findall(r'^    (\w+): "(.+)"  # (?:sure|guessed)(?:: .+)?$', text, re.MULTILINE))
    needed = {"order", "order_date", "status", "email", "product", "product_name", "quantity", "line_total", "country"}
    assert {field: found.get(field) for field in needed} == {field: fields[field] for field in needed}
    assert '"wc-completed": completed  # guessed' in text


def test_the_command_and_the_file_are_named_and_edits_are_kept(tmp_path: Path, output: Path) -> None:
    path = tmp_path / "my orders.csv"
    first = proposed(path, GERMAN)
    assert first == proposed(path)
    (output / "mapping" / "my-orders.yml").write_text(first + "# edited\n")
    saved, advice = mapping.write_proposal(path)
    assert saved == output / "mapping" / "my-orders-2.yml"
    assert advice.endswith(f"run: make pipeline PARAMS={saved} DATA={shlex.quote(str(path))}")
    assert "answer its 2 lines marked missing" in advice


def test_a_run_without_a_fitting_params_file_proposes_one(tmp_path: Path, output: Path) -> None:
    (tmp_path / "a.csv").write_text(GERMAN)
    with pytest.raises(DataError, match=r"a\.csv: its columns are not those of a known export\. A mapping is proposed"):
        preset_for(tmp_path / "a.csv")
    assert (output / "mapping" / "a.yml").exists()


def test_dates_that_read_both_ways_are_asked_with_both_readings(tmp_path: Path) -> None:
    text = proposed(given("cases/day_month.csv", tmp_path))
    readings = '2010-12-01 08:26 by "%d-%m-%Y %H:%M", 2010-01-12 08:26 by "%m-%d-%Y %H:%M"; write the right one'
    assert f"  date_format: auto         # missing: 01-12-2010 08:26 is {readings}" in text
    assert "order_date 2010-12-01 08:26 or 2010-01-12 08:26" in text


def test_numbers_that_read_both_ways_are_asked(tmp_path: Path) -> None:
    text = proposed(tmp_path / "a.csv", "Order,Date,Item,Qty,Price\n1,2025-03-01,Mug,1,1.250\n2,2025-03-02,Pot,1,950\n")
    asked = '  if_unclear: {decimal: ""}  # missing: 1.250 is 1.250 by ".", 1250 by ","; write the right one'
    assert asked in text


@pytest.mark.parametrize(
    ("header", "row", "lines"),
    [
        ("Ref,When,Thing,Net", "1,2025-03-01,Mug,5.00", ["# order:", 'order_date: "When"  # guessed', "# product:"]),
        (
            "Order,Date,Item,Sales",
            "1,1998-03-01,Mug,5.00",
            ["earliest_date: 1998-03-01  # guessed"],
        ),
        ("Order,Date,Item,Sales", "1,45787.5,Mug,5.00", ["excel_dates: true         # guessed"]),
        (
            "Commande,Date commande,Désignation,Qté,Prix",
            "1,2025-03-01,Bol,1,5.00",
            ['quantity: "Qté"  # sure'],
        ),
        ("Pedido,Fecha,Artículo,Cantidad,Importe", "1,2025-03-01,Taza,1,5.00", ['line_total: "Importe"  # sure']),
        ("Order,Date,Quantity,Price", "1,2025-03-01,x,5.00", ["optional: [quantity]"]),  # not numbers
        ("Order,Date,Item,Customer Country,Price", "1,2025-03-01,a,FR,5.00", ['country: "Customer Country"  # sure']),
        ("Order,Date,Item,Home Country,Price", "1,2025-03-01,a,FR,5.00", ['country: "Home Country"  # guessed']),
        ("Order,Date Sold,Item,Price,Notes", "1,2025-03-01,a,5.00,", ['order_date: "Date Sold"  # guessed']),
        ("Order,Date,Item,Disc %,Price", "1,2025-03-01,a,10%,5.00", ['discount: "Disc %"  # guessed']),
        ("sampleid,Date,Item,Price", "1,2025-03-01,a,5.00", ["# order:"]),
    ],
)
def test_fields_are_guessed_by_name_and_content(header: str, row: str, lines: list[str], tmp_path: Path) -> None:
    text = proposed(tmp_path / "a.csv", f"{header}\n{row}\n{row}\n")
    assert [line for line in lines if line not in text] == []


def test_a_workbook_of_an_unknown_layout_is_proposed(tmp_path: Path) -> None:
    rows = [["Order", "Date", "Item", "Price"], ["1", pd.Timestamp("2025-03-01 10:00").to_pydatetime(), "Mug", 5.5]]
    text = proposed(write_workbook(tmp_path / "a.xlsx", Notes=[["x"]], Orders=rows))
    assert "order 1 | product_name Mug | order_date 2025-03-01 10:00 | unit_price 5.5" in text


@pytest.mark.parametrize("content", ["", "no table", "one\ntwo\n"])
def test_a_file_that_is_not_a_table_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a table"):
        proposed(tmp_path / "a.csv", content)


def test_the_command_prints_the_proposal_and_the_next_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text(GERMAN)
    assert mapping.main([str(tmp_path / "a.csv")]) == 0
    shown = capsys.readouterr().out
    assert "  format: lines" in shown
    assert shown.splitlines()[-1].endswith(f"DATA={tmp_path / 'a.csv'}")
    assert mapping.main([""]) == 2
    assert mapping.main([str(tmp_path / "gone.csv")]) == 2
    assert "make mapping DATA=orders.csv" in capsys.readouterr().err


@pytest.mark.parametrize(("separator", "total"), [(",", "1250"), (".", "1.25")])
def test_the_answer_to_a_number_that_reads_both_ways_loads(separator: str, total: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = proposed(path, "Order;Date;Item;Qty;Price;Currency\n1;2025-03-01;Mug;1;1.250;EUR\n")
    saved = tmp_path / "edited.yml"
    saved.write_text(text.replace('{decimal: ""}', f'{{decimal: "{separator}"}}'), "utf-8")
    assert imported(path, str(saved), policy=Policy("auto")).table("orders")["total_amount"][0] == Decimal(total)


def loaded(path: Path, output: Path) -> pd.Series:
    """Total by order of a file that is loaded as it is proposed."""
    text = proposed(path)
    assert "# missing" not in text
    found = imported(path, str(output / "mapping" / f"{path.stem}.yml"), policy=Policy("auto"))
    assert found.faults() == []
    return found.table("orders").set_index("order_date")["total_amount"].sort_index()


PERCENT = "Order ID,Order Date,SKU,Quantity,Unit Price,Discount %{total},Currency\n"


@pytest.mark.parametrize(
    ("cells", "setting"),
    [
        (("10", "0"), "percent  # sure"),
        (("10 %", "0 %"), "percent  # sure"),
        (("10,18.00", "0,5.00"), "percent_included  # sure"),
        (("0.1,18.00", "0,5.00"), "rate_included  # sure"),
    ],
)
def test_a_percentage_of_discount_loads_as_proposed(
    cells: tuple[str, str], setting: str, tmp_path: Path, output: Path
) -> None:
    header = PERCENT.format(total=",Total" if "," in cells[0] else "")
    rows = f"1,2025-03-01,A,2,10.00,{cells[0]},GBP\n2,2025-03-02,B,1,5.00,{cells[1]},GBP\n"
    (tmp_path / "a.csv").write_text(header + rows)
    assert loaded(tmp_path / "a.csv", output).tolist() == [Decimal(18), Decimal(5)]
    assert f"  discount_is: {setting}" in (output / "mapping" / "a.yml").read_text("utf-8")


def test_percent_signs_are_enough_without_a_name(tmp_path: Path, output: Path) -> None:
    rows = "1,2025-03-01,A,2,10.00,10%,GBP\n2,2025-03-02,B,1,5.00,,GBP\n"
    (tmp_path / "a.csv").write_text(PERCENT.format(total="").replace(" %", "") + rows)
    assert loaded(tmp_path / "a.csv", output).tolist() == [Decimal(18), Decimal(5)]


def test_price_discount_and_total_of_a_spanish_file(tmp_path: Path, output: Path) -> None:
    header = "Factura;Fecha;Código;Cantidad;Precio;Descuento;Importe;Moneda\n"
    rows = "F1;13/01/2025;X;3;7,50;2,00;20,50;EUR\nF2;14/01/2025;X;1;7,50;0,00;7,50;EUR\n"
    (tmp_path / "a.csv").write_text(header + rows)
    assert loaded(tmp_path / "a.csv", output).tolist() == [Decimal("20.50"), Decimal("7.50")]
    text = (output / "mapping" / "a.yml").read_text("utf-8")
    assert 'line_total: "Importe"  # sure: quantity * unit_price - discount = line_total in 2 of 2 rows\n' in text


def test_a_german_list_with_currency_signs_below_a_title(tmp_path: Path, output: Path) -> None:
    rows = "R1;02.01.2025;17;A1;2;1.250,50 €;2.501,00 €\nR2;03.01.2025;18;A2;1;-9,99 €;9,99 €\n".replace("-9", "9")
    header = "Muster GmbH;;;;;;\n\nBelegnr.;Belegdatum;Kundennr.;Artikelnr.;Menge;Einzelpreis;Betrag\n"
    (tmp_path / "a.csv").write_bytes((header + rows).encode("cp1252"))
    assert loaded(tmp_path / "a.csv", output).tolist() == [Decimal("2501.00"), Decimal("9.99")]
    text = (output / "mapping" / "a.yml").read_text("utf-8")
    assert "currency: EUR               # sure: amounts have the sign €" in text
    assert "decimal: auto             # sure: ',' reads" in text


def test_the_total_of_an_order_with_shipping_is_not_that_of_its_row(tmp_path: Path, output: Path) -> None:
    header = (
        "Bestellnummer;Bestelldatum;Artikelnummer;Menge;Einzelpreis brutto;MwSt;Gesamtbetrag;Währung;Versandkosten\n"
    )
    rows = "B1;02.01.2025;S;2;11,90;3,80;28,70;EUR;4,90\nB2;03.01.2025;S;1;23,80;3,80;28,70;EUR;4,90\n"
    (tmp_path / "a.csv").write_text(header + rows)
    assert loaded(tmp_path / "a.csv", output).tolist() == [Decimal("23.80"), Decimal("23.80")]


WOOCOMMERCE = (
    "Order Number,Order Status,Order Date,Customer Note,Email (Billing),Country Code (Billing),Payment Method Title,"
    "Cart Discount Amount,Order Subtotal Amount,Shipping Method Title,Order Shipping Amount,Order Refund Amount,"
    "Order Total Amount,Order Total Tax Amount,SKU,Item #,Item Name,Quantity (- Refund),Item Cost,Coupon Code,"
    "Discount Amount,Discount Amount Tax\n"
)


def test_only_the_currency_is_missing_in_woocommerces_default_columns(tmp_path: Path) -> None:
    rows = [
        "500,Completed,2025-01-03 10:00,,,US,Stripe,0.4,4,Flat,5,0,8.6,0,,1,Card,1,4,TEN,0.4,0",
        *(f"50{n},Completed,2025-01-04 03:00,,w@x.com,US,Stripe,0,34,Flat,5,0,39,0,,1,Card,1,4,,," for n in (1, 2)),
        *(f"50{n},Completed,2025-01-04 03:00,,w@x.com,US,Stripe,0,34,Flat,5,0,39,0,B,2,Pot,1,30,,," for n in (1, 2)),
    ]
    text = proposed(tmp_path / "a.csv", WOOCOMMERCE + "\n".join(rows))
    found = dict(re.findall(r'^    (\w+): "(.+)"  # (?:sure|guessed)$', text, re.MULTILINE))
    assert found == {
        "order": "Order Number", "product": "SKU", "product_name": "Item Name", "quantity": "Quantity (- Refund)",
        "order_date": "Order Date", "unit_price": "Item Cost", "discount": "Discount Amount",
        "email": "Email (Billing)", "status": "Order Status",
        "country": "Country Code (Billing)", "shipping": "Order Shipping Amount",
        "tax": "Order Total Tax Amount",
    }  # fmt: skip
    assert '# line_total: not "Order Subtotal Amount": one amount for all rows of an order, in 2 of 2 orders' in text
    assert "  optional: [product]" in text
    assert [line for line in text.splitlines() if "# missing" in line] == [
        "currency: auto              # missing: the file names no currency; write its ISO 4217 code, such as EUR"
    ]


def test_the_files_of_an_export_are_proposed_together(tmp_path: Path) -> None:
    for name, day in (("a", "01/02/2025"), ("b", "01/13/2025")):
        (tmp_path / f"{name}.csv").write_text(f"Order,Date,Item,Price,Currency\n{name},{day},Mug,5.00,USD\n")
    assert "# sure: %m/%d/%Y reads 2 of 2 dates" in proposed(tmp_path / "*.csv")


def test_a_wrong_discount_says_which_setting_fits(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = "order,order_date,product,quantity,unit_price,discount,line_total\n1,2025-03-01,Mug,2,10.00,{}\n"
    for cells, options, setting in (
        ("2.00,18.00", {}, "amount_included"),
        ("0.1,18.00", {"discount_is": "rate"}, "rate_included"),
        ("10,20.00", {"discount_is": "rate"}, "percent"),
    ):
        path.write_text(text.format(cells))
        rejects = imported(path, "lines", policy=Policy("GBP", 1.0, "reject"), **options).rejects
        assert f'SET="mapping.discount_is={setting}"' in rejects["reason"][0]
