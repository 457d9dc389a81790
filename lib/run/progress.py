"""Progress of a run on the terminal: step, cell and outcome; plain lines when output is not a terminal."""

from itertools import count
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

__all__ = ["Lines"]


class Lines:
    """One line per step when it ends, with the number of steps that have ended; live bars on a terminal."""

    def __init__(self, steps: list[str]) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        columns = (
            TextColumn("{task.description:14}"),
            BarColumn(24),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
        )
        self._bars = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._ended = count(1)
        self._tasks = {step: self._bars.add_task(step, start=False, total=1, note="", visible=False) for step in steps}

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

    def cell(self, step: str, number: int, count: int) -> None:
        """Show that cell `number` of `count` starts."""
        self._bars.update(self._tasks[step], completed=number - 1, total=count, note=f"cell {number}/{count}")

    def end(self, step: str, note: str) -> None:
        """Replace the bar of a step by a line with its outcome, `note`."""
        self._bars.update(self._tasks[step], visible=False, refresh=True)
        self.say(f"{next(self._ended)}/{len(self._tasks)}  {step:<14} {note}")
