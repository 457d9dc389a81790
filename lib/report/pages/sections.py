"""Sections of a page: ids, links and the table of contents, made from its headings."""

import re
from html import unescape
from typing import NamedTuple

from markupsafe import Markup

__all__ = ["Sections", "linked", "slug"]

_TARGET = re.compile(
    r'(?P<folded><summary>)?<h2(?: id="(?P<id>[^"]+)")?>(?P<title>.*?)</h2>|<figure class="chart">', re.DOTALL
)
_TAG = re.compile("<[^>]+>")
_RESERVED = ("content", "plotly", "world")  # ids of the frame of a page


class Sections(NamedTuple):
    """The content of a page with ids, and the id and title of each section."""

    html: Markup
    contents: list[tuple[str, Markup]]


def slug(title: str) -> str:
    """The id of a section by its title: `Revenue & trend` -> `revenue-trend`."""
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def linked(html: str) -> Sections:
    """Give each section and figure an id and a link to itself, so that an address can lead to it.

    The id of a section comes from its title, that of a figure from its section: both stay when the numbers change.
    """
    used = set(_RESERVED)
    contents: list[tuple[str, Markup]] = []

    def unique(name: str) -> str:
        number = next(n for n in range(1, len(used) + 2) if (name if n == 1 else f"{name}-{n}") not in used)
        used.add(found := name if number == 1 else f"{name}-{number}")
        return found

    def with_id(target: re.Match[str]) -> str:
        if target["title"] is None:
            name = unique(f"{contents[-1][0]}-figure" if contents else "figure")
            link = f'<a class="anchor" href="#{name}" aria-label="Link to this figure"></a>'
            return f'<figure class="chart" id="{name}">{link}'
        title = _TAG.sub("", target["title"])
        name = unique(target["id"] or slug(unescape(title)) or "section")
        contents.append((name, Markup(title)))  # noqa: S704 - escaped text of the page
        if target["folded"]:  # a summary can hold no link
            return f'<summary><h2 id="{name}">{target["title"]}</h2>'
        return f'<h2 id="{name}"><a class="anchor" href="#{name}">{target["title"]}</a></h2>'

    return Sections(Markup(_TARGET.sub(with_id, html)), contents)  # noqa: S704 - only ids and links are added
