"""The daily series: days without sales, closed weekdays, records that end early, and public holidays."""

import calendar
from dataclasses import dataclass
from datetime import date

import pandas as pd

from lib.analysis.forecast.simulation import SHORTEST_HISTORY, Past, dates
from lib.formatting import day, integer

__all__ = ["History", "daily_series", "holiday_near", "holidays_of", "holidays_of_main_country"]

SILENCE = 7  # days; if the rows end earlier before as_of than this, the records ended, not the sales
CLOSED_WHILE_OPEN = 0.5  # a weekday that never had a sale is a closed one if more of the other days than this had
EPOCH = pd.Timestamp("1970-01-01")
NEARBY = {0: "{}", 1: "day before {}", -1: "day after {}"}


@dataclass(frozen=True)
class History:
    """Revenue per day, and how the series was prepared.

    Attributes:
        series: revenue of every day from the first sale on, indexed by date.
        closed: weekdays on which the shop is closed, 0 is Monday.
        notes: sentences on the data preparation.
    """

    series: pd.Series
    closed: tuple[int, ...]
    notes: tuple[str, ...]

    def past(self, holidays: pd.Series | None = None) -> Past:
        """The open days, with the names of holidays by date."""
        opened = self.series[~dates(self.series).day_of_week.isin(self.closed)]
        end = self.series.index[-1] + pd.Timedelta(days=1) if len(self.series) else EPOCH
        return Past(opened, end) if holidays is None else Past(opened, end, holidays)


def daily_series(daily: pd.DataFrame, as_of: date | str) -> History:
    """Prepare the daily series: every day from the first sale to the day before as_of, 0 for a day without a row.

    If the rows end more than a week before as_of, the later days are unknown rather than empty. The series then ends
    before the last recorded day, which may be incomplete.

    Args:
        daily: the columns date and revenue; several rows of a day are added up.
        as_of: first day that is not in the data.

    Example:
        >>> daily = pd.DataFrame({"date": ["2025-06-28", "2025-06-30"], "revenue": [100.0, 50.0]})
        >>> forecast.daily_series(daily, "2025-07-01").series.tolist()
        [100.0, 0.0, 50.0]
    """
    days = pd.DatetimeIndex(pd.to_datetime(daily["date"])).as_unit("us")
    rows = pd.Series(daily["revenue"].to_numpy(dtype=float), index=days).groupby(level=0).sum()
    rows = rows[rows.index < pd.Timestamp(as_of)]
    end, cut_notes = _end(rows, pd.Timestamp(as_of))
    rows = rows[rows.index < end]
    first = rows[rows != 0].index.min() if rows.any() else rows.index.min()
    every = pd.date_range(end if pd.isna(first) else first, end, freq="D", inclusive="left", name="date", unit="us")
    series = rows.reindex(every, fill_value=0.0).rename("revenue")
    closed = _closed_weekdays(series)
    return History(series, closed, (_length_note(series, rows), *cut_notes, *_closed_notes(closed)))


def _end(rows: pd.Series, as_of: pd.Timestamp) -> tuple[pd.Timestamp, tuple[str, ...]]:
    """The first day not in the series and, if the rows end early, a sentence about it."""
    if rows.empty or (as_of - rows.index[-1]).days - 1 <= SILENCE:
        return as_of, ()
    last = rows.index[-1]
    ends = f"The records end on {day(last)}, {(as_of - last).days} days before {day(as_of)}"
    return last, (f"{ends}; that day may be incomplete, so it is left out and the forecast starts with it.",)


def _closed_weekdays(series: pd.Series) -> tuple[int, ...]:
    """Weekdays that never had a sale, in a shop that sells on most of the other days."""
    if len(series) < SHORTEST_HISTORY or not series.any():
        return ()
    sold = (series > 0).groupby(dates(series).day_of_week).mean()
    closed = sold.index[sold == 0]
    opened = sold.drop(closed)
    has_week = len(opened) > 1 and opened.mean() > CLOSED_WHILE_OPEN  # one open weekday is not a weekly pattern
    return tuple(int(weekday) for weekday in closed) if has_week else ()


def _length_note(series: pd.Series, rows: pd.Series) -> str:
    if series.empty:
        return "No day has had revenue yet."
    missing, empty = len(series.index.difference(rows.index)), int((series == 0).sum())
    span = f"{integer(len(series))} days of history, {day(series.index[0])} to {day(series.index[-1])}"
    without_row = f" ({integer(missing)} of them without a row)" if missing else ""
    return f"{span}; {integer(empty)} days without revenue count as zero{without_row}."


def _closed_notes(closed: tuple[int, ...]) -> tuple[str, ...]:
    names = " and ".join(f"{calendar.day_name[weekday]}s" for weekday in closed)
    return (f"The shop is closed on {names}, so no model forecasts them.",) if closed else ()


def holidays_of(country: str | None, first: pd.Timestamp, last: pd.Timestamp) -> pd.Series:
    """Public holidays from first to last.

    Args:
        country: ISO 3166 alpha-2 code.
        first: first day.
        last: last day, inclusive.

    Returns:
        English names indexed by date, several of one day joined by a comma, days observed instead left out; empty for
        an unknown country.
    """
    import holidays  # half a second to import

    if not country or country not in holidays.list_supported_countries(include_aliases=False):
        return pd.Series(dtype="str", index=pd.DatetimeIndex([], dtype="datetime64[us]"))
    known = holidays.country_holidays(country, years=range(first.year, last.year + 1), language="en_US", observed=False)
    found = pd.Series(dict(known), dtype="str")
    found.index = pd.DatetimeIndex(pd.to_datetime(found.index)).as_unit("us")
    return found.str.replace(";", ",").sort_index()[first:last]


def holidays_of_main_country(countries: pd.DataFrame, history: History, horizon: int) -> pd.Series:
    """Public holidays of the country with the most revenue, from the first day of history to the last day ahead.

    Args:
        countries: the columns country_code and revenue.
        history: the daily series.
        horizon: days ahead.

    Returns:
        Names indexed by date; empty without history or if no country is known.

    Example:
        >>> daily = pd.DataFrame({"date": ["2025-06-28", "2025-06-30"], "revenue": [100.0, 50.0]})
        >>> countries = pd.DataFrame({"country_code": ["US", "DE"], "revenue": [120.0, 30.0]})
        >>> forecast.holidays_of_main_country(countries, forecast.daily_series(daily, "2025-07-01"), 30).tolist()
        ['Independence Day']
    """
    known = countries.dropna(subset="country_code").sort_values("revenue", ascending=False, kind="stable")
    series = history.series
    if known.empty or series.empty:
        return holidays_of(None, EPOCH, EPOCH)
    last = series.index[-1] + pd.Timedelta(days=horizon)
    return holidays_of(known["country_code"].iloc[0], series.index[0], last)


def holiday_near(day: pd.Timestamp, holidays: pd.Series) -> str:
    """The holiday on this day, the next or the previous one, in words; empty if there is none."""
    for shift, words in NEARBY.items():
        at = day + pd.Timedelta(days=shift)
        if at in holidays.index:
            return words.format(holidays[at])
    return ""
