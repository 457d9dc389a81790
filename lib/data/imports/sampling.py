"""A sample of a text file from places spread over all of it, and its encoding."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from lib.data.imports import AUTO
from lib.data.imports.records import open_bytes
from lib.errors import DataError

__all__ = ["Sample", "sample_of"]

HEAD_BYTES = 1 << 21  # the start of the file, more than 10,000 rows of most exports
BLOCK_BYTES = 1 << 20
PIECE_BYTES = 1 << 14  # of a block
MOST_PIECES = 128
HEAD_RECORDS = 10_000
UTF16 = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
UNDEFINED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)  # bytes that cp1252 does not define


class Sample(NamedTuple):
    """Text of a file.

    Attributes:
        head: The start of the file, whole lines.
        pieces: Lines from places spread evenly over the rest.
        encoding: Python's name of the encoding.
        evidence: How the encoding was found.
    """

    head: str
    pieces: tuple[str, ...]
    encoding: str
    evidence: str

    def lines(self, most: int) -> list[str]:
        """The first lines, with their line breaks."""
        return list(islice(_lines(self.head), most))

    def rows(self, delimiter: str, header_line: int) -> Iterator[list[str]]:
        """Cells of the rows below the header: the first ones, and some from all over the file."""
        below = islice(_lines(self.head), header_line, None)
        yield from islice(_cells(below, delimiter), HEAD_RECORDS)
        for piece in self.pieces:
            yield from _cells(_lines(piece), delimiter)


def sample_of(path: Path, encoding: str = AUTO) -> Sample:
    """The sample of a file.

    Args:
        encoding: Python's name of it; `auto` tells it from a byte order mark and from all bytes of the file.

    Raises:
        UsageError: The file cannot be opened.
        DataError: It is damaged, or `auto` and neither UTF-8, UTF-16 nor cp1252.
    """
    with open_bytes(path) as binary:
        head = binary.read(HEAD_BYTES)
        found, evidence = (encoding, "mapping.encoding") if encoding != AUTO else _marked(head)
        decoder = codecs.getincrementaldecoder(found or "utf-8")() if encoding == AUTO else None
        pieces, valid, step = [], _decodes(decoder, head), 1
        for number, block in enumerate(iter(partial(binary.read, BLOCK_BYTES), b"")):
            valid = valid and _decodes(decoder, block)
            if number % step == 0:
                pieces.append(block[:PIECE_BYTES])
            if len(pieces) > MOST_PIECES:
                pieces, step = pieces[::2], 2 * step
        valid = valid and _decodes(decoder, b"", final=True)
    if not found:
        found, evidence = ("utf-8-sig", "all bytes are valid UTF-8") if valid else _eight_bit(path)
    start = head.decode(found, "replace")
    whole = start if len(head) < HEAD_BYTES else _whole_lines(start, first=False)
    rest = tuple(_whole_lines(piece.decode(_unmarked(found, head), "replace")) for piece in pieces)
    return Sample(whole, rest, found, evidence)


def _marked(head: bytes) -> tuple[str, str]:
    """The encoding that the first bytes show, and how; empty if they do not."""
    mark = next((name for bom, name in UTF16.items() if head.startswith(bom)), "")
    if mark:
        return mark, "byte order mark"
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", "byte order mark"
    half = len(head[:4096]) // 2
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if half and head[first:4096:2].count(0) > half / 2:
            return name, "every second byte is zero"
    return "", ""


def _unmarked(encoding: str, head: bytes) -> str:
    """The encoding of a part that does not begin with the byte order mark of the file."""
    if encoding != "utf-16":
        return encoding
    return "utf-16-be" if head.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"


def _decodes(decoder: codecs.IncrementalDecoder | None, block: bytes, *, final: bool = False) -> bool:
    try:
        if decoder:
            decoder.decode(block, final)
    except UnicodeError:
        return False
    return True


def _eight_bit(path: Path) -> tuple[str, str]:
    """cp1252 for a file that is not UTF-8, unless it is damaged UTF-8 or has bytes that cp1252 does not define."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    characters = invalid = undefined = 0
    with open_bytes(path) as binary:
        for block in iter(partial(binary.read, BLOCK_BYTES), b""):
            text = decoder.decode(block)
            bad = len(text) - len(text.encode("utf-8", "ignore").decode())
            characters += len(text) - len(text.encode("ascii", "ignore")) - bad
            invalid += bad
            undefined += sum(map(block.count, UNDEFINED))
    if invalid <= characters or undefined:
        raise DataError(
            f"{path}: {invalid:,} bytes are not UTF-8 and {undefined:,} not cp1252, and {characters:,} characters are "
            "UTF-8; expected one encoding. Export the file again as UTF-8, or set mapping.encoding."
        )
    return "cp1252", f"{invalid:,} bytes are not valid UTF-8, all are valid cp1252"


def _lines(text: str) -> Iterator[str]:
    """Lines as the csv module expects them: with their line breaks, which may also be inside a quoted cell."""
    return iter(io.StringIO(text, newline=""))


def _whole_lines(text: str, *, first: bool = True) -> str:
    """The text without its last line, which may be cut off, and without the first one."""
    start = text.find("\n") + 1 if first else 0
    return text[start : text.rfind("\n") + 1 or None]


def _cells(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """The rows that can be read; a piece may begin inside a quoted cell."""
    rows = csv.reader((line.replace("\0", "") for line in lines), delimiter=delimiter)
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except csv.Error:
            continue
