"""The published forecast: the ensemble where it beat seasonal naive on this series, otherwise a simple model."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lib.analysis.forecast.backtest import Backtest
from lib.analysis.forecast.factors import factors
from lib.analysis.forecast.models import ENSEMBLE, SEASONAL_NAIVE, WEEKDAY_AVERAGE, simulate, simulate_all
from lib.analysis.forecast.simulation import FEWEST_DAYS, SHORTEST_HISTORY, Floats, Past, Simulation, dates
from lib.formatting import decimal, percent

__all__ = ["Forecast", "forecast", "untested"]

SHOWN_WITH_IT = ("ETS", "ARIMA")  # models shown next to the published one
NO_GAIN = 0.005  # a smaller share rounds to zero in whole per cents
STATED_BIAS = 0.01  # a smaller correction is not worth a sentence


@dataclass(frozen=True)
class Forecast:
    """The published forecast.

    Attributes:
        model: name of the published model, `none` with less than two weeks of history.
        frame: one row per day of the horizon, indexed by date: forecast, lower_80, upper_80, lower_95, upper_95, and
            for comparison the point forecasts ETS and ARIMA if these models were simulated; 0 on closed days.
        total: expected revenue of the horizon.
        total_80: 80 % prediction interval of the total, from and to.
        reason: sentence on the choice of the model.
        paths: simulated revenue, paths x days of the horizon, from which the intervals are taken.
    """

    model: str
    frame: pd.DataFrame
    total: float
    total_80: tuple[float, float]
    reason: str
    paths: Floats = field(default_factory=lambda: np.empty((1, 0)), repr=False, compare=False)

    @property
    def earned(self) -> bool:
        """Whether the ensemble is published, which means that it beat seasonal naive in the backtest."""
        return self.model == ENSEMBLE


def forecast(past: Past, tested: Backtest, horizon: int = 30, *, seed: int = 42) -> Forecast:
    """Forecast the next `horizon` days with the ensemble if its MASE in the backtest is below that of seasonal naive.

    Otherwise with the better of seasonal naive and the 8-week weekday average, or with seasonal naive if the history is
    too short for a backtest; not at all with less than two weeks of history. The ensemble is multiplied by the
    factors that the backtest has earned, and a stable bias of the backtest is taken out.

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
    if past.days < FEWEST_DAYS:
        return _none(past)
    model, factor, reason = _choose(past, tested)
    if past.is_plain:
        simulations = {SEASONAL_NAIVE: simulate(SEASONAL_NAIVE, past, horizon, seed=seed)}
    else:
        simulations = simulate_all(past, horizon, seed=seed)
        simulations[ENSEMBLE] = _adjusted(simulations[ENSEMBLE], past, tested, horizon)
    failed = [name for name, one in simulations.items() if one.is_fallback]
    if model == ENSEMBLE and failed:
        reason += f" The ensemble is without {' and '.join(failed)}, which could not be fitted."
    return _published(past, horizon, simulations, model, reason, factor)


def _none(past: Past) -> Forecast:
    no_days = Simulation(np.empty(0), np.empty((1, 0))).interval_frame(dates(past.series.head(0)))
    days = f"{past.days} day{'' if past.days == 1 else 's'}"
    few = f"The history has {days}; a forecast needs {FEWEST_DAYS}."
    return Forecast("none", no_days, 0.0, (0.0, 0.0), few if past.days else "No day has had revenue yet.")


def _adjusted(ensemble: Simulation, past: Past, tested: Backtest, horizon: int) -> Simulation:
    """The ensemble times the factors that its backtest has earned, and the correction of its bias."""
    by_name = factors(past, past.days_ahead(horizon))
    for name in tested.earned:
        ensemble = ensemble.scaled(by_name[name])
    return ensemble.scaled(np.full(len(ensemble.point), tested.correction(ENSEMBLE)))


def untested(past: Past, horizon: int = 30, *, seed: int = 42) -> Forecast:
    """Forecast a series with too few days with sales for a backtest: 8-week weekday average, uncalibrated.

    Seasonal naive for less than eight weeks of history, or if every day has the same revenue.
    """
    if past.days < FEWEST_DAYS:
        return _none(past)
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
    paths = np.zeros((len(chosen.paths), horizon))
    paths[:, every.isin(days.index)] = chosen.paths
    return Forecast(
        model=model,
        frame=days.assign(**others).reindex(every, fill_value=0.0),
        total=float(days["forecast"].sum()),
        total_80=chosen.total_interval(80),
        reason=reason,
        paths=paths,
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
        return ENSEMBLE, tested.width_factor(ENSEMBLE), _skill_words(tested) + _adjustment_words(tested)
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


def _adjustment_words(tested: Backtest) -> str:
    """A sentence per adjustment of the ensemble, with a space before it."""
    words = ""
    if tested.earned:
        words = f" It includes the effects of {' and of '.join(tested.earned)}, tested in the same windows."
    share = tested.correction(ENSEMBLE) - 1
    if abs(share) >= STATED_BIAS:
        side = "too low" if share > 0 else "too high"
        words += f" Its totals were steadily {side} in the backtest, so it is corrected by {percent(share, 0)}."
    return words


def _compared(gain: float) -> str:
    if abs(gain) < NO_GAIN:
        return "equal to that of"
    return f"{percent(abs(gain), 0)} {'below' if gain > 0 else 'above'} that of"


def _windows(tested: Backtest) -> str:
    return f"{len(tested.windows)} backtest window{'s' if len(tested.windows) > 1 else ''}"
