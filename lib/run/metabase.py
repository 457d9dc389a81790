"""The commands over Metabase: `python -m lib.run.metabase plan | apply`."""

import argparse
import sys
from collections.abc import Sequence

from lib import settings
from lib.errors import MetabaseError, WorkbookError
from lib.metabase.publishing import Outcome, apply, plan
from lib.metabase.site import KEEP
from lib.run import params

__all__ = ["main"]

CHANGES = 2  # exit code of a plan that has something to do


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 for nothing to do or all done, 2 for a plan with changes, else the exit code of the error."""
    options = _options(arguments)
    try:
        if not settings.get("METABASE_URL"):
            raise MetabaseError("METABASE_URL is not set; wanted the address of a Metabase, such as `make env` writes")
        given = [*options.set, *([f"data={options.data}"] if options.data else [])]
        values = params.load(params.find(options.params), given).values()
        if options.command == "plan":
            return _told(plan(values, force=options.force))
        return _told(apply(values, force=options.force, rotate=options.rotate))
    except WorkbookError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lib.run.metabase", description=__doc__)
    parser.add_argument("command", choices=["plan", "apply"])
    parser.add_argument("--params", default="demo", metavar="FILE", help="a params file, or its name in params/ (demo)")
    parser.add_argument("--data", default="", metavar="FILE", help="the shop's own export, for params that map it")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a parameter over the file's")
    parser.add_argument("--force", action="store_true", help="overwrite what was edited by hand too; a backup is kept")
    parser.add_argument("--rotate", action="store_true", help="give Metabase the password of the database anew")
    return parser.parse_args(arguments)


def _told(outcome: Outcome) -> int:
    """Print the outcome; the exit code that it has: edits by hand keep Metabase from being as it should be."""
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
