"""Daily reports of Google Ads and Meta Ads next to a shop's files: the spend of its campaigns."""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice, product
from pathlib import Path
from typing import Any

from lib.catalog import Column
from lib.data.imports.mapping import Layout, ReadOptions
from lib.data.imports.records import records
from lib.data.imports.staging import Staged, StagingDatabase, stage
from lib.errors import DataError, UsageError

__all__ = ["REPORTS", "STATEMENTS", "compare_reports", "stage_reports"]

STATEMENTS = "ad_spend"  # name of the file with the statements
ROWS = (
    Column("day", "date", "Day; empty in a total.", optional=True),
    Column("campaign", "text", "Name of the campaign.", most_characters=200),
    Column("spend", "money", "Amount spent.", optional=True, least=0),
    Column("impressions", "integer", "Times the advertisement was shown.", optional=True, least=0),
    Column("clicks", "integer", "Clicks on the advertisement.", optional=True, least=0),
    Column("currency", "text", "Currency of the amounts.", optional=True, most_characters=3),
)
# Report -> a pattern of the column of each field; the first column that fits is used.
REPORTS = {
    "google_ads": {
        "day": "Day", "campaign": "Campaign", "spend": "Cost", "impressions": r"Impr(essions|\.)", "clicks": "Clicks",
        "currency": "Currency code",
    },
    "meta_ads": {
        "day": "Day|Reporting starts", "campaign": "Campaign name", "spend": r"Amount spent \(([A-Z]{3})\)",
        "impressions": "Impressions", "clicks": r"Link clicks|Clicks \(all\)", "currency": "Currency",
    },
}  # fmt: skip
NEEDED = frozenset({"day", "campaign", "spend", "impressions", "clicks"})
HEADER_RECORDS = 10  # a report may begin with its title and its period


def stage_reports(data: Path, mapping: Mapping[str, Any], options: ReadOptions, folder: Path) -> list[Staged]:
    """The rows of the reports that `mapping.ad_spend` names, in the folder of the shop's files; empty if it names none.

    Raises:
        UsageError: The format has campaigns of its own, or a report cannot be opened.
        DataError: A file is not a report, or two are of the same platform.
    """
    if not mapping["ad_spend"]:
        return []
    if mapping["format"] == "tables":
        raise UsageError(
            "mapping.ad_spend is set, but format tables reads marketing_campaigns.csv. Add the campaigns there."
        )
    options = replace(
        options, delimiter=",", encoding="utf-8-sig", decimal=".", date_format="", ignore_extra=True,
        null_words=[*options.null_words, "--"],
    )  # fmt: skip
    names = dict.fromkeys((column.name for column in ROWS), "")
    found: dict[str, tuple[Path | None, Layout]] = {name: (None, Layout(name, ROWS, names, NEEDED)) for name in REPORTS}
    for name in mapping["ad_spend"]:
        path = (data if data.is_dir() else data.parent) / name
        layout = _layout(path, options)
        if found[layout.name][0]:
            raise DataError(f"{path} is a second report of {layout.name}. Join the reports of a platform in one file.")
        found[layout.name] = path, layout
    return [stage([path] if path else [], layout, options, folder) for path, layout in found.values()]


def compare_reports(database: StagingDatabase, reports: list[Staged], currency: str) -> None:
    """Reject rows in another currency than the shop's, and drop totals.

    Raises:
        UsageError: A whole report is in another currency.
    """
    for report in reports:
        of_column = re.fullmatch(r".*\(([A-Z]{3})\)", report.layout.names["spend"])
        if of_column and of_column[1] != currency:
            raise UsageError(f"{report.file} is in {of_column[1]}; expected {currency}, the currency of the shop.")
        for rule in ("other_currency_of_report", "totals"):
            database.run(rule, {"currency": currency}, source=report.layout.name)


def _layout(path: Path, options: ReadOptions) -> Layout:
    """The report that the file is, with the columns of its fields; its title above the header is skipped later."""
    first = list(islice(records(path, options), HEADER_RECORDS))
    for (_, _, header), (report, patterns) in product(first, REPORTS.items()):
        names = {
            field: next((name for name in header if re.fullmatch(pattern, name.strip())), "")
            for field, pattern in patterns.items()
        }
        if all(names[field] for field in NEEDED):
            return Layout(report, ROWS, names, NEEDED)
    raise DataError(
        f"{path} is not a daily report of Google Ads or Meta Ads; expected the columns Day, Campaign, Cost, Impr. and "
        "Clicks, or Day, Campaign name, Amount spent (USD), Impressions and Link clicks."
    )
