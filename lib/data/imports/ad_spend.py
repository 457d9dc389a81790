"""Daily reports of Google Ads and Meta Ads next to a shop's files: the spend of its campaigns."""

import re
from dataclasses import replace
from itertools import islice, product
from pathlib import Path

from lib.catalog import Column
from lib.data.imports import AUTO
from lib.data.imports.database import StagingDatabase
from lib.data.imports.headers import DELIMITERS, HEADER_RECORDS
from lib.data.imports.mapping import Layout, ReadOptions
from lib.data.imports.matching import samples_of
from lib.data.imports.sampling import Sample
from lib.data.imports.staging import Staged, stage
from lib.errors import DataError, UsageError

__all__ = ["REPORTS", "STATEMENTS", "compare_reports", "find_reports", "report_of", "stage_reports"]

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
FIELDS = tuple(column.name for column in ROWS)


def find_reports(data: Path, files: list[Path], named: list[str], folder: Path) -> dict[Path, Layout]:
    """The daily reports of a shop with the columns of their fields: of several files, each that is one.

    Args:
        data: The path in DATA.
        files: Every file there.
        named: `mapping.ad_spend`: names of reports in the folder of the shop's file.
        folder: For copies of workbooks.

    Raises:
        UsageError: A named report cannot be opened.
        DataError: It is not a report.
    """
    beside = {(data if data.is_dir() else data.parent) / name for name in named}
    several = files if len(files) > 1 else []
    found = {path: report_of(samples_of(path, folder)) for path in (*several, *sorted(beside))}
    for path in beside:
        if not found[path]:
            raise DataError(
                f"{path} is not a daily report of Google Ads or Meta Ads; expected columns Day, Campaign, Cost, Impr. "
                "and Clicks, or Day, Campaign name, Amount spent (USD), Impressions and Link clicks."
            )
    return {path: layout for path, layout in found.items() if layout}


def report_of(samples: list[Sample]) -> Layout | None:
    """The report of a file, or of one of its sheets; its header may stand below a title. None if it is not a report."""
    for sample, delimiter in product(samples, DELIMITERS):
        first = islice(sample.rows(delimiter, 0), HEADER_RECORDS)
        for header, (report, patterns) in product(first, REPORTS.items()):
            names = {
                field: next((name for name in header if re.fullmatch(pattern, name.strip())), "")
                for field, pattern in patterns.items()
            }
            if all(names[field] for field in NEEDED):
                return Layout(report, ROWS, names, NEEDED)
    return None


def stage_reports(found: dict[Path, Layout], options: ReadOptions, folder: Path) -> list[Staged]:
    """The rows of the reports, for each platform; empty without any.

    Raises:
        DataError: The reports of a platform have different columns.
    """
    options = replace(
        options, delimiter=AUTO, encoding=AUTO, decimal=AUTO, date_format=AUTO, ignore_extra=True,
        if_unclear=options.if_unclear | {"decimal": "."}, null_words=[*options.null_words, "--"],
    )  # fmt: skip
    staged = []
    for report in REPORTS if found else ():
        paths = [path for path, layout in found.items() if layout.name == report]
        layouts = [found[path] for path in paths] or [Layout(report, ROWS, dict.fromkeys(FIELDS, ""), NEEDED)]
        if differing := [path for path in paths if found[path] != layouts[0]]:
            raise DataError(f"{paths[0]} and {differing[0]} have different columns. Export the reports in one way.")
        staged.append(stage(paths, layouts[0], options, folder))
    return staged


def compare_reports(database: StagingDatabase, reports: list[Staged], currency: str) -> None:
    """Reject rows in another currency than the shop's, and drop totals and the days of campaigns that a newer file has.

    Raises:
        UsageError: A whole report is in another currency.
    """
    for report in reports:
        of_column = re.fullmatch(r".*\(([A-Z]{3})\)", report.layout.names["spend"])
        if of_column and of_column[1] != currency:
            raise UsageError(f"{report.file} is in {of_column[1]}; expected {currency}, the currency of the shop.")
        for rule in ("other_currency_of_report", "totals"):
            database.run(rule, {"currency": currency}, source=report.layout.name)
        if len(report.parts) > 1:
            database.run("other_parts", source=report.layout.name, order="day || ' ' || campaign", item="1", time="day")
