"""The largest parts of the shop, each with a forecast of its own."""

from dataclasses import dataclass

import pandas as pd

from lib.forecast.backtest import backtest
from lib.forecast.history import History, daily_series
from lib.forecast.publishing import Forecast, forecast, untested

__all__ = ["GROUPS", "Group", "forecast_groups"]

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
