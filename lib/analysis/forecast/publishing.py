"""What is published: the combination where it has earned it on this very series, else a simple model, with reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lib.analysis.forecast.backtest import Backtest, backtest
from lib.analysis.forecast.history import History, daily_series
from lib.analysis.forecast.models import BASELINE, COMBINATION, RIVAL, is_plain, refuse_no_days, simulate, simulate_all
from lib.analysis.forecast.simulation import (
    LEVELS,
    SHORTEST_HISTORY,
    Past,
    Simulation,
    days_ahead,
    frame,
    total_interval,
)
from lib.formatting import decimal, percent

__all__ = ["GROUPS", "Forecast", "Group", "forecast", "forecast_groups", "untested"]

BESIDE = ("ETS", "ARIMA")  # shown beside what is published


@dataclass(frozen=True)
class Forecast:
    """The published forecast: per day (frame) and for the whole horizon, with the reason for the choice of model.

    frame: see `simulation.frame`; beside it what ETS and ARIMA say, where they can be asked. earned: whether the
    tests spoke for the combination.
    """

    model: str
    frame: pd.DataFrame
    total: float
    total_80: tuple[float, float]
    total_95: tuple[float, float]
    earned: bool
    reason: str


@dataclass(frozen=True)
class _Choice:
    """Name of the model to publish, whether the combination has earned it, the reason, how far to stretch futures."""

    model: str
    earned: bool
    reason: str
    factor: float = 1.0


def forecast(past: Past, tested: Backtest, horizon: int = 30, *, seed: int = 42) -> Forecast:
    """The next `horizon` days by the combination, or by the better simple model where `tested` does not speak for it.

    A closed weekday is in the frame, as 0. Raises UsageError for a horizon of no days.
    """
    refuse_no_days(horizon)
    if past.series.empty:
        nothing = frame(Simulation(np.empty(0), np.empty((1, 0))), past.series.index)
        return Forecast("none", nothing, 0.0, (0.0, 0.0), (0.0, 0.0), False, "No day has had revenue yet.")
    choice, plain = _choose(past, tested), is_plain(past)
    said = {BASELINE: simulate(BASELINE, past, horizon, seed=seed)} if plain else simulate_all(past, horizon, seed=seed)
    lost = _lost_words(said) if choice.model == COMBINATION else ""
    return _published(past, horizon, said, replace(choice, reason=choice.reason + lost))


def untested(past: Past, horizon: int = 30, *, seed: int = 42) -> Forecast:
    """The mean of eight weeks for a series too thin to test models on; last week's where there are not so many."""
    model = BASELINE if is_plain(past) else RIVAL
    said = {model: simulate(model, past, horizon, seed=seed)}
    return _published(past, horizon, said, _Choice(model, False, "Sales are too thin to test a model on."))


def _published(past: Past, horizon: int, said: Mapping[str, Simulation], choice: _Choice) -> Forecast:
    chosen = said[choice.model].stretched(choice.factor)
    days = frame(chosen, days_ahead(past, horizon))
    beside = {name: np.maximum(said[name].point, 0.0) for name in BESIDE if name in said}
    every = pd.date_range(past.end, periods=horizon, freq="D", unit="us", name="date")
    whole = days.assign(**beside).reindex(every, fill_value=0.0)
    intervals = (total_interval(chosen, level) for level in LEVELS)
    return Forecast(choice.model, whole, float(days["forecast"].sum()), *intervals, choice.earned, choice.reason)


def _lost_words(said: Mapping[str, Simulation]) -> str:
    lost = [name for name, one in said.items() if one.note]
    return f" Without {' and '.join(lost)}, whose fit failed." if lost else ""


def _choose(past: Past, tested: Backtest) -> _Choice:
    if is_plain(past):
        return _Choice(BASELINE, False, _plain_words(past))
    if not tested.windows:
        n = (past.end - past.series.index[0]).days
        words = f"The forecast repeats last week: {n} days of history are too few to test another on."
        return _Choice(BASELINE, False, words)
    mases = tested.scores()["mase"]
    if mases[COMBINATION] < mases[BASELINE]:
        return _Choice(COMBINATION, True, _earned_words(tested), tested.stretch(COMBINATION))
    simple = RIVAL if mases[RIVAL] < mases[BASELINE] else BASELINE
    return _Choice(simple, False, _guard_words(simple, tested), tested.stretch(simple))


def _plain_words(past: Past) -> str:
    n = (past.end - past.series.index[0]).days
    if n < SHORTEST_HISTORY:
        return f"The forecast repeats last week: history has {n} of the {SHORTEST_HISTORY} days that a model needs."
    return f"The forecast repeats last week: every day so far brought the same {decimal(past.series.iloc[0])}."


def _earned_words(tested: Backtest) -> str:
    gain, _ = tested.gains(COMBINATION, BASELINE)
    over, sure = tested.gains(COMBINATION, RIVAL)
    start = f"In {_tests(tested)} its error was {percent(gain, 0)} below that of repeating last week"
    if over < 0.005:  # no gain in whole per cents
        above = f"{percent(-over, 0)} above" if over < -0.005 else "as large as"
        return f"{start}, and {above} that of the mean of eight weeks: it has no skill against that."
    doubt = "" if sure else ", no more than on pure noise"
    return f"{start} and {percent(over, 0)} below that of the mean of eight weeks{doubt}."


def _guard_words(simple: str, tested: Backtest) -> str:
    words = "is the mean of the last eight weeks, by weekday" if simple == RIVAL else "repeats last week"
    return f"The forecast {words}: the combination of models did no better than last week in {_tests(tested)}."


def _tests(tested: Backtest) -> str:
    return f"{len(tested.windows)} test{'s' if len(tested.windows) > 1 else ''} on the past"


GROUPS = 6
ORIGINS = 3  # tests of each part: fewer than of the whole shop, so that six parts take little longer than it does
DAYS = 420  # of history: the days before gain half a per cent of error on real series, and take twice the time
YEAR = 365
THIN = 0.5  # of the days with sales; a part with fewer shows no model what to learn


@dataclass(frozen=True)
class Group:
    """A part of the shop: its name, its history and its forecast."""

    name: str
    history: History
    forecast: Forecast


def forecast_groups(daily: pd.DataFrame, by: str, whole: History, horizon: int = 30, *, seed: int = 42) -> list[Group]:
    """Forecasts of the parts named in the column `by` of the rows (date, revenue) that sold most in the last year.

    At most GROUPS, the largest first, each over the last DAYS days of the whole shop; a day without a row has no sales.
    """
    days = whole.series.index[-DAYS:]
    rows = daily.assign(date=pd.to_datetime(daily["date"]).astype("datetime64[us]"))
    table = rows.pivot_table(index="date", columns=by, values="revenue", aggfunc="sum", fill_value=0.0)
    table = table.reindex(days, fill_value=0.0)
    sums = table.tail(YEAR).sum().rename("revenue").rename_axis("name").reset_index()
    names = sums[sums["revenue"] > 0].sort_values(["revenue", "name"], ascending=[False, True])["name"].head(GROUPS)
    return [_group(name, table[name], horizon, seed) for name in names]


def _group(name: str, series: pd.Series, horizon: int, seed: int) -> Group:
    rows = series.rename("revenue").rename_axis("date").reset_index()
    history = daily_series(rows, series.index[-1] + pd.Timedelta(days=1))
    past = history.past()
    if (past.series > 0).mean() < THIN:
        return Group(name, history, untested(past, horizon, seed=seed))
    tested = backtest(past, horizon, origins=ORIGINS, seed=seed)
    return Group(name, history, forecast(past, tested, horizon, seed=seed))
