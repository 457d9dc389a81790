"""Days, and time zones by their IANA names, as people write them."""

from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from lib.errors import UsageError
from lib.util.similar import did_you_mean

__all__ = ["known_day", "known_zone"]

NO_ZONES = {"Factory", "localtime"}  # files of zoneinfo that name no place; the second differs between machines


def known_day(value: object, name: str) -> datetime:
    """The start of a day, or an instant, in ISO 8601; `name` says what it is.

    Raises:
        UsageError: It is neither.
    """
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise UsageError(f"{name} is {value!r}; expected a day such as '2025-07-01'.") from error


def known_zone(name: str) -> str:
    """The name, if it is that of a time zone.

    Raises:
        UsageError: It is not; the message has the most similar name.
    """
    try:
        if name not in NO_ZONES:
            return ZoneInfo(name).key
        raise LookupError(name)
    except (LookupError, ValueError, OSError) as error:  # an unknown name, a path outside, a folder such as Europe
        meant = did_you_mean(name, available_timezones() - NO_ZONES)
        raise UsageError(
            f"unknown time zone {name!r}{meant}; expected an IANA name such as UTC or Europe/London. Correct time_zone."
        ) from error
