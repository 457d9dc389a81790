"""Guess which column of an unknown file has which field of the format `lines`, by its name and its cells."""

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from lib.catalog import Column
from lib.data.imports.dates import recognise_dates
from lib.data.imports.numbers import PLAUSIBLE as NUMBER
from lib.util.similar import folded

__all__ = ["Guess", "guesses", "synonyms"]

SIMILAR = 0.88  # least similarity of names for a guess
MOSTLY = 0.9  # share of the filled cells that have the type of the field
CHARGES = ("discount", "shipping", "tax")
QUALIFIER = re.compile(
    r"[\s,.]*\b(netto|brutto|net|gross|ht|ttc|hors taxes?|(ex|in)[ck]l\b.*|zzgl\b.*|con iva|sin iva|in)[\s%]*$|"
    r"[\s%€$£]+$",
    re.IGNORECASE,
)
INTEGER = re.compile(r"-?[0-9]{1,6}([.,]0{1,2})?")


class Guess(NamedTuple):
    """A column for a field.

    It is `sure` if its name is usual and its cells have the field's type, or if the file proves it, as `why` says.
    """

    column: str
    sure: bool
    why: str = ""


@cache
def synonyms() -> dict[str, str]:
    """Field by usual name of its column."""
    listed = yaml.safe_load(Path(__file__).with_name("synonyms.yml").read_text(encoding="utf-8"))
    return {folded(name): field for field, names in listed.items() for name in (field, *names)}


def guesses(header: list[str], rows: list[list[str]], fields: Sequence[Column]) -> dict[str, Guess]:
    """The best column for each field that has one; a column has one field.

    The only date of a file is the order's, also under an unusual name.
    """
    kinds = {name: _kinds([row[place] for row in rows]) for place, name in enumerate(header) if name.strip()}
    scores = [
        (_similarity(name, field.name), -place, field.name, name)
        for field in fields
        for place, name in enumerate(kinds)
        if _kind(field) in kinds[name]
    ]
    found: dict[str, Guess] = {}
    empty = {name for place, name in enumerate(header) if not any(row[place].strip() for row in rows)}
    for score, _, field, name in sorted(scores, reverse=True):
        is_similar = score >= (1 if name in empty else SIMILAR)
        if is_similar and field not in found and name not in {each.column for each in found.values()}:
            found[field] = Guess(name, sure=score == 1)
    taken = empty | {each.column for each in found.values()}
    free = [name for name in kinds if "date" in kinds[name] and name not in taken]
    if "order_date" not in found and len(free) == 1:
        found["order_date"] = Guess(free[0], sure=False)
    return {field.name: found[field.name] for field in fields if field.name in found}


def _similarity(name: str, field: str) -> float:
    """1 for a usual name of the field, less for a similar one; 0 for a usual name of another field."""
    own = folded(name)
    if own in synonyms():
        return float(synonyms()[own] == field)
    usual = [each for each, of in synonyms().items() if of == field]
    plain = re.sub(r"\s*\([^()]*\)\s*$", "", name.strip())  # the e-mail of `E-Mail (Rechnung)`
    plain = QUALIFIER.sub("", plain)
    *others, last = re.split(r"[\W_]+", plain)  # the country of `customer country`
    if {synonyms().get(folded(each)) for each in others} & {*CHARGES} - {field} or folded(last) == "state":
        return 0  # the last word of `cart discount amount` does not make it a total, nor that of `ship state` a status
    within = SIMILAR if folded(plain) in usual or folded(last) in usual else 0
    return max(within, *(0.99 * difflib.SequenceMatcher(None, own, each).ratio() for each in usual))


def _kind(field: Column) -> str:
    return {"timestamptz": "date", "integer": "integer", "unit_price": "number", "money": "number"}.get(
        field.type, "text"
    )


def _kinds(cells: list[str]) -> set[str]:
    """The types that nearly all filled cells have; all types for a column without any."""
    filled = Counter(re.sub(r"^'|\s*%$", "", cell.strip()) for cell in cells if cell.strip())
    rows = sum(filled.values())
    dates = recognise_dates(filled)
    shares = {
        "date": dates.agree + dates.serials,
        "number": sum(count for cell, count in filled.items() if NUMBER.fullmatch(cell)),
        "integer": sum(count for cell, count in filled.items() if INTEGER.fullmatch(cell)),
    }
    return {"text", *(kind for kind, count in shares.items() if count >= MOSTLY * rows)}
