"""Makes N faults while shops are loaded, prints them by kind, and ends with the number of wrong states."""

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
from tests.chaos.place import Place, place

__all__ = ["kinds", "main", "run"]

SHOP = Counts(marketing_campaigns=20, users=500, products=100, orders=900, events=40_000)
MODES = ("replace", "replace", "append")


def kinds(n: int, rng: random.Random) -> list[str]:
    """n kinds of faults by their weights, each at least once where n is large enough."""
    names, weights = list(FAULTS), [often for often, _ in FAULTS.values()]
    chosen = names[:n] + rng.choices(names, weights, k=max(n - len(names), 0))
    rng.shuffle(chosen)
    return chosen


def run(
    where: Place, wanted: Sequence[str], rng: random.Random, modes: Sequence[str] = MODES
) -> tuple[Counter, list[str], dict[str, str]]:
    """Make the chosen faults: (kind, what rows it left) with how often, every wrong state, the kinds left out."""
    counts, wrongs, left_out = Counter(), [], {}
    for number, kind in enumerate(wanted):
        mode = rng.choice(modes)
        try:
            told = FAULTS[kind][1](where, rng, mode)
        except Skipped as reason:
            left_out[kind] = str(reason)
            continue
        before, found = where.present, where.wrongs(told)
        counts[kind, "new rows" if where.present != before else "old rows"] += 1
        wrongs += [f"{number}. {kind}, {mode}: {wrong}" for wrong in found + where.repair()]
    return counts, wrongs, left_out


def _show(counts: Counter, left_out: dict[str, str]) -> None:
    shown = Table("fault", "times", "old rows", "new rows")
    for kind in FAULTS:
        old, new = counts[kind, "old rows"], counts[kind, "new rows"]
        shown.add_row(kind, str(old + new) if kind not in left_out else left_out[kind], str(old), str(new))
    Console().print(shown)


def main() -> int:
    """Make the faults that the command line asks for; 0 when every state was right."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("n", nargs="?", type=int, default=50, help="number of faults (50)")
    parser.add_argument("--seed", type=int, default=1, help="start of the random choices")
    parser.add_argument("--broken", action="store_true", help="a load in two transactions, to see that it is found")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="workbook-chaos-") as folder, place(Path(folder), SHOP) as where:
        rng = random.Random(options.seed)  # noqa: S311 - faults, not secrets
        modes = ("broken",) if options.broken else MODES
        counts, wrongs, left_out = run(where, kinds(options.n, rng), rng, modes)
    _show(counts, left_out)
    for wrong in wrongs:
        sys.stdout.write(f"{wrong}\n")
    sys.stdout.write(f"wrong states: {len(wrongs)}\n")
    return int(bool(wrongs))


if __name__ == "__main__":
    sys.exit(main())
