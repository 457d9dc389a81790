"""Text as days and instants: ISO 8601 or a declared format, clocks of a declared zone, instants in UTC."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lib.catalog import ARROW_TYPES
from lib.sources.cells import Read, count, matches, only
from lib.sources.dialect import Dialect

__all__ = ["read_day", "read_instant", "why_no_day", "why_no_instant"]

DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
MIDNIGHT = r"[T ]00:00(?::00(?:\.0+)?)?"
OFFSET = r" ?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
INSTANT = rf"{DAY}(?:[T ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]{{1,9}})?)?(?:{OFFSET})?)?"
DECLARED = r"[ -~]*[0-9][ -~]*"  # ASCII with a digit: pandas reads `now`, `today` and Arabic digits as dates
LEAP = r":60(?:[^0-9]|$)"  # pandas rolls the sixtieth second over
TIME_OF_DAY = r"[\sT]*%[HIMpXcTR].*$"


def read_day(text: pa.Array, dialect: Dialect) -> Read:
    """Days; of a declared format the part before the time of day."""
    if dialect.date_format:
        days = _dates(only(text, matches(text, DECLARED)), re.sub(TIME_OF_DAY, "", dialect.date_format))
        return Read(pa.array(days, pa.timestamp("us"), from_pandas=True).cast(pa.date32()), Counter())
    sound = only(text, matches(text, f"{DAY}(?:{MIDNIGHT})?"))
    days = _dates(pc.utf8_slice_codeunits(sound, 0, 10), "ISO8601")
    values = pa.array(days, pa.timestamp("us"), from_pandas=True).cast(pa.date32())
    return Read(values, Counter({"time 00:00 of a day dropped": count(pc.greater(pc.utf8_length(sound), 10))}))


def read_instant(text: pa.Array, dialect: Dialect) -> Read:
    """Instants in UTC; what has no offset is the clock of the declared zone, and of two equal hours the first."""
    if dialect.date_format:
        return _declared_instant(only(text, matches(text, DECLARED)), dialect)
    sound = only(text, matches(text, INSTANT))
    cut = pc.replace_substring_regex(sound, r"(\.[0-9]{6})[0-9]+", r"\1")
    offset = pc.match_substring_regex(sound, rf":[0-9]{{2}}.*{OFFSET}$")
    naive = only(cut, pc.invert(offset))
    clocks, repairs = _in_zone(_dates(naive, "ISO8601"), dialect)
    instants = pd.to_datetime(_series(only(cut, offset)), format="ISO8601", errors="coerce", utc=True)
    values = _utc(instants.dt.as_unit("us").where(instants.notna(), clocks))
    shorter = count(pc.not_equal(cut, sound))
    days = count(pc.equal(pc.utf8_length(naive), 10))
    words = {"nanoseconds cut to microseconds": shorter, "day without a time taken as its midnight": days}
    return Read(values, repairs + Counter(words))


def _declared_instant(text: pa.Array, dialect: Dialect) -> Read:
    text = only(text, pc.invert(pc.match_substring_regex(text, LEAP)))
    if "%z" in dialect.date_format:
        found = pd.to_datetime(_series(text), format=dialect.date_format, errors="coerce", utc=True)
        return Read(_utc(found), Counter())
    instants, repairs = _in_zone(_dates(text, dialect.date_format), dialect)
    return Read(_utc(instants), repairs)


def _in_zone(local: pd.Series, dialect: Dialect) -> tuple[pd.Series, Counter[str]]:
    """The instants of clock times; a time that the clocks skip is none."""
    first = np.ones(len(local), bool)
    zoned = local.dt.tz_localize(dialect.time_zone, ambiguous=first, nonexistent="NaT")
    twice = zoned.notna() & local.dt.tz_localize(dialect.time_zone, ambiguous="NaT", nonexistent="NaT").isna()
    words = {
        f"instant without offset taken in {dialect.time_zone}": int(zoned.notna().sum()),
        "the first of two equal clock times": int(twice.sum()),
    }
    return zoned.dt.tz_convert("UTC"), Counter(words)


def why_no_day(cell: str, dialect: Dialect) -> str:
    """The rule that a cell breaks which read_day could not read."""
    return "not_a_date" if dialect.date_format or re.fullmatch(f"{DAY}(?:{MIDNIGHT})?", cell) else "not_iso"


def why_no_instant(cell: str, dialect: Dialect) -> str:
    """The rule that a cell breaks which read_instant could not read."""
    text = pa.array([cell])
    sound = DECLARED if dialect.date_format else INSTANT
    if not re.fullmatch(sound, cell):
        return "not_a_date" if dialect.date_format else "not_iso"
    known = _dates(text, dialect.date_format or "ISO8601").notna()[0] and not re.search(LEAP, cell)
    return "no_such_time" if known else "not_a_date"


def _dates(text: pa.Array, words: str) -> pd.Series:
    return pd.to_datetime(_series(text), format=words, errors="coerce").dt.as_unit("us")


def _series(text: pa.Array) -> pd.Series:
    return pd.Series(text.to_numpy(zero_copy_only=False), dtype="str")


def _utc(instants: pd.Series) -> pa.Array:
    return pa.array(instants.dt.as_unit("us"), ARROW_TYPES["timestamptz"], from_pandas=True)
