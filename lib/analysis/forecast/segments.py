"""Forecasts of the segments of the shop, such as product categories, that add up to the forecast of the whole."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.analysis.forecast.backtest import backtest
from lib.analysis.forecast.history import History, daily_series
from lib.analysis.forecast.publishing import Forecast, forecast, untested
from lib.analysis.forecast.simulation import Floats, Simulation

__all__ = ["OTHERS", "Segment", "forecast_segments"]

SEGMENTS = 6  # maximum segments with a forecast of their own; the rest is one more
OTHERS = "all others"
SEGMENT_ORIGINS = 3  # backtest windows per segment, so that six segments take little longer than the whole shop
SEGMENT_DAYS = 420  # of history; more lowers the error by half a per cent on real series and doubles the time
YEAR = 365  # days
THIN = 0.5  # share of days with sales below which a segment's models are not backtested


@dataclass(frozen=True)
class Segment:
    """A segment of the shop, such as a product category: its name, its history and its forecast."""

    name: str
    history: History
    forecast: Forecast


def forecast_segments(
    daily: pd.DataFrame, by: str, history: History, whole: Forecast, *, seed: int = 42
) -> list[Segment]:
    """Forecast the largest segments of the shop and the rest, and reconcile them with the forecast of the whole.

    Each is first forecast like the whole shop. Then the segments of each path and day are scaled so that they add up to
    the whole's path: so do the point forecasts, and no bound of a segment is above the whole's. Segments without
    revenue in the last year are part of the rest; one too new for a forecast is left out.

    Args:
        daily: date, revenue and the column `by`; a day without a row has no sales.
        by: column with the name of the segment.
        history: of the whole shop; segments get its last SEGMENT_DAYS days.
        whole: forecast of the whole shop.
        seed: of the simulated paths.

    Returns:
        At most SEGMENTS segments, by revenue of the last year, the largest first; then OTHERS if there are others.

    Example:
        >>> sales = pd.DataFrame({"date": pd.date_range("2025-06-02", "2025-06-29"), "category": "Toys", "revenue": 9})
        >>> history = forecast.daily_series(sales, "2025-06-30")
        >>> whole = forecast.untested(history.past(), 7)
        >>> forecast.forecast_segments(sales, "category", history, whole)[0].forecast.total
        63.0
    """
    if whole.frame.empty:
        return []
    table = _by_segment(daily, by, history)
    segments = [_segment(str(name), table[name], len(whole.frame), seed) for name in table]
    known = [segment for segment in segments if len(segment.forecast.frame)]
    own = np.array([[one.forecast.frame["forecast"]] for one in known])
    points = _shared(own, whole.frame[["forecast"]].to_numpy().T)
    paths = _shared(np.array([one.forecast.paths for one in known]), whole.paths)
    return [
        Segment(one.name, one.history, _reconciled(one.forecast, point[0], path))
        for one, point, path in zip(known, points, paths, strict=True)
    ]


def _by_segment(daily: pd.DataFrame, by: str, history: History) -> pd.DataFrame:
    """Revenue per day and segment, the largest first, then the rest."""
    days = history.series.index[-SEGMENT_DAYS:]
    rows = daily.assign(date=pd.to_datetime(daily["date"]).astype("datetime64[us]"))
    table = rows.pivot_table(index="date", columns=by, values="revenue", aggfunc="sum", fill_value=0.0)
    table = table.reindex(days, fill_value=0.0)
    sums = table.tail(YEAR).sum().rename("revenue").rename_axis("name").reset_index()
    sums = sums[sums["revenue"] > 0].sort_values(["revenue", "name"], ascending=[False, True])
    largest = table[sums["name"].head(SEGMENTS)]
    rest = table.drop(columns=largest.columns).sum(axis=1)
    return largest.assign(**{OTHERS: rest}) if rest.any() else largest


def _segment(name: str, series: pd.Series, horizon: int, seed: int) -> Segment:
    rows = series.rename("revenue").rename_axis("date").reset_index()
    history = daily_series(rows, series.index[-1] + pd.Timedelta(days=1))
    past = history.past()
    if (past.series > 0).mean() < THIN:
        return Segment(name, history, untested(past, horizon, seed=seed))
    tested = backtest(past, horizon, origins=SEGMENT_ORIGINS, seed=seed)
    return Segment(name, history, forecast(past, tested, horizon, seed=seed))


def _shared(parts: Floats, whole: Floats) -> Floats:
    """The whole of each path and day, divided like the parts; like their means where all parts are 0."""
    parts = np.maximum(parts, 0.0)
    means = parts.mean(axis=(1, 2), keepdims=True)
    means = means if means.any() else np.ones_like(means)
    sums = parts.sum(axis=0)
    shares = np.where(sums > 0, parts / np.where(sums > 0, sums, 1.0), means / means.sum())
    return np.asarray(shares * whole)


def _reconciled(own: Forecast, point: Floats, paths: Floats) -> Forecast:
    simulation = Simulation(point, paths)
    frame = simulation.interval_frame(pd.DatetimeIndex(own.frame.index))
    return Forecast(own.model, frame, float(point.sum()), simulation.total_interval(80), own.reason, paths)
