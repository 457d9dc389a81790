"""The reports' .sql files as Metabase's native queries: each bound value becomes a template tag with a default."""

import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from lib.analysis import periods
from lib.db.connection import sql
from lib.errors import MetabaseError

__all__ = ["FILTERS", "names", "native_query", "plain", "tags", "template", "values"]

# Comments and literals first, so that a colon within them is none; a double colon is a cast.
BOUND = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|(?<![:\w]):(?P<name>[a-z_]\w*)", re.DOTALL)
# The bound values that a dashboard offers as filters, and how they are called there.
FILTERS = {"start": "From", "end": "Up to, not including", "as_of": "As of"}
NAMESPACE = uuid.UUID("6d0f6b2e-6f0e-5b0e-9a53-0f7d2f1c7a11")


def template(file: str) -> str:
    """Text of questions/<file>.sql with `{{name}}` for every bound `:name`; all else is as it is.

    Raises MetabaseError for a file that is not there or holds signs that Metabase would take for its own.
    """
    try:
        text = sql(f"questions/{file}").strip()
    except OSError as error:
        raise MetabaseError(f"metabase.yml names {file}.sql, which lib/sql/questions does not hold") from error
    if "{{" in text or "[[" in text:
        raise MetabaseError(f"{file}.sql holds {{{{ or [[, which mean something else to Metabase; write it otherwise")
    return BOUND.sub(lambda found: f"{{{{{found['name']}}}}}" if found["name"] else found[0], text)


def names(file: str) -> list[str]:
    """Names of the bound values of a question, in order."""
    return list(dict.fromkeys(re.findall(r"\{\{(\w+)\}\}", template(file))))


def values(file: str, own: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Value of every bound name: of the params' period and as_of, else of the question's `own`.

    A text in `own` names a parameter; lists are sorted and hold a value once. Raises MetabaseError for a name without.
    """
    period = periods.period(params["period"], params["as_of"]).bounds
    known = {"as_of": date.fromisoformat(str(params["as_of"])), **period, **own}
    if missing := [name for name in names(file) if name not in known]:
        raise MetabaseError(f"{file}.sql binds {missing}; name a value for each under `values` in metabase.yml")
    return {name: _meant(known[name], params) for name in names(file)}


def _meant(value: Any, params: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return sorted({_meant(item, params) for item in value})
    return params[value] if isinstance(value, str) else value


def native_query(database: int | None, file: str, bound: Mapping[str, Any]) -> dict[str, Any]:
    """The question for the database with this id, in the form that every version takes."""
    native = {"query": template(file), "template-tags": tags(file, bound)}
    return {"type": "native", "database": database, "native": native}


def tags(file: str, bound: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The template tags of a question, by name; its ids are the same each time."""
    return {
        name: {
            "id": str(uuid.uuid5(NAMESPACE, f"{file}.{name}")),
            "name": name,
            "display-name": FILTERS.get(name, name.replace("_", " ")),
            "type": _type(value),
            "required": True,
            "default": plain(value),
        }
        for name, value in bound.items()
    }


def _type(value: Any) -> str:
    if isinstance(value, date):
        return "date"
    return "number" if isinstance(value, int | float) else "text"


def plain(value: Any) -> Any:
    """The value as Metabase keeps it: days as text, a list as PostgreSQL writes an array."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return "{" + ",".join(map(str, value)) + "}"
    return value
