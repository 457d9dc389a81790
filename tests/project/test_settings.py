"""Settings come from the environment first, then from the `.env` file."""

from pathlib import Path

import pytest

from lib import settings
from lib.errors import UsageError


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file used instead of `.env`."""
    path = tmp_path / "of this test.env"
    monkeypatch.setenv("WORKBOOK_ENV_FILE", str(path))
    monkeypatch.delenv("DB_HOST", raising=False)
    return path


def test_file_is_read(env_file: Path) -> None:
    env_file.write_text("# a comment\nDB_HOST=there\nDB_PASSWORD='p@ss:/#%w'\n")
    assert settings.get("DB_HOST") == "there"
    assert settings.get("DB_PASSWORD") == "p@ss:/#%w"


def test_environment_takes_precedence_over_the_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("DB_HOST=there\n")
    monkeypatch.setenv("DB_HOST", "here")
    assert settings.get("DB_HOST") == "here"


def test_empty_variable_overrides_the_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("DB_HOST=there\n")
    monkeypatch.setenv("DB_HOST", "")
    assert settings.get("DB_HOST") == ""


@pytest.mark.parametrize("text", ["", "DB_HOST=\n", "DB_HOST\n"])
def test_unset_setting_is_empty(env_file: Path, text: str) -> None:
    env_file.write_text(text)
    assert settings.get("DB_HOST") == ""


def test_missing_file_is_not_an_error(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.get("DB_HOST") == ""
    monkeypatch.setenv("WORKBOOK_ENV_FILE", "")
    assert settings.get("DB_HOST") == ""


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.output_folder() == tmp_path / "output"
    assert settings.run_folder() == tmp_path / "output" / "runs" / "interactive"
    monkeypatch.setenv("WORKBOOK_RUN", "seven")
    monkeypatch.setenv("WORKBOOK_OUTPUT", "")
    assert settings.run_folder() == settings.PROJECT / "output" / "runs" / "seven"
    monkeypatch.setenv("WORKBOOK_OUTPUT", "elsewhere")
    assert settings.output_folder() == settings.PROJECT / "elsewhere"


def test_password_is_not_interpolated(env_file: Path) -> None:
    env_file.write_text("DB_PASSWORD='a${HOME}$b'\n")
    assert settings.get("DB_PASSWORD") == "a${HOME}$b"


def test_a_locale_is_used_until_the_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBOOK_LOCALE", raising=False)
    assert settings.locale() == "en_US"
    with settings.use_locale("de_DE"):
        assert settings.locale() == "de_DE"
    assert settings.locale() == "en_US"


def test_a_project_renamed_meanwhile_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "PROJECT", tmp_path / "renamed")
    with pytest.raises(UsageError, match="renamed was renamed or moved while this process runs"):
        settings.output_folder()
    assert not (tmp_path / "renamed").exists()
