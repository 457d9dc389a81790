"""Every export with known truth, written in other ways, and how each is recognised: python -m tests.matrix"""

import csv
import io
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd
import pyarrow.parquet as pq

from lib.data.imports.formats import load_format
from lib.data.imports.mapping import Layout, layouts_of, read_options
from lib.data.imports.staging import stage
from lib.errors import DataError
from lib.run import params
from lib.run.presets import preset_for
from tests.exports import LAYOUTS, write_export, write_tables

__all__ = ["NAMES", "OUTCOMES", "Variant", "outcome", "variants"]

NAMES = (*sorted(LAYOUTS), "tables")
OUTCOMES = ("right", "asks", "rejects", "says", "wrong")
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "comma, all quoted": ","}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")
STYLES = ("1234.5", "1234,5", "1.234,5", "1,234.5", "1'234.5")  # decimal and thousands
DATES = {
    "ISO 8601": "%Y-%m-%d",
    "day.month": "%d.%m.%Y",
    "day/month": "%d/%m/%Y",
    "month/day": "%m/%d/%Y",
    "month/day, all read both ways": "%m/%d/%Y",
    "day/month, all read both ways": "%d/%m/%Y",
}
DAYS = {"etsy": "%m/%d/%y", "superstore": "%m/%d/%Y"}  # dates without a time of day, and their format in the export
# Headers of an order export plugin of WooCommerce, whose names follow the language of the site. The other platforms
# have English names in every country.
LANGUAGES = {
    "German": {
        "Order Number": "Bestellnummer", "Order Status": "Bestellstatus", "Order Date": "Bestelldatum",
        "Email (Billing)": "E-Mail (Rechnung)", "Country Code (Shipping)": "Ländercode (Versand)",
        "Order Currency": "Währung der Bestellung", "Order Shipping Amount": "Versandkosten",
        "Order Total Tax Amount": "Steuerbetrag", "SKU": "Artikelnummer", "Item #": "Position",
        "Item Name": "Artikelname", "Quantity": "Menge", "Item Cost": "Einzelpreis", "Order Line Total": "Zeilensumme",
    },
    "French": {
        "Order Number": "Numéro de commande", "Order Status": "Statut de la commande", "Order Date": "Date de commande",
        "Email (Billing)": "E-mail (facturation)", "Country Code (Shipping)": "Code pays (livraison)",
        "Order Currency": "Devise", "Order Shipping Amount": "Frais de livraison",
        "Order Total Tax Amount": "Montant TVA", "SKU": "UGS", "Item #": "Ligne", "Item Name": "Nom du produit",
        "Quantity": "Quantité", "Item Cost": "Prix unitaire", "Order Line Total": "Total ligne",
    },
    "Spanish": {
        "Order Number": "Número de pedido", "Order Status": "Estado del pedido", "Order Date": "Fecha del pedido",
        "Email (Billing)": "Correo electrónico (facturación)", "Country Code (Shipping)": "Código de país (envío)",
        "Order Currency": "Moneda", "Order Shipping Amount": "Gastos de envío",
        "Order Total Tax Amount": "Impuestos", "SKU": "SKU", "Item #": "Línea", "Item Name": "Nombre del producto",
        "Quantity": "Cantidad", "Item Cost": "Precio unitario", "Order Line Total": "Total de la línea",
    },
}  # fmt: skip
AMOUNT = re.compile(r"-?\d+\.\d+")
Files = dict[str, list[list[str]]]


class Variant(NamedTuple):
    """A way to write an export."""

    delimiter: str
    encoding: str
    style: str
    dates: str
    language: str = "English"

    def __str__(self) -> str:
        return " · ".join(self)


