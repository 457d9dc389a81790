"""One Metabase during one run: the ids known so far, the workbook's collection and its objects."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lib.errors import MetabaseError
from lib.metabase import content
from lib.metabase.client import Client
from lib.metabase.content import ARCHIVE, CREATE, EDITED, UNFINISHED, UPDATE, Live, digest, marked, parted
from lib.metabase.spec import Spec
from lib.settings import output_folder
from lib.util.files import plain_json, replacing

__all__ = ["Change", "Site", "find_ours", "plan_archive", "plan_collection", "write_archive", "write_collection"]

PAGES = {"database": "admin/databases"}  # of an object by its kind, where it is not the kind itself
PATHS = {"card": "/api/card", "dashboard": "/api/dashboard"}
KEY = "collection"
Ours = dict[tuple[str, str], Live]  # objects of the workbook by model and key


@dataclass(frozen=True)
class Change:
    """The action planned for one object: `kind` and `key` identify it, `live` is its current state, empty if none."""

    kind: str
    key: str
    action: str
    live: Live = field(default_factory=dict)
    link: str = ""
    note: str = ""
    rows: int | None = None
    milliseconds: int | None = None

    @property
    def number(self) -> int | None:
        """Id of the object in Metabase; None until it is created."""
        return self.live.get("id")

    @property
    def trashed(self) -> bool:
        """Whether a person put it into the trash, where it stays."""
        return self.action == EDITED and bool(self.live.get("archived"))


@dataclass(frozen=True)
class Site:
    """One Metabase and the spec to publish. Each step of a run takes a Site and returns one with what it learnt.

    Attributes:
        force: Overwrite what people edited.
        rotate: Send the database's password again.
        notes: On the version of Metabase.
        database: Id of the shop's database; None until it is registered.
        collection: Id of the workbook's collection; None until it is created.
        ours: Objects of the workbook that were found, by model and key.
        questions: Changes of the questions, planned or completed.
        started: Start of the run, in the name of the file of its backup.
    """

    client: Client
    spec: Spec
    params: Mapping[str, Any]
    force: bool = False
    rotate: bool = False
    notes: tuple[str, ...] = ()
    database: int | None = None
    collection: int | None = None
    ours: Mapping[tuple[str, str], Live] = field(default_factory=dict)
    questions: tuple[Change, ...] = ()
    started: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")

    @property
    def cards(self) -> dict[str, int]:
        """Ids of the workbook's questions by key, those that left metabase.yml too."""
        found = {key: live["id"] for (model, key), live in self.ours.items() if model == "card"}
        return found | {change.key: change.live["id"] for change in self.questions if change.live}

    @property
    def keys(self) -> dict[int, str]:
        """Keys of the workbook's questions by id."""
        return {number: key for key, number in self.cards.items()}

    def change(self, kind: str, key: str, action: str, live: Live, note: str = "") -> Change:
        """A change with the page of its object."""
        page = f"{self.client.url}/{PAGES.get(kind, kind)}/{live['id']}" if live else ""
        return Change(kind, key, action, live, page, note)

    def compared(self, kind: str, key: str, live: Live, has: dict[str, Any], wants: dict[str, Any]) -> Change:
        """The change that brings an object with content `has` to the content `wants`."""
        action = content.decide(live, has, wants, force=self.force)
        note = "in the trash" if action == EDITED and live.get("archived") else ""
        return self.change(kind, key, action, live, note)

    def write(self, change: Change, path: str, body: dict[str, Any]) -> Change:
        """Create the object of a change, or save and overwrite it."""
        if change.action == CREATE:
            return self.change(change.kind, change.key, CREATE, self.client.post(path, body))
        self.save_unchanged(f"{path}/{change.number}", change.live)
        self.client.put(f"{path}/{change.number}", body | {"archived": False})
        return change

    def save(self, live: Live) -> None:
        """Add an object that is about to be overwritten to output/metabase/backup-<start of the run>.json."""
        path = output_folder() / "metabase" / f"backup-{self.started}.json"
        saved = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        with replacing(path) as temporary:
            temporary.write_text(plain_json([*saved, live]), encoding="utf-8")

    def save_unchanged(self, path: str, live: Live) -> None:
        """Save the object; raises MetabaseError if it was changed since it was read."""
        if self.client.get(path).get("updated_at") != live.get("updated_at"):
            raise MetabaseError(
                f"“{live['name']}” was changed by someone else during this run and is unchanged. Run again"
            )
        self.save(live)


def plan_collection(site: Site) -> Change:
    """What to do with the collection, which is found by its marker; raises MetabaseError if a person trashed it."""
    live = _marked(site.client.get("/api/collection")) or _marked(site.client.get("/api/collection", archived=True))
    wants = site.spec.collection.model_dump()
    if not live:
        return site.change("collection", KEY, CREATE, {})
    if live.get("archived") and not site.force:
        raise MetabaseError(
            f"the collection “{live['name']}” is in Metabase's trash. Restore it there, or run again with --force"
        )
    action = content.decide(live, content.named(live), wants, force=site.force)
    note = f"called “{live['name']}” now" if action == EDITED and live["name"] != wants["name"] else ""
    return site.change("collection", KEY, action, live, note)


