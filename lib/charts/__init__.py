"""Draws: frame -> Figure; every figure has one look and a text alternative."""

from lib.charts.cohort import cohort_revenue, customer_value, retention_curves, retention_matrix
from lib.charts.customers import past_and_future, reliability, treemap
from lib.charts.entities import entities
from lib.charts.executive import bridge, compared, concentration, week_hours
from lib.charts.forecast import calibration, components, fan, hindsight, odd_days, small_fans
from lib.charts.lifetime import churn, lifetime_values, second_orders
from lib.charts.look import Chart, Switch
from lib.charts.over_time import bars, lines
from lib.charts.parts import country_map, gauge

__all__ = [
    "Chart",
    "Switch",
    "bars",
    "bridge",
    "calibration",
    "churn",
    "cohort_revenue",
    "compared",
    "components",
    "concentration",
    "country_map",
    "customer_value",
    "entities",
    "fan",
    "gauge",
    "hindsight",
    "lifetime_values",
    "lines",
    "odd_days",
    "past_and_future",
    "reliability",
    "retention_curves",
    "retention_matrix",
    "second_orders",
    "small_fans",
    "treemap",
    "week_hours",
]
