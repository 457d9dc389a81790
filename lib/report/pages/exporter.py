"""Export of an executed notebook as one self-contained HTML page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib.errors import OutputError, UsageError
from lib.formatting import NOT_KNOWN, day, decimal, integer
from lib.report.pages import page as pages
from lib.util.headings import opening

if TYPE_CHECKING:  # nbformat is slow to import, and not needed to import this package
    from nbformat import NotebookNode

__all__ = ["PLOTLY", "export", "figures", "read_notebook"]

PLOTLY = "application/vnd.plotly.v1+json"
# Tags of cells that a page leaves out: papermill repeats an error there, which the failed output shows anyway; and
# what is meant for JupyterLab only.
_LEFT_OUT = {"papermill-error-cell-tag", "template-note", "jupyterlab-only"}
_HTML = "html"
_STYLE = re.compile("<style>.*?</style>", re.DOTALL)
_ZONE_NOTE = re.compile(r'<p class="note[^>]*>Days[^.]* are those of the shop[^.]*time zone[^.]*[.]</p>$')
_FIRST_SENTENCE = re.compile(r"<p>((?:(?!</p>).)+?[.])\s+(?=[A-Z<])(?!</p>)", re.DOTALL)
_SHORT = 200  # characters of text that a page does not fold
_UNSAFE = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d(T00:00:00\.000)?")


def export(notebook: Path, page: Path, *, reports: Sequence[Mapping[str, Any]] = (), note: str = "") -> int:
    """Write the outputs of an executed notebook as a page, atomically.

    Args:
        notebook: The executed notebook.
        page: The HTML file.
        reports: Pages linked in the menu, in order: {"page": file name}.
        note: A line above the content, such as the days of the data.

    Returns:
        Number of figures in the page.

    Raises:
        UsageError: The notebook cannot be read.
        OutputError: The page would lose a figure, or cannot be written.
    """
    node = read_notebook(notebook)
    held = list(figures(node))
    html = _render(node, held, page, reports, note)
    shown = len(re.findall(r'<figure\b[^>]*\bclass="chart"', html))
    if shown != len(held):
        raise OutputError(
            f"{notebook} holds {len(held)} figures, its page would show {shown}; expected all of them. "
            "Correct lib/report/template/notebook.html.j2."
        )
    pages.write(page, html)
    return shown


def read_notebook(notebook: Path) -> NotebookNode:
    """Read a notebook file.

    Raises:
        UsageError: The file is missing or is not a notebook.
    """
    import nbformat

    try:
        return nbformat.read(notebook, as_version=4)
    except (OSError, nbformat.reader.NotJSONError) as error:
        raise UsageError(f"{notebook} is not a readable notebook: {error}. Run its step again.") from error


def figures(node: NotebookNode) -> Iterator[dict[str, Any]]:
    """The plotly figures of the outputs, in order."""
    for cell in node.cells:
        yield from (o.data[PLOTLY] for o in cell.get("outputs", ()) if PLOTLY in o.get("data", {}))


def _render(
    node: NotebookNode,
    held: Sequence[Mapping[str, Any]],
    page: Path,
    reports: Sequence[Mapping[str, Any]],
    note: str,
) -> str:
    exporter = _exporter_class()(
        template_name=pages.TEMPLATES.name,
        template_file="notebook.html.j2",
        extra_template_basedirs=[str(pages.TEMPLATES.parent)],
        exclude_anchor_links=True,
        filters={
            "inline_json": _inline_json,
            "groups": _groups,
            "format_value": _format_value,
            "unstyled": _unstyled,
            "first_sentence": _first_sentence,
        },
    )
    exporter.environment.autoescape = True
    node.cells = [cell for cell in node.cells if _LEFT_OUT.isdisjoint(cell.metadata.get("tags", ()))]
    _lift_takeaways(node.cells, zone_is_noted="days in" in note)
    for output in (output for cell in node.cells for output in cell.get("outputs", ())):
        if "switch" in output.get("metadata", {}):  # the page shows the label on the switch, not as a title
            output.data[PLOTLY]["layout"].pop("title", None)
    scripts = [pages.plotly_code()] if held else []
    heading = opening(node.cells)[0]
    resources = pages.resources(heading or pages.label(page.name), page, reports, scripts)
    resources |= {"packed": _packed(held), "note": note, "has_heading": bool(heading)}
    _, made = exporter.from_notebook_node(node, resources)
    return str(made[_HTML])


def _lift_takeaways(cells: Sequence[NotebookNode], *, zone_is_noted: bool) -> None:
    """Move the sentence that answers a section below its heading: the first before any further text.

    A note on the time zone is removed if the line below the title has it.
    """
    heading = None
    for cell in cells:
        if cell.cell_type == "markdown":
            heading = cell if cell.source.startswith("## ") else None
        for output in list(cell.get("outputs", ())):
            html = output.get("data", {}).get("text/html", "")
            if heading and html.startswith('<p class="sentence'):
                heading.metadata["takeaway"], heading = html, None
                cell.outputs.remove(output)
            elif zone_is_noted and _ZONE_NOTE.match(html):
                cell.outputs.remove(output)


@cache
def _exporter_class() -> type:
    """nbconvert's HTMLExporter without its last pass, which takes half of its time.

    That pass parses the page to add alternative texts and tab stops, which the template writes itself.
    """
    from nbconvert import HTMLExporter, TemplateExporter  # slow to import

    class Rendering(TemplateExporter):
        def from_notebook_node(self, nb: Any, resources: Any = None, **options: Any) -> tuple[Any, dict[str, Any]]:
            html, found = super().from_notebook_node(nb, resources, **options)
            return "", {**found, _HTML: html}

    class PageExporter(HTMLExporter, Rendering):  # its super() is Rendering
        pass

    return PageExporter


def _packed(held: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The compressed scripts that the figures need, by the id of their element."""
    packed = {"plotly": pages.packed_plotly()} if held else {}
    return packed | ({"world": pages.packed_world()} if any(map(_is_map, held)) else {})


def _is_map(figure: Mapping[str, Any]) -> bool:
    on_map = any(trace.get("type") in ("choropleth", "scattergeo") for trace in figure.get("data", ()))
    return on_map or any(key.startswith("geo") for key in figure.get("layout", {}))


def _inline_json(figure: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element that holds it."""
    return json.dumps(figure, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE)


def _unstyled(html: str) -> str:
    """The output without the style that it carries for JupyterLab: the page has its own."""
    return _STYLE.sub("", html)


def _first_sentence(html: str) -> tuple[str, str]:
    """The first sentence of a text of several, and the rest; no first sentence where nothing can be folded."""
    html = html.strip()
    found = _FIRST_SENTENCE.match(html)
    if not found or len(html) < _SHORT or found[1].count("<") != 2 * found[1].count("</"):
        return "", html
    return found[1], f"<p>{html[found.end() :]}"


def _groups(outputs: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Consecutive outputs of a `Switch` as one group, each other output as a group of its own."""
    groups: list[list[Mapping[str, Any]]] = []
    continued = False
    for output in outputs:
        switched = "switch" in output.get("metadata", {})
        if switched and continued:
            groups[-1].append(output)
        else:
            groups.append([output])
        continued = switched
    return groups


def _format_value(value: object) -> str:
    """A value of a figure's data table."""
    if value is None:
        return NOT_KNOWN
    if isinstance(value, float):
        return decimal(value, 2 if abs(value) >= 1 or value == 0 else 4)
    if isinstance(value, int) and not isinstance(value, bool):
        return integer(value)
    text = str(value)
    return day(text) if _DAY.fullmatch(text) else text
