"""Draws: frame -> Figure; every figure has one look and a text alternative."""

from lib.charts.entities import entities
from lib.charts.executive import bridge, compared, concentration, week_hours
from lib.charts.forecast import fan
from lib.charts.look import Chart, Switch
from lib.charts.over_time import bars, lines
from lib.charts.parts import country_map, gauge, heatmap, ranking

__all__ = [
    "Chart",
    "Switch",
    "bars",
    "bridge",
    "compared",
    "concentration",
    "country_map",
    "entities",
    "fan",
    "gauge",
    "heatmap",
    "lines",
    "ranking",
    "week_hours",
]
