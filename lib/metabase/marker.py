"""Whose an object is: a last line in its description that says it is ours, which one, and what we wrote."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["UNFINISHED", "Marker", "digest", "marked", "parted"]

LINE = re.compile(r"\s*managed-by: workbook key=(?P<key>\S+) sha=(?P<sha>\w+)(?P<archived> archived)?\s*$")
UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Marker:
    """`sha` is the digest of what the workbook wrote, UNFINISHED where it could not end; archived: by the workbook."""

    key: str
    sha: str
    archived: bool = False

    def __str__(self) -> str:
        return f"managed-by: workbook key={self.key} sha={self.sha}{' archived' if self.archived else ''}"


def digest(content: dict[str, Any]) -> str:
    """Twelve hexadecimal digits that are the same for the same content in normal form."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def marked(text: str, marker: Marker) -> str:
    """A description with its marker."""
    return f"{text}\n\n{marker}".strip()


def parted(description: str | None) -> tuple[str, Marker | None]:
    """Text and marker of a description; None where it has none, so that the object is a person's."""
    text = description or ""
    found = LINE.search(text)
    if not found:
        return text, None
    return text[: found.start()], Marker(found["key"], found["sha"], bool(found["archived"]))
