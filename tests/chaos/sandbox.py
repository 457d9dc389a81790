"""Sandbox for the faults: a server of its own, two shops with the same keys, and the invariants of a valid state."""

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

__all__ = ["Outcome", "Sandbox", "sandbox"]

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
class Outcome:
    """How a load ended: its exit code, negative for a signal, and its standard error."""

    code: int
    text: str

    @property
    def succeeded(self) -> bool:
        """Whether it reported success."""
        return self.code == 0

    @property
    def killed(self) -> bool:
        """Whether it was killed and could not report anything."""
        return self.code < 0

    @property
    def undecided(self) -> bool:
        """Whether it reported that the result of its COMMIT is unknown."""
        return "either the old rows or the new ones, never a mix" in self.text

    @property
    def readable(self) -> bool:
        """Whether it failed with one sentence and the exit code of an error class.

        The driver may print another line about a lost server, which no notebook shows.
        """
        lines = self.text.splitlines() or [""]
        sentences = [line for line in lines if line.startswith("error: ")]
        return sentences == lines[-1:] and "Traceback" not in self.text and self.code in (3, 4)


@dataclass
class Sandbox:
    """Two shops by name, the fingerprint of each when loaded, the seconds of a load, and which shop is present."""

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
        """Run a load of the other shop in a process group of its own."""
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

    def problems(self, outcome: Outcome) -> list[str]:
        """Problems of the state that a load left, given its outcome; updates `present`."""
        db.engine().dispose()
        problems = (
            [] if outcome.succeeded or outcome.killed or outcome.readable else [f"not a readable error: {outcome}"]
        )
        found = self._found()
        shops = [name for name, mark in self.fingerprints.items() if mark == found]
        if not shops:
            return [*problems, f"the database holds neither shop ({found})"]
        if outcome.succeeded and shops[0] != self.other:
            problems.append("a load that reported success left the old rows")
        if not outcome.succeeded and not outcome.killed and not outcome.undecided and shops[0] != self.present:
            problems.append("a load that reported failure left the new rows")
        self.present = shops[0]
        return problems + self._left_behind()

    def _found(self) -> str:
        with db.transaction() as connection:
            return load.fingerprint(connection)

    def _left_behind(self) -> list[str]:
        """Sessions, locks and orphaned rows that remain ten seconds after the fault."""
        left = [
            f"{what} are left" for what, question in {"sessions": SESSIONS, "locks": LOCKS}.items() if _stays(question)
        ]
        return left + [f"{number} orphans" for number in [ask(ORPHANS)] if number]

    def repair(self) -> list[str]:
        """Load the other shop without a fault; the problems if its rows are not exactly those."""
        with self.loading("replace") as process:
            _, text = process.communicate(timeout=60)
        return [
            f"again, without a fault: {problem}" for problem in self.problems(Outcome(process.returncode, text))
        ] + ([] if process.returncode == 0 else [f"a load without a fault ended with {text}"])


def _stays(question: str) -> bool:
    """Whether the count is still not zero after ten seconds."""
    try:
        until(lambda: ask(question) == 0, 10)
    except tenacity.RetryError:
        return True
    return False


def ask(question: str) -> int:
    """The number that a query returns."""
    with db.transaction() as connection:
        bound = {"own": os.getpid()} if ":own" in question else {}
        return connection.execute(sa.text(question), bound).scalar_one()


@contextmanager
def sandbox(folder: Path, counts: synthetic.Counts) -> Iterator[Sandbox]:
    """A server with the first of two shops of these sizes loaded, until the block ends."""
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


def _filled(folder: Path, counts: synthetic.Counts) -> Sandbox:
    """Load both shops, the first one last; the sandbox."""
    with db.transaction() as connection:
        schema.create(connection)
    made, marks, took = _shops(folder, counts), {}, 0.0
    for name in ("b", "a"):
        took = load.replace(made[name], as_of=AS_OF).seconds
        with db.transaction() as connection:
            marks[name] = load.fingerprint(connection)
    return Sandbox(made, marks, took)


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
