"""Tests of progress: one plain line per step, and live bars on a terminal."""

import json
import subprocess
import sys

import pytest

from lib.run import progress
from tests.runner import until

STEPS = {"01_first": None, "02_second": 9.4}


def test_plain_lines_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Lines(STEPS) as lines:
        lines.say("run [r1] of demo.yml")
        lines.start("02_second")
        lines.cell("02_second", 3, 12, "Churn [90 days]")
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
        lines.cell("02_second", 3, 12, "Churn [90 days]")
        assert until(lambda: "of about 9 s cell 3/12  Churn [90 days]" in capsys.readouterr().out)
        lines.end("02_second", "completed")
    assert "1/2  02_second      completed" in capsys.readouterr().out


def test_a_long_line_is_printed_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Lines(STEPS) as lines:
        lines.end("01_first", "x" * 500)
    assert capsys.readouterr().out == f"1/2  01_first       {'x' * 500}\n"


def test_json_lines_for_other_programs(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.JsonLines() as lines:
        lines.say("run r1")
        lines.start("02_second")
        lines.cell("02_second", 3, 12, "Größe")
        lines.end("02_second", "completed in 1.0 s")
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"event": "run", "text": "run r1"},
        {"event": "start", "step": "02_second"},
        {"event": "cell", "step": "02_second", "cell": 3, "cells": 12, "section": "Größe"},
        {"event": "end", "step": "02_second", "outcome": "completed in 1.0 s"},
    ]


@pytest.mark.slow
@pytest.mark.parametrize("lines", ["JsonLines()", "Lines({})"])
def test_a_run_goes_on_after_the_program_that_reads_its_lines_has_ended(lines: str) -> None:
    code = f"from lib.run.progress import *\nwith {lines} as lines:\n    lines.say('1')\n    lines.say('2')\n"
    with subprocess.Popen(
        [sys.executable, "-c", f"{code}input()\nlines.say('3')"],
        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        process.stdout.close()
        process.stdout = None
        assert process.communicate("\n") == (None, "")
    assert process.returncode == 0
