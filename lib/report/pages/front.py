"""Front page of the reports: whether the run succeeded, its reports, data, checks and parameters."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from lib.formatting import NOT_KNOWN, day, decimal, integer
from lib.report.pages.page import label, render, resources, write

__all__ = ["headline", "write_index"]

Run = Mapping[str, Any]


def write_index(page: Path, run: Run, reports: Sequence[Mapping[str, Any]], dictionary: str = "") -> None:
    """Write the front page of a run.

    Args:
        page: The HTML file.
        run: The manifest of the run; each section needs its part of it only.
        reports: Reports in the order in which they are listed: page (file name), and where known title and the
            values of `preview`.
        dictionary: File name of the data dictionary.
    """
    tone, sentence = headline(run)
    values = {
        "resources": resources("Shop analytics: latest run", page, reports),
        "run": run,
        "tone": tone,
        "sentence": sentence,
        "reports": reports,
        "dictionary": dictionary,
        "checks": sorted(_list(run, "checks"), key=_urgency),
        "tallest": max((past["broken_errors"] + past["broken_warnings"] for past in _list(run, "history")), default=0),
        "params": list(_flat(run.get("params") or {})),
    }
    filters: dict[str, Callable[..., object]] = {
        "count": _count,
        "rows": _rows,
        "seconds": _seconds,
        "timestamp": _timestamp,
        "label": label,
    }
    write(page, render("front.html.j2", values, filters))


def headline(run: Run) -> tuple[str, str]:
    """Tone (good, warn or bad), and a sentence that says whether the run's numbers can be used."""
    rejected = sum(entry["lines"] for entry in _list(run, "rejects"))
    if failure := _failure(run):
        rows = f": {_rows(rejected)} of your files were rejected, see below" if rejected else ""
        published = " The published reports are those of an earlier run." * failure.startswith("The run stopped")
        return "bad", f"{failure}{rows}.{published}"
    if errors := _failed_checks(run, "error"):
        return "bad", f"The run completed, but {_checks(errors)} failed: read the checks before the reports."
    if older := [step for step in _list(run, "steps") if step["status"] == "kept" and step["run"] < _loaded_in(run)]:
        names = ", ".join(f"“{step.get('title') or step['step']}”" for step in older)
        return "warn", f"The data were loaded, but these pages are of an earlier load: {names}. Run `make pipeline`."
    warnings = _failed_checks(run, "warning")
    doubts = [f"{_count(rejected)} of {_rows(run['lines_read'])} of your files were rejected"] if rejected else []
    doubts += [f"{_checks(warnings)} gave a warning"] if warnings else []
    if doubts:
        return "warn", f"The run completed: {' and '.join(doubts)}."
    return "good", f"The run completed without problems{_loaded(run)}."


def _failure(run: Run) -> str:
    """Where the run stopped, or which reports failed; empty if it completed."""
    failed = [step for step in _list(run, "steps") if step["status"] == "failed"]
    names = " and ".join(f"“{step.get('title') or step['step']}”" for step in failed)
    if failed and all(step.get("page") for step in failed):
        pages = "their pages are" if len(failed) > 1 else "its page is"
        earlier = f", and {pages} of an earlier run" if all(step.get("run") for step in failed) else ""
        return f"{names} failed{earlier}; the other reports are complete"
    if failed:
        return f"The run stopped at {names}"
    return "" if run.get("status") == "completed" else "The run stopped"


def _loaded_in(run: Run) -> str:
    """The run that loaded the data, this one or the one from which its load is reused; empty if nothing was loaded."""
    return next((step.get("run") or run["run_id"] for step in _list(run, "steps") if step["step"] == "03_load"), "")


def _failed_checks(run: Run, severity: str) -> int:
    return sum(1 for check in _list(run, "checks") if check["failed"] and check["severity"] == severity)


def _checks(number: int) -> str:
    return "1 check" if number == 1 else f"{number} checks"


def _loaded(run: Run) -> str:
    loaded = sum(table.get("loaded") or 0 for table in _list(run, "tables"))
    checks = len(_list(run, "checks"))
    parts = [f"{_rows(loaded)} loaded"] if loaded else []
    parts += [f"{_checks(checks)} passed"] if checks else []
    return ": " + ", ".join(parts) if parts else ""


def _list(run: Run, key: str) -> Sequence[Mapping[str, Any]]:
    return run.get(key) or []


def _urgency(check: Mapping[str, Any]) -> tuple[bool, bool]:
    """Sort key: failed checks first, errors before warnings."""
    return not check["failed"], check["severity"] != "error"


def _flat(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Name and value of each parameter, `shop.name` for one within a group."""
    for key, value in params.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", ", ".join(map(str, value)) if isinstance(value, list) else value


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{integer(number)} rows"


def _count(number: object) -> str:
    return integer(number) if isinstance(number, int | float) else NOT_KNOWN


def _seconds(seconds: object) -> str:
    if not isinstance(seconds, int | float):
        return NOT_KNOWN
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{decimal(seconds, 1)} s"


def _timestamp(value: object) -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        return NOT_KNOWN
    return f"{day(moment)}, {moment:%H:%M} {moment.tzname() or ''}".strip()
