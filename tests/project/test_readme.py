"""Tests of README and CONTRIBUTING: every path, command and notebook that they name exists."""

import re

import pytest

from lib.settings import PROJECT
from tests.run.test_notebooks import PATHS

TEXT = (PROJECT / "README.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):.*## ", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake (?:-s )?([a-z][a-z-]*)", TEXT)) - {"and"}))
def test_every_target_exists(target: str) -> None:
    assert target in TARGETS


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:lib|params|notebooks|tests)/[\w./]*)`", TEXT))))
def test_every_path_exists(name: str) -> None:
    assert (PROJECT / name).exists()


def test_every_notebook_of_the_workbook_is_listed() -> None:
    assert re.findall(r"^\| `(\d\d_\w+)`", TEXT, re.MULTILINE) == sorted(path.stem for path in PATHS)


@pytest.mark.parametrize("image", re.findall(r"!\[.+\]\((.+)\)", TEXT))
def test_every_picture_exists(image: str) -> None:
    assert (PROJECT / image).stat().st_size < 500_000


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m (lib[.\w]+)", TEXT))))
def test_every_module_exists(module: str) -> None:
    assert (PROJECT / f"{module.replace('.', '/')}.py").exists()


@pytest.mark.parametrize("setting", sorted(set(re.findall(r"\b(DATABASE_URL|DB_[A-Z]+)\b", TEXT))))
def test_every_setting_is_in_the_example(setting: str) -> None:
    assert setting in (PROJECT / ".env.example").read_text(encoding="utf-8")
