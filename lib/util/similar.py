"""Names that mean the same, and the known name that a mistyped one probably means."""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["did_you_mean", "folded"]

SECTION = re.compile(r"^\w+\.(?=\w)")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The most similar known name as a question in parentheses, ` (did you mean generate.orders?)`; empty without one.

    Case does not matter, nor the section before a dot.
    """
    folded = {_folded(each): each for each in known}
    found = difflib.get_close_matches(_folded(name), folded, n=1)
    return f" (did you mean {folded[found[0]]}?)" if found else ""


@lru_cache(10_000)  # the same names are compared with each of the first lines of a file
def folded(name: str) -> str:
    """The name in lower case, without spaces, underscores and accents."""
    letters = (letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    return re.sub(r"[\s_]+", "", "".join(letters).casefold())


def _folded(name: str) -> str:
    return SECTION.sub("", name).casefold()
