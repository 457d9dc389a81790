"""Looks ahead: the daily series, models, a backtest of them, a forecast with intervals, odd days; series -> frames."""

from lib.analysis.forecast.backtest import Backtest, backtest
from lib.analysis.forecast.components import Anomalies, anomalies, trend, week, year
from lib.analysis.forecast.history import History, daily_series, holidays_of
from lib.analysis.forecast.models import BASELINE, COMBINATION, MODELS, RIVAL, simulate
from lib.analysis.forecast.publishing import Forecast, Group, forecast, forecast_groups
from lib.analysis.forecast.simulation import Past, Simulation

__all__ = [
    "BASELINE", "COMBINATION", "MODELS", "RIVAL",
    "Anomalies", "Backtest", "Forecast", "Group", "History", "Past", "Simulation",
    "anomalies", "backtest", "daily_series", "forecast", "forecast_groups", "holidays_of", "simulate",
    "trend", "week", "year",
]  # fmt: skip
