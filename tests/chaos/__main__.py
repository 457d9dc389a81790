"""Inject N faults into running loads, print them by kind, and report the number of invalid states."""

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lib.data.synthetic import Counts
from tests.chaos.faults import FAULTS, Skipped
from tests.chaos.runs import kill_runs
from tests.chaos.sandbox import Sandbox, sandbox

__all__ = ["kinds", "main", "run"]

SHOP = Counts(marketing_campaigns=20, users=500, products=100, orders=900, events=40_000)
MODES = ("replace", "replace", "append")


def kinds(n: int, rng: random.Random) -> list[str]:
    """Draw n kinds of faults by their weights, each at least once if n is large enough."""
    names, weights = list(FAULTS), [often for often, _ in FAULTS.values()]
    chosen = names[:n] + rng.choices(names, weights, k=max(n - len(names), 0))
    rng.shuffle(chosen)
    return chosen


def run(
    where: Sandbox, chosen: Sequence[str], rng: random.Random, modes: Sequence[str] = MODES
) -> tuple[Counter, list[str], dict[str, str]]:
    """Inject faults of these kinds.

    Returns:
        Count by kind and rows that it left, a text for each invalid state, and the reason for each skipped kind.
    """
    counts, problems, skipped = Counter(), [], {}
    for number, kind in enumerate(chosen):
        mode = rng.choice(modes)
        try:
            outcome = FAULTS[kind][1](where, rng, mode)
        except Skipped as reason:
            skipped[kind] = str(reason)
            continue
        before, found = where.present, where.problems(outcome)
        counts[kind, "new rows" if where.present != before else "old rows"] += 1
        problems += [f"{number}. {kind}, {mode}: {problem}" for problem in found + where.repair()]
    return counts, problems, skipped


def _show(counts: Counter, skipped: dict[str, str]) -> None:
    shown = Table("fault", "times", "old rows", "new rows")
    for kind in FAULTS:
        old, new = counts[kind, "old rows"], counts[kind, "new rows"]
        shown.add_row(kind, str(old + new) if kind not in skipped else skipped[kind], str(old), str(new))
    Console().print(shown)


def _report_runs(counts: Counter, problems: list[str]) -> int:
    shown = Table("killed", "then the run", "times")
    for (kind, ended), times in sorted(counts.items()):
        shown.add_row(kind, ended, str(times))
    Console().print(shown)
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    sys.stdout.write(f"wrong states, processes and folders left: {len(problems)}\n")
    return int(bool(problems))


def main() -> int:
    """Inject the faults that the command line asks for; 0 if every state was valid."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("n", nargs="?", type=int, default=50, help="number of faults (50)")
    parser.add_argument("--seed", type=int, default=1, help="start of the random choices")
    parser.add_argument("--broken", action="store_true", help="a load in two transactions, to see that it is detected")
    parser.add_argument("--runs", type=int, default=0, metavar="N", help="kill N whole runs instead of loads")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="workbook-chaos-") as folder, sandbox(Path(folder), SHOP) as where:
        rng = random.Random(options.seed)  # noqa: S311 - faults, not secrets
        if options.runs:
            return _report_runs(*kill_runs(Path(folder) / "output", options.runs, rng))
        modes = ("broken",) if options.broken else MODES
        counts, problems, skipped = run(where, kinds(options.n, rng), rng, modes)
    _show(counts, skipped)
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    sys.stdout.write(f"invalid states: {len(problems)}\n")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
