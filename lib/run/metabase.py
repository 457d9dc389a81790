"""Command line for Metabase: `python -m lib.run.metabase plan | apply`."""

import argparse
import sys
from collections.abc import Sequence

from lib import settings
from lib.errors import MetabaseError, WorkbookError
from lib.metabase import KEEP, Outcome, apply, plan
from lib.run import manifest, params

__all__ = ["main"]

CHANGES = 2  # exit code of a plan with changes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 if nothing is left to do, 2 for a plan with changes, or the exit code of the error."""
    options = _options(arguments)
    try:
        if not settings.get("METABASE_URL"):
            raise MetabaseError("METABASE_URL is not set; expected its URL. `make env` writes one to .env")
        _, found = params.chosen(options)
        values = manifest.resolved(found.values(), settings.output_folder())
        if options.command == "plan":
            return _print(plan(values, force=options.force))
        return _print(apply(values, force=options.force, rotate=options.rotate))
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lib.run.metabase", description=__doc__)
    parser.add_argument("command", choices=["plan", "apply"])
    params.add_options(parser)
    parser.add_argument("--force", action="store_true", help="overwrite manual edits too, with a backup")
    parser.add_argument("--rotate", action="store_true", help="send Metabase the current database password")
    return parser.parse_args(arguments)


def _print(outcome: Outcome) -> int:
    """Print the outcome; returns its exit code, an error if manual edits kept objects from being updated."""
    for change in outcome.changes:
        if change.action != KEEP:
            facts = (change.action, change.kind, change.key, change.link, change.note)
            sys.stdout.write("  ".join(fact for fact in facts if fact) + "\n")
    sys.stdout.write(f"{outcome.sentence}\n" + (f"open {outcome.link}\n" if outcome.link else ""))
    if outcome.edited and outcome.applied:
        return MetabaseError.exit_code
    return CHANGES if outcome.to_do and not outcome.applied else 0


if __name__ == "__main__":
    sys.exit(main())
