"""Content of an object in a normal form that is the same in every version of Metabase, its marker, and comparisons."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lib.errors import MetabaseError
from lib.metabase.spec import FILTERS

__all__ = [
    "ARCHIVE", "CREATE", "EDITED", "KEEP", "UNFINISHED", "UPDATE", "Live", "Marker", "compare", "dashboard", "decide",
    "digest", "marked", "named", "our_dashcards", "parted", "question",
]  # fmt: skip

CREATE, UPDATE, KEEP, ARCHIVE, EDITED = "create", "update", "keep", "archive", "edited by hand"
UNFINISHED = "unfinished"
LINE = re.compile(r"\s*managed-by: workbook key=(?P<key>\S+) sha=(?P<sha>\w+)(?P<archived> archived)?\s*$")
Live = dict[str, Any]  # an object as Metabase answers it


@dataclass(frozen=True)
class Marker:
    """The last line of the description of each object of the workbook; objects without it belong to people.

    Attributes:
        key: Which object of the workbook it is.
        sha: Digest of the content that the workbook wrote, or UNFINISHED if it could not write all of it.
        archived: Whether the workbook put it into the trash.
    """

    key: str
    sha: str
    archived: bool = False


def digest(content: dict[str, Any]) -> str:
    """Twelve hexadecimal digits that are the same for the same content in normal form."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def marked(text: str, key: str, sha: str, *, archived: bool = False) -> str:
    """A description with its marker."""
    return f"{text}\n\nmanaged-by: workbook key={key} sha={sha}{' archived' if archived else ''}".strip()


def parted(description: str | None) -> tuple[str, Marker | None]:
    """Text and marker of a description; None if it has no marker."""
    text = description or ""
    found = LINE.search(text)
    if not found:
        return text, None
    return text[: found.start()], Marker(found["key"], found["sha"], bool(found["archived"]))


def decide(live: Live, has: dict[str, Any], wants: dict[str, Any], *, force: bool) -> str:
    """The action that brings `live`, with content `has` in normal form, to the content `wants`.

    Content that differs from the digest in the marker was edited by a person: it is kept, unless forced.
    """
    if not live:
        return CREATE
    marker = parted(live["description"])[1] or Marker("", "")
    archived = bool(live.get("archived"))
    if has == wants and not archived and marker.sha != UNFINISHED:
        return KEEP
    if force or (marker.sha in (UNFINISHED, digest(has)) and archived == marker.archived):
        return UPDATE
    return EDITED


def compare(what: str, wants: dict[str, Any], has: dict[str, Any]) -> None:
    """Raise MetabaseError, naming the parts, if Metabase accepted content and stored something else."""
    if parts := [name for name, value in wants.items() if has.get(name) != value]:
        raise MetabaseError(f"Metabase accepted the {what} but did not keep its {', '.join(parts)} as sent")


def named(live: Mapping[str, Any]) -> dict[str, Any]:
    """Name and description of any object, without its marker."""
    return {"name": live["name"], "description": parted(live.get("description"))[0]}


def question(card: Mapping[str, Any]) -> dict[str, Any]:
    """Content of a question."""
    return named(card) | {
        "display": card["display"],
        "settings": card["visualization_settings"],
        "collection": card.get("collection_id"),
        "query": _query(card["dataset_query"]),
    }


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    """Database, SQL and tags, from the legacy form or from MBQL 5, in which Metabase answers since 0.57."""
    stage = (query.get("stages") or [{}])[0]
    native = query.get("native") or {}
    found = stage.get("template-tags") or native.get("template-tags") or {}
    return {
        "database": query.get("database"),
        "sql": (stage.get("native") or native.get("query") or "").strip(),
        "tags": {tag["name"]: _tag(tag) for tag in (found.values() if isinstance(found, dict) else found)},
    }


def _tag(tag: Mapping[str, Any]) -> list[str]:
    return [tag["type"], str(tag.get("default")), tag.get("display-name", ""), str(tag.get("required", False))]


def dashboard(live: Mapping[str, Any], keys: Mapping[int, str]) -> dict[str, Any]:
    """Content of the dashboard without what people added; `keys` has the key of each of our questions by its id."""
    ours = our_dashcards(live, keys)
    tabs = {tab["id"]: tab["name"] for tab in live.get("tabs") or []}
    used = {card.get("dashboard_tab_id") for card in ours.values()}
    filters = [entry for entry in live.get("parameters") or [] if entry["id"] in FILTERS]
    return named(live) | {
        "width": live.get("width"),
        "collection": live.get("collection_id"),
        "filters": [[entry.get(name) for name in ("id", "name", "slug", "type", "default")] for entry in filters],
        "tabs": [name for number, name in tabs.items() if number in used],
        "cards": {key: _placed(card, tabs) for key, card in ours.items()},
    }


def our_dashcards(live: Mapping[str, Any], keys: Mapping[int, str]) -> dict[str, Live]:
    """Our cards on the dashboard by key; of a question that a person placed once more, the first one is ours."""
    found: dict[str, Live] = {}
    for card in sorted(live.get("dashcards") or [], key=lambda card: card["id"]):
        if card.get("card_id") in keys:
            found.setdefault(keys[card["card_id"]], card)
    return dict(sorted(found.items()))


def _placed(card: Mapping[str, Any], tabs: Mapping[int, str]) -> dict[str, Any]:
    mappings = card.get("parameter_mappings") or []
    return {
        "tab": tabs.get(card.get("dashboard_tab_id") or 0),
        "place": [card[name] for name in ("col", "row", "size_x", "size_y")],
        "filters": sorted([entry["parameter_id"], *_target(entry["target"])] for entry in mappings),
        "settings": card.get("visualization_settings") or {},
        "series": [series["id"] for series in card.get("series") or []],
    }


def _target(target: Any) -> list[str]:
    """The words of a target such as ["variable", ["template-tag", "start"]]; newer forms have options in between."""
    if isinstance(target, list):
        return [word for part in target for word in _target(part)]
    return [target] if isinstance(target, str) else []
