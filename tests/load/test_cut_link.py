"""A worker whose link is cut in mid-load: the load ends all the same, and every row is there once."""

import os
from pathlib import Path

import pytest

from tests.cut_link import allowed, cut_link


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a network for a process")
def test_a_load_ends_within_two_minutes_of_a_cut_link(tmp_path: Path) -> None:
    if refusal := allowed():
        pytest.skip(f"this machine cannot make a network for a process: {refusal}")
    ended = cut_link(tmp_path, given_up_s=3)
    assert ended["seconds"] < 120
    assert ended["rows"] > 950_000
