"""The records of a CSV file: their cells, text and line number."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lib.data.imports.mapping import ReadOptions
from lib.errors import DataError, UsageError

__all__ = ["Record", "large_fields", "open_bytes", "open_text", "parsed", "records", "refuse_quoted_row"]

Record = tuple[int, str, list[str]]  # the line on which it starts, its text in the file, and its cells

FIELD_CHARACTERS = 1 << 19  # a quoted field longer than this counts as an unclosed quote
QUOTED_ROW = re.compile(r'\s*"((?:[^"]|"")*)"[\s;,]*')


def records(path: Path, options: ReadOptions) -> Iterator[Record]:
    """All records of a file from its header on, with empty lines.

    Raises:
        UsageError: The file cannot be opened.
        DataError: It is not a CSV file of this encoding.
    """
    with open_text(path, options, options.header_line) as text:
        yield from parsed(enumerate(text, options.header_line), path, options)


@contextmanager
def open_text(path: Path, options: ReadOptions, line: int) -> Iterator[io.TextIOWrapper]:
    """The text of a file from a line on; raises UsageError or DataError if it cannot be read."""
    try:
        with open_bytes(path) as binary, io.TextIOWrapper(binary, options.encoding, newline="") as text:
            for _ in range(line - 1):
                text.readline()
            yield text
    except UnicodeError as error:
        raise DataError(_wrong_encoding(path, options)) from error


def parsed(lines: Iterable[tuple[int, str]], path: Path, options: ReadOptions) -> Iterator[Record]:
    """The records of numbered lines; of these, none is taken before its record is asked for.

    Raises:
        DataError: A quoted text has no end, or another text behind it.
    """
    taken: list[tuple[int, str]] = []  # of the record that is being read

    def texts() -> Iterator[str]:
        for numbered in lines:
            taken.append(numbered)
            yield numbered[1]

    reader = csv.reader(texts(), delimiter=options.delimiter, strict=True)
    try:
        for cells in reader:
            yield taken[0][0], "".join([text for _, text in taken]), cells
            taken.clear()
    except csv.Error as error:
        refuse_quoted_row(path, taken[0][0], "".join(text for _, text in taken), options)
        raise DataError(
            f"{path}, line {taken[0][0]}: {error} (unclosed_quote). Close each quote, and double quotes inside a text."
        ) from error


@contextmanager
def large_fields() -> Iterator[None]:
    """Raises the limit of csv to FIELD_CHARACTERS; it belongs to the whole process, so it is restored."""
    limit = csv.field_size_limit(FIELD_CHARACTERS)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def refuse_quoted_row(path: Path, line: int, text: str, options: ReadOptions) -> None:
    """Raise DataError if a spreadsheet has wrapped the row in quotes."""
    found = QUOTED_ROW.fullmatch(text)
    if found and options.delimiter in found[1]:
        raise DataError(
            f"{path}, row {line}: the row is one quoted cell; expected a cell per column. A spreadsheet has put quotes "
            "around whole rows: export the file again, and do not save it from the spreadsheet."
        )


@contextmanager
def open_bytes(path: Path) -> Iterator[io.BufferedReader | gzip.GzipFile]:
    """The bytes of a file, decompressed if they are gzip, whether or not the name says so.

    Raises:
        UsageError: The file cannot be opened.
        DataError: It is a damaged gzip file.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
            file.seek(0)
            if magic.startswith(b"PK\x03\x04"):
                raise DataError(
                    f"{path} is a zip archive or an Excel file; expected CSV. Unpack it, or save it as CSV."
                )
            if magic.startswith(b"\x1f\x8b"):
                with gzip.open(file) as unpacked:
                    yield unpacked
            else:
                yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}). Download or compress it again.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be opened: {error.strerror}; expected a .csv or .csv.gz file") from error


def _wrong_encoding(path: Path, options: ReadOptions) -> str:
    """The first line that cannot be decoded, and the encoding it looks like."""
    with open_bytes(path) as binary:
        start = binary.read(4096)
        binary.seek(0)
        line = next((number for number, raw in enumerate(binary, 1) if not _decodes(raw, options.encoding)), 1)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start:
        guess = "utf-16"
    else:
        guess = "cp1252" if options.encoding.startswith("utf-8") else "utf-8"
    encoding = options.encoding.removesuffix("-sig")
    return f"{path}, line {line} is not {encoding}; it looks like {guess}. Set mapping.encoding to {guess}."


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeError:
        return False
    return True
