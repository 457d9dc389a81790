"""Tests of the requests of a whole run against the schemas that Metabase publishes of its API.

WORKBOOK_METABASE_OPENAPI names the document of a running server, /api/docs/openapi.json; else a subset outside the
project is used, and where that is absent the tests are skipped.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lib.settings import PROJECT
from tests.metabase.test_publishing import VALUES, metabase, respecified, without

SUBSET = PROJECT.parent / "shared" / "metabase" / "openapi-subset.json"
DOCUMENT = Path(os.environ.get("WORKBOOK_METABASE_OPENAPI") or SUBSET)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The OpenAPI document, in which what has a default is not required: the server fills it in."""
    if not DOCUMENT.exists():
        pytest.skip(f"no OpenAPI document of Metabase: {DOCUMENT} is not there")
    return _with_defaults(json.loads(DOCUMENT.read_text(encoding="utf-8")))


def _with_defaults(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_defaults(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {name: _with_defaults(value) for name, value in node.items()}
    properties = found.get("properties")
    if isinstance(found.get("required"), list) and isinstance(properties, dict):
        found["required"] = [n for n in found["required"] if "default" not in (properties.get(n) or {})]
    return found


def operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    for template, operations in document["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", r"[^/]+", template), path) and method.lower() in operations:
            return operations[method.lower()]
    return None


def faults(document: dict[str, Any], method: str, path: str, body: Any) -> list[str]:
    """Violations of the route's schema in a body."""
    found = operation(document, method, path) or {}
    for content in (found.get("requestBody") or {}).get("content", {}).values():
        schema = content["schema"] | {"components": document["components"]}
        errors = jsonschema.Draft202012Validator(schema).iter_errors(body or {})
        return [f"{method} {path}: {error.json_path} {error.message[:200]}" for error in errors]
    return []


def test_every_body_of_a_whole_run_is_as_the_schema_wants_it(
    document: dict[str, Any], site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metabase.apply(VALUES)
    respecified(monkeypatch, tmp_path, lambda content: without(content, "churn"))
    metabase.apply(VALUES | {"as_of": "2025-06-15"})
    sent = [(method, path, body) for method, path, body in site.requests if method != "GET"]
    assert {method for method, _, _ in sent} == {"POST", "PUT"}
    checked = [one for one in sent if operation(document, one[0], one[1])]
    assert len(checked) > 90
    assert [fault for one in checked for fault in faults(document, *one)] == []


def test_every_key_that_is_sent_is_declared(document: dict[str, Any], site) -> None:
    metabase.apply(VALUES)
    undeclared = set()
    for method, path, body in site.requests:
        found = (operation(document, method, path) or {}).get("requestBody")
        schema = next(iter(found["content"].values()))["schema"] if found else {}
        if "properties" in schema and not path.endswith(("/dataset", "/query")):
            undeclared |= {f"{method} {path} {name}" for name in body or {} if name not in schema["properties"]}
    assert undeclared == set()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/card", {"name": "Q"}),
        ("POST", "/api/session", {"username": "", "password": "x"}),
        ("PUT", "/api/dashboard/7", {"dashcards": [{"id": -1, "row": 0, "col": 0, "sizeX": 4, "sizeY": 4}]}),
    ],
)
def test_a_wrong_body_is_noticed(document: dict[str, Any], method: str, path: str, body: dict) -> None:
    assert faults(document, method, path, body)
