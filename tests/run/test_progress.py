"""Tests of progress: one plain line per step, and live bars on a terminal."""

import pytest

from lib.run import progress
from tests.runner import until

STEPS = ["01_first", "02_second"]


def test_plain_lines_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Lines(STEPS) as lines:
        lines.say("run [r1] of demo.yml")
        lines.start("02_second")
        lines.cell("02_second", 3, 12)
        lines.end("02_second", "completed in 1.0 s, 1,304 rows")
        lines.end("01_first", "completed in 2.0 s")  # side by side, the second step may end before the first
    assert capsys.readouterr().out.splitlines() == [
        "run [r1] of demo.yml",
        "1/2  02_second      completed in 1.0 s, 1,304 rows",
        "2/2  01_first       completed in 2.0 s",
    ]


def test_bars_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with progress.Lines(STEPS) as lines:
        lines.start("02_second")
        lines.cell("02_second", 3, 12)
        assert until(lambda: "cell 3/12" in capsys.readouterr().out)
        lines.end("02_second", "completed")
    assert "1/2  02_second      completed" in capsys.readouterr().out


def test_a_long_line_is_printed_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Lines(STEPS) as lines:
        lines.end("01_first", "x" * 500)
    assert capsys.readouterr().out == f"1/2  01_first       {'x' * 500}\n"
