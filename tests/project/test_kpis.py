"""Tests of the KPI registry: its questions have its columns, and incomplete entries are refused by name."""

import re

import pytest
import sqlalchemy as sa

from lib import db, kpis
from lib.errors import UsageError

ENTRY = {"label": "Units", "definition": "units sold", "kind": "integer", "sql": "sum(units)"}
DAYS = {"start": "2025-06-01", "end": "2025-07-01"}


def test_the_registry_is_read_in_its_order() -> None:
    found = kpis.parse({"units": ENTRY, "returns": ENTRY | {"less_is_better": True, "metabase": False}})
    assert list(found) == ["units", "returns"]
    assert found["units"] == kpis.Kpi("units", "Units", "units sold", "integer", "sum(units)", False, True)
    assert (found["returns"].less_is_better, found["returns"].metabase) == (True, False)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"label": ""}, "label is missing"),
        ({"sql": None}, "sql is missing"),
        ({"colour": "red"}, "colour is not an attribute of a KPI"),
        ({"metabase": "yes"}, "metabase is 'yes'; expected bool"),
        ({"metabase_name": True}, "metabase_name is True; expected str"),
        ({"kind": "money bag"}, "kind is 'money bag'; expected one of money, percent, integer, decimal"),
    ],
)
def test_a_wrong_entry_is_refused_by_name(change: dict[str, object], problem: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"KPI 'units': {problem}")):
        kpis.parse({"units": ENTRY | change})


def test_an_empty_entry_names_all_that_is_missing() -> None:
    with pytest.raises(UsageError, match="label is missing; definition is missing; kind is missing; sql is missing"):
        kpis.parse({"units": {}})


def test_both_questions_have_the_columns_of_the_registry(demo_database: sa.URL) -> None:
    assert list(db.read("period_kpis", **DAYS)) == list(kpis.registry())
    assert list(db.read("monthly_kpis", **DAYS)) == ["month", *kpis.registry()]


def test_a_period_without_days_has_zero_totals_and_missing_ratios(demo_database: sa.URL) -> None:
    found = db.read("period_kpis", start="1999-01-01", end="1999-02-01").iloc[0]
    missing = {name for name, kpi in kpis.registry().items() if "/" in kpi.sql}
    assert set(found.index[found.isna()]) == missing
    assert (found.drop(list(missing)) == 0).all()
    assert db.read("monthly_kpis", start="1999-01-01", end="1999-02-01").empty
