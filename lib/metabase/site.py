"""State of one run against a Metabase, and the decision what to do with each object."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from lib.errors import MetabaseError
from lib.metabase.client import Client
from lib.metabase.marker import UNFINISHED, Marker, digest, parted
from lib.metabase.spec import Spec
from lib.settings import output_folder
from lib.util.files import plain_json, replacing

__all__ = ["ARCHIVE", "CREATE", "EDITED", "KEEP", "UPDATE", "Change", "Site", "decide"]

CREATE, UPDATE, KEEP, ARCHIVE, EDITED = "create", "update", "keep", "archive", "edited by hand"
Live = dict[str, Any]  # an object as Metabase answers it


@dataclass(frozen=True)
class Change:
    """The action planned for one object: `kind` and `key` identify it, `live` is its current state."""

    kind: str
    key: str
    action: str
    live: Live | None = None
    link: str = ""
    note: str = ""
    rows: int | None = None
    milliseconds: int | None = None

    @property
    def existing(self) -> Live:
        """The object to update or archive."""
        if self.live is None:
            raise ValueError(f"{self.kind} {self.key} does not exist yet")
        return self.live

    def at(self, link: str) -> "Change":
        """The same with the place where it can be looked at."""
        return replace(self, link=link)


@dataclass
class Site:
    """One Metabase during one run: ids as far as they are known, and what was overwritten."""

    client: Client
    spec: Spec
    params: Mapping[str, Any]
    force: bool = False
    rotate: bool = False
    notes: list[str] = field(default_factory=list)
    database: int | None = None
    collection: int | None = None
    cards: dict[str, int] = field(default_factory=dict)
    edited: set[str] = field(default_factory=set)  # questions that a person edited and that are left
    trashed: set[str] = field(default_factory=set)  # those of them that were put into the trash
    ours: dict[tuple[str, str], Live] = field(default_factory=dict)
    rows: dict[tuple[str, str], int] = field(default_factory=dict)  # of the database's own answers
    saved: list[Live] = field(default_factory=list)
    started: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")

    def save(self, live: Live) -> None:
        """Keep what is about to be overwritten in output/metabase/backup-<start of the run>.json."""
        self.saved.append(live)
        with replacing(output_folder() / "metabase" / f"backup-{self.started}.json") as temporary:
            temporary.write_text(plain_json(self.saved), encoding="utf-8")

    def save_unchanged(self, path: str, live: Live) -> None:
        """Keep it, as `save` does; raises MetabaseError if it was changed since it was read."""
        if self.client.get(path).get("updated_at") != live.get("updated_at"):
            raise MetabaseError(f"“{live['name']}” was changed by someone else during this run and is kept; run again")
        self.save(live)


def decide(live: Live | None, has: dict[str, Any] | None, wants: dict[str, Any], *, force: bool) -> str:
    """The action that brings `live`, with content `has` in normal form, to the content `wants`.

    Content that differs from the digest in the marker was edited by a person: it is kept, unless forced.
    """
    if live is None or has is None:
        return CREATE
    marker = parted(live["description"])[1] or Marker("", "")
    archived = bool(live.get("archived"))
    if has == wants and not archived and marker.sha != UNFINISHED:
        return KEEP
    if force or (marker.sha in (UNFINISHED, digest(has)) and archived == marker.archived):
        return UPDATE
    return EDITED
