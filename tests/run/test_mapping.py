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
    found = dict(re.findall(r'^    (\w+): "(.+)"  # (?:sure|guessed)$', text, re.MULTILINE))
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
    assert '# missing: is the decimal separator of 1.250 "." or ","?' in text


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
