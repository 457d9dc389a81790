"""Tests of the templates: they load unchanged, wrong rows are reported, hostile words are shown as text."""

import csv
import re
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import nbformat
import pytest
import sqlalchemy as sa
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from lib import db
from lib.catalog import tables
from lib.data import synthetic
from lib.data.imports import templates
from lib.data.imports.rejects import Policy
from lib.data.parquet import write_tables
from lib.run.steps import NOTEBOOKS
from tests.browser import open_page
from tests.conftest import NAMES, _administer, _copy_database, fingerprint
from tests.own_files import imported
from tests.runner import Ran, pipeline

OWN = {name: table for name, table in tables().items() if not table.mart}
HOSTILE = "<script>window.P_x=1</script><img src=x onerror=window.P_y=1>'); DROP TABLE users;-- =cmd|' /C calc'!A0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    templates.write_templates(tmp_path / "my files")
    return tmp_path / "my files"


def url(address: sa.URL) -> str:
    return address.set(drivername="postgresql").render_as_string(hide_password=False)


def test_templates_have_the_columns_of_the_catalog(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.csv" for name in OWN)
    for name, table in OWN.items():
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert next(csv.reader(file)) == table.column_names


def test_templates_are_imported_without_notes(folder: Path) -> None:
    found = imported(folder)
    assert found.faults() == []
    assert [note for file, _, note in found.notes if file.endswith(".csv")] == []
    assert (found.imported.lines["loaded"] > 1).all()


def test_the_command_to_import_them_is_quoted_for_a_shell(
    own_folders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spaced = own_folders / "my output"
    monkeypatch.setenv("WORKBOOK_OUTPUT", str(spaced))
    assert templates.main() == 0
    assert f"make pipeline PARAMS=own_files DATA='{spaced / 'templates'}'" in capsys.readouterr().out
    assert len(list((spaced / "templates").iterdir())) == len(OWN)


def test_an_unwritable_folder_is_reported(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own_folders.write_text("in the way")
    assert templates.main() == 1
    assert capsys.readouterr().err.startswith("error: cannot write to")


def edit(path: Path, line: int, old: str, new: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    path.write_text("".join(lines), encoding="utf-8")


def test_two_wrong_rows_are_reported_on_the_front_page(folder: Path, own_folders: Path, empty_database: sa.URL) -> None:
    edit(folder / "products.csv", 5, "49.00", "forty-nine")
    edit(folder / "users.csv", 6, "2025-06-09", "9.6.2025")
    ran = pipeline("--params", "own_files", "--data", str(folder), output=own_folders, url=url(empty_database))
    (page,) = re.findall(r"what happened: (.+)", ran.stdout)
    messages = [line.removeprefix("error: ") for line in ran.stderr.splitlines()]
    assert (ran.returncode, len(messages)) == (3, 4)
    assert messages[1].startswith(
        "products.csv, line 5, column price, 'forty-nine': expected a number with the decimal separator ."
    )
    assert messages[2].startswith(
        "users.csv, line 6, column signup_date, '9.6.2025': expected an ISO 8601 date or timestamp"
    )
    assert messages[3].endswith("rows are rejected with the parent")
    with open_page(Path(page)) as (shown, _, errors):
        text = shown.inner_text("main")
        assert errors == []
    assert "2 rows break a rule" in text
    for words in (
        "line 5, column price, 'forty-nine'",
        "line 6, column signup_date, '9.6.2025'",
        "mapping.date_format",
    ):
        assert words in text
    assert not (own_folders / "data").exists()
    assert {"products.csv", "users.csv"} <= {path.name for path in (own_folders / "rejects").iterdir()}


def poison(path: Path, name: str) -> None:
    """Put hostile words into every text of a file, in e-mail addresses before the @."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [column for column in OWN[name].columns if column.type == "text" and not column.one_of]
    for number, row in enumerate(rows):
        most = {column.name: (column.most_characters or 200) - 30 for column in texts}
        row |= {c.name: f"{number} {HOSTILE}"[: most[c.name]] + ("@a.b" if c.form else "") for c in texts}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_hostile_words_are_loaded_and_shown_as_text(folder: Path, own_folders: Path, empty_database: sa.URL) -> None:
    for name in OWN:
        poison(folder / f"{name}.csv", name)
    edit(folder / "products.csv", 4, "6.90", HOSTILE.replace('"', ""))
    settings = ("--set", "max_reject_share=1", "--data", str(folder))
    ran = pipeline("--params", "own_files", *settings, output=own_folders, url=url(empty_database))
    assert (ran.returncode, ran.stderr) == (0, "")
    with db.transaction(read_only=True) as connection:
        names = connection.execute(sa.text("SELECT name FROM users ORDER BY name")).scalars().all()
    assert names == [f"{number} {HOSTILE}"[:170] for number in range(5)]
    pages = sorted((own_folders / "reports").iterdir())
    with open_page(pages[0]) as (shown, requests, errors):
        for path in pages[1:]:
            shown.goto(path.as_uri())
            shown.wait_for_selector("html[data-figures-drawn]", state="attached")
            assert shown.evaluate("Object.keys(window).filter(name => name.startsWith('P_'))") == [], path.name
        assert (requests, errors) == ([path.as_uri() for path in pages], [])
    no_page_has_personal_data(own_folders)


def no_page_has_personal_data(output: Path) -> None:
    """Check that no page has an e-mail address; all of them end in @a.b."""
    (run,) = (output / "runs").iterdir()
    page = (output / "reports" / "index.html").read_text("utf-8")
    others = [(run / name).read_text("utf-8") for name in ("02_generate.ipynb", "run.json")]
    assert "not_a_number" in page
    assert not any("@a.b" in text for text in (page, *others))


@pytest.fixture(scope="module")
def imported_shop(server: sa.URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """A run of the pipeline over the templates."""
    folder, name = tmp_path_factory.mktemp("imported"), next(NAMES)
    templates.write_templates(folder / "my files")
    _copy_database(server, "template1", name)
    words = ("--params", "own_files", "--data", str(folder / "my files"))
    address = url(server.set(database=name))
    yield Ran(folder / "output", address, pipeline(*words, output=folder / "output", url=address))
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("name", ["02_generate", "03_load"])
def test_a_notebook_with_its_defaults_does_not_replace_an_imported_shop(
    imported_shop: Ran, own_folders: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert (imported_shop.process.returncode, imported_shop.process.stderr) == (0, "")
    shutil.copytree(imported_shop.output, own_folders)
    monkeypatch.setenv("DATABASE_URL", imported_shop.url)
    before = fingerprint()
    if name == "03_load":  # even if the folder holds another shop in the meantime
        shutil.rmtree(own_folders / "data")
        write_tables(synthetic.generate_shop(), own_folders / "data")
    book = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    with pytest.raises(CellExecutionError, match=r"holds the shop imported from .+; it would be replaced by a synth"):
        NotebookClient(book, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    assert fingerprint() == before
    db.engine().dispose()


@pytest.mark.parametrize("name", ["lines", "shopify", "woocommerce"])
def test_the_example_of_an_export_loads_unchanged(name: str, tmp_path: Path) -> None:
    """17.98 and 24.00, 24.00 cancelled, 13.50 of a guest or the till; 8.99 came back."""
    paths = templates.write_templates(tmp_path / "templates", name)
    found = imported(
        paths[0] if len(paths) == 1 else tmp_path / "templates", name, policy=Policy("auto", 0.0, "reject")
    )
    assert (found.faults(), found.imported.currency) == ([], "EUR")
    assert found.table("orders")["total_amount"].tolist() == [Decimal(total) for total in ("41.98", "24.00", "13.50")]
    assert (
        found.table("refunds")["amount"].tolist()
        == [Decimal("24.00"), Decimal("8.99")][:: 1 if name != "shopify" else -1]
    )


def test_an_unknown_example_is_refused_with_the_names(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert templates.main("shopyfi") == 2
    assert "(did you mean shopify?); expected FORMAT=lines, shopify, tables, woocommerce" in capsys.readouterr().err
