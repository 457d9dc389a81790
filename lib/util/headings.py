"""The opening of a notebook: its title and its question."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["opening"]

HEADING = re.compile(r"^# +(.+?)[ #]*$\n*((?!#)(?:.+\n?)*)", re.MULTILINE)


def opening(cells: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    """First heading of the notebook and the paragraph below it, without Markdown; empty strings if there is none."""
    for cell in cells:
        found = HEADING.search("".join(cell["source"])) if cell["cell_type"] == "markdown" else None
        if found:
            title, question = (" ".join(re.sub(r"[`*]", "", part).split()) for part in found.groups())
            return title, question
    return "", ""
