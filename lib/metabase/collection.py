"""The workbook's collection: found by its marker even if renamed, and the objects of the workbook in it."""

from typing import Any

from lib.errors import MetabaseError
from lib.metabase import normal
from lib.metabase.client import Client
from lib.metabase.marker import Marker, digest, marked, parted
from lib.metabase.site import CREATE, EDITED, UPDATE, Change, Live, Site, decide

__all__ = ["find_ours", "plan_collection", "write_collection"]

KEY = "collection"
PATHS = {"card": "/api/card", "dashboard": "/api/dashboard"}


def plan_collection(site: Site) -> Change:
    """What to do with the collection; raises MetabaseError for one that a person put into the trash."""
    live = _marked(site.client.get("/api/collection")) or _marked(site.client.get("/api/collection", archived=True))
    wants = site.spec.collection.model_dump()
    if live is None:
        return Change("collection", KEY, CREATE)
    if live.get("archived") and not site.force:
        raise MetabaseError(
            f"the collection “{live['name']}” is in Metabase's trash; restore it there, or use --force, and run again"
        )
    site.collection = live["id"]
    action = decide(live, normal.named(live), wants, force=site.force)
    note = f"called “{live['name']}” now" if action == EDITED and live["name"] != wants["name"] else ""
    return Change("collection", KEY, action, live, f"{site.client.url}/collection/{live['id']}", note)


def _marked(collections: list[Live]) -> Live | None:
    found = [entry for entry in collections if _key(entry) == KEY]
    return min(found, key=lambda entry: entry["id"], default=None)


def _key(live: Live) -> str:
    marker = parted(live.get("description"))[1]
    return marker.key if marker else ""


def write_collection(site: Site, change: Change) -> Change:
    """Create or update the collection as planned, and check that Metabase then has what was written."""
    wants = site.spec.collection.model_dump()
    body = wants | {"description": marked(wants["description"], Marker(KEY, digest(wants)))}
    if change.action == CREATE:
        site.collection = site.client.post("/api/collection", body)["id"]
    elif change.action == UPDATE:
        site.save(change.existing)
        site.client.put(f"/api/collection/{site.collection}", body | {"archived": False})
    if change.action in (CREATE, UPDATE):
        normal.compare("collection", wants, normal.named(site.client.get(f"/api/collection/{site.collection}")))
    return change.at(f"{site.client.url}/collection/{site.collection}")


def find_ours(site: Site) -> None:
    """Read into `site` what of ours the collection, and the trash, hold; raises MetabaseError for two dashboards."""
    if site.collection is None:
        return
    entries = list(site.client.items(f"/api/collection/{site.collection}/items", models=["card", "dashboard"]))
    site.ours = _by_key(site.client, entries)
    _refuse_two(site, [entry for entry in entries if entry["model"] == "dashboard"])
    _find_moved(site)
    _find_trashed(site)
    site.cards = {key: live["id"] for (model, key), live in site.ours.items() if model == "card"}


def _refuse_two(site: Site, dashboards: list[Live]) -> None:
    name, ours = site.spec.dashboard.name, ("dashboard", site.spec.dashboard.key) in site.ours
    same = [f"{site.client.url}/dashboard/{entry['id']}" for entry in dashboards if entry["name"] == name]
    if len(same) > 1 or (same and not ours):
        found = f"two dashboards “{name}”" if len(same) > 1 else f"a dashboard “{name}” that is not the workbook's"
        raise MetabaseError(f"the collection holds {found} ({', '.join(same)}); rename or archive the wrong one")


def _find_moved(site: Site) -> None:
    """Add questions that a person moved to another collection, as long as they are on our dashboard."""
    board = site.ours.get(("dashboard", site.spec.dashboard.key), {})
    shown = [placed["card"] for placed in board.get("dashcards") or [] if placed.get("card")]
    moved = [
        {"model": "card", "id": card["id"]} for card in shown if _key(card) and ("card", _key(card)) not in site.ours
    ]
    site.ours = _by_key(site.client, moved) | site.ours


def _by_key(client: Client, entries: list[Live]) -> dict[tuple[str, str], Live]:
    """Objects with a marker by model and key; a copy has the same marker, so the oldest one counts."""
    found: dict[tuple[str, str], Live] = {}
    for entry in sorted(entries, key=lambda entry: entry["id"]):
        live = client.get(f"{PATHS[entry['model']]}/{entry['id']}", **_query(entry["model"]))
        if key := _key(live):
            found.setdefault((entry["model"], key), live)
    return found


def _query(model: str) -> dict[str, Any]:
    return {"legacy-mbql": True} if model == "card" else {}


def _find_trashed(site: Site) -> None:
    """Add what of the spec is missing and lies in the trash, put there by a person or by an earlier spec."""
    wanted = {("card", question.key): question.name for question in site.spec.questions}
    wanted[("dashboard", site.spec.dashboard.key)] = site.spec.dashboard.name
    missing = {(at[0], name) for at, name in wanted.items() if at not in site.ours}
    if missing:
        trash = site.client.items("/api/collection/trash/items", models=["card", "dashboard"])
        entries = [entry for entry in trash if (entry["model"], entry["name"]) in missing]
        site.ours = _by_key(site.client, entries) | site.ours
