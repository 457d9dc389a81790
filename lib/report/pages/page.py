"""Pages of our own templates, and how any page is written: whole or not at all."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2

from lib.report.pages import assets
from lib.util.files import replacing

__all__ = ["render", "write"]


def render(template: str, values: Mapping[str, Any], filters: Mapping[str, Callable] | None = None) -> str:
    """The template with the values, each escaped; `filters` are beside jinja's own."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(assets.TEMPLATES), autoescape=True)
    environment.filters |= filters or {}
    return environment.get_template(template).render(values)


def write(page: Path, html: str) -> None:
    """Write the page; raises OutputError, and leaves what was there, when it cannot."""
    with replacing(page) as temporary:
        temporary.write_text(html, encoding="utf-8", newline="\n")
