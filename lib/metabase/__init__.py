"""Publish the questions and the dashboard to Metabase: plan the changes, then write and verify them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from lib import db, settings
from lib.db import locks
from lib.metabase import spec
from lib.metabase.content import ARCHIVE, CREATE, EDITED, KEEP, UPDATE
from lib.metabase.dashboard import check_dashboard, plan_dashboard, write_dashboard
from lib.metabase.questions import check_question, count_rows, plan_questions, try_questions, write_question
from lib.metabase.session import opened
from lib.metabase.site import (
    Change,
    Site,
    find_ours,
    plan_archive,
    plan_collection,
    write_archive,
    write_collection,
)  # fmt: skip
from lib.metabase.warehouse import plan_database, plan_dictionary, synchronize, write_database, write_table

__all__ = ["KEEP", "SKIPPED", "Outcome", "apply", "plan", "publish"]

SKIPPED = "Skipped: METABASE_URL is not set, so there is no Metabase to publish to."
CHANGING = (CREATE, UPDATE, ARCHIVE)
DONE = {CREATE: "created", UPDATE: "updated", ARCHIVE: "archived", KEEP: "kept", EDITED: "left"}
KINDS = ["dashboard", "question", "collection", "database", "table"]
COLUMNS = ["kind", "key", "action", "rows", "milliseconds", "link", "note"]


@dataclass(frozen=True)
class Outcome:
    """Planned or completed changes, one per object, and notes."""

    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    applied: bool = False
    skipped: bool = False

    @property
    def count(self) -> dict[str, int]:
        """Number of objects by action; actions without objects are left out."""
        actions = [change.action for change in self.changes]
        return {name: actions.count(name) for name in (*CHANGING, KEEP, EDITED) if name in actions}

    @property
    def to_do(self) -> int:
        """Number of objects to create, update or archive."""
        return sum(self.count.get(action, 0) for action in CHANGING)

    @property
    def edited(self) -> int:
        """Number of objects that are unchanged because a person edited them."""
        return self.count.get(EDITED, 0)

    @property
    def sentence(self) -> str:
        """Outcome as a sentence."""
        if self.skipped:
            return SKIPPED
        words = DONE if self.applied else {EDITED: "leave"}
        counted = ", ".join(f"{words.get(action, action)} {number}" for action, number in self.count.items())
        left = " edited by hand (“make metabase ARGS=--force” overwrites them)" if self.edited else ""
        done = "Done" if self.applied else "To do" if self.to_do else "Nothing to do"
        return " ".join([f"{done}: {counted}{left}.", *self.notes])

    @property
    def link(self) -> str:
        """Address of the dashboard; empty until it is created."""
        return next((change.link for change in self.changes if change.kind == "dashboard"), "")

    @property
    def table(self) -> pd.DataFrame:
        """One row per object, the dashboard first: kind, key, action, rows, milliseconds, link, note."""
        words = {name: DONE[name] for name in (*CHANGING, KEEP)} if self.applied else {}
        changes = sorted(self.changes, key=lambda change: KINDS.index(change.kind))
        rows = [[getattr(change, name) for name in COLUMNS] for change in changes]
        table = pd.DataFrame(rows, columns=COLUMNS).astype({"rows": "Int64", "milliseconds": "Int64"})
        return table.assign(action=table["action"].replace(words))


def plan(params: Mapping[str, Any], *, force: bool = False) -> Outcome:
    """Changes that `apply` would make; reads only. Skipped without METABASE_URL. Raises MetabaseError like `apply`."""
    if not settings.get("METABASE_URL"):
        return Outcome(skipped=True)
    with _opened(params, set_up=False, force=force) as site:
        return _planned(site)


def apply(params: Mapping[str, Any], *, force: bool = False, rotate: bool = False) -> Outcome:
    """Bring Metabase to the content of metabase.yml, and check every question.

    Changes by a person are kept, unless forced. `rotate` sends the database's password again. Raises MetabaseError
    if Metabase cannot be reached, refuses a request, or stores something else than it was sent, and DatabaseError for
    an error of PostgreSQL.
    """
    if not settings.get("METABASE_URL"):
        return Outcome(skipped=True)
    with _opened(params, set_up=True, force=force, rotate=rotate) as site:
        return _written(site)


def publish(params: Mapping[str, Any]) -> tuple[Outcome, Outcome]:
    """Plan and apply with one login; returns the planned and the completed changes.

    Example:
        >>> params = {"as_of": "2025-07-01", "currency": "USD", "period": "last_month", "churn_days": 90}
        >>> plan, done = metabase.publish(params)
        >>> done.sentence
        'Skipped: METABASE_URL is not set, so there is no Metabase to publish to.'
    """
    if not settings.get("METABASE_URL"):
        return Outcome(skipped=True), Outcome(skipped=True)
    with _opened(params, set_up=True) as site:
        return _planned(site), _written(site)


@contextmanager
def _opened(params: Mapping[str, Any], *, set_up: bool, force: bool = False, rotate: bool = False) -> Iterator[Site]:
    """A site for the Metabase at METABASE_URL, before its content has been read."""
    wanted = spec.load()
    with opened(set_up=set_up) as (client, notes):
        yield Site(client, wanted, params, force, rotate, tuple(notes))


def _of_shop(site: Site) -> Site:
    """The site with a spec that names the time zone of the loaded shop."""
    return replace(site, spec=spec.load(db.time_zone()))


def _planned(site: Site) -> Outcome:
    database, collection = plan_database(site), plan_collection(site)
    site = replace(_of_shop(site), database=database.number, collection=collection.number)
    site = replace(site, ours=find_ours(site))
    site = replace(site, questions=tuple(plan_questions(site)))
    changes = [database, *plan_dictionary(site), collection, *site.questions, plan_dashboard(site)]
    return Outcome((*changes, *plan_archive(site)), site.notes)


def _written(site: Site) -> Outcome:
    """Publish under the lock of loads and publications, so that the rows do not change between write and check."""
    with db.connect() as connection, locks.hold(connection):
        return Outcome(_changed(site), site.notes, applied=True)


def _changed(site: Site) -> tuple[Change, ...]:
    """Write everything in the order of its dependencies; no question is written while the SQL of one fails."""
    database = write_database(site, plan_database(site))
    site = replace(_of_shop(site), database=database.number)
    synchronize(site)
    tables = [write_table(site, change) for change in plan_dictionary(site)]
    collection = write_collection(site, plan_collection(site))
    site = replace(site, collection=collection.number)
    site = replace(site, ours=find_ours(site))
    planned = plan_questions(site)
    try_questions(site, planned)
    site = replace(site, questions=tuple(write_question(site, change) for change in planned))
    dashboard = write_dashboard(site, plan_dashboard(site))
    archived = [write_archive(site, change) for change in plan_archive(site)]
    rows = count_rows(site)
    questions = [check_question(site, change, rows) for change in site.questions]
    return (database, *tables, collection, *questions, check_dashboard(site, dashboard, rows), *archived)
