"""Show the last runs, and what a run would do with each step now."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Column, Table

from lib import settings
from lib.errors import WorkbookError
from lib.formatting import integer
from lib.run import manifest, params, reuse
from lib.run.steps import discover

__all__ = ["main", "runs"]

COLUMNS = ("started (UTC)", "params", "status", "rows", "steps", "seconds")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the last runs and the plan of the next; returns 0, or the exit code of the error."""
    parser = argparse.ArgumentParser(prog="python -m lib.run.status", description=__doc__)
    params.add_options(parser)
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        known = list(runs(settings.output_folder()))
        table = Table(*(Column(name, no_wrap=True) for name in COLUMNS), box=box.SIMPLE)
        for *facts, _ in known:
            table.add_row(*facts)
        console.print(table if known else "no run yet", markup=False)
        for started, *_, errors in known:
            if errors:
                console.print(f"{started}  {errors}", markup=False)
        file, found = params.chosen(options)
        console.print(f"make pipeline with {file.name} would do now:", markup=False)
        steps, earlier = discover(), reuse.latest(settings.output_folder())
        for line in reuse.described(reuse.decide(steps, found.values(), earlier)):
            console.print(f"  {line}", markup=False)
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


def runs(output: Path) -> Iterator[list[str]]:
    """The runs of the output folder, the latest first.

    Returns:
        Per run: start, params file, status, rows in the database, steps that ran or were reused, seconds, and the
        errors of failed steps.
    """
    yield from (_row(run) for _, run in manifest.records(output))


def _row(run: dict[str, Any]) -> list[str]:
    steps = run["steps"]
    status = "killed, or still running" if run["status"] == "running" else run["status"]
    errors = [step["error"] for step in steps if step.get("error")]
    done = [sum(step["status"] == word for step in steps) for word in ("completed", "reused", "kept")]
    counts = [f"{count} {word}" for count, word in zip(done, ("ran", "reused", "kept"), strict=True) if count]
    rows = next((step["rows"] for step in steps if step["step"] == "03_load"), None)
    return [
        f"{datetime.fromisoformat(run['started_at']):%Y-%m-%d %H:%M:%S}",
        run["params_file"],
        status,
        "" if rows is None else integer(rows),
        ", ".join(counts),
        f"{run['seconds']:.1f}" if "seconds" in run else "",
        "; ".join(errors),
    ]


if __name__ == "__main__":
    sys.exit(main())
