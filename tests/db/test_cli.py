"""The database commands, as a shell runs them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from lib import settings
from lib.db import cli
from tests.conftest import ENCODED, PASSWORD, ask

pytestmark = pytest.mark.slow


def command(*arguments: str, script: str = "") -> subprocess.CompletedProcess[str]:
    """Run `python -m lib.db.cli` as a shell does."""
    line = [sys.executable, "-m", "lib.db.cli", *arguments]
    return subprocess.run(line, cwd=settings.PROJECT, input=script, capture_output=True, text=True, check=False)


def test_url_prints_only_the_address(configure) -> None:
    address = f"postgresql://u:{ENCODED}@localhost:5433/shop?sslmode=prefer"
    configure(DATABASE_URL=address)
    done = command("url")
    assert (done.stdout, done.stderr, done.returncode) == (address + "\n", "", 0)


def test_psql_runs_a_script_from_standard_input(configure, role: str, empty_database: sa.URL) -> None:
    at = empty_database
    configure(
        DATABASE_URL="", DB_HOST=at.host, DB_PORT=at.port, DB_NAME=at.database, DB_USER=role, DB_PASSWORD=PASSWORD
    )
    done = command("psql", "--tuples-only", "--no-align", script="SELECT current_user, 100 % 7;\n")
    assert (done.stdout, done.stderr, done.returncode) == (f"{role}|2\n", "", 0)


def test_psql_stops_at_invalid_sql(empty_database: sa.URL) -> None:
    done = command("psql", script="SELEC 1;\nCREATE TABLE never ();\n")
    assert done.returncode == 3
    assert 'syntax error at or near "SELEC"' in done.stderr
    assert ask("SELECT to_regclass('never')") == [(None,)]


def test_status_shows_the_server_without_secrets(empty_database: sa.URL) -> None:
    done = command("status")
    where = f"at {empty_database.host}:{empty_database.port}"
    assert re.fullmatch(rf"external server, PostgreSQL [\d.]+ {where}\n", done.stdout)
    assert done.returncode == 0


def run_main(monkeypatch: pytest.MonkeyPatch, name: str) -> int:
    """Exit code of a command in this process."""
    monkeypatch.setattr(sys, "argv", ["server", name])
    return cli.main()


@pytest.mark.parametrize("name", ["stop", "reset"])
def test_external_server_is_neither_stopped_nor_reset(configure, monkeypatch, capsys, name: str) -> None:
    configure(DB_HOST="localhost")
    assert run_main(monkeypatch, name) == 2
    assert (
        "error: the settings name an external database; only the private server can be stopped"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("name", ["status", "stop", "reset"])
def test_status_stop_and_reset_do_not_start_a_server(monkeypatch, own_folders: Path, name: str) -> None:
    assert run_main(monkeypatch, name) == 0
    assert not own_folders.exists()


def test_unreachable_server_ends_with_one_line(configure, monkeypatch, closed_port: int, capsys) -> None:
    monkeypatch.setattr("lib.db.connection.STARTING_UP_SECONDS", 0)
    configure(DATABASE_URL=f"postgresql://localhost:{closed_port}/shop")
    assert run_main(monkeypatch, "status") == 4
    assert re.fullmatch(r"error: cannot connect to PostgreSQL at localhost:.*\n", capsys.readouterr().err)
