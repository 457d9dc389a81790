"""The KPI registry, read from kpis.yml."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lib.errors import UsageError

__all__ = ["Kpi", "fill_in", "registry"]

KINDS = ("money", "percent", "integer", "decimal")
REQUIRED = ("label", "definition", "kind", "sql")
PLACEHOLDER = "{kpis}"


@dataclass(frozen=True)
class Kpi:
    """One KPI; kpis.yml explains the attributes."""

    name: str
    label: str
    definition: str
    kind: str
    sql: str
    less_is_better: bool = False
    metabase: bool = True
    metabase_name: str = ""


@cache
def registry() -> dict[str, Kpi]:
    """All KPIs by name, in the order of their cards."""
    return parse(yaml.safe_load(Path(__file__).with_name("kpis.yml").read_text(encoding="utf-8")))


def parse(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Kpi]:
    """The KPIs of a registry file.

    Raises:
        UsageError: A KPI lacks an attribute, has an unknown one or one of the wrong type, or has an unknown kind.
    """
    return {name: _kpi(name, entry or {}) for name, entry in entries.items()}


def _kpi(name: str, entry: Mapping[str, Any]) -> Kpi:
    attributes: dict[str, Any] = {field.name: field.type for field in fields(Kpi)}
    faults = [f"{attribute} is missing" for attribute in REQUIRED if not entry.get(attribute)]
    for attribute, value in entry.items():
        if attribute not in attributes:
            faults.append(f"{attribute} is not an attribute of a KPI")
        elif not isinstance(value, attributes[attribute]):
            faults.append(f"{attribute} is {value!r}; expected {attributes[attribute].__name__}")
    if not faults and entry["kind"] not in KINDS:
        faults.append(f"kind is {entry['kind']!r}; expected one of {', '.join(KINDS)}")
    if faults:
        raise UsageError(f"KPI {name!r}: {'; '.join(faults)}. Correct lib/kpis.yml.")
    return Kpi(name, **entry)


def fill_in(sql: str) -> str:
    """The SQL text with the placeholder `{kpis}`, if it has one, replaced by the SELECT list of all KPIs."""
    columns = [f"{kpi.sql} AS {kpi.name}" for kpi in registry().values()]
    return sql.replace(PLACEHOLDER, ",\n        ".join(columns))
