"""Runs every question and every card of the dashboard in Metabase, and compares the answers with the database's own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lib.db import read
from lib.errors import MetabaseError
from lib.metabase import native, normal
from lib.metabase.site import EDITED, Change, Site
from lib.metabase.spec import Question, named_columns

__all__ = ["check_dashboard", "check_question", "fault"]

MOST_ROWS = 2_000  # that Metabase shows of an answer


def check_question(site: Site, change: Change) -> Change:
    """The change with the rows and milliseconds of its question; what a person edited may answer as it likes.

    Raises MetabaseError when it fails, lacks a column that its settings name, or has other rows than the database.
    """
    if change.action == EDITED:
        return change
    question = site.spec.question(change.key)
    answer = site.client.post(f"/api/card/{site.cards[change.key]}/query", {"ignore_cache": True})
    rows = _checked(site, question, answer, f"the question {change.key}")
    return replace(change, rows=rows, milliseconds=answer.get("running_time"))


def check_dashboard(site: Site, change: Change) -> Change:
    """The change with the sum of rows and milliseconds of our cards, asked as the dashboard's filters ask.

    The answer of a dashboard or question that a person edited is not judged.
    """
    if change.action == EDITED:
        return change
    live = site.client.get(f"/api/dashboard/{change.link.rpartition('/')[2]}")
    given = [{"id": entry["id"], "value": entry.get("default")} for entry in live["parameters"]]
    rows = milliseconds = 0
    keys = {number: key for key, number in site.cards.items() if key not in site.edited}
    for key, card in normal.our_dashcards(live, keys).items():
        path = f"/api/dashboard/{live['id']}/dashcard/{card['id']}/card/{card['card_id']}/query"
        wired = {entry["parameter_id"] for entry in card.get("parameter_mappings") or []}
        answer = site.client.post(path, {"parameters": [entry for entry in given if entry["id"] in wired]})
        rows += _checked(site, site.spec.question(key), answer, f"the card {key} of the dashboard")
        milliseconds += answer.get("running_time") or 0
    return replace(change, rows=rows, milliseconds=milliseconds)


def _checked(site: Site, question: Question, answer: Mapping[str, Any], what: str) -> int:
    """Number of rows of an answer without fault; MetabaseError for any other."""
    if found := fault(question, answer):
        raise MetabaseError(f"{what} {found}")
    expected = min(_own_rows(site, question), MOST_ROWS)
    if answer["row_count"] != expected:
        raise MetabaseError(
            f"{what} has {answer['row_count']} rows in Metabase, and {expected} in the workbook's database: is it the "
            "same one? look at METABASE_DB_HOST and METABASE_DB_PORT"
        )
    return answer["row_count"]


def fault(question: Question, answer: Mapping[str, Any]) -> str:
    """The problem with an answer, or "": the status is 202 for broken SQL too, so the body decides."""
    if answer.get("status") != "completed":
        return f"fails in Metabase: {' '.join(str(answer.get('error', 'no reason given')).split())[:300]}"
    found = {column["name"] for column in answer["data"]["cols"]}
    missing = [name for name in named_columns(question) if name not in found]
    return f"lacks the columns {missing}, which its settings name; it has {sorted(found)}" if missing else ""


def _own_rows(site: Site, question: Question) -> int:
    """Rows that the database itself answers with; asked once, as many questions are of one file."""
    bound = native.values(question.sql, question.values, site.params)
    asked = (question.sql, str(bound))
    if asked not in site.rows:
        site.rows[asked] = len(read(question.sql, **bound))
    return site.rows[asked]
