"""Tests of what a step depends on: each input is changed once, in a small project, and the step must see it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.run import inputs as module
from lib.run.inputs import changed, inputs
from lib.run.steps import discover

FILES = {
    "lib/__init__.py": "",
    "lib/report/__init__.py": "",
    "lib/report/pages.py": "from lib.report import template",
    "lib/report/template.py": "",
    "lib/sales.py": "def total():\n    from lib.deep import core\n    return core",
    "lib/deep/__init__.py": "",
    "lib/deep/core.py": "",
    "lib/formats/__init__.py": "from importlib import import_module",
    "lib/formats/one.py": "",
    "lib/metabase/__init__.py": "",
    "lib/unused.py": "",
    "lib/sql/sales.sql": "SELECT 1",
}
VALUES = {
    "period": "last_month", "seed": 1, "as_of": "2025-07-01", "time_zone": "UTC", "sales_basis": "placed",
    "locale": "en_US", "data": "", "mapping": None,
}  # fmt: skip


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one notebook, which uses a module, a package that imports by name, and a parameter."""
    monkeypatch.setattr(module, "PROJECT", tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "orders.csv").write_text("a")
    write(tmp_path, 'period: str = "last_month"\ndata: str = ""', "from lib import formats, sales")
    return tmp_path


def write(folder: Path, parameters: str, code: str, **workbook: Any) -> None:
    cells = [
        {"cell_type": "code", "source": parameters, "metadata": {"tags": ["parameters"]}, "outputs": []},
        {"cell_type": "code", "source": code, "metadata": {}, "outputs": [len(code)]},
    ]
    (folder / "notebooks").mkdir(exist_ok=True)
    book = {"cells": cells, "metadata": {"workbook": {"needs": []} | workbook}}
    (folder / "notebooks" / "01_sales.ipynb").write_text(json.dumps(book))


def seen(folder: Path, **values: Any) -> dict[str, Any]:
    """The inputs of the one step."""
    for cached in (module._imports_of, module._modules, discover):
        cached.cache_clear()
    steps = discover(folder / "notebooks")
    return inputs(steps, VALUES | values)[steps[0]]


def edited(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(f"{(folder / name).read_text()}\n# edited")


CHANGES = {
    "a cell": (
        lambda folder: write(folder, "period = 1", "from lib import formats, sales\n1"),
        "its notebook changed",
    ),
    "the metadata": (
        lambda folder: write(folder, 'period: str = "last_month"', "from lib import sales", long=True),
        "its notebook changed",
    ),
    "a module": (edited("lib/sales.py"), "code that it uses changed"),
    "a module of a module": (edited("lib/deep/core.py"), "code that it uses changed"),
    "a package": (edited("lib/deep/__init__.py"), "code that it uses changed"),
    "a module imported by name": (edited("lib/formats/one.py"), "code that it uses changed"),
    "a new module imported by name": (
        lambda folder: (folder / "lib/formats/two.py").touch(),
        "code that it uses changed",
    ),
    "the exporter": (edited("lib/report/template.py"), "code that it uses changed"),
    "a statement": (edited("lib/sql/sales.sql"), "code that it uses changed"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_file_of_the_project_is_seen(name: str, small: Path) -> None:
    before, (change, words) = seen(small), CHANGES[name]
    change(small)
    assert changed(before, seen(small)) == words


@pytest.mark.parametrize("name", ["period", "as_of", "time_zone", "sales_basis", "locale"])
def test_a_changed_parameter_is_seen(name: str, small: Path) -> None:
    assert changed(seen(small), seen(small, **{name: "other"})) == f"{name} changed"


def test_changed_files_of_a_person_are_seen(small: Path) -> None:
    data = {"data": str(small / "orders.csv"), "mapping": {"ad_spend": [str(small / "ads.csv")]}}
    before = seen(small, **data)
    (small / "ads.csv").write_text("day,spend")
    with_spend = seen(small, **data)
    (small / "orders.csv").write_text("b")
    assert [changed(before, with_spend), changed(with_spend, seen(small, **data))] == ["your files changed"] * 2


def test_changed_libraries_are_seen(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = seen(small)
    monkeypatch.setattr(module.sysconfig, "get_path", lambda _name: str(small))
    assert changed(before, seen(small)) == "libraries, settings or the list of reports changed"


@pytest.mark.parametrize(
    ("imported", "words"), [("metabase", "libraries, settings or the list of reports changed"), ("sales", "")]
)
def test_another_metabase_is_seen_by_what_uses_it(
    imported: str, words: str, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(small, 'period: str = "last_month"', f"from lib import {imported}")
    before = seen(small)
    monkeypatch.setenv("METABASE_URL", "http://127.0.0.1:3000")
    assert changed(before, seen(small)) == words


def test_a_parameter_without_a_type_is_seen(small: Path) -> None:
    write(small, 'period = "last_month"', "from lib import sales")
    assert changed(seen(small), seen(small, period="other")) == "period changed"


def test_a_notebook_with_a_command_of_ipython_depends_on_all_code(small: Path) -> None:
    write(small, 'period = "last_month"', "%time from lib import sales")
    before = seen(small)
    edited("lib/unused.py")(small)
    assert changed(before, seen(small)) == "code that it uses changed"


def test_what_the_step_does_not_use_is_not_seen(small: Path) -> None:
    before = seen(small)
    edited("lib/unused.py")(small)
    (small / "lib" / "deep" / "core.pyc").touch()
    assert changed(before, seen(small, seed=2, keep_runs=5)) == ""
