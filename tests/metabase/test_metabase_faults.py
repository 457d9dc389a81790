"""Tests of what can go wrong with a Metabase: one clear sentence, the exit code, nothing half-made unsaid, repair."""

import re
from contextlib import suppress

import httpx
import pytest
import sqlalchemy as sa

from lib import db, metabase
from lib.db import locks, schema
from lib.errors import MetabaseError
from lib.metabase import questions, session
from lib.metabase.client import Client
from lib.run.metabase import main
from tests.conftest import PASSWORD as LOGIN_PASSWORD
from tests.fake_metabase import ADMIN, PASSWORD, FakeMetabase
from tests.metabase.test_publishing import MADE, QUESTIONS, REVENUE, TABLES, VALUES, actions, board, card

Sentence = pytest.CaptureFixture[str]


def failed(capsys: Sentence, command: str = "apply") -> str:
    """The one sentence with which the command ended with exit code 5."""
    assert main([command]) == 5
    words = capsys.readouterr().err
    assert words.startswith("error: ")
    assert words.count("\n") == 1
    return words


def sent(fake: FakeMetabase, method: str, path: str) -> int:
    return sum(1 for asked, where, _ in fake.requests if (asked, where) == (method, path))


@pytest.fixture
def by_password(site: FakeMetabase, configure) -> FakeMetabase:
    """The stand-in, entered with user and password."""
    configure(METABASE_API_KEY="", METABASE_USER=ADMIN, METABASE_PASSWORD=PASSWORD)
    return site


# The commands


def test_exit_codes_of_the_commands(site: FakeMetabase, capsys: Sentence) -> None:
    assert main(["plan"]) == 2
    assert main(["apply"]) == 0
    assert main(["plan"]) == 0
    assert f"Nothing to do: keep {MADE + TABLES}." in capsys.readouterr().out
    card(site, REVENUE)["name"] = "Money"
    assert main(["plan"]) == 0
    assert main(["apply"]) == 5
    assert "ARGS=--force" in capsys.readouterr().out
    assert main(["apply", "--force"]) == 0


def test_a_command_needs_an_address(capsys: Sentence) -> None:
    assert "METABASE_URL is not set" in failed(capsys, "plan")


def test_unknown_params_are_a_usage_error(site: FakeMetabase, capsys: Sentence) -> None:
    assert main(["apply", "--params", "dmeo"]) == 2


# The way there


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("localhost:3000", "is not a URL"),
        ("http://user:secret@127.0.0.1:3000", "contains a password or a query"),
        ("http://metabase.example.com", "begins with http://"),
    ],
)
def test_a_useless_address_is_reported_without_its_secrets(url: str, words: str, configure, capsys: Sentence) -> None:
    configure(METABASE_URL=url, METABASE_API_KEY="mb_key")
    said = failed(capsys)
    assert words in said
    assert "secret" not in said


def test_a_metabase_that_is_down(site: FakeMetabase, closed_port: int, configure, monkeypatch, capsys) -> None:
    monkeypatch.setattr(session, "LISTENING_S", 0.05)
    configure(METABASE_URL=f"http://127.0.0.1:{closed_port}")
    assert f"Metabase at http://127.0.0.1:{closed_port} cannot be reached" in failed(capsys)


def test_one_that_is_starting_is_waited_for(published: FakeMetabase) -> None:
    published.faults |= {"health": [{"status": "initializing", "progress": 0.3}] * 2, "properties": ["not yet"]}
    published.faults["GET /api/health"] = [(502, "a proxy's bad gateway")]
    assert metabase.plan(VALUES).to_do == 0
    assert sent(published, "GET", "/api/health") == 5


def test_one_that_never_gets_ready(site: FakeMetabase, monkeypatch, capsys: Sentence) -> None:
    monkeypatch.setattr(session, "READY_S", 0.05)
    site.faults["health"] = [{"status": "initializing", "progress": 0.3}] * 1_000
    assert "was not ready within 0.05 s (initializing, 30%)" in failed(capsys)


def test_something_else_at_the_address(site: FakeMetabase, capsys: Sentence) -> None:
    site.faults["GET /api/health"] = [(404, "Not found.")]
    assert "is not Metabase (404 for /api/health)" in failed(capsys)


def test_one_that_is_too_old(site: FakeMetabase, capsys: Sentence) -> None:
    site.version = "v0.50.36"
    assert "Metabase is v0.50.36; expected at least 0.57" in failed(capsys)


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("v0.58.34", []),
        ("v1.61.11", []),
        ("v0.63.18.2", []),
        ("v0.58.27", ["known vulnerabilities"]),
        ("v0.57.19", ["known vulnerabilities"]),
        ("v0.64.1", ["tested with 0.58 to 0.63"]),
        ("vLOCAL_DEV", ["has the version vLOCAL_DEV"]),
        ("", ["(none)"]),
    ],
)
def test_versions_are_judged(tag: str, words: list[str]) -> None:
    notes = session.version_notes(tag)
    assert len(notes) == len(words)
    assert all(word in note for word, note in zip(words, notes, strict=True))


