"""Charts: each function draws a frame as a `Chart` in the house style with a text alternative."""

from lib.report.charts.cohort import cohort_revenue, customer_value, retention_curves, retention_matrix, second_orders
from lib.report.charts.figure import Switch, own, theme
from lib.report.charts.forecast import (
    anomalies,
    backtest,
    calibration,
    decomposition,
    fan_chart,
    reliability,
    segment_forecasts,
)
from lib.report.charts.over_time import bars, bridge, compared, lines, week_hours
from lib.report.charts.overview import (
    churn,
    concentration,
    country_map,
    entities,
    gauge,
    lifetime_values,
    past_and_future,
    treemap,
)

__all__ = [
    "Switch", "anomalies", "backtest", "bars", "bridge", "calibration", "churn", "cohort_revenue",
    "compared", "concentration", "country_map", "customer_value", "decomposition", "entities", "fan_chart", "gauge",
    "lifetime_values", "lines", "own", "past_and_future", "reliability", "retention_curves", "retention_matrix",
    "second_orders", "segment_forecasts", "theme", "treemap", "week_hours",
]  # fmt: skip


def __dir__() -> list[str]:
    """The names that Tab offers in JupyterLab, and help() describes."""
    return __all__
