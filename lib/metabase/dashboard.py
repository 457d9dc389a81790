"""The dashboard: planned, laid out around the cards that people added, written in one request and verified."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lib.errors import MetabaseError
from lib.metabase import content
from lib.metabase.content import CREATE, EDITED, UNFINISHED, UPDATE, Live, digest, marked
from lib.metabase.questions import bound_names, checked_rows, plain, values
from lib.metabase.site import Change, Site
from lib.metabase.spec import FILTERS, Card

__all__ = ["check_dashboard", "plan_dashboard", "write_dashboard"]

# What a card on a dashboard is to Metabase; all else that it answers is dropped when it is sent back.
DASHCARD = (
    "id", "card_id", "dashboard_tab_id", "row", "col", "size_x", "size_y", "parameter_mappings",
    "visualization_settings",
)  # fmt: skip
ONLY_IF_THERE = ("action_id", "inline_parameters")


def plan_dashboard(site: Site) -> Change:
    """What to do with the dashboard; a question that does not exist yet has a negative id in its plan."""
    key = site.spec.dashboard.key
    live = site.ours.get(("dashboard", key), {})
    has = content.dashboard(live, site.keys) if live else {}
    return site.compared("dashboard", key, live, has, _wants(site, _body(site, live)))


def _wants(site: Site, body: dict[str, Any]) -> dict[str, Any]:
    """The expected content in normal form, independent of the ids of new parts."""
    return content.dashboard(body, {number: card.question for card, number in _placed_cards(site)})


def _placed_cards(site: Site) -> Iterator[tuple[Card, int]]:
    """The cards of the spec with the ids of their questions, without those that a person put into the trash."""
    cards = site.cards
    trashed = {change.key for change in site.questions if change.trashed}
    placed = [card for tab in site.spec.dashboard.tabs for card in tab.cards if card.question not in trashed]
    return ((card, cards.get(card.question, -1 - place)) for place, card in enumerate(placed))


def write_dashboard(site: Site, change: Change) -> Change:
    """Create or update the dashboard as planned, and verify the content that Metabase has stored.

    A new one is marked as unfinished until all of it is there, so that the next run completes it.
    """
    if change.action not in (CREATE, UPDATE):
        return change
    live = change.live or _created(site)
    path = f"/api/dashboard/{live['id']}"
    change = site.change("dashboard", change.key, change.action, live)
    if change.action == UPDATE:
        site.save_unchanged(path, live)
        if live.get("archived"):  # nothing else may be in the body that takes it out of the trash
            site.client.put(path, {"archived": False})
    body = _body(site, live)
    wants = _wants(site, body)
    try:
        site.client.put(path, body | {"description": marked(body["description"], change.key, digest(wants))})
        content.compare("dashboard", wants, content.dashboard(site.client.get(path), site.keys))
    except MetabaseError as error:
        raise _unfinished(site, change, error) from error
    return change


def _created(site: Site) -> Live:
    dashboard = site.spec.dashboard
    body = {
        "name": dashboard.name,
        "description": marked(dashboard.description, dashboard.key, UNFINISHED),
        "collection_id": site.collection,
    }
    return site.client.post("/api/dashboard", body)


def _unfinished(site: Site, change: Change, error: MetabaseError) -> MetabaseError:
    """The error, with the note that the dashboard is incomplete; it is marked so that the next run completes it."""
    text = f"{error}. The dashboard {change.link} is incomplete. Run again"
    description = marked(site.spec.dashboard.description, change.key, UNFINISHED)
    try:
        site.client.put(f"/api/dashboard/{change.number}", {"description": description})
    except MetabaseError:
        return MetabaseError(f"{text}, with --force if the dashboard is reported as edited by hand", error.status)
    return MetabaseError(text, error.status)


def _body(site: Site, live: Live) -> dict[str, Any]:
    """The request body of the dashboard, without its marker: our parts by the spec, those of people unchanged."""
    ours = content.our_dashcards(live, site.keys)
    theirs = [card for card in live.get("dashcards") or [] if card["id"] not in {own["id"] for own in ours.values()}]
    tabs = _tabs(site, live, ours, theirs)
    filters = [entry for entry in live.get("parameters") or [] if entry["id"] not in FILTERS]
    return {
        "name": site.spec.dashboard.name,
        "description": site.spec.dashboard.description,
        "collection_id": site.collection,
        "width": "full",
        "parameters": [*_filters(site), *filters],
        "tabs": tabs,
        "dashcards": [*_placed(site, ours, tabs), *(_sent_back(card, tabs) for card in theirs)],
    }


def _tabs(site: Site, live: Live, ours: dict[str, Live], theirs: list[Live]) -> list[dict[str, Any]]:
    """Our tabs, then those of people: each with a card of theirs, or without any card."""
    there = [{"id": tab["id"], "name": tab["name"]} for tab in live.get("tabs") or []]
    wanted = [
        next((tab for tab in there if tab["name"] == part.name), {"id": -1 - place, "name": part.name})
        for place, part in enumerate(site.spec.dashboard.tabs)
    ]
    emptied = {card["dashboard_tab_id"] for card in ours.values()} - {card["dashboard_tab_id"] for card in theirs}
    return wanted + [tab for tab in there if tab not in wanted and tab["id"] not in emptied]


def _filters(site: Site) -> list[dict[str, Any]]:
    """A date for each bound value that a dashboard filters by, with the reports' value as its default."""
    bound: dict[str, Any] = {}
    for question in site.spec.questions:
        bound |= values(question, site.params)
    fixed = {"type": "date/single", "sectionId": "date"}
    return [
        {"id": name, "name": label, "slug": name, "default": plain(bound[name]), **fixed}
        for name, label in FILTERS.items()
        if name in bound
    ]


