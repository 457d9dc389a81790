"""Draws: frame -> Figure; every figure has one look and a text alternative."""

from lib.charts.customers import past_and_future, reliability, treemap
from lib.charts.entities import entities
from lib.charts.forecast import fan
from lib.charts.look import Chart
from lib.charts.over_time import bars, lines
from lib.charts.parts import country_map, gauge, heatmap, ranking

__all__ = [
    "Chart", "bars", "country_map", "entities", "fan", "gauge", "heatmap", "lines", "past_and_future", "ranking",
    "reliability", "treemap",
]  # fmt: skip
