"""Preview of a report on the front page: its question, and its first figure as a small SVG."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from lib.report.pages.exporter import figures, read_notebook
from lib.report.palette import BLUE
from lib.util.headings import opening

__all__ = ["preview"]

WIDTH, HEIGHT, MARGIN = 160, 72, 3
SVG = jinja2.Environment(autoescape=True).from_string(
    f'<svg class="thumbnail" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="xMinYMid" aria-hidden="true">'
    '{% for tag, attributes in shapes %}<{{ tag }}{% for name, value in attributes.items() %} {{ name }}="{{ value }}"'
    "{% endfor %}/>{% endfor %}</svg>"
)
DAY = re.compile(r"\d{4}-\d\d-\d\d")
Shape = tuple[str, dict[str, Any]]  # an SVG element: tag and attributes
Trace = Mapping[str, Any]
Points = tuple[np.ndarray, np.ndarray]


def preview(notebook: Path) -> dict[str, str]:
    """Preview of an executed notebook for the front page.

    Returns:
        question, the paragraph below the title; thumbnail, an SVG, empty if no figure can be drawn that small.
    """
    node = read_notebook(notebook)
    thumbnails = (_thumbnail(figure) for figure in figures(node))
    return {
        "question": opening(node.cells)[1],
        "thumbnail": next(filter(None, thumbnails), ""),
    }


def _thumbnail(figure: Mapping[str, Any]) -> str:
    traces = figure.get("data", [])
    heatmap = next((trace for trace in traces if trace.get("type") == "heatmap"), None)
    shapes = list(_cells(heatmap)) if heatmap else list(_curves(traces))
    return Markup(SVG.render(shapes=shapes)) if shapes else ""  # noqa: S704 - rendered with everything escaped


def _cells(trace: Trace) -> Iterator[Shape]:
    """The cells of a heatmap as squares whose opacity grows with their value; NaN stays a gap."""
    values = np.atleast_2d(_numbers(trace["z"]))
    rows, columns = values.shape
    wide, high = WIDTH / columns, HEIGHT / rows
    highest = np.nanmax(values) if np.isfinite(values).any() else 0
    if highest <= 0:
        return
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            opacity = round(0.1 + 0.9 * max(value, 0) / highest, 2)
            place = {"x": round(column * wide, 1), "y": round(row * high, 1)}
            size = {"width": round(wide - 1, 1), "height": round(high - 1, 1)}
            yield "rect", place | size | {"fill": BLUE, "fill-opacity": opacity}


def _curves(traces: Sequence[Trace]) -> Iterator[Shape]:
    """Lines, filled bands and vertical bars over one pair of axes."""
    drawn = [trace for trace in traces if _is_drawable(trace)]
    known = [_known_points(trace) for trace in drawn]
    if not any(len(y) for _, y in known):
        return
    xs, ys = (np.concatenate(values) for values in zip(*known, strict=True))
    low = min(ys.min(), 0)
    x_span, y_span = np.ptp(xs) or 1, (ys.max() - low) or 1
    for trace, (x, y) in zip(drawn, known, strict=True):
        across = MARGIN + (WIDTH - 2 * MARGIN) * (x - xs.min()) / x_span
        down = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (y - low) / y_span
        yield from _bars(across, down) if trace["type"] == "bar" else _line(trace, across, down)


def _is_drawable(trace: Trace) -> bool:
    bar = trace.get("type") == "bar" and trace.get("orientation") != "h"
    line = trace.get("type") == "scatter" and "lines" in trace.get("mode", "lines")
    return (bar or line) and "yaxis" not in trace and "y" in trace


def _known_points(trace: Trace) -> Points:
    x, y = _places(trace), _numbers(trace["y"])
    return x[np.isfinite(y)], y[np.isfinite(y)]


def _line(trace: Trace, across: np.ndarray, down: np.ndarray) -> Iterator[Shape]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    if trace.get("fill") == "toself":
        yield "polygon", {"points": path, "fill": trace.get("fillcolor", BLUE)}
    else:
        yield "polyline", {"points": path, "fill": "none", "stroke": trace.get("line", {}).get("color", BLUE)}


def _bars(across: np.ndarray, down: np.ndarray) -> Iterator[Shape]:
    wide = max(0.7 * WIDTH / max(len(across), 1), 1)
    for x, y in zip(across, down, strict=True):
        place = {"x": round(x - wide / 2, 1), "y": round(y, 1)}
        size = {"width": round(wide, 1), "height": round(max(HEIGHT - MARGIN - y, 0), 1)}
        yield "rect", place | size | {"fill": BLUE}


def _places(trace: Trace) -> np.ndarray:
    """Position of each value on the horizontal axis: numbers and days by value, categories by order."""
    x = trace.get("x", range(len(trace["y"])))
    if isinstance(x, Mapping):
        return _numbers(x)
    if all(isinstance(value, int | float) for value in x):
        return np.array(x, dtype=float)
    if all(isinstance(value, str) and DAY.match(value) for value in x):
        return np.array(x, dtype="datetime64[ms]").astype(float)
    return np.arange(len(x), dtype=float)


def _numbers(values: Any) -> np.ndarray:
    """An array in plotly's JSON: a list, or base64 bytes with dtype and shape."""
    if not isinstance(values, Mapping):
        return np.array(values, dtype=float)
    found = np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"]).astype(float)
    return found.reshape([int(length) for length in str(values["shape"]).split(",")]) if "shape" in values else found
