"""Time zones by their IANA names."""

from zoneinfo import ZoneInfo, available_timezones

from lib.errors import UsageError
from lib.util.similar import did_you_mean

__all__ = ["known_zone"]

NO_ZONES = {"Factory", "localtime"}  # files of zoneinfo that name no place; the second differs between machines


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
