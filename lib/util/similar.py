"""The known name that a mistyped one probably means."""

import difflib
import re
from collections.abc import Iterable

__all__ = ["did_you_mean"]

SECTION = re.compile(r"^\w+\.(?=\w)")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The most similar known name as a question in parentheses, ` (did you mean generate.orders?)`; empty without one.

    Case does not matter, nor the section before a dot.
    """
    folded = {_folded(each): each for each in known}
    found = difflib.get_close_matches(_folded(name), folded, n=1)
    return f" (did you mean {folded[found[0]]}?)" if found else ""


def _folded(name: str) -> str:
    return SECTION.sub("", name).casefold()
