"""Progress of a run: a table that changes on a terminal, plain lines elsewhere, or JSON lines for other programs."""

import json
import os
import sys
from itertools import count
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

__all__ = ["JsonLines", "Lines", "Reporter"]


class Reporter(Protocol):
    """Methods that a run calls as it goes on; it is a context that lasts as long as the run."""

    def __enter__(self) -> "Reporter": ...

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def say(self, text: str) -> None:
        """A fact on the whole run."""

    def start(self, step: str) -> None:
        """A step starts."""

    def cell(self, step: str, number: int, count: int, heading: str) -> None:
        """Cell `number` of `count` starts, in the section with this heading."""

    def end(self, step: str, note: str) -> None:
        """A step has ended; `note` is its outcome."""


def _silence() -> None:
    """Write nothing more: the program that read the output has ended, as in `| head`, but the run goes on."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Console(Console):
    def on_broken_pipe(self) -> None:
        _silence()


class Lines:
    """One line per step when it ends, with the number of steps that have ended; a table of bars on a terminal.

    Args:
        steps: Seconds that each step took in an earlier run, None where none is known.
    """

    def __init__(self, steps: dict[str, float | None]) -> None:
        self._console = _Console(highlight=False, soft_wrap=True)
        columns = (
            TextColumn("{task.description:14}"),
            BarColumn(24),
            TimeElapsedColumn(),
            TextColumn("{task.fields[usual]}"),
            TextColumn("{task.fields[note]}", markup=False),
        )
        self._bars = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._ended = count(1)
        self._tasks = {
            step: self._bars.add_task(
                step, start=False, total=1, note="", visible=False, usual=f"of about {seconds:.0f} s" if seconds else ""
            )
            for step, seconds in steps.items()
        }

    def __enter__(self) -> "Lines":
        self._bars.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(text, markup=False)

    def start(self, step: str) -> None:
        """Show the bar of a step that starts."""
        self._bars.start_task(self._tasks[step])
        self._bars.update(self._tasks[step], visible=True)

    def cell(self, step: str, number: int, count: int, heading: str) -> None:
        """Show that cell `number` of `count` starts."""
        note = f"cell {number}/{count}  {heading}"
        self._bars.update(self._tasks[step], completed=number - 1, total=count, note=note)

    def end(self, step: str, note: str) -> None:
        """Replace the bar of a step by a line with its outcome."""
        self._bars.update(self._tasks[step], visible=False, refresh=True)
        self.say(f"{next(self._ended)}/{len(self._tasks)}  {step:<14} {note}")


class JsonLines:
    """One JSON object per line for each event: run, start, cell and end."""

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def say(self, text: str) -> None:
        """A fact on the whole run: {"event": "run", "text": …}."""
        self._write(event="run", text=text)

    def start(self, step: str) -> None:
        """{"event": "start", "step": …}."""
        self._write(event="start", step=step)

    def cell(self, step: str, number: int, count: int, heading: str) -> None:
        """{"event": "cell", "step": …, "cell": …, "cells": …, "section": …}."""
        self._write(event="cell", step=step, cell=number, cells=count, section=heading)

    def end(self, step: str, note: str) -> None:
        """{"event": "end", "step": …, "outcome": …}."""
        self._write(event="end", step=step, outcome=note)

    def _write(self, **event: object) -> None:
        try:
            sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            _silence()