def variants(name: str) -> Iterator[Variant]:
    """Ways to write an export: 25 with each pair of delimiter, encoding, style of numbers and order of dates."""
    for row, column in ((row, column) for row in range(5) for column in range(5)):
        places = (row, column, (row + column) % 5, (row + 2 * column) % 5)
        factors = (list(DELIMITERS), ENCODINGS, STYLES, list(DATES))
        found = Variant(*(factor[place] for factor, place in zip(factors, places, strict=True)))
        yield found._replace(dates=found.dates.replace("month/day, all", "day/month, all")) if row % 2 else found
    if name == "woocommerce":
        yield from (Variant("semicolon", "utf-8-sig", "1.234,5", "day.month", language) for language in LANGUAGES)


@cache
def mapping_of(name: str, *, is_folder: bool) -> dict[str, Any]:
    """The mapping of the params file of an export."""
    with TemporaryDirectory() as folder:
        data = Path(folder) if is_folder else Path(folder) / "export.csv"
        data.touch()
        mapping: dict[str, Any] = params.load(params.find(name), [f"data={data}"]).values()["mapping"]
    return mapping


def preset(name: str) -> str:
    """Name of the params file of an export."""
    return "own_files" if name == "tables" else name


def layouts(name: str) -> dict[str, Layout]:
    """Layout by name of the file: of the tables, else of the orders only."""
    mapping = mapping_of(preset(name), is_folder=name == "tables")
    found = layouts_of(load_format(mapping["format"]), mapping)
    return found if name == "tables" else dict(list(found.items())[:1])


@cache
def source(name: str, *, both_ways: bool) -> Files:
    """The rows of the files of an export, of which all dates read both ways or some do not."""
    with TemporaryDirectory() as folder:
        path = write_tables(Path(folder) / "t", 40) if name == "tables" else write_export(name, Path(folder))
        files = {}
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            text = file.read_text(encoding="utf-8" if name == "tables" else LAYOUTS[name].encoding)
            rows = list(csv.reader(io.StringIO(text), delimiter="\t" if file.suffix == ".txt" else ","))
            files[file.stem] = rows
    for file, rows in files.items():
        places = columns(name, file, rows[0], ("date", "timestamptz"))
        days = ([day(name, row[place]) for place in places if row[place]] for row in rows[1:])
        kept = [
            row for row, found in zip(rows[1:], days, strict=True) if all(map(reads_both_ways, found)) or not both_ways
        ]
        files[file] = [rows[0], *kept[:60]]
    return files


def columns(name: str, file: str, header: list[str], types: tuple[str, ...]) -> list[int]:
    """Places of the columns of these types."""
    layout = layouts(name)[file] if name == "tables" else next(iter(layouts(name).values()))
    named = {layout.names[column.name] for column in layout.columns if column.type in types}
    return [place for place, column in enumerate(header) if column in named]


def day(name: str, cell: str) -> pd.Timestamp:
    return pd.to_datetime(cell, format=DAYS.get(name, "ISO8601"), utc=True)


def reads_both_ways(moment: pd.Timestamp) -> bool:
    return bool(moment.day <= 12 and moment.day != moment.month)


def number(cell: str, style: str) -> str:
    """The number in a style, with all its decimals."""
    grouped = f"{Decimal(cell):,f}" if len(style) == 7 else f"{Decimal(cell):f}"
    marks = {"1.234,5": ".,", "1'234.5": "'.", "1,234.5": ",.", "1234,5": ",,"}.get(style, ",.")
    return grouped.translate(str.maketrans(",.", marks))


def rewritten(name: str, files: Files, variant: Variant) -> Files:
    """The rows of the files with cells and headers as in the variant."""
    form = DATES[variant.dates] + ("" if name in DAYS else " %H:%M:%S")
    written = {}
    for file, (header, *rows) in files.items():
        days, moments = (columns(name, file, header, (kind,)) for kind in ("date", "timestamptz"))
        changed = [list(row) for row in rows]
        for row in changed:
            row[:] = [number(cell, variant.style) if AMOUNT.fullmatch(cell) else cell for cell in row]
            for place in (place for place in (*days, *moments) if row[place]):
                row[place] = f"{day(name, row[place]):{form if place in moments else DATES[variant.dates]}}"
        names = LANGUAGES.get(variant.language, {})
        written[file] = [[names.get(column, column) for column in header], *changed]
    return written


