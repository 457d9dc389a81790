"""Normal forms: content without what Metabase adds or writes otherwise from version to version, and comparing it."""

from collections.abc import Mapping
from typing import Any

from lib.errors import MetabaseError
from lib.metabase.marker import parted
from lib.metabase.native import FILTERS

__all__ = ["compare", "dashboard", "named", "our_dashcards", "question"]


def named(live: Mapping[str, Any]) -> dict[str, Any]:
    """Name and description of anything, without its marker."""
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
    """Database, SQL and tags, from the old form or from MBQL 5, in which they are read since 0.57."""
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
    """Content of the dashboard as far as it is ours; `keys` gives the key of each question of ours by its id."""
    ours = our_dashcards(live, keys)
    tabs = {tab["id"]: tab["name"] for tab in live.get("tabs") or []}
    used = {card.get("dashboard_tab_id") for card in ours.values()}
    return named(live) | {
        "width": live.get("width"),
        "collection": live.get("collection_id"),
        "filters": [_filter(entry) for entry in live.get("parameters") or [] if entry["id"] in FILTERS],
        "tabs": [name for number, name in tabs.items() if number in used],
        "cards": {key: _placed(card, tabs) for key, card in ours.items()},
    }


def our_dashcards(live: Mapping[str, Any], keys: Mapping[int, str]) -> dict[str, dict[str, Any]]:
    """Our cards on the dashboard by key; of a question that a person put there once more, the first one is ours."""
    found: dict[str, dict[str, Any]] = {}
    for card in sorted(live.get("dashcards") or [], key=lambda card: card["id"]):
        if card.get("card_id") in keys:
            found.setdefault(keys[card["card_id"]], card)
    return dict(sorted(found.items()))


def _filter(entry: Mapping[str, Any]) -> list[Any]:
    return [entry.get(name) for name in ("id", "name", "slug", "type", "default")]


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


def compare(what: str, wants: dict[str, Any], has: dict[str, Any]) -> None:
    """Raise MetabaseError, naming the parts, when Metabase holds something else than it was sent and accepted."""
    if parts := [name for name, value in wants.items() if has.get(name) != value]:
        raise MetabaseError(f"Metabase accepted the {what} but did not keep its {', '.join(parts)} as sent")
