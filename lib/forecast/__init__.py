"""Looks ahead: the daily series, models, a backtest of them, a forecast with intervals, odd days; series -> frames."""

from lib.forecast.anomalies import Anomalies, anomalies
from lib.forecast.backtest import Backtest, backtest
from lib.forecast.calendar import holidays_of
from lib.forecast.components import trend, week, year
from lib.forecast.groups import Group, forecast_groups
from lib.forecast.history import History, daily_series
from lib.forecast.models import BASELINE, COMBINATION, MODELS, RIVAL, simulate
from lib.forecast.publishing import Forecast, forecast
from lib.forecast.simulation import Past, Simulation

__all__ = [
    "BASELINE", "COMBINATION", "MODELS", "RIVAL",
    "Anomalies", "Backtest", "Forecast", "Group", "History", "Past", "Simulation",
    "anomalies", "backtest", "daily_series", "forecast", "forecast_groups", "holidays_of", "simulate",
    "trend", "week", "year",
]  # fmt: skip
