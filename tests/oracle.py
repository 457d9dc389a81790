"""Lets Metabase's own command-line client read what is published into the stand-in: a check of both by a third.

It is fetched with npm into a temporary folder. The client refuses answers that are not of the shape it knows, and what
it reads is compared with what was published.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lib import db as database
from lib import load, metabase
from lib.catalog import tables
from lib.data import synthetic
from lib.data.parquet import write_tables
from lib.db import private, schema
from lib.db.url import private_folder
from lib.db.views import VIEWS
from lib.errors import UsageError, WorkbookError
from lib.metabase import questions as asked
from lib.metabase import spec
from lib.run import params
from tests.fake_metabase import API_KEY, FakeMetabase, serving

__all__ = ["main"]

CLIENT = "@metabase/cli@0.3.1"
SETTINGS = ("DATABASE_URL", "DB_HOST", "WORKBOOK_RUN", "METABASE_USER", "METABASE_DB_HOST", "METABASE_DB_PORT")
SECRET = "only-for-this-run-1"
Check = tuple[list[str], Callable[[Any], bool]]


def main() -> int:
    """Publish, let the client read, print a line per command; the exit code is 1 when one does not come out right."""
    try:
        with tempfile.TemporaryDirectory(prefix="workbook-oracle-") as folder:
            program = _installed(Path(folder))
            with _published(Path(folder)) as fake:
                results = [_checked(program, Path(folder), fake, *check) for check in _checks(fake)]
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(f"{sum(results)} of {len(results)} commands of Metabase's own client came out right\n")
    return 0 if all(results) else 1


def _installed(folder: Path) -> Path:
    npm = shutil.which("npm")
    if not npm:
        raise UsageError(
            "npm is not installed; Metabase's own client is fetched with it, and only this target needs it"
        )
    command = [npm, "install", "--prefix", str(folder / "npm"), "--no-audit", "--no-fund", "--loglevel=error", CLIENT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise UsageError(f"npm cannot install {CLIENT}: {done.stderr.strip()[-300:]}")
    return folder / "npm" / "node_modules" / ".bin" / "mb"


@contextmanager
def _published(folder: Path) -> Iterator[FakeMetabase]:
    """The stand-in after the sample shop was loaded into a private server of its own and published."""
    with pytest.MonkeyPatch.context() as patch, serving() as fake:
        for name in SETTINGS:
            patch.delenv(name, raising=False)
        own = {"WORKBOOK_ENV_FILE": "", "WORKBOOK_OUTPUT": str(folder / "output"), "METABASE_URL": fake.url}
        for name, value in (own | {"METABASE_API_KEY": API_KEY, "METABASE_DB_PASSWORD": SECRET}).items():
            patch.setenv(name, value)
        patch.setattr("lib.metabase.warehouse.POLL_S", 0.05)
        try:
            _load(folder / "demo")
            metabase.apply(params.load(params.find("sample")).values())
            yield fake
        finally:
            database.engine().dispose()
            private.reset(private_folder())


def _load(folder: Path) -> None:
    write_tables(synthetic.generate_shop(), folder)
    with database.transaction() as connection:
        schema.create(connection)
    load.replace(folder, as_of=params.load(params.find("sample")).values()["as_of"])


def _checks(fake: FakeMetabase) -> Iterator[Check]:
    """Commands, and what must be true of their answers."""
    (db,), (collection,), (board,) = fake.databases, fake.collections, fake.dashboards
    questions = {question.name: question for question in spec.load().questions}
    placed = fake.dashboards[board]["dashcards"]
    orders = next(table for table in fake.tables.values() if table["name"] == "orders")
    yield ["db", "list"], lambda it: [one["name"] for one in it["data"]] == ["Shop"]
    yield ["db", "get", db], lambda it: (it["engine"], it["name"]) == ("postgres", "Shop")
    there = {*tables(), *VIEWS}
    yield ["db", "get", db, "--include", "tables"], lambda it: {one["name"] for one in it["tables"]} == there
    yield ["table", "list"], lambda it: {one["name"] for one in it["data"]} == there
    yield ["table", "fields", orders["id"]], lambda it: len(it["data"]) == len(orders["fields"])
    yield ["table", "get", orders["id"]], lambda it: it["name"] == "orders"
    yield ["field", "get", orders["fields"][0]["id"]], lambda it: it["name"] == "order_id"
    yield ["collection", "list"], lambda it: "Shop Analytics" in [one["name"] for one in it["data"]]
    yield ["collection", "get", collection], lambda it: it["name"] == "Shop Analytics"
    yield ["collection", "items", collection], lambda it: len(it["data"]) == len(questions) + 1
    yield ["dashboard", "list"], lambda it: [one["name"] for one in it["data"]] == ["Executive"]
    yield ["dashboard", "get", board, "--full"], lambda it: _is_laid_out(it, placed)
    yield ["dashboard", "cards", board], lambda it: len(it["data"]) == len(placed)
    for number, card in fake.cards.items():
        question = questions[card["name"]]
        yield ["card", "get", number, "--full"], lambda it, q=question: _sql(it) == asked.template(q.sql)
        yield ["card", "query", number], lambda it, q=question: _answers(it, q)


def _is_laid_out(it: dict[str, Any], placed: list[dict[str, Any]]) -> bool:
    names = ("card_id", "dashboard_tab_id", "col", "row", "size_x", "size_y", "parameter_mappings")
    read, written = ([[one[name] for name in names] for one in cards] for cards in (it["dashcards"], placed))
    return read == written and [tab["name"] for tab in it["tabs"]] == ["Overview", "Customers"]


def _sql(it: dict[str, Any]) -> str:
    return it["dataset_query"]["stages"][0]["native"]


def _answers(it: dict[str, Any], question: spec.Question) -> bool:
    columns = {column["name"] for column in it["data"]["cols"]}
    return it["status"] == "completed" and bool(it["data"]["rows"]) and columns >= set(asked.named_columns(question))


def _checked(program: Path, home: Path, fake: FakeMetabase, command: list, right: Callable[[Any], bool]) -> bool:
    """Whether the command ends well and its answer is right; says so."""
    words = [str(word) for word in command]
    own = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "MB_URL": fake.url, "MB_API_KEY": API_KEY}
    done = subprocess.run(
        [program, *words, "--json", "--max-bytes", "0"], env=os.environ | own, capture_output=True, text=True,
        check=False, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    try:
        good = not done.returncode and right(json.loads(done.stdout))
    except (KeyError, ValueError):
        good = False
    said = "" if good else f": {(done.stderr or done.stdout).strip()[:400]}"
    sys.stdout.write(f"{'right' if good else 'WRONG'}  mb {' '.join(words)}{said}\n")
    return good


if __name__ == "__main__":
    sys.exit(main())
