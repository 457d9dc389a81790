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

__all__ = ["Record", "open_bytes", "records", "refuse_quoted_row"]

Record = tuple[int, str, list[str]]  # the line on which it starts, its text in the file, and its cells

QUOTED_ROW = re.compile(r'\s*"((?:[^"]|"")*)"[\s;,]*')


def records(path: Path, options: ReadOptions) -> Iterator[Record]:
    """All records of a file, with the header and empty lines.

    Raises:
        UsageError: The file cannot be opened.
        DataError: It is not a CSV file of this encoding, or it changes while it is read.
    """
    line = 1
    lines: list[str] = []  # of the record that is being read
    try:
        with open_bytes(path) as binary, io.TextIOWrapper(binary, options.encoding, newline="") as text:
            before = path.stat()
            for _ in range(options.header_line - 1):
                text.readline()
            line = options.header_line
            reader = csv.reader(_copied(text, lines), delimiter=options.delimiter, strict=True)
            for cells in reader:
                yield line, "".join(lines), cells
                lines.clear()
                line = options.header_line + reader.line_num
            after = path.stat()
    except csv.Error as error:
        refuse_quoted_row(path, line, "".join(lines), options)
        raise DataError(
            f"{path}, line {line}: {error} (unclosed_quote). Close each quote, and double quotes inside a text."
        ) from error
    except UnicodeError as error:
        raise DataError(_wrong_encoding(path, options)) from error
    if (after.st_ino, after.st_size, after.st_mtime_ns) != (before.st_ino, before.st_size, before.st_mtime_ns):
        raise DataError(f"{path} changed while it was read. Wait until it is complete, then run again.")


def refuse_quoted_row(path: Path, line: int, text: str, options: ReadOptions) -> None:
    """Raise DataError if a spreadsheet has wrapped the row in quotes."""
    found = QUOTED_ROW.fullmatch(text)
    if found and options.delimiter in found[1]:
        raise DataError(
            f"{path}, row {line}: the row is one quoted cell; expected a cell per column. A spreadsheet has put quotes "
            "around whole rows: export the file again, and do not save it from the spreadsheet."
        )


def _copied(lines: Iterable[str], copies: list[str]) -> Iterator[str]:
    for line in lines:
        copies.append(line)
        yield line


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