def write(files: Files, folder: Path, variant: Variant) -> Path:
    """Write the files; the path of the only one, or of the folder."""
    folder.mkdir()
    quoting = csv.QUOTE_ALL if "quoted" in variant.delimiter else csv.QUOTE_MINIMAL
    for file, rows in files.items():
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=DELIMITERS[variant.delimiter], quoting=quoting).writerows(rows)
        (folder / f"{file}.csv").write_bytes(text.getvalue().encode(variant.encoding, "replace"))
    return folder if len(files) > 1 else folder / f"{file}.csv"


def staged(name: str, path: Path) -> tuple[dict[str, list[dict[str, Any]]], bool]:
    """The typed rows of each file, and whether a note says that all dates read both ways."""
    options = read_options(mapping_of(preset(name), is_folder=name == "tables"), None)
    rows, said = {}, False
    for file, layout in layouts(name).items():
        with TemporaryDirectory() as work:
            part = path / f"{file}.csv" if path.is_dir() else path
            found = stage([part], layout, options, Path(work))
            table = pq.read_table(Path(work) / f"{layout.name}.parquet").drop_columns(["line", "raw_line"])
        rows[file] = table.to_pylist()
        said = said or any("both ways" in words for _, words in found.parts[0].notes)
    return rows, said


@cache
def truth(name: str, encoding: str, *, both_ways: bool) -> dict[str, list[dict[str, Any]]]:
    """The typed rows of the export itself, with the characters that the encoding has."""
    usual = Variant("comma", "utf-8", "1234.5", "ISO 8601")
    files = {
        file: [[cell.encode(encoding, "replace").decode(encoding) for cell in row] for row in rows]
        for file, rows in source(name, both_ways=both_ways).items()
    }
    with TemporaryDirectory() as folder:
        return staged(name, write(rewritten(name, files, usual), Path(folder) / "export", usual))[0]


def outcome(name: str, variant: Variant) -> str:
    """How an export that is written in this way is read, by its path alone.

    right: every value as it is; asks: refused with the setting that decides it, or a mapping is proposed; rejects: some
    rows are rejected, the others right; says: read in another way, with a note; wrong: in another way without a note.
    """
    both_ways = "both ways" in variant.dates
    files = rewritten(name, source(name, both_ways=both_ways), variant)
    with TemporaryDirectory() as folder:
        path = write(files, Path(folder) / "export", variant)
        try:
            if preset_for(path).stem != preset(name):
                return "wrong"
            found, said = staged(name, path)
        except DataError:
            return "asks"
    expected = truth(name, variant.encoding, both_ways=both_ways)
    if found == expected:
        return "right"
    pairs = [pair for file in expected for pair in zip(found[file], expected[file], strict=True)]
    if all(row == known or row["fault_rule"] for row, known in pairs):
        return "rejects"
    return "says" if said else "wrong"


def main() -> int:
    """Print how many variants of each export have each outcome, and those that are not right; 1 if one is wrong."""
    total, others, lines = Counter[str](), [], [f"{'export':18}" + "".join(f"{each:>9}" for each in OUTCOMES)]
    with TemporaryDirectory() as folder:
        os.environ["WORKBOOK_OUTPUT"] = folder  # of the proposals
        for name in NAMES:
            found = {variant: outcome(name, variant) for variant in variants(name)}
            counts = Counter(found.values())
            lines.append(f"{name:18}" + "".join(f"{counts[each]:9}" for each in OUTCOMES))
            others += [f"{result}: {name} · {variant}" for variant, result in found.items() if result != "right"]
            total += counts
    lines.append(f"{'all':18}" + "".join(f"{total[each]:9}" for each in OUTCOMES))
    sys.stdout.write("\n".join([*lines, "", *others, ""]))
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