def _marked(collections: list[Live]) -> Live:
    found = [entry for entry in collections if _key(entry) == KEY]
    return min(found, key=lambda entry: entry["id"], default={})


def _key(live: Live) -> str:
    marker = parted(live.get("description"))[1]
    return marker.key if marker else ""


def write_collection(site: Site, change: Change) -> Change:
    """Create or update the collection as planned, and verify the content that Metabase has stored."""
    if change.action not in (CREATE, UPDATE):
        return change
    wants = site.spec.collection.model_dump()
    description = marked(wants["description"], KEY, digest(wants))
    change = site.write(change, "/api/collection", wants | {"description": description})
    content.compare("collection", wants, content.named(site.client.get(f"/api/collection/{change.number}")))
    return change


def find_ours(site: Site) -> Ours:
    """The objects of the workbook in its collection, on its dashboard and in the trash; MetabaseError for duplicates.

    Those that a person moved to another collection count as long as they are on the dashboard; of the trash, those that
    metabase.yml names and that are not found elsewhere.
    """
    if site.collection is None:
        return {}
    entries = list(site.client.items(f"/api/collection/{site.collection}/items", models=["card", "dashboard"]))
    ours = _by_key(site.client, entries)
    _refuse_two(site, entries, ours)
    board = ours.get(("dashboard", site.spec.dashboard.key), {})
    shown = [placed["card"] for placed in board.get("dashcards") or [] if placed.get("card")]
    moved = [{"model": "card", "id": card["id"]} for card in shown if _key(card) and ("card", _key(card)) not in ours]
    ours = _by_key(site.client, moved) | ours
    wanted = {("card", question.key): question.name for question in site.spec.questions}
    wanted[("dashboard", site.spec.dashboard.key)] = site.spec.dashboard.name
    missing = {(model, name) for (model, key), name in wanted.items() if (model, key) not in ours}
    trash = site.client.items("/api/collection/trash/items", models=["card", "dashboard"]) if missing else ()
    return _by_key(site.client, [entry for entry in trash if (entry["model"], entry["name"]) in missing]) | ours


def _by_key(client: Client, entries: Iterable[Live]) -> Ours:
    """Objects with a marker by model and key; a copy has the same marker, so the oldest one counts."""
    found: Ours = {}
    for entry in sorted(entries, key=lambda entry: entry["id"]):
        query = {"legacy-mbql": True} if entry["model"] == "card" else {}
        live = client.get(f"{PATHS[entry['model']]}/{entry['id']}", **query)
        if key := _key(live):
            found.setdefault((entry["model"], key), live)
    return found


def _refuse_two(site: Site, entries: list[Live], ours: Ours) -> None:
    name = site.spec.dashboard.name
    same = [entry for entry in entries if (entry["model"], entry["name"]) == ("dashboard", name)]
    pages = [f"{site.client.url}/dashboard/{entry['id']}" for entry in same]
    if len(same) > 1 or (same and ("dashboard", site.spec.dashboard.key) not in ours):
        found = f"two dashboards “{name}”" if len(same) > 1 else f"a dashboard “{name}” that is not the workbook's"
        raise MetabaseError(f"the collection contains {found} ({', '.join(pages)}). Rename or archive the wrong one")


def plan_archive(site: Site) -> list[Change]:
    """Archive objects of the workbook that are no longer in metabase.yml; questions that were edited by hand stay."""
    named = {("card", question.key) for question in site.spec.questions} | {("dashboard", site.spec.dashboard.key)}
    return [_plan_archive(site, model, key) for model, key in sorted(set(site.ours) - named)]


def _plan_archive(site: Site, model: str, key: str) -> Change:
    live, kind = site.ours[model, key], "question" if model == "card" else model
    # A dashboard is archived without looking for edits: its questions may be deleted already.
    marker = parted(live["description"])[1]
    untouched = model != "card" or (marker and marker.sha in (UNFINISHED, digest(content.question(live))))
    if untouched or site.force:
        return site.change(kind, key, ARCHIVE, live)
    return site.change(kind, key, EDITED, live, "no longer in metabase.yml")


def write_archive(site: Site, change: Change) -> Change:
    """Put an object into Metabase's trash, with a marker that the workbook did so; people can restore it there."""
    if change.action != ARCHIVE:
        return change
    text, marker = parted(change.live["description"])
    if marker:
        text = marked(text, marker.key, marker.sha, archived=True)
    path = f"{PATHS['card' if change.kind == 'question' else change.kind]}/{change.number}"
    site.save(change.live)
    site.client.put(path, {"archived": True, "description": text})
    content.compare(f"{change.kind} {change.key}", {"archived": True}, site.client.get(path))
    return change