def test_a_dangerous_version_is_reported_and_served(published: FakeMetabase) -> None:
    published.version = "v0.58.10"
    assert metabase.plan(VALUES).sentence.endswith("Upgrade to 0.58.28 or later.")


def test_what_passes_is_asked_again(published: FakeMetabase) -> None:
    published.faults["GET /api/database"] = [(503, "busy"), (429, "slow down")]
    assert metabase.plan(VALUES).to_do == 0
    assert sent(published, "GET", "/api/database") == 3


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (402, "Cache TTL is a paid feature not currently available to your instance.", "(402): Cache TTL is a paid"),
        (403, "You don't have permissions to do that.", "(403): You don't have permissions"),
        (404, {"message": "Not found."}, "(404): Not found."),
        (400, {"errors": {"name": "x", "tabs": ["y", "z"]}}, "(400): name: x; tabs: y, z"),
        (500, {"via": [{"message": "NULL not allowed"}], "trace": []}, "(500): NULL not allowed"),
    ],
)
def test_a_refusal_shows_the_servers_message(site: FakeMetabase, status, content, words, capsys: Sentence) -> None:
    site.faults["POST /api/collection"] = [(status, content)]
    assert f"refused POST /api/collection {words}" in failed(capsys)
    assert sent(site, "POST", "/api/collection") == 1


def test_what_stays_is_reported(site: FakeMetabase, capsys: Sentence) -> None:
    site.faults["GET /api/database"] = [(502, "bad gateway")] * 9
    assert "refused GET /api/database (502): bad gateway" in failed(capsys)
    assert sent(site, "GET", "/api/database") == 4


def test_a_post_whose_answer_is_lost_is_not_repeated(site: FakeMetabase, capsys: Sentence) -> None:
    site.faults["POST /api/collection"] = [(0, None)]
    assert "cannot be reached" in failed(capsys)
    assert sent(site, "POST", "/api/collection") == 1
    assert main(["apply"]) == 0


def test_waiting_is_what_the_answer_asks_for(monkeypatch: pytest.MonkeyPatch, fake: FakeMetabase) -> None:
    slept: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", slept.append)
    fake.faults["GET /api/health"] = [(429, "later")] * 2 + [(503, "later")]
    original = httpx.Client.request
    monkeypatch.setattr(httpx.Client, "request", lambda *a, **k: _asking_for(original(*a, **k)))
    with Client(fake.url) as client:
        assert client.get("/api/health") == {"status": "ok"}
    assert slept == [3, 3, 8]


def _asking_for(response: httpx.Response) -> httpx.Response:
    """The answer with Retry-After: 3 seconds for 429, far too many for 503."""
    response.headers["Retry-After"] = {429: "3", 503: "3600"}.get(response.status_code, "")
    return response


# Who may come in


def test_a_wrong_key(site: FakeMetabase, configure, capsys: Sentence) -> None:
    configure(METABASE_API_KEY="mb_wrong")
    said = failed(capsys)
    assert "rejects METABASE_API_KEY (401)" in said
    assert "mb_wrong" not in said


def test_a_key_goes_before_a_password(published: FakeMetabase, configure) -> None:
    configure(METABASE_USER=ADMIN, METABASE_PASSWORD="wrong one")
    assert metabase.plan(VALUES).to_do == 0
    assert sent(published, "POST", "/api/session") == 0


def test_a_wrong_password_is_tried_once(by_password: FakeMetabase, configure, capsys: Sentence) -> None:
    configure(METABASE_PASSWORD="wrong one")
    assert "rejects METABASE_USER with METABASE_PASSWORD" in failed(capsys)
    assert sent(by_password, "POST", "/api/session") == 1


def test_a_throttled_login_says_for_how_long(by_password: FakeMetabase, capsys: Sentence) -> None:
    by_password.faults["throttled"] = True
    assert "You must wait 37 seconds" in failed(capsys)
    assert sent(by_password, "POST", "/api/session") == 1


def test_no_login(by_password: FakeMetabase, configure, capsys: Sentence) -> None:
    configure(METABASE_PASSWORD="")
    assert "no Metabase login" in failed(capsys)


def test_an_ordinary_user_is_not_enough(site: FakeMetabase, capsys: Sentence) -> None:
    site.faults["ordinary_user"] = True
    assert "has no administrator rights" in failed(capsys)


