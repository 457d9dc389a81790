"""Tests of publishing, against the stand-in for Metabase and the real PostgreSQL: all of it, twice, and by hand."""

import copy
import json
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
import yaml

from lib import catalog, db, metabase
from lib.errors import MetabaseError
from lib.metabase import questions, spec, warehouse
from lib.metabase.content import ARCHIVE, EDITED, KEEP, UPDATE
from lib.run import params
from tests.conftest import CANARY, ask
from tests.fake_metabase import ADMIN, API_KEY, PASSWORD, FakeMetabase

VALUES = params.load(params.find("sample")).values()
SPEC = spec.load()
FILE = spec.FILE
QUESTIONS = len(SPEC.questions)
MADE = QUESTIONS + 3  # with the database, the collection and the dashboard
TABLES = len(catalog.tables())
REVENUE, DAILY, PRODUCTS, CUSTOMERS, MAP = "revenue", "daily_revenue", "top_products", "customers", "customer_geography"


def actions(outcome: metabase.Outcome) -> dict[str, str]:
    """Action by key, of what is not kept."""
    return {change.key: change.action for change in outcome.changes if change.action != KEEP}


def card(fake: FakeMetabase, key: str) -> dict[str, Any]:
    return next(one for one in fake.cards.values() if f"key={key} " in (one["description"] or ""))


def board(fake: FakeMetabase) -> dict[str, Any]:
    return next(one for one in fake.dashboards.values() if one["name"] == "Executive")


def respecified(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: Any) -> None:
    """Another metabase.yml from now on: the real one, changed."""
    content = yaml.safe_load(FILE.read_text("utf-8"))
    change(content)
    monkeypatch.setattr(spec, "FILE", tmp_path / "metabase.yml")
    spec.FILE.write_text(json.dumps(content), encoding="utf-8")


def without(content: dict[str, Any], key: str) -> None:
    content["questions"] = [question for question in content["questions"] if question["key"] != key]
    for tab in content["dashboard"]["tabs"]:
        tab["cards"] = [placed for placed in tab["cards"] if placed["question"] != key]


# The whole way


def test_a_first_run_makes_everything_and_a_second_one_writes_nothing(site: FakeMetabase) -> None:
    assert metabase.plan(VALUES).to_do == MADE
    assert site.writes() == [], "a plan only reads"
    first = metabase.apply(VALUES)
    assert first.count == {"create": MADE, "update": TABLES}
    site.requests.clear()
    assert metabase.apply(VALUES).count == {KEEP: MADE + TABLES}
    assert metabase.plan(VALUES).sentence == f"Nothing to do: keep {MADE + TABLES}."
    assert site.writes() == []


