"""Frame of every page: style, script, packed libraries and content security policy; rendering and writing."""

import base64
import gzip
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from lib.formatting import decimal
from lib.report.pages.sections import linked
from lib.report.palette import css_variables
from lib.util.files import replacing

__all__ = [
    "TEMPLATES",
    "label",
    "packed_plotly",
    "packed_world",
    "plotly_code",
    "render",
    "resources",
    "without_links",
    "write",
]

TEMPLATES = Path(__file__).parents[1] / "template"
WORLD = Path(__file__).parents[1] / "world_50m.json"


def resources(
    title: str, page: Path, reports: Sequence[Mapping[str, Any]], scripts: Iterable[str] = ()
) -> dict[str, Any]:
    """Values that page.html.j2 shows around the content.

    Args:
        title: Of the page.
        page: File that will hold the page; its link in the menu is marked.
        reports: Pages linked in the menu, in order: {"page": file name}.
        scripts: Code that the page may run in addition to report.js.
    """
    script = (TEMPLATES / "report.js").read_text("utf-8")
    return {
        "title": title,
        "page": page.name,
        "reports": [{"page": report["page"], "label": label(report["page"])} for report in reports],
        "style": css_variables() + (TEMPLATES / "report.css").read_text("utf-8"),
        "script": script,
        "policy": _policy([script, *scripts]),
        "decimal_mark": decimal(0.5, 1)[1],
        "linked": linked,
    }


def label(page: str) -> str:
    """Short name of a page for a link: `04_executive.html` -> `Executive`."""
    words = Path(page).stem.lstrip("0123456789").replace("_", " ").strip()
    return words[:1].upper() + words[1:] or page


def _policy(scripts: Iterable[str]) -> str:
    """Content security policy that allows these scripts, inline styles and embedded images, and no request."""
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
    from plotly.offline import get_plotlyjs  # slow to import, and pages without figures do not need it

    return str(get_plotlyjs())


@cache
def packed_plotly() -> str:
    """plotly.js as base64 of gzip, reproducible byte for byte."""
    return _pack(plotly_code().encode())


@cache
def packed_world() -> str:
    """The world map as base64 of gzip, reproducible byte for byte."""
    return _pack(WORLD.read_bytes())


def _pack(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, compresslevel=6, mtime=0)).decode()


def render(template: str, values: Mapping[str, Any], filters: Mapping[str, Callable[..., object]] | None = None) -> str:
    """Render a template of `TEMPLATES`, every value escaped; `filters` are added to those of Jinja."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    environment.filters |= filters or {}
    return environment.get_template(template).render(values)


def without_links(html: str, missing: Iterable[str]) -> str:
    """The page without the links of its menu to these pages."""
    menu, end, rest = html.partition("</nav>")
    for page in missing:
        menu = re.sub(rf'\s*<a href="{re.escape(quote(page))}"[^>]*>[^<]*</a>', "", menu)
    return menu + end + rest


def write(page: Path, html: str) -> None:
    """Replace the page atomically.

    Raises:
        OutputError: The page cannot be written; the previous one is unchanged.
    """
    with replacing(page) as temporary:
        temporary.write_text(html, encoding="utf-8", newline="\n")
