"""A short fault-injection run with a fixed seed, and proof that a load in two transactions is detected."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.data.synthetic import SAMPLE_COUNTS
from tests.chaos.__main__ import kinds, run
from tests.chaos.faults import FAULTS
from tests.chaos.sandbox import Outcome, Sandbox, sandbox

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Sandbox]]:
    """A server for these tests only, because the faults kill it, and its folder."""
    folder = tmp_path_factory.mktemp("chaos")
    with sandbox(folder, SAMPLE_COUNTS) as made:
        yield folder, made


@pytest.fixture
def here(where: tuple[Path, Sandbox], monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The server and its shops, named by the settings."""
    monkeypatch.setenv("WORKBOOK_OUTPUT", str(where[0]))
    return where[1]


def test_every_fault_leaves_a_valid_state(here: Sandbox) -> None:
    rng = random.Random(7)  # noqa: S311 - faults, not secrets
    counts, problems, skipped = run(here, kinds(len(FAULTS), rng), rng)
    assert problems == []
    assert {kind for kind, _ in counts} | set(skipped) == set(FAULTS)
    assert counts.total() == len(FAULTS) - len(skipped)


def test_a_load_in_two_transactions_is_detected(here: Sandbox) -> None:
    with here.loading("broken") as process:
        assert process.stdout.readline().strip().isdecimal()
        assert process.stdout.readline() == "between\n"
        process.kill()
        process.wait()
    assert any("the database holds neither shop" in problem for problem in here.problems(Outcome(-9, "")))
    assert here.repair() == []


def test_the_reported_outcome_is_compared_with_the_database(here: Sandbox) -> None:
    assert here.problems(Outcome(0, "")) == ["a load that reported success left the old rows"]
    assert here.problems(Outcome(1, "Traceback")) != []
    assert here.problems(Outcome(4, "error: PostgreSQL reported: out of memory; nothing was changed\n")) == []
