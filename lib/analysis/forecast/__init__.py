"""Revenue forecast: the daily series, models, their backtest, the published forecast, decomposition, anomalies."""

from lib.analysis.forecast.backtest import Backtest, backtest
from lib.analysis.forecast.decomposition import Anomalies, anomalies, month_effects, trend, weekday_effects
from lib.analysis.forecast.history import History, daily_series, holidays_of, holidays_of_main_country
from lib.analysis.forecast.models import ENSEMBLE, MODELS, SEASONAL_NAIVE, WEEKDAY_AVERAGE, simulate
from lib.analysis.forecast.publishing import Forecast, forecast, untested
from lib.analysis.forecast.segments import Segment, forecast_segments
from lib.analysis.forecast.simulation import Past, Simulation

__all__ = [
    "ENSEMBLE", "MODELS", "SEASONAL_NAIVE", "WEEKDAY_AVERAGE",
    "Anomalies", "Backtest", "Forecast", "History", "Past", "Segment", "Simulation",
    "anomalies", "backtest", "daily_series", "forecast", "forecast_segments", "holidays_of",
    "holidays_of_main_country", "month_effects", "simulate", "trend", "untested", "weekday_effects",
]  # fmt: skip
