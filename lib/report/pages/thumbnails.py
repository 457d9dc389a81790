"""What the front page shows of a report: its question, and its first figure as a drawing the size of a stamp."""

import base64
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from lib.report.pages.exporter import figures, read_notebook
from lib.report.palette import BLUE

__all__ = ["card"]

WIDTH, HEIGHT, MARGIN = 160, 72, 3
STAMP = jinja2.Environment(autoescape=True).from_string(
    f'<svg class="stamp" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="xMinYMid" aria-hidden="true">'
    '{% for tag, attributes in shapes %}<{{ tag }}{% for name, value in attributes.items() %} {{ name }}="{{ value }}"'
    "{% endfor %}/>{% endfor %}</svg>"
)
INSTANT = re.compile(r"\d{4}-\d\d-\d\d")
Shape = tuple[str, dict[str, Any]]


def card(notebook: Path) -> dict[str, str]:
    """question: the paragraph below the title; stamp: an SVG, empty where no figure can be drawn so small."""
    book = read_notebook(notebook)
    paragraphs = book.cells[0].source.split("\n\n") if book.cells else []
    stamps = (_stamp(figure) for figure in figures(book))
    return {
        "question": paragraphs[1].strip() if len(paragraphs) > 1 else "",
        "stamp": next(filter(None, stamps), ""),
    }


def _stamp(figure: Mapping) -> str:
    traces = figure.get("data", [])
    heat = next((trace for trace in traces if trace.get("type") == "heatmap"), None)
    shapes = list(_cells(heat)) if heat else list(_curves(traces))
    return Markup(STAMP.render(shapes=shapes)) if shapes else ""  # noqa: S704 - rendered with everything escaped


def _cells(trace: Mapping) -> Iterator[Shape]:
    """The cells of a matrix as squares, the fuller the larger; a gap stays one."""
    values = np.atleast_2d(_numbers(trace["z"]))
    rows, columns = values.shape
    wide, high = WIDTH / columns, HEIGHT / rows
    most = np.nanmax(values) if np.isfinite(values).any() else 0
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value) and most > 0:
            at = {"x": round(column * wide, 1), "y": round(row * high, 1)}
            size = {"width": round(wide - 1, 1), "height": round(high - 1, 1)}
            yield "rect", at | size | {"fill": BLUE, "fill-opacity": round(0.1 + 0.9 * max(value, 0) / most, 2)}


def _curves(traces: list[Mapping]) -> Iterator[Shape]:
    """Lines, filled bands and upright bars over one pair of axes."""
    drawn = [trace for trace in traces if _is_drawable(trace)]
    points = [(_places(trace), _numbers(trace["y"])) for trace in drawn]
    known = [(x[np.isfinite(y)], y[np.isfinite(y)]) for x, y in points]
    if not sum(len(y) for _, y in known):
        return
    xs, ys = (np.concatenate(values) for values in zip(*known, strict=True))
    low = min(ys.min(), 0)
    right, up = np.ptp(xs) or 1, (ys.max() - low) or 1
    for trace, (x, y) in zip(drawn, known, strict=True):
        across = MARGIN + (WIDTH - 2 * MARGIN) * (x - xs.min()) / right
        down = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (y - low) / up
        yield from _bars(across, down) if trace["type"] == "bar" else _line(trace, across, down)


def _is_drawable(trace: Mapping) -> bool:
    upright = trace.get("type") == "bar" and trace.get("orientation") != "h"
    line = trace.get("type") == "scatter" and "lines" in trace.get("mode", "lines")
    return (upright or line) and "yaxis" not in trace and "y" in trace


def _line(trace: Mapping, across: np.ndarray, down: np.ndarray) -> Iterator[Shape]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    if trace.get("fill") == "toself":
        yield "polygon", {"points": path, "fill": trace.get("fillcolor", BLUE)}
    else:
        yield "polyline", {"points": path, "fill": "none", "stroke": trace.get("line", {}).get("color", BLUE)}


def _bars(across: np.ndarray, down: np.ndarray) -> Iterator[Shape]:
    wide = max(0.7 * WIDTH / max(len(across), 1), 1)
    for x, y in zip(across, down, strict=True):
        at = {"x": round(x - wide / 2, 1), "y": round(y, 1)}
        yield "rect", at | {"width": round(wide, 1), "height": round(max(HEIGHT - MARGIN - y, 0), 1), "fill": BLUE}


def _places(trace: Mapping) -> np.ndarray:
    """Where along the axis each value is: numbers and instants by their size, words by their order."""
    x = trace.get("x", range(len(trace["y"])))
    if isinstance(x, Mapping):
        return _numbers(x)
    if all(isinstance(value, int | float) for value in x):
        return np.array(x, dtype=float)
    if all(isinstance(value, str) and INSTANT.match(value) for value in x):
        return np.array(x, dtype="datetime64[ms]").astype(float)
    return np.arange(len(x), dtype=float)


def _numbers(values: Any) -> np.ndarray:
    """Plotly's JSON of an array as one: a list, or packed bytes with their type and shape."""
    if not isinstance(values, Mapping):
        return np.array(values, dtype=float)
    found = np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"]).astype(float)
    return found.reshape([int(length) for length in str(values["shape"]).split(",")]) if "shape" in values else found
