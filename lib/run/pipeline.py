"""Run the notebooks in order with one params file, record the run and publish the reports."""

import argparse
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import filelock

from lib import settings
from lib.errors import OutputError, UsageError, WorkbookError
from lib.run import params
from lib.run.steps import discover
from lib.util.similar import did_you_mean

__all__ = ["main", "run"]

STOPS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Choice:
    """Which steps run: those that changed, or all, or the named ones; and how progress is printed."""

    fresh: bool = False
    names: tuple[str, ...] = ()
    dry: bool = False
    json: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the pipeline as the command line says; returns 0, 130 when stopped, or the exit code of the error."""
    options = _options(arguments)
    for kind in STOPS:
        signal.signal(kind, _stopped)
    try:
        steps = [step.name for step in discover()]
        names = _names(options, steps)
        file, values = _resumed(options) if options.resume else _given(options)
        run(file, values, Choice(options.fresh, names, options.dry_run, options.json))
    except WorkbookError as error:
        _complain(error, debug=options.debug)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(
            "stopped: published reports are unchanged; the database holds either the old data or the new data, "
            "never a mix\n"
        )
        return 130
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lib.run.pipeline", description=__doc__)
    params.add_options(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--resume", action="store_true", help="continue the last run, which failed or was stopped")
    which.add_argument("--fresh", action="store_true", help="run all steps, also those that are unchanged")
    which.add_argument("--only", default="", metavar="STEPS", help="run these steps, such as 04_executive,06_forecast")
    which.add_argument("--from", default="", metavar="STEP", dest="start", help="run this step and all after it")
    parser.add_argument("--dry-run", action="store_true", help="show what a run would do with each step, and why")
    parser.add_argument("--json", action="store_true", help="print progress as JSON lines")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser.parse_args(arguments)


def _names(options: argparse.Namespace, steps: Sequence[str]) -> tuple[str, ...]:
    """The steps that --only and --from name, in order; none without these options."""
    names = [name.strip() for name in options.only.split(",") if name.strip()] or [options.start] * bool(options.start)
    for name in names:
        if name not in steps:
            raise UsageError(f"unknown step {name!r}{did_you_mean(name, steps)}; expected one of {', '.join(steps)}")
    return tuple(steps[steps.index(options.start) :] if options.start else [name for name in steps if name in names])


def _given(options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    file, found = params.chosen(options)
    return file.name, found.values()


def _resumed(options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Params file and parameters of the last run, which did not complete, with overrides."""
    from lib.run import reuse

    if options.params or options.data:
        raise UsageError("--resume takes PARAMS and DATA of the last run. Leave them out, or leave out --resume")
    earlier = reuse.latest(settings.output_folder(), loaded=False)
    if earlier is None or earlier.record.get("status") == "completed":
        state = "no run is recorded" if earlier is None else f"the last run, {earlier.folder.name}, completed"
        raise UsageError(f"--resume: {state}. Run `make pipeline`; steps that are unchanged do not run again")
    return earlier.record["params_file"], params.overridden(earlier.record["given"], options.set).values()


def _stopped(_signal: int, _frame: object) -> None:
    """Stop the run; further signals are ignored while it cleans up."""
    for kind in STOPS:
        signal.signal(kind, signal.SIG_IGN)
    raise KeyboardInterrupt


def _complain(error: WorkbookError, *, debug: bool) -> None:
    if debug:
        traceback.print_exception(error)
        sys.stderr.write(getattr(error, "detail", ""))
    sys.stderr.write("".join(f"error: {line}\n" for line in str(error).splitlines()))


def run(file: str, values: dict[str, Any], choice: Choice = Choice()) -> None:
    """Run the steps that need to run, and publish the reports.

    Args:
        file: Name of the params file.
        values: All parameters, as JSON types.
        choice: Which steps run; those that are unchanged do not, unless it says so.

    Raises:
        WorkbookError: See `lib.run.running.run_steps`; or the run cannot start.
    """
    output = settings.output_folder().resolve()
    with _alone(output), settings.use_locale(values["locale"]):
        from lib.run import kernels

        if choice.fresh or choice.names:
            kernels.preload()  # it imports while this process does, and while the database starts
        from lib import db
        from lib.run import manifest, progress, reuse, running

        steps, earlier = discover(), reuse.latest(output)
        if earlier is None:
            kernels.preload()
        record = manifest.describe(manifest.new_run_id(output / "runs"), file, values, db.server())
        if choice.names:
            decisions = reuse.decide_for(choice.names, steps, values, earlier)
        else:
            decisions = reuse.decide(steps, values, None if choice.fresh else earlier)
        if choice.dry:
            sys.stdout.write("\n".join([*reuse.described(decisions), ""]))
            return
        usual = {step.name: earlier.outcome(step).get("seconds") if earlier else None for step in steps}
        with progress.JsonLines() if choice.json else progress.Lines(usual) as lines:
            lines.say(f"run {record['run_id']} with {file}: {record['database']}")
            folder = output / "runs" / record["run_id"]
            running.run_steps(running.Run(folder, record, lines, steps, decisions, earlier), output / "reports")
            lines.say(f"open {shlex.quote(str(output / 'reports' / 'index.html'))}")
            lines.say("explore in JupyterLab: make lab")


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Hold the lock of the output folder.

    Raises:
        UsageError: Another run holds it; names its process.
        OutputError: The folder cannot be written.
    """
    path = output / ".run.lock"
    lock = filelock.FileLock(path, timeout=0)
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        path.write_text(f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC", encoding="utf-8")
    except filelock.Timeout as error:
        holder = path.read_text(encoding="utf-8") or "just started"
        raise UsageError(f"another run ({holder}) is writing to {output}. Wait until it has ended") from error
    except OSError as error:
        lock.release()
        raise OutputError(
            f"cannot write to {output}: {error.strerror}. Fix its permissions or free disk space"
        ) from error
    try:
        yield
    finally:
        lock.release()


if __name__ == "__main__":
    sys.exit(main())