def _placed(site: Site, ours: dict[str, Live], tabs: list[Live]) -> Iterator[dict[str, Any]]:
    """Our cards at their places: existing ones keep their id, new ones have negative ids."""
    parts = zip(tabs, site.spec.dashboard.tabs, strict=False)  # people's tabs come after ours
    homes = {card.question: tab["id"] for tab, part in parts for card in part.cards}
    for place, (card, number) in enumerate(_placed_cards(site)):
        names = [name for name in bound_names(site.spec.question(card.question).sql) if name in FILTERS]
        yield {
            "id": ours[card.question]["id"] if card.question in ours else -1 - place,
            "card_id": number,
            "dashboard_tab_id": homes[card.question],
            **dict(zip(("col", "row", "size_x", "size_y"), (*card.at, *card.size), strict=True)),
            "series": [],
            "visualization_settings": {},
            "parameter_mappings": [
                {"parameter_id": name, "card_id": number, "target": ["variable", ["template-tag", name]]}
                for name in names
            ],
        }


def _sent_back(card: Live, tabs: list[dict[str, Any]]) -> dict[str, Any]:
    """A person's card as it is; on a dashboard with tabs it must stand on one."""
    kept = {name: card.get(name) for name in DASHCARD} | {n: card[n] for n in ONLY_IF_THERE if card.get(n)}
    home = kept["dashboard_tab_id"] if kept["dashboard_tab_id"] is not None else tabs[0]["id"]
    return kept | {"dashboard_tab_id": home, "series": [{"id": one["id"]} for one in card.get("series") or []]}


def check_dashboard(site: Site, change: Change, rows: Mapping[str, int]) -> Change:
    """The change with the sum of rows and milliseconds of our cards, asked as the dashboard's filters ask.

    The answer of a dashboard or question that a person edited is not checked.
    """
    if change.action == EDITED:
        return change
    live = site.client.get(f"/api/dashboard/{change.number}")
    given = [{"id": entry["id"], "value": entry.get("default")} for entry in live["parameters"]]
    edited = {question.key for question in site.questions if question.action == EDITED}
    keys = {number: key for number, key in site.keys.items() if key not in edited}
    found = milliseconds = 0
    for key, card in content.our_dashcards(live, keys).items():
        path = f"/api/dashboard/{live['id']}/dashcard/{card['id']}/card/{card['card_id']}/query"
        wired = {entry["parameter_id"] for entry in card.get("parameter_mappings") or []}
        answer = site.client.post(path, {"parameters": [entry for entry in given if entry["id"] in wired]})
        found += checked_rows(site, key, answer, f"the card {key} of the dashboard", rows)
        milliseconds += answer.get("running_time") or 0
    return replace(change, rows=found, milliseconds=milliseconds)
