"""The published forecast: the ensemble where it beat seasonal naive on this series, otherwise a simple model."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.analysis.forecast.backtest import Backtest, backtest
from lib.analysis.forecast.history import History, daily_series
from lib.analysis.forecast.models import ENSEMBLE, SEASONAL_NAIVE, WEEKDAY_AVERAGE, simulate, simulate_all
from lib.analysis.forecast.simulation import SHORTEST_HISTORY, Past, Simulation, dates
from lib.formatting import decimal, percent

__all__ = ["Forecast", "Segment", "forecast", "forecast_segments", "untested"]

SHOWN_WITH_IT = ("ETS", "ARIMA")  # models shown next to the published one
SEGMENTS = 6  # maximum segments with a forecast
SEGMENT_ORIGINS = 3  # backtest windows per segment, so that six segments take little longer than the whole shop
SEGMENT_DAYS = 420  # of history; more lowers the error by half a per cent on real series and doubles the time
YEAR = 365  # days
NO_GAIN = 0.005  # a smaller share rounds to zero in whole per cents
THIN = 0.5  # share of days with sales below which a segment's models are not backtested


@dataclass(frozen=True)
class Forecast:
    """The published forecast.

    Attributes:
        model: name of the published model, `none` without history.
        frame: one row per day of the horizon, indexed by date: forecast, lower_80, upper_80, lower_95, upper_95, and
            for comparison the point forecasts ETS and ARIMA if these models were simulated; 0 on closed days.
        total: expected revenue of the horizon.
        total_80: 80 % prediction interval of the total, from and to.
        reason: sentence on the choice of the model.
    """

    model: str
    frame: pd.DataFrame
    total: float
    total_80: tuple[float, float]
    reason: str

    @property
    def earned(self) -> bool:
        """Whether the ensemble is published, which means that it beat seasonal naive in the backtest."""
        return self.model == ENSEMBLE


def forecast(past: Past, tested: Backtest, horizon: int = 30, *, seed: int = 42) -> Forecast:
    """Forecast the next `horizon` days with the ensemble if its MASE in the backtest is below that of seasonal naive.

    Otherwise with the better of seasonal naive and the 8-week weekday average, or with seasonal naive if the history is
    too short for a backtest.

    Args:
        past: the series.
        tested: its backtest, which also calibrates the width of the prediction intervals.
        horizon: days ahead; closed days have a forecast of 0.
        seed: of the simulated paths.

    Raises:
        UsageError: a horizon below 1.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-06-02", "2025-06-29"), "revenue": 100.0})
        >>> past = forecast.daily_series(sales, "2025-06-30").past()
        >>> forecast.forecast(past, forecast.backtest(past), 30).reason
        'The forecast is seasonal naive (last week): the history has 28 of the 56 days that a model needs.'
    """
    if past.series.empty:
        no_days = Simulation(np.empty(0), np.empty((1, 0))).interval_frame(dates(past.series))
        return Forecast("none", no_days, 0.0, (0.0, 0.0), "No day has had revenue yet.")
    model, factor, reason = _choose(past, tested)
    if past.is_plain:
        simulations = {SEASONAL_NAIVE: simulate(SEASONAL_NAIVE, past, horizon, seed=seed)}
    else:
        simulations = simulate_all(past, horizon, seed=seed)
    failed = [name for name, one in simulations.items() if one.is_fallback]
    if model == ENSEMBLE and failed:
        reason += f" The ensemble is without {' and '.join(failed)}, which could not be fitted."
    return _published(past, horizon, simulations, model, reason, factor)


def untested(past: Past, horizon: int = 30, *, seed: int = 42) -> Forecast:
    """Forecast a series with too few days with sales for a backtest: 8-week weekday average, uncalibrated.

    Seasonal naive for less than eight weeks of history, or if every day has the same revenue.
    """
    model = SEASONAL_NAIVE if past.is_plain else WEEKDAY_AVERAGE
    simulations = {model: simulate(model, past, horizon, seed=seed)}
    return _published(past, horizon, simulations, model, "Sales are too sparse to backtest a model.")


def _published(
    past: Past, horizon: int, simulations: Mapping[str, Simulation], model: str, reason: str, width_factor: float = 1.0
) -> Forecast:
    chosen = simulations[model].widened(width_factor)
    days = chosen.interval_frame(past.days_ahead(horizon))
    others = {name: simulations[name].predicted for name in SHOWN_WITH_IT if name in simulations}
    every = pd.date_range(past.end, periods=horizon, freq="D", unit="us", name="date")
    return Forecast(
        model=model,
        frame=days.assign(**others).reindex(every, fill_value=0.0),
        total=float(days["forecast"].sum()),
        total_80=chosen.total_interval(80),
        reason=reason,
    )


def _choose(past: Past, tested: Backtest) -> tuple[str, float, str]:
    """The model to publish, the factor by which its prediction intervals are widened, and the reason as a sentence."""
    if past.is_plain:
        return SEASONAL_NAIVE, 1.0, _plain_words(past)
    if not tested.windows:
        reason = f"The forecast is seasonal naive (last week): {past.days} days of history are too few for a backtest."
        return SEASONAL_NAIVE, 1.0, reason
    mases = tested.scores()["mase"]
    if mases[ENSEMBLE] < mases[SEASONAL_NAIVE]:
        return ENSEMBLE, tested.width_factor(ENSEMBLE), _skill_words(tested)
    is_average = mases[WEEKDAY_AVERAGE] < mases[SEASONAL_NAIVE]
    simple = WEEKDAY_AVERAGE if is_average else SEASONAL_NAIVE
    name = f"the {simple}" if is_average else f"{simple} (last week)"
    reason = f"The forecast is {name}: the ensemble did not beat seasonal naive in {_windows(tested)}."
    return simple, tested.width_factor(simple), reason


def _plain_words(past: Past) -> str:
    if past.days < SHORTEST_HISTORY:
        why = f"the history has {past.days} of the {SHORTEST_HISTORY} days that a model needs"
    else:
        why = f"every day so far had the same revenue, {decimal(past.series.iloc[0])}"
    return f"The forecast is seasonal naive (last week): {why}."


def _skill_words(tested: Backtest) -> str:
    gain, _ = tested.gains(ENSEMBLE, SEASONAL_NAIVE)
    over_average, is_significant = tested.gains(ENSEMBLE, WEEKDAY_AVERAGE)
    compared = f"{_compared(gain)} {SEASONAL_NAIVE} (last week) and {_compared(over_average)} the {WEEKDAY_AVERAGE}"
    if over_average < NO_GAIN:
        verdict = ": it has no skill compared with that average"
    else:
        verdict = "" if is_significant else ", which is not distinguishable from noise"
    return f"In {_windows(tested)} the MASE of the {ENSEMBLE} was {compared}{verdict}."


def _compared(gain: float) -> str:
    if abs(gain) < NO_GAIN:
        return "equal to that of"
    return f"{percent(abs(gain), 0)} {'below' if gain > 0 else 'above'} that of"


def _windows(tested: Backtest) -> str:
    return f"{len(tested.windows)} backtest window{'s' if len(tested.windows) > 1 else ''}"


@dataclass(frozen=True)
class Segment:
    """A segment of the shop, such as a product category: its name, its history and its forecast."""

    name: str
    history: History
    forecast: Forecast


def forecast_segments(
    daily: pd.DataFrame, by: str, whole: History, horizon: int = 30, *, seed: int = 42
) -> list[Segment]:
    """Forecast the largest segments of the shop, each as a series of its own.

    Args:
        daily: date, revenue and the column `by`; a day without a row has no sales.
        by: column with the name of the segment.
        whole: history of the whole shop; segments get its last SEGMENT_DAYS days.
        horizon: days ahead.
        seed: of the simulated paths.

    Returns:
        At most SEGMENTS segments, by revenue of the last year, the largest first.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-06-02", "2025-06-29"), "category": "Toys", "revenue": 9})
        >>> history = forecast.daily_series(sales, "2025-06-30")
        >>> forecast.forecast_segments(sales, "category", history, 7)[0].forecast.total
        63.0
    """
    days = whole.series.index[-SEGMENT_DAYS:]
    rows = daily.assign(date=pd.to_datetime(daily["date"]).astype("datetime64[us]"))
    table = rows.pivot_table(index="date", columns=by, values="revenue", aggfunc="sum", fill_value=0.0)
    table = table.reindex(days, fill_value=0.0)
    sums = table.tail(YEAR).sum().rename("revenue").rename_axis("name").reset_index()
    sums = sums[sums["revenue"] > 0].sort_values(["revenue", "name"], ascending=[False, True])
    return [_segment(name, table[name], horizon, seed) for name in sums["name"].head(SEGMENTS)]


def _segment(name: str, series: pd.Series, horizon: int, seed: int) -> Segment:
    rows = series.rename("revenue").rename_axis("date").reset_index()
    history = daily_series(rows, series.index[-1] + pd.Timedelta(days=1))
    past = history.past()
    if (past.series > 0).mean() < THIN:
        return Segment(name, history, untested(past, horizon, seed=seed))
    tested = backtest(past, horizon, origins=SEGMENT_ORIGINS, seed=seed)
    return Segment(name, history, forecast(past, tested, horizon, seed=seed))
