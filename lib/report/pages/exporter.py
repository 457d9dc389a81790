"""An executed notebook as a file: its cells, and the figures among its outputs."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from lib.errors import OutputError, UsageError
from lib.formatting import NOT_KNOWN, decimal, integer
from lib.report.pages import assets
from lib.report.pages.page import write

__all__ = ["PLOTLY", "export", "figures", "read_notebook"]

PLOTLY = "application/vnd.plotly.v1+json"


def read_notebook(notebook: Path) -> dict:
    """The notebook as nbformat gives it; UsageError for a file that is none."""
    import nbformat  # slow to import, and not needed to import this package

    try:
        return nbformat.read(notebook, as_version=4)
    except (OSError, nbformat.reader.NotJSONError) as error:
        raise UsageError(f"{notebook} is not a notebook that can be read: {error}") from error


def figures(book: dict) -> Iterator[dict]:
    """The plotly figures of the outputs, in order."""
    for cell in book.cells:
        yield from (o.data[PLOTLY] for o in cell.get("outputs", ()) if PLOTLY in o.get("data", {}))


_BANNER = "papermill-error-cell-tag"  # papermill's own red banners; the failed output itself is shown instead
_UNSAFE = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def export(notebook: Path, page: Path, *, reports: Sequence[Mapping] = ()) -> int:
    """Number of figures in `page`, written whole or not at all from the outputs that `notebook` holds.

    `reports` ({"page": file name}) are the pages linked in its head. OutputError if a figure would be lost.
    """
    book = read_notebook(notebook)
    held = list(figures(book))
    html = _render(book, held, page, reports)
    shown = len(re.findall(r'<figure\b[^>]*\bclass="chart"', html))
    if shown != len(held):
        raise OutputError(f"{notebook} holds {len(held)} figures, its page would show {shown}: the template is wrong.")
    write(page, html)
    return shown


def _render(book: dict, held: list[dict], page: Path, reports: Sequence[Mapping]) -> str:
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name=assets.TEMPLATES.name,
        template_file="notebook.html.j2",
        extra_template_basedirs=[str(assets.TEMPLATES.parent)],
        exclude_anchor_links=True,
        filters={"inline_json": _inline_json, "groups": _groups, "written": _written},
    )
    exporter.environment.autoescape = True
    book.cells = [cell for cell in book.cells if _BANNER not in cell.metadata.get("tags", ())]
    scripts = [assets.plotly_code()] if held else []
    resources = assets.frame(_title(book, page), page, reports, scripts) | {"packed": _packed(held)}
    html, _ = exporter.from_notebook_node(book, resources)
    return html


def _inline_json(figure: dict) -> str:
    return json.dumps(figure, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE)


def _groups(outputs: Sequence[Mapping]) -> list[list[Mapping]]:
    """Neighbours that are one thing shown in several ways come together, each other output alone."""
    named = [list(group) for _, group in groupby(outputs, key=lambda output: "switch" in output.get("metadata", {}))]
    return [part for group in named for part in ([group] if _is_switch(group) else [[output] for output in group])]


def _is_switch(group: list[Mapping]) -> bool:
    return "switch" in group[0].get("metadata", {})


def _written(value: object) -> str:
    """A cell of a figure's numbers."""
    if value is None:
        return NOT_KNOWN
    if isinstance(value, float):
        return decimal(value, 2 if abs(value) >= 1 or value == 0 else 4)
    if isinstance(value, int) and not isinstance(value, bool):
        return integer(value)
    return str(value).removesuffix("T00:00:00.000")


def _title(book: dict, page: Path) -> str:
    words = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    heading = re.search(r"^# +(.+?)[ #]*$", words, re.MULTILINE)
    return heading[1].replace("`", "").replace("*", "") if heading else assets.label(page.name)


def _packed(held: list[dict]) -> dict[str, str]:
    if not held:
        return {}
    return {"plotly": assets.packed_plotly()} | ({"world": assets.packed_world()} if any(map(_is_map, held)) else {})


def _is_map(figure: dict) -> bool:
    on_map = any(trace.get("type") in ("choropleth", "scattergeo") for trace in figure.get("data", ()))
    return on_map or any(key.startswith("geo") for key in figure.get("layout", {}))
