"""The front page of the reports: what ran, on what data, and is it good."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from lib.formatting import decimal, integer
from lib.report.pages import assets
from lib.report.pages.page import render, write

__all__ = ["headline", "write_index"]

_FIRST = ("executive", "cohort", "forecast", "customers")
_NOT_KNOWN = "-"
_FACTS = (
    "params_file",
    "finished_at",
    "seconds",
    "database",
    "git",
    "versions",
    "tables",
    "files",
    "rejects",
    "examples",
    "checks",
    "history",
    "steps",
)


def write_index(page: Path, run: Mapping, reports: Sequence[Mapping], dictionary: str = "") -> None:
    """Writes the front page of one run: its manifest in plain words, and links to `reports` and the dictionary.

    A report is {"page", "title"} and may have more: what lib.report.pages.thumbnails tells of it.
    """
    tone, sentence = headline(run)
    values = {
        "resources": assets.frame("Shop analytics: the latest run", page, reports),
        "run": dict.fromkeys(_FACTS) | run,
        "tone": tone,
        "dictionary": dictionary,
        "sentence": sentence,
        "cards": sorted(reports, key=_rank),
        "checks": sorted(_list(run, "checks"), key=_urgency),
        "tallest": max((past["broken_errors"] + past["broken_warnings"] for past in _list(run, "history")), default=0),
        "params": list(_flat(run.get("params") or {})),
    }
    filters = {"count": _count, "rows": _rows, "seconds": _seconds, "instant": _instant, "label": assets.label}
    write(page, render("front.html.j2", values, filters))


def headline(run: Mapping) -> tuple[str, str]:
    """Tone (good, warn, bad) and one sentence that says whether the run's numbers can be used."""
    failed = [step for step in _list(run, "steps") if step["status"] == "failed"]
    refused = sum(entry["lines"] for entry in _list(run, "rejects"))
    errors, warnings = (_broken(run, severe) for severe in (True, False))
    if run.get("status") != "completed" or failed:
        where = f" at “{failed[0].get('title') or failed[0]['step']}”" if failed else ""
        unused = f": {_count(refused)} lines of the own files cannot be used, and are told below" if refused else ""
        return (
            "bad",
            f"The run stopped{where}{unused}. The reports of the steps before it are complete, the later ones are not.",
        )
    if errors:
        return (
            "bad",
            f"The run is complete, but {_rules(errors)} of the data broken: read the checks before the reports.",
        )
    doubts = (
        [f"{_count(refused)} of {_count(run['lines_read'])} lines of the own files were not used"] if refused else []
    )
    doubts += [f"{_rules(warnings)} worth a look"] if warnings else []
    if doubts:
        return "warn", f"The run is complete: {' and '.join(doubts)}."
    return "good", f"The run is complete and good{_proof(run)}."


def _proof(run: Mapping) -> str:
    loaded = sum(table.get("loaded") or 0 for table in _list(run, "tables"))
    checks = len(_list(run, "checks"))
    parts = [f"{_rows(loaded)} loaded"] if loaded else []
    parts += [f"all {checks} checks passed"] if checks else []
    return ": " + ", ".join(parts) if parts else ""


def _broken(run: Mapping, severe: bool) -> int:
    return sum(1 for check in _list(run, "checks") if check["failed"] and (check["severity"] == "error") == severe)


def _rules(number: int) -> str:
    return "1 rule is" if number == 1 else f"{number} rules are"


def _list(run: Mapping, key: str) -> list[Mapping]:
    return run.get(key) or []


def _rank(report: Mapping) -> tuple[int, str]:
    places = [place for place, word in enumerate(_FIRST) if word in report["page"]]
    return (places[0] if places else len(_FIRST), report["page"])


def _urgency(check: Mapping) -> tuple[bool, bool]:
    """Broken checks come first, errors before warnings."""
    return not check["failed"], check["severity"] != "error"


def _flat(params: Mapping, prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in params.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", ", ".join(map(str, value)) if isinstance(value, list) else value


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{integer(number)} rows"


def _count(number: object) -> str:
    return integer(number) if isinstance(number, int | float) else _NOT_KNOWN


def _seconds(seconds: object) -> str:
    if not isinstance(seconds, int | float):
        return _NOT_KNOWN
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{decimal(seconds, 1)} s"


def _instant(value: object) -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        return _NOT_KNOWN
    return f"{moment.day} {moment:%B %Y, %H:%M} {moment.tzname() or ''}".strip()