def test_a_new_metabase_is_set_up_only_when_told_to(by_password: FakeMetabase, configure, capsys: Sentence) -> None:
    by_password.passwords.clear()
    assert "has no user yet" in failed(capsys)
    configure(METABASE_SETUP="1")
    assert "has no user yet" in failed(capsys, "plan"), "a plan changes nothing"
    assert main(["apply"]) == 0
    assert by_password.passwords == {ADMIN: PASSWORD}
    assert main(["plan"]) == 0, "the second time it is a login"


# The database


def test_a_database_that_metabase_cannot_reach(site: FakeMetabase, closed_port: int, configure, capsys) -> None:
    configure(METABASE_DB_PORT=closed_port)
    said = failed(capsys)
    assert "(400): connection to server" in said
    assert "check METABASE_DB_HOST" in said
    assert (site.databases, site.collections) == ({}, {})
    configure(METABASE_DB_PORT="")
    assert main(["apply"]) == 0


def test_a_database_that_metabase_loses(site: FakeMetabase, capsys: Sentence) -> None:
    site.faults["POST /api/database/1/sync_schema"] = [(422, "Failed to connect to Database")]
    assert "(422): Failed to connect to Database" in failed(capsys)
    assert main(["apply"]) == 0


def test_no_password_for_the_database(site: FakeMetabase, configure, capsys: Sentence) -> None:
    configure(METABASE_DB_PASSWORD="")
    assert "METABASE_DB_PASSWORD is not set; Metabase reads the database “Shop” with it. `make env`" in failed(capsys)


def test_a_user_who_may_not_make_roles(site: FakeMetabase, role: str, metabase_database, configure, capsys) -> None:
    url = metabase_database.set(drivername="postgresql", username=role, password=LOGIN_PASSWORD)
    configure(DATABASE_URL=url.render_as_string(hide_password=False))
    assert main(["apply"]) == 4
    assert (
        "cannot create the login workbook_metabase: the connected user may not create roles" in capsys.readouterr().err
    )
    db.engine().dispose()


def test_nothing_is_published_during_a_load(site: FakeMetabase, capsys: Sentence) -> None:
    with db.transaction() as connection:
        locks.lock(connection)
        assert main(["apply"]) == 4
    assert "another run is loading" in capsys.readouterr().err
    assert site.writes() == []


def test_two_databases_of_the_name(published: FakeMetabase, capsys: Sentence) -> None:
    (first,) = published.databases.values()
    published.databases[9_001] = first | {"id": 9_001}
    assert "several databases “Shop”" in failed(capsys)


def test_another_connection_by_hand_is_left(published: FakeMetabase, configure) -> None:
    configure(METABASE_DB_HOST="localhost")
    done = metabase.apply(VALUES)
    assert actions(done) == {"Shop": "edited by hand"}
    assert "host is 127.0.0.1, not localhost" in done.table["note"].tolist()
    assert actions(metabase.apply(VALUES, force=True)) == {"Shop": "update"}


def test_a_private_server_on_another_port_is_followed(published: FakeMetabase, monkeypatch) -> None:
    (live,) = published.databases.values()
    port = live["details"].pop("port")
    monkeypatch.setattr("lib.metabase.warehouse.external_url", lambda: None)
    assert actions(metabase.apply(VALUES)) == {"Shop": "update"}
    assert live["details"]["port"] == port


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [("METABASE_DB_PORT", "five", "expected a number"), ("DATABASE_URL", "postgresql:///shop", "by a Unix socket")],
)
def test_a_connection_that_metabase_cannot_use(site: FakeMetabase, setting, value, words, configure, capsys) -> None:
    configure(**{setting: value})
    site.databases[1] = {"id": 1, "name": "Shop", "engine": "postgres", "details": {}}
    assert words in failed(capsys, "plan")


def test_a_database_registered_by_hand_is_used(published: FakeMetabase, configure) -> None:
    configure(METABASE_DB_PASSWORD="", METABASE_DB_HOST="elsewhere")
    assert metabase.plan(VALUES).to_do == 0


@pytest.mark.parametrize(
    ("fault", "words"), [("never", "did not find products, "), ("aborted", "permission denied for schema")]
)
def test_a_sync_that_does_not_end(site: FakeMetabase, fault: str, words: str, monkeypatch, capsys: Sentence) -> None:
    monkeypatch.setattr("lib.metabase.warehouse.SYNC_S", 0.2)
    site.faults["sync"] = fault
    assert words in failed(capsys)
    assert site.collections == {}
    site.faults.clear()
    monkeypatch.setattr("lib.metabase.warehouse.SYNC_S", 10)
    assert main(["apply"]) == 0


