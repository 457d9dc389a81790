"""The questions: .sql files of the reports as native queries, planned, tested, written and verified."""

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from itertools import chain
from typing import Any

from babel.numbers import get_currency_precision

from lib import formatting
from lib.analysis import periods
from lib.db.connection import sql
from lib.db.queries import read
from lib.errors import MetabaseError
from lib.metabase import content
from lib.metabase.content import CREATE, EDITED, UNFINISHED, UPDATE, digest, marked
from lib.metabase.site import Change, Site
from lib.metabase.spec import FILTERS, Question

__all__ = [
    "bound_names", "check_question", "checked_rows", "count_rows", "named_columns", "plain", "plan_questions",
    "settings_of", "tags", "template", "try_questions", "values", "write_question",
]  # fmt: skip

# Comments and literals first, so that a colon within them is none; a double colon is a cast.
BOUND = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|(?<![:\w]):(?P<name>[a-z_]\w*)", re.DOTALL)
NAMESPACE = uuid.UUID("6d0f6b2e-6f0e-5b0e-9a53-0f7d2f1c7a11")
MOST_ROWS = 2_000  # that Metabase shows of an answer
# Settings of a visualization that name columns of the answer, one or several.
NAMING = (
    "graph.dimensions", "graph.metrics", "scalar.field", "pie.dimension", "pie.metric", "map.dimension", "map.metric",
)  # fmt: skip
FORMATS = {
    "money": {"number_style": "currency", "currency_style": "symbol", "currency_in_header": False},
    "percent": {"number_style": "percent", "decimals": 1},
    "integer": {"number_style": "decimal", "decimals": 0},
}


def template(file: str) -> str:
    """Text of questions/<file>.sql with `{{name}}` for every bound `:name`; the rest is unchanged.

    Raises MetabaseError for a missing file, or one that contains template syntax of Metabase.
    """
    try:
        text = sql(f"questions/{file}").strip()
    except OSError as error:
        raise MetabaseError(
            f"metabase.yml names {file}.sql, which is missing from lib/sql/questions. Correct the name"
        ) from error
    if "{{" in text or "[[" in text:
        raise MetabaseError(
            f"{file}.sql contains {{{{ or [[, which are template syntax in Metabase. Rewrite that expression"
        )
    return BOUND.sub(lambda found: f"{{{{{found['name']}}}}}" if found["name"] else found[0], text)


def bound_names(file: str) -> list[str]:
    """Names of the bound values of a question, in order."""
    return list(dict.fromkeys(re.findall(r"\{\{(\w+)\}\}", template(file))))


def values(question: Question, params: Mapping[str, Any]) -> dict[str, Any]:
    """Value of every bound name: from the params' period and as_of, else from the question's `values`.

    A text in `values` names a parameter; lists are sorted and have each value once. Raises MetabaseError for a name
    without a value.
    """
    period = periods.period(params["period"], params["as_of"]).bounds
    known = {"as_of": date.fromisoformat(str(params["as_of"])), **period, **question.values}
    names = bound_names(question.sql)
    if missing := [name for name in names if name not in known]:
        raise MetabaseError(
            f"{question.sql}.sql has parameters without a value: {missing}. Add them under `values` in metabase.yml"
        )
    return {name: _meant(known[name], params) for name in names}


