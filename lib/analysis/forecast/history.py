"""The daily series made explicit: the life of the shop, closed weekdays, days without a row, and what was done."""

import calendar
from dataclasses import dataclass
from datetime import date

import pandas as pd

from lib.analysis.forecast.simulation import SHORTEST_HISTORY, Past
from lib.formatting import integer

__all__ = ["History", "daily_series", "holidays_of", "near"]

SILENCE = 7  # days; after a longer one up to as_of the records have ended, not the sales
CLOSED_WHILE_OPEN = 0.5  # a weekday without any sale is a closed one where more of the other days than this have sales


@dataclass(frozen=True)
class History:
    """Revenue of every day of the shop's life; its closed weekdays (0 is Monday); sentences that say what was done."""

    series: pd.Series
    closed: tuple[int, ...]
    notes: tuple[str, ...]

    def past(self, holidays: pd.Series | None = None) -> Past:
        """The open days, with the names of holidays by day."""
        opened = self.series[~self.series.index.day_of_week.isin(self.closed)]
        end = self.series.index[-1] + pd.Timedelta(days=1) if len(self.series) else pd.Timestamp("1970-01-01")
        return Past(opened, end) if holidays is None else Past(opened, end, holidays)


def daily_series(daily: pd.DataFrame, as_of: date | str) -> History:
    """The revenue per day of the rows (date, revenue) from the first sale to the day before as_of, days without one 0.

    Where the rows end more than a week before as_of, the records have ended, not the sales: the days after are not
    known, and the last one may be a part of a day; the series ends before it.
    """
    dates = pd.DatetimeIndex(pd.to_datetime(daily["date"])).as_unit("us")
    rows = pd.Series(daily["revenue"].to_numpy(dtype=float), index=dates).groupby(level=0).sum()
    rows = rows[rows.index < pd.Timestamp(as_of)]
    end, cut = _end(rows, pd.Timestamp(as_of))
    rows = rows[rows.index < end]
    first = rows[rows != 0].index.min() if rows.any() else rows.index.min()
    life = pd.date_range(end if pd.isna(first) else first, end, freq="D", inclusive="left", name="date", unit="us")
    series = rows.reindex(life, fill_value=0.0).rename("revenue")
    closed = _closed_weekdays(series)
    return History(series, closed, (*_life_words(series, rows), *cut, *_closed_words(closed)))


def _end(rows: pd.Series, as_of: pd.Timestamp) -> tuple[pd.Timestamp, tuple[str, ...]]:
    """The first day not in the series and, where the rows end early, a sentence about it."""
    if rows.empty or (as_of - rows.index[-1]).days - 1 <= SILENCE:
        return as_of, ()
    last = rows.index[-1]
    told = f"The records end on {last:%Y-%m-%d}, {(as_of - last).days} days before {as_of:%Y-%m-%d}"
    return last, (f"{told}; that day, maybe only a part of one, is left out, and the forecast begins with it.",)


def _closed_weekdays(series: pd.Series) -> tuple[int, ...]:
    """Weekdays that never had a sale in a shop that sells on most of the other days."""
    if len(series) < SHORTEST_HISTORY or not series.any():
        return ()
    sold = (series != 0).groupby(series.index.day_of_week).mean()
    closed = sold.index[sold == 0]
    opened = sold.drop(closed)
    is_week = len(opened) > 1 and opened.mean() > CLOSED_WHILE_OPEN  # a single day a week has no weekly pattern
    return tuple(int(day) for day in closed) if is_week else ()


def _life_words(series: pd.Series, rows: pd.Series) -> tuple[str, ...]:
    if series.empty:
        return ("There is no day with revenue yet.",)
    missing, empty = len(series.index.difference(rows.index)), int((series == 0).sum())
    told = f"{integer(len(series))} days are looked at, {series.index[0]:%Y-%m-%d} to {series.index[-1]:%Y-%m-%d}"
    gone = f", {integer(missing)} had no row" if missing else ""
    return (f"{told}; {integer(empty)} of them without revenue count as 0{gone}.",)


def _closed_words(closed: tuple[int, ...]) -> tuple[str, ...]:
    names = " and ".join(f"{calendar.day_name[day]}s" for day in closed)
    return (f"The shop is closed on {names}: no model is asked about them.",) if closed else ()


BESIDE = {0: "{}", 1: "day before {}", -1: "day after {}"}


def holidays_of(country: str | None, first: pd.Timestamp, last: pd.Timestamp) -> pd.Series:
    """Names of the public holidays from first to last, by day; none for a country that is not known.

    country: ISO 3166 alpha-2. A day of several names has them joined by a comma. Moved days are named as the day meant.
    """
    import holidays  # half a second to import

    if not country or country not in holidays.list_supported_countries(include_aliases=False):
        return pd.Series(dtype="str", index=pd.DatetimeIndex([], dtype="datetime64[us]"))
    known = holidays.country_holidays(country, years=range(first.year, last.year + 1), language="en_US", observed=False)
    found = pd.Series(dict(known), dtype="str")
    found.index = pd.DatetimeIndex(pd.to_datetime(found.index)).as_unit("us")
    return found.str.replace(";", ",").sort_index()[first:last]


def near(day: pd.Timestamp, holidays: pd.Series) -> str:
    """The holiday of the day, of the next day or of the day before, in words; empty where there is none."""
    for shift, words in BESIDE.items():
        at = day + pd.Timedelta(days=shift)
        if at in holidays.index:
            return words.format(holidays[at])
    return ""
