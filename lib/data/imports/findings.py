"""The table of what was recognised in a file, from what, and how many rows agree."""

from collections.abc import Collection

from lib.data.imports import AUTO
from lib.data.imports.dates import Dates
from lib.data.imports.mapping import ReadOptions
from lib.data.imports.numbers import Numbers, currency_of

__all__ = ["findings"]

UNCLEAR = ("dates", "decimal")  # settings of mapping.if_unclear
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", ".": "point", " ": "space", "'": "apostrophe"}


def findings(
    given: ReadOptions,
    found: ReadOptions,
    evidence: str,
    numbers: Numbers,
    dates: Dates,
    matched: str,
    shared: Collection[str] = (),
) -> list[dict[str, str]]:
    """The table of what was recognised; `shared` names what other files of the export decide."""

    def source(setting: str, seen: str) -> str:
        return seen if getattr(given, setting) == AUTO else f"mapping.{setting}"

    decimal = _named(found.decimal) + (f"; {_named(found.thousands)} for thousands" if found.thousands else "")
    agree = f"{numbers.agree:,} of {numbers.cells:,} numbers" if numbers.cells else "no numbers"
    in_dates = f"{dates.agree:,} of {dates.cells:,} dates" if dates.cells else "no dates"
    if dates.both_ways == dates.cells > 0:
        in_dates += f"; {dates.both_ways:,} of {dates.cells:,} dates read both ways"
    if dates.serials:
        in_dates += f"; {dates.serials:,} are Excel serial numbers"
    offsets = f"{dates.offsets:,} of {dates.cells:,} dates have an offset" if dates.cells else "no dates"
    usual = {name: "other files of the export" if name in shared else "mapping.if_unclear" for name in UNCLEAR}
    date_evidence = usual["dates"] if len(dates.formats) > 1 else "all dates of a sample"
    number_evidence = usual["decimal"] if len(numbers.styles) > 1 else f"{numbers.telling:,} numbers with a separator"
    rows = [
        ("header line", str(found.header_line), "the names of the columns", matched),
        ("delimiter", _named(found.delimiter), source("delimiter", "the header"), matched),
        ("encoding", found.encoding.removesuffix("-sig"), evidence, ""),
        ("decimal", decimal, source("decimal", number_evidence), agree),
        ("dates", found.date_format or "ISO 8601", source("date_format", date_evidence), in_dates),
        ("time zone", found.time_zone, "mapping.time_zone or time_zone", offsets),
    ]
    if found.sign:
        rows.append(("currency", currency_of(found.sign), f"the sign {found.sign} of amounts", ""))
    return [dict(zip(("setting", "value", "from_what", "agree"), row, strict=True)) for row in rows]


def _named(character: str) -> str:
    return NAMES.get(character, character)
