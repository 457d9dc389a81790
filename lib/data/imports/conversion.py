"""Excel workbooks and Parquet files as CSV files."""

import csv
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook

from lib.data.imports.headers import HEADER_RECORDS, field_positions
from lib.data.imports.mapping import Layout
from lib.data.imports.sources import EXTENSIONS
from lib.errors import DataError, UsageError

__all__ = ["as_csv", "previews"]

KINDS = {b"PK\x03\x04": "zip", b"\xd0\xcf\x11\xe0": "workbook", b"PAR1": "parquet"}  # the first bytes -> kind
BATCH_ROWS = 50_000


def as_csv(path: Path, folder: Path, layout: Layout) -> tuple[Path, str]:
    """A workbook or Parquet file as a CSV file in `folder`, one line per row; and what it is, in words.

    Args:
        path: A text file is returned as it is, with no words.
        folder: Of the new file.
        layout: Of several sheets of a workbook, the one with the most of its columns is read.

    Raises:
        UsageError: The file cannot be opened.
        DataError: It is damaged or encrypted, or a column has no texts, numbers or dates.
    """
    target = folder / f"{path.name}.csv"
    match _kind(path):
        case "parquet":
            _write_parquet(path, target)
            return target, "a Parquet file"
        case "workbook":
            sheets = _sheets(path)
            matched = {
                name: max((len(field_positions(row, layout)) for row in _texts(rows[:HEADER_RECORDS])), default=0)
                for name, rows in sheets.items()
            }
            name = max(sheets, key=lambda each: matched[each])
            _write_rows(sheets[name], target)
            return target, f"the sheet {name} of an Excel workbook"
    return path, ""


def previews(path: Path, folder: Path) -> list[Path]:
    """The file as text, or the first rows of a Parquet file or of each sheet of a workbook as CSV files in `folder`."""
    match _kind(path):
        case "parquet":
            _write_parquet(path, folder / f"{path.name}.csv", HEADER_RECORDS)
            return [folder / f"{path.name}.csv"]
        case "workbook":
            sheets = _sheets(path, HEADER_RECORDS)
            files = {folder / f"{path.name}.{place}.csv": rows for place, rows in enumerate(sheets.values())}
            for file, rows in files.items():
                _write_rows(rows, file)
            return list(files)
    return [path]


def _kind(path: Path) -> str:
    """`workbook`, `parquet` or `zip`, by the content; empty for a text."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be opened: {error.strerror}; expected {', '.join(EXTENSIONS)} or .zip"
        ) from error
    if KINDS.get(start) == "zip" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return "workbook" if "[Content_Types].xml" in archive.namelist() else "zip"
    return KINDS.get(start, "")


def _sheets(path: Path, most: int | None = None) -> dict[str, list[list[Any]]]:
    """The first rows of each sheet."""
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            sheets = {name: workbook.get_sheet_by_name(name) for name in workbook.sheet_names}
            if not sheets:
                raise CalamineError("no sheet")
            return {name: sheet.to_python(skip_empty_area=False, nrows=most) for name, sheet in sheets.items()}
    except CalamineError as error:
        raise DataError(f"{path} is not a readable workbook ({error}). Save it again, without a password.") from error


def _texts(rows: list[list[Any]]) -> Iterator[list[str]]:
    return ([_text(cell) for cell in row] for row in rows)


def _write_rows(rows: list[list[Any]], target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(_texts(rows))


def _text(cell: Any) -> str:
    """A cell as a spreadsheet shows it, with a decimal point and ISO dates."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return f"{Decimal(f'{cell:.15g}'):f}"  # Excel shows 15 digits: 0.1 + 0.2 is 0.3
    return str(cell)  # of a date or time: ISO 8601


def _write_parquet(path: Path, target: Path, most: int | None = None) -> None:
    try:
        with pq.ParquetFile(path) as file:
            schema = pa.schema([(field.name, pa.string()) for field in file.schema_arrow])
            with pacsv.CSVWriter(target, schema) as writer:
                for batch in islice(file.iter_batches(most or BATCH_ROWS), 1 if most else None):
                    writer.write_batch(batch.cast(schema))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{path} cannot be read as Parquet of texts, numbers and dates: {error}") from error
