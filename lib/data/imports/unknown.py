"""The header and a sample of the rows of files of an unknown layout."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd

from lib.catalog import Column
from lib.data.imports.ad_spend import report_of
from lib.data.imports.conversion import as_csv
from lib.data.imports.guessing import synonyms
from lib.data.imports.headers import header_in
from lib.data.imports.mapping import Layout
from lib.data.imports.matching import samples_of
from lib.data.imports.numbers import Numbers, read_number, sign_of, unmarked
from lib.data.imports.sampling import Sample, sample_of
from lib.data.imports.sources import named_files, unpacked
from lib.errors import DataError

__all__ = ["Unknown", "read_unknown"]

PERCENT = re.compile(r"\s*%$")


@dataclass(frozen=True)
class Unknown:
    """A table of texts.

    Attributes:
        header: Names of the columns.
        rows: The cells of each row, without currency signs and percent signs.
        signs: The currency sign of each column; "" for none.
        percents: Columns with percent signs.
    """

    header: list[str]
    rows: list[list[str]]
    signs: list[str]
    percents: list[str]

    def cells(self, column: str) -> Counter[str]:
        """The filled cells of a column with their number of rows."""
        place = self.header.index(column)
        counted = Counter(row[place].strip() for row in self.rows)
        del counted[""]
        return counted

    def numbers(self, how: Numbers, order: str | None) -> pd.DataFrame:
        """The columns with numbers, NaN for other cells; the index is the column `order`, or the place of the row."""
        text = pd.DataFrame(self.rows, columns=range(len(self.header)), dtype="str")
        index = text.index if order is None else text[self.header.index(order)]
        read = {}
        for place, name in enumerate(self.header):
            known = {cell: float(read_number(cell.strip(), *how.styles[0]) or "nan") for cell in text[place].unique()}
            read[name] = text[place].map(known).to_numpy()
        frame = pd.DataFrame(read, index=index, dtype="float64")
        return frame.loc[:, frame.notna().any()]


def read_unknown(data: Path, fields: Sequence[Column]) -> Unknown:
    """The table in the files that `data` names: those with the header of the first that is not an advertising report.

    Raises:
        UsageError: There is no file.
        DataError: It is not a table with a header.
    """
    usual = Layout("lines", tuple(fields), {name: name for name in synonyms()}, frozenset())
    with TemporaryDirectory() as folder:
        files = unpacked(named_files(data), Path(folder))
        shops = [path for path in files if not report_of(samples_of(path, Path(folder)))] or files[:1]
        tables = [_table(data, as_csv(path, Path(folder), usual)[0], usual) for path in shops]
    header = tables[0][0]
    rows = [row for names, each in tables if names == header for row in each]
    signs = [sign_of(Counter(row[place].strip() for row in rows)) for place in range(len(header))]
    percents = [name for place, name in enumerate(header) if any(row[place].rstrip().endswith("%") for row in rows)]
    return Unknown(header, [_bare(row, signs) for row in rows], signs, percents)


def _bare(row: list[str], signs: list[str]) -> list[str]:
    marked = zip(row, signs, strict=True)
    return [PERCENT.sub("", unmarked(cell, re.escape(sign)) if sign else cell) for cell, sign in marked]


def _table(data: Path, path: Path, usual: Layout) -> tuple[list[str], list[list[str]]]:
    """The header and a sample of the rows of a text file."""
    sample = sample_of(path)
    delimiter, line, header, _ = header_in(sample, usual)
    if len(header) < 2:
        delimiter, line, header = _sniffed(data, sample)
    return header, [row for row in sample.rows(delimiter, line) if len(row) == len(header)]


def _sniffed(data: Path, sample: Sample) -> tuple[str, int, list[str]]:
    """Delimiter, line and cells of a header without a usual name, as DuckDB recognises them."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sample.csv"
        path.write_text(sample.head, encoding="utf-8")
        try:
            query = "SELECT Delimiter, SkipRows FROM sniff_csv($path)"
            ((delimiter, skipped),) = duckdb.execute(query, {"path": str(path)}).fetchall()
        except duckdb.Error:
            delimiter, skipped = "", 0
    header = "".join(sample.lines(skipped + 1)[-1:]).rstrip("\r\n").split(delimiter) if delimiter else []
    if len(header) < 2:
        raise DataError(f"{data} is not a table; expected a line with the names of columns and rows below it.")
    return delimiter, skipped + 1, [name.strip('"') for name in header]
