"""Plans what differs between metabase.yml and Metabase, and makes it so: in order, checked, and said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lib import db, settings
from lib.db import locks
from lib.metabase import spec
from lib.metabase.checks import check_dashboard, check_question
from lib.metabase.collection import find_ours, plan_collection, write_collection
from lib.metabase.dashboard import plan_dashboard, write_dashboard
from lib.metabase.dictionary import plan_dictionary, write_table
from lib.metabase.questions import plan_archive, plan_questions, try_questions, write_archive, write_question
from lib.metabase.session import opened
from lib.metabase.site import ARCHIVE, CREATE, EDITED, KEEP, UPDATE, Change, Site
from lib.metabase.warehouse import plan_database, synchronize, write_database
from lib.settings import output_folder
from lib.util.files import plain_json, replacing

__all__ = ["SKIPPED", "Outcome", "apply", "plan", "publish"]

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
        """Number of objects by action, those that occur."""
        actions = [change.action for change in self.changes]
        return {name: actions.count(name) for name in (*CHANGING, KEEP, EDITED) if name in actions}

    @property
    def to_do(self) -> int:
        """Number of objects to create, update or archive."""
        return sum(self.count.get(action, 0) for action in CHANGING)

    @property
    def edited(self) -> int:
        """Number of objects that a person edited and that were left as they are."""
        return self.count.get(EDITED, 0)

    @property
    def sentence(self) -> str:
        """Outcome as a sentence."""
        if self.skipped:
            return SKIPPED
        words = DONE if self.applied else {EDITED: "leave"}
        counted = ", ".join(f"{words.get(action, action)} {number}" for action, number in self.count.items())
        left = " edited by hand; “make metabase ARGS=--force” overwrites what was" if self.edited else ""
        done = "Done" if self.applied else "To do" if self.to_do else "Nothing to do"
        return " ".join([f"{done}: {counted}{left}.", *self.notes])

    @property
    def link(self) -> str:
        """Where the dashboard is; "" while there is none."""
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
    return _opened(_planned, params, set_up=False, force=force)


def apply(params: Mapping[str, Any], *, force: bool = False, rotate: bool = False) -> Outcome:
    """Make Metabase as metabase.yml has it, check every question, and write output/metabase/result.json.

    Changes by a person are kept, unless forced. `rotate` sends the database's password again. Raises MetabaseError
    when Metabase cannot be reached, refuses, or holds something else than was written, DatabaseError for PostgreSQL.
    """
    return _opened(_written, params, force=force, rotate=rotate)


def publish(params: Mapping[str, Any]) -> tuple[Outcome, Outcome]:
    """Plan and apply with one login: what was to be done, and what was."""
    return _opened(lambda site: (_planned(site), _written(_again(site))), params, then=(Outcome(skipped=True),) * 2)


def _opened(
    work: Callable[[Site], Any],
    params: Mapping[str, Any],
    *,
    then: Any = Outcome(skipped=True),
    set_up: bool = True,
    force: bool = False,
    rotate: bool = False,
) -> Any:
    """The result in the Metabase of METABASE_URL, `then` where it names none."""
    if not settings.get("METABASE_URL"):
        return then
    expected = spec.load()
    with opened(set_up=set_up) as (client, notes):
        return work(Site(client, expected, params, force, rotate, notes))


def _again(site: Site) -> Site:
    """The same Metabase, of which nothing is known yet."""
    return Site(site.client, site.spec, site.params, notes=site.notes)


def _planned(site: Site) -> Outcome:
    warehouse, collection = plan_database(site), plan_collection(site)
    tables = plan_dictionary(site)
    find_ours(site)
    rest = [*plan_questions(site), plan_dashboard(site), *plan_archive(site)]
    return Outcome((warehouse, *tables, collection, *rest), tuple(site.notes))


def _written(site: Site) -> Outcome:
    """Run the whole publication under the lock of loads and publications, so that the compared rows do not change."""
    with db.connect() as connection, locks.hold(connection):
        return _recorded(Outcome(_changed(site), tuple(site.notes), applied=True))


def _changed(site: Site) -> tuple[Change, ...]:
    """Everything in the order in which one thing needs the other; no question is written while one's SQL fails."""
    warehouse = write_database(site, plan_database(site))
    synchronize(site)
    tables = [write_table(site, change) for change in plan_dictionary(site)]
    collection = write_collection(site, plan_collection(site))
    find_ours(site)
    planned = plan_questions(site)
    try_questions(site, planned)
    questions = _each(write_question, site, planned)
    dashboard = write_dashboard(site, plan_dashboard(site))
    archived = _each(write_archive, site, plan_archive(site))
    questions = _each(check_question, site, questions)
    return (warehouse, *tables, collection, *questions, check_dashboard(site, dashboard), *archived)


def _each(step: Callable[[Site, Change], Change], site: Site, changes: list[Change]) -> list[Change]:
    return [step(site, change) for change in changes]


def _recorded(outcome: Outcome) -> Outcome:
    """The outcome, which other programs can read from a file too."""
    changes = [{name: getattr(change, name) for name in COLUMNS} for change in outcome.changes]
    facts = {"sentence": outcome.sentence, "changes": changes}
    with replacing(output_folder() / "metabase" / "result.json") as temporary:
        temporary.write_text(plain_json(facts), encoding="utf-8")
    return outcome