def _meant(value: Any, params: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return sorted({_meant(item, params) for item in value})
    return params[value] if isinstance(value, str) else value


def tags(file: str, bound: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The template tags of a question, by name; their ids are the same each time."""
    return {
        name: {
            "id": str(uuid.uuid5(NAMESPACE, f"{file}.{name}")),
            "name": name,
            "display-name": FILTERS.get(name, name.replace("_", " ")),
            "type": "date" if isinstance(value, date) else "number" if isinstance(value, int | float) else "text",
            "required": True,
            "default": plain(value),
        }
        for name, value in bound.items()
    }


def plain(value: Any) -> Any:
    """The value as Metabase keeps it: days as text, a list as PostgreSQL writes an array."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return "{" + ",".join(map(str, value)) + "}"
    return value


def named_columns(question: Question) -> list[str]:
    """Columns that the question's settings name and its answer must have, in order."""
    found = [question.settings[name] for name in NAMING if name in question.settings]
    found += [column["name"] for column in question.settings.get("table.columns", []) if column["enabled"]]
    return list(dict.fromkeys(chain(*([name] if isinstance(name, str) else name for name in found))))


def settings_of(question: Question, currency: str) -> dict[str, Any]:
    """The visualization settings for Metabase: those of the spec, and the format of each named column."""
    kinds = {name: question.formats.get(name) or formatting.kind_of(name) for name in named_columns(question)}
    money = {"currency": currency, "decimals": get_currency_precision(currency)}  # as in the reports
    columns = {
        f'["name","{name}"]': FORMATS[kind] | (money if kind == "money" else {})
        for name, kind in kinds.items()
        if kind in FORMATS
    }
    return question.settings | ({"column_settings": columns} if columns else {})


def _body(site: Site, question: Question) -> dict[str, Any]:
    """The request body of the question, which every version accepts, without its marker."""
    native = {"query": template(question.sql), "template-tags": tags(question.sql, values(question, site.params))}
    return {
        "name": question.name,
        "description": question.description,
        "display": question.display,
        "visualization_settings": settings_of(question, site.params["currency"]),
        "dataset_query": {"type": "native", "database": site.database, "native": native},
        "collection_id": site.collection,
    }


def plan_questions(site: Site) -> list[Change]:
    """What to do with each question of the spec, in its order."""
    return [_plan(site, question) for question in site.spec.questions]


def _plan(site: Site, question: Question) -> Change:
    live = site.ours.get(("card", question.key), {})
    has = content.question(live) if live else {}
    return site.compared("question", question.key, live, has, content.question(_body(site, question)))


def try_questions(site: Site, changes: list[Change]) -> None:
    """Run the SQL of the questions to write; raises MetabaseError that names every question whose SQL fails."""
    faults = []
    for question in [site.spec.question(change.key) for change in changes if change.action in (CREATE, UPDATE)]:
        answer = site.client.post("/api/dataset", _body(site, question)["dataset_query"])
        if found := _fault(question, answer):
            faults.append(f"the question {question.key} ({question.sql}.sql) {found}")
    if faults:
        raise MetabaseError(f"{'; '.join(faults)}; no question was changed. Correct the SQL and run again")


def write_question(site: Site, change: Change) -> Change:
    """Create or update the question as planned, and verify the content that Metabase has stored."""
    if change.action not in (CREATE, UPDATE):
        return change
    question = site.spec.question(change.key)
    body = _body(site, question)
    wants = content.question(body)
    description = marked(question.description, question.key, digest(wants))
    change = site.write(change, "/api/card", body | {"description": description})
    path = f"/api/card/{change.number}"
    try:
        has = content.question(site.client.get(path, **{"legacy-mbql": True}))
        content.compare(f"question {question.key}", wants, has)
    except MetabaseError as error:
        site.client.put(path, {"description": marked(question.description, question.key, UNFINISHED)})
        raise MetabaseError(f"{error}; it is marked as unfinished. The next run writes it again") from error
    return change


def count_rows(site: Site) -> dict[str, int]:
    """Rows that PostgreSQL returns for each question, by key; each file is run once per set of values."""
    asked: dict[tuple[str, str], int] = {}
    rows = {}
    for question in site.spec.questions:
        bound = values(question, site.params)
        at = (question.sql, str(bound))
        if at not in asked:
            asked[at] = len(read(question.sql, **bound))
        rows[question.key] = asked[at]
    return rows


def check_question(site: Site, change: Change, rows: Mapping[str, int]) -> Change:
    """The change with the rows and milliseconds of its question; questions that a person edited are not checked.

    Raises MetabaseError if it fails, lacks a column that its settings name, or has other `rows` than the database.
    """
    if change.action == EDITED:
        return change
    answer = site.client.post(f"/api/card/{change.number}/query", {"ignore_cache": True})
    found = checked_rows(site, change.key, answer, f"the question {change.key}", rows)
    return replace(change, rows=found, milliseconds=answer.get("running_time"))


def checked_rows(site: Site, key: str, answer: Mapping[str, Any], what: str, rows: Mapping[str, int]) -> int:
    """Number of rows of a valid answer; raises MetabaseError for any other."""
    if found := _fault(site.spec.question(key), answer):
        raise MetabaseError(f"{what} {found}")
    expected = min(rows[key], MOST_ROWS)
    if answer["row_count"] != expected:
        raise MetabaseError(
            f"{what} has {answer['row_count']} rows in Metabase; expected {expected}, as in the workbook's database. "
            "Check that both are the same database (METABASE_DB_HOST, METABASE_DB_PORT)"
        )
    return answer["row_count"]


def _fault(question: Question, answer: Mapping[str, Any]) -> str:
    """The problem with an answer, or "": the status is 202 for broken SQL too, so the body decides."""
    if answer.get("status") != "completed":
        return f"fails in Metabase: {' '.join(str(answer.get('error', 'no reason given')).split())[:300]}"
    found = {column["name"] for column in answer["data"]["cols"]}
    missing = [name for name in named_columns(question) if name not in found]
    return f"lacks the columns {missing}, which its settings name; it has {sorted(found)}" if missing else ""
