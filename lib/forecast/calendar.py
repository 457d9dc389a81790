"""Public holidays of a country, as marked days and as possible causes."""

import pandas as pd

__all__ = ["holidays_of", "near"]

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