def test_the_notebook_plans_and_publishes_with_one_login(
    site: FakeMetabase, configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(METABASE_API_KEY="", METABASE_USER=ADMIN, METABASE_PASSWORD=PASSWORD)
    plan, done = metabase.publish(VALUES)
    assert (plan.to_do, done.count) == (MADE, {"create": MADE, "update": TABLES})
    sessions = [method for method, path, _ in site.requests if path == "/api/session"]
    assert sessions == ["POST", "DELETE"]
    assert not site.sessions, "it has logged out"


def test_every_card_answers_with_rows_and_the_columns_it_names(published: FakeMetabase) -> None:
    done = metabase.apply(VALUES).table.set_index("key")
    questions = done[done["kind"] == "question"]
    assert len(questions) == QUESTIONS
    assert (questions["rows"] > 0).all()
    assert (questions["milliseconds"] >= 0).all()
    assert done.loc["executive", "rows"] == questions["rows"].sum()
    assert questions["link"].str.startswith(published.url).all()


@pytest.mark.parametrize("key", [REVENUE, DAILY, PRODUCTS, CUSTOMERS, MAP])
def test_the_five_questions_of_the_brief_are_there(published: FakeMetabase, key: str) -> None:
    found = card(published, key)
    assert found["collection_id"] in published.collections
    assert found["database_id"] in published.databases
    assert found["id"] in [placed["card_id"] for placed in board(published)["dashcards"]]


@pytest.mark.parametrize("question", SPEC.questions, ids=lambda question: question.key)
def test_two_screens_cannot_disagree(published: FakeMetabase, question: spec.Question) -> None:
    path = f"{published.url}/api/card/{card(published, question.key)['id']}/query"
    data = httpx.post(path, headers={"x-api-key": API_KEY}, json={"ignore_cache": True}).json()["data"]
    own = db.read(question.sql, **questions.values(question, VALUES))
    assert [column["name"] for column in data["cols"]] == list(own.columns)
    assert [[plain(value) for value in row] for row in data["rows"]] == [
        [plain(value) for value in row] for row in own.itertuples(index=False)
    ]


def plain(value: Any) -> object:
    """A value as it is in both answers: days as text, numbers as float, nothing as None."""
    if isinstance(value, str):
        return value.removesuffix(" 00:00:00")
    if value is None or pd.isna(value):
        return None
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else float(value)


def test_the_dashboard_is_laid_out_as_specified(published: FakeMetabase) -> None:
    found = board(published)
    tabs = {tab["id"]: tab["name"] for tab in found["tabs"]}
    keys = {one["id"]: key for key in (q.key for q in SPEC.questions) for one in [card(published, key)]}
    places = {
        keys[placed["card_id"]]: (tabs[placed["dashboard_tab_id"]], placed["col"], placed["row"], placed["size_x"])
        for placed in found["dashcards"]
    }
    wanted = {one.question: (tab.name, *one.at, one.size[0]) for tab in SPEC.dashboard.tabs for one in tab.cards}
    assert places == wanted
    assert [(f["id"], f["type"], f["default"]) for f in found["parameters"]] == [
        ("start", "date/single", "2025-06-01"),
        ("end", "date/single", "2025-07-01"),
        ("as_of", "date/single", "2025-07-01"),
    ]


def test_the_map_is_wired_to_iso_codes(published: FakeMetabase) -> None:
    settings = card(published, MAP)["visualization_settings"]
    assert (settings["map.region"], settings["map.dimension"]) == ("world_countries", "country_code")


def test_metabase_reads_with_the_readers_rights_only(published: FakeMetabase) -> None:
    (details,) = [one["details"] for one in published.databases.values()]
    assert (details["user"], details["schema-filters-patterns"]) == ("workbook_metabase", "public")
    ((select, insert, settings),) = ask(
        "SELECT has_table_privilege(oid, 'orders', 'SELECT'), has_table_privilege(oid, 'orders', 'INSERT'), "
        "rolconfig FROM pg_roles WHERE rolname = :login AND NOT rolsuper",
        login=details["user"],
    )
    assert (select, insert) == (True, False)
    assert settings == ["default_transaction_read_only=on", "statement_timeout=30s"]


def test_the_catalog_is_in_metabases_dictionary(published: FakeMetabase) -> None:
    tables = {table["name"]: table for table in published.tables.values()}
    users = {field["name"]: field for field in tables["users"]["fields"]}
    assert users["country_code"]["semantic_type"] == "type/Country"
    assert users["email"]["semantic_type"] == "type/Email"
    assert users["user_id"]["semantic_type"] is None, "keys Metabase takes from the database"
    assert users["city"]["description"] == "Home city."
    assert tables["orders"]["description"].startswith(catalog.tables()["orders"].meaning)


# A person's work


def test_an_edit_by_hand_survives_until_forced(published: FakeMetabase, own_folders: Path) -> None:
    card(published, REVENUE)["display"] = "gauge"
    done = metabase.apply(VALUES)
    assert actions(done) == {REVENUE: EDITED}
    assert "left 1 edited by hand" in done.sentence
    assert (card(published, REVENUE)["display"], published.writes()) == ("gauge", [])
    assert actions(metabase.apply(VALUES, force=True)) == {REVENUE: UPDATE}
    assert card(published, REVENUE)["display"] == "scalar"
    (backup,) = (own_folders / "metabase").glob("backup-*.json")
    assert [one["display"] for one in json.loads(backup.read_text())] == ["gauge"]


def test_sql_written_by_hand_may_answer_as_it_likes(published: FakeMetabase) -> None:
    card(published, REVENUE)["dataset_query"]["native"]["query"] = "SELECT 1 AS mine UNION SELECT 2"
    assert actions(metabase.apply(VALUES)) == {REVENUE: EDITED}


def test_cards_and_tabs_of_others_on_our_dashboard_are_kept(published: FakeMetabase, tmp_path, monkeypatch) -> None:
    found = board(published)
    theirs = copy.deepcopy(found["dashcards"][0]) | {"id": 9_001, "row": 40}
    text = theirs | {
        "id": 9_002, "card_id": None, "dashboard_tab_id": 9_003, "parameter_mappings": [],
        "visualization_settings": {"virtual_card": {"display": "text"}, "text": "Hello"},
    }  # fmt: skip
    found["dashcards"] += [theirs, text]
    found["tabs"].append({"id": 9_003, "name": "Mine", "position": 2})
    found["parameters"].append({"id": "f00", "name": "Country", "slug": "country", "type": "string/="})
    assert metabase.plan(VALUES).to_do == 0, "additions of others are not our changes"
    respecified(monkeypatch, tmp_path, lambda content: without(content, "churn"))
    assert actions(metabase.apply(VALUES)) == {"executive": UPDATE, "churn": ARCHIVE}
    after = {one["id"]: one for one in board(published)["dashcards"]}
    assert (after[9_001]["row"], after[9_002]["visualization_settings"]["text"]) == (40, "Hello")
    assert [tab["name"] for tab in board(published)["tabs"]] == ["Overview", "Customers", "Mine"]
    assert board(published)["parameters"][-1]["id"] == "f00"


def test_questions_of_others_in_our_collection_are_untouched(published: FakeMetabase, tmp_path, monkeypatch) -> None:
    theirs = copy.deepcopy(card(published, DAILY)) | {"id": 9_001, "name": "Daily Revenue - Duplicate"}
    published.cards[9_001] = copy.deepcopy(theirs)  # a copy takes the marker with it
    published.cards[9_002] = theirs | {"id": 9_002, "description": None}
    respecified(monkeypatch, tmp_path, lambda content: content["questions"][0].update(description="Money."))
    assert actions(metabase.apply(VALUES)) == {DAILY: UPDATE}
    assert published.cards[9_001] == theirs
    assert card(published, DAILY)["description"].startswith("Money.")


def test_what_left_the_spec_goes_to_the_trash_and_comes_back(published: FakeMetabase, tmp_path, monkeypatch) -> None:
    number = card(published, "churn")["id"]
    with monkeypatch.context() as patch:
        respecified(patch, tmp_path, lambda content: without(content, "churn"))
        assert actions(metabase.apply(VALUES)) == {"executive": UPDATE, "churn": ARCHIVE}
        assert published.cards[number]["archived"]
        assert metabase.plan(VALUES).to_do == 0
    assert actions(metabase.apply(VALUES)) == {"executive": UPDATE, "churn": UPDATE}
    assert not published.cards[number]["archived"]
    assert number in [placed["card_id"] for placed in board(published)["dashcards"]]


def test_an_edited_question_that_left_the_spec_is_not_archived(published: FakeMetabase, tmp_path, monkeypatch) -> None:
    card(published, "churn")["name"] = "Churn, my way"
    respecified(monkeypatch, tmp_path, lambda content: without(content, "churn"))
    assert actions(metabase.apply(VALUES)) == {"executive": UPDATE, "churn": EDITED}
    assert not card(published, "churn")["archived"]


def test_a_question_in_the_trash_stays_there(published: FakeMetabase) -> None:
    card(published, "churn")["archived"] = True
    assert actions(metabase.apply(VALUES)) == {"churn": EDITED}
    assert published.writes() == []
    assert actions(metabase.apply(VALUES, force=True)) == {"churn": UPDATE, "executive": UPDATE}
    assert metabase.plan(VALUES).count == {KEEP: MADE + TABLES}


def test_a_question_moved_to_another_collection_is_still_ours(published: FakeMetabase) -> None:
    card(published, "churn")["collection_id"] = None
    assert actions(metabase.apply(VALUES)) == {"churn": EDITED}
    assert published.writes() == []


def test_a_tab_of_a_persons_with_the_name_of_ours_is_kept(published: FakeMetabase, tmp_path, monkeypatch) -> None:
    found = board(published)
    found["tabs"].append({"id": 9_003, "dashboard_id": found["id"], "name": "Overview", "position": 2})
    found["dashcards"].append(copy.deepcopy(found["dashcards"][0]) | {"id": 9_001, "dashboard_tab_id": 9_003})
    respecified(monkeypatch, tmp_path, lambda content: without(content, "churn"))
    metabase.apply(VALUES)
    assert [tab["name"] for tab in board(published)["tabs"]] == ["Overview", "Customers", "Overview"]
    assert [one["dashboard_tab_id"] for one in board(published)["dashcards"] if one["id"] == 9_001] == [9_003]


def test_a_card_moved_on_the_dashboard_stays_there(published: FakeMetabase) -> None:
    board(published)["dashcards"][0]["row"] = 50
    assert actions(metabase.apply(VALUES)) == {"executive": EDITED}
    assert board(published)["dashcards"][0]["row"] == 50


def test_a_renamed_collection_is_still_ours(published: FakeMetabase) -> None:
    (collection,) = published.collections.values()
    collection["name"] = "Numbers"
    done = metabase.apply(VALUES)
    assert (actions(done), len(published.cards)) == ({"collection": EDITED}, QUESTIONS)
    assert collection["name"] == "Numbers"


def test_a_description_by_hand_stays(published: FakeMetabase) -> None:
    orders = next(table for table in published.tables.values() if table["name"] == "orders")
    orders["fields"][0]["description"] = "The key, as we call it."
    assert actions(metabase.apply(VALUES)) == {"orders": EDITED}
    assert actions(metabase.apply(VALUES, force=True)) == {"orders": UPDATE}
    assert orders["fields"][0]["description"] == "Key of the order."


def test_what_metabase_guesses_later_is_not_an_edit(published: FakeMetabase) -> None:
    for table in published.tables.values():
        for field in table["fields"]:
            field["semantic_type"] = field["semantic_type"] or "type/Category"
    assert metabase.plan(VALUES).to_do == 0


def test_a_new_meaning_and_a_new_column_are_written(site: FakeMetabase, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(warehouse, "_columns", lambda table: list(table.columns[:-1]))
        metabase.apply(VALUES)
    tables = {table["name"]: table for table in site.tables.values()}
    assert (tables["products"]["fields"][-4]["name"], tables["products"]["fields"][-4]["semantic_type"]) == (
        "stock_quantity",
        None,
    )
    done = metabase.apply(VALUES)
    assert set(actions(done).values()) == {UPDATE}
    assert tables["products"]["fields"][-4]["semantic_type"] == "type/Quantity"
    before = warehouse._wants
    monkeypatch.setattr(warehouse, "_wants", lambda table: before(table) | {"": f"{table.meaning} Really."})
    assert len(actions(metabase.apply(VALUES))) == TABLES
    assert tables["orders"]["description"].startswith("One row per order that was placed. Really.")


def test_kinds_that_are_set_already_stay(site: FakeMetabase) -> None:
    site.faults["guesses"] = {"price": "type/Income", "subcategory": "type/Title"}
    metabase.apply(VALUES)
    fields = {field["name"]: field["semantic_type"] for table in site.tables.values() for field in table["fields"]}
    assert (fields["price"], fields["subcategory"], fields["cost"]) == ("type/Income", "type/Title", "type/Currency")
    assert metabase.plan(VALUES).to_do == 0


# Changes of ours


def test_another_day_moves_the_filters_and_nothing_else_of_the_sql(published: FakeMetabase) -> None:
    before = card(published, REVENUE)["dataset_query"]["native"]["query"]
    later = VALUES | {"as_of": "2025-06-15"}
    ids = [placed["id"] for placed in board(published)["dashcards"]]
    done = metabase.apply(later)
    assert [placed["id"] for placed in board(published)["dashcards"]] == ids, (
        "links and subscriptions to them stay good"
    )
    assert done.count["update"] == QUESTIONS + 1
    assert card(published, REVENUE)["dataset_query"]["native"]["query"] == before
    assert [f["default"] for f in board(published)["parameters"]] == ["2025-05-01", "2025-06-01", "2025-06-15"]
    assert metabase.plan(later).to_do == 0


def test_the_currency_of_the_shop_is_that_of_the_cards(published: FakeMetabase) -> None:
    metabase.apply(VALUES | {"currency": "EUR"})
    style = card(published, REVENUE)["visualization_settings"]["column_settings"]['["name","revenue"]']
    assert style["currency"] == "EUR"


@pytest.mark.parametrize("version", ["v0.57.9", "v0.61.11", "v0.63.18"])
def test_every_version_reads_back_the_same(published: FakeMetabase, version: str) -> None:
    published.version = version
    assert metabase.apply(VALUES).to_do == 0
    assert published.writes() == []
    assert metabase.apply(VALUES | {"currency": "EUR"}).to_do > 0
    assert metabase.plan(VALUES | {"currency": "EUR"}).to_do == 0


def test_a_password_is_sent_again_only_when_asked(published: FakeMetabase, configure) -> None:
    configure(METABASE_DB_PASSWORD="another one")
    assert metabase.plan(VALUES).to_do == 0
    assert actions(metabase.apply(VALUES, rotate=True)) == {"Shop": UPDATE}
    assert next(iter(published.databases.values()))["details"]["password"] == "another one"
    configure(METABASE_DB_PASSWORD=CANARY)
    metabase.apply(VALUES, rotate=True)


def test_without_an_address_it_is_skipped(configure) -> None:
    assert metabase.plan(VALUES).sentence.startswith("Skipped: METABASE_URL is not set")
    assert [outcome.skipped for outcome in metabase.publish(VALUES)] == [True, True]


def test_no_secret_is_in_what_is_written_or_raised(site: FakeMetabase, own_folders: Path) -> None:
    metabase.apply(VALUES)
    site.faults["sync"] = "never"
    card(site, REVENUE)["display"] = "gauge"
    metabase.apply(VALUES, force=True)
    texts = [path.read_text(encoding="utf-8") for path in own_folders.rglob("*.json")]
    assert len(texts) == 2
    assert not [text for text in texts if CANARY in text or API_KEY in text]


def test_a_copy_of_our_dashboard_is_recognised(published: FakeMetabase) -> None:
    published.dashboards[9_001] = copy.deepcopy(board(published)) | {"id": 9_001, "name": "Executive - Duplicate"}
    assert metabase.plan(VALUES).to_do == 0
    published.dashboards[9_001]["name"] = "Executive"
    with pytest.raises(MetabaseError, match=r"two dashboards “Executive” .*/dashboard/9001"):
        metabase.apply(VALUES)