def test_tables_that_came_after_the_first_look_are_found_by_a_second(site: FakeMetabase, monkeypatch) -> None:
    monkeypatch.setattr("lib.metabase.warehouse.SYNC_S", 0.4)
    site.faults["early"] = [True]
    assert main(["apply"]) == 0
    assert sent(site, "POST", "/api/database/1/sync_schema") == 2


def test_another_database_than_the_workbooks(
    published: FakeMetabase, empty_database: sa.URL, configure, capsys
) -> None:
    configure(METABASE_DB_PASSWORD="")
    with db.transaction() as connection:
        schema.create(connection)
    assert re.search(
        r"the question daily_revenue has 30 rows in Metabase; expected 0, as in the workbook's", failed(capsys)
    )


# The questions and the dashboard


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("SELECT revenu FROM daily_kpis", 'ERROR: column "revenu" does not exist'),
        ("SELECT 1 AS revenues", "lacks the columns ['date', 'revenue'], which its settings name; it has ['revenues']"),
    ],
)
def test_sql_that_is_broken_replaces_nothing(
    published: FakeMetabase, broken: str, words: str, monkeypatch, capsys
) -> None:
    before = card(published, "daily_revenue")["dataset_query"]
    whole = questions.sql
    monkeypatch.setattr(questions, "sql", lambda name: broken if name.endswith("/daily_kpis") else whole(name))
    said = failed(capsys)
    assert "the question daily_revenue (daily_kpis.sql) " in said
    assert words in said
    assert card(published, "daily_revenue")["dataset_query"] == before
    assert published.writes() == []


def test_a_server_that_loses_a_query(site: FakeMetabase, capsys: Sentence) -> None:
    site.faults["loses_query"] = [True]
    assert "the question revenue but did not keep its query as sent; it is marked as unfinished" in failed(capsys)
    assert main(["apply"]) == 0
    assert main(["plan"]) == 0


def test_a_dashboard_that_is_refused(site: FakeMetabase, capsys: Sentence) -> None:
    site.faults["dashboard_fails"] = [True]
    said = failed(capsys)
    assert "value must be seq of maps in which ids are unique" in said
    assert f"The dashboard {site.url}/dashboard/{board(site)['id']} is incomplete. Run again" in said
    assert main(["apply"]) == 0
    assert (len(site.dashboards), len(board(site)["dashcards"]), len(site.cards)) == (1, QUESTIONS, QUESTIONS)


def test_a_dashboard_of_which_parts_are_lost(published: FakeMetabase, capsys: Sentence) -> None:
    board(published)["dashcards"][0]["parameter_mappings"] = []
    published.faults["loses_mappings"] = [True]
    assert main(["apply", "--force"]) == 5
    assert "did not keep its cards as sent. The dashboard" in capsys.readouterr().err
    assert main(["apply"]) == 0
    assert main(["plan"]) == 0


def test_a_dashboard_that_cannot_even_be_marked(site: FakeMetabase, capsys: Sentence) -> None:
    site.faults["dashboard_fails"] = [True, True]
    assert "is incomplete. Run again, with --force if" in failed(capsys)
    assert main(["apply"]) == 0, "a new one is marked from the start"


def test_a_collection_in_the_trash(published: FakeMetabase, capsys: Sentence) -> None:
    (collection,) = published.collections.values()
    collection["archived"] = True
    for one in (*published.cards.values(), *published.dashboards.values()):
        one["archived"] = True
    assert "the collection “Shop Analytics” is in Metabase's trash. Restore it there" in failed(capsys)
    assert main(["apply", "--force"]) == 0
    assert (collection["archived"], len(published.cards)) == (False, QUESTIONS)


def test_two_dashboards_of_the_name(site: FakeMetabase, capsys: Sentence) -> None:
    site.faults["dashboard_fails"] = [True]
    with suppress(MetabaseError):
        metabase.apply(VALUES)
    board(site)["description"] = "A person's own."
    assert "a dashboard “Executive” that is not the workbook's" in failed(capsys)
    assert len(site.dashboards) == 1
    board(site)["name"] = "Mine"
    assert main(["apply"]) == 0


def test_changes_during_the_run_are_kept(published: FakeMetabase, monkeypatch, capsys: Sentence) -> None:
    monkeypatch.setattr(questions, "FILTERS", questions.FILTERS | {"end": "Until"})
    monkeypatch.setattr(
        "lib.metabase.try_questions", lambda site, _: card(published, REVENUE).update(updated_at="later")
    )
    assert "“Net Sales” was changed by someone else during this run and is unchanged. Run again" in failed(capsys)
