"""The dashboard: planned, laid out around what people put on it, written in one piece and read back."""

from collections.abc import Iterator
from typing import Any

from lib.errors import MetabaseError
from lib.metabase import native, normal
from lib.metabase.marker import UNFINISHED, Marker, digest, marked
from lib.metabase.site import CREATE, EDITED, UPDATE, Change, Live, Site, decide
from lib.metabase.spec import Card

__all__ = ["plan_dashboard", "write_dashboard"]

# What a card on a dashboard is to Metabase; all else that it answers is dropped when it is sent back.
DASHCARD = (
    "id", "card_id", "dashboard_tab_id", "row", "col", "size_x", "size_y", "parameter_mappings",
    "visualization_settings",
)  # fmt: skip
ONLY_IF_THERE = ("action_id", "inline_parameters")
NO_ID = 0  # of a question that is not made yet: what is planned is not written


def plan_dashboard(site: Site) -> Change:
    """What to do with the dashboard, as far as its questions are known."""
    key = site.spec.dashboard.key
    live = site.ours.get(("dashboard", key))
    keys = {number: question for question, number in site.cards.items()}
    has = normal.dashboard(live, keys) if live else None
    action = decide(live, has, _wants(site, live), force=site.force)
    note = "in the trash" if action == EDITED and live and live.get("archived") else ""
    return Change("dashboard", key, action, live, _link(site, live["id"]) if live else "", note)


def _wants(site: Site, live: Live | None) -> dict[str, Any]:
    """The expected content in normal form, independent of the ids of new parts."""
    cards = {card.question: site.cards.get(card.question, NO_ID - place) for place, card in enumerate(_cards(site))}
    keys = {number: question for question, number in cards.items()}
    return normal.dashboard(_body(site, live, cards), keys)


def _cards(site: Site) -> Iterator[Card]:
    """The cards of the spec, without those whose questions a person put into the trash."""
    for tab in site.spec.dashboard.tabs:
        yield from (card for card in tab.cards if card.question not in site.trashed)


def write_dashboard(site: Site, change: Change) -> Change:
    """Create or update the dashboard as planned, and check that Metabase then has what was written.

    A new one is marked as unfinished until all of it is there, so that the next run knows to go on.
    """
    if change.action not in (CREATE, UPDATE):
        return change
    live = change.live or _created(site)
    path = f"/api/dashboard/{live['id']}"
    if change.action == UPDATE:
        site.save_unchanged(path, live)
        if live.get("archived"):  # nothing else may be in the body that takes it out of the trash
            site.client.put(path, {"archived": False})
    wants = _wants(site, live)
    body = _body(site, live, site.cards)
    body["description"] = marked(body["description"], Marker(change.key, digest(wants)))
    try:
        site.client.put(path, body)
        keys = {number: key for key, number in site.cards.items()}
        normal.compare("dashboard", wants, normal.dashboard(site.client.get(path), keys))
    except MetabaseError as error:
        raise _unfinished(site, live, error) from error
    return change.at(_link(site, live["id"]))


def _created(site: Site) -> Live:
    dashboard = site.spec.dashboard
    body = {
        "name": dashboard.name,
        "description": marked(dashboard.description, Marker(dashboard.key, UNFINISHED)),
        "collection_id": site.collection,
    }
    return site.client.post("/api/dashboard", body)


def _unfinished(site: Site, live: Live, error: MetabaseError) -> MetabaseError:
    """The error, with the note that the dashboard is incomplete; it is marked so that the next run completes it."""
    text = f"{error}. The dashboard {_link(site, live['id'])} is unfinished; run again"
    description = marked(site.spec.dashboard.description, Marker(site.spec.dashboard.key, UNFINISHED))
    try:
        site.client.put(f"/api/dashboard/{live['id']}", {"description": description})
    except MetabaseError:
        return MetabaseError(f"{text}, with --force if it is then called edited by hand", error.status)
    return MetabaseError(text, error.status)


def _body(site: Site, live: Live | None, cards: dict[str, int]) -> dict[str, Any]:
    """The whole dashboard as Metabase takes it, but for its marker: ours by the spec, people's as it is."""
    live = live or {}
    ours = normal.our_dashcards(live, {number: key for key, number in site.cards.items()})
    theirs = [card for card in live.get("dashcards") or [] if card["id"] not in {own["id"] for own in ours.values()}]
    tabs = _tabs(site, live, ours, theirs)
    filters = [entry for entry in live.get("parameters") or [] if entry["id"] not in native.FILTERS]
    return {
        "name": site.spec.dashboard.name,
        "description": site.spec.dashboard.description,
        "collection_id": site.collection,
        "width": "full",
        "parameters": [*_filters(site), *filters],
        "tabs": tabs,
        "dashcards": [*_placed(site, ours, tabs, cards), *(_sent_back(card, tabs) for card in theirs)],
    }


def _tabs(site: Site, live: Live, ours: dict[str, Live], theirs: list[Live]) -> list[dict[str, Any]]:
    """Our tabs, then those of people: what holds a card of theirs, or nothing at all."""
    there = [{"id": tab["id"], "name": tab["name"]} for tab in live.get("tabs") or []]
    wanted = [
        next((tab for tab in there if tab["name"] == part.name), {"id": -1 - place, "name": part.name})
        for place, part in enumerate(site.spec.dashboard.tabs)
    ]
    emptied = {card["dashboard_tab_id"] for card in ours.values()} - {card["dashboard_tab_id"] for card in theirs}
    return wanted + [tab for tab in there if tab not in wanted and tab["id"] not in emptied]


def _filters(site: Site) -> list[dict[str, Any]]:
    """A date for each bound value that a dashboard filters by, set to what the reports are made with."""
    bound: dict[str, Any] = {}
    for question in site.spec.questions:
        bound |= native.values(question.sql, question.values, site.params)
    return [
        {
            "id": name,
            "name": label,
            "slug": name,
            "type": "date/single",
            "sectionId": "date",
            "default": native.plain(bound[name]),
        }
        for name, label in native.FILTERS.items()
        if name in bound
    ]


def _placed(site: Site, ours: dict[str, Live], tabs: list[Live], cards: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Our cards at their places: those that are there keep their id, new ones have negative ones."""
    homes = {
        card.question: tab["id"]
        for tab, part in zip(tabs, site.spec.dashboard.tabs, strict=False)
        for card in part.cards
    }
    for place, card in enumerate(_cards(site)):
        key = card.question
        yield {
            "id": ours[key]["id"] if key in ours else -1 - place,
            "card_id": cards[key],
            "dashboard_tab_id": homes[key],
            "col": card.at[0],
            "row": card.at[1],
            "size_x": card.size[0],
            "size_y": card.size[1],
            "series": [],
            "visualization_settings": {},
            "parameter_mappings": [
                {"parameter_id": name, "card_id": cards[key], "target": ["variable", ["template-tag", name]]}
                for name in native.names(site.spec.question(key).sql)
                if name in native.FILTERS
            ],
        }


def _sent_back(card: Live, tabs: list[dict[str, Any]]) -> dict[str, Any]:
    """A person's card as it is; on a dashboard with tabs it must stand on one."""
    kept = {name: card.get(name) for name in DASHCARD} | {n: card[n] for n in ONLY_IF_THERE if card.get(n)}
    home = kept["dashboard_tab_id"] if kept["dashboard_tab_id"] is not None else tabs[0]["id"]
    return kept | {"dashboard_tab_id": home, "series": [{"id": one["id"]} for one in card.get("series") or []]}


def _link(site: Site, number: int) -> str:
    return f"{site.client.url}/dashboard/{number}"
