"""Where the faults happen: a server of its own, two shops of the same keys, and what is true of a right state."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
import tenacity

from lib import db, load, settings
from lib.data import parquet, synthetic
from lib.db import private, schema
from lib.db.url import private_folder
from tests.chaos.loader import AS_OF
from tests.runner import until

__all__ = ["Place", "Told", "place"]

OURS = ("DATABASE_URL", "DB_HOST", "METABASE_URL", "WORKBOOK_RUN")
SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE application_name LIKE 'workbook pid %' AND application_name !~ ('^workbook pid ' || :own || '( |$)')
"""
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
ORPHANS = """
    SELECT (SELECT count(*) FROM order_items LEFT JOIN orders USING (order_id) WHERE orders.order_id IS NULL)
        + (SELECT count(*) FROM orders LEFT JOIN users USING (user_id) WHERE users.user_id IS NULL)
        + (SELECT count(*) FROM orders WHERE total_amount = 'NaN')
"""


@dataclass(frozen=True)
class Told:
    """How a load ended: its exit code, negative for a signal, and what it said."""

    code: int
    words: str

    @property
    def good(self) -> bool:
        """Whether it said that all is loaded."""
        return self.code == 0

    @property
    def silent(self) -> bool:
        """Whether it was killed, and so could say nothing."""
        return self.code < 0

    @property
    def undecided(self) -> bool:
        """Whether it said that it cannot know what became of its rows."""
        return "either the old rows or the new ones, never a mix" in self.words

    @property
    def in_words(self) -> bool:
        """Whether it ended as a person can understand: in one sentence, and with the code of a kind of error.

        The driver writes a line of its own about a server that vanishes, where no notebook shows it.
        """
        lines = self.words.splitlines() or [""]
        sentences = [line for line in lines if line.startswith("error: ")]
        return sentences == lines[-1:] and "Traceback" not in self.words and self.code in (3, 4)


@dataclass
class Place:
    """Two shops by name, the fingerprint of each once loaded, the seconds that takes, and which of them is there."""

    folders: dict[str, Path]
    fingerprints: dict[str, str]
    seconds: float
    present: str = "a"

    @property
    def other(self) -> str:
        """The shop that is not in the database."""
        return {"a": "b", "b": "a"}[self.present]

    @contextmanager
    def loading(self, mode: str, **environment: str) -> Iterator[subprocess.Popen]:
        """A load of the other shop under way, in a process group of its own."""
        command = [sys.executable, "-m", "tests.chaos.loader", mode, str(self.folders[self.other])]
        with subprocess.Popen(
            command, cwd=settings.PROJECT, env=os.environ | environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def wrongs(self, told: Told) -> list[str]:
        """Defects of the state after a load, given its message; sets which shop is present."""
        db.engine().dispose()
        wrongs = [] if told.good or told.silent or told.in_words else [f"not in words: {told}"]
        found = self._found()
        shops = [name for name, mark in self.fingerprints.items() if mark == found]
        if not shops:
            return [*wrongs, f"the database holds neither shop ({found})"]
        if told.good and shops[0] != self.other:
            wrongs.append("a load that said it was good left the old rows")
        if not told.good and not told.silent and not told.undecided and shops[0] != self.present:
            wrongs.append("a load that said it failed left the new rows")
        self.present = shops[0]
        return wrongs + self._left_behind()

    def _found(self) -> str:
        with db.transaction() as connection:
            return load.fingerprint(connection)

    def _left_behind(self) -> list[str]:
        """Sessions, locks and orphans that are there ten seconds after the fault."""
        left = [
            f"{what} are left" for what, question in {"sessions": SESSIONS, "locks": LOCKS}.items() if _stays(question)
        ]
        return left + [f"{number} orphans" for number in [ask(ORPHANS)] if number]

    def repair(self) -> list[str]:
        """Load the other shop without a fault; what is wrong when that does not give exactly its rows."""
        with self.loading("replace") as process:
            _, words = process.communicate(timeout=60)
        return [f"again, without a fault: {wrong}" for wrong in self.wrongs(Told(process.returncode, words))] + (
            [] if process.returncode == 0 else [f"a load without a fault ended with {words}"]
        )


def _stays(question: str) -> bool:
    """Whether there is still something to count after ten seconds."""
    try:
        until(lambda: ask(question) == 0, 10)
    except tenacity.RetryError:
        return True
    return False


def ask(question: str) -> int:
    """A number from the database."""
    with db.transaction() as connection:
        bound = {"own": os.getpid()} if ":own" in question else {}
        return connection.execute(sa.text(question), bound).scalar_one()


@contextmanager
def place(folder: Path, counts: synthetic.Counts) -> Iterator[Place]:
    """A server with the first of two shops of such sizes loaded, until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        for name in OURS:
            patch.delenv(name, raising=False)
        patch.setenv("WORKBOOK_ENV_FILE", "")
        patch.setenv("WORKBOOK_OUTPUT", str(folder))
        private.start(private_folder(), fsync=False)
        try:
            yield _filled(folder, counts)
        finally:
            db.engine().dispose()
            private.reset(private_folder())


def _filled(folder: Path, counts: synthetic.Counts) -> Place:
    """The place, once both shops have been loaded, the first one last."""
    with db.transaction() as connection:
        schema.create(connection)
    made, marks, took = _shops(folder, counts), {}, 0.0
    for name in ("b", "a"):
        took = load.replace(made[name], as_of=AS_OF).seconds
        with db.transaction() as connection:
            marks[name] = load.fingerprint(connection)
    return Place(made, marks, took)


def _shops(folder: Path, counts: synthetic.Counts) -> dict[str, Path]:
    """Two shops with the same keys: the second has other names and cities."""
    shop = synthetic.generate_shop(counts)
    renamed = {
        "products": shop["products"].assign(name="New " + shop["products"]["name"]),
        "users": shop["users"].assign(city="New " + shop["users"]["city"]),
        "orders": shop["orders"].assign(shipping_city="New " + shop["orders"]["shipping_city"]),
    }
    for name, frames in {"a": shop, "b": shop | renamed}.items():
        parquet.write_tables(frames, folder / name)
    return {name: folder / name for name in ("a", "b")}
