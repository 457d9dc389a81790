"""The questions: planned against what is there, their SQL tried, written, read back, and archived."""

from dataclasses import replace
from typing import Any

from lib.errors import MetabaseError
from lib.metabase import native, normal
from lib.metabase.checks import fault
from lib.metabase.marker import UNFINISHED, Marker, digest, marked, parted
from lib.metabase.site import ARCHIVE, CREATE, EDITED, UPDATE, Change, Site, decide
from lib.metabase.spec import Question, settings_of

__all__ = ["plan_archive", "plan_questions", "try_questions", "write_archive", "write_question"]


def plan_questions(site: Site) -> list[Change]:
    """What to do with each question of the spec, in its order."""
    return [_plan(site, question) for question in site.spec.questions]


def _plan(site: Site, question: Question) -> Change:
    live = site.ours.get(("card", question.key))
    has = normal.question(live) if live else None
    action = decide(live, has, normal.question(content(site, question)), force=site.force)
    in_trash = action == EDITED and bool(live and live.get("archived"))
    site.edited |= {question.key} if action == EDITED else set()
    site.trashed |= {question.key} if in_trash else set()
    note = "in the trash" if in_trash else ""
    return Change("question", question.key, action, live, _link(site, live["id"]) if live else "", note)


def content(site: Site, question: Question) -> dict[str, Any]:
    """The question as Metabase takes it, but for its marker."""
    bound = native.values(question.sql, question.values, site.params)
    return {
        "name": question.name,
        "description": question.description,
        "display": question.display,
        "visualization_settings": settings_of(question, site.params["currency"]),
        "dataset_query": native.native_query(site.database, question.sql, bound),
        "collection_id": site.collection,
    }


def try_questions(site: Site, changes: list[Change]) -> None:
    """Run the SQL of what is to be written; raises MetabaseError that names every question whose SQL is at fault."""
    keys = {change.key for change in changes if change.action in (CREATE, UPDATE)}
    questions = [question for question in site.spec.questions if question.key in keys]
    faults = [f"the question {q.key} ({q.sql}.sql) {found}" for q in questions if (found := fault(q, _tried(site, q)))]
    if faults:
        raise MetabaseError(f"{'; '.join(faults)}; no question was changed")


def _tried(site: Site, question: Question) -> dict[str, Any]:
    return site.client.post("/api/dataset", content(site, question)["dataset_query"])


def write_question(site: Site, change: Change) -> Change:
    """Create or update the question as planned, and check that Metabase then has what was written."""
    question = site.spec.question(change.key)
    body = content(site, question)
    wants = normal.question(body)
    body["description"] = marked(body["description"], Marker(change.key, digest(wants)))
    if change.action == CREATE:
        site.cards[change.key] = site.client.post("/api/card", body)["id"]
    elif change.action == UPDATE:
        path = f"/api/card/{change.existing['id']}"
        site.save_unchanged(path, change.existing)
        site.client.put(path, body | {"archived": False})
    if change.action in (CREATE, UPDATE):
        _read_back(site, question, wants)
    return change.at(_link(site, site.cards[change.key]))


def _read_back(site: Site, question: Question, wants: dict[str, Any]) -> None:
    path = f"/api/card/{site.cards[question.key]}"
    try:
        normal.compare(
            f"question {question.key}", wants, normal.question(site.client.get(path, **{"legacy-mbql": True}))
        )
    except MetabaseError as error:
        site.client.put(path, {"description": marked(question.description, Marker(question.key, UNFINISHED))})
        raise MetabaseError(f"{error}; it is marked as unfinished, and the next run writes it again") from error


def plan_archive(site: Site) -> list[Change]:
    """Archive questions of the workbook that are no longer in the spec, unless they were edited by hand."""
    named = {("card", question.key) for question in site.spec.questions} | {("dashboard", site.spec.dashboard.key)}
    return [_plan_archive(site, model, key) for model, key in sorted(set(site.ours) - named)]


def _plan_archive(site: Site, model: str, key: str) -> Change:
    live, kind = site.ours[model, key], "question" if model == "card" else model
    # Of a dashboard that has left, only the name and the description are compared: its questions may be gone.
    marker = parted(live["description"])[1]
    untouched = model != "card" or (marker and marker.sha in (UNFINISHED, digest(normal.question(live))))
    action = ARCHIVE if untouched or site.force else EDITED
    note = "" if action == ARCHIVE else "no longer in metabase.yml"
    return Change(kind, key, action, live, f"{site.client.url}/{kind}/{live['id']}", note)


def write_archive(site: Site, change: Change) -> Change:
    """Put it into Metabase's trash, with a marker that tells that it was the workbook; it can be restored there."""
    if change.action == ARCHIVE:
        live = change.existing
        text, marker = parted(live["description"])
        if marker:
            text = marked(text, replace(marker, archived=True))
        path = f"/api/{'card' if change.kind == 'question' else change.kind}/{live['id']}"
        site.save(live)
        site.client.put(path, {"archived": True, "description": text})
        normal.compare(f"{change.kind} {change.key}", {"archived": True}, site.client.get(path))
    return change


def _link(site: Site, number: int) -> str:
    return f"{site.client.url}/question/{number}"
