"""Draws what lies ahead."""

import pandas as pd

from lib.charts.look import BLUE, ORANGE, Chart, finish, in_words, value_axis

__all__ = ["fan"]


def fan(history: pd.DataFrame, ahead: pd.DataFrame, unit: str) -> Chart:
    """History (date, revenue) joined to a forecast (date, forecast and its 80 and 95 % bounds)."""
    figure = Chart()
    for level, opacity in ((95, 0.16), (80, 0.28)):
        bounds = pd.concat([ahead[f"upper_{level}"], ahead[f"lower_{level}"][::-1]])
        dates = pd.concat([ahead["date"], ahead["date"][::-1]])
        figure.add_scatter(
            x=dates, y=bounds, fill="toself", mode="lines", line={"width": 0}, hoverinfo="skip",
            fillcolor=f"rgba(213,94,0,{opacity})", name=f"{level} % interval",
        )  # fmt: skip
    for frame, column, colour in ((history, "revenue", BLUE), (ahead, "forecast", ORANGE)):
        line = {"color": colour, "width": 2}
        figure.add_scatter(x=frame["date"], y=frame[column], name=column, mode="lines", line=line)
    value_axis(figure.layout.yaxis, unit)
    return finish(figure, in_words(ahead, "date", "forecast", "Forecast", unit), 380, ahead)
