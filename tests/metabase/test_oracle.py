"""Tests of Metabase's JavaScript library: it is fetched only when asked for, and nothing else needs it."""

import subprocess

import pytest

from lib.settings import PROJECT
from tests import oracle

pytestmark = pytest.mark.slow


def test_without_npm_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(oracle.shutil, "which", lambda _: None)
    assert oracle.main() == 2
    assert capsys.readouterr().err.startswith("error: npm is not installed; ")


def test_the_message_of_npm_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    refused = subprocess.CompletedProcess([], 1, "", "npm error 404 Not Found")
    monkeypatch.setattr(oracle.shutil, "which", lambda _: "npm")
    monkeypatch.setattr(oracle.subprocess, "run", lambda *_, **__: refused)
    assert oracle.main() == 2
    assert "cannot install @metabase/cli@" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["lib", "notebooks", "params", ".ci", ".github"])
def test_nothing_else_needs_node(folder: str) -> None:
    texts = [
        path.read_text(encoding="utf-8", errors="replace") for path in (PROJECT / folder).rglob("*") if path.is_file()
    ]
    assert not [text for text in texts if "@metabase/cli" in text or "npm install" in text]
