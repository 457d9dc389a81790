"""The spec, SQL files as native queries, markers and normal forms: without any server."""

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from lib import catalog, kpis
from lib.errors import MetabaseError
from lib.metabase import content, questions, spec, warehouse
from lib.metabase.content import CREATE, EDITED, KEEP, UPDATE, Marker, decide
from lib.run import params

VALUES = params.load(params.find("sample")).values()
SPEC = spec.load()
KPIS = tuple(kpis.registry().values())
WRITTEN = yaml.safe_load(spec.FILE.read_text("utf-8"))


# metabase.yml


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in place of metabase.yml."""
    monkeypatch.setattr(spec, "FILE", tmp_path / "metabase.yml")
    return spec.FILE


MISTAKES = {
    "overlap on the tab Overview": lambda it: it["dashboard"]["tabs"][0]["cards"][0].update(at=[3, 0]),
    "outside the grid; expected columns 0 to 23": lambda it: it["dashboard"]["tabs"][0]["cards"][0].update(at=[21, 0]),
    "the card orders occurs twice": lambda it: it["dashboard"]["tabs"][1]["cards"][0].update(question="orders"),
    "the key orders occurs twice": lambda it: it["questions"][0].update(key="orders"),
    "the name Total Revenue occurs twice": lambda it: it["questions"][1].update(name="Total Revenue"),
    "cards for unknown questions: profit": lambda it: it["dashboard"]["tabs"][0]["cards"][0].update(question="profit"),
    "questions.0.display: Input should be": lambda it: it["questions"][0].update(display="number"),
    "questions.0.colour: Extra inputs": lambda it: it["questions"][0].update(colour="red"),
    "questions.0.description: ": lambda it: it["questions"][0].update(description="managed-by: me"),
    "dashboard.tabs.0.cards: List should have at least 1": lambda it: it["dashboard"]["tabs"][0].update(cards=[]),
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_in_the_spec_is_named(file: Path, words: str) -> None:
    changed = copy.deepcopy(WRITTEN)
    MISTAKES[words](changed)
    file.write_text(json.dumps(changed))
    with pytest.raises(MetabaseError, match=words):
        spec.load()


def test_invalid_yaml_is_reported(file: Path) -> None:
    file.write_text("questions: [")
    with pytest.raises(MetabaseError, match=r"metabase.yml is not YAML: .* line 1"):
        spec.load()


def test_every_question_is_on_the_dashboard() -> None:
    placed = {card.question for tab in SPEC.dashboard.tabs for card in tab.cards}
    assert placed == {question.key for question in SPEC.questions}


def test_each_kpi_of_the_registry_is_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    question = SPEC.question("avg_order_value")
    assert (question.name, question.description) == ("Average Order Value", "(gross sales - discounts) / orders.")
    hidden = kpis.Kpi("hidden", "Hidden", "not shown", "money", "0", metabase=False)
    monkeypatch.setattr(kpis, "registry", lambda: {kpi.name: kpi for kpi in (*KPIS, hidden)})
    assert spec.load() == SPEC


def test_names_of_kpi_questions_have_capital_initials_or_are_in_the_registry() -> None:
    names = [question.name for question in SPEC.questions[:11]]
    assert names == [
        *("Net Sales", "Orders", "Average Order Value", "Active Customers", "New Customers"),
        *("Repeat Rate", "Conversion Rate", "Refund Rate", "Gross Margin", "Refunded Amount", "Cancelled Orders"),
    ]


def test_columns_are_written_as_in_the_reports() -> None:
    question = spec.Question(
        key="q", name="Q", description="Q.", sql="q", display="bar",
        settings={"graph.dimensions": ["month"], "graph.metrics": ["revenue", "churn_rate", "x"]},
        formats={"x": "integer"},
    )  # fmt: skip
    written = questions.settings_of(question, "EUR")["column_settings"]
    styles = {json.loads(name)[1]: style["number_style"] for name, style in written.items()}
    assert styles == {"revenue": "currency", "churn_rate": "percent", "x": "decimal"}
    assert written['["name","revenue"]']["currency"] == "EUR"


@pytest.mark.parametrize(("currency", "decimals"), [("EUR", 2), ("JPY", 0), ("KWD", 3)])
def test_amounts_have_the_decimals_of_the_currency(currency: str, decimals: int) -> None:
    settings = {"scalar.field": "revenue"}
    question = spec.Question(key="q", name="Q", description="Q.", sql="q", display="scalar", settings=settings)
    (style,) = questions.settings_of(question, currency)["column_settings"].values()
    assert style["decimals"] == decimals


def test_settings_name_columns_in_several_ways() -> None:
    columns = [{"name": "a", "enabled": True}, {"name": "b", "enabled": False}]
    settings = {"scalar.field": "s", "graph.metrics": ["m"], "map.metric": "s", "table.columns": columns}
    question = spec.Question(key="q", name="Q", description="Q.", sql="q", display="table", settings=settings)
    assert questions.named_columns(question) == ["m", "s", "a"]


# SQL files as native queries


@pytest.fixture
def write(monkeypatch: pytest.MonkeyPatch):
    """Makes a text the content of every .sql file."""
    return lambda text: monkeypatch.setattr(questions, "sql", lambda _: text)


def asking(**values: Any) -> spec.Question:
    """A question of any.sql with values of its own."""
    return spec.Question(key="any", name="Any", description="Any.", sql="any", display="table", values=values)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("SELECT :a", "SELECT {{a}}"),
        ("SELECT x::date, :a::date", "SELECT x::date, {{a}}::date"),
        ("-- before :a\nSELECT :a -- not :b", "-- before :a\nSELECT {{a}} -- not :b"),
        ("SELECT ':a', 'it''s :b', :c", "SELECT ':a', 'it''s :b', {{c}}"),
        ("/* :a\n:b */ SELECT :c", "/* :a\n:b */ SELECT {{c}}"),
        ("SELECT '12:30', a[1:2], :as_of", "SELECT '12:30', a[1:2], {{as_of}}"),
        ("SELECT width_bucket(r, 0, top, :bins), :bins", "SELECT width_bucket(r, 0, top, {{bins}}), {{bins}}"),
    ],
)
def test_bound_values_become_tags_and_nothing_else_does(text: str, wanted: str, write) -> None:
    write(text)
    assert questions.template("any") == wanted


@pytest.mark.parametrize("text", ["SELECT '{{x}}'", "SELECT ARRAY[[1]]"])
def test_signs_that_metabase_takes_for_its_own_are_refused(text: str, write) -> None:
    write(text)
    with pytest.raises(MetabaseError, match="are template syntax in Metabase"):
        questions.template("any")


def test_a_missing_file_and_a_missing_value_are_named(write) -> None:
    with pytest.raises(MetabaseError, match=r"names revenues.sql, which"):
        questions.template("revenues")
    write("SELECT :as_of, :limit")
    with pytest.raises(MetabaseError, match=r"any.sql has parameters without a value: \['limit'\]"):
        questions.values(asking(), VALUES)


def test_values_come_from_the_period_and_from_the_question(write) -> None:
    write("SELECT :as_of, :start, :end, :windows, :bins")
    found = questions.values(asking(windows=[90, 30, "churn_days"], bins=5), VALUES | {"churn_days": 45})
    days = {"as_of": date(2025, 7, 1), "start": date(2025, 6, 1), "end": date(2025, 7, 1)}
    assert found == days | {"windows": [30, 45, 90], "bins": 5}


def test_tags_have_a_type_and_a_default_of_metabases() -> None:
    tags = questions.tags("any", {"as_of": date(2025, 7, 1), "windows": [30, 90], "bins": 5})
    assert [(tag["type"], tag["default"]) for tag in tags.values()] == [
        ("date", "2025-07-01"), ("text", "{30,90}"), ("number", 5),
    ]  # fmt: skip
    assert tags == questions.tags("any", {"as_of": date(2025, 7, 1), "windows": [30, 90], "bins": 5})


# Markers and normal forms


def test_a_marker_is_found_again() -> None:
    text = content.marked("Two\nlines.", "exec.revenue", "0123456789ab", archived=True)
    assert content.parted(text) == ("Two\nlines.", Marker("exec.revenue", "0123456789ab", archived=True))
    assert content.parted(text + "\nand a word of mine")[1] is None
    assert content.parted(None) == ("", None)


def test_a_digest_does_not_depend_on_the_order() -> None:
    assert content.digest({"a": 1, "b": [1, 2]}) == content.digest({"b": [1, 2], "a": 1})
    assert content.digest({"a": 1}) != content.digest({"a": 2})


TAG = {"name": "start", "type": "date", "default": "2025-06-01", "display-name": "From", "required": True}
STAGE = {"lib/type": "mbql.stage/native", "native": "SELECT {{start}}\n", "lib/uuid": "x"}
FORMS: dict[str, Any] = {
    "legacy": {"database": 2, "native": {"query": "SELECT {{start}}", "template-tags": {"start": {"id": "1", **TAG}}}},
    "MBQL 5": {"database": 2, "stages": [STAGE | {"template-tags": {"start": {"id": "2", **TAG}}}]},
    "tags as a list": {"database": 2, "stages": [STAGE | {"template-tags": [TAG]}], "lib.convert/converted?": True},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_query_is_the_same_in_every_form(form: str) -> None:
    tags = {"start": ["date", "2025-06-01", "From", "True"]}
    assert _normal(FORMS[form])["query"] == {"database": 2, "sql": "SELECT {{start}}", "tags": tags}


@pytest.mark.parametrize("lost", [{}, {"database": 2, "native": {}}])
def test_a_query_that_was_lost_differs(lost: dict[str, Any]) -> None:
    assert _normal(lost) != _normal(FORMS["legacy"])


def _normal(query: dict[str, Any]) -> dict[str, Any]:
    return content.question(
        {"name": "Q", "description": None, "display": "table", "visualization_settings": {}, "dataset_query": query}
    )


def test_targets_are_the_same_in_every_form() -> None:
    old, new = ["variable", ["template-tag", "start"]], ["variable", ["template-tag", {"lib/uuid": "x"}, "start"], {}]
    boards = [_board(old), _board(new)]
    assert content.dashboard(boards[0], {7: "revenue"}) == content.dashboard(boards[1], {7: "revenue"})


def _board(target: list) -> dict[str, Any]:
    card = {"id": 3, "card_id": 7, "dashboard_tab_id": 5, "row": 0, "col": 0, "size_x": 4, "size_y": 4}
    mapping = {"parameter_id": "start", "card_id": 7, "target": target}
    tabs = [{"id": 5, "name": "One"}]
    return {"name": "B", "description": "", "tabs": tabs, "dashcards": [card | {"parameter_mappings": [mapping]}]}


CONTENT = {"name": "Q"}
OURS = content.digest(CONTENT)


@pytest.mark.parametrize(
    ("sha", "state", "wants", "action"),
    [
        (OURS, "there", {"name": "Q"}, KEEP),
        (OURS, "there", {"name": "New"}, UPDATE),
        ("0123", "there", {"name": "New"}, EDITED),
        ("0123", "there", {"name": "Q"}, KEEP),
        ("unfinished", "there", {"name": "Q"}, UPDATE),
        (OURS, "in the trash", {"name": "Q"}, EDITED),
        (f"{OURS} archived", "in the trash", {"name": "Q"}, UPDATE),
    ],
)
def test_what_is_done_follows_from_who_wrote_it(sha: str, state: str, wants: dict, action: str) -> None:
    live = {"description": f"x\n\nmanaged-by: workbook key=q sha={sha}", "archived": state == "in the trash"}
    assert decide(live, CONTENT, wants, force=False) == action
    assert decide(live, CONTENT, wants, force=True) == (KEEP if action == KEEP else UPDATE)
    assert decide({}, {}, wants, force=False) == CREATE


def test_kinds_of_columns_follow_from_the_catalog() -> None:
    found = {
        f"{table.name}.{column.name}": warehouse.semantic_type(column)
        for table in catalog.tables().values()
        for column in table.columns
    }
    assert found["orders.total_amount"] == "type/Currency"
    assert found["users.country_code"] == "type/Country"
    assert found["order_items.quantity"] == "type/Quantity"
    assert found["daily_kpis.conversion_rate"] == "type/Percentage"
    assert [found[name] for name in ("orders.order_id", "orders.user_id", "orders.order_date")] == [None] * 3
