"""`.env` for docker compose is complete, random, readable by its owner only, and never overwritten."""

import re
import stat
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values

from lib.settings import PROJECT
from lib.util import dotenv


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path for the file outside the project."""
    monkeypatch.setattr(dotenv, "FILE", tmp_path / ".env")
    return dotenv.FILE


def test_file_is_private_and_never_overwritten(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dotenv.main() == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_text()
    assert dotenv.main() == 2
    assert "exists and is not overwritten" in capsys.readouterr().err
    assert file.read_text() == before


def test_secrets_are_long_distinct_and_new_each_time() -> None:
    one, other = (_values(dotenv.filled(dotenv.EXAMPLE.read_text())) for _ in range(2))
    drawn = [values[name] for values in (one, other) for name in dotenv.SECRETS]
    assert len(set(drawn)) == len(drawn)
    assert all(re.fullmatch(r"[\w-]{33}", secret) and re.search(r"\d", secret) for secret in drawn)


def test_every_required_compose_variable_is_set(file: Path) -> None:
    dotenv.main()
    compose = (PROJECT / "docker-compose.yml").read_text(encoding="utf-8")
    without_default = re.findall(r"\$\{(\w+):(?:\?[^}]*|-)\}", compose)
    values = dotenv_values(file)
    assert {"DB_PASSWORD", "MB_DB_PASSWORD", "MB_ENCRYPTION_SECRET_KEY"} <= set(without_default)
    assert all(values[name] for name in without_default)


def test_metabase_reaches_postgresql_by_its_service_name(file: Path) -> None:
    dotenv.main()
    values = dotenv_values(file)
    services = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    assert values["METABASE_DB_HOST"] in services
    assert services[values["METABASE_DB_HOST"]]["ports"][0].endswith(f":{values['METABASE_DB_PORT']}")


def test_missing_folder_is_an_error(file: Path, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(dotenv, "FILE", file.parent / "nowhere" / ".env")
    assert dotenv.main() == 1
    assert "No such file or directory" in capsys.readouterr().err


def _values(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
