"""A short run of the faults with a fixed seed; and a load that is not all-or-nothing is found out."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.data.synthetic import DEMO_COUNTS
from tests.chaos.__main__ import kinds, run
from tests.chaos.faults import FAULTS
from tests.chaos.place import Place, Told, place


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Place]]:
    """A server of these tests only, since it is killed time and again; and its folder."""
    folder = tmp_path_factory.mktemp("chaos")
    with place(folder, DEMO_COUNTS) as made:
        yield folder, made


@pytest.fixture
def here(where: tuple[Path, Place], monkeypatch: pytest.MonkeyPatch) -> Place:
    """The place, with the settings that lead there."""
    monkeypatch.setenv("WORKBOOK_OUTPUT", str(where[0]))
    return where[1]


def test_every_fault_leaves_a_right_state(here: Place) -> None:
    rng = random.Random(7)  # noqa: S311 - faults, not secrets
    counts, wrongs, left_out = run(here, kinds(len(FAULTS), rng), rng)
    assert wrongs == []
    assert {kind for kind, _ in counts} | set(left_out) == set(FAULTS)
    assert counts.total() == len(FAULTS) - len(left_out)


def test_a_load_in_two_transactions_is_found_out(here: Place) -> None:
    with here.loading("broken") as process:
        assert process.stdout.readline().strip().isdecimal()
        assert process.stdout.readline() == "between\n"
        process.kill()
        process.wait()
    assert any("the database holds neither shop" in wrong for wrong in here.wrongs(Told(-9, "")))
    assert here.repair() == []


def test_what_a_load_says_must_be_true(here: Place) -> None:
    assert here.wrongs(Told(0, "")) == ["a load that said it was good left the old rows"]
    assert here.wrongs(Told(1, "Traceback")) != []
    assert here.wrongs(Told(4, "error: PostgreSQL reported: out of memory; nothing was changed\n")) == []
