"""Draws the tables of a database and how they refer to each other."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lib.report.charts.figure import Chart, escape_label, styled
from lib.report.palette import BLUE, BOX, BOX_TEXT, GREY, SMALL_SIZE

__all__ = ["entities"]


def entities(keys: pd.DataFrame, sizes: Mapping[str, str]) -> Chart:
    """Tables as boxes with a note each, foreign keys (table, references) as lines from the child to its parent."""
    angles = np.linspace(0, 2 * np.pi, len(sizes), endpoint=False)  # on an ellipse no line runs through a third box
    places = dict(zip(sizes, zip(np.sin(angles), np.cos(angles), strict=True), strict=True))
    figure = Chart()
    for child, parent in keys[["table", "references"]].drop_duplicates().itertuples(index=False):
        (x0, y0), (x1, y1) = places[child], places[parent]
        line = {"color": GREY, "width": 1.5}
        figure.add_scatter(x=[x0, x1], y=[y0, y1], mode="lines", line=line, hoverinfo="skip", showlegend=False)
    for table, (x, y) in places.items():
        figure.add_annotation(
            x=x, y=y, text=f"<b>{table.replace('_', '<br>')}</b><br>{escape_label(sizes[table])}", showarrow=False,
            bgcolor=BOX, bordercolor=BLUE, borderpad=5, font={"size": SMALL_SIZE, "color": BOX_TEXT},
        )  # fmt: skip
    figure.update_xaxes(visible=False, range=[-1.35, 1.35]).update_yaxes(visible=False, range=[-1.25, 1.25])
    described = "; ".join(f"{row.table} refers to {row.references}" for row in keys.itertuples())
    return styled(figure, f"Diagram of {len(sizes)} tables: {described}.", 440, keys)
