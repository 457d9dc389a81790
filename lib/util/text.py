"""Text that other programs read safely: JSON without NaN, spreadsheet cells without formulas."""

import json
from typing import TypeVar

__all__ = ["escape_formula", "plain_json"]

FORMULA = ("=", "+", "-", "@", "\t", "\r")
T = TypeVar("T")


def plain_json(facts: object) -> str:
    """Standard JSON: NaN becomes null, NumPy numbers become plain ones, any other unknown object its text."""
    plain = json.loads(json.dumps(facts, default=_plain), parse_constant=lambda _: None)
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"


def _plain(value: object) -> object:
    return value.item() if hasattr(value, "item") else str(value)


def escape_formula(cell: T) -> T | str:
    """The cell; a text that a spreadsheet would run as a formula gets a leading apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
