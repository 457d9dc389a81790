"""Draws: frame -> Figure; every figure has one look and a text alternative."""

from lib.charts.entities import entities
from lib.charts.forecast import calibration, components, fan, hindsight, odd_days, small_fans
from lib.charts.look import Chart
from lib.charts.over_time import bars, lines
from lib.charts.parts import country_map, gauge, heatmap, ranking

__all__ = [
    "Chart", "bars", "calibration", "components", "country_map", "entities", "fan", "gauge", "heatmap", "hindsight",
    "lines", "odd_days", "ranking", "small_fans",
]  # fmt: skip
