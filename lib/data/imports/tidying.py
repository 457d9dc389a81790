"""Repair the text of cells before it is parsed, and flag each repair."""

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from lib.catalog import Column
from lib.data.imports.mapping import ReadOptions
from lib.data.imports.numbers import GROUPS, grouped, mark
from lib.data.imports.parsing import by_word, from_serial, matches

__all__ = ["tidied"]

DATES = ("date", "timestamptz")
NUMBERS = ("money", "unit_price", "integer")
KEPT = "apostrophe before a number kept, though '0017 is probably 0017"


def tidied(raw: pa.Array, column: Column, options: ReadOptions) -> tuple[pa.Array, dict[str, pa.Array]]:
    """The text without surrounding white space, in NFC, empty for a null word; and repair -> which cells needed it."""
    repairs: dict[str, pa.Array] = {}
    text = raw
    for done, step in _steps(column, options).items():
        repaired = step(text)
        repairs[done] = pc.not_equal(repaired, text)
        text = repaired
    if column.type == "text":
        repairs[KEPT] = pc.match_substring_regex(text, "^'[+0-9]")
    return text, repairs


def _steps(column: Column, options: ReadOptions) -> dict[str, Callable[[pa.Array], pa.Array]]:
    """The repairs of a column in their order."""
    words, countries = pa.array(options.null_words, pa.string()), options.countries
    steps: dict[str, Callable[[pa.Array], pa.Array]] = {
        "outer white space removed": pc.utf8_trim_whitespace,
        "normalised to Unicode NFC": _composed,
        "placeholder of mapping.null_words read as empty": lambda text: pc.if_else(pc.is_in(text, words), "", text),
    }
    if column.type == "char2" and countries:
        steps["country code from mapping.countries"] = lambda text: by_word(
            text, lambda word: countries.get(word.casefold(), word), pa.string()
        )
    if column.type in NUMBERS + DATES:  # a spreadsheet puts it there to keep a number as text
        steps["apostrophe before a number removed"] = lambda text: pc.replace_substring_regex(
            text, "^'([-+0-9.])", r"\1"
        )
    if column.name == "discount" and options.discount_is.startswith("percent"):
        steps["percent sign removed"] = lambda text: pc.replace_substring_regex(text, f"{GROUPS[' ']}*%$", "")
    if column.type in NUMBERS and options.sign:
        steps["currency sign removed"] = lambda text: pc.replace_substring_regex(
            text, mark(re.escape(options.sign)), r"\1"
        )
    if column.type in NUMBERS and options.thousands:
        steps["separators of thousands removed"] = lambda text: _ungrouped(text, options)
    if column.type in DATES and options.excel_dates:
        steps["Excel serial number read as a date"] = lambda text: by_word(
            text, lambda word: from_serial(word, options), pa.string()
        )
    return steps


def _ungrouped(text: pa.Array, options: ReadOptions) -> pa.Array:
    thousands = options.thousands or ""
    plain = pc.replace_substring_regex(text, GROUPS[thousands], "")
    return pc.if_else(matches(text, grouped(options.decimal, thousands)), plain, text)


def _composed(text: pa.Array) -> pa.Array:
    return text if pc.all(pc.string_is_ascii(text)).as_py() else pc.utf8_normalize(text, "NFC")
