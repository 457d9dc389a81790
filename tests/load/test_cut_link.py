"""A worker loses its network during the load: the load completes, and every row is loaded exactly once."""

import os
from pathlib import Path

import pytest

from tests.cut_link import allowed, cut_link

pytestmark = pytest.mark.slow


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a network for a process")
def test_a_load_ends_within_two_minutes_of_a_network_cut(tmp_path: Path) -> None:
    if refusal := allowed():
        pytest.skip(f"this machine cannot make a network for a process: {refusal}")
    ended = cut_link(tmp_path, given_up_s=3)
    assert ended["seconds"] < 120
    assert ended["rows"] > 950_000
