"""What every page carries inside itself: style, script, packed libraries, and the policy that lets nothing else in."""

import base64
import gzip
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from lib.report.palette import css_variables

__all__ = ["TEMPLATES", "frame", "label", "packed_plotly", "packed_world", "plotly_code"]

TEMPLATES = Path(__file__).parents[1] / "template"
_WORLD = Path(__file__).parents[1] / "world_50m.json"


def frame(title: str, page: Path, reports: Sequence[Mapping], scripts: Iterable[str] = ()) -> dict:
    """What page.html.j2 shows around the content; `scripts` are the codes it may run beside its own."""
    script = (TEMPLATES / "report.js").read_text("utf-8")
    return {
        "title": title,
        "page": page.name,
        "reports": [{"page": report["page"], "label": label(report["page"])} for report in reports],
        "style": css_variables() + (TEMPLATES / "report.css").read_text("utf-8"),
        "script": script,
        "policy": _policy([script, *scripts]),
    }


def label(page: str) -> str:
    """Short name of a page for a link: `04_executive.html` -> `Executive`."""
    words = Path(page).stem.lstrip("0123456789").replace("_", " ").strip()
    return words[:1].upper() + words[1:] or page


def _policy(scripts: Iterable[str]) -> str:
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
        f"script-src {hashes}; base-uri 'none'; form-action 'none'"
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def plotly_code() -> str:
    """The whole of plotly.js, as the plotly package ships it."""
    from plotly.offline import get_plotlyjs  # a front page needs no plotly

    return get_plotlyjs()


@cache
def packed_plotly() -> str:
    """plotly.js as base64 of gzip, the same bytes every time."""
    return _pack(plotly_code().encode())


@cache
def packed_world() -> str:
    """The world map as base64 of gzip, the same bytes every time."""
    return _pack(_WORLD.read_bytes())


def _pack(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, compresslevel=9, mtime=0)).decode()
